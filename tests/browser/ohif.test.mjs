// Another house's viewer on our DICOMweb: OHIF lists the studies of a hospital, opens one, and shows its pixels.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { DESKTOP, launch } from './lib/browser.mjs';
import { binary, startKarez } from './lib/karez.mjs';
import { serveOhif } from './lib/ohif.mjs';

const HOSPITAL = 'qumtagh';

/** What a canvas shows: how many shades, and how much of it is neither the darkest nor the brightest. */
const shades = (canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Map();
  for (let i = 0; i < data.length; i += 4) seen.set(data[i], (seen.get(data[i]) ?? 0) + 1);
  const middle = [...seen].filter(([v]) => v > 40 && v < 220).reduce((sum, [, n]) => sum + n, 0);
  return { shades: seen.size, middle: middle / (data.length / 4) };
};

test('OHIF lists the studies of a hospital and opens one of two series', { timeout: 240_000 }, async () => {
  const karez = await startKarez();
  const token = execFileSync(binary, ['admin', 'token', '--data', karez.data, '--hospital', HOSPITAL, '--role', 'clinician'], {
    encoding: 'utf8',
  }).trim();
  const ohif = await serveOhif({ base: karez.base, hospital: HOSPITAL, token });
  const browser = await launch();
  try {
    const page = await (await browser.newContext({ viewport: DESKTOP })).newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));

    const answer = await fetch(`${ohif.base}/dicomweb/${HOSPITAL}/studies?ModalitiesInStudy=MR`);
    const [study] = await answer.json();
    const uid = study['0020000D'].Value[0];
    const accession = study['00080050'].Value[0];

    await page.goto(ohif.base);
    const row = page.locator(`text=${accession}`).first();
    await row.waitFor({ timeout: 60_000 });
    const listed = await page.locator('[data-cy="studyRow"], tr').count();
    assert.ok(listed >= 5, `${listed} rows`);

    await page.goto(`${ohif.base}/viewer?StudyInstanceUIDs=${uid}`);
    const canvas = page.locator('canvas.cornerstone-canvas').first();
    await canvas.waitFor({ timeout: 90_000 });
    let seen;
    for (let tries = 0; tries < 120; tries += 1) {
      seen = await canvas.evaluate(shades);
      if (seen.shades > 60 && seen.middle > 0.05) break;
      await page.waitForTimeout(500);
    }
    assert.ok(seen.shades > 60 && seen.middle > 0.05, `${JSON.stringify(seen)} ${JSON.stringify(ohif.asked.slice(-12))}`);
    // Both series are offered, with how many images each has.
    await page.locator('text=T1 axial').first().waitFor();
    await page.locator('text=FLAIR axial').first().waitFor();
    if (process.env.KAREZ_SCREENSHOT_OHIF) await page.screenshot({ path: process.env.KAREZ_SCREENSHOT_OHIF });

    const failed = ohif.asked.filter((a) => a.status >= 400);
    assert.deepEqual(failed, [], 'every request of the viewer is answered');
    const kinds = ['/studies?', '/metadata', '/frames/'];
    for (const kind of kinds) assert.ok(ohif.asked.some((a) => a.path.includes(kind)), `${kind} was asked`);
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
    await ohif.stop();
    await karez.stop();
  }
});
