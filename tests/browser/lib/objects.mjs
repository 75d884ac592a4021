// Objects of a made-up study, each with a value known beforehand: slices, an ECG, a structure set, a dose, films.

import { file } from './dataset.mjs';

export const STUDY = '1.2.826.0.1.3680043.10.999.77';
export const FRAME = `${STUDY}.9`;

const general = (patient, series, number, modality, description) => ({
  ...patient,
  '00080020': ['DA', '20261101'],
  '00080030': ['TM', '081500'],
  '00080050': ['SH', 'A77'],
  '00080060': ['CS', modality],
  '00081030': ['LO', 'Phantom with all kinds'],
  '0008103E': ['LO', description],
  '0020000D': ['UI', STUDY],
  '0020000E': ['UI', `${STUDY}.${series}`],
  '00200011': ['IS', series],
  '00200013': ['IS', number],
  '00080018': ['UI', `${STUDY}.${series}.${number}`],
});

/** A CT of upright slices 2.5 mm apart, 128 × 128 pixels of 0.8 mm, a ball of 64 mm in the middle. */
export const SIDE = 128;
export const PIXEL_MM = 0.8;
export const SLICE_MM = 2.5;
export function slices(patient, count = 9) {
  const half = (SIDE / 2) * PIXEL_MM;
  return Array.from({ length: count }, (_, i) => {
    const z = (i - (count - 1) / 2) * SLICE_MM;
    const pixels = Buffer.alloc(SIDE * SIDE * 2);
    for (let y = 0; y < SIDE; y += 1) {
      for (let x = 0; x < SIDE; x += 1) {
        const mm = Math.hypot((x - SIDE / 2) * PIXEL_MM, (y - SIDE / 2) * PIXEL_MM, z);
        pixels.writeInt16LE(mm < 32 ? 100 : -1000, (y * SIDE + x) * 2);
      }
    }
    return file({
      ...general(patient, 1, i + 1, 'CT', 'Slices'),
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'],
      '00200032': ['DS', -half, -half, z],
      '00200037': ['DS', 1, 0, 0, 0, 1, 0],
      '00200052': ['UI', FRAME],
      '00280002': ['US', 1],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', SIDE],
      '00280011': ['US', SIDE],
      '00280030': ['DS', PIXEL_MM, PIXEL_MM],
      '00280100': ['US', 16],
      '00280101': ['US', 16],
      '00280102': ['US', 15],
      '00280103': ['US', 1],
      '00281050': ['DS', 40],
      '00281051': ['DS', 400],
      '00281052': ['DS', 0],
      '00281053': ['DS', 1],
      '7FE00010': ['OW', pixels],
    });
  });
}

const code = (value, scheme, meaning) => ({ '00080100': ['SH', value], '00080102': ['SH', scheme], '00080104': ['LO', meaning] });
export const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
/** Hertz of the sine wave, samples a second, and its peak in lead II: 1.5 mV at sample 125 (a quarter of a second). */
export const SINE_HZ = 1;
export const SAMPLES_HZ = 500;
export const PEAK_MV = 1.5;

/**
 * A 12-lead ECG of ten seconds: a sine in every lead, encoded with a sensitivity of 2.5 µV a step, a correction of 1.2 and, in
 * lead V1, a baseline of 500 µV.
 */
export function ecg(patient) {
  const samples = 10 * SAMPLES_HZ;
  const data = Buffer.alloc(samples * 12 * 2);
  const step_uv = 2.5 * 1.2;
  for (let s = 0; s < samples; s += 1) {
    for (let c = 0; c < 12; c += 1) {
      const peak = c === 1 ? PEAK_MV : 0.5;
      data.writeInt16LE(Math.round((peak * 1000 * Math.sin((2 * Math.PI * SINE_HZ * s) / SAMPLES_HZ)) / step_uv), (s * 12 + c) * 2);
    }
  }
  const channel = (name, i) => ({
    '003A0203': ['SH', `Lead ${name}`],
    '003A0208': ['SQ', code(`2:${i + 1}`, 'MDC', `Lead ${name} (test)`)],
    '003A0210': ['DS', 2.5],
    '003A0211': ['SQ', code('uV', 'UCUM', 'microvolt')],
    '003A0212': ['DS', 1.2],
    '003A0213': ['DS', name === 'V1' ? 500 : 0],
    '003A0215': ['DS', 0],
    '003A0220': ['DS', 0.05],
    '003A0221': ['DS', 150],
  });
  const group = (label, originality, bytes, count) => ({
    '003A0004': ['CS', originality],
    '003A0005': ['US', 12],
    '003A0010': ['UL', count],
    '003A001A': ['DS', SAMPLES_HZ],
    '003A0020': ['SH', label],
    '003A0200': ['SQ', ...LEADS.map(channel)],
    '54001004': ['US', 16],
    '54001006': ['CS', 'SS'],
    '54001010': ['OW', bytes],
  });
  return file({
    ...general(patient, 2, 1, 'ECG', 'Resting ECG'),
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.9.1.1'],
    '0008002A': ['DT', '20261101081500'],
    '54000100': ['SQ', group('RHYTHM', 'ORIGINAL', data, samples), group('MEDIAN BEAT', 'DERIVED', data.subarray(0, 500 * 24), 500)],
  });
}

/**
 * An ambulatory recording of a minute: three channels of 8 bits, 128 a second, 10 µV a step; one millivolt at most. From second 10
 * to 11 nothing was recorded, and the second channel was sampled 4 samples after the first.
 */
export function ambulatory(patient) {
  const [hz, seconds] = [128, 60];
  const data = Buffer.alloc(hz * seconds * 3);
  for (let s = 0; s < hz * seconds; s += 1) {
    const gap = s >= 10 * hz && s < 11 * hz;
    for (let c = 0; c < 3; c += 1) data.writeInt8(gap ? -128 : Math.round(100 * Math.sin((2 * Math.PI * s) / (hz * 4))), s * 3 + c);
  }
  const channel = (n) => ({
    '003A0203': ['SH', `CH${n + 1}`],
    '003A0208': ['SQ', code(String(n + 1), '99TEST', `Channel ${n + 1}`)],
    '003A0210': ['DS', 10],
    '003A0211': ['SQ', code('uV', 'UCUM', 'microvolt')],
    '003A0212': ['DS', 1],
    '003A0213': ['DS', 0],
    '003A0215': ['DS', n === 1 ? 4 : 0],
  });
  return file({
    ...general(patient, 8, 1, 'ECG', 'Holter'),
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.9.1.3'],
    '0008002A': ['DT', '20261101081500'],
    '54000100': ['SQ', {
      '003A0004': ['CS', 'ORIGINAL'],
      '003A0005': ['US', 3],
      '003A0010': ['UL', hz * seconds],
      '003A001A': ['DS', hz],
      '003A0200': ['SQ', channel(0), channel(1), channel(2)],
      '54001004': ['US', 8],
      '54001006': ['CS', 'SB'],
      '5400100A': ['OB', Buffer.from([0x80, 0])],
      '54001010': ['OB', data],
    }],
  });
}

/** A square of 40 mm around the middle on the middle slice, one 0.9 mm above the next, and one 10 mm beside the stack. */
export function structures(patient) {
  const square = (z, half) => [[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]].flat();
  const contour = (points) => ({ '30060042': ['CS', 'CLOSED_PLANAR'], '30060046': ['IS', 4], '30060050': ['DS', ...points] });
  return file({
    ...general(patient, 3, 1, 'RTSTRUCT', 'Structures'),
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.481.3'],
    '30060002': ['SH', 'PLAN'],
    '30060008': ['DA', '20261101'],
    '30060009': ['TM', '081500'],
    '30060010': ['SQ', { '00200052': ['UI', FRAME] }],
    '30060020': ['SQ',
      { '30060022': ['IS', 1], '30060024': ['UI', FRAME], '30060026': ['LO', 'Target'], '30060036': ['CS', ''] },
      { '30060022': ['IS', 2], '30060024': ['UI', FRAME], '30060026': ['LO', 'Beside'], '30060036': ['CS', ''] },
      { '30060022': ['IS', 3], '30060024': ['UI', `${STUDY}.99`], '30060026': ['LO', 'Elsewhere'], '30060036': ['CS', ''] }],
    '30060039': ['SQ',
      { '3006002A': ['IS', 255, 0, 0], '30060040': ['SQ', contour(square(0, 20))], '30060084': ['IS', 1] },
      { '3006002A': ['IS', 0, 255, 0], '30060040': ['SQ', contour(square(SLICE_MM + 0.9, 10)), contour(square(40, 10))], '30060084': ['IS', 2] },
      { '3006002A': ['IS', 0, 0, 255], '30060040': ['SQ', contour(square(0, 15))], '30060084': ['IS', 3] }],
    '30060080': ['SQ', { '30060082': ['IS', 1], '30060084': ['IS', 1], '300600A4': ['CS', 'PTV'], '300600A6': ['PN', ''] }],
  });
}

/** Gray at a point: a slope along x and z, so that what is shown between the grid's points can be worked out. */
export const doseAt = (x, z) => 20 + 0.2 * x + 0.1 * z;
/** A dose grid of 4 mm and slices 5 mm apart, on no pixel and no slice of the CT. */
export function dose(patient) {
  const [columns, rows, frames, mm, gap] = [21, 21, 7, 4, 5];
  const [x0, z0, scaling] = [-40, -15, 0.001];
  const pixels = Buffer.alloc(columns * rows * frames * 4);
  for (let f = 0; f < frames; f += 1) {
    for (let i = 0; i < rows * columns; i += 1) {
      pixels.writeUInt32LE(Math.round(doseAt(x0 + (i % columns) * mm, z0 + f * gap) / scaling), (f * rows * columns + i) * 4);
    }
  }
  return file({
    ...general(patient, 4, 1, 'RTDOSE', 'Dose of the plan'),
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.481.2'],
    '00200032': ['DS', x0, x0, z0],
    '00200037': ['DS', 1, 0, 0, 0, 1, 0],
    '00200052': ['UI', FRAME],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280008': ['IS', frames],
    '00280009': ['AT', '3004000C'],
    '00280010': ['US', rows],
    '00280011': ['US', columns],
    '00280030': ['DS', mm, mm],
    '00280100': ['US', 32],
    '00280101': ['US', 32],
    '00280102': ['US', 31],
    '00280103': ['US', 0],
    '30040002': ['CS', 'GY'],
    '30040004': ['CS', 'PHYSICAL'],
    '3004000A': ['CS', 'PLAN'],
    '3004000C': ['DS', ...Array.from({ length: frames }, (_, f) => f * gap)],
    '3004000E': ['DS', scaling],
    '7FE00010': ['OW', pixels],
  });
}

const film = (patient, series, description, modality, more, syntax) => file({
  ...general(patient, series, 1, modality, description),
  '00280002': ['US', 3],
  '00280006': ['US', 0],
  '00280100': ['US', 8],
  '00280101': ['US', 8],
  '00280102': ['US', 7],
  '00280103': ['US', 0],
  ...more,
}, syntax);

/** Echo: frames of one colour each, uncompressed RGB, at 25 a second by FrameTime. */
export const COLOURS = [[200, 40, 30], [30, 180, 60], [40, 60, 220], [220, 200, 40], [160, 60, 180]];
export function echo(patient) {
  const [w, h] = [64, 48];
  const pixels = Buffer.concat(COLOURS.map((rgb) => Buffer.concat(Array.from({ length: w * h }, () => Buffer.from(rgb)))));
  return film(patient, 5, 'Echo', 'US', {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.3.1'],
    '00181063': ['DS', 40],
    '00280004': ['CS', 'RGB'],
    '00280008': ['IS', COLOURS.length],
    '00280009': ['AT', '00181063'],
    '00280010': ['US', h],
    '00280011': ['US', w],
    '7FE00010': ['OB', pixels],
  });
}

/** The same colours as JPEG baseline frames (made by a browser), with times of their own: the third stands for 400 ms, the others for 100. */
export function jpegEcho(patient, frames) {
  return film(patient, 6, 'Echo JPEG', 'US', {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.3.1'],
    '00181065': ['DS', 0, 100, 100, 400, 100],
    '00280004': ['CS', 'YBR_FULL_422'],
    '00280008': ['IS', frames.length],
    '00280009': ['AT', '00181065'],
    '00280010': ['US', 48],
    '00280011': ['US', 64],
    '00282110': ['CS', '01'],
    '7FE00010': ['OB', { frames }],
  }, '1.2.840.10008.1.2.4.50');
}

/** Angiography: grey, 10 a second although its FrameTime says 40 ms: the recommended rate stands above it. */
export function angio(patient) {
  const [w, h, n] = [64, 64, 8];
  const pixels = Buffer.concat(Array.from({ length: n }, (_, f) => Buffer.alloc(w * h, 30 * f)));
  return film(patient, 7, 'Angiography', 'XA', {
    '00080008': ['CS', 'ORIGINAL', 'PRIMARY', 'SINGLE PLANE'],
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.12.1'],
    '00082144': ['IS', 10],
    '00181063': ['DS', 40],
    '00280002': ['US', 1],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280008': ['IS', n],
    '00280009': ['AT', '00181063'],
    '00280010': ['US', h],
    '00280011': ['US', w],
    '7FE00010': ['OB', pixels],
  });
}
