// What the line carries, judged by all that came over it.

/** Below this many bytes a millisecond (20 Mbit/s) a line is slow. */
const SLOW = 2500;
/** Bytes and time the line is judged by. */
const JUDGED_MS = 6000;
const JUDGED_BYTES = 24_000;
/** Bytes a millisecond of a slow line that has told nothing of itself yet: 2 Mbit/s. */
const SUPPOSED = 250;
/** Answers that are told of as they come in, piece by piece (strips.ts): not counted again when they have ended. */
const TOLD = /\/rendered\?SOPInstanceUID=|\/frames\/[\d,]+\/rendered\?/;

interface Came { from: number; to: number; bytes: number }

export class Line {
  private readonly seen: Came[] = [];
  private known: number | undefined;

  constructor() {
    const take = (entries: PerformanceEntryList) => {
      for (const e of entries as PerformanceResourceTiming[]) {
        // What came from the cache tells nothing of the line.
        if (e.transferSize > 0 && e.responseEnd > e.responseStart && !TOLD.test(e.name)) this.took(e.responseStart, e.responseEnd, e.transferSize);
      }
    };
    take(performance.getEntriesByType('navigation'));
    take(performance.getEntriesByType('resource'));
    performance.setResourceTimingBufferSize?.(5000);
    new PerformanceObserver((list) => take(list.getEntries())).observe({ type: 'resource' });
  }

  /** Bytes that came from one moment to another. */
  took(from: number, to: number, bytes: number): void {
    this.seen.push({ from, to, bytes });
    if (this.seen.length > 400) this.seen.splice(0, this.seen.length - 200);
  }

  /** Bytes a millisecond of all answers together, as those that come at once share the line; none while too little has come. */
  rate(): number | undefined {
    const last = this.seen.reduce((n, s) => Math.max(n, s.to), 0);
    const lately = this.seen.filter((s) => s.to > last - JUDGED_MS).sort((a, b) => a.from - b.from);
    let busy = 0;
    let until = -Infinity;
    let bytes = 0;
    for (const s of lately) {
      busy += Math.max(0, s.to - Math.max(until, s.from));
      until = Math.max(until, s.to);
      bytes += s.bytes;
    }
    if (bytes > JUDGED_BYTES && busy > 0) this.known = bytes / busy;
    return this.known;
  }

  /** What a plan may count on, bytes a millisecond. */
  get counted(): number {
    return this.rate() ?? SUPPOSED;
  }

  get isSlow(): boolean {
    const rate = this.rate();
    if (rate !== undefined) return rate < SLOW;
    // Mbit/s, as the browser itself has judged it.
    const said = (navigator as unknown as { connection?: { downlink?: number } }).connection?.downlink;
    return said !== undefined && said * 125 < SLOW;
  }
}

/** The line of this page: one, whoever asks. */
export const line = new Line();
