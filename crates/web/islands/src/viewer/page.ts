// What the page around the pictures shows of them: pressed buttons, windows to choose from, notes, measurements and key images.
import { fill, line } from './lists.ts';
import { sliceOf } from './load.ts';
import * as measure from './measure.ts';
import { noteText, type Pane } from './pane.ts';
import { presets } from './presets.ts';
import { figure, say } from './words.ts';
import type { Viewer } from './viewer.ts';

export interface NamedWindow { name: string; width: number; centre: number }

/** The image's own windows, then ours for its modality. */
export function windowsOf(pane: Pane | undefined): NamedWindow[] {
  if (!pane?.stack) return [];
  const own = pane.ownWindows().map((w, i) => ({ ...w, name: w.name || say('preset-own', { n: i + 1 }) }));
  return [...own, ...presets(pane.stack.modality).map((p) => ({ ...p, name: say(`preset-${p.key}`) }))];
}

export function drawPage(viewer: Viewer): void {
  const { pane } = viewer.stage;
  drawButtons(viewer, pane);
  drawWindows(viewer, pane);
  drawNotes(viewer, pane);
  drawMeasures(viewer);
  drawKeys(viewer);
}

function drawButtons(viewer: Viewer, pane: Pane): void {
  const { stage, root } = viewer;
  const on: Record<string, boolean> = {
    [stage.hand]: true, [stage.layout]: true, tie: stage.tied, lines: stage.lines, cine: !!pane.reel?.running,
    key: viewer.notebook.isKey(pane.slice), invert: !!pane.look()?.invert,
  };
  for (const button of root.querySelectorAll<HTMLButtonElement>('[data-do]')) {
    const name = button.dataset['do']!;
    if (button.hasAttribute('aria-pressed')) button.setAttribute('aria-pressed', String(!!on[name]));
  }
  for (const button of root.querySelectorAll<HTMLElement>('[data-series]')) {
    const shown = stage.panes.some((p) => p.stack?.series === button.dataset['series']);
    button.setAttribute('aria-pressed', String(shown));
  }
}

function drawWindows(viewer: Viewer, pane: Pane): void {
  const select = viewer.find<HTMLSelectElement>('#vw-preset');
  const all = windowsOf(pane);
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

function drawNotes(viewer: Viewer, pane: Pane): void {
  const list = viewer.find('#vw-notes');
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

function drawMeasures(viewer: Viewer): void {
  const { notebook, study } = viewer;
  fill(viewer.find('#vw-measures'), measure.all().map((a) => {
    const slice = sliceOf(a.metadata.referencedImageId!)!;
    const text = `${say(`figure-${a.metadata.toolName}`)}: ${measure.read(a).lines.join(', ')} (${study.name(slice)})`;
    const choose = () => { notebook.selected = a.annotationUID; };
    return line(text, a.annotationUID === notebook.selected, () => { choose(); void viewer.goTo(slice.imageId); }, () => { choose(); notebook.removeSelected(); });
  }));
}

function drawKeys(viewer: Viewer): void {
  const { notebook, study } = viewer;
  fill(viewer.find('#vw-keys'), notebook.keys.flatMap((key) => {
    const imageId = study.imageOf(key.sop, key.frame);
    const slice = imageId ? sliceOf(imageId) : undefined;
    if (!imageId || !slice) return [];
    return [line(study.name(slice), false, () => void viewer.goTo(imageId), () => notebook.dropKey(key))];
  }));
  notebook.documents.draw();
}
