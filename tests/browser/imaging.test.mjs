// A study is opened, measured against known geometry, reported, signed and acknowledged. The archive's DICOMweb is played by
// the test (lib/phantom.mjs); pages, documents, signatures and notices are Karez's own.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, accessible, fits } from './lib/browser.mjs';
import { acknowledge, importPatient, raiseAndSign, submit } from './lib/job.mjs';
import { arrivingBundle } from './lib/karez.mjs';
import { BALL_HU, BALL_MM, PIXEL_MM, door, imagingStudy, series } from './lib/phantom.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();
const STUDY = '1.2.826.0.1.3680043.10.999.1';
const ALL = [series({ study: STUDY, number: 1 }), series({ study: STUDY, number: 2, gap: 11 })];
/** One who reads, and one who treats, at one hospital. */
const READER = { login: 'luojing@qumtagh.example' };
const TREATING = { login: 'adalet@qumtagh.example' };

/** A patient with the phantom study, brought in by import; the patient's address. */
async function withStudy(page) {
  const bundle = JSON.parse(arrivingBundle());
  const patient = bundle.entry.find((e) => e.resource.resourceType === 'Patient');
  const subject = patient.fullUrl ?? `Patient/${patient.resource.id}`;
  bundle.entry.push({
    fullUrl: 'urn:uuid:6f3b2c1e-0000-4000-8000-000000000001',
    resource: imagingStudy({ study: STUDY, subject, all: ALL }),
    request: { method: 'POST', url: 'ImagingStudy' },
  });
  return importPatient(page, 'record.json', Buffer.from(JSON.stringify(bundle)));
}

async function ready(page) {
  await page.waitForSelector('[data-viewer][data-ready]', { timeout: 60_000 });
  const whole = (want) => document.querySelector('.vw-pane')?.dataset.loaded === want;
  await page.waitForFunction(whole, String(ALL[0].length), { timeout: 30_000 });
}

/** Drags across the middle of the picture, so many millimetres in all; an ellipse is drawn out of its centre. */
async function drag(page, x_mm, y_mm, { outOfCentre = false, below_mm = 0 } = {}) {
  const box = await page.locator('.vw-pane').first().boundingBox();
  const scale = Math.min(box.width, box.height) / (128 * PIXEL_MM);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2 + below_mm * scale];
  const start = outOfCentre ? 0 : -0.5;
  await page.mouse.move(x + start * x_mm * scale, y + start * y_mm * scale);
  await page.mouse.down();
  await page.mouse.move(x + 1, y + 1);
  await page.mouse.move(x + (x_mm / 2) * scale, y + (y_mm / 2) * scale);
  await page.mouse.up();
}

const measured = (page) => page.locator('#vw-measures li .link').allInnerTexts();

test('from the images to the signed report and the acknowledged finding', { timeout: 240_000 }, async () => {
  const doctor = await on.person({ ...TREATING, viewport: DESKTOP });
  const patient = await withStudy(doctor.page);
  await doctor.page.goto('/critical');
  const reader = await on.person({ ...READER, viewport: DESKTOP });
  const { page } = reader;
  await page.goto(patient);
  await accessible(page);
  const images = await page.locator('#studies a[href^="/images/"]').getAttribute('href');

  const asked = await door(page, ALL);
  await page.goto(images);
  await ready(page);
  await accessible(page);
  await fits(page);
  // The first to be fetched is the first to be seen: highest in the body, although its number is the last.
  assert.equal(asked[0], ALL[0].at(-1).sop);

  await page.locator('.vw-pane').first().focus();
  for (let i = 0; i < 12; i += 1) await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('.vw-pane').dataset.index === '12');
  await page.keyboard.press('l');
  await drag(page, BALL_MM, 0);
  await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 1);
  const [length] = (await measured(page))[0].match(/[\d.]+(?= mm)/);
  assert.ok(Math.abs(Number(length) - BALL_MM) < 1, `the ball measures ${length} mm`);

  // Inside the ball every value is the ball's.
  await page.keyboard.press('e');
  await drag(page, 24, 24, { outOfCentre: true, below_mm: 14 });
  await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 2);
  const inside = (await measured(page)).find((t) => t.startsWith('Ellipse'));
  assert.match(inside, new RegExp(`mean ${BALL_HU}\\.0 ± 0\\.0 HU`));

  // The same by keyboard alone: a cross, two points, forty steps of two pixels between them.
  await page.keyboard.press('l');
  await page.keyboard.press('x');
  await page.keyboard.press('Enter');
  for (let i = 0; i < 4; i += 1) await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Enter');
  await page.keyboard.press('x');
  await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 3);
  await page.keyboard.press('k');
  await page.waitForFunction(() => document.querySelector('#vw-kept').textContent !== '');

  // A slice that did not come is said in words, and planes are refused with the reason.
  await page.locator('[data-series]').nth(1).click();
  await page.waitForFunction(() => document.querySelector('#vw-notes').textContent.includes('missing'));
  await page.locator('.vw-pane').first().focus();
  await page.keyboard.press('m');
  assert.match(await page.locator('#vw-status').innerText(), /even, upright/);

  // Kept: opened again, everything stands where it was.
  await page.reload();
  await ready(page);
  await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 3);
  assert.equal(await page.locator('#vw-keys li').count(), 1);

  // Read, with a critical finding on the way.
  await page.goto(patient);
  await submit(page, '#studies form');
  await accessible(page);
  const reading = new URL(page.url()).pathname;
  await page.locator('#measure').selectOption({ index: 1 });
  assert.match(await page.locator('[name=findings]').inputValue(), /mm/);
  await page.locator('[name=impression]').fill('A ball.');
  await raiseAndSign(page, 'Tension pneumothorax.');
  const pdf = await page.request.get(await page.locator('main a[href*="/pdf/"]').first().getAttribute('href'));
  assert.equal((await pdf.body()).subarray(0, 5).toString(), '%PDF-');

  // It stands in the record and among what was reported.
  await page.goto('/readings?tab=done');
  assert.equal(await page.locator(`#readings a[href="${reading}"]`).count(), 1);
  await page.goto(patient);
  await page.locator('main a[href*="/DiagnosticReport/"]').first().click();
  assert.ok(await page.locator('main a[href^="/reports/"]').count(), 'the entry leads to what was signed');

  // The finding has come to the doctor's open page by itself, and their answer goes back to the reader.
  await acknowledge(doctor.page, reading, 'Drain placed.');
  await page.goto(reading);
  assert.match(await page.locator('main').innerText(), /Drain placed\./);
  await page.goto('/notices');
  assert.match(await page.locator('main').innerText(), /acknowledged/);
  await doctor.close();
  await reader.close();
});

for (const [locale, viewport] of [
  ['en', DESKTOP],
  ['zh-CN', PHONE],
]) {
  test(`lists and viewer look right, ${locale}`, { timeout: 120_000 }, async () => {
    const reader = await on.person({ ...READER, viewport, locale });
    const { page } = reader;
    await page.goto('/readings?tab=done');
    await accessible(page);
    await fits(page);
    const reading = await page.locator('#readings a[href^="/readings/"]').first().getAttribute('href');
    await page.goto(reading);
    await accessible(page);
    await fits(page);
    await door(page, ALL);
    await page.goto(await page.locator('main a[href^="/images/"]').first().getAttribute('href'));
    await ready(page);
    await accessible(page);
    await fits(page);
    await reader.close();
  });
}
