// Structure sets and dose over the pictures: found among the study's series, fetched when they are asked for, drawn by geometry
// on every slice and plane of the same frame of reference.
import { text, TAG, type Instance } from './dicom.ts';
import { cut, nowhere, planeOf, roisOf, type Plane, type Roi } from './contours.ts';
import { doseAt, doseOf, isolines, type Dose } from './dose.ts';
import type { Vector } from './geometry.ts';
import { label, onScreen, paint, paints } from './overlay.ts';
import type { Pane } from './pane.ts';
import { planOf } from './plan.ts';
import { figure, say } from './words.ts';
import type { Place } from './study.ts';
import type { Viewer } from './viewer.ts';

/** Isodose levels in percent of the reference, with their colours from the hottest. */
const LEVELS: [number, string][] = [[105, '#ff3b30'], [95, '#ff9500'], [80, '#ffd60a'], [65, '#34c759'], [50, '#32d7ff'], [30, '#4f7cff'], [10, '#b06cff']];
/** Screen pixels between two points at which dose is worked out. */
const STEP = 3;
const WASH = 0.38;

interface Loaded { place: Place; rois: Roi[]; dose: Dose | undefined; plan?: HTMLElement | undefined; shown: boolean; failed: string }
const NAMES: Record<string, string> = { RTSTRUCT: 'over-structures', RTDOSE: 'over-dose', RTPLAN: 'over-plan' };

/** What lies over the pictures, as the others are shown it: series with their hidden regions, and how dose is drawn. */
export interface Overlaid { shown: [string, number[]][]; reference: number; wash: boolean; lines: boolean; levels: number[] }

export class Overlays {
  private readonly loaded = new Map<string, Loaded>();
  private readonly panel: HTMLElement | undefined;
  private reference = 0;
  private wash = true;
  private lines = true;
  private readonly levels = new Set(LEVELS.map(([p]) => p));
  private readonly sheets = new Map<string, { key: string; sheet: HTMLCanvasElement }>();
  private made = '';

  constructor(private readonly viewer: Viewer) {
    this.panel = viewer.root.querySelector<HTMLElement>('#vw-over') ?? undefined;
    if (!this.panel) return;
    paints((pane, ctx) => this.paint(pane, ctx));
    const stage = viewer.find('#vw-stage');
    const read = (target: HTMLElement, x: number, y: number) => this.read(target, x, y);
    stage.addEventListener('pointermove', (e) => read(e.target as HTMLElement, e.clientX, e.clientY), { capture: true });
    stage.addEventListener('vw-cross', (e) => {
      const { x, y } = (e as CustomEvent<{ x: number; y: number }>).detail;
      read(e.target as HTMLElement, x, y);
    });
  }

  /** Whether a series is drawn over others, or told of beside them, rather than shown by itself. */
  static takes(modality: string): boolean {
    return modality === 'RTSTRUCT' || modality === 'RTDOSE' || modality === 'RTPLAN';
  }

  /** What lies over the pictures now; null where nothing does. */
  look(): Overlaid | null {
    const shown = [...this.loaded.values()].filter((l) => l.shown && !l.plan);
    if (shown.length === 0) return null;
    return {
      shown: shown.map((l) => [l.place.series, l.rois.filter((r) => !r.shown).map((r) => r.number)]),
      reference: Number(this.reference.toFixed(4)), wash: this.wash, lines: this.lines, levels: [...this.levels].sort((a, b) => a - b),
    };
  }

  /** Lays over the pictures what another shows, as far as the reader has it. */
  async wear(look: Overlaid | null): Promise<void> {
    if (JSON.stringify(look) === JSON.stringify(this.look())) return;
    const wanted = new Map(look?.shown ?? []);
    for (const place of this.viewer.study.places().filter((p) => !p.from && Overlays.takes(p.modality) && p.modality !== 'RTPLAN')) {
      if (!!this.loaded.get(place.series)?.shown !== wanted.has(place.series)) await this.toggle(place);
      const off = wanted.get(place.series);
      for (const roi of this.loaded.get(place.series)?.rois ?? []) if (off) roi.shown = !off.includes(roi.number);
    }
    if (look) {
      if (look.reference > 0) this.reference = look.reference;
      [this.wash, this.lines] = [look.wash, look.lines];
      this.levels.clear();
      for (const percent of look.levels) this.levels.add(percent);
    }
    this.show();
  }

  /** Lists what the study has of them; to be called whenever its series may have changed. */
  list(): void {
    const { panel } = this;
    if (!panel) return;
    const places = this.viewer.study.places().filter((p) => !p.from && Overlays.takes(p.modality));
    const made = places.map((p) => `${p.series}:${this.loaded.get(p.series)?.shown ?? ''}${this.loaded.get(p.series)?.failed ?? ''}`).join('|');
    if (made === this.made) return;
    this.made = made;
    panel.hidden = places.length === 0;
    this.viewer.find('#vw-over-series').replaceChildren(...places.map((place) => {
      const item = document.createElement('li');
      const button = document.createElement('button');
      const known = this.loaded.get(place.series);
      button.type = 'button';
      button.className = 'btn';
      button.setAttribute('aria-pressed', String(!!known?.shown));
      button.textContent = `${say(NAMES[place.modality]!)}: ${place.title || say('untitled')}`;
      button.dataset['over'] = place.series;
      button.addEventListener('click', () => void this.toggle(place));
      item.append(button);
      if (known?.failed) {
        const why = document.createElement('span');
        why.textContent = known.failed;
        item.append(why);
      }
      return item;
    }));
  }

  /** All structure sets, or all dose, on; off again if one is. */
  async act(name: string): Promise<void> {
    const wanted = name === 'dose' ? 'RTDOSE' : 'RTSTRUCT';
    const places = this.viewer.study.places().filter((p) => !p.from && p.modality === wanted);
    const on = places.some((p) => this.loaded.get(p.series)?.shown);
    for (const place of places) if (!!this.loaded.get(place.series)?.shown === on) await this.toggle(place);
  }

  async toggle(place: Place): Promise<void> {
    let known = this.loaded.get(place.series);
    if (known && !known.failed) known.shown = !known.shown;
    else {
      this.viewer.tell(say('over-loading'));
      known = await this.fetch(place).catch((e: Error): Loaded => ({ place, rois: [], dose: undefined, shown: false, failed: say('over-failed', { status: e.message }) }));
      this.loaded.set(place.series, known);
      this.viewer.tell('');
      if (known.dose && this.reference === 0) this.reference = known.dose.highest;
    }
    this.show();
  }

  private async fetch(place: Place): Promise<Loaded> {
    const at = `${place.web}/studies/${place.study}/series/${place.series}`;
    const answer = await fetch(`${at}/metadata`, { headers: { accept: 'application/dicom+json' } });
    if (!answer.ok) throw new Error(String(answer.status));
    const instances = (await answer.json()) as Instance[];
    if (place.modality === 'RTPLAN') {
      const plans = instances.map(planOf).filter((p) => p !== undefined);
      const plan = document.createElement('div');
      plan.append(...plans);
      return { place, rois: [], dose: undefined, plan, shown: plans.length > 0, failed: plans.length > 0 ? '' : say('over-empty') };
    }
    const rois = instances.flatMap(roisOf);
    const grid = instances.find((i) => text(i, TAG.sopClass) === '1.2.840.10008.5.1.4.1.1.481.2');
    const dose = grid && await doseOf(grid, `${at}/instances/${text(grid, TAG.sop)}`);
    const failed = grid && !dose ? say('dose-unreadable') : rois.length === 0 && !dose ? say('over-empty') : '';
    return { place, rois, dose, shown: failed === '', failed };
  }

  private get rois(): Roi[] {
    return [...this.loaded.values()].filter((l) => l.shown).flatMap((l) => l.rois);
  }

  private get doses(): Dose[] {
    return [...this.loaded.values()].flatMap((l) => (l.shown && l.dose ? [l.dose] : []));
  }

  // --- what the page says --------------------------------------------------------------------------------------------

  private check(text: string, on: boolean, colour: string, change: (on: boolean) => void): HTMLLabelElement {
    const box = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'checkbox';
    input.checked = on;
    input.addEventListener('change', () => { change(input.checked); this.repaint(); });
    const swatch = document.createElement('span');
    swatch.className = 'vw-swatch';
    swatch.style.setProperty('background-color', colour);
    swatch.setAttribute('aria-hidden', 'true');
    const words = document.createElement('span');
    words.textContent = text;
    box.append(input, ...(colour ? [swatch] : []), words);
    return box;
  }

  private show(): void {
    this.made = '';
    this.list();
    const { rois } = this;
    const list = this.viewer.find('#vw-rois');
    list.hidden = rois.length === 0;
    list.replaceChildren(...rois.map((roi) => {
      const item = document.createElement('li');
      item.append(this.check(roi.kind ? `${roi.name} (${roi.kind})` : roi.name, roi.shown, roi.colour, (on) => { roi.shown = on; this.notes(); }));
      return item;
    }));
    this.viewer.find('#vw-plans').replaceChildren(...[...this.loaded.values()].flatMap((l) => (l.shown && l.plan ? [l.plan] : [])));
    this.legend();
    this.notes();
    this.repaint();
  }

  private amount(value: number, dose: Dose): string {
    return dose.gray ? `${figure(value, 2)} Gy` : say('dose-relative', { value: figure(value, 3) });
  }

  private legend(): void {
    const box = this.viewer.find('#vw-dose');
    const [dose] = this.doses;
    box.hidden = !dose;
    if (!dose) return;
    const reading = document.createElement('p');
    reading.id = 'vw-dose-at';
    reading.setAttribute('role', 'status');
    const facts = document.createElement('p');
    facts.className = 'small';
    facts.textContent = say('dose-highest', { value: this.amount(dose.highest, dose), kind: [dose.summation, dose.type].filter(Boolean).join(', ') });
    const reference = document.createElement('label');
    const words = document.createElement('span');
    words.textContent = say(dose.gray ? 'dose-reference' : 'dose-reference-relative', { unit: 'Gy' });
    const input = document.createElement('input');
    input.type = 'number';
    input.className = 'input';
    input.step = 'any';
    input.min = '0';
    input.value = String(Number(this.reference.toFixed(3)));
    input.addEventListener('change', () => {
      const n = Number(input.value);
      if (n > 0) this.reference = n;
      this.legend();
      this.repaint();
    });
    reference.append(words, input);
    const levels = document.createElement('ul');
    levels.setAttribute('aria-label', say('dose-levels'));
    levels.append(...LEVELS.map(([percent, colour]) => {
      const item = document.createElement('li');
      const text = say('dose-of', { value: this.amount((this.reference * percent) / 100, dose), percent: figure(percent) });
      item.append(this.check(text, this.levels.has(percent), colour, (on) => { if (on) this.levels.add(percent); else this.levels.delete(percent); }));
      return item;
    }));
    const toggles = document.createElement('p');
    toggles.append(
      this.check(say('dose-wash'), this.wash, '', (on) => { this.wash = on; }),
      this.check(say('dose-lines'), this.lines, '', (on) => { this.lines = on; }),
    );
    box.replaceChildren(reading, facts, reference, toggles, levels);
  }

  private said = '';

  /** What cannot be drawn on the chosen picture, or is drawn beside its place. */
  private notes(): void {
    const pane = this.viewer.stage.pane;
    const out: string[] = [];
    const { stack } = pane ?? {};
    if (stack && !pane?.from) {
      for (const roi of this.rois.filter((r) => r.shown)) {
        if (!this.fits(roi.frameOfReference, pane)) { out.push(say('over-frame', { name: roi.name })); continue; }
        if (pane.plane) continue;
        const lost = nowhere(roi, stack);
        if (lost > 0) out.push(say('over-nowhere', { name: roi.name, n: lost }));
        const plane = this.planeOf(pane);
        const off = plane ? cut(roi, plane).off : 0;
        if (off > 0.05) out.push(say('over-nearest', { name: roi.name, mm: figure(off, 1) }));
      }
      for (const dose of this.doses) if (!this.fits(dose.frameOfReference, pane)) out.push(say('over-frame', { name: say('over-dose') }));
    }
    const made = out.join('|');
    if (made === this.said) return;
    this.said = made;
    this.viewer.find('#vw-over-notes').replaceChildren(...out.map((t) => {
      const item = document.createElement('li');
      item.textContent = t;
      return item;
    }));
  }

  private repaint(): void {
    for (const pane of this.viewer.stage.panes) paint(pane);
  }

  // --- geometry ------------------------------------------------------------------------------------------------------

  private fits(frameOfReference: string, pane: Pane): boolean {
    return frameOfReference !== '' && frameOfReference === pane.stack?.frameOfReference;
  }

  private planeOf(pane: Pane): Plane | undefined {
    const { stack, slice } = pane;
    if (!stack) return undefined;
    if (!pane.plane) return slice && planeOf(stack, slice);
    const camera = pane.viewport?.getCamera();
    if (!camera?.focalPoint || !camera.viewPlaneNormal) return undefined;
    const step = stack.slices.length > 1 ? planeOf(stack, stack.slices[0]!) : undefined;
    const half = step?.above ?? 0.5;
    return { origin: [...camera.focalPoint] as Vector, normal: [...camera.viewPlaneNormal] as Vector, above: half, below: half };
  }

  private read(target: HTMLElement, x: number, y: number): void {
    const [dose] = this.doses;
    const words = dose && this.viewer.root.querySelector<HTMLElement>('#vw-dose-at');
    const pane = this.viewer.stage.panes.find((p) => p.element.contains(target));
    if (!dose || !words || !pane?.viewport || pane.from || !this.fits(dose.frameOfReference, pane)) return;
    const box = pane.canvas.getBoundingClientRect();
    const at = pane.viewport.canvasToWorld([x - box.left, y - box.top]);
    const value = doseAt(dose, [at[0], at[1], at[2]]);
    words.textContent = value === undefined ? say('dose-outside') : say('dose-at', { value: this.amount(value, dose) });
    words.dataset['value'] = value === undefined ? '' : value.toFixed(4);
  }

  private paint(pane: Pane, ctx: CanvasRenderingContext2D): void {
    if (pane === this.viewer.stage.pane) this.notes();
    pane.element.dataset['outlines'] = '';
    if (pane.from || !pane.viewport) return;
    for (const dose of this.doses) if (this.fits(dose.frameOfReference, pane)) this.paintDose(pane, ctx, dose);
    const plane = this.planeOf(pane);
    if (!plane) return;
    const said: string[] = [];
    for (const roi of this.rois) {
      if (!roi.shown || !this.fits(roi.frameOfReference, pane)) continue;
      const { outlines, segments } = cut(roi, plane);
      if (outlines.length + segments.length === 0) continue;
      said.push(this.paintRoi(pane, ctx, roi, outlines, segments));
    }
    pane.element.dataset['outlines'] = said.join('; ');
  }

  /** Draws a region and says, for who tests or listens, where on the screen its outlines lie. */
  private paintRoi(pane: Pane, ctx: CanvasRenderingContext2D, roi: Roi, outlines: Roi['contours'], segments: [Vector, Vector][]): string {
    const path = new Path2D();
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    const point = (at: Vector): [number, number] => {
      const [x, y] = onScreen(pane, at);
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
      return [x, y];
    };
    for (const contour of outlines) {
      const p = contour.points.map(point);
      if (contour.point) {
        const [x, y] = p[0]!;
        path.moveTo(x - 6, y); path.lineTo(x + 6, y); path.moveTo(x, y - 6); path.lineTo(x, y + 6);
        continue;
      }
      p.forEach(([x, y], i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
      if (contour.closed) path.closePath();
    }
    for (const [a, b] of segments) {
      path.moveTo(...point(a));
      path.lineTo(...point(b));
    }
    if (segments.length === 0) {
      // Holes and keyholes: what is enclosed twice is outside.
      ctx.globalAlpha = 0.12;
      ctx.fillStyle = roi.colour;
      ctx.fill(path, 'evenodd');
      ctx.globalAlpha = 1;
    }
    ctx.lineWidth = 2;
    ctx.strokeStyle = roi.colour;
    ctx.stroke(path);
    label(ctx, roi.name, right + 4, (top + bottom) / 2, roi.colour);
    return `${roi.name}: ${[left, top, right, bottom].map((n) => n.toFixed(1)).join(' ')}`;
  }

  private paintDose(pane: Pane, ctx: CanvasRenderingContext2D, dose: Dose): void {
    const view = pane.viewport!;
    const [w, h] = [pane.canvas.clientWidth, pane.canvas.clientHeight];
    const vector = (p: readonly number[]): Vector => [p[0]!, p[1]!, p[2]!];
    const [o, r, d] = [vector(view.canvasToWorld([0, 0])), vector(view.canvasToWorld([1, 0])), vector(view.canvasToWorld([0, 1]))];
    const chosen = LEVELS.filter(([p]) => this.levels.has(p));
    const key = [o, r, d, w, h, this.reference, this.wash, this.lines, chosen.map(([p]) => p)].flat(2).map((n) => (typeof n === 'number' ? n.toFixed(4) : String(n))).join();
    let made = this.sheets.get(pane.id);
    if (!made || made.key !== key) {
      made = { key, sheet: this.drawDose(dose, o, r, d, w, h, chosen) };
      this.sheets.set(pane.id, made);
    }
    ctx.drawImage(made.sheet, 0, 0, w, h);
  }

  /** A sheet of the pane's size: the dose is linear between screen points that lie STEP apart. */
  private drawDose(dose: Dose, o: Vector, r: Vector, d: Vector, w: number, h: number, levels: [number, string][]): HTMLCanvasElement {
    const [gw, gh] = [Math.ceil(w / STEP) + 1, Math.ceil(h / STEP) + 1];
    const values = new Float32Array(gw * gh);
    for (let y = 0; y < gh; y += 1) {
      for (let x = 0; x < gw; x += 1) {
        const at = (i: 0 | 1 | 2) => o[i] + (r[i] - o[i]) * x * STEP + (d[i] - o[i]) * y * STEP;
        values[y * gw + x] = doseAt(dose, [at(0), at(1), at(2)]) ?? Number.NaN;
      }
    }
    const sheet = document.createElement('canvas');
    sheet.width = w;
    sheet.height = h;
    const ctx = sheet.getContext('2d')!;
    if (this.wash) {
      // The hottest level that is reached gives the colour.
      const small = document.createElement('canvas');
      small.width = gw;
      small.height = gh;
      const pixels = new ImageData(gw, gh);
      const colours = levels.map(([percent, c]): [number, number[]] => [(percent / 100) * this.reference, [1, 3, 5].map((i) => Number.parseInt(c.slice(i, i + 2), 16))]);
      values.forEach((v, i) => {
        const found = colours.find(([level]) => v >= level && v > 0);
        if (found) pixels.data.set([...found[1], Math.round(255 * WASH)], i * 4);
      });
      small.getContext('2d')!.putImageData(pixels, 0, 0);
      ctx.drawImage(small, 0, 0, gw * STEP, gh * STEP);
    }
    if (this.lines) {
      ctx.lineWidth = 1.5;
      for (const [percent, colour] of levels) {
        const level = (percent / 100) * this.reference;
        if (level <= 0 || level > dose.highest) continue;
        ctx.beginPath();
        for (const [x1, y1, x2, y2] of isolines(values, gw, gh, level)) {
          ctx.moveTo(x1 * STEP, y1 * STEP);
          ctx.lineTo(x2 * STEP, y2 * STEP);
        }
        ctx.strokeStyle = colour;
        ctx.stroke();
      }
    }
    return sheet;
  }
}
