// Starts a Karez of its own with the demonstration network, in a temporary folder on a free port.

import { spawn, execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = new URL('../../..', import.meta.url).pathname;
/** The program under test. */
export const binary = process.env.KAREZ_BIN ?? join(root, 'target/debug/karez');

/** The password of every demonstration account (crates/demo). */
export const PASSWORD = 'snow melts into the karez';

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Runs `karez demo` until `stop()`. Resolves once it is ready. KAREZ_BASE names one that runs already. With `host` it is
 * reached under that name.
 */
export async function startKarez({ host, env = {} } = {}) {
  if (process.env.KAREZ_BASE) return { base: process.env.KAREZ_BASE, log: () => '', stop: async () => {} };
  const data = mkdtempSync(join(tmpdir(), 'karez-browser-'));
  const port = host ? await freePort() : 0;
  const named = host ? { KAREZ_SERVER_PUBLIC_URL: `http://${host}:${port}` } : {};
  const child = spawn(binary, ['demo', '--data', data, '--listen', `127.0.0.1:${port}`], {
    env: { KAREZ_DICOM_LISTEN: '127.0.0.1:0', ...process.env, ...named, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  child.stderr.on('data', (chunk) => {
    said.push(chunk.toString());
    if (said.length > 400) said.shift();
  });
  const { base, dicom } = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      try {
        const ready = JSON.parse(line);
        if (ready.base) resolve(ready);
      } catch {
        // Not the ready line.
      }
    });
    child.once('exit', (code) => reject(new Error(`karez ended with ${code}:\n${said.join('')}`)));
    child.once('error', reject);
  });
  return {
    base,
    /** Where it listens for DICOM: `127.0.0.1:11112`. */
    dicom,
    data,
    log: () => said.join(''),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A transaction bundle of a patient the network does not know, as another system would export it. */
export function arrivingBundle() {
  return execFileSync(binary, ['demo', '--print-bundle'], { maxBuffer: 64 << 20 });
}
