// Structure sets (PS3.3 C.8.8.5, C.8.8.6): where the contours of each region lie, and what of them a plane shows.
import { items, number, numbers, text, type Instance } from './dicom.ts';
import { cross, depth, type Slice, type Stack, type Vector } from './geometry.ts';

const T = {
  rois: '30060020',
  roiNumber: '30060022',
  roiFrame: '30060024',
  roiName: '30060026',
  colour: '3006002A',
  contours: '30060039',
  contour: '30060040',
  kind: '30060042',
  data: '30060050',
  referenced: '30060084',
  observations: '30060080',
  interpreted: '300600A4',
} as const;

const FALLBACK = ['#ffd75e', '#7fd6ff', '#ff9ecb', '#a8f08a', '#ffb27a', '#c9b3ff'];

export interface Contour { points: Vector[]; closed: boolean; point: boolean }
export interface Roi {
  number: number;
  name: string;
  /** PTV, ORGAN, EXTERNAL …; empty where nobody says. */
  kind: string;
  colour: string;
  frameOfReference: string;
  contours: Contour[];
  shown: boolean;
}
/** A plane through the patient. */
export interface Plane { origin: Vector; normal: Vector; below: number; above: number }
/** What a plane shows of a region: outlines in it (with how far the nearest was moved to it), and the lines in which it cuts others. */
export interface Cut { outlines: Contour[]; segments: [Vector, Vector][]; off: number }

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** Points of one contour lie in a plane within this, millimetres. */
const FLAT = 0.2;

function contourOf(item: Instance): Contour | undefined {
  const count = (item[T.data]?.Value ?? []).length;
  const all = numbers(item, T.data, count);
  if (!all || count < 3) return undefined;
  const points = Array.from({ length: Math.floor(count / 3) }, (_, i): Vector => [all[3 * i]!, all[3 * i + 1]!, all[3 * i + 2]!]);
  const kind = text(item, T.kind);
  return { points, closed: kind.startsWith('CLOSED'), point: kind === 'POINT' };
}

/** The regions of a structure set, in its order. */
export function roisOf(instance: Instance): Roi[] {
  const drawn = new Map(items(instance, T.contours).map((c) => [number(c, T.referenced), c]));
  const kinds = new Map(items(instance, T.observations).map((o) => [number(o, T.referenced), text(o, T.interpreted)]));
  return items(instance, T.rois).map((roi, i) => {
    const n = number(roi, T.roiNumber) ?? i;
    const contour = drawn.get(n);
    const rgb = contour && numbers(contour, T.colour, 3);
    return {
      number: n,
      name: text(roi, T.roiName) || String(n),
      kind: kinds.get(n) ?? '',
      colour: rgb ? `rgb(${rgb.map((c) => Math.max(0, Math.min(255, Math.round(c)))).join(' ')})` : FALLBACK[i % FALLBACK.length]!,
      frameOfReference: text(roi, T.roiFrame),
      contours: contour ? items(contour, T.contour).map(contourOf).filter((c): c is Contour => c !== undefined) : [],
      shown: true,
    };
  });
}

/** The plane of a slice, with half the way to its neighbours on either side. */
export function planeOf(stack: Stack, slice: Slice): Plane | undefined {
  if (!slice.position || !slice.row || !slice.column) return undefined;
  const normal = cross(slice.row, slice.column);
  const here = depth(slice)!;
  const steps = stack.slices.map((s) => (s.position ? dot(s.position, normal) - here : 0));
  const on = (side: (d: number) => boolean) => {
    const found = steps.filter((d) => side(d)).map(Math.abs);
    return found.length ? Math.min(...found) / 2 : undefined;
  };
  const above = on((d) => d > 1e-3);
  const below = on((d) => d < -1e-3);
  const thick = (number(slice.instance, '00180050') ?? 1) / 2;
  return { origin: slice.position, normal, above: above ?? below ?? thick, below: below ?? above ?? thick };
}

interface Flat { depth: number; flat: boolean }
const flats = new WeakMap<Contour, Map<string, Flat>>();

/** Where along a normal a contour lies, and whether all of it lies there. */
function flatOf(contour: Contour, normal: Vector): Flat {
  const key = normal.map((n) => n.toFixed(4)).join();
  let known = flats.get(contour);
  if (!known) flats.set(contour, known = new Map());
  let found = known.get(key);
  if (!found) {
    const depths = contour.points.map((p) => dot(p, normal));
    const [low, high] = [Math.min(...depths), Math.max(...depths)];
    found = { depth: (low + high) / 2, flat: high - low <= FLAT };
    known.set(key, found);
  }
  return found;
}

/** What a plane shows of a region. A contour beside the plane is drawn on it if no other slice is nearer. */
export function cut(roi: Roi, plane: Plane): Cut {
  const here = dot(plane.origin, plane.normal);
  const out: Cut = { outlines: [], segments: [], off: 0 };
  for (const contour of roi.contours) {
    const lies = flatOf(contour, plane.normal);
    if (lies.flat || contour.point) {
      const off = lies.depth - here;
      if (off <= plane.above + 1e-6 && off > -plane.below + 1e-6) {
        out.outlines.push(contour);
        out.off = Math.max(out.off, Math.abs(off));
      }
    } else if (contour.closed) {
      out.segments.push(...crossed(contour, plane, here));
    }
  }
  return out;
}

/** The lines along which a plane cuts the face of a contour that does not lie in it. */
function crossed(contour: Contour, plane: Plane, here: number): [Vector, Vector][] {
  const hits: Vector[] = [];
  const p = contour.points;
  p.forEach((a, i) => {
    const b = p[(i + 1) % p.length]!;
    const [da, db] = [dot(a, plane.normal) - here, dot(b, plane.normal) - here];
    if (da < 0 === db < 0) return;
    const t = da / (da - db);
    hits.push([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]);
  });
  if (hits.length < 2) return [];
  const [first] = hits;
  const far = hits.reduce((m, h) => (dist(h, first!) > dist(m, first!) ? h : m));
  const way: Vector = [far[0] - first![0], far[1] - first![1], far[2] - first![2]];
  hits.sort((a, b) => dot(a, way) - dot(b, way));
  const out: [Vector, Vector][] = [];
  for (let i = 0; i + 1 < hits.length; i += 2) out.push([hits[i]!, hits[i + 1]!]);
  return out;
}

const dist = (a: Vector, b: Vector) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** How many flat contours of a region no slice of the stack is near enough to. */
export function nowhere(roi: Roi, stack: Stack): number {
  const planes = stack.slices.map((s) => planeOf(stack, s)).filter((p): p is Plane => p !== undefined);
  const [first] = planes;
  if (!first) return roi.contours.length;
  return roi.contours.filter((c) => {
    const lies = flatOf(c, first.normal);
    if (!lies.flat) return false;
    return !planes.some((p) => {
      const off = lies.depth - dot(p.origin, p.normal);
      return off <= p.above + 1e-6 && off >= -p.below - 1e-6;
    });
  }).length;
}
