// Measurements: what is drawn beside a figure, listed beside the picture, sent to be kept and shown again.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { cross, length, minus, type Slice, type SpacingKind, type Vector } from './geometry.ts';
import { sliceOf, stackOf } from './load.ts';
import { isLoaded } from './supply.ts';
import { say } from './words.ts';

export type Figure = 'Length' | 'Angle' | 'RectangleROI' | 'EllipticalROI';
export const FIGURES: Figure[] = ['Length', 'Angle', 'RectangleROI', 'EllipticalROI'];
/** How many points a figure is made from by keyboard. */
export const POINTS: Record<Figure, number> = { Length: 2, Angle: 3, RectangleROI: 2, EllipticalROI: 2 };

/** A measurement as it is kept. Points in the patient's millimetres, or in pixels where nothing places the image. */
export interface Kept {
  id: string;
  tool: Figure;
  sop: string;
  frame: number;
  points: Vector[];
  value: number;
  unit: string;
  text: string;
  /** The points as columns and rows of the image, 0 being the outer edge of its first pixel. */
  image: Point[];
  statistics?: Statistics | undefined;
  /** What distances rest on where they are not the patient's own size. */
  basis?: SpacingKind | undefined;
}

export type Point = [number, number];
interface Statistics { mean: number; sd: number; min: number; max: number; unit: string }
interface Stats { mean?: number; stdDev?: number; min?: number; max?: number }
interface Annotation {
  annotationUID: string;
  metadata: { toolName: string; referencedImageId?: string; [more: string]: unknown };
  data: { handles: { points: Vector[]; [more: string]: unknown }; cachedStats?: Record<string, Stats>; [more: string]: unknown };
  [more: string]: unknown;
}

const round = (n: number, places: number) => n.toLocaleString(document.documentElement.lang, {
  minimumFractionDigits: places, maximumFractionDigits: places, useGrouping: false,
});

function unitOf(kind: SpacingKind): string {
  return kind === 'none' ? 'px' : 'mm';
}

/** Units of pixel values: Hounsfield for CT (or as the object says), the object's own word else. */
function valueUnit(imageId: string): string {
  const slice = sliceOf(imageId);
  const type = slice?.instance['00281054']?.Value?.[0];
  if (typeof type === 'string' && type && type !== 'US') return type;
  return stackOf(imageId)?.modality === 'CT' ? 'HU' : '';
}

function angle([a, b, c]: Vector[]): number {
  if (!a || !b || !c) return Number.NaN;
  const u = minus(a, b);
  const v = minus(c, b);
  const size = length(u) * length(v);
  return size === 0 ? Number.NaN : (Math.acos(Math.max(-1, Math.min(1, (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) / size))) * 180) / Math.PI;
}

/** Width and height of what a rectangle's corners or an ellipse's extremes span. */
function extent(tool: Figure, p: Vector[]): [number, number] {
  if (tool === 'EllipticalROI') return [length(minus(p[3]!, p[2]!)), length(minus(p[1]!, p[0]!))];
  return [length(minus(p[1]!, p[0]!)), length(minus(p[2]!, p[0]!))];
}

/** The numbers of a figure from its points and the values under it: its first value, unit and lines of text. */
export function read(a: Annotation): { value: number; unit: string; lines: string[] } {
  const tool = a.metadata.toolName as Figure;
  const imageId = a.metadata.referencedImageId ?? '';
  const kind = sliceOf(imageId)?.spacing.kind ?? 'none';
  const unit = unitOf(kind);
  const p = a.data.handles.points;
  const mark = kind === 'patient' || kind === 'none' || kind === 'region' ? '' : ` (${say(`spacing-short-${kind}`)})`;
  if (tool === 'Length' && p[0] && p[1]) {
    const value = length(minus(p[1], p[0]));
    return { value, unit, lines: [`${round(value, 1)} ${unit}${mark}`] };
  }
  if (tool === 'Angle') {
    const value = angle(p);
    return Number.isFinite(value) ? { value, unit: 'deg', lines: [`${round(value, 1)}°`] } : { value: 0, unit: 'deg', lines: [] };
  }
  if (p.length < 4) return { value: 0, unit, lines: [] };
  const [w, h] = extent(tool, p);
  const area = tool === 'EllipticalROI' ? (Math.PI * w * h) / 4 : w * h;
  const stats = Object.values(a.data.cachedStats ?? {})[0];
  const values = valueUnit(imageId);
  const lines = [`${round(w, 1)} × ${round(h, 1)} ${unit}${mark}`, `${round(area, 1)} ${unit}²`];
  // Statistics of a preview would be those of its losses.
  if (typeof stats?.mean === 'number' && isLoaded(imageId)) {
    lines.push(`${say('stat-mean')} ${round(stats.mean, 1)} ± ${round(stats.stdDev ?? 0, 1)} ${values}`.trim());
    if (typeof stats.max === 'number') {
      const low = typeof stats.min === 'number' ? `${round(stats.min, 0)} … ` : '';
      lines.push(`${say('stat-range')} ${low}${round(stats.max, 0)} ${values}`.trim());
    }
  }
  return { value: area, unit: `${unit}2`, lines };
}

/** Tools that draw figures, with our numbers as their text. */
export function configured(): [string, object][] {
  const getTextLines = (data: Annotation['data']) => {
    const all = tools.annotation.state.getAllAnnotations() as unknown as Annotation[];
    const own = all.find((a) => a.data === data);
    return own ? read(own).lines : [];
  };
  return FIGURES.map((name) => [name, { getTextLines }]);
}

/** Figures of documents in the study: shown, never changed, kept by whoever made them. */
const lent = new Set<string>();

export function all(): Annotation[] {
  const list = tools.annotation.state.getAllAnnotations() as unknown as Annotation[];
  return list.filter((a) => FIGURES.includes(a.metadata.toolName as Figure) && a.metadata.referencedImageId && !lent.has(a.annotationUID));
}

/** What stands in for a figure of a document. Others' figures have a colour of their own and do not move. */
export function lend(tool: Figure, imageId: string, points: Vector[], id: string): void {
  if (lent.has(id)) return;
  lent.add(id);
  place(tool, imageId, points, id);
  tools.annotation.locking.setAnnotationLocked(id, true);
  tools.annotation.config.style.setAnnotationStyles(id, {
    color: 'rgb(127, 208, 255)', colorLocked: 'rgb(127, 208, 255)', textBoxColor: 'rgb(127, 208, 255)', textBoxColorLocked: 'rgb(127, 208, 255)',
  });
}

/** Shows or hides figures of documents. */
export function reveal(ids: Iterable<string>, on: boolean): void {
  for (const id of ids) if (lent.has(id)) tools.annotation.visibility.setAnnotationVisibility(id, on);
}

/** Takes figures of documents off the pictures. */
export function takeBack(ids: Iterable<string>): void {
  for (const id of ids) if (lent.delete(id)) tools.annotation.state.removeAnnotation(id);
}

/** Points on an image as the standard counts them, in the order it has them: corners around, an ellipse's axes end by end. */
function onImage(tool: Figure, slice: Slice, points: Vector[]): Point[] {
  const row = slice.row ?? [1, 0, 0];
  const column = slice.column ?? [0, 1, 0];
  const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const all = points.map((p): Point => {
    const d = minus(p, slice.position ?? [0, 0, 0]);
    return [dot(d, row) / slice.spacing.column + 0.5, dot(d, column) / slice.spacing.row + 0.5];
  });
  return tool === 'RectangleROI' && all.length === 4 ? [all[0]!, all[1]!, all[3]!, all[2]!] : all;
}

/** The way back, to the points the tools keep. */
export function inBody(tool: Figure, slice: Slice, points: Point[]): Vector[] {
  const row = slice.row ?? [1, 0, 0];
  const column = slice.column ?? [0, 1, 0];
  const origin = slice.position ?? [0, 0, 0];
  const all = points.map(([x, y]): Vector => {
    const [u, v] = [(x - 0.5) * slice.spacing.column, (y - 0.5) * slice.spacing.row];
    return [0, 1, 2].map((i) => origin[i]! + row[i]! * u + column[i]! * v) as Vector;
  });
  if (all.length !== 4) return all;
  if (tool === 'RectangleROI') return [all[0]!, all[1]!, all[3]!, all[2]!];
  // Bottom, top, left, right: the upright axis first.
  const upright = Math.abs(points[1]![1] - points[0]![1]) >= Math.abs(points[1]![0] - points[0]![0]) ? [0, 1] : [2, 3];
  const level = upright[0] === 0 ? [2, 3] : [0, 1];
  const by = (axis: number) => (a: number, b: number) => points[a]![axis]! - points[b]![axis]!;
  const [top, bottom] = upright.sort(by(1));
  const [left, right] = level.sort(by(0));
  return [all[bottom!]!, all[top!]!, all[left!]!, all[right!]!];
}

function statistics(a: Annotation): Statistics | undefined {
  const imageId = a.metadata.referencedImageId ?? '';
  const s = isLoaded(imageId) ? Object.values(a.data.cachedStats ?? {})[0] : undefined;
  if (!s || [s.mean, s.stdDev, s.min, s.max].some((n) => typeof n !== 'number' || !Number.isFinite(n))) return undefined;
  const unit = valueUnit(imageId) === 'HU' ? 'HU' : stackOf(imageId)?.modality === 'MR' ? 'MR' : '';
  return { mean: s.mean!, sd: s.stdDev!, min: s.min!, max: s.max!, unit };
}

export function kept(): Kept[] {
  return all().flatMap((a) => {
    const slice = sliceOf(a.metadata.referencedImageId ?? '');
    const { value, unit, lines } = read(a);
    const points = a.data.handles.points.map((p) => [...p] as Vector);
    const tool = a.metadata.toolName as Figure;
    const { kind } = slice?.spacing ?? { kind: 'none' };
    if (!slice || !Number.isFinite(value) || lines.length === 0) return [];
    return [{
      id: a.annotationUID,
      tool,
      sop: slice.sop,
      frame: slice.frame,
      points,
      value,
      unit,
      text: lines.join('; '),
      image: onImage(tool, slice, points),
      statistics: tool.endsWith('ROI') ? statistics(a) : undefined,
      basis: kind === 'patient' || kind === 'none' || tool === 'Angle' ? undefined : kind,
    }];
  });
}

/** Puts a figure on an image. */
export function place(tool: Figure, imageId: string, points: Vector[], id?: string): string | undefined {
  const plane = core.metaData.get('imagePlaneModule', imageId) as
    { rowCosines: Vector; columnCosines: Vector; frameOfReferenceUID: string } | undefined;
  if (!plane) return undefined;
  const made = {
    annotationUID: id ?? crypto.randomUUID(),
    highlighted: false,
    invalidated: true,
    isLocked: false,
    isVisible: true,
    metadata: {
      toolName: tool,
      viewPlaneNormal: cross(plane.rowCosines, plane.columnCosines).map((n) => -n),
      viewUp: plane.columnCosines.map((n) => -n),
      FrameOfReferenceUID: plane.frameOfReferenceUID,
      referencedImageId: imageId,
    },
    data: {
      label: '',
      cachedStats: {},
      handles: {
        points,
        activeHandleIndex: null,
        textBox: {
          hasMoved: false,
          worldPosition: [0, 0, 0],
          worldBoundingBox: { topLeft: [0, 0, 0], topRight: [0, 0, 0], bottomLeft: [0, 0, 0], bottomRight: [0, 0, 0] },
        },
      },
    },
  };
  tools.annotation.state.addAnnotation(made as never, plane.frameOfReferenceUID as never);
  return made.annotationUID;
}

/** From two opposite corners, the points the tools keep: corners of a rectangle, extremes of an ellipse. */
export function spanned(tool: Figure, a: Vector, b: Vector, row: Vector): Vector[] {
  const d = minus(b, a);
  const along = d[0] * row[0] + d[1] * row[1] + d[2] * row[2];
  const add = (v: Vector, w: Vector, k: number): Vector => [v[0] + w[0] * k, v[1] + w[1] * k, v[2] + w[2] * k];
  const beside = add(a, row, along);
  const below = add(b, row, -along);
  if (tool === 'RectangleROI') return [a, beside, below, b];
  const middle = (p: Vector, q: Vector): Vector => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2];
  return [middle(below, b), middle(a, beside), middle(a, below), middle(beside, b)];
}

/** Figures on an image that has come whole are worked out anew. Gives whether there are any. */
export function refresh(imageId: string): boolean {
  const list = tools.annotation.state.getAllAnnotations() as unknown as Annotation[];
  const own = list.filter((a) => a.metadata.referencedImageId === imageId);
  for (const a of own) a['invalidated'] = true;
  return own.length > 0;
}

export function remove(id: string): void {
  tools.annotation.state.removeAnnotation(id);
}
