// What a reader measures and marks: kept as a draft a moment after each change, drawn again when the study is opened, and kept in the
// study itself where the reader wants it there.
import * as tools from '@cornerstonejs/tools';
import type { Slice, Vector } from './geometry.ts';
import { sliceOf } from './load.ts';
import * as measure from './measure.ts';
import { Documents, uuidOf, type KeyImage, type Notes } from './sr.ts';
import { say } from './words.ts';
import type { Viewer } from './viewer.ts';

export class Notebook {
  readonly keys: KeyImage[];
  readonly documents: Documents;
  /** The figure that is chosen in the list or on the picture. */
  selected: string | undefined;
  private readonly restored = new Set<string>();
  private readonly waiting: measure.Kept[];
  private saving = 0;

  constructor(private readonly viewer: Viewer, kept: Notes) {
    this.waiting = kept.measures;
    this.keys = kept.keys;
    const { study } = viewer;
    this.documents = new Documents({
      root: viewer.root,
      notes: () => this.notes(),
      sliceOf: (sop, frame) => {
        const imageId = study.imageOf(sop, frame);
        return imageId ? sliceOf(imageId) : undefined;
      },
      where: (slice) => study.name(slice),
      goTo: (imageId) => void viewer.goTo(imageId),
      render: () => viewer.stage.render(),
    });
  }

  /** What stands in the study of measurements and key images; the reader's own is theirs to go on with where they have no draft. */
  async open(): Promise<void> {
    await this.documents.load();
    if (!('drafted' in this.viewer.root.dataset)) {
      const own = this.documents.own();
      for (const m of own.measures) {
        const imageId = this.viewer.study.imageOf(m.sop, m.frame);
        const slice = imageId ? sliceOf(imageId) : undefined;
        if (m.tool && slice) measure.place(m.tool, slice.imageId, measure.inBody(m.tool, slice, m.image), uuidOf(m.id));
      }
      this.keys.push(...own.keys);
      if (own.measures.length + own.keys.length > 0) this.viewer.stage.render();
    }
    this.viewer.draw();
  }

  /** Draws what was kept, as soon as its series is known. */
  restore(): void {
    for (const kept of this.waiting) {
      const imageId = this.viewer.study.imageOf(kept.sop, kept.frame);
      if (!imageId || this.restored.has(kept.id)) continue;
      this.restored.add(kept.id);
      measure.place(kept.tool, imageId, kept.points, kept.id);
    }
    this.documents.show();
    this.viewer.stage.render();
    this.viewer.draw();
  }

  private notes(): Notes {
    // What could not be drawn yet, as its series was not opened, is kept as it was.
    const later = this.waiting.filter((k) => !this.restored.has(k.id));
    return { measures: [...measure.kept(), ...later], keys: this.keys };
  }

  /** Keeps measurements and key images a moment after the last change. */
  changed(): void {
    this.viewer.draw();
    const address = this.viewer.root.dataset['keep'];
    if (!address) return;
    clearTimeout(this.saving);
    const status = this.viewer.find('#vw-kept');
    this.saving = window.setTimeout(async () => {
      const answer = await this.viewer.post(address, this.notes());
      status.textContent = say(answer?.ok ? 'kept' : 'not-kept');
      if (!answer) this.saving = window.setTimeout(() => this.changed(), 5000);
    }, 800);
  }

  isKey(slice: Slice | undefined): boolean {
    return !!slice && this.keys.some((k) => k.sop === slice.sop && k.frame === slice.frame);
  }

  toggleKey(): void {
    const { slice } = this.viewer.stage.pane;
    if (!slice) return;
    const at = this.keys.findIndex((k) => k.sop === slice.sop && k.frame === slice.frame);
    if (at < 0) this.keys.push({ sop: slice.sop, frame: slice.frame });
    else this.keys.splice(at, 1);
    this.viewer.tell(say(at < 0 ? 'key-on' : 'key-off'));
    this.changed();
  }

  dropKey(key: KeyImage): void {
    this.keys.splice(this.keys.indexOf(key), 1);
    this.changed();
  }

  removeSelected(): void {
    const id = this.selected ?? tools.annotation.selection.getAnnotationsSelected()[0];
    if (!id) return;
    measure.remove(id);
    this.selected = undefined;
    this.viewer.stage.render();
    this.changed();
  }

  /** A figure by keyboard: from points the reader set with the cross. */
  figureAt(tool: measure.Figure, slice: Slice, points: Vector[]): void {
    const [a, b] = points;
    const all = tool.endsWith('ROI') && a && b ? measure.spanned(tool, a, b, slice.row ?? [1, 0, 0]) : points;
    this.selected = measure.place(tool, slice.imageId, all);
    this.viewer.stage.render();
    setTimeout(() => this.changed(), 200);
  }
}
