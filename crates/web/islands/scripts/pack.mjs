// Compresses what Vite wrote and lists it for build.rs: one line per asset, "logical name<TAB>file name".
// A file's name holds the hash of its content, so what was compressed once is taken from the cache.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync, readdirSync } from 'node:fs';
import { join, basename } from 'node:path';
import { brotliCompressSync, gzipSync, constants } from 'node:zlib';

const out = process.env.KAREZ_ASSETS_OUT ?? 'dist';
const cache = 'node_modules/.cache/karez-packed';
mkdirSync(cache, { recursive: true });
const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
const logical = new Map();
for (const entry of Object.values(manifest)) {
  if ((entry.isEntry || entry.isDynamicEntry) && entry.file) {
    const ending = entry.file.slice(entry.file.lastIndexOf('.'));
    logical.set(entry.file, basename(entry.src ?? entry.name).replace(/\.[^.]+$/, '') + ending);
  }
}
const lines = [];
for (const file of readdirSync(out).sort()) {
  if (!/\.(js|css|svg|png|ico|wasm)$/.test(file)) continue;
  const bytes = readFileSync(join(out, file));
  const packed = (ending, compress) => {
    const kept = join(cache, `${file}.${bytes.length}${ending}`);
    if (!existsSync(kept)) writeFileSync(kept, compress());
    copyFileSync(kept, join(out, `${file}${ending}`));
  };
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  packed('.br', () => brotliCompressSync(bytes, { params }));
  packed('.gz', () => gzipSync(bytes, { level: 9 }));
  lines.push(`${logical.get(file) ?? file}\t${file}`);
}
writeFileSync(join(out, 'assets.txt'), lines.join('\n') + '\n');
