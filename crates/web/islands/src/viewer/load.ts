// Metadata and pixels: fetched with the session's own cookie, first what is looked at, then what lies around it.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import dicomImageLoader from '@cornerstonejs/dicom-image-loader';
import type { Instance } from './dicom.ts';
import { stacksOf, type Slice, type Stack } from './geometry.ts';

const slices = new Map<string, Slice>();
const stacks = new Map<string, Stack>();

export const sliceOf = (imageId: string) => slices.get(imageId);
export const stackOf = (imageId: string) => stacks.get(imageId);

/** Planes as our geometry reads them: what a projection measures is never taken for the patient's size without a word. */
function planeProvider(type: string, imageId: string): unknown {
  const slice = slices.get(imageId);
  if (!slice) return undefined;
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

let begun: Promise<void> | undefined;

/** Starts the libraries once. */
export function begin(): Promise<void> {
  begun ??= (async () => {
    core.init();
    tools.init();
    const cores = navigator.hardwareConcurrency || 2;
    dicomImageLoader.init({ maxWebWorkers: Math.max(1, Math.min(4, cores - 1)), useLegacyMetadataProvider: true } as never);
    core.metaData.addProvider(planeProvider, 20_000);
    core.cache.setMaxCacheSize(1024 * 1024 * 1024);
  })();
  return begun;
}

/** The stacks of a series as the server knows it now. Fails with the answer's status. */
export async function loadSeries(web: string, study: string, series: string): Promise<Stack[]> {
  const answer = await fetch(`${web}/studies/${study}/series/${series}/metadata`, {
    headers: { accept: 'application/dicom+json' },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const found = stacksOf((await answer.json()) as Instance[], web);
  for (const stack of found) {
    for (const slice of stack.slices) {
      slices.set(slice.imageId, slice);
      stacks.set(slice.imageId, stack);
      dicomImageLoader.wadors.metaDataManager.add(slice.imageId, slice.instance as never);
    }
  }
  return found;
}

export function isLoaded(imageId: string): boolean {
  return core.cache.isLoaded(imageId);
}

/** Fetches what lies around the image on the screen, nearest first, as many at a time as the line carries. */
export class Prefetch {
  private stack: Stack | undefined;
  private at = 0;
  private running = 0;
  private readonly failed = new Map<string, number>();
  private timer = 0;
  /** Milliseconds one image took, smoothed: a slow line gets fewer at a time, so that the one asked for comes soon. */
  private took_ms = 300;

  constructor(private readonly progress: (stack: Stack, done: number) => void) {}

  look(stack: Stack, at: number): void {
    this.stack = stack;
    this.at = at;
    this.pump();
  }

  stop(): void {
    this.stack = undefined;
  }

  private width(): number {
    if (this.took_ms > 1500) return 1;
    return this.took_ms > 500 ? 3 : 6;
  }

  private next(): string | undefined {
    const all = this.stack?.slices;
    if (!all) return undefined;
    for (let step = 0; step < all.length; step += 1) {
      for (const at of step === 0 ? [this.at] : [this.at + step, this.at - step]) {
        const id = all[at]?.imageId;
        if (id && !isLoaded(id) && !core.cache.getImageLoadObject(id) && (this.failed.get(id) ?? 0) < 2) return id;
      }
    }
    return undefined;
  }

  private pump(): void {
    while (this.running < this.width()) {
      const id = this.next();
      if (!id) break;
      void this.one(id);
    }
    this.tell();
  }

  private async one(id: string): Promise<void> {
    this.running += 1;
    const began = performance.now();
    try {
      await core.imageLoader.loadAndCacheImage(id, { requestType: core.Enums.RequestType.Prefetch, priority: 0 } as never);
      this.took_ms = 0.7 * this.took_ms + 0.3 * (performance.now() - began);
    } catch {
      this.failed.set(id, (this.failed.get(id) ?? 0) + 1);
    } finally {
      this.running -= 1;
      this.pump();
    }
  }

  private tell(): void {
    if (this.timer) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      const { stack } = this;
      if (stack) this.progress(stack, stack.slices.filter((s) => isLoaded(s.imageId)).length);
    }, 100);
  }
}
