// What readers keep in the study itself, as DICOM documents: shown to everybody who may read it, by whom and when; hidden at
// will; one's own corrected by keeping again, which replaces the document and never overwrites it.
import type { Slice } from './geometry.ts';
import { line } from './lists.ts';
import * as measure from './measure.ts';
import { figure, say } from './words.ts';

interface Value { what: string; how?: 'mean' | 'sd' | 'min' | 'max'; value: number; unit: string }
export interface Marked { id: string; tool: measure.Figure | null; name: string; sop: string; frame: number; image: measure.Point[]; numbers: Value[] }
export interface KeyImage { sop: string; frame: number }
export interface Document { uid: string; own: boolean; author: string; organization: string; at: string; measures: Marked[]; keys: KeyImage[] }
export interface Notes { measures: measure.Kept[]; keys: KeyImage[] }

/** What the viewer lends to this part of it. */
export interface Place {
  root: HTMLElement;
  notes(): Notes;
  sliceOf(sop: string, frame: number): Slice | undefined;
  where(slice: Slice): string;
  goTo(imageId: string): void;
  render(): void;
}

/** The UID of a measurement that a UUID names (PS3.5 §B.2). */
export const uidOf = (uuid: string) => `2.25.${BigInt(`0x${uuid.replaceAll('-', '')}`)}`;

export function uuidOf(uid: string): string {
  const number = /^2\.25\.(\d+)$/.exec(uid)?.[1];
  const hex = number ? BigInt(number).toString(16).padStart(32, '0') : '';
  return hex.length === 32 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : crypto.randomUUID();
}

const unit = (ucum: string) => ({ "[hnsf'U]": 'HU', '{pixels}': 'px', mm2: 'mm²', deg: '°', 1: '' })[ucum] ?? ucum;

/** The numbers of a measurement as its document says them. */
function told(m: Marked): string {
  const plain = m.numbers.filter((n) => !n.how).map((n) => {
    const known = ['length', 'angle', 'area', 'value'].includes(n.what);
    return `${known ? '' : `${n.what} `}${figure(n.value, 1)} ${unit(n.unit)}`.replace(' °', '°');
  });
  const of = (how: Value['how']) => m.numbers.find((n) => n.how === how);
  const [mean, sd, min, max] = [of('mean'), of('sd'), of('min'), of('max')];
  if (mean) plain.push(`${say('stat-mean')} ${figure(mean.value, 1)}${sd ? ` ± ${figure(sd.value, 1)}` : ''} ${unit(mean.unit)}`.trim());
  if (min && max) plain.push(`${say('stat-range')} ${figure(min.value)} … ${figure(max.value)} ${unit(max.unit)}`.trim());
  return plain.join(', ');
}

export class Documents {
  private list: Document[] = [];
  private readonly hidden = new Set<string>();
  private known = false;
  busy = false;

  constructor(private readonly place: Place) {}

  private get address(): string | undefined {
    return this.place.root.dataset['marks'];
  }

  private find<T extends HTMLElement>(selector: string): T {
    return this.place.root.querySelector<T>(selector)!;
  }

  /** Asks what stands in the study now. */
  async load(): Promise<void> {
    if (!this.address) return;
    const answer = await fetch(this.address, { headers: { accept: 'application/json' } }).catch(() => undefined);
    if (answer?.ok) this.take((await answer.json()) as Document[]);
  }

  /** What the reader kept in the study and has no draft of: to be gone on with. */
  own(): { measures: Marked[]; keys: KeyImage[] } {
    const own = this.list.filter((d) => d.own);
    return { measures: own.flatMap((d) => d.measures), keys: own.flatMap((d) => d.keys) };
  }

  private take(list: Document[]): void {
    const gone = this.list.filter((d) => !list.some((n) => n.uid === d.uid));
    measure.takeBack(gone.flatMap((d) => d.measures.map((m) => `${d.uid}/${m.id}`)));
    this.list = list;
    this.known = true;
    this.show();
  }

  /** Draws others' figures on the images that are known by now. */
  show(): void {
    for (const d of this.list.filter((doc) => !doc.own)) {
      for (const m of d.measures) {
        const slice = m.tool ? this.place.sliceOf(m.sop, m.frame) : undefined;
        if (m.tool && slice) measure.lend(m.tool, slice.imageId, measure.inBody(m.tool, slice, m.image), `${d.uid}/${m.id}`);
      }
      if (this.hidden.has(d.uid)) this.reveal(d, false);
    }
    this.draw();
  }

  private reveal(d: Document, on: boolean): void {
    measure.reveal(d.measures.map((m) => `${d.uid}/${m.id}`), on);
  }

  /** How much of what is drawn now does not stand in the study as it is. */
  private open(): number {
    const { measures, keys } = this.place.notes();
    const own = this.own();
    const here = (sop: string, frame: number) => {
      const slice = this.place.sliceOf(sop, frame);
      return !slice || slice.imageId.includes(`/studies/${this.place.root.dataset['study']}/`);
    };
    const near = (a: measure.Point[], b: measure.Point[]) =>
      a.length === b.length && a.every((p, i) => Math.abs(p[0] - b[i]![0]) < 0.01 && Math.abs(p[1] - b[i]![1]) < 0.01);
    const mine = measures.filter((m) => here(m.sop, m.frame));
    const changed = mine.filter((m) => {
      const kept = own.measures.find((k) => k.id === uidOf(m.id));
      // An ellipse's axes may have changed places on the way.
      return !kept || kept.image.length !== m.image.length || !m.image.every((p) => kept.image.some((q) => near([p], [q])));
    }).length;
    const dropped = own.measures.filter((k) => !mine.some((m) => uidOf(m.id) === k.id)).length;
    const same = (a: KeyImage) => (b: KeyImage) => a.sop === b.sop && a.frame === b.frame;
    const mineKeys = keys.filter((k) => here(k.sop, k.frame));
    const marked = mineKeys.filter((k) => !own.keys.some(same(k))).length + own.keys.filter((k) => !mineKeys.some(same(k))).length;
    return changed + dropped + marked;
  }

  /** Keeps what is drawn in the study. */
  async keep(): Promise<void> {
    const { root } = this.place;
    if (!this.address || this.busy || this.open() === 0) return;
    this.busy = true;
    this.draw();
    try {
      const answer = await fetch(this.address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf-token': root.dataset['csrf'] ?? '', 'hx-request': 'true' },
        body: JSON.stringify(this.place.notes()),
      });
      if (answer.ok) this.take((await answer.json()) as Document[]);
      this.say(answer.ok ? say('marks-kept') : say(answer.status === 403 ? 'marks-refused' : 'marks-not-kept'));
    } catch {
      this.say(say('marks-not-kept'));
    } finally {
      this.busy = false;
      this.draw();
    }
  }

  private say(text: string): void {
    this.find('#vw-kept').textContent = text;
  }

  draw(): void {
    const section = this.find('#vw-marks');
    if (!section || !this.known) return;
    const open = this.open();
    const button = section.querySelector<HTMLButtonElement>('[data-do="keep-marks"]')!;
    const own = this.list.some((d) => d.own);
    button.disabled = open === 0 || this.busy;
    button.textContent = say(own ? 'marks-correct' : 'marks-keep');
    section.querySelector('p')!.textContent = open > 0 ? say('marks-open', { n: open }) : own ? say('marks-same') : say('marks-none');
    section.hidden = open === 0 && this.list.length === 0;
    const made = JSON.stringify([this.list.map((d) => d.uid), [...this.hidden], this.list.map((d) => d.measures.map((m) => !!this.place.sliceOf(m.sop, m.frame)))]);
    const list = section.querySelector<HTMLElement>('div')!;
    if (list.dataset['made'] === made) return;
    list.dataset['made'] = made;
    list.replaceChildren(...this.list.map((d) => this.document(d)));
  }

  private document(d: Document): HTMLElement {
    const part = document.createElement('section');
    const head = document.createElement('div');
    head.className = 'vw-doc';
    const title = document.createElement('h3');
    const when = new Date(d.at).toLocaleString(document.documentElement.lang, {
      dateStyle: 'medium', timeStyle: 'short', timeZone: this.place.root.dataset['zone'] || undefined,
    });
    const who = d.own ? say('marks-you') : [d.author || say('marks-nobody'), d.organization].filter(Boolean).join(', ');
    title.textContent = `${who} · ${when}`;
    head.append(title);
    if (!d.own && d.measures.some((m) => m.tool)) {
      const on = !this.hidden.has(d.uid);
      const hide = document.createElement('button');
      hide.type = 'button';
      hide.className = 'btn quiet';
      hide.textContent = say(on ? 'marks-hide' : 'marks-show');
      hide.setAttribute('aria-label', `${hide.textContent}: ${title.textContent}`);
      hide.addEventListener('click', () => {
        if (on) this.hidden.add(d.uid);
        else this.hidden.delete(d.uid);
        this.reveal(d, !on);
        this.place.render();
        this.draw();
        part.ownerDocument.querySelector<HTMLElement>(`[data-document="${d.uid}"] button`)?.focus();
      });
      head.append(hide);
    }
    part.dataset['document'] = d.uid;
    const items = [
      ...d.measures.map((m) => {
        const slice = this.place.sliceOf(m.sop, m.frame);
        const kind = m.tool ? say(`figure-${m.tool}`) : m.name;
        return this.item(`${kind}: ${told(m)}`, slice);
      }),
      ...d.keys.map((k) => this.item(say('marks-key'), this.place.sliceOf(k.sop, k.frame))),
    ];
    const list = document.createElement('ul');
    list.append(...items);
    part.append(head, list);
    return part;
  }

  private item(text: string, slice: Slice | undefined): HTMLElement {
    if (slice) return line(`${text} (${this.place.where(slice)})`, false, () => this.place.goTo(slice.imageId));
    const item = document.createElement('li');
    item.textContent = text;
    return item;
  }
}
