// A CT made here, and its way into a Karez as a scanner sends it (dcmtk's storescu).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { file } from './dataset.mjs';
import { submit } from './job.mjs';
import { BALL_HU, BODY_HU } from './phantom.mjs';

const CT = '1.2.840.10008.5.1.4.1.1.2';

/** Numbers that look like chance and are the same in every run (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Pixels of a slice at `z` mm: an oval body with a ball of `ball` mm in it, air around. With `noise` (HU) it compresses as a
 * scanner's images do.
 */
function pixels({ side, spacing, z, ball, noise, seed }) {
  const out = new Int16Array(side * side);
  const chance = dice(seed);
  // Between neighbours noise is alike, as reconstruction leaves it.
  let last = 0;
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const [u, v] = [(x + 0.5 - side / 2) * spacing, (y + 0.5 - side / 2) * spacing];
      const half = (side * spacing) / 2;
      const body = (u / (half * 0.9)) ** 2 + (v / (half * 0.75)) ** 2 < 1;
      const inside = u ** 2 + v ** 2 + z ** 2 < (ball / 2) ** 2;
      let value = inside ? BALL_HU : body ? BODY_HU : -1000;
      if (noise && body) {
        last = 0.5 * last + (chance() + chance() + chance() - 1.5) * noise;
        value += Math.round(last);
      }
      out[y * side + x] = value;
    }
  }
  return Buffer.from(out.buffer);
}

/**
 * A CT series as files: `count` slices `step` mm apart along the body, numbered from the feet although they are shown from the
 * head. `patient`: `{ id, name, birth, sex }` as DICOM writes them. `tilt`: degrees of the gantry.
 */
export function ct({
  study, number = 1, count = 25, side = 128, spacing = 0.8, step = 2.5, ball = 64, noise = 0, patient, date = '20261101',
  description = 'Phantom of the abdomen', part = 'ABDOMEN', skip = [], tilt = 0, accession = '',
}) {
  const half = (side * spacing) / 2 - spacing / 2;
  const lean = Math.tan((tilt * Math.PI) / 180);
  return Array.from({ length: count }, (_, i) => i).filter((i) => !skip.includes(i)).map((i) => {
    const z = (i - (count - 1) / 2) * step;
    return file({
      '00080005': ['CS', 'ISO_IR 192'],
      '00080008': ['CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'],
      '00080016': ['UI', CT],
      '00080018': ['UI', `${study}.${number}.${i + 1}`],
      '00080020': ['DA', date],
      '00080030': ['TM', '081500'],
      '00080050': ['SH', accession],
      '00080060': ['CS', 'CT'],
      '00080070': ['LO', 'Phantom works'],
      '00080090': ['PN', ''],
      '00081030': ['LO', description],
      '0008103E': ['LO', `Phantom ${number}`],
      '00100010': ['PN', patient.name],
      '00100020': ['LO', patient.id],
      '00100030': ['DA', patient.birth],
      '00100040': ['CS', patient.sex],
      '00180015': ['CS', part],
      '00180050': ['DS', step],
      '0020000D': ['UI', study],
      '0020000E': ['UI', `${study}.${number}`],
      '00200010': ['SH', '1'],
      '00200011': ['IS', number],
      '00200013': ['IS', i + 1],
      '00200032': ['DS', -half, (-half + z * lean).toFixed(4), z],
      '00200037': ['DS', 1, 0, 0, 0, 1, 0],
      '00200052': ['UI', `${study}.9`],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', side],
      '00280011': ['US', side],
      '00280030': ['DS', spacing, spacing],
      '00280100': ['US', 16],
      '00280101': ['US', 16],
      '00280102': ['US', 15],
      '00280103': ['US', 1],
      '00281050': ['DS', 40],
      '00281051': ['DS', 400],
      '00281052': ['DS', 0],
      '00281053': ['DS', 1],
      '7FE00010': ['OW', pixels({ side, spacing, z, ball, noise, seed: i + 1 })],
    });
  });
}

/** Sends files by C-STORE, all in one association; fails where one is not kept. */
export function send(karez, files, { called, calling = 'SCANNER' }) {
  const folder = mkdtempSync(join(tmpdir(), 'karez-send-'));
  try {
    files.forEach((bytes, n) => writeFileSync(join(folder, `${String(n).padStart(5, '0')}.dcm`), bytes));
    const [host, port] = karez.dicom.split(':');
    execFileSync('storescu', ['-aet', calling, '-aec', called, '+sd', host, port, folder], {
      env: { ...process.env, TCP_NODELAY: '1' }, stdio: ['ignore', 'ignore', 'pipe'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Lets a scanner of the administrator's hospital send here: the hospital's title, the issuer of the numbers its images carry, and
 * the machine itself, all written on the pages that are there for it.
 */
export async function scanner(page, { called, issuer, calling = 'SCANNER' }) {
  await page.goto('/hospital/imaging');
  await page.locator('[name=title]').fill(called);
  await page.locator('[name=issuer]').fill(issuer);
  await submit(page, 'form[action="/hospital/imaging"]');
  await page.goto('/hospital/imaging/new');
  await page.locator('[name=title]').fill(calling);
  await page.locator('[name=name]').fill('CT scanner');
  await page.locator('[name=addresses]').fill('127.0.0.1');
  for (const box of await page.locator('[name=may]').all()) await box.check();
  await submit(page, 'form[action="/hospital/imaging/new"]');
}
