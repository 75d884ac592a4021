// The first look: before the viewer's own scripts are here, the picture a study opens with can be scrolled through as previews. A few
// kilobytes of script; the viewer takes over where the reader is.
import { stacksOf, type Stack } from './geometry.ts';
import { Hand } from './hand.ts';
import { hangingFor, type Hanging } from './hanging.ts';
import { foresee } from './metadata.ts';
import { presets } from './presets.ts';
import { canPreview, heldOf, wide, type Window } from './previews.ts';
import { line } from './speed.ts';
import { Strips } from './strips.ts';
import { figure as written, learn, say } from './words.ts';

const STEPS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
/** Screen pixels a finger moves for one image. */
const FINGER = 12;

let now: First | undefined;

/** What the reader looks at until the viewer is there; none where there is no first look. */
export const firstLook = (): { imageId: string; over(): void } | undefined => now;

class First {
  private readonly hand: Hand;
  private readonly window: Window;
  private readonly strips: Strips;
  private readonly canvas = document.createElement('canvas');
  private readonly counter = document.createElement('span');
  private readonly end = new AbortController();
  private shown = '';
  private timer = 0;

  constructor(private readonly box: HTMLElement, stack: Stack, own: Record<string, Hanging>) {
    this.hand = new Hand(stack, 0);
    const preset = presets(stack.modality).find((p) => p.key === hangingFor(own, stack.modality, stack.bodyPart).preset);
    const wider = wide(undefined, stack.slices[0]!);
    this.window = preset ?? { width: wider.width / 2, centre: wider.centre };
    this.strips = new Strips(() => { void this.draw(); this.pump(); }, () => this.pump());
    this.counter.className = 'vw-at vw-tr';
    this.canvas.setAttribute('aria-hidden', 'true');
    this.box.append(this.counter);
    this.count();
    this.listen();
    this.pump();
    this.box.dataset['usable'] = '';
  }

  get imageId(): string {
    return this.hand.slice?.imageId ?? '';
  }

  /** The viewer is there. */
  over(): void {
    this.end.abort();
    this.strips.stop();
    clearTimeout(this.timer);
    this.box.remove();
    now = undefined;
  }

  private listen(): void {
    const { signal } = this.end;
    const stage = this.box.parentElement!;
    document.addEventListener('keydown', (e) => {
      const step = STEPS[e.key];
      const target = e.target as HTMLElement;
      if (step === undefined || e.ctrlKey || e.metaKey || e.altKey || target.closest('input, select, textarea, dialog')) return;
      e.preventDefault();
      this.go(step);
    }, { signal });
    stage.addEventListener('wheel', (e) => {
      e.preventDefault();
      this.go(Math.sign(e.deltaY));
    }, { signal, passive: false });
    let from: number | undefined;
    stage.addEventListener('pointerdown', (e) => { from = e.clientY; }, { signal });
    stage.addEventListener('pointerup', () => { from = undefined; }, { signal });
    stage.addEventListener('pointermove', (e) => {
      const steps = from === undefined ? 0 : Math.trunc((e.clientY - from) / FINGER);
      if (steps === 0) return;
      from = e.clientY;
      this.go(steps);
    }, { signal });
  }

  private go(steps: number): void {
    const last = this.hand.stack.slices.length - 1;
    this.hand.go(Math.max(0, Math.min(last, this.hand.at + steps)));
    void this.draw();
    this.pump();
  }

  private pump(): void {
    if (this.end.signal.aborted) return;
    const rest_ms = this.hand.untilRest();
    clearTimeout(this.timer);
    if (rest_ms > 0) this.timer = window.setTimeout(() => this.pump(), rest_ms + 5);
    // The viewer's scripts share the line: one answer at a time, and no more than lies near.
    const near = [];
    for (const slice of this.hand.wanted(this.strips.each_ms)) if (near.push(slice) >= 48) break;
    this.strips.bring(near, this.window, rest_ms > 0, rest_ms > 0 ? 2 : 1);
  }

  private count(): void {
    this.counter.textContent = `${written(this.hand.at + 1)}/${written(this.hand.stack.slices.length)}`;
  }

  /** Draws the preview of the image looked at, in the window the viewer will open with. */
  private async draw(): Promise<void> {
    const { slice } = this.hand;
    const own = slice && heldOf(slice);
    // The picture the page brought is better than a preview of it.
    if (!slice || !own || slice.imageId === this.shown || (this.hand.at === 0 && !this.shown)) return;
    const bitmap = await createImageBitmap(own.blob).catch(() => undefined);
    if (!bitmap || slice !== this.hand.slice || this.end.signal.aborted) return;
    const { canvas } = this;
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    const lowest = this.window.centre - this.window.width / 2;
    const table = Uint8ClampedArray.from({ length: 256 }, (_, grey) => {
      const value = own.window.centre + own.window.width * (grey / 255 - 0.5);
      return Math.round(((value - lowest) / this.window.width) * 255);
    });
    const { data } = picture;
    for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = table[data[i]!]!;
    context.putImageData(picture, 0, 0);
    if (!canvas.isConnected) this.box.querySelector('img')?.replaceWith(canvas);
    this.shown = slice.imageId;
    this.box.dataset['drawn'] = String(this.hand.at);
    this.count();
  }
}

/** Begins the first look of a page, where its line is slow and its images allow it. */
export async function look(root: HTMLElement): Promise<void> {
  const box = root.querySelector<HTMLElement>('#vw-first');
  const series = box?.dataset['of'];
  const { web, study, hang, words } = root.dataset;
  if (!box || !series || !web || !study) return;
  const instances = await foresee(web, study, series);
  const [stack] = stacksOf(instances, web);
  // The viewer may have come first.
  if (!stack || stack.slices.length < 2 || !line.isSlow || !box.isConnected || 'ready' in root.dataset || !canPreview(stack.slices[0]!)) return;
  learn(words);
  now = new First(box, stack, hang ? (JSON.parse(hang) as Record<string, Hanging>) : {});
  box.querySelector('figcaption')!.textContent = say('preview');
}
