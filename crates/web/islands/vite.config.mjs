// Builds the style sheet and the scripts with hashed names. The output folder comes from build.rs.
import { defineConfig } from 'vite';
import { without } from './scripts/without.mjs';

export default defineConfig({
  base: '/assets/',
  // vtk.js asks for Node's own module, which the package of the same name stands in for.
  resolve: { alias: { events: 'events/events.js' } },
  plugins: [without()],
  worker: { format: 'es' },
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: process.env.KAREZ_ASSETS_OUT ?? 'dist',
    emptyOutDir: true,
    assetsDir: '',
    manifest: 'manifest.json',
    modulePreload: false,
    assetsInlineLimit: 0,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    rollupOptions: {
      input: { boot: 'src/boot.ts', style: '../styles/main.css', images: '../styles/images.css' },
    },
  },
});
