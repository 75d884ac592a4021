// A preview as an image in the values of the whole one, so that window and place are the same; it stands there until that one is here.
import * as core from '@cornerstonejs/core';
import { TAG, number, text } from './dicom.ts';
import type { Slice } from './geometry.ts';
import { heldOf } from './previews.ts';

/** The preview as an image in the values of the whole one; none where none came. */
export async function previewOf(slice: Slice): Promise<core.Types.IImage | undefined> {
  const own = heldOf(slice);
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
