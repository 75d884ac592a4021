// Brings images to the screen over whatever line there is. On a fast one whole images come, the one looked at first. On a slow one
// small previews stand in, said to be such. While the hand moves the line brings previews alone, ahead of it; what is under way of
// whole images is given up. When the hand rests, the image looked at comes whole at once; then previews of all the stack, then the rest.
import * as core from '@cornerstonejs/core';
import type { Slice, Stack } from './geometry.ts';
import { Hand, inTurn } from './hand.ts';
import { previewOf } from './preview.ts';
import { drop, isHere, type Window } from './previews.ts';
import { line } from './speed.ts';
import { Strips } from './strips.ts';

export interface Listener {
  /** The picture on the screen, where that is not the listener itself. */
  picture?: unknown;
  successCallback(imageId: string, image: core.Types.IImage): unknown;
  errorCallback(imageId: string, permanent: boolean, error: unknown): void;
}

/** What a picture waits for: an image, and whether a preview may stand in for it. */
interface Wait { id: string; listener: Listener; previewed: boolean; over(): void }
/** A whole image under way. */
interface Under { image: Promise<core.Types.IImage>; request?: XMLHttpRequest; left: number; givenUp: boolean }

/** Neighbours of the first image of a stack that come beside it, so that a hand finds them: previews. */
const NEIGHBOURS = 8;
/** What needs no longer than this to be whole is not given up, milliseconds. */
const NEARLY_MS = 100;

export const isLoaded = (imageId: string): boolean => core.cache.isLoaded(imageId);

export class Supply {
  readonly line = line;
  /** The window on the screen. */
  window: () => Window | undefined = () => undefined;
  /** Where readers are, by picture, and the picture last looked at. */
  private readonly hands = new Map<unknown, Hand>();
  private chosen: unknown;
  private timer = 0;
  private telling = 0;
  private readonly strips: Strips;
  private readonly wholes = new Map<string, Under>();
  private readonly failed = new Map<string, number>();
  /** By picture. */
  private readonly waiting = new Map<unknown, Wait>();
  private took_ms = 300;

  constructor(
    private readonly find: { slice(imageId: string): Slice | undefined; stack(imageId: string): Stack | undefined },
    private readonly progress: (stack: Stack, whole: number) => void,
    private readonly arrived: (imageId: string) => void,
  ) {
    this.strips = new Strips((slice) => this.previewed(slice), () => this.pump());
  }

  /** Cornerstone asks for the image of a picture. Resolves as soon as something of it is on the screen, or it is passed. */
  async loadImages(imageIds: string[], listener: Listener): Promise<unknown> {
    const [id] = imageIds;
    if (!id) return [];
    const slice = this.find.slice(id);
    const stack = this.find.stack(id);
    const picture = listener.picture ?? listener;
    if (slice && stack) this.place(picture, stack, stack.slices.indexOf(slice));
    this.waiting.get(picture)?.over();
    const image = core.cache.getImage(id);
    const previewed = !image && !!slice && this.line.isSlow && this.strips.serves(slice, this.window());
    await new Promise<void>((over) => {
      this.waiting.set(picture, { id, listener, previewed, over });
      if (image) this.give(listener, id, image);
      else if (!previewed) void this.now(id, listener);
      else if (isHere(slice, this.window())) void this.stand(listener, slice);
      this.pump();
    });
    return [];
  }

  private waitOf(listener: Listener): Wait | undefined {
    return this.waiting.get(listener.picture ?? listener);
  }

  private wants(listener: Listener, id: string): boolean {
    return this.waitOf(listener)?.id === id;
  }

  /** Shows an image where it is still waited for. */
  private give(listener: Listener, id: string, image: core.Types.IImage): void {
    const wait = this.waitOf(listener);
    if (wait?.id !== id) return;
    void Promise.resolve(wait.listener.successCallback(id, image)).catch(() => undefined).then(() => wait.over());
  }

  private refuse(listener: Listener, id: string, error: unknown): void {
    if (!this.wants(listener, id)) return;
    listener.errorCallback(id, true, error);
    this.waitOf(listener)?.over();
  }

  private async now(id: string, listener: Listener): Promise<void> {
    const under = this.whole(id, true);
    try {
      this.give(listener, id, await under.image);
    } catch (e) {
      // It was given up for another picture, and is wanted again meanwhile.
      if (under.givenUp && this.wants(listener, id)) await this.now(id, listener);
      else this.refuse(listener, id, e);
    }
  }

  /** Puts the preview that is here on the screen, or the whole image if that has come meanwhile. */
  private async stand(listener: Listener, slice: Slice): Promise<void> {
    const id = slice.imageId;
    const preview = isLoaded(id) ? undefined : await previewOf(slice);
    const image = core.cache.getImage(id) ?? preview;
    if (image) this.give(listener, id, image);
  }

  private previewed(slice: Slice): void {
    for (const { id, listener, previewed } of this.waiting.values()) {
      if (id === slice.imageId && previewed && !isLoaded(id)) void this.stand(listener, slice);
    }
    this.pump();
  }

  private whole(id: string, urgent: boolean): Under {
    const running = this.wholes.get(id);
    if (running) return running;
    const began = performance.now();
    const { Interaction, Prefetch } = core.Enums.RequestType;
    const image = core.imageLoader.loadAndCacheImage(id, {
      requestType: urgent ? Interaction : Prefetch, priority: urgent ? -5 : 5, useRGBA: false, additionalDetails: { imageId: id },
    } as never) as Promise<core.Types.IImage>;
    const under: Under = { image, left: Number.POSITIVE_INFINITY, givenUp: false };
    this.wholes.set(id, under);
    image.then((came) => {
      this.wholes.delete(id);
      this.took_ms = 0.7 * this.took_ms + 0.3 * (performance.now() - began);
      drop(id);
      for (const wait of this.waiting.values()) if (wait.previewed) this.give(wait.listener, id, came);
      this.arrived(id);
    }, (e: unknown) => {
      this.wholes.delete(id);
      if (under.givenUp) return;
      this.failed.set(id, (this.failed.get(id) ?? 0) + 1);
      for (const wait of this.waiting.values()) if (wait.previewed) this.refuse(wait.listener, id, e);
    }).finally(() => this.pump());
    return under;
  }

  /** The request of a whole image that is about to be sent. */
  sending(id: string, request: XMLHttpRequest): void {
    const under = this.wholes.get(id);
    if (!under) return;
    under.request = request;
    request.addEventListener('progress', (e) => { if (e.lengthComputable) under.left = e.total - e.loaded; });
  }

  /** While the hand moves: whole images that no picture waits for leave the line, but for what is nearly here. */
  private giveUp(): void {
    const needed = new Set([...this.waiting.values()].filter((w) => !w.previewed).map((w) => w.id));
    for (const [id, under] of this.wholes) {
      if (needed.has(id) || under.givenUp || !under.request || under.left < NEARLY_MS * this.line.counted) continue;
      under.givenUp = true;
      under.request.abort();
    }
  }

  private place(listener: unknown, stack: Stack, at: number): Hand {
    let hand = this.hands.get(listener);
    if (hand?.stack === stack) hand.go(at);
    else this.hands.set(listener, hand = new Hand(stack, at));
    return hand;
  }

  /** The reader looks at this image of this stack in this picture. */
  look(listener: unknown, stack: Stack, at: number): void {
    this.chosen = listener;
    this.place(listener, stack, at);
    this.pump();
  }

  /** The hand of the chosen picture, then the others. */
  private get all(): Hand[] {
    const first = this.hands.get(this.chosen);
    const rest = [...this.hands.values()].filter((h) => h !== first);
    return first ? [first, ...rest] : rest;
  }

  private pump(): void {
    const hands = this.all;
    const slow = this.line.isSlow;
    const rest_ms = Math.max(0, ...hands.map((h) => h.untilRest()));
    clearTimeout(this.timer);
    if (slow && rest_ms > 0) this.timer = window.setTimeout(() => this.pump(), rest_ms + 5);
    if (slow) this.onSlow(hands, rest_ms > 0);
    else this.fill(hands, this.took_ms > 500 ? 3 : 6);
    this.tell();
  }

  private onSlow(hands: Hand[], moving: boolean): void {
    const view = this.window();
    const wanted = function* (this: Supply) {
      const each = this.strips.each_ms * hands.length;
      for (const slice of inTurn(hands.map((h) => h.wanted(each)))) if (!isLoaded(slice.imageId)) yield slice;
    }.bind(this);
    if (moving) {
      this.giveUp();
      this.strips.bring(wanted(), view, true);
      return;
    }
    const open = hands.flatMap((h) => (h.slice && this.mayCome(h.slice.imageId) || this.wholes.has(h.slice?.imageId ?? '') ? [h.slice!] : []));
    for (const { imageId } of open) if (!this.wholes.has(imageId)) this.whole(imageId, true);
    if (open.length > 0) {
      // Beside the images looked at no more comes than their neighbours.
      const near = inTurn(hands.map((h) => first(h.wanted(1), NEIGHBOURS)));
      this.strips.bring([...near].filter((s) => !isLoaded(s.imageId)), view, false, 1);
    } else if (!this.strips.bring(wanted(), view, false)) {
      this.fill(hands, 2);
    }
  }

  /** Whole images around the places looked at, so many at once. */
  private fill(hands: Hand[], width: number): void {
    for (const hand of hands) {
      for (const { imageId } of hand.around()) {
        if (this.wholes.size >= width) return;
        if (this.mayCome(imageId)) this.whole(imageId, false);
      }
    }
  }

  private mayCome(id: string): boolean {
    return !isLoaded(id) && !this.wholes.has(id) && !core.cache.getImageLoadObject(id) && (this.failed.get(id) ?? 0) < 2;
  }

  /** A picture that is gone waits for nothing. */
  forget(picture: unknown): void {
    this.waiting.get(picture)?.over();
    this.waiting.delete(picture);
    this.hands.delete(picture);
  }

  private tell(): void {
    if (this.telling) return;
    this.telling = window.setTimeout(() => {
      this.telling = 0;
      const stack = this.hands.get(this.chosen)?.stack;
      if (stack) this.progress(stack, stack.slices.filter((s) => isLoaded(s.imageId)).length);
    }, 100);
  }
}

function* first<T>(all: Iterable<T>, count: number): Generator<T> {
  let n = 0;
  for (const one of all) {
    if (n >= count) return;
    n += 1;
    yield one;
  }
}
