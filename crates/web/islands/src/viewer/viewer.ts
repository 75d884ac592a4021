// The image viewer of one study: wires the page's own buttons, lists and keys to the stage.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { CoView } from './coview.ts';
import type { Instance } from './dicom.ts';
import type { Stack } from './geometry.ts';
import { Ecg, type TracesLook } from './ecg.ts';
import { hangingFor, keyOf, type Hanging } from './hanging.ts';
import { keyboard } from './keys.ts';
import { begin } from './load.ts';
import * as measure from './measure.ts';
import { Notebook } from './notebook.ts';
import { drawPage, windowsOf } from './page.ts';
import { noteText } from './pane.ts';
import { presets } from './presets.ts';
import { firstLook } from './quick.ts';
import type { Notes } from './sr.ts';
import { Stage, type Hand, type Layout } from './stage.ts';
import { Study, type Place } from './study.ts';
import { Overlays } from './over.ts';
import { isWaveform } from './waveform.ts';
import { learn, say } from './words.ts';

const TRACES: readonly string[] = ['ECG', 'HD', 'EPS', 'RESP', 'EEG', 'EMG', 'EOG'];
const isTrace = (modality: string) => TRACES.includes(modality);
/** Objects that are no pictures by themselves. */
const notPictures = (modality: string) => isTrace(modality) || Overlays.takes(modality) || ['RTRECORD', 'SR', 'KO', 'PR', 'REG', 'DOC', 'AU'].includes(modality);

const HANDS: readonly string[] = ['window', 'pan', 'zoom', 'scroll', ...measure.FIGURES];

/** A layout without empty pictures: as many as there is something for. */
const roomy = (layout: Layout, count: number): Layout => (layout === 'mpr' || count > 2 ? layout : count > 1 && layout !== 'one' ? 'two' : 'one');

/** Takes away what stood in the pictures' place until they came. */
function uncover(root: HTMLElement): void {
  firstLook()?.over();
  root.querySelector('#vw-first')?.remove();
}

export class Viewer {
  readonly stage: Stage;
  readonly study: Study;
  readonly notebook: Notebook;
  private readonly own: Record<string, Hanging>;
  private renewing = 0;
  private readonly together: CoView;
  readonly overlays: Overlays;
  /** Waveforms that stand in place of the pictures. */
  traces: Ecg | undefined;

  constructor(readonly root: HTMLElement) {
    const parse = <T>(text: string | undefined, other: T): T => (text ? (JSON.parse(text) as T) : other);
    this.own = parse(root.dataset['hang'], {});
    this.study = new Study(root, (words) => this.tell(words));
    this.stage = new Stage(this.find('#vw-stage'), () => this.draw(), (words) => this.tell(words));
    this.notebook = new Notebook(this, parse<Notes>(root.dataset['kept'], { measures: [], keys: [] }));
    this.together = new CoView(this);
    this.overlays = new Overlays(this);
  }

  find<T extends HTMLElement>(selector: string): T {
    return this.root.querySelector<T>(selector)!;
  }

  tell(text: string): void {
    this.find('#vw-status').textContent = text;
  }

  /** Sends what the reader keeps; none where no answer came. */
  post(address: string, what: unknown): Promise<Response | undefined> {
    return fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': this.root.dataset['csrf'] ?? '', 'hx-request': 'true' },
      body: JSON.stringify(what),
    }).catch(() => undefined);
  }

  async open(): Promise<void> {
    await this.study.list();
    const places = this.study.places();
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
    const stacks = await this.study.load(first);
    this.tell('');
    const stack = stacks[0];
    if (!stack) {
      await this.stage.lay('one');
      uncover(this.root);
      this.tell(say('no-pictures'));
    } else {
      await this.hang(stack, places);
    }
    this.live();
    void this.notebook.open();
  }

  /** The first picture at once, alone; the rest of the arrangement after it. */
  private async hang(stack: Stack, places: Place[]): Promise<void> {
    const how = hangingFor(this.own, stack.modality, stack.bodyPart);
    // What is compared is of the same kind and came before.
    const prior = how.prior ? places.find((p) => p.from && p.earlier && p.modality === stack.modality) : undefined;
    const others_n = prior ? 1 : places.filter((p) => !p.from && !notPictures(p.modality)).length - 1;
    const layout = roomy(prior && how.layout === 'one' ? 'two' : how.layout, 1 + others_n);
    await this.stage.lay(layout === 'mpr' ? 'one' : layout);
    // Where the reader is in the first look.
    const here = () => stack.slices.findIndex((s) => s.imageId === firstLook()?.imageId);
    await this.stage.show(stack, '', this.stage.pane, Math.max(0, here()));
    const preset = presets(stack.modality).find((p) => p.key === how.preset);
    if (preset) this.stage.pane.window(preset.width, preset.centre);
    if (here() > 0) void this.stage.pane.go(here());
    uncover(this.root);
    this.notebook.restore();
    const rest = prior ? [prior] : places.filter((p) => !p.from && !notPictures(p.modality)).slice(1);
    const others = this.stage.panes.slice(1);
    await Promise.all(others.map(async (pane, i) => {
      const place = rest[i];
      if (!place) return;
      const [other] = await this.study.load(place).catch(() => [] as Stack[]);
      if (!other) return;
      await this.stage.show(other, place.from, pane);
      if (preset && other.modality === stack.modality) pane.window(preset.width, preset.centre);
    }));
    if (layout === 'mpr' && stack.volume) await this.stage.lay('mpr');
    this.notebook.restore();
    if (how.tied && others.length > 0) this.stage.tie(true);
  }

  async showSeries(button: HTMLElement): Promise<void> {
    const place = this.study.placeOf(button);
    if (Overlays.takes(place.modality) && !place.from) return this.overlays.toggle(place);
    if (isTrace(place.modality)) return this.showTraces(place);
    this.traces?.close();
    const stacks = await this.study.load(place).catch(() => []);
    // A series of several planes: pressing again goes to the next of them.
    const now = stacks.findIndex((s) => s === this.stage.pane.stack);
    const stack = stacks[(now + 1) % Math.max(1, stacks.length)];
    if (!stack) {
      this.tell(say('no-pictures'));
      return;
    }
    if (this.stage.layout === 'mpr') await this.stage.lay('one');
    await this.stage.show(stack, place.from);
    this.notebook.restore();
  }

  /** Back to the pictures. */
  closeTraces(): void {
    this.traces?.close();
  }

  /** Reads waveforms of this study as another reads them. */
  async follow(look: TracesLook): Promise<void> {
    if (this.traces?.look()?.series !== look.series) {
      const place = this.study.places().find((p) => !p.from && p.series === look.series);
      if (!place) return;
      await this.showTraces(place);
    }
    this.traces?.wear(look);
  }

  /** Waveforms, in place of the pictures until they are closed. */
  private async showTraces(place: Place): Promise<void> {
    this.traces?.close();
    this.tell('');
    const at = `${place.web}/studies/${place.study}/series/${place.series}/metadata`;
    const answer = await fetch(at, { headers: { accept: 'application/dicom+json' } }).catch(() => undefined);
    const instance = answer?.ok ? ((await answer.json()) as Instance[]).find(isWaveform) : undefined;
    if (!instance) return this.tell(say(answer?.ok ? 'no-pictures' : 'series-failed', { status: answer?.status ?? 0 }));
    this.traces = new Ecg(this.find('#vw-stage'), instance, place.title, {
      closed: () => {
        this.traces = undefined;
        this.together.glance();
        this.stage.pane?.element.focus();
      },
      drawn: () => this.together.glance(),
    });
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

  private async renew(): Promise<void> {
    await this.study.list();
    void this.notebook.documents.load();
    for await (const { place, stacks } of this.study.grown(() => !this.stage.pane.stack)) {
      for (const pane of this.stage.panes.filter((p) => p.stack?.series === place.series && !p.plane)) {
        const grown = stacks.find((s) => s.id === pane.stack?.id);
        if (grown && grown.slices.length !== pane.stack?.slices.length) await pane.grow(grown);
      }
      if (!this.stage.pane.stack && stacks[0]) {
        this.tell('');
        await this.stage.show(stacks[0]);
      }
    }
    this.notebook.restore();
    this.draw();
  }

  async goTo(imageId: string): Promise<void> {
    const { pane } = this.stage;
    const here = this.stage.panes.find((p) => p.stack?.slices.some((s) => s.imageId === imageId)) ?? pane;
    let stack = here.stack;
    if (!stack?.slices.some((s) => s.imageId === imageId)) {
      stack = this.study.stackWith(imageId);
      if (stack) await this.stage.show(stack, '', here);
    }
    const at = stack?.slices.findIndex((s) => s.imageId === imageId) ?? -1;
    if (at >= 0) await here.go(at);
    this.stage.choose(here);
  }

  // --- acts ------------------------------------------------------------------------------------------------------

  async act(name: string): Promise<void> {
    const { stage } = this;
    const { pane } = stage;
    const look = pane?.look();
    if (HANDS.includes(name)) return stage.take(name as Hand);
    switch (name) {
      case 'one': case 'two': case 'four': await stage.lay(name); this.notebook.restore(); return;
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
      case 'key': return this.notebook.toggleKey();
      case 'delete': return this.notebook.removeSelected();
      case 'keep-marks': return this.notebook.documents.keep();
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
      this.notebook.restore();
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
    const answer = await this.post('/images/hanging', { key, hanging });
    this.tell(answer?.ok ? say('hanging-kept', { what: key }) : say('not-kept'));
  }

  preset(n: number): void {
    const { pane } = this.stage;
    const chosen = windowsOf(pane)[n];
    if (chosen) pane.window(chosen.width, chosen.centre);
  }

  draw(): void {
    if (this.stage.panes.length === 0) return;
    this.overlays.list();
    drawPage(this);
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
      core.eventTarget.addEventListener(name, () => setTimeout(() => viewer.notebook.changed()));
    }
    core.eventTarget.addEventListener(Events.ANNOTATION_RENDERED, () => viewer.draw());
    await viewer.open();
    uncover(root);
    root.dataset['ready'] = '';
  } catch (e) {
    console.error(e);
    if (status) status.textContent = say('viewer-failed');
  }
}
