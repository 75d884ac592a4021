// The image viewer of one study: wires the page's own buttons, lists and keys to the stage.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { CoView } from './coview.ts';
import { TAG, number, text, type Instance } from './dicom.ts';
import type { Slice, Stack, Vector } from './geometry.ts';
import { Ecg } from './ecg.ts';
import { hangingFor, keyOf, type Hanging } from './hanging.ts';
import { keyboard } from './keys.ts';
import { fill, line } from './lists.ts';
import { begin, loadSeries, sliceOf } from './load.ts';
import * as measure from './measure.ts';
import { noteText, type Pane } from './pane.ts';
import { presets } from './presets.ts';
import { Documents, uuidOf, type KeyImage, type Notes } from './sr.ts';
import { Stage, type Hand, type Layout } from './stage.ts';
import { Overlays } from './over.ts';
import { isWaveform } from './waveform.ts';
import { figure, learn, say } from './words.ts';

export interface Place { web: string; study: string; series: string; from: string; modality: string; title: string }

const TRACES: readonly string[] = ['ECG', 'HD', 'EPS', 'RESP', 'EEG', 'EMG', 'EOG'];
const isTrace = (modality: string) => TRACES.includes(modality);
/** Objects that are no pictures by themselves. */
const notPictures = (modality: string) => isTrace(modality) || Overlays.takes(modality) || ['RTPLAN', 'RTRECORD', 'SR', 'KO', 'PR', 'REG', 'DOC', 'AU'].includes(modality);

const HANDS: readonly string[] = ['window', 'pan', 'zoom', 'scroll', ...measure.FIGURES];

export class Viewer {
  readonly stage: Stage;
  private readonly series = new Map<string, Stack[]>();
  private readonly keys: KeyImage[];
  private readonly restored = new Set<string>();
  private readonly waiting: measure.Kept[];
  private readonly own: Record<string, Hanging>;
  private saving = 0;
  private renewing = 0;
  private readonly together: CoView;
  private readonly overlays: Overlays;
  private traces: Ecg | undefined;
  private readonly documents: Documents;
  selected: string | undefined;

  constructor(readonly root: HTMLElement) {
    const parse = <T>(text: string | undefined, other: T): T => (text ? (JSON.parse(text) as T) : other);
    const kept = parse<Notes>(root.dataset['kept'], { measures: [], keys: [] });
    this.waiting = kept.measures;
    this.keys = kept.keys;
    this.own = parse(root.dataset['hang'], {});
    this.stage = new Stage(this.find('#vw-stage'), () => this.draw(), (words) => this.tell(words));
    this.together = new CoView(this);
    this.overlays = new Overlays(this);
    this.documents = new Documents({
      root,
      notes: () => this.notes(),
      sliceOf: (sop, frame) => {
        const imageId = this.imageOf(sop, frame);
        return imageId ? sliceOf(imageId) : undefined;
      },
      where: (slice) => this.placeName(slice),
      goTo: (imageId) => void this.goTo(imageId),
      render: () => this.stage.render(),
    });
  }

  find<T extends HTMLElement>(selector: string): T {
    return this.root.querySelector<T>(selector)!;
  }

  tell(text: string): void {
    this.find('#vw-status').textContent = text;
  }

  places(): Place[] {
    return [...this.root.querySelectorAll<HTMLElement>('[data-series]')].map((b) => this.placeOf(b));
  }

  private placeOf(button: HTMLElement): Place {
    return {
      web: button.dataset['web'] ?? this.root.dataset['web']!,
      study: button.dataset['study'] ?? this.root.dataset['study']!,
      series: button.dataset['series']!,
      from: button.dataset['from'] ?? '',
      modality: button.dataset['modality'] ?? '',
      title: button.querySelector('bdi')?.textContent ?? '',
    };
  }

  async open(): Promise<void> {
    await this.listSeries();
    const places = this.places();
    const own = places.filter((p) => !p.from);
    const first = own.find((p) => !notPictures(p.modality)) ?? own.find((p) => isTrace(p.modality)) ?? own[0];
    if (!first) {
      this.tell(say('nothing-yet'));
      await this.stage.lay('one');
      this.live();
      return;
    }
    this.overlays.list();
    if (isTrace(first.modality)) {
      await this.stage.lay('one');
      await this.showTraces(first);
      this.live();
      return;
    }
    const stacks = await this.load(first);
    this.tell('');
    const stack = stacks[0];
    if (!stack) {
      await this.stage.lay('one');
      this.find('#vw-first')?.remove();
      this.tell(say('no-pictures'));
    } else {
      await this.hang(stack, places);
    }
    this.live();
    void this.openDocuments();
  }

  /** What stands in the study of measurements and key images; the reader's own is theirs to go on with where they have no draft. */
  private async openDocuments(): Promise<void> {
    await this.documents.load();
    if (!('drafted' in this.root.dataset)) {
      const own = this.documents.own();
      for (const m of own.measures) {
        const imageId = this.imageOf(m.sop, m.frame);
        const slice = imageId ? sliceOf(imageId) : undefined;
        if (m.tool && slice) measure.place(m.tool, slice.imageId, measure.inBody(m.tool, slice, m.image), uuidOf(m.id));
      }
      this.keys.push(...own.keys);
      if (own.measures.length + own.keys.length > 0) this.stage.render();
    }
    this.draw();
  }

  /** While a study arrives its record does not name its series yet: the archive does. */
  private async listSeries(): Promise<void> {
    if (this.places().some((p) => !p.from)) return;
    const at = `${this.root.dataset['web']}/studies/${this.root.dataset['study']}/series`;
    const answer = await fetch(at, { headers: { accept: 'application/dicom+json' } }).catch(() => undefined);
    if (!answer?.ok || answer.status === 204) return;
    const list = this.root.querySelector('#vw-series ul');
    for (const series of (await answer.json()) as Instance[]) {
      const link = document.createElement('a');
      link.className = 'vw-thumb';
      link.setAttribute('role', 'button');
      link.setAttribute('aria-pressed', 'false');
      link.href = `${at}/${text(series, TAG.series)}/thumbnail`;
      link.dataset['series'] = text(series, TAG.series);
      link.dataset['modality'] = text(series, TAG.modality);
      link.textContent = [text(series, TAG.modality), text(series, TAG.seriesDescription) || `${say('series-plain')} ${text(series, TAG.seriesNumber)}`].join(' · ');
      const item = document.createElement('li');
      item.append(link);
      list?.append(item);
    }
  }

  /** The first picture at once, alone; the rest of the arrangement after it. */
  private async hang(stack: Stack, places: Place[]): Promise<void> {
    const how = hangingFor(this.own, stack.modality, stack.bodyPart);
    const prior = how.prior ? places.find((p) => p.from && !notPictures(p.modality)) : undefined;
    const layout: Layout = prior && how.layout === 'one' ? 'two' : how.layout;
    await this.stage.lay(layout === 'mpr' ? 'one' : layout);
    await this.stage.show(stack);
    this.find('#vw-first')?.remove();
    const preset = presets(stack.modality).find((p) => p.key === how.preset);
    if (preset) this.stage.pane.window(preset.width, preset.centre);
    this.restore();
    const rest = prior ? [prior] : places.filter((p) => !p.from && !notPictures(p.modality)).slice(1);
    const others = this.stage.panes.slice(1);
    await Promise.all(others.map(async (pane, i) => {
      const place = rest[i];
      if (!place) return;
      const [other] = await this.load(place).catch(() => [] as Stack[]);
      if (!other) return;
      await this.stage.show(other, place.from, pane);
      if (preset && other.modality === stack.modality) pane.window(preset.width, preset.centre);
    }));
    if (layout === 'mpr' && stack.volume) await this.stage.lay('mpr');
    this.restore();
    if (how.tied && others.length > 0) this.stage.tie(true);
  }

  /** The stacks of a series, asked for once. */
  private async load(place: Place): Promise<Stack[]> {
    const key = `${place.web}/${place.series}`;
    const known = this.series.get(key);
    if (known) return known;
    try {
      const stacks = await loadSeries(place.web, place.study, place.series);
      this.series.set(key, stacks);
      return stacks;
    } catch (e) {
      this.tell(say('series-failed', { status: (e as Error).message }));
      throw e;
    }
  }

  async showSeries(button: HTMLElement): Promise<void> {
    const place = this.placeOf(button);
    if (Overlays.takes(place.modality) && !place.from) return this.overlays.toggle(place);
    if (isTrace(place.modality)) return this.showTraces(place);
    this.traces?.close();
    const stacks = await this.load(place).catch(() => []);
    // A series of several planes: pressing again goes to the next of them.
    const now = stacks.findIndex((s) => s === this.stage.pane.stack);
    const stack = stacks[(now + 1) % Math.max(1, stacks.length)];
    if (!stack) {
      this.tell(say('no-pictures'));
      return;
    }
    if (this.stage.layout === 'mpr') await this.stage.lay('one');
    await this.stage.show(stack, place.from);
    this.restore();
  }

  get hasTraces(): boolean {
    return this.traces !== undefined;
  }

  /** Waveforms, in place of the pictures until they are closed. */
  private async showTraces(place: Place): Promise<void> {
    this.traces?.close();
    this.tell('');
    const at = `${place.web}/studies/${place.study}/series/${place.series}/metadata`;
    const answer = await fetch(at, { headers: { accept: 'application/dicom+json' } }).catch(() => undefined);
    const instance = answer?.ok ? ((await answer.json()) as Instance[]).find(isWaveform) : undefined;
    if (!instance) return this.tell(say(answer?.ok ? 'no-pictures' : 'series-failed', { status: answer?.status ?? 0 }));
    this.traces = new Ecg(this.find('#vw-stage'), instance, place.title, () => {
      this.traces = undefined;
      this.together.glance();
      this.stage.pane?.element.focus();
    });
    this.together.glance();
    await this.traces.open();
  }

  /** New images of this study: what is shown grows, nothing jumps. */
  private live(): void {
    const topic = this.root.dataset['topic'];
    if (!topic) return;
    const renew = () => {
      clearTimeout(this.renewing);
      this.renewing = window.setTimeout(() => void this.renew(), 1500);
    };
    for (const name of [topic, 'caught-up']) document.getElementById('live')?.addEventListener(name, renew);
    // The list of series is drawn anew by the server; its buttons are ours again.
    document.addEventListener('htmx:after:swap', () => {
      if (this.stage.panes.length && !this.stage.pane.stack) void this.renew();
      this.draw();
    });
  }

  /** How many objects each series of this study has now. */
  private async counts(): Promise<Map<string, number>> {
    const at = `${this.root.dataset['web']}/studies/${this.root.dataset['study']}/series?includefield=00201209`;
    const answer = await fetch(at, { headers: { accept: 'application/dicom+json' } }).catch(() => undefined);
    const list = answer?.ok && answer.status !== 204 ? ((await answer.json()) as Instance[]) : [];
    return new Map(list.map((s) => [text(s, TAG.series), number(s, '00201209') ?? -1]));
  }

  private async renew(): Promise<void> {
    await this.listSeries();
    void this.documents.load();
    const counts = await this.counts();
    for (const place of this.places().filter((p) => !p.from)) {
      const key = `${place.web}/${place.series}`;
      const before = this.series.get(key);
      const here = new Set(before?.flatMap((s) => s.slices.map((x) => x.sop))).size;
      if (before && counts.get(place.series) === here) continue;
      const shown = this.stage.panes.filter((p) => p.stack?.series === place.series && !p.plane);
      if (!before && this.stage.pane.stack) continue;
      const stacks = await loadSeries(place.web, place.study, place.series).catch(() => undefined);
      if (!stacks) continue;
      this.series.set(key, stacks);
      for (const pane of shown) {
        const grown = stacks.find((s) => s.id === pane.stack?.id);
        if (grown && grown.slices.length !== pane.stack?.slices.length) await pane.grow(grown);
      }
      if (!this.stage.pane.stack && stacks[0]) {
        this.tell('');
        await this.stage.show(stacks[0]);
      }
    }
    this.restore();
    this.draw();
  }

  // --- measurements and key images -------------------------------------------------------------------------------

  /** Whether an image belongs to the study the page is about. */
  isOwn(slice: Slice): boolean {
    return text(slice.instance, TAG.study) === this.root.dataset['study'];
  }

  /** The stacks of a series of this study, fetched if need be. */
  async stacksOf(series: string): Promise<Stack[]> {
    const place = this.places().find((p) => !p.from && p.series === series);
    return place ? this.load(place).catch(() => []) : [];
  }

  /** Where an image of this study lies. */
  async findImage(series: string, sop: string, frame: number): Promise<{ stack: Stack; at: number } | undefined> {
    for (const stack of await this.stacksOf(series)) {
      const at = stack.slices.findIndex((s) => s.sop === sop && s.frame === frame);
      if (at >= 0) return { stack, at };
    }
    return undefined;
  }

  imageOf(sop: string, frame: number): string | undefined {
    for (const stacks of this.series.values()) {
      for (const stack of stacks) {
        const slice = stack.slices.find((s) => s.sop === sop && s.frame === frame);
        if (slice) return slice.imageId;
      }
    }
    return undefined;
  }

  /** Draws what was kept, as soon as its series is known. */
  private restore(): void {
    for (const kept of this.waiting) {
      const imageId = this.imageOf(kept.sop, kept.frame);
      if (!imageId || this.restored.has(kept.id)) continue;
      this.restored.add(kept.id);
      measure.place(kept.tool, imageId, kept.points, kept.id);
    }
    this.documents.show();
    this.stage.render();
    this.draw();
  }

  notes(): Notes {
    // What could not be drawn yet, as its series was not opened, is kept as it was.
    const later = this.waiting.filter((k) => !this.restored.has(k.id));
    return { measures: [...measure.kept(), ...later], keys: this.keys };
  }

  /** Keeps measurements and key images a moment after the last change. */
  changed(): void {
    this.draw();
    const address = this.root.dataset['keep'];
    if (!address) return;
    clearTimeout(this.saving);
    const status = this.find('#vw-kept');
    this.saving = window.setTimeout(async () => {
      try {
        const answer = await fetch(address, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-csrf-token': this.root.dataset['csrf'] ?? '', 'hx-request': 'true' },
          body: JSON.stringify(this.notes()),
        });
        status.textContent = answer.ok ? say('kept') : say('not-kept');
      } catch {
        status.textContent = say('not-kept');
        this.saving = window.setTimeout(() => this.changed(), 5000);
      }
    }, 800);
  }

  toggleKey(): void {
    const { slice } = this.stage.pane;
    if (!slice) return;
    const at = this.keys.findIndex((k) => k.sop === slice.sop && k.frame === slice.frame);
    if (at < 0) this.keys.push({ sop: slice.sop, frame: slice.frame });
    else this.keys.splice(at, 1);
    this.tell(say(at < 0 ? 'key-on' : 'key-off'));
    this.changed();
  }

  removeSelected(): void {
    const id = this.selected ?? tools.annotation.selection.getAnnotationsSelected()[0];
    if (!id) return;
    measure.remove(id);
    this.selected = undefined;
    this.stage.render();
    this.changed();
  }

  async goTo(imageId: string): Promise<void> {
    const { pane } = this.stage;
    const here = this.stage.panes.find((p) => p.stack?.slices.some((s) => s.imageId === imageId)) ?? pane;
    let stack = here.stack;
    if (!stack?.slices.some((s) => s.imageId === imageId)) {
      stack = [...this.series.values()].flat().find((s) => s.slices.some((x) => x.imageId === imageId));
      if (stack) await this.stage.show(stack, '', here);
    }
    const at = stack?.slices.findIndex((s) => s.imageId === imageId) ?? -1;
    if (at >= 0) await here.go(at);
    this.stage.choose(here);
  }

  /** A figure by keyboard: from points the reader set with the cross. */
  figureAt(tool: measure.Figure, slice: Slice, points: Vector[]): void {
    const [a, b] = points;
    const all = tool.endsWith('ROI') && a && b ? measure.spanned(tool, a, b, slice.row ?? [1, 0, 0]) : points;
    this.selected = measure.place(tool, slice.imageId, all);
    this.stage.render();
    setTimeout(() => this.changed(), 200);
  }

  // --- acts ------------------------------------------------------------------------------------------------------

  async act(name: string): Promise<void> {
    const { stage } = this;
    const { pane } = stage;
    const look = pane?.look();
    if (HANDS.includes(name)) return stage.take(name as Hand);
    switch (name) {
      case 'one': case 'two': case 'four': await stage.lay(name); this.restore(); return;
      case 'mpr': return this.planes();
      case 'left': return pane.wear({ rotation: (look?.rotation ?? 0) - 90 });
      case 'right': return pane.wear({ rotation: (look?.rotation ?? 0) + 90 });
      case 'flip-h': return pane.wear({ flipHorizontal: !look?.flipHorizontal });
      case 'flip-v': return pane.wear({ flipVertical: !look?.flipVertical });
      case 'invert': return pane.wear({ invert: !look?.invert });
      case 'larger': return pane.wear({ zoom: (look?.zoom ?? 1) * 1.2 });
      case 'smaller': return pane.wear({ zoom: (look?.zoom ?? 1) / 1.2 });
      case 'reset': pane.reset(); return this.draw();
      case 'cine': return stage.play();
      case 'slower': case 'faster': return pane.reel?.change(name === 'faster' ? 1 : -1);
      case 'tie': return stage.tie(!stage.tied);
      case 'lines': stage.lines = !stage.lines; stage.drawLines(); return this.draw();
      case 'key': return this.toggleKey();
      case 'delete': return this.removeSelected();
      case 'keep-marks': return this.documents.keep();
      case 'keep-hanging': return this.keepHanging();
      case 'contours': case 'dose': return this.overlays.act(name);
      case 'join': case 'lead': case 'follow': return this.together.act(name);
      case 'whole': return void (document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen());
      case 'help': return this.find<HTMLDialogElement>('#vw-help').showModal();
      default:
    }
  }

  private async planes(): Promise<void> {
    const { stage } = this;
    if (stage.layout === 'mpr') {
      await stage.lay('one');
      this.restore();
      return;
    }
    const { stack } = stage.pane;
    if (!stack?.volume) {
      const why = stack?.notes.filter((n) => ['uneven', 'tilted', 'gaps', 'unplaced'].includes(n.key)).map(noteText).join(' · ');
      this.tell(`${say('mpr-refused')} ${why ?? ''}`.trim());
      return;
    }
    await stage.lay('mpr');
  }

  private async keepHanging(): Promise<void> {
    const { stage } = this;
    const { stack } = stage.pane;
    if (!stack) return;
    const look = stage.pane.look();
    const preset = presets(stack.modality).find((p) => Math.abs(p.width - (look?.width ?? 0)) < 1 && Math.abs(p.centre - (look?.centre ?? 0)) < 1);
    const prior = stage.panes.some((p) => p.from);
    const hanging: Hanging = { layout: prior && stage.layout === 'two' ? 'one' : stage.layout, preset: preset?.key ?? '', prior, tied: stage.tied };
    const key = keyOf(stack.modality, stack.bodyPart);
    const answer = await fetch('/images/hanging', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': this.root.dataset['csrf'] ?? '', 'hx-request': 'true' },
      body: JSON.stringify({ key, hanging }),
    }).catch(() => undefined);
    this.tell(answer?.ok ? say('hanging-kept', { what: key }) : say('not-kept'));
  }

  preset(n: number): void {
    const { pane } = this.stage;
    const all = this.windows();
    const chosen = all[n];
    if (chosen) pane.window(chosen.width, chosen.centre);
  }

  /** The image's own windows, then ours for its modality. */
  windows(): { name: string; width: number; centre: number }[] {
    const { pane } = this.stage;
    if (!pane?.stack) return [];
    const own = pane.ownWindows().map((w, i) => ({ ...w, name: w.name || say('preset-own', { n: i + 1 }) }));
    return [...own, ...presets(pane.stack.modality).map((p) => ({ ...p, name: say(`preset-${p.key}`) }))];
  }

  // --- what the page shows -----------------------------------------------------------------------------------------

  draw(): void {
    const { stage } = this;
    if (stage.panes.length === 0) return;
    const { pane } = stage;
    const on: Record<string, boolean> = {
      [stage.hand]: true, [stage.layout]: true, tie: stage.tied, lines: stage.lines, cine: !!pane.reel?.running,
      key: !!pane.slice && this.keys.some((k) => k.sop === pane.slice?.sop && k.frame === pane.slice.frame),
      invert: !!pane.look()?.invert,
    };
    for (const button of this.root.querySelectorAll<HTMLButtonElement>('[data-do]')) {
      const name = button.dataset['do']!;
      if (button.hasAttribute('aria-pressed')) button.setAttribute('aria-pressed', String(!!on[name]));
    }
    for (const button of this.root.querySelectorAll<HTMLElement>('[data-series]')) {
      const shown = stage.panes.some((p) => p.stack?.series === button.dataset['series']);
      button.setAttribute('aria-pressed', String(shown));
    }
    this.overlays.list();
    this.drawPresets(pane);
    this.drawNotes(pane);
    this.drawLists();
  }

  private drawPresets(pane: Pane): void {
    const select = this.find<HTMLSelectElement>('#vw-preset');
    const all = this.windows();
    const made = all.map((w) => `${w.name}/${w.width}/${w.centre}`).join('|');
    if (select.dataset['made'] !== made) {
      select.dataset['made'] = made;
      const first = new Option(say('preset'), '');
      select.replaceChildren(first, ...all.map((w, i) => new Option(`${w.name} (${figure(w.width)} / ${figure(w.centre)})`, String(i))));
    }
    const look = pane.look();
    const at = all.findIndex((w) => Math.abs(w.width - (look?.width ?? 0)) < 1 && Math.abs(w.centre - (look?.centre ?? 0)) < 1);
    select.value = at < 0 ? '' : String(at);
  }

  private drawNotes(pane: Pane): void {
    const list = this.find('#vw-notes');
    const texts = (pane.stack?.notes ?? []).map(noteText);
    if (list.dataset['made'] === texts.join('|')) return;
    list.dataset['made'] = texts.join('|');
    list.closest('section')!.hidden = texts.length === 0;
    list.replaceChildren(...texts.map((t) => {
      const item = document.createElement('li');
      item.textContent = t;
      return item;
    }));
  }

  private placeName(slice: Slice): string {
    const stack = [...this.series.values()].flat().find((s) => s.slices.includes(slice));
    return say('at-image', { series: stack?.title || say('untitled'), n: (stack?.slices.indexOf(slice) ?? 0) + 1 });
  }

  private drawLists(): void {
    const place = (slice: Slice) => this.placeName(slice);
    const measures = measure.all().map((a) => {
      const slice = sliceOf(a.metadata.referencedImageId!)!;
      const text = `${say(`figure-${a.metadata.toolName}`)}: ${measure.read(a).lines.join(', ')} (${place(slice)})`;
      return line(text, a.annotationUID === this.selected, () => {
        this.selected = a.annotationUID;
        void this.goTo(slice.imageId);
      }, () => {
        this.selected = a.annotationUID;
        this.removeSelected();
      });
    });
    fill(this.find('#vw-measures'), measures);
    const keys = this.keys.flatMap((k) => {
      const imageId = this.imageOf(k.sop, k.frame);
      const slice = imageId ? sliceOf(imageId) : undefined;
      if (!imageId || !slice) return [];
      return [line(place(slice), false, () => void this.goTo(imageId), () => {
        this.keys.splice(this.keys.indexOf(k), 1);
        this.changed();
      })];
    });
    fill(this.find('#vw-keys'), keys);
    this.documents.draw();
  }
}

/** Opens the viewer in its place on the page. */
export async function view(root: HTMLElement): Promise<void> {
  learn(root.dataset['words']);
  const status = root.querySelector<HTMLElement>('#vw-status');
  try {
    await begin();
    const viewer = new Viewer(root);
    root.addEventListener('click', (e) => {
      const target = e.target as HTMLElement;
      const act = target.closest<HTMLElement>('[data-do]');
      const series = target.closest<HTMLElement>('[data-series]');
      if (act && act.tagName === 'BUTTON') void viewer.act(act.dataset['do']!);
      else if (series) {
        e.preventDefault();
        void viewer.showSeries(series);
      }
    });
    viewer.find<HTMLSelectElement>('#vw-preset').addEventListener('change', (e) => {
      const { value } = e.target as HTMLSelectElement;
      if (value !== '') viewer.preset(Number(value));
    });
    keyboard(viewer);
    const { Events } = tools.Enums;
    for (const name of [Events.ANNOTATION_COMPLETED, Events.ANNOTATION_MODIFIED, Events.ANNOTATION_REMOVED]) {
      core.eventTarget.addEventListener(name, () => setTimeout(() => viewer.changed()));
    }
    core.eventTarget.addEventListener(Events.ANNOTATION_RENDERED, () => viewer.draw());
    await viewer.open();
    root.querySelector('#vw-first')?.remove();
    root.dataset['ready'] = '';
  } catch (e) {
    console.error(e);
    if (status) status.textContent = say('viewer-failed');
  }
}
