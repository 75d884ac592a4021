// What stands on the screen: panes in a layout, the tools that act on them, and what ties panes together.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import { Film } from './cine.ts';
import { nearest, offsetBetween, type Stack } from './geometry.ts';
import { heard, supplies } from './load.ts';
import { FIGURES, configured, refresh, type Figure } from './measure.ts';
import { Pane } from './pane.ts';
import { say } from './words.ts';

export type Layout = 'one' | 'two' | 'four' | 'mpr';
export type Hand = 'window' | 'pan' | 'zoom' | 'scroll' | Figure;
const COUNT: Record<Layout, number> = { one: 1, two: 2, four: 4, mpr: 3 };
const GROUP = 'karez';
const MPR_GROUP = 'karez-mpr';
const HANDS: Record<Hand, string> = {
  window: 'WindowLevel', pan: 'Pan', zoom: 'Zoom', scroll: 'StackScroll',
  Length: 'Length', Angle: 'Angle', RectangleROI: 'RectangleROI', EllipticalROI: 'EllipticalROI',
};

function groups(): void {
  const { Primary, Secondary, Auxiliary, Wheel } = tools.Enums.MouseBindings;
  const classes = [
    tools.WindowLevelTool, tools.PanTool, tools.ZoomTool, tools.StackScrollTool, tools.LengthTool, tools.AngleTool,
    tools.RectangleROITool, tools.EllipticalROITool, tools.ReferenceLinesTool, tools.CrosshairsTool,
  ];
  for (const tool of classes) tools.addTool(tool);
  for (const name of [GROUP, MPR_GROUP]) {
    const group = tools.ToolGroupManager.createToolGroup(name)!;
    for (const plain of ['WindowLevel', 'Pan', 'Zoom', 'StackScroll']) group.addTool(plain);
    for (const [figure, how] of configured()) group.addTool(figure, how);
    if (name === GROUP) group.addTool('ReferenceLines', { showFullDimension: true });
    else group.addTool('Crosshairs', { mobile: { enabled: true } });
    group.setToolActive('WindowLevel', { bindings: [{ mouseButton: Primary }] });
    group.setToolActive('Pan', { bindings: [{ mouseButton: Auxiliary }] });
    // Two fingers pinch and drag; one finger does what the chosen tool does.
    group.setToolActive('Zoom', { bindings: [{ mouseButton: Secondary }, { numTouchPoints: 2 }] });
    group.setToolActive('StackScroll', { bindings: [{ mouseButton: Wheel }] });
    for (const figure of FIGURES) group.setToolPassive(figure);
  }
}

/** What a pane showed before the panes were laid out anew. */
interface Shown {
  stack: Stack;
  at: number;
  look: ReturnType<Pane['look']>;
  from: Pane['from'];
}

export class Stage {
  panes: Pane[] = [];
  layout: Layout = 'one';
  hand: Hand = 'window';
  tied = false;
  lines = true;
  private chosen = 0;
  private readonly engine = new core.RenderingEngine('karez');
  private readonly offsets = new Map<string, number>();
  private following = false;
  private count = 0;
  private before: Shown[] = [];

  constructor(private readonly root: HTMLElement, private readonly changed: () => void, private readonly tell: (words: string) => void) {
    groups();
    heard.progress = (stack, done) => {
      for (const pane of this.panes) if (pane.stack === stack && !pane.plane) pane.progress(done);
    };
    heard.arrived = (imageId) => {
      if (refresh(imageId)) this.render();
    };
    supplies().window = () => this.pane?.look();
    new ResizeObserver(() => {
      if (this.panes.length) this.engine.resize(true, true);
      for (const pane of this.panes) pane.draw();
    }).observe(root);
    core.eventTarget.addEventListener(core.Enums.Events.IMAGE_LOAD_ERROR, (e: Event) => {
      const id = (e as CustomEvent<{ imageId?: string }>).detail?.imageId;
      for (const pane of this.panes) if (pane.slice && pane.slice.imageId === id) pane.fail();
    });
  }

  get pane(): Pane {
    return this.panes[this.chosen] ?? this.panes[0]!;
  }

  choose(pane: Pane): void {
    this.chosen = Math.max(0, this.panes.indexOf(pane));
    for (const p of this.panes) p.element.toggleAttribute('data-on', p === this.pane);
    this.drawLines();
    this.fetchAround();
    this.changed();
  }

  /** Lays the panes out anew; what they showed is kept as far as there is room. */
  async lay(layout: Layout): Promise<void> {
    const slices: Shown[] = this.panes.filter((p) => p.stack && !p.plane).map((p) => ({ stack: p.stack!, at: p.index, look: p.look(), from: p.from }));
    const first = this.pane?.stack;
    // Planes show no slices of their own: what stood before them comes back after them.
    const shown = this.layout === 'mpr' ? this.before : slices;
    if (layout === 'mpr') this.before = shown;
    for (const pane of this.panes) {
      supplies().forget(pane.viewport);
      pane.dispose();
    }
    this.layout = layout;
    this.root.dataset['layout'] = layout;
    const planes = ['axial', 'sagittal', 'coronal'] as const;
    this.panes = Array.from({ length: COUNT[layout] }, (_, i) => {
      this.count += 1;
      const pane = new Pane(`pane-${this.count}`, this.engine, layout === 'mpr' ? planes[i] : undefined);
      this.root.append(pane.element);
      pane.enable();
      this.group(layout === 'mpr').addViewport(pane.id, this.engine.id);
      this.listen(pane);
      return pane;
    });
    this.engine.resize(true, false);
    this.chosen = 0;
    if (layout === 'mpr') {
      if (first) await this.volume(first);
    } else {
      // What was chosen comes first.
      shown.sort((a, b) => Number(b.stack === first) - Number(a.stack === first));
      await Promise.all(shown.slice(0, this.panes.length).map(async ({ stack, at, look, from }, i) => {
        const pane = this.panes[i]!;
        pane.from = from;
        await pane.show(stack, at);
        if (look) pane.wear({ ...look, pan: [0, 0], zoom: 1 });
      }));
    }
    this.take(this.hand);
    this.choose(this.panes[0]!);
  }

  private group(mpr: boolean) {
    return tools.ToolGroupManager.getToolGroup(mpr ? MPR_GROUP : GROUP)!;
  }

  private listen(pane: Pane): void {
    pane.element.addEventListener('pointerdown', () => this.choose(pane), { capture: true });
    pane.element.addEventListener('focus', () => { if (this.pane !== pane) this.choose(pane); });
    pane.canvas.addEventListener(core.Enums.Events.STACK_NEW_IMAGE, () => {
      if (pane === this.pane) this.fetchAround();
      void this.follow(pane);
      this.changed();
    });
  }

  private fetchAround(): void {
    const { pane } = this;
    if (pane?.stack && !pane.plane) supplies().look(pane.viewport, pane.stack, pane.index);
  }

  async show(stack: Stack, from = '', pane = this.pane, at = 0): Promise<void> {
    pane.from = from;
    // Where previews stand in, each image passed is shown; whole ones are fetched only where the wheel rests.
    for (const mpr of [false, true]) this.group(mpr).setToolConfiguration('StackScroll', { debounceIfNotLoaded: !supplies().line.isSlow });
    await pane.show(stack, at);
    if (pane === this.pane) this.fetchAround();
    this.drawLines();
    this.changed();
  }

  /** The left button and one finger do this from now on. */
  take(hand: Hand): void {
    this.hand = hand;
    const { Primary, Secondary, Auxiliary, Wheel } = tools.Enums.MouseBindings;
    const fixed: Record<string, object[]> = {
      Pan: [{ mouseButton: Auxiliary }],
      Zoom: [{ mouseButton: Secondary }, { numTouchPoints: 2 }],
      StackScroll: [{ mouseButton: Wheel }],
    };
    for (const mpr of [false, true]) {
      const group = this.group(mpr);
      for (const name of new Set(Object.values(HANDS))) {
        const own = fixed[name] ?? [];
        group.setToolPassive(name, { removeAllBindings: true } as never);
        const bindings = name === HANDS[hand] ? [{ mouseButton: Primary }, { numTouchPoints: 1 }, ...own] : own;
        if (bindings.length) group.setToolActive(name, { bindings } as never);
      }
    }
    this.changed();
  }

  /** Other panes go to the same place of the body, or keep the distance they had when they were tied. */
  tie(on: boolean): void {
    this.tied = on;
    this.offsets.clear();
    const own = this.pane.slice;
    if (on && own) {
      for (const other of this.panes) {
        if (other === this.pane || !other.slice) continue;
        const same = other.stack?.frameOfReference && other.stack.frameOfReference === this.pane.stack?.frameOfReference;
        this.offsets.set(other.id, same ? 0 : offsetBetween(own, other.slice));
      }
      this.offsets.set(this.pane.id, 0);
    }
    this.changed();
  }

  private async follow(pane: Pane): Promise<void> {
    if (!this.tied || this.following || !pane.slice || !this.offsets.has(pane.id)) return;
    this.following = true;
    try {
      for (const other of this.panes) {
        const offset = this.offsets.get(other.id);
        if (other === pane || !other.stack || offset === undefined) continue;
        const at = nearest(other.stack, pane.slice, offset - this.offsets.get(pane.id)!);
        if (at !== undefined && at !== other.index) await other.go(at);
      }
    } finally {
      this.following = false;
    }
  }

  /** Where the chosen picture cuts the others. */
  drawLines(): void {
    if (this.layout === 'mpr' || this.panes.length === 0) return;
    const group = this.group(false);
    if (this.lines && this.panes.length > 1 && this.pane.stack) {
      group.setToolConfiguration('ReferenceLines', { sourceViewportId: this.pane.id, showFullDimension: true });
      group.setToolEnabled('ReferenceLines');
    } else {
      group.setToolDisabled('ReferenceLines');
    }
    this.engine.renderViewports(this.panes.map((p) => p.id));
  }

  private async volume(stack: Stack): Promise<void> {
    const id = `cornerstoneStreamingImageVolume:${stack.id.replace(/[^\w.]/g, '_')}`;
    for (const pane of this.panes) {
      pane.stack = stack;
      pane.tell(say('loading-volume'));
    }
    const volume = await core.volumeLoader.createAndCacheVolume(id, { imageIds: stack.slices.map((s) => s.imageId) });
    const all = stack.slices.length;
    const told = (done: number) => {
      for (const pane of this.panes) {
        pane.tell(done >= all ? '' : say('loading-of', { done, all }));
        pane.element.dataset['loaded'] = String(done);
      }
    };
    const here = (e: Event) => {
      const { volumeId, framesProcessed } = (e as CustomEvent<{ volumeId: string; framesProcessed?: number }>).detail;
      if (volumeId === id) told(framesProcessed ?? all);
    };
    const { IMAGE_VOLUME_MODIFIED, IMAGE_VOLUME_LOADING_COMPLETED } = core.Enums.Events;
    for (const name of [IMAGE_VOLUME_MODIFIED, IMAGE_VOLUME_LOADING_COMPLETED]) core.eventTarget.addEventListener(name, here);
    await core.setVolumesForViewports(this.engine, [{ volumeId: id }], this.panes.map((p) => p.id));
    const own = this.panes[0]?.ownWindows()[0];
    const loading = volume as unknown as { load(): void; loadStatus?: { loaded?: boolean } };
    if (loading.loadStatus?.loaded) told(all);
    else loading.load();
    for (const pane of this.panes) {
      if (own) pane.window(own.width, own.centre);
      pane.element.dataset['shown'] = stack.series;
      pane.viewport?.resetCamera();
    }
    this.group(true).setToolEnabled('Crosshairs');
    this.engine.renderViewports(this.panes.map((p) => p.id));
    for (const pane of this.panes) pane.draw();
  }

  render(): void {
    this.engine.renderViewports(this.panes.map((p) => p.id));
  }

  /** Runs the chosen picture as a film, or stops it. */
  play(): void {
    const { pane } = this;
    if (pane.reel?.running) pane.reel.stop();
    else if (pane.count > 1 && pane.stack) {
      pane.reel = new Film(pane, this.tell);
      pane.reel.play();
    }
    this.changed();
  }
}
