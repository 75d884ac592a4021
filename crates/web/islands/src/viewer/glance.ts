// What the one who leads shows, put into places and numbers, and brought to the pictures of those who follow.
import type * as core from '@cornerstonejs/core';
import { TAG, text } from './dicom.ts';
import type { Slice, Vector } from './geometry.ts';
import type { Overlaid } from './over.ts';
import type { Pane } from './pane.ts';
import type { Viewer } from './viewer.ts';

type Plane = NonNullable<Pane['plane']>;

/** An image of an earlier study beside. */
interface Beside { hospital: string; study: string; series: string; sop: string; frame: number; window: [number, number] | null }
export interface Glance {
  series: string; sop: string; frame: number; window: [number, number] | null; turned: number;
  flipped: [boolean, boolean]; invert: boolean; zoom: number; centre: Vector; plane: Plane | null;
  over: Overlaid | null; beside: Beside | null;
}

export const round = (n: number, places: number) => Number(n.toFixed(places));
export const place = (v: readonly number[]): Vector => [round(v[0]!, 2), round(v[1]!, 2), round(v[2]!, 2)];

const windowOf = (pane: Pane): [number, number] | null => {
  const look = pane.look();
  return look?.width ? [round(look.width, 2), round(look.centre, 2)] : null;
};

/** Where an image is kept, from its address. */
const hospitalOf = (slice: Slice) => /\/dicomweb\/([^/]+)\//.exec(slice.imageId)?.[1] ?? '';

function besideOf(viewer: Viewer): Beside | null {
  const { panes, pane } = viewer.stage;
  const other = pane.from ? pane : panes.find((p) => p.from && p.slice);
  const slice = other?.slice;
  if (!other || !slice || !other.stack) return null;
  return { hospital: hospitalOf(slice), study: text(slice.instance, TAG.study), series: other.stack.series, sop: slice.sop, frame: slice.frame, window: windowOf(other) };
}

/** What is shown: of the chosen picture, or of the study's own where an earlier one is chosen. Null where nothing of the study stands there. */
export function glanceOf(viewer: Viewer): Glance | null | undefined {
  const { stage } = viewer;
  const pane = stage.pane?.from ? stage.panes.find((p) => p.stack && !p.from) : stage.pane;
  if (!pane) return null;
  const view = pane.viewport;
  const look = pane.look();
  if (!view || !pane.stack || !look) return undefined;
  const { slice } = pane;
  if (!slice && !pane.plane) return undefined;
  const centre = pane.plane
    ? view.getCamera().focalPoint!
    : view.canvasToWorld([pane.canvas.clientWidth / 2, pane.canvas.clientHeight / 2]);
  return {
    series: pane.stack.series,
    sop: slice?.sop ?? '',
    frame: slice?.frame ?? 0,
    window: windowOf(pane),
    turned: round(look.rotation, 1),
    flipped: [look.flipHorizontal, look.flipVertical],
    invert: look.invert,
    zoom: round(look.zoom, 4),
    centre: place(centre),
    plane: pane.plane ?? null,
    over: viewer.overlays.look(),
    beside: besideOf(viewer),
  };
}

/** Brings the pictures to what is shown, as far as the reader has it. */
export async function wear(viewer: Viewer, look: Glance): Promise<void> {
  const { stage } = viewer;
  viewer.closeTraces();
  const pane = look.plane ? await plane(viewer, look) : await picture(viewer, look);
  const view = pane?.viewport;
  if (!pane || !view) return;
  if (look.plane) (view as core.Types.IVolumeViewport).jumpToWorld(look.centre);
  pane.wear({
    ...(look.plane ? {} : { rotation: look.turned, flipHorizontal: look.flipped[0], flipVertical: look.flipped[1] }),
    invert: look.invert,
    zoom: look.zoom,
    ...(look.window ? { width: look.window[0], centre: look.window[1] } : {}),
  });
  const [x, y] = view.worldToCanvas(look.centre);
  const [px, py] = view.getPan();
  view.setPan([px + pane.canvas.clientWidth / 2 - x, py + pane.canvas.clientHeight / 2 - y]);
  view.render();
  pane.draw();
  await viewer.overlays.wear(look.over);
  if (stage.layout !== 'mpr') await beside(viewer, look.beside, pane);
}

async function plane(viewer: Viewer, look: Glance): Promise<Pane | undefined> {
  const { stage } = viewer;
  const stack = (await viewer.study.stacksOf(look.series)).find((s) => s.volume);
  if (!stack) return undefined;
  if (stage.layout !== 'mpr' || stage.pane.stack !== stack) {
    if (stage.layout === 'mpr') await stage.lay('one');
    await stage.show(stack);
    await stage.lay('mpr');
  }
  return stage.panes.find((p) => p.plane === look.plane);
}

async function picture(viewer: Viewer, look: Glance): Promise<Pane | undefined> {
  const { stage } = viewer;
  const found = await viewer.study.find(look.series, look.sop, look.frame);
  if (!found) return undefined;
  if (stage.layout === 'mpr') await stage.lay('one');
  const own = stage.panes.find((p) => p.stack === found.stack && !p.from) ?? (stage.pane.from ? stage.panes.find((p) => !p.from) ?? stage.pane : stage.pane);
  if (own !== stage.pane) stage.choose(own);
  if (own.stack !== found.stack || own.from) await stage.show(found.stack, '', own, found.at);
  else if (own.index !== found.at) await own.go(found.at);
  return own;
}

/** Layouts that were made to show what is compared: undone when it is compared no more. */
const made = new WeakSet<Viewer>();

async function beside(viewer: Viewer, wanted: Beside | null, own: Pane): Promise<void> {
  const { stage } = viewer;
  if (!wanted) {
    if (made.delete(viewer) && stage.layout === 'two') await stage.lay('one');
    return;
  }
  const earlier = viewer.study.places().find((p) => p.from && p.study === wanted.study && p.series === wanted.series);
  const stacks = earlier ? await viewer.study.load(earlier).catch(() => []) : [];
  const has = (s: Slice) => s.sop === wanted.sop && s.frame === wanted.frame;
  const stack = stacks.find((s) => s.slices.some(has));
  if (!earlier || !stack) return;
  if (stage.panes.length < 2) {
    await stage.lay('two');
    made.add(viewer);
    stage.choose(stage.panes.find((p) => p.stack === own.stack && !p.from) ?? stage.pane);
  }
  const other = stage.panes.find((p) => p.from === earlier.from) ?? stage.panes.find((p) => p !== stage.pane);
  if (!other) return;
  const at = stack.slices.findIndex(has);
  if (other.stack !== stack || other.from !== earlier.from) await stage.show(stack, earlier.from, other, at);
  else if (other.index !== at) await other.go(at);
  if (wanted.window) other.window(wanted.window[0], wanted.window[1]);
}
