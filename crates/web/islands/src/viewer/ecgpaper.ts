// The paper traces are drawn on: the grid, the traces and their calibration pulses, and what an object says of places in them.
import type { Remark } from './remarks.ts';
import { range, type Group } from './waveform.ts';

/** Room for lead names and the calibration pulse, and for one lead's trace, millimetres. */
export const LEFT = 14;
export const ROW = 24;

/** A piece of a trace: which lead, from when on, how long, and where it stands on the paper (millimetres). */
export interface Strip { channel: number; from: number; seconds: number; x: number; y: number; named: boolean }

/** One sheet: a group of channels at a speed (millimetres a second), a gain (millimetres a millivolt) and pixels of a millimetre. */
export class Paper {
  constructor(private readonly now: Group, private readonly speed: number, private readonly gain: number, private readonly mm: number) {}

  grid(ctx: CanvasRenderingContext2D, w: number, h: number): void {
    ctx.fillStyle = '#fffaf8';
    ctx.fillRect(0, 0, w, h);
    for (const [step, colour] of [[1, '#f6dcd8'], [5, '#e3a9a1']] as const) {
      if (step === 1 && this.mm < 2.4) continue;
      ctx.beginPath();
      for (let x = 0; x * this.mm <= w; x += step) { ctx.moveTo(x * this.mm, 0); ctx.lineTo(x * this.mm, h); }
      for (let y = 0; y * this.mm <= h; y += step) { ctx.moveTo(0, y * this.mm); ctx.lineTo(w, y * this.mm); }
      ctx.lineWidth = step === 1 ? 0.5 : 0.8;
      ctx.strokeStyle = colour;
      ctx.stroke();
    }
  }

  /** Pixels of one unit of a channel: millivolts by the gain; anything else fills its row. */
  height(channel: number): number {
    if (this.now.channels[channel]!.unit === 'mV') return this.gain * this.mm;
    const found = range(this.now, channel);
    const most = found ? Math.max(Math.abs(found[0]), Math.abs(found[1])) : 1;
    return ((ROW / 2 - 1) / (most || 1)) * this.mm;
  }

  xOf(strip: Strip, seconds: number): number {
    return (strip.x + (seconds - strip.from) * this.speed) * this.mm;
  }

  trace(ctx: CanvasRenderingContext2D, strip: Strip): void {
    const { now, mm } = this;
    const channel = now.channels[strip.channel]!;
    const unit = this.height(strip.channel);
    const base = strip.y * mm;
    ctx.save();
    ctx.beginPath();
    ctx.rect(strip.x * mm, 0, strip.seconds * this.speed * mm + 1, ctx.canvas.height);
    ctx.clip();
    ctx.beginPath();
    const first = Math.max(0, Math.floor((strip.from - channel.skew) * now.frequency));
    const last = Math.min(now.samples - 1, Math.ceil((strip.from + strip.seconds - channel.skew) * now.frequency));
    const perPixel = now.frequency / (this.speed * mm);
    let pen = false;
    const to = (sample: number, value: number) => {
      const x = this.xOf(strip, sample / now.frequency + channel.skew);
      if (Number.isNaN(value)) { pen = false; return; }
      if (pen) ctx.lineTo(x, base - value * unit);
      else ctx.moveTo(x, base - value * unit);
      pen = true;
    };
    if (perPixel <= 2) {
      for (let s = first; s <= last; s += 1) to(s, now.at(strip.channel, s));
    } else {
      // More samples than pixels: the least and the greatest of each pixel, so that no peak is lost.
      const step = Math.floor(perPixel);
      for (let s = first; s <= last; s += step) {
        let [low, high, gap] = [Infinity, -Infinity, false];
        for (let k = s; k < Math.min(s + step, last + 1); k += 1) {
          const v = now.at(strip.channel, k);
          if (Number.isNaN(v)) gap = true;
          else { low = Math.min(low, v); high = Math.max(high, v); }
        }
        if (gap || low > high) { pen = false; continue; }
        to(s, high);
        to(s, low);
      }
    }
    ctx.lineWidth = 1.2;
    ctx.lineJoin = 'round';
    ctx.strokeStyle = '#101418';
    ctx.stroke();
    ctx.restore();
    ctx.font = `600 ${Math.max(11, 3.4 * mm)}px system-ui, sans-serif`;
    ctx.fillStyle = '#7a1b10';
    ctx.fillText(channel.name, (strip.x === LEFT ? 1.5 : strip.x + 1) * mm, base - (strip.x === LEFT ? 6 : 9) * mm);
    if (strip.x === LEFT) this.pulse(ctx, strip, unit);
  }

  /** The calibration pulse: one millivolt, a fifth of a second. */
  private pulse(ctx: CanvasRenderingContext2D, strip: Strip, unit: number): void {
    if (this.now.channels[strip.channel]!.unit !== 'mV') return;
    const { mm } = this;
    const [y, w] = [strip.y * mm, Math.min(6, 0.2 * this.speed) * mm];
    const x = (LEFT - 2) * mm - w;
    ctx.beginPath();
    ctx.moveTo(x - 2 * mm, y);
    ctx.lineTo(x, y);
    ctx.lineTo(x, y - unit);
    ctx.lineTo(x + w, y - unit);
    ctx.lineTo(x + w, y);
    ctx.lineTo(x + w + mm, y);
    ctx.lineWidth = 1;
    ctx.strokeStyle = '#101418';
    ctx.stroke();
  }

  /** What the object says of places in a strip: a span is shaded, its words stand above the trace. */
  remarks(ctx: CanvasRenderingContext2D, strip: Strip, remarks: Remark[]): void {
    const { mm } = this;
    const until = strip.from + strip.seconds;
    const [top, height] = [(strip.y - ROW / 2) * mm, ROW * mm];
    ctx.font = `${Math.max(10, 2.6 * mm)}px system-ui, sans-serif`;
    let [free, level] = [-Infinity, 0];
    for (const { words, spans, channels } of remarks) {
      if (channels && !channels.includes(strip.channel)) continue;
      for (const [from, to] of spans) {
        if (to < strip.from || from > until) continue;
        const [x, end] = [this.xOf(strip, Math.max(from, strip.from)), this.xOf(strip, Math.min(to, until))];
        ctx.fillStyle = '#0b63c61f';
        if (end - x > 1) ctx.fillRect(x, top, end - x, height);
        ctx.strokeStyle = '#0b63c6';
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        // Words that would lie on each other stand below each other.
        level = x < free ? (level + 1) % 3 : 0;
        free = x + ctx.measureText(words).width + mm;
        ctx.fillStyle = '#0a4c98';
        ctx.fillText(words, x + 0.6 * mm, top + (3 + level * 3) * mm);
      }
    }
  }
}
