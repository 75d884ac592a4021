// What the geometry of a series is: which images belong together, in which order they lie in the body, how far apart,
// and what a pixel measures. Nothing here touches the screen.
import { TAG, framed, items, number, numbers, text, type Instance } from './dicom.ts';

export type Vector = [number, number, number];

/** What a distance between pixels rests on. */
export type SpacingKind = 'patient' | 'calibrated' | 'region' | 'magnified' | 'detector' | 'nominal' | 'none';
export interface Spacing { kind: SpacingKind; row: number; column: number }

export interface Slice {
  imageId: string;
  sop: string;
  frame: number;
  number: number;
  rows: number;
  columns: number;
  position: Vector | undefined;
  row: Vector | undefined;
  column: Vector | undefined;
  spacing: Spacing;
  instance: Instance;
}

/** Said in words beside the picture. */
export type Note =
  | { key: 'tilted'; degrees: number }
  | { key: 'uneven'; from: number; to: number }
  | { key: 'gaps'; count: number }
  | { key: 'lossy'; ratio: number | undefined }
  | { key: 'unplaced' }
  | { key: 'spacing'; kind: SpacingKind };

export interface Stack {
  id: string;
  series: string;
  title: string;
  modality: string;
  bodyPart: string;
  frameOfReference: string;
  slices: Slice[];
  /** Frames of one object shown as a film. */
  cine: boolean;
  /** Whether the slices fill a regular volume. */
  volume: boolean;
  notes: Note[];
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const length = (a: Vector) => Math.hypot(a[0], a[1], a[2]);
export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0],
];
const vector = (v: number[] | undefined): Vector | undefined => (v && v.length >= 3 ? [v[0]!, v[1]!, v[2]!] : undefined);

/** Where along its normal a slice lies, in millimetres. */
export function depth(slice: Slice): number | undefined {
  if (!slice.position || !slice.row || !slice.column) return undefined;
  return dot(slice.position, cross(slice.row, slice.column));
}

/** What a pixel measures (PS3.3 10.7.1). A projection's spacing at the detector is not the patient's. */
export function spacingOf(instance: Instance, frame: number): Spacing {
  const measured = framed(instance, frame, TAG.pixelMeasures) ?? instance;
  const pixel = numbers(measured, TAG.pixelSpacing, 2);
  const imager = numbers(instance, TAG.imagerSpacing, 2);
  const nominal = numbers(instance, TAG.nominalSpacing, 2);
  const is = (kind: SpacingKind, s: number[]): Spacing => ({ kind, row: s[0]!, column: s[1]! });
  const ok = (s: number[] | undefined): s is number[] => !!s && s[0]! > 0 && s[1]! > 0;
  if (ok(pixel)) {
    if (!ok(imager)) return is('patient', pixel);
    if (text(instance, TAG.calibration)) return is('calibrated', pixel);
    const same = Math.abs(pixel[0]! - imager[0]!) < 1e-4 && Math.abs(pixel[1]! - imager[1]!) < 1e-4;
    return is(same ? 'detector' : 'calibrated', pixel);
  }
  if (ok(imager)) {
    const factor = number(instance, TAG.estimatedMagnification) ?? 1;
    return factor > 1 ? is('magnified', imager.map((s) => s / factor)) : is('detector', imager);
  }
  if (ok(nominal)) return is('nominal', nominal);
  // Ultrasound says it by regions (PS3.3 C.8.5.5); one region of centimetres both ways measures its whole picture.
  const regions = items(instance, TAG.regions).filter((r) => number(r, '00186024') === 3 && number(r, '00186026') === 3);
  const [region] = regions;
  if (region && regions.length === 1) {
    const x = Math.abs(number(region, '0018602C') ?? 0) * 10;
    const y = Math.abs(number(region, '0018602E') ?? 0) * 10;
    if (x > 0 && y > 0) return { kind: 'region', row: y, column: x };
  }
  return { kind: 'none', row: 1, column: 1 };
}

function slicesOf(instance: Instance, web: string): Slice[] {
  const frames = number(instance, TAG.frames) ?? 1;
  const rows = number(instance, TAG.rows);
  const columns = number(instance, TAG.columns);
  if (!rows || !columns) return [];
  const study = text(instance, '0020000D');
  const base = `wadors:${web}/studies/${study}/series/${text(instance, TAG.series)}/instances/${text(instance, TAG.sop)}/frames/`;
  return Array.from({ length: frames }, (_, frame) => {
    const placed = framed(instance, frame, TAG.planePosition) ?? instance;
    const turned = framed(instance, frame, TAG.planeOrientation) ?? instance;
    const cosines = numbers(turned, TAG.orientation, 6);
    return {
      imageId: `${base}${frame + 1}`,
      sop: text(instance, TAG.sop),
      frame,
      number: number(instance, TAG.number) ?? 0,
      rows,
      columns,
      position: vector(numbers(placed, TAG.position, 3)),
      row: vector(cosines?.slice(0, 3)),
      column: vector(cosines?.slice(3, 6)),
      spacing: spacingOf(instance, frame),
      instance,
    };
  });
}

/** Images of one orientation and size in one series form a stack; scouts and other planes stand apart. */
function plane(slice: Slice): string {
  const turned = [...(slice.row ?? []), ...(slice.column ?? [])].map((c) => c.toFixed(2)).join(',');
  return `${slice.rows}x${slice.columns}/${turned}/${slice.sop && slice.frame > 0 && !slice.position ? slice.sop : ''}`;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Angle between the slices' normal and the way from the first to the last: 0 for an upright stack, a gantry's tilt else. */
function tilt(slices: Slice[]): number {
  const first = slices[0]!;
  const last = slices[slices.length - 1]!;
  const way = minus(last.position!, first.position!);
  const normal = cross(first.row!, first.column!);
  const size = length(way) * length(normal);
  return size === 0 ? 0 : (Math.acos(Math.min(1, Math.abs(dot(way, normal)) / size)) * 180) / Math.PI;
}

function describe(slices: Slice[]): { notes: Note[]; volume: boolean } {
  const notes: Note[] = [];
  const first = slices[0]!;
  const lossy = slices.find((s) => text(s.instance, TAG.lossy) === '01');
  if (lossy) notes.push({ key: 'lossy', ratio: number(lossy.instance, TAG.lossyRatio) });
  if (first.spacing.kind !== 'patient') notes.push({ key: 'spacing', kind: first.spacing.kind });
  const depths = slices.map(depth);
  if (slices.length < 2 || depths.some((d) => d === undefined)) {
    if (slices.length > 1 && slices.some((s) => s.position) ) notes.push({ key: 'unplaced' });
    return { notes, volume: false };
  }
  const steps = depths.slice(1).map((d, i) => Math.abs(d! - depths[i]!));
  const usual = median(steps);
  const least = Math.min(...steps);
  const most = Math.max(...steps);
  const even = usual > 0 && most - least <= Math.max(0.02 * usual, 0.01);
  if (!even && usual > 0) {
    const missing = steps.reduce((n, s) => n + Math.max(0, Math.round(s / usual) - 1), 0);
    const whole = steps.every((s) => Math.abs(s / usual - Math.max(1, Math.round(s / usual))) < 0.02);
    notes.push(whole && missing > 0 ? { key: 'gaps', count: missing } : { key: 'uneven', from: least, to: most });
  }
  const degrees = tilt(slices);
  if (degrees > 0.5) notes.push({ key: 'tilted', degrees });
  return { notes, volume: even && degrees <= 0.5 && slices.length >= 3 && first.spacing.kind === 'patient' };
}

/** The stacks of one series, each in the order its slices lie along their normal; by instance number where they are not placed. */
export function stacksOf(instances: Instance[], web: string): Stack[] {
  const planes = new Map<string, Slice[]>();
  for (const slice of instances.flatMap((i) => slicesOf(i, web))) {
    const film = (number(slice.instance, TAG.frames) ?? 1) > 1 && !slice.position;
    const key = film ? slice.sop : plane(slice);
    const list = planes.get(key);
    if (list) list.push(slice);
    else planes.set(key, [slice]);
  }
  return [...planes.entries()].map(([key, slices]) => {
    const placed = slices.every((s) => depth(s) !== undefined);
    slices.sort((a, b) => (placed ? depth(a)! - depth(b)! : 0) || a.number - b.number || a.frame - b.frame);
    const first = slices[0]!;
    const cine = slices.length > 1 && slices.every((s) => s.sop === first.sop) && !placed;
    const modality = text(first.instance, TAG.modality);
    // Head first: what lies highest in the body is the first of an axial stack.
    if (placed && !cine && Math.abs(cross(first.row!, first.column!)[2]) > 0.8) slices.reverse();
    return {
      id: `${text(first.instance, TAG.series)}/${key}`,
      series: text(first.instance, TAG.series),
      title: text(first.instance, TAG.seriesDescription),
      modality,
      bodyPart: text(first.instance, TAG.bodyPart).toUpperCase(),
      frameOfReference: text(first.instance, TAG.frameOfReference),
      slices,
      cine,
      ...describe(slices),
    };
  }).sort((a, b) => b.slices.length - a.slices.length);
}

/** The slice of `stack` nearest to a slice of another, where both lie in one frame of reference and nearly one plane. */
export function nearest(stack: Stack, slice: Slice, offset = 0): number | undefined {
  const normal = slice.row && slice.column && cross(slice.row, slice.column);
  const first = stack.slices[0];
  if (!normal || !slice.position || !first?.row || !first.column) return undefined;
  if (Math.abs(dot(normal, cross(first.row, first.column))) < 0.95) return undefined;
  const wanted = dot(slice.position, normal) + offset;
  let best: number | undefined;
  let gap = Infinity;
  stack.slices.forEach((s, i) => {
    if (!s.position) return;
    const d = Math.abs(dot(s.position, normal) - wanted);
    if (d < gap) { gap = d; best = i; }
  });
  return best;
}

/** How much deeper along `slice`'s normal another slice lies. */
export function offsetBetween(slice: Slice, other: Slice): number {
  const normal = slice.row && slice.column && cross(slice.row, slice.column);
  if (!normal || !slice.position || !other.position) return 0;
  return dot(other.position, normal) - dot(slice.position, normal);
}

/** Where a direction of the patient points: `L`, `AR` … (PS3.3 C.7.6.1.1.1: x to the left, y to the back, z to the head). */
export function towards(v: Vector): string {
  const letters: [number, string][] = [
    [Math.abs(v[0]), v[0] > 0 ? 'L' : 'R'],
    [Math.abs(v[1]), v[1] > 0 ? 'P' : 'A'],
    [Math.abs(v[2]), v[2] > 0 ? 'H' : 'F'],
  ];
  return letters.filter(([size]) => size > 0.3).sort((a, b) => b[0] - a[0]).slice(0, 2).map(([, letter]) => letter).join('');
}
