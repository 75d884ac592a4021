// What the viewer knows of its study and of those beside it: which series there are, and their images once they were asked for.
import { TAG, number, text, type Instance } from './dicom.ts';
import type { Slice, Stack } from './geometry.ts';
import { loadSeries } from './load.ts';
import { say } from './words.ts';

/** A series as the page lists it; `from` names the study it is of when that is not the page's own. */
export interface Place { web: string; study: string; series: string; from: string; earlier: boolean; modality: string; title: string }

const keyOf = (place: Place) => `${place.web}/${place.series}`;

export class Study {
  private readonly series = new Map<string, Stack[]>();

  constructor(private readonly root: HTMLElement, private readonly tell: (words: string) => void) {}

  private get address(): string {
    return `${this.root.dataset['web']}/studies/${this.root.dataset['study']}`;
  }

  /** The series of the study and of earlier ones, as the page lists them. */
  places(): Place[] {
    return [...this.root.querySelectorAll<HTMLElement>('[data-series]')].map((b) => this.placeOf(b));
  }

  placeOf(button: HTMLElement): Place {
    return {
      web: button.dataset['web'] ?? this.root.dataset['web']!,
      study: button.dataset['study'] ?? this.root.dataset['study']!,
      series: button.dataset['series']!,
      from: button.dataset['from'] ?? '',
      earlier: 'earlier' in button.dataset,
      modality: button.dataset['modality'] ?? '',
      title: button.querySelector('bdi')?.textContent ?? '',
    };
  }

  /** While a study arrives its record does not name its series yet: the archive does. */
  async list(): Promise<void> {
    if (this.places().some((p) => !p.from)) return;
    const at = `${this.address}/series`;
    const list = this.root.querySelector('#vw-series ul');
    for (const series of await asked(at)) {
      const link = document.createElement('a');
      link.className = 'vw-thumb';
      link.setAttribute('role', 'button');
      link.setAttribute('aria-pressed', 'false');
      link.href = `${at}/${text(series, TAG.series)}/thumbnail`;
      link.dataset['series'] = text(series, TAG.series);
      link.dataset['modality'] = text(series, TAG.modality);
      link.textContent = [text(series, TAG.modality), text(series, TAG.seriesDescription) || `${say('series-plain')} ${text(series, TAG.seriesNumber)}`].join(' · ');
      const item = document.createElement('li');
      item.append(link);
      list?.append(item);
    }
  }

  /** The stacks of a series, asked for once. */
  async load(place: Place): Promise<Stack[]> {
    const known = this.series.get(keyOf(place));
    if (known) return known;
    try {
      return await this.renew(place);
    } catch (e) {
      this.tell(say('series-failed', { status: (e as Error).message }));
      throw e;
    }
  }

  /** The stacks of a series as they are now. */
  private async renew(place: Place): Promise<Stack[]> {
    const stacks = await loadSeries(place.web, place.study, place.series);
    this.series.set(keyOf(place), stacks);
    return stacks;
  }

  /** Series of this study of which more has come, with their stacks; those that nobody opened only if `unseen` are wanted. */
  async *grown(unseen: () => boolean): AsyncGenerator<{ place: Place; stacks: Stack[] }> {
    const answer = await asked(`${this.address}/series?includefield=00201209`);
    const counts = new Map(answer.map((s) => [text(s, TAG.series), number(s, '00201209') ?? -1]));
    for (const place of this.places().filter((p) => !p.from)) {
      const before = this.series.get(keyOf(place));
      const here = new Set(before?.flatMap((s) => s.slices.map((x) => x.sop))).size;
      if (before ? counts.get(place.series) === here : !unseen()) continue;
      const stacks = await this.renew(place).catch(() => undefined);
      if (stacks) yield { place, stacks };
    }
  }

  /** Whether an image belongs to the study the page is about. */
  isOwn(slice: Slice): boolean {
    return text(slice.instance, TAG.study) === this.root.dataset['study'];
  }

  /** The stacks of a series of this study, fetched if need be. */
  async stacksOf(series: string): Promise<Stack[]> {
    const place = this.places().find((p) => !p.from && p.series === series);
    return place ? this.load(place).catch(() => []) : [];
  }

  /** Where an image of this study lies. */
  async find(series: string, sop: string, frame: number): Promise<{ stack: Stack; at: number } | undefined> {
    for (const stack of await this.stacksOf(series)) {
      const at = stack.slices.findIndex((s) => s.sop === sop && s.frame === frame);
      if (at >= 0) return { stack, at };
    }
    return undefined;
  }

  private get stacks(): Stack[] {
    return [...this.series.values()].flat();
  }

  /** The stack among those that were opened which holds an image. */
  stackWith(imageId: string): Stack | undefined {
    return this.stacks.find((s) => s.slices.some((x) => x.imageId === imageId));
  }

  /** Where an image lies among what was opened. */
  imageOf(sop: string, frame: number): string | undefined {
    for (const stack of this.stacks) {
      const slice = stack.slices.find((s) => s.sop === sop && s.frame === frame);
      if (slice) return slice.imageId;
    }
    return undefined;
  }

  /** An image in words: its series and number there. */
  name(slice: Slice): string {
    const stack = this.stackWith(slice.imageId);
    const at = stack?.slices.findIndex((s) => s.imageId === slice.imageId) ?? 0;
    return say('at-image', { series: stack?.title || say('untitled'), n: at + 1 });
  }
}

async function asked(address: string): Promise<Instance[]> {
  const answer = await fetch(address, { headers: { accept: 'application/dicom+json' } }).catch(() => undefined);
  return answer?.ok && answer.status !== 204 ? ((await answer.json()) as Instance[]) : [];
}
