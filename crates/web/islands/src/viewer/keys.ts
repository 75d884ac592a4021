// The keyboard does everything the hand does. Keys act while the viewer has the focus and no field is being written in.
import { FIGURES, POINTS, type Figure } from './measure.ts';
import type { Slice, Vector } from './geometry.ts';
import { say } from './words.ts';
import type { Viewer } from './viewer.ts';

const ACTS: Record<string, string> = {
  w: 'window', z: 'zoom', p: 'pan', s: 'scroll', l: 'Length', a: 'Angle', r: 'RectangleROI', e: 'EllipticalROI',
  i: 'invert', h: 'flip-h', v: 'flip-v', '[': 'left', ']': 'right', '+': 'larger', '=': 'larger', '-': 'smaller',
  0: 'reset', ' ': 'cine', k: 'key', y: 'keep-marks', t: 'tie', n: 'lines', m: 'mpr', f: 'whole', '?': 'help',
  Delete: 'delete', Backspace: 'delete',
  j: 'join', g: 'lead', o: 'follow', c: 'contours', d: 'dose', '<': 'slower', '>': 'faster',
};
const SCROLL: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/** A cross on the picture, moved by arrows, that sets points with Enter. */
class Cross {
  private mark: HTMLElement | undefined;
  private at: [number, number] = [0, 0];
  private points: Vector[] = [];
  private slice: Slice | undefined;

  constructor(private readonly viewer: Viewer) {}

  get on(): boolean {
    return this.mark !== undefined;
  }

  toggle(): void {
    if (this.on) return this.drop();
    const { pane } = this.viewer.stage;
    const box = pane.canvas.getBoundingClientRect();
    this.mark = document.createElement('span');
    this.mark.className = 'vw-cross';
    pane.element.append(this.mark);
    this.at = [box.width / 2, box.height / 2];
    this.points = [];
    this.slice = pane.slice;
    this.move(0, 0);
    this.viewer.tell(say('cross-on'));
  }

  drop(): void {
    this.mark?.remove();
    this.mark = undefined;
    this.viewer.tell('');
  }

  move(x: number, y: number): void {
    const box = this.viewer.stage.pane.canvas.getBoundingClientRect();
    this.at = [Math.max(0, Math.min(box.width, this.at[0] + x)), Math.max(0, Math.min(box.height, this.at[1] + y))];
    if (this.mark) {
      this.mark.style.left = `${this.at[0]}px`;
      this.mark.style.top = `${this.at[1]}px`;
      const detail = { x: box.left + this.at[0], y: box.top + this.at[1] };
      this.mark.dispatchEvent(new CustomEvent('vw-cross', { detail, bubbles: true }));
    }
  }

  set(): void {
    const { stage } = this.viewer;
    const tool = stage.hand as Figure;
    const { slice } = stage.pane;
    if (!FIGURES.includes(tool) || !slice) return this.viewer.tell(say('cross-tool'));
    // Points of one figure lie on one image.
    if (slice !== this.slice) this.points = [];
    this.slice = slice;
    const world = stage.pane.viewport?.canvasToWorld(this.at);
    if (!world) return;
    this.points.push([world[0], world[1], world[2]]);
    if (this.points.length < POINTS[tool]) return this.viewer.tell(say('cross-more', { n: POINTS[tool] - this.points.length }));
    const { points } = this;
    this.points = [];
    this.viewer.notebook.figureAt(tool, slice, points);
    this.viewer.tell(say('cross-done'));
  }
}

export function keyboard(viewer: Viewer): void {
  const cross = new Cross(viewer);
  const arrows: Record<string, [number, number]> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  function steer(e: KeyboardEvent): boolean {
    if (e.key === 'x') cross.toggle();
    else if (e.key === 'Escape' && cross.on) cross.drop();
    else if (cross.on && arrows[e.key]) {
      const [x, y] = arrows[e.key]!;
      const step = e.shiftKey ? 20 : 2;
      cross.move(x * step, y * step);
    } else if (cross.on && e.key === 'Enter') cross.set();
    else return false;
    return true;
  }

  viewer.root.addEventListener('keydown', (e) => {
    const target = e.target as HTMLElement;
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (target.closest('input, textarea, select, dialog')) return;
    // Space and Enter press the button that has the focus.
    if (target.closest('button, a, summary') && (e.key === ' ' || e.key === 'Enter')) {
      const link = e.key === ' ' && target.closest<HTMLElement>('a[role=button]');
      if (link) {
        e.preventDefault();
        link.click();
      }
      return;
    }
    const { stage } = viewer;
    if (stage.panes.length === 0) return;
    if (steer(e)) {
      e.preventDefault();
      return;
    }
    const scroll = SCROLL[e.key];
    if (scroll !== undefined) {
      e.preventDefault();
      void stage.pane.go(Number.isFinite(scroll) ? stage.pane.index + scroll : scroll < 0 ? 0 : stage.pane.count - 1);
    } else if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      e.preventDefault();
      const step = e.key === 'ArrowLeft' ? -1 : 1;
      const at = stage.panes.indexOf(stage.pane);
      const pane = stage.panes[(at + step + stage.panes.length) % stage.panes.length]!;
      stage.choose(pane);
      pane.element.focus();
    } else if (/^[1-9]$/.test(e.key)) {
      viewer.preset(Number(e.key) - 1);
    } else {
      const name = ACTS[e.key] ?? ACTS[e.key.toLowerCase()];
      if (!name) return;
      e.preventDefault();
      void viewer.act(name);
    }
  });
}
