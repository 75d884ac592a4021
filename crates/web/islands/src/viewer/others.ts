// What others draw and point at, on the reader's own picture.
import type { Vector } from './geometry.ts';
import type { Figure } from './measure.ts';
import { label, onScreen } from './overlay.ts';
import type { Pane } from './pane.ts';

export interface Pointed { sop: string; frame: number; at: Vector }
export interface Drawn { id: string; tool: Figure; sop: string; frame: number; points: Vector[] }

/** Stroked twice, so that it stands out on black and on white. */
function stroke(ctx: CanvasRenderingContext2D, colour: string, path: () => void): void {
  for (const [width, style] of [[4, '#000a'], [2, colour]] as const) {
    ctx.lineWidth = width;
    ctx.strokeStyle = style;
    ctx.beginPath();
    path();
    ctx.stroke();
  }
}

export function paintPoint(pane: Pane, ctx: CanvasRenderingContext2D, point: Pointed, colour: string, name: string): void {
  const [x, y] = onScreen(pane, point.at);
  stroke(ctx, colour, () => {
    ctx.arc(x, y, 8, 0, 2 * Math.PI);
    ctx.moveTo(x - 3, y); ctx.lineTo(x + 3, y);
    ctx.moveTo(x, y - 3); ctx.lineTo(x, y + 3);
  });
  label(ctx, name, x + 12, y - 8, colour);
}

export function paintFigure(pane: Pane, ctx: CanvasRenderingContext2D, drawn: Drawn, colour: string, words: string): void {
  const p = drawn.points.map((at) => onScreen(pane, at));
  stroke(ctx, colour, () => {
    if (drawn.tool === 'EllipticalROI' && p.length >= 4) {
      const half = (a: [number, number], b: [number, number]) => Math.hypot(a[0] - b[0], a[1] - b[1]) / 2;
      const [x, y] = [(p[2]![0] + p[3]![0]) / 2, (p[2]![1] + p[3]![1]) / 2];
      const angle = Math.atan2(p[3]![1] - p[2]![1], p[3]![0] - p[2]![0]);
      ctx.ellipse(x, y, half(p[2]!, p[3]!), half(p[0]!, p[1]!), angle, 0, 2 * Math.PI);
      return;
    }
    const order = drawn.tool === 'RectangleROI' && p.length >= 4 ? [0, 1, 3, 2, 0] : p.map((_, i) => i);
    order.forEach((i, n) => (n === 0 ? ctx.moveTo(...p[i]!) : ctx.lineTo(...p[i]!)));
  });
  const at = p.reduce((a, b) => (b[0] > a[0] ? b : a));
  label(ctx, words, at[0] + 8, at[1], colour);
}
