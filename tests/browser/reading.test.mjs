// A scanner at a remote hospital sends a study by C-STORE; a radiologist elsewhere sees it arrive, reads, measures, reports and
// signs; the doctor who treats acknowledges what cannot wait. Nothing is played: objects, lines and pixels are real.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, accessible, fits, picture, signIn } from './lib/browser.mjs';
import { ct, scanner, send } from './lib/dicom.mjs';
import { acknowledge, ask, importPatient, raiseAndSign, submit } from './lib/job.mjs';
import { arrivingBundle } from './lib/karez.mjs';
import { BALL_HU, BALL_MM, BODY_HU, PIXEL_MM } from './lib/phantom.mjs';
import { stage } from './lib/stage.mjs';
import { centre, drag, grey, measured, shown, viewer } from './lib/viewer.mjs';
import { WORDS } from './lib/words.mjs';

const on = stage();
const STUDY = '1.2.826.0.1.3680043.10.999.7';
const PRIOR = '1.2.826.0.1.3680043.10.999.6';
const COUNT = 25;
const TREATING = 'tursun@yarqum.example';
const ADMIN = 'adil-yarqum@yarqum.example';
const READER = 'sunmin@qumtagh.example';
const SECOND = 'luojing@qumtagh.example';

/** The smallest PNG there is: one grey point. */
const POINT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);
const bundle = () => JSON.parse(arrivingBundle());
/** The patient of the study as the scanner's worklist would have named them. */
let patient;

/** The scanner may send, and the patient is known as it names them. */
async function prepare() {
  const resource = bundle().entry.find((e) => e.resource.resourceType === 'Patient').resource;
  const { system, value } = resource.identifier.find((i) => i.value?.startsWith('TG-'));
  const { family, given } = resource.name.find((n) => n.family) ?? {};
  patient = {
    id: value,
    name: `${family}^${given?.[0] ?? ''}`,
    birth: resource.birthDate.replaceAll('-', ''),
    sex: resource.gender === 'female' ? 'F' : 'M',
  };
  const admin = await on.person({ login: ADMIN, choose: 'yarqum' });
  await scanner(admin.page, { called: 'YARQUM', issuer: system });
  await admin.close();
}

/** Waits until the patient's page lists a study as a whole. */
async function arrived(page, address, name) {
  const line = page.locator('#studies li', { hasText: name }).filter({ hasText: `${COUNT} images` });
  for (let n = 0; n < 40; n += 1) {
    await page.goto(address);
    if (await line.count()) return;
    await page.waitForTimeout(500);
  }
  assert.fail(`${name} is not listed`);
}

/** Window of 400 around 40, as the phantom asks for: HU to grey (PS3.3 C.11.2.1.2.1). */
const GREY = (hu, centre_hu = 40, width = 400) =>
  Math.round(255 * Math.min(1, Math.max(0, (hu - (centre_hu - 0.5)) / (width - 1) + 0.5)));
const close = (a, b, what) => assert.ok(Math.abs(a - b) <= 3, `${what}: ${a}, expected ${b}`);

test('from the scanner to the acknowledged finding', { timeout: 300_000 }, async (t) => {
  /** A step that rests on those before it. */
  let stands = true;
  const step = async (name, act) => {
    if (!stands) return;
    stands = false;
    await t.test(name, async () => {
      await act();
      stands = true;
    });
  };
  await prepare();
  const home = await on.person({ login: TREATING });
  const reader = await on.person({ login: READER });
  const { page } = reader;
  let reading;
  let images;

  await step('a case is asked and accepted', async () => {
    const address = await importPatient(home.page, 'record.json', arrivingBundle());
    // An earlier study, so that imaging is part of the record that is shared, and something to compare with.
    const earlier = { study: PRIOR, count: COUNT, ball: 40, date: '20260401', description: 'Earlier phantom', patient };
    send(on.karez, ct(earlier), { called: 'YARQUM' });
    await arrived(home.page, address, 'Earlier phantom');
    const asked = await ask(home.page, address, WORDS.en, {
      partner: 'qumtagh', specialty: 'cardiology', consentLanguage: 'ug', picture: POINT,
    });
    const desk = await on.person({ login: 'gulnar@qumtagh.example' });
    await desk.page.goto(asked);
    if (await desk.page.locator('form[action$="/accept"]').count()) {
      await submit(desk.page, 'form[action$="/accept"]');
      await desk.page.goto(asked);
    }
    const who = desk.page.locator('form[action$="/allocate"] [name=consultant]');
    await who.selectOption(await who.locator('option', { hasText: 'Sun Min' }).first().getAttribute('value'));
    await submit(desk.page, 'form[action$="/allocate"]');
    await desk.close();
  });

  await step('the study arrives and stands on the open worklist by itself', async () => {
    await page.goto('/readings');
    await page.evaluate(() => { globalThis.opened = 'once'; });
    const before_ = await page.locator('#readings tbody tr').count();
    send(on.karez, ct({ study: STUDY, count: COUNT, patient }), { called: 'YARQUM' });
    const row = page.locator('#readings tr', { hasText: 'Phantom of the abdomen' });
    await row.first().waitFor({ timeout: 30_000 });
    assert.equal(await page.evaluate(() => globalThis.opened), 'once', 'the page was not loaded again');
    assert.equal(await page.locator('#readings tbody tr').count(), before_ + 1);
    // Counts follow when nothing has come for some seconds.
    await page.locator('#readings tr', { hasText: `${COUNT} images` }).first().waitFor({ timeout: 30_000 });
    await accessible(page);
    await fits(page);
    await picture(page, 'readings-desktop-en');
    reading = await row.locator('a[href^="/readings/"]').first().getAttribute('href');
  });

  await step('it is opened from our own DICOMweb, and the picture is right', async () => {
    await page.goto(reading);
    await submit(page, 'form[action$="/claim"]');
    images = await page.locator('#reading-head a[href^="/images/"]').getAttribute('href');
    await page.goto(images);
    await viewer(page, COUNT);
    await accessible(page);
    await fits(page);
    // Head first: the slice that lies highest, 30 mm above the middle of the ball, whose disc there is 22 mm wide.
    assert.equal((await shown(page)).index, '0');
    const disc = Math.sqrt((BALL_MM / 2) ** 2 - 30 ** 2);
    close(await grey(page, 0, 0), GREY(BALL_HU), 'the ball');
    close(await grey(page, disc + 3, 0), GREY(BODY_HU), 'the body beside the disc of this slice');
    close(await grey(page, 0, 49), GREY(-1000), 'air');
    await picture(page, 'viewer-desktop-en');
  });

  await step('it is scrolled and its window changed by keyboard', async () => {
    await page.locator('.vw-pane').first().focus();
    for (let i = 0; i < 12; i += 1) await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.querySelector('.vw-pane').dataset.index === '12');
    close(await grey(page, BALL_MM / 2 - 3, 0), GREY(BALL_HU), 'the ball at its widest');
    close(await grey(page, BALL_MM / 2 + 3, 0), GREY(BODY_HU), 'the body around it');
    // 1 is the window the image names, the lung's is the third.
    await page.keyboard.press('3');
    await page.waitForFunction(() => document.querySelector('.vw-pane').dataset.window === '1500/-600');
    close(await grey(page, 0, 0), GREY(BALL_HU, -600, 1500), 'the ball in the lung window');
    await page.keyboard.press('1');
    await page.waitForFunction(() => document.querySelector('.vw-pane').dataset.window === '400/40');
    await page.keyboard.press('i');
    close(await grey(page, 0, 0), 255 - GREY(BALL_HU), 'inverted');
    await page.keyboard.press('i');
  });

  await step('the ball measures what geometry says', async () => {
    await page.keyboard.press('l');
    await drag(page, BALL_MM, 0);
    await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 1);
    const [text] = await measured(page);
    const length = Number(text.match(/[\d.]+(?= mm)/)[0]);
    const pixel_mm = PIXEL_MM / (await centre(page)).scale;
    assert.ok(Math.abs(length - BALL_MM) <= 2 * pixel_mm + 0.1, `the ball measures ${length} mm`);
    await page.keyboard.press('e');
    await drag(page, 24, 24, { outOfCentre: true, below_mm: 14 });
    await page.waitForFunction(() => document.querySelectorAll('#vw-measures li').length === 2);
    const inside = (await measured(page)).find((m) => m.startsWith('Ellipse'));
    assert.match(inside, new RegExp(`mean ${BALL_HU}\\.0 ± 0\\.0 HU`));
    await page.keyboard.press('k');
    await page.waitForFunction(() => document.querySelector('#vw-kept').textContent !== '');
  });

  await step('a phrase of the reader is kept, and put in by a slash and its word', async () => {
    await page.goto('/readings/phrases');
    await accessible(page);
    await page.locator('main input[name=word]').fill('ball');
    await page.locator('main textarea[name=text]').first().fill('A smooth round ball.');
    await submit(page, 'main form[action$="/phrases"]');
    await page.goto(reading);
    await page.locator('[name=impression]').fill('');
    await page.locator('[name=impression]').pressSequentially('Seen: /ball ');
    await page.waitForFunction(() => document.querySelector('[name=impression]').value === 'Seen: A smooth round ball. ');
  });

  await step('the report takes the measurement up and is signed', async () => {
    await page.goto(reading);
    const lengths = page.locator('#measure option', { hasText: ' mm' });
    await page.locator('#measure').selectOption(await lengths.first().getAttribute('value'));
    assert.match(await page.locator('[name=findings]').inputValue(), /6[34]\.\d mm/);
    await page.locator('[name=impression]').fill('A ball.');
    await home.page.goto('/critical');
    await raiseAndSign(page, 'Tension pneumothorax.');
    assert.match(await page.locator('article').first().innerText(), /6[34]\.\d mm/);
    await picture(page, 'report-desktop-en');
  });

  await step('the doctor who treats is told on the open page, and answers', async () => {
    await acknowledge(home.page, reading, 'Drain placed.');
    await page.goto(reading);
    assert.match(await page.locator('main').innerText(), /Drain placed\./);
  });

  await home.close();
  await reader.close();
});
