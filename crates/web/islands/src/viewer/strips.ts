// Brings previews of many images in one answer, so that a line's delay is paid once and not for each. What is wanted changes with
// the hand that scrolls: an answer that brings what was passed is given up, and another asked for.
import { number, TAG } from './dicom.ts';
import type { Slice } from './geometry.ts';
import { DELAY_MS } from './hand.ts';
import { canPreview, hold, isHere, sizeFor, wide, type Size, type Window } from './previews.ts';
import { line } from './speed.ts';

/** How long one answer takes the line, milliseconds: short while the hand moves. */
const MOVING_MS = 400;
const RESTING_MS = 800;
/** Pictures in one answer, as the server gives them. */
const AT_ONCE_MAX = 48;
/** How far ahead one looks for what is missing. */
const LOOKED_AT = 64;
/** After a request that failed nothing is asked for, milliseconds. */
const PAUSE_MS = 2000;

interface Strip { left: Map<string, Slice>; window: Window; size: Size; end: AbortController; begun: boolean }

const keyOf = (slice: Slice) => `${slice.sop}/${slice.frame + 1}`;
const seriesOf = (slice: Slice) => slice.imageId.slice('wadors:'.length).split('/instances/')[0]!;
const isFilm = (slice: Slice) => (number(slice.instance, TAG.frames) ?? 1) > 1;

export class Strips {
  private running: Strip[] = [];
  private readonly failed = new Map<string, number>();
  private paused = 0;

  /** `arrived` is told of each preview that came; `over` when an answer has ended. */
  constructor(private readonly arrived: (slice: Slice) => void, private readonly over: () => void) {}

  /** How long one preview takes, milliseconds. */
  get each_ms(): number {
    const rate = line.counted;
    return sizeFor(rate).bytes / rate;
  }

  private mayCome(slice: Slice, window: Window | undefined): boolean {
    return canPreview(slice) && !isHere(slice, window) && (this.failed.get(slice.imageId) ?? 0) < 2;
  }

  /** Whether a preview of the image is here, on its way or may be asked for. */
  serves(slice: Slice, window: Window | undefined): boolean {
    return isHere(slice, window) || this.mayCome(slice, window);
  }

  /** Ends all that is on its way. */
  stop(): void {
    for (const strip of this.running) strip.end.abort();
    this.running = [];
  }

  /**
   * Brings what is wanted and not here, the most wanted first. Gives whether anything is on its way. While the hand moves, an answer
   * that no longer serves it is given up.
   */
  bring(wanted: Iterable<Slice>, window: Window | undefined, moving: boolean, answers = 2): boolean {
    const missing: Slice[] = [];
    for (const slice of wanted) {
      if (missing.length >= LOOKED_AT) break;
      if (this.mayCome(slice, window)) missing.push(slice);
    }
    if (moving) this.giveUp(missing);
    while (this.running.length < answers && performance.now() >= this.paused) {
      const last = this.running.at(-1);
      // The next answer is asked for while the one before still comes, so that the line is never empty.
      if (last && last.left.size * this.each_ms > DELAY_MS) break;
      const free = missing.filter((s) => !this.running.some((r) => r.left.has(keyOf(s)) && seriesOf(s) === seriesOf([...r.left.values()][0]!)));
      if (free.length === 0) break;
      this.ask(free, window, moving);
    }
    return this.running.length > 0;
  }

  /** Ends answers that bring what the hand has passed, or what it wants too late. */
  private giveUp(missing: Slice[]): void {
    const [first] = missing;
    const soon = new Set(missing.slice(0, 16).map(keyOf));
    const kept = this.running.filter((strip) => {
      const left = [...strip.left.keys()];
      return left.length === 0 || left.filter((k) => soon.has(k)).length * 2 >= Math.min(left.length, 16);
    });
    const here = (strip: Strip) => [...strip.left.keys()].indexOf(first ? keyOf(first) : '');
    // What is wanted now may come sooner in an answer of its own.
    const late = first && kept.some((s) => here(s) * this.each_ms > 2 * DELAY_MS) && !kept.some((s) => here(s) >= 0 && here(s) * this.each_ms <= 2 * DELAY_MS);
    for (const strip of this.running) if (late || !kept.includes(strip)) strip.end.abort();
    this.running = late ? [] : kept;
  }

  private ask(free: Slice[], window: Window | undefined, moving: boolean): void {
    const rate = line.counted;
    const size = sizeFor(rate);
    const count = Math.max(4, Math.min(AT_ONCE_MAX, Math.round(((moving ? MOVING_MS : RESTING_MS) * rate) / size.bytes)));
    const first = free[0]!;
    const asked = wide(window, first);
    // One request names images of one series, or frames of one object, of one size and window.
    const together = (s: Slice) => seriesOf(s) === seriesOf(first) && s.rows === first.rows && s.columns === first.columns
      && isFilm(s) === isFilm(first) && (!isFilm(first) || s.sop === first.sop) && (window?.width || wide(undefined, s).width === asked.width && wide(undefined, s).centre === asked.centre);
    const slices = free.filter(together).slice(0, count);
    const strip: Strip = { left: new Map(slices.map((s) => [keyOf(s), s])), window: asked, size, end: new AbortController(), begun: false };
    this.running.push(strip);
    void this.run(strip, slices).finally(() => {
      this.running = this.running.filter((s) => s !== strip);
      if (!strip.end.signal.aborted) this.over();
    });
  }

  private async run(strip: Strip, slices: Slice[]): Promise<void> {
    const { signal } = strip.end;
    try {
      const answer = await fetch(address(slices, strip.window, strip.size), { headers: { accept: 'multipart/related; type="image/jpeg"' }, priority: 'high', signal });
      if (answer.status === 404 || answer.status === 406) return this.refused(strip);
      if (!answer.ok || !answer.body) throw new Error(String(answer.status));
      for await (const part of parts(answer.body.getReader(), (from, to, bytes) => line.took(from, to, bytes))) {
        const slice = strip.left.get(part.key);
        if (!slice) continue;
        strip.left.delete(part.key);
        strip.begun = true;
        hold(slice, part.blob, strip.window, strip.size);
        this.arrived(slice);
      }
      this.refused(strip);
    } catch {
      if (!signal.aborted) this.paused = performance.now() + PAUSE_MS;
    }
  }

  /** What an answer that came whole left out cannot be drawn: it is not asked for again and again. */
  private refused(strip: Strip): void {
    for (const slice of strip.left.values()) this.failed.set(slice.imageId, (this.failed.get(slice.imageId) ?? 0) + 1);
  }
}

/** The address of renderings of several images of a series, or of several frames of an object. */
function address(slices: Slice[], window: Window, { side, quality }: Size): string {
  const first = slices[0]!;
  const scale = side / Math.max(first.rows, first.columns, side);
  const size = [Math.round(first.columns * scale), Math.round(first.rows * scale)];
  const how = `window=${window.centre},${window.width},linear-exact&viewport=${size}&quality=${quality}`;
  if (isFilm(first)) return `${seriesOf(first)}/instances/${first.sop}/frames/${slices.map((s) => s.frame + 1)}/rendered?${how}`;
  return `${seriesOf(first)}/rendered?SOPInstanceUID=${slices.map((s) => s.sop)}&${how}`;
}

interface Part { key: string; blob: Blob }

/** The parts of an answer as they come: the object and frame each is of (Content-Location), and its picture (Content-Length). */
async function* parts(reader: ReadableStreamDefaultReader<Uint8Array>, told: (from: number, to: number, bytes: number) => void): AsyncGenerator<Part> {
  let kept = new Uint8Array(0);
  let before = performance.now();
  const text = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const now = performance.now();
    told(before, now, value.length);
    before = now;
    const all = new Uint8Array(kept.length + value.length);
    all.set(kept);
    all.set(value, kept.length);
    kept = all;
    for (;;) {
      const end = headEnd(kept);
      if (end < 0) break;
      const head = text.decode(kept.subarray(0, end));
      const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? Number.NaN);
      const [, sop, frame] = /^content-location:.*\/instances\/([\d.]+)(?:\/frames\/(\d+))?\/rendered/im.exec(head) ?? [];
      if (!Number.isFinite(length) || !sop) throw new Error('parts');
      if (kept.length < end + length) break;
      yield { key: `${sop}/${frame ?? 1}`, blob: new Blob([kept.slice(end, end + length)], { type: 'image/jpeg' }) };
      kept = kept.slice(end + length);
    }
  }
}

/** Where a part's content begins; -1 while its head is not whole. */
function headEnd(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i += 1) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  return -1;
}
