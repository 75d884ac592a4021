// Dose grids (PS3.3 C.8.8.3): how much was given at a point of the patient, between the grid's own points by trilinear
// interpolation.
import { TAG, number, numbers, text, type Instance } from './dicom.ts';
import { cross, type Vector } from './geometry.ts';

const T = {
  units: '30040002',
  type: '30040004',
  summation: '3004000A',
  offsets: '3004000C',
  scaling: '3004000E',
  comment: '30040006',
  bits: '00280100',
  signed: '00280103',
} as const;

export interface Dose {
  /** Absorbed dose in gray; else relative to a reference nobody names here. */
  gray: boolean;
  /** PHYSICAL, EFFECTIVE, ERROR. */
  type: string;
  /** PLAN, BEAM, FRACTION … */
  summation: string;
  frameOfReference: string;
  rows: number;
  columns: number;
  origin: Vector;
  row: Vector;
  column: Vector;
  normal: Vector;
  /** Millimetres between rows, between columns. */
  spacing: [number, number];
  /** Where along the normal each frame lies, from the first, ascending. */
  offsets: number[];
  /** Frame by frame, in the order of `offsets`. */
  values: Float32Array;
  highest: number;
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const FRAMES_AT_ONCE = 32;

/** The bytes of frames that came in parts (RFC 2046 §5.1), each of a known length. */
function parts(bytes: Uint8Array, length: number, count: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  let at = 0;
  while (out.length < count) {
    // A part's head ends with an empty line.
    while (at + 3 < bytes.length && !(bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10)) at += 1;
    at += 4;
    if (at + length > bytes.length) throw new Error('frames cut off');
    out.push(bytes.subarray(at, at + length));
    at += length;
  }
  return out;
}

async function frames(at: string, count: number, length: number): Promise<Uint8Array[]> {
  const out: Uint8Array[] = [];
  for (let first = 1; first <= count; first += FRAMES_AT_ONCE) {
    const wanted = Array.from({ length: Math.min(FRAMES_AT_ONCE, count - first + 1) }, (_, i) => first + i);
    const answer = await fetch(`${at}/frames/${wanted.join(',')}`, {
      headers: { accept: 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1' },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    out.push(...parts(new Uint8Array(await answer.arrayBuffer()), length, wanted.length));
  }
  return out;
}

/** The grid of a dose object; none where it does not say what is needed to place and scale it. */
export async function doseOf(instance: Instance, at: string): Promise<Dose | undefined> {
  const [rows, columns] = [number(instance, TAG.rows), number(instance, TAG.columns)];
  const origin = numbers(instance, TAG.position, 3);
  const turned = numbers(instance, TAG.orientation, 6);
  const spacing = numbers(instance, TAG.pixelSpacing, 2);
  const scaling = number(instance, T.scaling);
  const bits = number(instance, T.bits);
  if (!rows || !columns || !origin || !turned || !spacing || !scaling || (bits !== 16 && bits !== 32)) return undefined;
  const count = number(instance, TAG.frames) ?? 1;
  const given = count > 1 ? numbers(instance, T.offsets, count) : [0];
  if (!given) return undefined;
  const signed = number(instance, T.signed) === 1;
  const row: Vector = [turned[0]!, turned[1]!, turned[2]!];
  const column: Vector = [turned[3]!, turned[4]!, turned[5]!];
  const pieces = await frames(at, count, (rows * columns * bits) / 8);
  // From the first frame, whichever of its two meanings the vector has (C.8.8.3.2); ascending, whichever way it was written.
  const order = given.map((_, i) => i).sort((a, b) => given[a]! - given[b]!);
  const values = new Float32Array(rows * columns * count);
  let highest = 0;
  order.forEach((frame, place) => {
    const piece = pieces[frame]!;
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let i = 0; i < rows * columns; i += 1) {
      const raw = bits === 16
        ? (signed ? view.getInt16(i * 2, true) : view.getUint16(i * 2, true))
        : (signed ? view.getInt32(i * 4, true) : view.getUint32(i * 4, true));
      const value = raw * scaling;
      values[place * rows * columns + i] = value;
      if (value > highest) highest = value;
    }
  });
  return {
    gray: text(instance, T.units) === 'GY',
    type: text(instance, T.type),
    summation: text(instance, T.summation),
    frameOfReference: text(instance, TAG.frameOfReference),
    rows,
    columns,
    origin: [origin[0]!, origin[1]!, origin[2]!],
    row,
    column,
    normal: cross(row, column),
    spacing: [spacing[0]!, spacing[1]!],
    offsets: order.map((i) => given[i]! - given[0]!),
    values,
    highest,
  };
}

/** The dose at a point of the patient; none outside of the grid. */
export function doseAt(dose: Dose, p: Vector): number | undefined {
  const d: Vector = [p[0] - dose.origin[0], p[1] - dose.origin[1], p[2] - dose.origin[2]];
  const x = dot(d, dose.row) / dose.spacing[1];
  const y = dot(d, dose.column) / dose.spacing[0];
  const z = dot(d, dose.normal);
  const { offsets, rows, columns, values } = dose;
  const last = offsets.length - 1;
  // Points on the edge of the grid belong to it, whatever the rounding.
  const e = 1e-4;
  if (!(x >= -e && y >= -e && x <= columns - 1 + e && y <= rows - 1 + e)) return undefined;
  const half = last === 0 ? 0.5 : e;
  if (!(z >= offsets[0]! - half && z <= offsets[last]! + half)) return undefined;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= z) low = middle;
    else high = middle;
  }
  const gap = offsets[high]! - offsets[low]!;
  const tz = gap > 0 ? Math.max(0, Math.min(1, (z - offsets[low]!) / gap)) : 0;
  const x0 = Math.max(0, Math.min(columns - 1, Math.floor(x)));
  const y0 = Math.max(0, Math.min(rows - 1, Math.floor(y)));
  const x1 = Math.min(columns - 1, x0 + 1);
  const y1 = Math.min(rows - 1, y0 + 1);
  const [tx, ty] = [Math.max(0, x - x0), Math.max(0, y - y0)];
  const on = (frame: number) => {
    const base = frame * rows * columns;
    const top = values[base + y0 * columns + x0]! * (1 - tx) + values[base + y0 * columns + x1]! * tx;
    const bottom = values[base + y1 * columns + x0]! * (1 - tx) + values[base + y1 * columns + x1]! * tx;
    return top * (1 - ty) + bottom * ty;
  };
  return tz === 0 ? on(low) : on(low) * (1 - tz) + on(high) * tz;
}

/** The lines of one level through a grid of values (marching squares), as pairs of grid coordinates. */
export function isolines(values: Float32Array, w: number, h: number, level: number): [number, number, number, number][] {
  const out: [number, number, number, number][] = [];
  const cutAt = (a: number, b: number) => (level - a) / (b - a);
  for (let y = 0; y + 1 < h; y += 1) {
    for (let x = 0; x + 1 < w; x += 1) {
      const [a, b, c, d] = [values[y * w + x]!, values[y * w + x + 1]!, values[(y + 1) * w + x + 1]!, values[(y + 1) * w + x]!];
      // Outside of the grid nothing is known, so that no line runs along its edge.
      if (Number.isNaN(a + b + c + d)) continue;
      const hits: [number, number][] = [];
      if (a < level !== b < level) hits.push([x + cutAt(a, b), y]);
      if (b < level !== c < level) hits.push([x + 1, y + cutAt(b, c)]);
      if (d < level !== c < level) hits.push([x + cutAt(d, c), y + 1]);
      if (a < level !== d < level) hits.push([x, y + cutAt(a, d)]);
      if (hits.length === 2) out.push([...hits[0]!, ...hits[1]!]);
      else if (hits.length === 4) {
        // A saddle: the middle says which corners hang together.
        const inside = (a + b + c + d) / 4 >= level;
        const pairs = (a >= level) === inside ? [[0, 1], [2, 3]] : [[0, 3], [1, 2]];
        for (const [i, j] of pairs) out.push([...hits[i!]!, ...hits[j!]!]);
      }
    }
  }
  return out;
}
