// Films: each frame stands for as long as the object says (PS3.3 C.7.6.5), whatever the machine does in between. A frame that is
// not here yet holds the film up rather than being skipped; a film that cannot keep its rate says so.
import { number, numbers, type Instance } from './dicom.ts';
import type { Stack } from './geometry.ts';
import type { Pane } from './pane.ts';
import { figure, say } from './words.ts';

const T = {
  pointer: '00280009',
  frameTime: '00181063',
  frameTimes: '00181065',
  displayRate: '00082144',
  cineRate: '00180040',
  playback: '00181244',
  start: '00082142',
  stop: '00082143',
} as const;

/** Frames a second of a stack that is no film. */
const STACK_RATE = 15;
const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2, 4];
/** Over how many frames the true rate is taken. */
const WINDOW = 20;

export interface Timing {
  /** How long each frame stands, milliseconds. */
  stands_ms: number[];
  /** Frames a second on the whole. */
  rate: number;
  /** Forward and back again, instead of from the beginning. */
  sweeps: boolean;
  first: number;
  last: number;
}

const bounded = (ms: number) => Math.min(10_000, Math.max(1000 / 120, ms));

/** How a stack is played. */
export function timingOf(stack: Stack): Timing {
  const count = stack.slices.length;
  const even = (rate: number, instance?: Instance): Timing => {
    const first = Math.max(0, (instance && number(instance, T.start) || 1) - 1);
    const last = Math.min(count - 1, (instance && number(instance, T.stop) || count) - 1);
    return {
      stands_ms: Array.from({ length: count }, () => bounded(1000 / rate)),
      rate,
      sweeps: !!instance && number(instance, T.playback) === 1,
      ...(first < last ? { first, last } : { first: 0, last: count - 1 }),
    };
  };
  const instance = stack.slices[0]?.instance;
  if (!stack.cine || !instance) return even(STACK_RATE);
  const rate = number(instance, T.displayRate) ?? number(instance, T.cineRate);
  if (rate && rate > 0) return even(rate, instance);
  // The vector holds the time from the frame before to each frame, so that the first says nothing.
  const times = numbers(instance, T.frameTimes, count);
  if (times && count > 1 && times.slice(1).some((t) => t > 0)) {
    const mean = times.slice(1).reduce((a, b) => a + b, 0) / (count - 1);
    const stands_ms = times.map((_, i) => bounded(times[i + 1] ?? mean));
    return { ...even(1000 / mean, instance), stands_ms };
  }
  const time = number(instance, T.frameTime);
  return even(time && time > 0 ? 1000 / time : STACK_RATE, instance);
}

/** A film that runs on one pane. */
export class Film {
  private speed = 1;
  private way = 1;
  private on = false;
  private readonly timing: Timing;
  private shown: number[] = [];

  constructor(private readonly pane: Pane, private readonly tell: (words: string) => void) {
    this.timing = timingOf(pane.stack!);
  }

  get running(): boolean {
    return this.on;
  }

  play(): void {
    if (this.on || this.pane.count < 2) return;
    this.on = true;
    this.shown = [];
    this.say();
    void this.run();
  }

  stop(): void {
    this.on = false;
    delete this.pane.element.dataset['rate'];
  }

  /** One step faster (1) or slower (-1). */
  change(by: number): void {
    const at = SPEEDS.indexOf(this.speed) + by;
    this.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))]!;
    this.shown = [];
    this.say();
  }

  private get rate(): number {
    return this.timing.rate * this.speed;
  }

  private say(): void {
    this.tell(say('cine-rate', { rate: figure(this.rate, this.rate < 10 ? 1 : 0) }));
  }

  private next(): number {
    const { first, last, sweeps } = this.timing;
    const whole = this.pane.plane ? [0, this.pane.count - 1] : [first, Math.min(last, this.pane.count - 1)];
    const [from, to] = [whole[0]!, whole[1]!];
    const { index } = this.pane;
    if (sweeps) {
      if (index >= to) this.way = -1;
      else if (index <= from) this.way = 1;
      return index + this.way;
    }
    return index >= to || index < from ? from : index + 1;
  }

  private async run(): Promise<void> {
    const { stack } = this.pane;
    let due = performance.now();
    while (this.on && this.pane.element.isConnected && this.pane.stack === stack) {
      const stands = (this.timing.stands_ms[this.pane.index] ?? 1000 / STACK_RATE) / this.speed;
      due += stands;
      const wait = due - performance.now();
      // Too late to catch up: what was lost is not run after.
      if (wait < -2 * stands) due = performance.now();
      await new Promise((done) => setTimeout(done, Math.max(0, wait)));
      if (!this.on) return;
      await this.pane.go(this.next());
      this.measure();
    }
    this.stop();
  }

  /** The rate at which frames really came; said when it falls behind. */
  private measure(): void {
    this.shown.push(performance.now());
    if (this.shown.length <= WINDOW) return;
    this.shown.shift();
    const real = ((this.shown.length - 1) * 1000) / (this.shown.at(-1)! - this.shown[0]!);
    this.pane.element.dataset['rate'] = real.toFixed(1);
    if (this.shown.length === WINDOW && real < 0.8 * this.rate && Math.round(performance.now() / 1000) % 2 === 0) {
      this.tell(say('cine-slow', { rate: figure(this.rate, 0), real: figure(real, 0) }));
    }
  }
}
