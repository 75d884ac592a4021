// Pictures that come small and with loss while a slow line brings the whole image: the server renders them (PS3.18 §10.4.1.1.3)
// in a window twice as wide as the one on the screen, and they stand in the image's own values until it is here.
import * as core from '@cornerstonejs/core';
import { TAG, number, text } from './dicom.ts';
import type { Slice } from './geometry.ts';

/** The longer side of a preview, and what JPEG keeps of it. */
const SIDE = 320;
const QUALITY = 60;
/** Bytes of previews that are held. */
const HELD_MAX = 64 << 20;

interface Window { width: number; centre: number }
interface Held { blob: Blob; window: Window }

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

/** A window that leaves room for a reader's changes. */
function wide(window: Window | undefined, slice: Slice): Window {
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

/** The address of a rendering. */
export function address(slice: Slice, window: Window): string {
  const scale = SIDE / Math.max(slice.rows, slice.columns, SIDE);
  const size = [Math.round(slice.columns * scale), Math.round(slice.rows * scale)];
  return `${slice.imageId.slice('wadors:'.length)}/rendered?window=${window.centre},${window.width},linear-exact&viewport=${size}&quality=${QUALITY}`;
}

/** Fetches a preview. Gives whether it came. */
export async function fetchPreview(slice: Slice, window: Window | undefined, signal?: AbortSignal): Promise<boolean> {
  if (isHere(slice, window)) return true;
  const asked = wide(window, slice);
  const answer = await fetch(address(slice, asked), { headers: { accept: 'image/jpeg' }, ...(signal ? { signal } : {}) }).catch(() => undefined);
  if (!answer?.ok) return false;
  const blob = await answer.blob().catch(() => undefined);
  if (!blob) return false;
  drop(slice.imageId);
  held.set(slice.imageId, { blob, window: asked });
  bytes += blob.size;
  for (const id of held.keys()) {
    if (bytes <= HELD_MAX) break;
    drop(id);
  }
  return true;
}

export function drop(imageId: string): void {
  bytes -= held.get(imageId)?.blob.size ?? 0;
  held.delete(imageId);
}

/** The preview as an image in the values of the whole one; none where none came. */
export async function previewOf(slice: Slice): Promise<core.Types.IImage | undefined> {
  const own = held.get(slice.imageId);
  if (!own) return undefined;
  const bitmap = await createImageBitmap(own.blob).catch(() => undefined);
  if (!bitmap) return undefined;
  const { rows, columns } = slice;
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'medium';
  context.drawImage(bitmap, 0, 0, columns, rows);
  bitmap.close();
  const { data } = context.getImageData(0, 0, columns, rows);
  const { width, centre } = own.window;
  const least = number(slice.instance, '00281052') ?? 0;
  const signed = number(slice.instance, '00280103') === 1 || least < 0;
  const values = signed ? new Int16Array(rows * columns) : new Uint16Array(rows * columns);
  const table = Array.from({ length: 256 }, (_, grey) => Math.round(centre + width * (grey / 255 - 0.5)));
  if (!signed) table.forEach((v, i) => { table[i] = Math.max(0, v); });
  for (let i = 0; i < values.length; i += 1) values[i] = table[data[i * 4]!]!;
  return imageOf(slice, values, table[0]!, table[255]!);
}

function imageOf(slice: Slice, values: Int16Array | Uint16Array, min: number, max: number): core.Types.IImage {
  const { rows, columns, instance, imageId } = slice;
  const scaling = { rescaleSlope: 1, rescaleIntercept: 0, modality: text(instance, TAG.modality) };
  return {
    imageId,
    dataType: values.constructor.name,
    color: false,
    rgba: false,
    calibration: {},
    rows,
    columns,
    height: rows,
    width: columns,
    rowPixelSpacing: slice.spacing.row,
    columnPixelSpacing: slice.spacing.column,
    slope: number(instance, '00281053') ?? 1,
    intercept: number(instance, '00281052') ?? 0,
    preScale: { enabled: true, scaled: true, scalingParameters: scaling },
    invert: false,
    minPixelValue: min,
    maxPixelValue: max,
    windowCenter: number(instance, TAG.windowCentre) ?? (min + max) / 2,
    windowWidth: number(instance, TAG.windowWidth) ?? max - min,
    voiLUTFunction: undefined,
    sizeInBytes: values.byteLength,
    numberOfComponents: 1,
    imageFrame: { photometricInterpretation: 'MONOCHROME2', rows, columns, samplesPerPixel: 1, smallestPixelValue: min, largestPixelValue: max },
    imageQualityStatus: core.Enums.ImageQualityStatus.LOSSY,
    voxelManager: core.utilities.VoxelManager.createImageVoxelManager({ scalarData: values, width: columns, height: rows, numberOfComponents: 1 }),
    getPixelData: () => values,
    getCanvas: undefined,
  } as unknown as core.Types.IImage;
}
