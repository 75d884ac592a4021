// A slow line: 400 kbit/s with 300 ms of delay. Pages weigh at most 100 KB on first load and are useful within a second
// once the connection stands.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { ROLES } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const FIRST_LOAD_BYTES_MAX = 100_000;
const USEFUL_MS_MAX = 1_000;
const LATENCY_MS = 300;
const BYTES_PER_S = 400_000 / 8;

const on = stage();

/** Bytes over the line, milliseconds the line takes until the first paint, and as measured; with nothing cached. */
async function firstLoad(page, path) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.clearBrowserCache');
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => (bytes += event.encodedDataLength));
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: LATENCY_MS,
    downloadThroughput: BYTES_PER_S,
    uploadThroughput: BYTES_PER_S,
  });
  // The script comes after the first paint and is weighed too.
  const script = page.waitForEvent('requestfinished', (request) => /\/assets\/app-/.test(request.url()));
  await page.goto(path, { waitUntil: 'load' });
  await script;
  const painted = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  const measured = await painted.jsonValue();
  // The page, then what its head names: two answers of the server, one after the other, and their bytes.
  const needed = await page.evaluate(() => {
    const head = [...document.head.querySelectorAll('link[rel=stylesheet], script[src]')].map((e) => e.href ?? e.src);
    const sizes = performance.getEntriesByType('resource').filter((r) => head.includes(r.name)).map((r) => r.transferSize);
    return sizes.reduce((sum, size) => sum + size, performance.getEntriesByType('navigation')[0].transferSize);
  });
  const useful = 2 * LATENCY_MS + (needed / BYTES_PER_S) * 1_000;
  await session.detach();
  return { bytes, useful, measured };
}

for (const [role, paths] of [
  [undefined, ['/sign-in']],
  ['clinician', ['/patients', '/cases']],
  ['coordinator', ['/inbox']],
  ['consultant', ['/worklist']],
  ['administrator', ['/agreements', '/people']],
  ['patient', ['/me']],
]) {
  test(`first load of ${paths.join(', ')}`, async (t) => {
    for (const path of paths) {
      const someone = await on.person({ login: role && ROLES[role] });
      const { bytes, useful, measured } = await firstLoad(someone.page, path);
      // What the line allows is asserted; what this machine makes of it is told.
      t.diagnostic(
        `${path}: ${Math.round(bytes / 1000)} KB, useful after ${Math.round(useful)} ms of line, measured ${Math.round(measured)} ms`,
      );
      assert.ok(bytes > 1_000 && bytes <= FIRST_LOAD_BYTES_MAX, `${path} weighs ${bytes} bytes`);
      assert.ok(useful > 2 * LATENCY_MS && useful <= USEFUL_MS_MAX, `${path} is useful after ${useful} ms of line`);
      await someone.close();
    }
  });
}
