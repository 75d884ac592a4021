// Brings images to the screen over whatever line there is. On a fast one whole images come, the one looked at first. On a slow one a
// small preview stands in, said to be one, until the whole image is here; previews are fetched ahead of the scrolling hand.
import * as core from '@cornerstonejs/core';
import type { Slice, Stack } from './geometry.ts';
import { canPreview, drop, fetchPreview, isHere, previewOf } from './preview.ts';

interface Listener {
  successCallback(imageId: string, image: core.Types.IImage): void;
  errorCallback(imageId: string, permanent: boolean, error: unknown): void;
}

/** Below this many bytes a millisecond (20 Mbit/s) a line is slow. */
const SLOW = 2500;
/** Bytes and time the line is judged by. */
const JUDGED_MS = 6000;
const JUDGED_BYTES = 24_000;
/** A hand that has not moved for so long rests: whole images are fetched. */
const REST_MS = 180;
const PREVIEWS_AT_ONCE = 4;

export const isLoaded = (imageId: string): boolean => core.cache.isLoaded(imageId);

/** What the line carries, from all that came over it: bytes a millisecond; none while too little has come. */
export class Line {
  private readonly seen: { from: number; to: number; bytes: number }[] = [];
  private known: number | undefined;

  constructor() {
    const take = (entries: PerformanceEntryList) => {
      for (const e of entries as PerformanceResourceTiming[]) {
        // What came from the cache tells nothing of the line.
        if (e.transferSize > 0 && e.responseEnd > e.responseStart) this.seen.push({ from: e.responseStart, to: e.responseEnd, bytes: e.transferSize });
      }
    };
    take(performance.getEntriesByType('navigation'));
    take(performance.getEntriesByType('resource'));
    performance.setResourceTimingBufferSize?.(5000);
    new PerformanceObserver((list) => take(list.getEntries())).observe({ type: 'resource' });
  }

  /** Together, not each: answers that come at once share the line. */
  rate(): number | undefined {
    const last = this.seen.at(-1)?.to ?? 0;
    const lately = this.seen.filter((s) => s.to > last - JUDGED_MS).sort((a, b) => a.from - b.from);
    let busy = 0;
    let until = -Infinity;
    let bytes = 0;
    for (const s of lately) {
      busy += Math.max(0, s.to - Math.max(until, s.from));
      until = Math.max(until, s.to);
      bytes += s.bytes;
    }
    if (this.seen.length > 400) this.seen.splice(0, this.seen.length - 200);
    if (bytes > JUDGED_BYTES && busy > 0) this.known = bytes / busy;
    return this.known;
  }

  get isSlow(): boolean {
    const rate = this.rate();
    if (rate !== undefined) return rate < SLOW;
    // Mbit/s, as the browser itself has judged it.
    const said = (navigator as unknown as { connection?: { downlink?: number } }).connection?.downlink;
    return said !== undefined && said * 125 < SLOW;
  }
}

export class Supply {
  readonly line = new Line();
  /** The window on the screen. */
  window: () => { width: number; centre: number } | undefined = () => undefined;
  private stack: Stack | undefined;
  private at = 0;
  private way: 1 | -1 = 1;
  private moved = 0;
  private timer = 0;
  private telling = 0;
  private previews = 0;
  private readonly asked = new Map<string, Promise<boolean>>();
  private readonly wholes = new Map<string, Promise<core.Types.IImage>>();
  private readonly failed = new Map<string, number>();
  /** What each picture on the screen waits for. */
  private readonly waiting = new Map<Listener, string>();
  private took_ms = 300;

  constructor(
    private readonly sliceOf: (imageId: string) => Slice | undefined,
    private readonly progress: (stack: Stack, whole: number) => void,
    private readonly arrived: (imageId: string) => void,
  ) {}

  /** Cornerstone asks for the image of a picture. Resolves as soon as something of it is on the screen. */
  async loadImages(imageIds: string[], listener: Listener): Promise<unknown> {
    const [id] = imageIds;
    if (!id) return [];
    this.waiting.set(listener, id);
    const slice = this.sliceOf(id);
    const image = core.cache.getImage(id);
    if (image) {
      listener.successCallback(id, image);
    } else if (slice && canPreview(slice) && this.line.isSlow) {
      await this.soon(id, slice, listener);
    } else {
      await this.now(id, listener);
    }
    return [];
  }

  private async now(id: string, listener: Listener): Promise<void> {
    try {
      const image = await this.whole(id, true);
      listener.successCallback(id, image);
    } catch (e) {
      listener.errorCallback(id, true, e);
    }
  }

  /** The preview first, the whole image when the hand rests. */
  private async soon(id: string, slice: Slice, listener: Listener): Promise<void> {
    const running = this.wholes.get(id);
    const came = isHere(slice, this.window()) || await Promise.race([
      this.preview(slice),
      ...(running ? [running.then(() => true, () => false)] : []),
    ]);
    if (this.waiting.get(listener) !== id) return;
    const whole = core.cache.getImage(id);
    const image = whole ?? (came ? await previewOf(slice) : undefined);
    if (this.waiting.get(listener) !== id) return;
    if (image) {
      // The whole one may have come while the preview was drawn.
      listener.successCallback(id, core.cache.getImage(id) ?? image);
      this.pump();
    } else {
      await this.now(id, listener);
    }
  }

  private preview(slice: Slice): Promise<boolean> {
    const id = slice.imageId;
    let asked = this.asked.get(id);
    if (!asked) {
      this.previews += 1;
      asked = fetchPreview(slice, this.window()).then((came) => {
        // One that is refused is not asked for again and again.
        if (!came) this.failed.set(`preview ${id}`, (this.failed.get(`preview ${id}`) ?? 0) + 1);
        return came;
      }).finally(() => {
        this.previews -= 1;
        this.asked.delete(id);
        this.pump();
      });
      this.asked.set(id, asked);
    }
    return asked;
  }

  private whole(id: string, urgent: boolean): Promise<core.Types.IImage> {
    let running = this.wholes.get(id);
    if (!running) {
      const began = performance.now();
      const { Interaction, Prefetch } = core.Enums.RequestType;
      running = core.imageLoader.loadAndCacheImage(id, {
        requestType: urgent ? Interaction : Prefetch, priority: urgent ? -5 : 5, useRGBA: false, additionalDetails: { imageId: id },
      } as never).finally(() => this.wholes.delete(id));
      this.wholes.set(id, running);
      running.then((image) => {
        this.took_ms = 0.7 * this.took_ms + 0.3 * (performance.now() - began);
        drop(id);
        this.show(id, image);
      }, () => this.failed.set(id, (this.failed.get(id) ?? 0) + 1)).finally(() => this.pump());
    }
    return running;
  }

  /** In place of the preview that stands there. */
  private show(id: string, image: core.Types.IImage): void {
    for (const [listener, wanted] of this.waiting) if (wanted === id) listener.successCallback(id, image);
    this.arrived(id);
  }

  /** The reader looks at this image of this stack. */
  look(stack: Stack, at: number): void {
    if (stack === this.stack && at !== this.at) {
      this.way = at > this.at ? 1 : -1;
      this.moved = performance.now();
    }
    this.stack = stack;
    this.at = at;
    this.pump();
  }

  private get rests(): boolean {
    return performance.now() - this.moved > REST_MS;
  }

  private pump(): void {
    const slow = this.line.isSlow;
    if (slow && !this.rests) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.pump(), REST_MS + 20);
    }
    for (;;) {
      const id = this.wholes.size < this.width(slow) ? this.nextWhole(slow) : undefined;
      if (!id) break;
      void this.whole(id, [...this.waiting.values()].includes(id)).catch(() => undefined);
    }
    // While the image looked at comes whole, it has most of the line.
    const open = this.stack?.slices[this.at];
    const room = open && !isLoaded(open.imageId) && this.rests ? PREVIEWS_AT_ONCE / 2 : PREVIEWS_AT_ONCE;
    while (slow && this.previews < room) {
      const slice = this.nextPreview();
      if (!slice) break;
      void this.preview(slice);
    }
    this.tell();
  }

  /** How many whole images come at once: a slow line gets few, so that the one asked for comes soon. */
  private width(slow: boolean): number {
    if (!slow) return this.took_ms > 500 ? 3 : 6;
    if (!this.rests) return 0;
    const open = this.stack?.slices[this.at];
    return open && !isLoaded(open.imageId) ? 1 : 2;
  }

  /** Nearest first; in the direction of scrolling twice as far. */
  private *around(): Generator<Slice> {
    const all = this.stack?.slices ?? [];
    const here = all[this.at];
    if (here) yield here;
    let [ahead, behind] = [this.at + this.way, this.at - this.way];
    for (let n = 0; all[ahead] || all[behind]; n += 1) {
      for (let k = 0; k < 2 && all[ahead]; k += 1, ahead += this.way) yield all[ahead]!;
      if (all[behind]) { yield all[behind]!; behind -= this.way; }
    }
  }

  private mayCome(id: string): boolean {
    return !isLoaded(id) && !this.wholes.has(id) && !core.cache.getImageLoadObject(id) && (this.failed.get(id) ?? 0) < 2;
  }

  private nextWhole(slow: boolean): string | undefined {
    for (const id of this.waiting.values()) if (slow && this.mayCome(id)) return id;
    for (const { imageId } of this.around()) if (this.mayCome(imageId)) return imageId;
    return undefined;
  }

  private nextPreview(): Slice | undefined {
    const window = this.window();
    for (const slice of this.around()) {
      if (!isLoaded(slice.imageId) && !this.asked.has(slice.imageId) && canPreview(slice) && !isHere(slice, window)
        && (this.failed.get(`preview ${slice.imageId}`) ?? 0) < 2) return slice;
    }
    return undefined;
  }

  /** A picture that is gone waits for nothing. */
  forget(listener: unknown): void {
    this.waiting.delete(listener as Listener);
  }

  private tell(): void {
    if (this.telling) return;
    this.telling = window.setTimeout(() => {
      this.telling = 0;
      const { stack } = this;
      if (stack) this.progress(stack, stack.slices.filter((s) => isLoaded(s.imageId)).length);
    }, 100);
  }
}
