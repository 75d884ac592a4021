// Metadata and pixels: fetched with the session's own cookie.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import { stacksOf, type Slice, type Stack } from './geometry.ts';
import { seriesMetadata } from './metadata.ts';
import { fillPalette } from './palette.ts';
import { isPlain } from './previews.ts';
import { Supply } from './supply.ts';

const slices = new Map<string, Slice>();
const stacks = new Map<string, Stack>();
let supply: Supply | undefined;

/** What is told of images as they come. */
export const heard: { progress(stack: Stack, whole: number): void; arrived(imageId: string): void } = {
  progress: () => undefined,
  arrived: () => undefined,
};

/** Where pictures get their images from. */
export function supplies(): Supply {
  supply ??= new Supply({ slice: sliceOf, stack: stackOf }, (stack, whole) => heard.progress(stack, whole), (imageId) => heard.arrived(imageId));
  return supply;
}

export const sliceOf = (imageId: string) => slices.get(imageId);
export const stackOf = (imageId: string) => stacks.get(imageId);

/** Planes as our geometry reads them: what a projection measures is never taken for the patient's size without a word. */
function planeProvider(type: string, imageId: string): unknown {
  const slice = slices.get(imageId);
  if (!slice) return undefined;
  // A line may become slow at any time: pictures of stacks always come by our own supply.
  // (Volumes ask by their own name, and for `retrieveOptions`, of which there are none.)
  if (type === 'imageRetrieveConfiguration') return { create: supplies };
  if (type === 'calibrationModule') return {};
  if (type !== 'imagePlaneModule') return undefined;
  const row = slice.row ?? [1, 0, 0];
  const column = slice.column ?? [0, 1, 0];
  const known = slice.spacing.kind !== 'none';
  return {
    frameOfReferenceUID: stacks.get(imageId)?.frameOfReference || stacks.get(imageId)?.series,
    rows: slice.rows,
    columns: slice.columns,
    imageOrientationPatient: [...row, ...column],
    rowCosines: row,
    columnCosines: column,
    imagePositionPatient: slice.position ?? [0, 0, 0],
    pixelSpacing: [slice.spacing.row, slice.spacing.column],
    rowPixelSpacing: slice.spacing.row,
    columnPixelSpacing: slice.spacing.column,
    usingDefaultValues: !known || !slice.position,
  };
}

const JPEG_LS = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.4.80';
let begun: Promise<void> | undefined;

/** Starts the libraries once. */
export function begin(): Promise<void> {
  begun ??= (async () => {
    core.init();
    tools.init();
    const cores = navigator.hardwareConcurrency || 2;
    initLoader({
      maxWebWorkers: Math.max(1, Math.min(4, cores - 1)),
      useLegacyMetadataProvider: true,
      // On a slow line what is kept without compression comes in JPEG-LS, without loss and less than half the size.
      beforeSend: (request: XMLHttpRequest, imageId: string) => {
        supplies().sending(imageId, request);
        const slice = slices.get(imageId);
        return slice && isPlain(slice) && supplies().line.isSlow ? { Accept: JPEG_LS } : {};
      },
    } as never);
    core.metaData.addProvider(planeProvider, 20_000);
    core.cache.setMaxCacheSize(1024 * 1024 * 1024);
  })();
  return begun;
}

/** The stacks of a series as the server knows it now. Fails with the answer's status. */
export async function loadSeries(web: string, study: string, series: string): Promise<Stack[]> {
  const instances = await seriesMetadata(web, study, series);
  await Promise.all(instances.map(fillPalette));
  const found = stacksOf(instances, web);
  for (const stack of found) {
    for (const slice of stack.slices) {
      slices.set(slice.imageId, slice);
      stacks.set(slice.imageId, stack);
      wadors.metaDataManager.add(slice.imageId, slice.instance as never);
    }
  }
  return found;
}
