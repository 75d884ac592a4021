// Where in a stack a reader is, which way and how fast the hand scrolls, and so which images it wants next.
import type { Slice, Stack } from './geometry.ts';

/** A hand rests when it has not moved for twice as long as between its last steps, within these bounds, milliseconds. */
const REST_MS = [180, 400] as const;
/** Steps further apart than this are single looks, not scrolling. */
const STEP_MS = 600;
/** What a request takes before anything comes, milliseconds: a slow line's delay and the server's work. */
export const DELAY_MS = 250;
/** How far ahead of a moving hand images are fetched. */
const AHEAD = 48;

export class Hand {
  private way: 1 | -1 = 1;
  private moved = -Infinity;
  /** Milliseconds and images between two steps. */
  private step_ms = STEP_MS;
  private stride = 1;

  constructor(readonly stack: Stack, public at: number) {}

  go(at: number, now = performance.now()): void {
    if (at === this.at) return;
    const passed = now - this.moved;
    this.way = at > this.at ? 1 : -1;
    this.stride = passed < STEP_MS ? Math.abs(at - this.at) : 1;
    this.step_ms = passed < STEP_MS ? 0.5 * (this.step_ms < STEP_MS ? this.step_ms : passed) + 0.5 * passed : STEP_MS;
    this.moved = now;
    this.at = at;
  }

  /** How long until the hand counts as resting, milliseconds; 0 when it does. */
  untilRest(now = performance.now()): number {
    const rest = this.step_ms >= STEP_MS ? REST_MS[0] : Math.min(REST_MS[1], Math.max(REST_MS[0], 2 * this.step_ms));
    return Math.max(0, this.moved + rest - now);
  }

  /** Images a millisecond the hand passes. */
  get pace(): number {
    return this.step_ms < STEP_MS ? this.stride / Math.max(this.step_ms, 8) : 0;
  }

  get slice(): Slice | undefined {
    return this.stack.slices[this.at];
  }

  /**
   * What is wanted, first of all the image looked at. Of a moving hand what lies ahead: one that is faster than images come (each
   * takes `each_ms`) gets every second or third of them rather than none in time.
   */
  *wanted(each_ms: number): Generator<Slice> {
    const all = this.stack.slices;
    if (this.slice) yield this.slice;
    if (this.untilRest() > 0) {
      const stride = Math.max(1, Math.ceil(this.pace * each_ms));
      // What is passed before it can come is left out, where others are left out anyway.
      const first = stride > 1 ? Math.max(1, Math.round(this.pace * DELAY_MS)) : 1;
      for (let n = first; n < AHEAD * stride; n += stride) {
        const slice = all[this.at + this.way * n];
        if (slice) yield slice;
      }
    }
    yield* this.around();
  }

  /** Nearest first; in the direction of scrolling twice as far. */
  *around(): Generator<Slice> {
    const all = this.stack.slices;
    if (this.slice) yield this.slice;
    let [ahead, behind] = [this.at + this.way, this.at - this.way];
    while (all[ahead] || all[behind]) {
      for (let k = 0; k < 2 && all[ahead]; k += 1, ahead += this.way) yield all[ahead]!;
      if (all[behind]) { yield all[behind]!; behind -= this.way; }
    }
  }
}

/** One of each in turn. */
export function* inTurn<T>(all: Iterator<T>[]): Generator<T> {
  let left = all;
  while (left.length > 0) {
    const here: Iterator<T>[] = [];
    for (const one of left) {
      const next = one.next();
      if (next.done) continue;
      here.push(one);
      yield next.value;
    }
    left = here;
  }
}
