// What is drawn over a picture by other parts of the viewer: a sheet above the pixels, painted anew with each of them.
import * as core from '@cornerstonejs/core';
import type { Vector } from './geometry.ts';
import type { Pane } from './pane.ts';

export type Painter = (pane: Pane, ctx: CanvasRenderingContext2D) => void;

const painters: Painter[] = [];
const sheets = new WeakMap<Pane, HTMLCanvasElement>();
const waiting = new WeakSet<Pane>();

/** From now on `painter` draws on every picture, in the screen's pixels, after those that were added before. */
export function paints(painter: Painter): void {
  painters.push(painter);
}

/** Gives a pane its sheet. To be called once the pane shows something. */
export function cover(pane: Pane): void {
  const sheet = document.createElement('canvas');
  sheet.className = 'vw-over';
  sheet.setAttribute('aria-hidden', 'true');
  pane.canvas.after(sheet);
  sheets.set(pane, sheet);
  pane.canvas.addEventListener(core.Enums.Events.IMAGE_RENDERED, () => paint(pane));
}

/** Draws the sheet anew, at most once with each picture of the screen. */
export function paint(pane: Pane): void {
  if (waiting.has(pane)) return;
  waiting.add(pane);
  requestAnimationFrame(() => {
    waiting.delete(pane);
    draw(pane);
  });
}

function draw(pane: Pane): void {
  const sheet = sheets.get(pane);
  const ctx = sheet?.getContext('2d');
  if (!sheet || !ctx || !pane.viewport) return;
  const [w, h] = [pane.canvas.clientWidth, pane.canvas.clientHeight];
  const scale = window.devicePixelRatio || 1;
  if (sheet.width !== Math.round(w * scale) || sheet.height !== Math.round(h * scale)) {
    sheet.width = Math.round(w * scale);
    sheet.height = Math.round(h * scale);
  }
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.clearRect(0, 0, w, h);
  if (!pane.stack) return;
  for (const painter of painters) {
    ctx.save();
    painter(pane, ctx);
    ctx.restore();
  }
}

/** Where a point of the patient lies on the pane, pixels of the screen. */
export function onScreen(pane: Pane, at: Vector): [number, number] {
  const [x, y] = pane.viewport!.worldToCanvas(at);
  return [x, y];
}

/** Words on the picture, readable on any of it. */
export function label(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
  ctx.font = '12px system-ui, sans-serif';
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3;
  ctx.strokeStyle = '#000c';
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}
