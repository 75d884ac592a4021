// One picture on the screen: a stack of images or one plane of a volume, with what stands in its corners.
import * as core from '@cornerstonejs/core';
import type { Film } from './cine.ts';
import { TAG, number, numbers } from './dicom.ts';
import { depth, towards, type Note, type Slice, type Stack, type Vector } from './geometry.ts';
import { cover } from './overlay.ts';
import { supplies } from './load.ts';
import { supplied } from './plain.ts';
import { isLoaded } from './supply.ts';
import { figure, say } from './words.ts';

type StackViewport = core.Types.IStackViewport;
type VolumeViewport = core.Types.IVolumeViewport;

export interface Look { rotation: number; flipHorizontal: boolean; flipVertical: boolean; zoom: number; pan: [number, number]; invert: boolean; width: number; centre: number }

export function noteText(note: Note): string {
  switch (note.key) {
    case 'tilted': return say('note-tilted', { degrees: figure(note.degrees, 1) });
    case 'uneven': return say('note-uneven', { from: figure(note.from, 2), to: figure(note.to, 2) });
    case 'gaps': return say('note-gaps', { n: note.count });
    case 'lossy': return note.ratio ? say('note-lossy-ratio', { ratio: figure(note.ratio, 0) }) : say('note-lossy');
    case 'unplaced': return say('note-unplaced');
    case 'spacing': return say(`spacing-${note.kind}`);
  }
}

export class Pane {
  readonly element: HTMLDivElement;
  readonly canvas: HTMLDivElement;
  stack: Stack | undefined;
  /** Named in its corner when it does not show the study the page is about. */
  from = '';
  reel: Film | undefined;
  failed = false;
  private readonly corners: Record<'tl' | 'tr' | 'bl' | 'br' | 'say', HTMLElement>;
  private readonly edges: Record<'top' | 'bottom' | 'left' | 'right', HTMLElement>;

  constructor(readonly id: string, readonly engine: core.RenderingEngine, readonly plane?: 'axial' | 'sagittal' | 'coronal') {
    this.element = document.createElement('div');
    this.element.className = 'vw-pane';
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'group');
    this.element.setAttribute('aria-roledescription', say('pane'));
    this.canvas = document.createElement('div');
    this.canvas.className = 'vw-canvas';
    this.canvas.addEventListener('contextmenu', (e) => e.preventDefault());
    this.element.append(this.canvas);
    const part = (name: string) => {
      const span = document.createElement('span');
      span.className = `vw-at vw-${name}`;
      this.element.append(span);
      return span;
    };
    this.corners = { tl: part('tl'), tr: part('tr'), bl: part('bl'), br: part('br'), say: part('say') };
    this.edges = { top: part('n'), bottom: part('s'), left: part('w'), right: part('e') };
    for (const edge of Object.values(this.edges)) edge.setAttribute('aria-hidden', 'true');
    this.corners.say.setAttribute('role', 'status');
  }

  enable(): void {
    this.engine.enableElement({
      viewportId: this.id,
      type: this.plane ? core.Enums.ViewportType.ORTHOGRAPHIC : core.Enums.ViewportType.STACK,
      element: this.canvas,
      defaultOptions: {
        background: [0, 0, 0],
        ...(this.plane ? { orientation: core.Enums.OrientationAxis[this.plane.toUpperCase() as 'AXIAL'] } : {}),
      } as never,
    });
    if (!this.plane) supplied(this.viewport, (ids, listener) => supplies().loadImages(ids, listener));
    cover(this);
    const draw = () => this.draw();
    for (const name of ['STACK_NEW_IMAGE', 'VOLUME_NEW_IMAGE', 'VOI_MODIFIED', 'CAMERA_MODIFIED'] as const) {
      this.canvas.addEventListener(core.Enums.Events[name], draw);
    }
    this.canvas.addEventListener(core.Enums.Events.STACK_NEW_IMAGE, (e) => {
      this.element.dataset['drawn'] = String((e as CustomEvent<{ imageIdIndex: number }>).detail.imageIdIndex);
    });
  }

  get viewport(): StackViewport | VolumeViewport | undefined {
    return this.engine.getViewport(this.id) as StackViewport | VolumeViewport | undefined;
  }

  private get film(): StackViewport | undefined {
    return this.plane ? undefined : (this.viewport as StackViewport | undefined);
  }

  get index(): number {
    if (this.plane) return (this.viewport as VolumeViewport | undefined)?.getSliceIndex?.() ?? 0;
    return this.film?.getTargetImageIdIndex() ?? 0;
  }

  get count(): number {
    if (this.plane) return (this.viewport as VolumeViewport | undefined)?.getNumberOfSlices?.() ?? 0;
    return this.stack?.slices.length ?? 0;
  }

  get slice(): Slice | undefined {
    return this.plane ? undefined : this.stack?.slices[this.index];
  }

  private get image(): core.Types.IImage | undefined {
    return this.plane ? undefined : (this.film as unknown as { csImage?: core.Types.IImage } | undefined)?.csImage;
  }

  /** The image that is to be seen: while the one that was asked for is on its way, still the one before. */
  private get seen(): number {
    const id = this.image?.imageId;
    const at = id ? this.stack?.slices.findIndex((s) => s.imageId === id) ?? -1 : -1;
    return at < 0 ? this.index : at;
  }

  /** Whether what stands there is a preview of the image. */
  get isPreview(): boolean {
    const { image } = this;
    return image?.imageQualityStatus !== undefined && image.imageQualityStatus < core.Enums.ImageQualityStatus.FULL_RESOLUTION;
  }

  async show(stack: Stack, at = 0): Promise<void> {
    const { film } = this;
    if (!film) return;
    const begun = performance.now();
    this.stack = stack;
    this.failed = false;
    this.tell(say('loading-image'));
    try {
      await film.setStack(stack.slices.map((s) => s.imageId), Math.max(0, Math.min(at, stack.slices.length - 1)));
      film.render();
      this.tell(this.isPreview ? say('preview') : '');
      this.element.dataset['shown'] = stack.series;
      this.element.dataset['took'] = String(Math.round(performance.now() - begun));
    } catch {
      this.fail();
    }
    this.draw();
  }

  /** More images of the same series have come: the picture stays where it is. */
  async grow(stack: Stack): Promise<void> {
    const here = this.slice?.imageId;
    const at = stack.slices.findIndex((s) => s.imageId === here);
    const look = this.look();
    await this.show(stack, at < 0 ? this.index : at);
    if (look) this.wear(look);
  }

  fail(): void {
    this.failed = true;
    this.tell(say('image-failed'));
  }

  tell(text: string): void {
    if (this.corners.say.textContent !== text) this.corners.say.textContent = text;
  }

  async go(index: number): Promise<void> {
    const { count } = this;
    if (count === 0) return;
    const to = Math.max(0, Math.min(count - 1, index));
    if (this.plane) {
      await core.utilities.jumpToSlice(this.canvas, { imageIndex: to });
    } else {
      try {
        await this.film?.setImageIdIndex(to);
        if (this.failed) { this.failed = false; this.tell(''); }
      } catch {
        this.fail();
      }
    }
    this.draw();
  }

  window(width: number, centre: number): void {
    this.viewport?.setProperties({ voiRange: core.utilities.windowLevel.toLowHighRange(width, centre) } as never);
    this.viewport?.render();
    this.draw();
  }

  look(): Look | undefined {
    const v = this.viewport;
    if (!v || !this.stack) return undefined;
    const { invert, voiRange } = (v.getProperties() ?? {}) as { invert?: boolean; voiRange?: { lower: number; upper: number } };
    const { flipHorizontal, flipVertical } = v.getCamera();
    // A window of the standard is one wider than its range (PS3.3 C.11.2.1.2.1).
    const level = voiRange && core.utilities.windowLevel.toWindowLevel(voiRange.lower, voiRange.upper);
    return {
      rotation: (v as StackViewport).getRotation?.() ?? 0,
      flipHorizontal: !!flipHorizontal,
      flipVertical: !!flipVertical,
      zoom: v.getZoom(),
      pan: [...v.getPan()] as [number, number],
      invert: !!invert,
      width: level?.windowWidth ?? 0,
      centre: level?.windowCenter ?? 0,
    };
  }

  wear(look: Partial<Look>): void {
    const v = this.viewport;
    if (!v) return;
    if (look.flipHorizontal !== undefined || look.flipVertical !== undefined) {
      const now = v.getCamera();
      v.setCamera({
        flipHorizontal: look.flipHorizontal ?? now.flipHorizontal ?? false,
        flipVertical: look.flipVertical ?? now.flipVertical ?? false,
      } as never);
    }
    if (look.rotation !== undefined) v.setViewPresentation({ rotation: ((look.rotation % 360) + 360) % 360 } as never);
    if (look.zoom !== undefined) v.setZoom(look.zoom);
    if (look.pan) v.setPan(look.pan);
    if (look.invert !== undefined) v.setProperties({ invert: look.invert } as never);
    if (look.width) this.window(look.width, look.centre ?? 0);
    v.render();
    this.draw();
  }

  reset(): void {
    const v = this.viewport;
    if (!v) return;
    v.setCamera({ flipHorizontal: false, flipVertical: false } as never);
    v.setViewPresentation({ rotation: 0 } as never);
    v.resetProperties();
    v.resetCamera();
    v.render();
    this.draw();
  }

  draw(): void {
    const { stack } = this;
    const v = this.viewport;
    if (!stack || !v) return;
    const at = this.seen;
    const slice = stack.slices[at];
    const look = this.look();
    const place = slice && !this.plane ? depth(slice) : undefined;
    const name = [this.from, stack.title || say('untitled'), this.plane ? say(`plane-${this.plane}`) : ''].filter(Boolean).join(' · ');
    this.corners.tl.textContent = name;
    this.corners.tr.textContent = `${figure(at + 1)}/${figure(this.count)}${place === undefined ? '' : ` · ${figure(place, 1)} mm`}`;
    this.corners.bl.textContent = look && look.width
      ? `${say('window-short', { width: figure(Math.round(look.width)), centre: figure(Math.round(look.centre)) })} · ${figure(Math.round(look.zoom * 100))} %`
      : '';
    this.corners.br.textContent = this.plane ? '' : stack.notes.filter((n) => n.key !== 'unplaced').map(noteText).join(' · ');
    this.element.setAttribute('aria-label', `${name}, ${say('image-of', { n: at + 1, all: this.count })}`);
    this.element.toggleAttribute('data-preview', this.isPreview);
    if (this.isPreview && !this.failed) this.tell(say('preview'));
    this.element.dataset['index'] = String(this.index);
    this.element.dataset['count'] = String(this.count);
    if (look) this.element.dataset['window'] = `${Math.round(look.width)}/${Math.round(look.centre)}`;
    this.letters(slice);
  }

  /** Directions of the body at the edges, as the picture is turned now. */
  private letters(slice: Slice | undefined): void {
    const v = this.viewport;
    const placed = this.plane || (slice?.row && slice.column);
    if (!v || !placed) {
      for (const edge of Object.values(this.edges)) edge.textContent = '';
      return;
    }
    const box = this.canvas.getBoundingClientRect();
    const way = (a: [number, number], b: [number, number]): Vector => {
      const [p, q] = [v.canvasToWorld(a), v.canvasToWorld(b)];
      const d: Vector = [q[0] - p[0], q[1] - p[1], q[2] - p[2]];
      const size = Math.hypot(...d) || 1;
      return [d[0] / size, d[1] / size, d[2] / size];
    };
    const middle: [number, number] = [box.width / 2, box.height / 2];
    const right = way(middle, [box.width, box.height / 2]);
    const down = way(middle, [box.width / 2, box.height]);
    const back = (d: Vector): Vector => [-d[0], -d[1], -d[2]];
    this.edges.right.textContent = towards(right);
    this.edges.left.textContent = towards(back(right));
    this.edges.bottom.textContent = towards(down);
    this.edges.top.textContent = towards(back(down));
  }

  /** The windows the image itself names. */
  ownWindows(): { width: number; centre: number; name: string }[] {
    const slice = this.slice ?? this.stack?.slices[0];
    if (!slice) return [];
    const centres = slice.instance[TAG.windowCentre]?.Value?.length ?? 0;
    const all = numbers(slice.instance, TAG.windowCentre, centres) ?? [];
    const widths = numbers(slice.instance, TAG.windowWidth, all.length) ?? [];
    const names = slice.instance[TAG.windowNames]?.Value ?? [];
    return all.map((centre, i) => ({ centre, width: widths[i] ?? number(slice.instance, TAG.windowWidth) ?? 1, name: String(names[i] ?? '') }));
  }

  progress(done: number): void {
    const all = this.count;
    this.element.dataset['loaded'] = String(done);
    if (this.failed) return;
    const whole = done >= all;
    if (this.isPreview) this.tell(say('preview'));
    else if (!whole && !isLoaded(this.slice?.imageId ?? '')) this.tell(say('loading-image'));
    else this.tell(whole ? '' : say('loading-of', { done, all }));
  }

  dispose(): void {
    this.reel?.stop();
    this.engine.disableElement(this.id);
    this.element.remove();
  }
}
