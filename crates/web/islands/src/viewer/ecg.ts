// Waveforms as traces on the grid that readers know: 25 mm/s and 10 mm/mV unless they choose otherwise, nothing filtered.
// Millimetres are those of CSS; the grid scales with the traces, so that squares can be counted on any screen.
import { TAG, text, type Instance } from './dicom.ts';
import { LEFT, Paper, ROW, type Strip } from './ecgpaper.ts';
import { notesOf, remarksOf as listOf, tableOf } from './ecgtable.ts';
import { remarksOf, type Remark } from './remarks.ts';
import { groupsOf, type Group } from './waveform.ts';
import { figure, say } from './words.ts';

const SPEEDS = [12.5, 25, 50, 100];
const GAINS = [2.5, 5, 10, 20, 40];
/** CSS pixels of a millimetre (96 / 25.4), and how far it may be scaled. */
const MM = 96 / 25.4;
const [SCALE_LEAST, SCALE_MOST, SCALE_STEP] = [0.4, 2.5, 1.25];
const STANDARD = [['I', 'aVR', 'V1', 'V4'], ['II', 'aVL', 'V2', 'V5'], ['III', 'aVF', 'V3', 'V6']];

interface Mark { channel: number; sample: number }
/** How traces are read, as the others are shown it. */
export interface TracesLook {
  series: string; group: number; from: number; speed: number; gain: number; standard: boolean;
  cursor: [number, number] | null; mark: [number, number] | null;
}

export class Ecg {
  readonly element: HTMLElement;
  private readonly canvas = document.createElement('canvas');
  private readonly paper = document.createElement('div');
  private readonly readout = document.createElement('p');
  private readonly table = document.createElement('details');
  private readonly notes = document.createElement('p');
  private readonly time = document.createElement('input');
  private groups: Group[] = [];
  private group = 0;
  private speed = 25;
  private gain = 10;
  private scale = 1;
  private standard = false;
  /** The first second that is shown. */
  private from = 0;
  private cursor: Mark | undefined;
  private mark: Mark | undefined;
  private drag: { a: [number, number]; b: [number, number]; strip: Strip } | undefined;
  private strips: Strip[] = [];
  private remarks: Remark[] = [];
  private readonly resized: ResizeObserver;

  constructor(private readonly root: HTMLElement, private readonly instance: Instance, title: string, private readonly told: { closed(): void; drawn(): void }) {
    const element = document.createElement('section');
    this.element = element;
    element.className = 'vw-ecg';
    element.setAttribute('aria-label', `${say('ecg')}: ${title || say('untitled')}`);
    this.paper.className = 'vw-paper';
    this.paper.tabIndex = 0;
    this.paper.setAttribute('role', 'group');
    this.paper.setAttribute('aria-roledescription', say('ecg'));
    this.canvas.setAttribute('aria-hidden', 'true');
    this.paper.append(this.canvas);
    this.readout.className = 'vw-readout';
    this.readout.setAttribute('role', 'status');
    this.notes.className = 'small';
    this.time.type = 'range';
    this.time.min = '0';
    this.time.step = '0.1';
    this.time.setAttribute('aria-label', say('ecg-window'));
    this.time.addEventListener('input', () => { this.from = Number(this.time.value); this.draw(); });
    element.append(this.readout, this.paper, this.time, this.notes, this.table);
    this.paper.addEventListener('keydown', (e) => this.key(e));
    element.addEventListener('keydown', (e) => e.stopPropagation());
    this.paper.addEventListener('wheel', (e) => {
      if (!this.movable || Math.abs(e.deltaX) + Math.abs(e.deltaY) === 0 || (e.deltaX === 0 && this.paper.scrollHeight > this.paper.clientHeight)) return;
      e.preventDefault();
      this.go(this.from + Math.sign(e.deltaX || e.deltaY) * 0.5);
    }, { passive: false });
    this.pointing();
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.paper);
    root.append(element);
  }

  async open(): Promise<void> {
    this.readout.textContent = say('loading-image');
    try {
      this.groups = await groupsOf(this.instance);
    } catch {
      this.groups = [];
    }
    if (this.groups.length === 0) {
      this.readout.textContent = say('ecg-failed');
      this.element.prepend(this.bar());
      return;
    }
    this.readout.textContent = '';
    this.remarks = remarksOf(this.instance, this.groups);
    this.choose(0);
    this.element.dataset['shown'] = text(this.instance, '00080018');
    this.paper.focus();
  }

  close(): void {
    this.resized.disconnect();
    this.element.remove();
    this.told.closed();
  }

  // --- choices -------------------------------------------------------------------------------------------------------

  private get now(): Group {
    return this.groups[this.group]!;
  }

  private get seconds(): number {
    return this.now.samples / this.now.frequency;
  }

  private lead(name: string): number {
    return this.now.channels.findIndex((c) => c.name === name);
  }

  /** All twelve leads, long enough for their usual sheet. */
  private get twelve(): boolean {
    return STANDARD.flat().every((name) => this.lead(name) >= 0) && this.seconds >= 9.9;
  }

  private choose(group: number): void {
    this.group = group;
    this.from = 0;
    this.cursor = undefined;
    this.mark = undefined;
    this.drag = undefined;
    this.standard = this.twelve && this.root.clientWidth >= 700;
    // The sheet of twelve leads stands whole on the screen; rows are of true size.
    const whole = (LEFT + Math.min(10, this.seconds) * this.speed + 2) * MM;
    this.scale = this.standard ? Math.max(SCALE_LEAST, Math.min(1, this.paper.clientWidth / whole)) : 1;
    this.element.querySelector('.vw-ecgbar')?.remove();
    this.element.prepend(this.bar());
    this.tabulate();
    this.draw();
  }

  private select(name: string, options: [string, string][], value: string, change: (value: string) => void): HTMLLabelElement {
    const box = document.createElement('label');
    const words = document.createElement('span');
    words.textContent = name;
    const select = document.createElement('select');
    select.className = 'input';
    select.append(...options.map(([v, t]) => new Option(t, v, false, v === value)));
    select.addEventListener('change', () => change(select.value));
    box.append(words, select);
    return box;
  }

  private bar(): HTMLElement {
    const bar = document.createElement('div');
    bar.className = 'vw-ecgbar';
    const redraw = (set: (v: string) => void) => (v: string) => { set(v); this.drag = undefined; this.draw(); };
    if (this.groups.length > 0) {
      if (this.groups.length > 1) {
        const names = this.groups.map((g, i): [string, string] => [String(i), `${g.label || say('ecg-group-plain', { n: i + 1 })} (${say(g.original ? 'ecg-original' : 'ecg-derived')})`]);
        bar.append(this.select(say('ecg-group'), names, String(this.group), (v) => { this.choose(Number(v)); this.paper.focus(); }));
      }
      bar.append(this.select(say('ecg-speed'), SPEEDS.map((s) => [String(s), `${figure(s, s % 1 ? 1 : 0)} mm/s`]), String(this.speed), redraw((v) => { this.speed = Number(v); })));
      bar.append(this.select(say('ecg-gain'), GAINS.map((g) => [String(g), `${figure(g, g % 1 ? 1 : 0)} mm/mV`]), String(this.gain), redraw((v) => { this.gain = Number(v); })));
      if (this.twelve) {
        const layouts: [string, string][] = [['standard', say('ecg-layout-standard')], ['rows', say('ecg-layout-rows')]];
        bar.append(this.select(say('ecg-layout'), layouts, this.standard ? 'standard' : 'rows', redraw((v) => { this.standard = v === 'standard'; if (!this.standard) this.scale = 1; })));
      }
    }
    const close = document.createElement('button');
    close.type = 'button';
    close.className = 'btn';
    close.textContent = say('ecg-close');
    close.addEventListener('click', () => this.close());
    bar.append(close);
    return bar;
  }

  private tabulate(): void {
    this.table.replaceChildren(...tableOf(this.now), ...listOf(this.remarks, this.groups));
    this.notes.textContent = notesOf(this.now);
  }

  // --- the paper -------------------------------------------------------------------------------------------------------

  private get mm(): number {
    return MM * this.scale;
  }

  /** Seconds that fit beside each other. */
  private get fit(): number {
    return Math.max(0.5, (this.paper.clientWidth / this.mm - LEFT) / this.speed);
  }

  private get movable(): boolean {
    return !this.standard && this.seconds > this.fit;
  }

  private go(from: number): void {
    this.from = Math.max(0, Math.min(from, this.seconds - this.fit));
    this.draw();
  }

  private lay(): Strip[] {
    if (this.standard) {
      const part = Math.min(2.5, this.seconds / 4);
      const strips = STANDARD.flatMap((names, y) => names.map((name, x): Strip => ({
        channel: this.lead(name), from: x * part, seconds: part, x: LEFT + x * part * this.speed, y: (y + 0.5) * ROW, named: true,
      })));
      return [...strips, { channel: this.lead('II'), from: 0, seconds: part * 4, x: LEFT, y: 3.5 * ROW, named: true }];
    }
    return this.now.channels.map((_, channel) => ({
      channel, from: this.from, seconds: Math.min(this.fit, this.seconds - this.from), x: LEFT, y: (channel + 0.5) * ROW, named: true,
    }));
  }

  private sheet(): Paper {
    return new Paper(this.now, this.speed, this.gain, this.mm);
  }

  private height(channel: number): number {
    return this.sheet().height(channel);
  }

  draw(): void {
    if (this.groups.length === 0 || !this.element.isConnected) return;
    this.strips = this.lay();
    const { mm } = this;
    const width = this.standard ? (LEFT + 4 * Math.min(2.5, this.seconds / 4) * this.speed + 2) * mm : this.paper.clientWidth;
    const height = Math.max(this.paper.clientHeight, (this.standard ? 4 : this.now.channels.length) * ROW * mm);
    const sharp = window.devicePixelRatio || 1;
    const { canvas } = this;
    canvas.width = Math.round(Math.max(width, this.paper.clientWidth) * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.width = `${canvas.width / sharp}px`;
    canvas.style.height = `${canvas.height / sharp}px`;
    const ctx = canvas.getContext('2d');
    if (!ctx) return;
    ctx.setTransform(sharp, 0, 0, sharp, 0, 0);
    const sheet = this.sheet();
    sheet.grid(ctx, canvas.width / sharp, canvas.height / sharp);
    const remarks = this.remarks.filter((r) => r.group === this.group);
    for (const strip of this.strips) {
      sheet.remarks(ctx, strip, remarks);
      sheet.trace(ctx, strip);
    }
    this.marks(ctx);
    this.element.dataset['remarks'] = String(remarks.length);
    this.time.hidden = !this.movable;
    this.time.max = String(Math.max(0, this.seconds - this.fit));
    this.time.value = String(this.from);
    this.time.setAttribute('aria-valuetext', `${figure(this.from, 1)} s`);
    this.element.dataset['scale'] = `${this.speed}/${this.gain}`;
    this.element.dataset['from'] = this.from.toFixed(2);
    this.paper.setAttribute('aria-label', say('ecg-range', { low: figure(this.from, 1), high: figure(Math.min(this.seconds, this.from + this.fit), 1), speed: figure(this.speed), gain: figure(this.gain) }));
    this.told.drawn();
  }

  // --- looking together ------------------------------------------------------------------------------------------------

  /** What is looked at, for the others; none while nothing is drawn. A caliper drawn by hand is told by its two times. */
  look(): TracesLook | undefined {
    if (this.groups.length === 0) return undefined;
    const { drag } = this;
    const held = (mark: Mark | undefined): [number, number] | null => (mark ? [mark.channel, mark.sample] : null);
    const at = (x: number): [number, number] => {
      const seconds = drag!.strip.from + (x / this.mm - drag!.strip.x) / this.speed;
      return [drag!.strip.channel, Math.max(0, Math.min(this.now.samples - 1, Math.round(seconds * this.now.frequency)))];
    };
    return {
      series: text(this.instance, TAG.series), group: this.group, from: Number(this.from.toFixed(3)), speed: this.speed, gain: this.gain,
      standard: this.standard, cursor: drag ? at(drag.b[0]) : held(this.cursor), mark: drag ? at(drag.a[0]) : held(this.mark),
    };
  }

  /** Shows what another looks at, as far as this object has it. */
  wear(look: TracesLook): void {
    if (!this.groups[look.group]) return;
    if (look.group !== this.group) this.choose(look.group);
    const mark = (held: [number, number] | null) => (held && this.now.channels[held[0]] && held[1] < this.now.samples ? { channel: held[0], sample: held[1] } : undefined);
    if (SPEEDS.includes(look.speed)) this.speed = look.speed;
    if (GAINS.includes(look.gain)) this.gain = look.gain;
    this.standard = look.standard && this.twelve;
    this.from = Math.max(0, Math.min(look.from, this.seconds));
    this.drag = undefined;
    this.cursor = mark(look.cursor);
    this.mark = mark(look.mark);
    this.element.querySelector('.vw-ecgbar')?.replaceWith(this.bar());
    this.draw();
    if (this.cursor) this.readCursor();
    else this.readout.textContent = '';
  }

  // --- measuring -------------------------------------------------------------------------------------------------------

  private stripOf(mark: Mark): Strip | undefined {
    const at = this.timeOf(mark);
    return this.strips.find((s) => s.channel === mark.channel && at >= s.from - 1e-9 && at <= s.from + s.seconds + 1e-9);
  }

  private timeOf(mark: Mark): number {
    return mark.sample / this.now.frequency + this.now.channels[mark.channel]!.skew;
  }

  private marks(ctx: CanvasRenderingContext2D): void {
    for (const [mark, colour] of [[this.mark, '#a34d00'], [this.cursor, '#00566f']] as const) {
      const strip = mark && this.stripOf(mark);
      if (!mark || !strip) continue;
      const x = this.sheet().xOf(strip, this.timeOf(mark));
      const value = this.now.at(mark.channel, mark.sample);
      const y = strip.y * this.mm - (Number.isNaN(value) ? 0 : value) * this.height(mark.channel);
      ctx.strokeStyle = colour;
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.moveTo(x, y - 10 * this.mm);
      ctx.lineTo(x, y + 10 * this.mm);
      ctx.arc(x, y, 4, 0, 2 * Math.PI);
      ctx.stroke();
    }
    if (!this.drag) return;
    const [a, b] = [this.drag.a, this.drag.b];
    ctx.fillStyle = '#00566f22';
    ctx.strokeStyle = '#00566f';
    ctx.lineWidth = 1.5;
    ctx.fillRect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
    ctx.strokeRect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
  }

  private tell(words: string, more: Record<string, string>): void {
    this.readout.textContent = words;
    for (const [name, value] of Object.entries(more)) this.element.dataset[name] = value;
  }

  private span(ms: number, value: number, channel: number): void {
    const { unit } = this.now.channels[channel]!;
    const between = say('ecg-caliper', { time: figure(ms, 0), value: figure(value, unit === 'mV' ? 3 : 1), unit });
    const rate = ms >= 100 ? ` · ${say('ecg-caliper-rate', { rate: figure(60_000 / ms, 0) })}` : '';
    this.tell(between + rate, { ms: ms.toFixed(1), value: value.toFixed(4) });
  }

  private readCursor(): void {
    const { cursor, mark } = this;
    if (!cursor) return;
    const channel = this.now.channels[cursor.channel]!;
    const value = this.now.at(cursor.channel, cursor.sample);
    if (mark) {
      this.span((this.timeOf(cursor) - this.timeOf(mark)) * 1000, value - this.now.at(mark.channel, mark.sample), cursor.channel);
      return;
    }
    const words = { lead: channel.name, time: figure(this.timeOf(cursor), 3), value: Number.isNaN(value) ? say('ecg-gaps') : figure(value, channel.unit === 'mV' ? 3 : 1), unit: channel.unit };
    this.tell(say('ecg-at', words), { ms: (this.timeOf(cursor) * 1000).toFixed(1), value: value.toFixed(4) });
  }

  private key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey || this.groups.length === 0) return;
    const step = e.shiftKey ? 10 : 1;
    const moves: Record<string, () => void> = {
      x: () => this.toggleCursor(),
      Escape: () => { if (this.cursor || this.drag) this.dropCursor(); else this.close(); },
      Enter: () => this.setMark(),
      ArrowLeft: () => (this.cursor ? this.moveCursor(-step, 0) : this.go(this.from - 0.2 * step)),
      ArrowRight: () => (this.cursor ? this.moveCursor(step, 0) : this.go(this.from + 0.2 * step)),
      ArrowUp: () => (this.cursor ? this.moveCursor(0, -1) : this.paper.scrollBy(0, -40)),
      ArrowDown: () => (this.cursor ? this.moveCursor(0, 1) : this.paper.scrollBy(0, 40)),
      PageUp: () => this.go(this.from - this.fit),
      PageDown: () => this.go(this.from + this.fit),
      Home: () => this.go(0),
      End: () => this.go(this.seconds),
      '+': () => this.rescale(1),
      '=': () => this.rescale(1),
      '-': () => this.rescale(-1),
    };
    const move = moves[e.key] ?? moves[e.key.toLowerCase()];
    if (!move) return;
    e.preventDefault();
    move();
  }

  private rescale(by: number): void {
    this.scale = Math.max(SCALE_LEAST, Math.min(SCALE_MOST, this.scale * SCALE_STEP ** by));
    this.go(this.from);
  }

  private toggleCursor(): void {
    if (this.cursor) return this.dropCursor();
    const channel = this.strips[0]?.channel ?? 0;
    this.cursor = { channel, sample: Math.min(this.now.samples - 1, Math.round(this.from * this.now.frequency)) };
    this.drag = undefined;
    this.draw();
    this.tell(say('ecg-cursor'), {});
  }

  private dropCursor(): void {
    this.cursor = undefined;
    this.mark = undefined;
    this.drag = undefined;
    this.readout.textContent = '';
    this.draw();
  }

  /** The first Enter sets where the caliper begins, the next lifts it again. */
  private setMark(): void {
    if (!this.cursor) return;
    this.mark = this.mark ? undefined : { ...this.cursor };
    this.draw();
    if (this.mark) this.tell(say('ecg-mark'), {});
    else this.readCursor();
  }

  private moveCursor(samples: number, channels: number): void {
    const { cursor, now } = this;
    if (!cursor) return;
    cursor.sample = Math.max(0, Math.min(now.samples - 1, cursor.sample + samples));
    cursor.channel = Math.max(0, Math.min(now.channels.length - 1, cursor.channel + channels));
    if (channels !== 0) this.mark = undefined;
    const at = this.timeOf(cursor);
    if (this.movable && (at < this.from || at > this.from + this.fit)) this.from = Math.max(0, Math.min(at - this.fit / 2, this.seconds - this.fit));
    this.draw();
    const strip = this.stripOf(cursor);
    if (strip) {
      const y = strip.y * this.mm;
      if (y < this.paper.scrollTop || y > this.paper.scrollTop + this.paper.clientHeight) this.paper.scrollTop = y - this.paper.clientHeight / 2;
    }
    this.readCursor();
  }

  private pointing(): void {
    const at = (e: PointerEvent): [number, number] => {
      const box = this.canvas.getBoundingClientRect();
      return [e.clientX - box.left, e.clientY - box.top];
    };
    const nearest = ([x, y]: [number, number]) => {
      const over = this.strips.filter((s) => x >= s.x * this.mm && x <= (s.x + s.seconds * this.speed) * this.mm);
      return over.sort((a, b) => Math.abs(a.y * this.mm - y) - Math.abs(b.y * this.mm - y))[0];
    };
    this.canvas.addEventListener('pointerdown', (e) => {
      if (e.button !== 0) return;
      const strip = nearest(at(e));
      if (!strip) return;
      this.cursor = undefined;
      this.mark = undefined;
      this.drag = { a: at(e), b: at(e), strip };
      this.canvas.setPointerCapture(e.pointerId);
    });
    this.canvas.addEventListener('pointermove', (e) => {
      if (!this.drag || !this.canvas.hasPointerCapture(e.pointerId)) return;
      this.drag.b = at(e);
      const { a, b, strip } = this.drag;
      this.span((Math.abs(b[0] - a[0]) / this.mm / this.speed) * 1000, (a[1] - b[1]) / this.height(strip.channel), strip.channel);
      this.draw();
    });
  }
}
