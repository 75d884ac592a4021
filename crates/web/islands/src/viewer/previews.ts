// Pictures that come small and with loss while a slow line brings the whole image: the server renders them (PS3.18 §10.4.1.1.3)
// in a window twice as wide as the one on the screen. Here is how large they are, and those that came.
import { TAG, number, text } from './dicom.ts';
import type { Slice } from './geometry.ts';

/** Bytes of previews that are held. */
const HELD_MAX = 64 << 20;
/** A preview may take this long of the line, milliseconds: forty in a second, and a hand scrolls through ten to thirty. */
const TAKES_MS = 25;
/** Sizes of previews, the longer side and what JPEG keeps of it, with the bytes each has at first sight. */
const SIZES = [
  { side: 128, quality: 45, bytes: 2_500 },
  { side: 192, quality: 50, bytes: 5_000 },
  { side: 256, quality: 55, bytes: 9_000 },
  { side: 384, quality: 60, bytes: 20_000 },
  { side: 512, quality: 70, bytes: 45_000 },
];

export interface Window { width: number; centre: number }
/** A size of previews. */
export interface Size { side: number; quality: number; bytes: number }
export interface Held { blob: Blob; window: Window }

const held = new Map<string, Held>();
let bytes = 0;

const NATIVE = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'];

/** Images whose frames are large and whose greys come back from a rendering: one sample, no table, no inversion, nothing drawn over. */
export function canPreview(slice: Slice): boolean {
  const { instance } = slice;
  return text(instance, TAG.photometric) === 'MONOCHROME2'
    && (number(instance, '00280100') ?? 8) === 16
    && slice.rows * slice.columns >= 192 * 192
    && text(instance, '20500020') !== 'INVERSE'
    && !instance['00283000'] && !instance['60000010'];
}

/** Whether frames are sent as they are kept: without compression. */
export const isPlain = (slice: Slice) => NATIVE.includes(text(slice.instance, TAG.transferSyntax));

/** The largest size of which a line of so many bytes a millisecond brings enough. */
export function sizeFor(rate: number): Size {
  return SIZES.findLast((s) => s.bytes <= rate * TAKES_MS) ?? SIZES[0]!;
}

/** A window that leaves room for a reader's changes. */
export function wide(window: Window | undefined, slice: Slice): Window {
  const width = window?.width || number(slice.instance, TAG.windowWidth) || 2000;
  const centre = window?.width ? window.centre : number(slice.instance, TAG.windowCentre) ?? 0;
  return { width: width * 2, centre };
}

const reaches = (own: Window, wanted: Window) =>
  own.centre - own.width / 2 <= wanted.centre - wanted.width / 4 + 1 && own.centre + own.width / 2 >= wanted.centre + wanted.width / 4 - 1;

/** Whether a preview that serves the window is here. */
export function isHere(slice: Slice, window: Window | undefined): boolean {
  const own = held.get(slice.imageId);
  return !!own && reaches(own.window, wide(window, slice));
}

export const heldOf = (slice: Slice): Held | undefined => held.get(slice.imageId);

/** Takes in a preview that came; what it weighs is remembered for the next plan. */
export function hold(slice: Slice, blob: Blob, window: Window, size: Size): void {
  drop(slice.imageId);
  held.set(slice.imageId, { blob, window });
  bytes += blob.size;
  size.bytes = Math.round(0.8 * size.bytes + 0.2 * blob.size);
  for (const id of held.keys()) {
    if (bytes <= HELD_MAX) break;
    drop(id);
  }
}

export function drop(imageId: string): void {
  bytes -= held.get(imageId)?.blob.size ?? 0;
  held.delete(imageId);
}
