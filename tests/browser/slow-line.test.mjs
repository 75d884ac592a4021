// A CT of many slices over 4 Mbit/s with 150 ms of delay: how soon the first image is seen, and whether the hand that scrolls ever
// waits. What is seen is asserted; how long it took on this machine is told. With KAREZ_SLICES=300 and KAREZ_BIN naming a release
// build it measures what the goals are about.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP } from './lib/browser.mjs';
import { ct, scanner, send } from './lib/dicom.mjs';
import { importPatient } from './lib/job.mjs';
import { arrivingBundle } from './lib/karez.mjs';
import { stage } from './lib/stage.mjs';

const COUNT = Number(process.env.KAREZ_SLICES ?? 40);
const STUDY = '1.2.826.0.1.3680043.10.999.8';
const LINE = { offline: false, latency: 150, downloadThroughput: 500_000, uploadThroughput: 500_000 };
const ADMIN = 'liuyang@qumtagh.example';
const READER = 'luojing@qumtagh.example';
/** Images a second a hand scrolls through. */
const SCROLL = 10;

const on = stage();
let images;

async function prepare() {
  const bundle = JSON.parse(arrivingBundle());
  const { identifier, name, gender, birthDate } = bundle.entry.find((e) => e.resource.resourceType === 'Patient').resource;
  const { family, given } = name.find((n) => n.family);
  const { system, value } = identifier.find((i) => i.value?.startsWith('TG-'));
  const admin = await on.person({ login: ADMIN });
  await scanner(admin.page, { called: 'QUMTAGH', issuer: system });
  await admin.close();
  const doctor = await on.person({ login: 'adalet@qumtagh.example' });
  const patient = await importPatient(doctor.page, 'record.json', arrivingBundle());
  const files = ct({
    study: STUDY, count: COUNT, side: 512, spacing: 0.7, step: 1, ball: 220, noise: 24,
    patient: { id: value, name: `${family}^${given?.[0] ?? ''}`, birth: birthDate.replaceAll('-', ''), sex: gender === 'female' ? 'F' : 'M' },
  });
  send(on.karez, files, { called: 'QUMTAGH' });
  // The record lists the images once nothing has come for some seconds.
  const link = doctor.page.locator('#studies a[href^="/images/"]');
  for (let n = 0; n < 60; n += 1) {
    await doctor.page.goto(patient);
    if (await doctor.page.locator('#studies', { hasText: `${COUNT} images` }).count()) break;
    await doctor.page.waitForTimeout(1_000);
  }
  images = await link.first().getAttribute('href');
  await doctor.close();
}

/** Notes when a picture is seen for the first time, and each one that is drawn after it. */
function watch() {
  const seen = { drawn: [] };
  globalThis.seen = seen;
  const look = () => {
    const first = document.querySelector('#vw-first img');
    const pane = document.querySelector('.vw-pane[data-shown]');
    if (!seen.first && first?.complete && first.naturalWidth > 0) seen.first = performance.now();
    if (pane && !seen.pane) seen.pane = performance.now();
    if (!seen.usable && (document.querySelector('#vw-first[data-usable]') || pane)) seen.usable = performance.now();
    if (pane && !seen.whole && !pane.hasAttribute('data-preview')) seen.whole = performance.now();
    if (pane && !seen.observed) {
      seen.observed = true;
      new MutationObserver(() => seen.drawn.push({ at: performance.now(), index: Number(pane.dataset.drawn) }))
        .observe(pane, { attributeFilter: ['data-drawn'] });
    }
    requestAnimationFrame(look);
  };
  look();
}

async function open(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', LINE);
  await page.goto(images, { waitUntil: 'commit' });
  await page.waitForFunction(() => globalThis.seen.whole, undefined, { timeout: 60_000 });
  const { first, usable, pane, whole } = await page.evaluate(() => globalThis.seen);
  const bytes = await page.evaluate(() => performance.getEntriesByType('resource').reduce((n, e) => n + e.transferSize, 0));
  return { first: Math.min(first ?? Infinity, pane), usable, pane, whole, bytes };
}

/** Whole images that came, or were given up, from now on: when, by the page's own clock. */
function watchWholes(page) {
  const ended = [];
  const note = (request, givenUp) => {
    if (!/\/frames\/\d+$/.test(new URL(request.url()).pathname)) return;
    void page.evaluate(() => performance.now()).then((at) => ended.push({ ended: at, givenUp })).catch(() => undefined);
  };
  page.on('requestfinished', (request) => note(request, false));
  page.on('requestfailed', (request) => note(request, true));
  return ended;
}

const ms = (n) => `${Math.round(n)} ms`;

test(`first image of ${COUNT} slices on a slow line, and scrolling`, { timeout: 300_000 }, async (t) => {
  await prepare();
  const reader = await on.person({ login: READER, viewport: DESKTOP });
  const { page } = reader;
  page.setDefaultTimeout(60_000);
  await page.addInitScript(watch);
  for (const visit of ['nothing cached', 'scripts cached']) {
    const { first, usable, pane, whole, bytes } = await open(page);
    t.diagnostic(`${visit}: first image seen after ${ms(first)}, to be scrolled after ${ms(usable)}, in the viewer after ${ms(pane)}, whole after ${ms(whole)}, ${Math.round(bytes / 1000)} KB until then`);
    assert.ok(first <= whole, 'a picture is seen before the whole image is here');
  }
  await page.waitForSelector('[data-viewer][data-ready]');
  await page.locator('.vw-pane').first().focus();
  const steps = Math.min(COUNT - 1, 60);
  const wholes = watchWholes(page);
  const began = await page.evaluate(() => { globalThis.seen.drawn.length = 0; return performance.now(); });
  for (let n = 0; n < steps; n += 1) {
    const due = page.waitForTimeout(1000 / SCROLL);
    await page.keyboard.press('ArrowDown');
    await due;
  }
  const pressed = await page.evaluate(() => performance.now());
  await page.waitForFunction((last) => globalThis.seen.drawn.at(-1)?.index === last, steps);
  const drawn = await page.evaluate(() => globalThis.seen.drawn);
  const gaps = drawn.map((d, i) => d.at - (i ? drawn[i - 1].at : began));
  const indexes = new Set(drawn.map((d) => d.index));
  t.diagnostic(`${steps} steps, ${SCROLL} a second: ${indexes.size} images drawn, longest wait for the next ${ms(Math.max(...gaps))}, the last ${ms(drawn.at(-1).at - pressed)} after the hand`);
  // The slice the hand rests on comes whole.
  await page.waitForFunction(() => !document.querySelector('.vw-pane').hasAttribute('data-preview'), undefined, { timeout: 30_000 });
  const rest = await page.evaluate(() => performance.now());
  t.diagnostic(`whole ${ms(rest - pressed)} after the hand rested`);
  assert.equal(drawn.at(-1).index, steps, 'the slice the hand rests on is the one that is seen');
  assert.ok(indexes.size >= 0.9 * steps, `${indexes.size} of ${steps} slices that were passed were seen`);
  // What was under way of slices that were passed left the line: at most what was nearly here came whole while the hand moved.
  const moving = wholes.filter((w) => w.ended > began + 200 && w.ended < pressed);
  const came = moving.filter((w) => !w.givenUp);
  t.diagnostic(`while the hand moved ${came.length} whole images came, ${moving.length - came.length} were given up`);
  assert.ok(came.length <= 1, `${came.length} whole images came while the hand moved`);
  await reader.close();
});

test('the study can be scrolled before the viewer is there, which goes on where the reader is', { timeout: 120_000 }, async () => {
  const reader = await on.person({ login: READER, viewport: DESKTOP });
  const { page } = reader;
  page.setDefaultTimeout(60_000);
  let release;
  const held = new Promise((done) => { release = done; });
  await page.route('**/assets/viewer-*.js', async (route) => {
    await held;
    await route.continue();
  });
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', LINE);
  await page.goto(images, { waitUntil: 'commit' });
  await page.waitForSelector('#vw-first[data-usable]');
  for (let n = 0; n < 5; n += 1) await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('#vw-first').dataset.drawn === '5');
  assert.equal(await page.locator('#vw-first .vw-tr').innerText(), `6/${COUNT}`);
  assert.match(await page.locator('#vw-first figcaption').innerText(), /preview/i);
  // The picture there is the slice that the viewer will show there: the body at the middle, air at the edge.
  const [middle, edge] = await page.locator('#vw-first canvas').evaluate((canvas) => {
    const at = (x, y) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[0];
    return [at(canvas.width >> 1, canvas.height >> 1), at(1, 1)];
  });
  assert.ok(middle > 90 && edge < 20, `${middle}, ${edge}`);
  release();
  await page.waitForSelector('[data-viewer][data-ready]');
  assert.equal(await page.locator('#vw-first').count(), 0);
  const at = () => document.querySelector('.vw-pane').dataset.index;
  assert.equal(await page.evaluate(at), '5');
  await page.locator('.vw-pane').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('.vw-pane').dataset.drawn === '6');
  assert.equal(await page.evaluate(at), '6');
  await reader.close();
});
