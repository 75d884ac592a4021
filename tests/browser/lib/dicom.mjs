// DICOM objects made here, sent to a Karez as a scanner sends them (dcmtk's storescu), and what its own DICOMweb says of them.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { submit } from './job.mjs';
import { BALL_HU, BODY_HU } from './phantom.mjs';

const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
const CT = '1.2.840.10008.5.1.4.1.1.2';
/** Representations whose length takes four bytes (PS3.5 §7.1.2). */
const LONG = new Set(['OB', 'OW', 'OF', 'SQ', 'UT', 'UN']);

function element(group, number, vr, value) {
  const bytes = [];
  if (Buffer.isBuffer(value)) bytes.push(value);
  else if (vr === 'US') bytes.push(...[value].flat().map((n) => Buffer.from(Uint16Array.of(n).buffer)));
  else if (vr === 'UL') bytes.push(Buffer.from(Uint32Array.of(value).buffer));
  else bytes.push(Buffer.from([value].flat().join('\\')));
  let body = Buffer.concat(bytes);
  if (body.length % 2) body = Buffer.concat([body, Buffer.from(vr === 'UI' ? [0] : ' ')]);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

/** A file (PS3.10 §7) of elements `[group, number, vr, value]`, in explicit VR little endian. */
export function file(elements) {
  const sorted = [...elements].sort(([g, n], [h, m]) => g - h || n - m);
  const of = (g, n) => sorted.find((e) => e[0] === g && e[1] === n)?.[3];
  const meta = Buffer.concat([
    element(2, 1, 'OB', Buffer.from([0, 1])),
    element(2, 2, 'UI', of(8, 0x16)),
    element(2, 3, 'UI', of(8, 0x18)),
    element(2, 0x10, 'UI', EXPLICIT_LITTLE),
    element(2, 0x12, 'UI', '2.25.180970460232141'),
  ]);
  return Buffer.concat([
    Buffer.alloc(128), Buffer.from('DICM'), element(2, 0, 'UL', meta.length), meta, ...sorted.map((e) => element(...e)),
  ]);
}

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
    return file([
      [8, 5, 'CS', 'ISO_IR 192'],
      [8, 8, 'CS', ['ORIGINAL', 'PRIMARY', 'AXIAL']],
      [8, 0x16, 'UI', CT],
      [8, 0x18, 'UI', `${study}.${number}.${i + 1}`],
      [8, 0x20, 'DA', date],
      [8, 0x30, 'TM', '081500'],
      [8, 0x50, 'SH', accession],
      [8, 0x60, 'CS', 'CT'],
      [8, 0x70, 'LO', 'Phantom works'],
      [8, 0x90, 'PN', ''],
      [8, 0x1030, 'LO', description],
      [8, 0x103e, 'LO', `Phantom ${number}`],
      [0x10, 0x10, 'PN', patient.name],
      [0x10, 0x20, 'LO', patient.id],
      [0x10, 0x30, 'DA', patient.birth],
      [0x10, 0x40, 'CS', patient.sex],
      [0x18, 0x15, 'CS', part],
      [0x18, 0x50, 'DS', step],
      [0x20, 0xd, 'UI', study],
      [0x20, 0xe, 'UI', `${study}.${number}`],
      [0x20, 0x10, 'SH', '1'],
      [0x20, 0x11, 'IS', number],
      [0x20, 0x13, 'IS', i + 1],
      [0x20, 0x32, 'DS', [-half, (-half + z * lean).toFixed(4), z]],
      [0x20, 0x37, 'DS', [1, 0, 0, 0, 1, 0]],
      [0x20, 0x52, 'UI', `${study}.9`],
      [0x28, 2, 'US', 1],
      [0x28, 4, 'CS', 'MONOCHROME2'],
      [0x28, 0x10, 'US', side],
      [0x28, 0x11, 'US', side],
      [0x28, 0x30, 'DS', [spacing, spacing]],
      [0x28, 0x100, 'US', 16],
      [0x28, 0x101, 'US', 16],
      [0x28, 0x102, 'US', 15],
      [0x28, 0x103, 'US', 1],
      [0x28, 0x1050, 'DS', 40],
      [0x28, 0x1051, 'DS', 400],
      [0x28, 0x1052, 'DS', 0],
      [0x28, 0x1053, 'DS', 1],
      [0x7fe0, 0x10, 'OW', pixels({ side, spacing, z, ball, noise, seed: i + 1 })],
    ]);
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
