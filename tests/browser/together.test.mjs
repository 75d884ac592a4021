// Two people of two hospitals look at one study together: what one shows the other sees, until the patient's consent is
// withdrawn. Archive, permits and lines are those of the node.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, accessible, fits, picture } from './lib/browser.mjs';
import { arrived, patientOf, send } from './lib/dataset.mjs';
import { ask, importPatient, submit } from './lib/job.mjs';
import { arrivingBundle } from './lib/karez.mjs';
import { PIXEL_MM, SIDE, ecg, slices, structures } from './lib/objects.mjs';
import { stage } from './lib/stage.mjs';
import { WORDS } from './lib/words.mjs';

const on = stage();
const POINT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);
const LENGTH_MM = 48;

async function ready(page) {
  await page.waitForSelector('[data-viewer][data-ready]', { timeout: 60_000 });
  await page.waitForFunction(() => document.querySelector('.vw-pane')?.dataset.shown, undefined, { timeout: 30_000 });
}

const pane = (page, name) => page.evaluate((n) => document.querySelector('.vw-pane').dataset[n], name);
const sees = (page, name, value) => page.waitForFunction(([n, v]) => document.querySelector('.vw-pane').dataset[n] === v, [name, value]);
const says = (page, words) => page.waitForFunction((w) => document.querySelector('#vw-together-says').textContent.includes(w), words);
const press = (page, key) => page.locator('.vw-pane').first().press(key);

test('what one shows the other sees, until consent is withdrawn', { timeout: 300_000 }, async (t) => {
  const home = await on.person({ login: 'tursun@yarqum.example', viewport: DESKTOP });
  const centre = await on.person({ login: 'gulnar@qumtagh.example', viewport: DESKTOP });
  const stranger = await on.person({ login: 'sokolova@saryozen.example' });
  const bundle = arrivingBundle();
  const person = JSON.parse(bundle).entry.map((e) => e.resource).find((r) => r.resourceType === 'Patient');
  const patient = await importPatient(home.page, 'record.json', bundle);
  await home.page.goto(patient);
  const of = patientOf(person);
  await send(home.page, 'yarqum', [...slices(of), ecg(of), structures(of)]);
  const images = await arrived(home.page, patient, 3);

  await t.test('nobody without a permit joins, nor with a seat of another', async () => {
    const refused = await centre.page.request.get(`${images}/together`);
    assert.equal(refused.status(), 404);
    const said = await centre.page.request.post(`${images}/together`, { data: { seat: 'x', say: [] } });
    assert.ok([403, 404].includes(said.status()), `${said.status()}`);
  });

  await ask(home.page, patient, WORDS.en, { partner: 'qumtagh', specialty: 'cardiology', consentLanguage: 'ug', picture: POINT });
  await home.page.goto(images);
  await centre.page.goto(images);
  await ready(home.page);
  await ready(centre.page);

  await t.test('both are named with their hospitals, and whoever came first leads', async () => {
    await press(home.page, 'j');
    await says(home.page, 'You lead');
    // Who has the study open is told of it, and joins from there.
    const invitation = centre.page.locator('#vw-invite');
    await invitation.waitFor({ timeout: 30_000 });
    assert.match(await invitation.innerText(), /Yarqum County Hospital/);
    await accessible(centre.page);
    await invitation.locator('button').first().click();
    await says(centre.page, 'You follow');
    assert.ok(await invitation.isHidden());
    await home.page.waitForFunction(() => document.querySelectorAll('#vw-people li').length === 2);
    const people = await home.page.locator('#vw-people li').allInnerTexts();
    assert.ok(people.some((p) => /Yarqum County Hospital/.test(p) && /leads, you/.test(p)), people.join('|'));
    assert.ok(people.some((p) => /Qumtagh Regional Medical Centre/.test(p) && !/leads/.test(p)), people.join('|'));
    await accessible(home.page);
    await accessible(centre.page);
    await fits(home.page);
  });

  await t.test('scrolling, window and magnification arrive', async () => {
    for (let i = 0; i < 3; i += 1) await press(home.page, 'ArrowDown');
    await sees(centre.page, 'index', '3');
    await press(home.page, '3');
    await sees(centre.page, 'window', await pane(home.page, 'window'));
    await press(home.page, '+');
    const zoom = () => document.querySelector('.vw-bl').textContent.match(/(\d+) %/)[1];
    const wanted = await home.page.evaluate(zoom);
    await centre.page.waitForFunction((w) => document.querySelector('.vw-bl').textContent.includes(`${w} %`), wanted);
    await press(home.page, '0');
    await centre.page.waitForFunction(() => document.querySelector('.vw-bl').textContent.includes('100 %'));
  });

  await t.test('a measurement arrives with its value, and the pointer at its place', async () => {
    await press(home.page, 'l');
    const box = await home.page.locator('.vw-pane').first().boundingBox();
    const scale = Math.min(box.width, box.height) / (SIDE * PIXEL_MM);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await home.page.mouse.move(x - (LENGTH_MM / 2) * scale, y);
    await home.page.mouse.down();
    await home.page.mouse.move(x, y);
    await home.page.mouse.move(x + (LENGTH_MM / 2) * scale, y);
    await home.page.mouse.up();
    await centre.page.waitForFunction(() => /[\d.]+ mm/.test(document.querySelector('#vw-drawn')?.textContent ?? ''));
    const own = (await home.page.locator('#vw-measures .link').first().innerText()).match(/([\d.]+) mm/)[1];
    await centre.page.waitForFunction((v) => document.querySelector('#vw-drawn').textContent.includes(`${v} mm`), own);
    assert.ok(Math.abs(Number(own) - LENGTH_MM) < 1, own);
    assert.equal(await centre.page.locator('#vw-measures .link').count(), 0, 'it is not taken for one’s own');
    // The ring of the pointer is drawn where the other points: looked for among the pixels of the sheet.
    await home.page.mouse.move(x, y - 20 * scale);
    const ring = ([dx, dy]) => {
      const sheet = document.querySelector('.vw-over');
      const at = (px, py) => sheet.getContext('2d').getImageData(Math.round(px), Math.round(py), 1, 1).data[3];
      const ratio = sheet.width / sheet.clientWidth;
      const [cx, cy] = [(sheet.clientWidth / 2 + dx) * ratio, (sheet.clientHeight / 2 + dy) * ratio];
      return at(cx + 8 * ratio, cy) > 100 && at(cx - 8 * ratio, cy) > 100 && at(cx, cy + 8 * ratio) > 100;
    };
    const there = await centre.page.locator('.vw-pane').first().boundingBox();
    const theirs = Math.min(there.width, there.height) / (SIDE * PIXEL_MM);
    await centre.page.waitForFunction(ring, [0, -20 * theirs]);
    await picture(centre.page, 'together-desktop-en');
  });

  await t.test('the lead is taken, and following is left and taken up', async () => {
    await press(centre.page, 'g');
    await says(centre.page, 'You lead');
    await says(home.page, 'You follow');
    await press(centre.page, 'Home');
    await sees(home.page, 'index', '0');
    await press(home.page, 'o');
    await says(home.page, 'on your own');
    await press(centre.page, 'End');
    await sees(centre.page, 'index', '8');
    await centre.page.waitForTimeout(500); // time in which it would have come
    assert.equal(await pane(home.page, 'index'), '0');
    await press(home.page, 'o');
    await sees(home.page, 'index', '8');
    await accessible(home.page);
  });

  await t.test('planes through the volume are shared too', async () => {
    const second = (index) => document.querySelectorAll('.vw-pane')[1]?.dataset.index === index;
    await press(centre.page, 'm');
    await centre.page.waitForFunction(() => document.querySelectorAll('.vw-pane')[1]?.dataset.loaded === '9', undefined, { timeout: 30_000 });
    await home.page.waitForFunction(() => document.querySelectorAll('.vw-pane').length === 3, undefined, { timeout: 30_000 });
    await centre.page.locator('.vw-pane').nth(1).press('ArrowDown');
    await centre.page.locator('.vw-pane').nth(1).press('PageDown');
    const wanted = await centre.page.evaluate(() => document.querySelectorAll('.vw-pane')[1].dataset.index);
    await home.page.waitForFunction(second, wanted);
    await press(centre.page, 'm');
    await home.page.waitForFunction(() => document.querySelectorAll('.vw-pane').length === 1, undefined, { timeout: 30_000 });
  });

  await t.test('structures over the pictures and traces in their place are shared too', async () => {
    const shown = (page, on) => page.waitForFunction((o) => document.querySelector('[data-over]')?.getAttribute('aria-pressed') === String(o), on);
    await press(centre.page, 'c');
    await shown(home.page, true);
    await centre.page.locator('#vw-rois input').nth(1).uncheck();
    await home.page.waitForFunction(() => document.querySelectorAll('#vw-rois input')[1]?.checked === false);
    await centre.page.locator('#vw-series [data-modality=ECG]').click();
    await home.page.waitForSelector('.vw-ecg[data-shown]', { timeout: 30_000 });
    await centre.page.locator('.vw-ecgbar select').nth(1).selectOption('50');
    const reads = (name, value) => home.page.waitForFunction(([n, v]) => document.querySelector('.vw-ecg').dataset[n] === v, [name, value]);
    await reads('scale', '50/10');
    // A caliper of the one who leads stands there with its value.
    await centre.page.locator('.vw-paper').press('x');
    for (let i = 0; i < 3; i += 1) await centre.page.locator('.vw-paper').press('ArrowRight');
    await reads('ms', await centre.page.evaluate(() => document.querySelector('.vw-ecg').dataset.ms));
    await centre.page.locator('.vw-ecgbar button').click();
    await home.page.waitForFunction(() => !document.querySelector('.vw-ecg'));
    await press(centre.page, 'c');
    await shown(home.page, false);
  });

  await t.test('a person of a third hospital is refused', async () => {
    const page = await stranger.page.goto(images);
    assert.ok([403, 404].includes(page.status()), `${page.status()}`);
    assert.equal((await stranger.page.request.get(`${images}/together`)).status(), 404);
  });

  await t.test('consent is withdrawn: out within a second', async (t) => {
    const other = await home.context.newPage();
    await other.goto(`${patient}/consents`);
    await other.locator('a[href$="/withdraw"]').first().click();
    const out = centre.page.waitForFunction(() => !document.querySelector('.vw-stage')).then(() => Date.now());
    const began = Date.now();
    await submit(other, 'form[action$="/withdraw"]');
    const took = (await out) - began;
    t.diagnostic(`out ${took} ms after the button was pressed`);
    assert.ok(took <= 1_500, `${took} ms`);
    await home.page.waitForFunction(() => document.querySelectorAll('#vw-people li').length === 1);
    assert.equal((await centre.page.request.get(`${images}/together`)).status(), 404);
  });

  await t.test('that they joined and left stands in the audit', async () => {
    const admin = await on.person({ login: 'adil-yarqum@yarqum.example', choose: 'yarqum' });
    await admin.page.goto('/audit');
    const text = await admin.page.locator('main').innerText();
    assert.match(text, /Looked at a study together/);
    assert.match(text, /Left those who look at a study/);
    await admin.close();
  });

  await stranger.close();
  await centre.close();
  await home.close();
});

test('looking together in Chinese on a phone', { timeout: 120_000 }, async () => {
  const one = await on.person({ login: 'tursun@yarqum.example', viewport: PHONE, locale: 'zh-CN' });
  const bundle = Buffer.from(arrivingBundle().toString().replaceAll('TG-0143311', 'TG-0143999'));
  const person = JSON.parse(bundle).entry.map((e) => e.resource).find((r) => r.resourceType === 'Patient');
  const patient = await importPatient(one.page, 'record.json', bundle);
  await one.page.goto(patient);
  const again = slices(patientOf(person)).map((f) => Buffer.from(f.toString('latin1').replaceAll('10.999.77', '10.999.78'), 'latin1'));
  await send(one.page, 'yarqum', again);
  await one.page.goto(await arrived(one.page, patient, 1));
  await ready(one.page);
  await one.page.locator('[data-do=join]').click();
  await says(one.page, '您在主导');
  await accessible(one.page);
  await fits(one.page);
  await picture(one.page, 'together-phone-zh', { fullPage: true });
  await one.close();
});
