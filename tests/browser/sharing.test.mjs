// A patient hands their images to a doctor without an account, who opens them with the PIN, looks, saves, and is shut out when
// the patient ends it; a clinician orders imaging, chooses studies for a case, copies without identity; a hospital sets its
// templates and clocks.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DESKTOP, PHONE, accessible, fits, picture } from './lib/browser.mjs';
import { patientOf, send } from './lib/dataset.mjs';
import { submit } from './lib/job.mjs';
import { slices } from './lib/objects.mjs';
import { ROLES } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();
const COUNT = 5;
/** The patient as their hospital numbers them. */
let number;

/** The patient’s study among their own images, once it has come whole. */
async function ownStudy(page) {
  for (let i = 0; i < 40; i += 1) {
    await page.goto('/me/images');
    const link = page.locator('main a[href^="/me/images/"]', { hasText: 'Phantom with all kinds' });
    if (await link.count()) return link.first().getAttribute('href');
    await page.waitForTimeout(1_000);
  }
  throw new Error('the study did not come');
}

const doctorAt = () => on.person({ login: ROLES.clinician, viewport: DESKTOP });

/** The patient’s study, sent once. */
let sent;
const prepared = () => (sent ??= prepare());

async function prepare() {
  const patient = await on.person({ login: ROLES.patient });
  await patient.page.goto('/me');
  const found = await patient.page.request.get('/fhir/yarqum/Patient');
  const resource = (await found.json()).entry[0].resource;
  number = resource.identifier[0].value;
  await patient.close();
  const doctor = await doctorAt();
  await doctor.page.goto('/profile');
  await send(doctor.page, 'yarqum', slices(patientOf(resource), COUNT));
  await doctor.close();
}

test('a link with a PIN opens the study to a stranger until the patient ends it', { timeout: 180_000 }, async () => {
  await prepared();
  const patient = await on.person({ login: ROLES.patient, viewport: PHONE });
  const { page } = patient;
  const study = await ownStudy(page);
  await accessible(page);
  await page.goto(`${study}/share`);
  await accessible(page);
  await fits(page);
  await page.locator('[name=to]').fill('Dr Meyer, heart clinic');
  await page.locator('[name=download]').check();
  await page.locator('form:has([name=to]) button').first().click();
  await page.waitForSelector('#share-pin');
  await accessible(page);
  await picture(page, 'share');
  const address = new URL(await page.locator('#share-address').inputValue()).pathname;
  const pin = (await page.locator('#share-pin').innerText()).trim();
  assert.match(pin, /^\d{6}$/);

  const doctor = await on.person({ viewport: DESKTOP });
  const outside = doctor.page;
  await outside.goto(address);
  await accessible(outside);
  await fits(outside);
  await outside.locator('[name=pin]').fill(pin === '111111' ? '222222' : '111111');
  await outside.locator('form:has([name=pin]) button').click();
  await outside.waitForSelector('.problems');
  await outside.locator('[name=pin]').fill(pin);
  await submit(outside, 'form:has([name=pin])');
  const shared = new URL(outside.url()).pathname;
  assert.match(shared, /^\/shared\//);
  await accessible(outside);
  await fits(outside);
  await picture(outside, 'shared');
  await outside.goto(`${shared}/images`);
  await outside.waitForSelector('[data-viewer][data-ready]', { timeout: 60_000 });
  const whole = (want) => document.querySelector('.vw-pane')?.dataset.loaded === want;
  await outside.waitForFunction(whole, String(COUNT), { timeout: 60_000 });
  await accessible(outside);
  // The way to anything else is closed.
  for (const path of ['/me/images', '/patients', '/fhir/yarqum/Patient', `/dicomweb/yarqum/studies`]) {
    const answer = await outside.request.get(path, { maxRedirects: 0 });
    assert.ok([303, 401].includes(answer.status()), `${path}: ${answer.status()}`);
  }

  // The files: an archive that unzip and dcmtk take.
  const saved = await outside.request.get(`${shared}/zip`);
  assert.equal(saved.headers()['content-type'], 'application/zip');
  const folder = mkdtempSync(join(tmpdir(), 'karez-zip-'));
  try {
    const zip = join(folder, 'study.zip');
    writeFileSync(zip, await saved.body());
    execFileSync('unzip', ['-q', zip, '-d', folder]);
    const files = Array.from({ length: COUNT }, (_, i) => join(folder, 'DICOM', 'SE000001', `IM${String(i + 1).padStart(6, '0')}`));
    const tested = execFileSync('dcmftest', [...files, join(folder, 'DICOMDIR')]).toString();
    assert.equal(tested.match(/^yes:/gm).length, COUNT + 1);
    const directory = execFileSync('dcmdump', ['+P', '0004,1500', join(folder, 'DICOMDIR')]).toString();
    assert.equal(directory.match(/DICOM\\SE000001\\IM/g).length, COUNT);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  await page.goto('/me/readers');
  assert.match(await page.locator('main').innerText(), /Dr Meyer/);
  await page.goto(`${study}/share`);
  await submit(page, 'form[action$="/share/end"]');
  await accessible(page);
  const after = await outside.goto(shared);
  assert.equal(after.status(), 404);
  await doctor.close();
  await patient.close();
});

test('imaging is ordered, studies are chosen for a case, a copy goes without identity', { timeout: 180_000 }, async () => {
  await prepared();
  const doctor = await doctorAt();
  const { page } = doctor;
  await page.goto(`/search?q=${encodeURIComponent(number)}`);
  const patient = await page.locator('main a[href^="/patients/"]').first().getAttribute('href');
  await page.goto(`${patient}/imaging`);
  await accessible(page);
  await page.setViewportSize(PHONE);
  await fits(page);
  await page.setViewportSize(DESKTOP);
  await page.locator('[name=modality]').selectOption('CT');
  await page.locator('[name=procedure]').fill('CT of the chest');
  await page.locator('[name=reason]').fill('Cough for six weeks.');
  await page.locator('[name=urgency][value=urgent]').check();
  await submit(page, 'form[action$="/imaging"]');
  assert.equal(await page.locator('#orders li').count(), 1);
  await accessible(page);
  await picture(page, 'orders');

  await page.goto(patient);
  await submit(page, `form[action="${patient}/cases"]`);
  const base = new URL(page.url()).pathname.match(/^\/cases\/[^/]+\/[^/]+/)[0];
  await page.goto(`${base}/studies`);
  await accessible(page);
  await page.locator('[name=study]').first().check();
  await submit(page, `form[action="${base}/studies"]`);
  await page.goto(`${base}/studies`);
  assert.ok(await page.locator('[name=study]').first().isChecked());
  await picture(page, 'attach');

  await page.goto('/deidentify');
  const refused = await page.locator('main').innerText();
  assert.match(refused, /privilege/);
  await doctor.close();
});

test('an administrator sets templates, phrases and clocks', { timeout: 120_000 }, async () => {
  const person = await on.person({ login: ROLES.administrator, viewport: DESKTOP });
  const { page } = person;
  await page.goto('/hospital/reading');
  await accessible(page);
  await page.setViewportSize(PHONE);
  await fits(page);
  await page.setViewportSize(DESKTOP);
  await picture(page, 'hospital-reading', { fullPage: true });
  await page.goto('/hospital/reading/templates/new');
  await accessible(page);
  await page.locator('[name=title]').fill('CT of the chest, our way');
  await page.locator('[name=modality]').fill('CT');
  await page.locator('[name=fields]').fill('Nodule | mm\nMargin | | smooth, spiculated');
  await submit(page, 'form:has([name=title])');
  assert.equal(await page.locator('a[href^="/hospital/reading/templates/"]', { hasText: 'our way' }).count(), 1);
  await page.locator('#response-0').fill('0');
  await page.locator('form[action$="/clocks"] button').click();
  await page.waitForSelector('.problems');
  await accessible(page);
  await page.locator('#response-0').fill('30');
  await submit(page, 'form[action$="/clocks"]');
  assert.equal(await page.locator('#response-0').inputValue(), '30');
  await person.close();
});
