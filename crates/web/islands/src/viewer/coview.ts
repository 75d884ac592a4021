// Looking at one study together: what the one who leads shows goes to those who follow; everybody points and draws. Only places
// and numbers travel; each page draws them on pixels it fetched under its own reader's permit.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import type { TracesLook } from './ecg.ts';
import { glanceOf, place, wear, type Glance } from './glance.ts';
import { Invitation } from './invitation.ts';
import { fill, line } from './lists.ts';
import { sliceOf } from './load.ts';
import * as measure from './measure.ts';
import { paint, paints } from './overlay.ts';
import { paintFigure, paintPoint, type Drawn, type Pointed } from './others.ts';
import type { Pane } from './pane.ts';
import { say } from './words.ts';
import type { Viewer } from './viewer.ts';

interface Seated { seat: string; name: string; hospital: string; leads: boolean }
/** What the one who leads shows: pictures, traces, or something that is not shared. */
type Shown = { picture: Glance } | { traces: TracesLook } | null;
type Saying = { look: Glance | null } | { traces: TracesLook } | { point: Pointed | null } | { draw: Drawn } | { erase: string } | { lead: boolean };

const COLOURS = ['#ffd75e', '#7fd6ff', '#ff9ecb', '#a8f08a', '#ffb27a', '#c9b3ff'];
/** Pause between two requests, milliseconds; on a slow line the answer takes longer than that, and only the newest is sent. */
const PAUSE_MS = 50;
/** Sayings in one request, and figures that are shown to the others: as the server takes them. */
const AT_ONCE = 16;
const FIGURES_MAX = 100;

export class CoView {
  private line: EventSource | undefined;
  private seat = '';
  private people: Seated[] = [];
  private readonly points = new Map<string, Pointed>();
  private readonly drawn = new Map<string, Map<string, Drawn>>();
  private readonly sent = new Map<string, string>();
  private following = true;
  private led = false;
  private look: Shown | undefined;
  private applying = false;
  private latest: { look?: Saying; point?: Saying } = {};
  private rest: Saying[] = [];
  private busy = false;
  private shown = '';
  private readonly invitation: Invitation | undefined;
  private readonly address: string;
  private readonly panel: HTMLElement | undefined;

  constructor(private readonly viewer: Viewer) {
    this.panel = viewer.root.querySelector<HTMLElement>('#vw-together') ?? undefined;
    this.address = this.panel?.dataset['address'] ?? '';
    if (!this.panel) return;
    paints((pane, ctx) => this.paint(pane, ctx));
    const { Events } = tools.Enums;
    for (const name of [Events.ANNOTATION_COMPLETED, Events.ANNOTATION_MODIFIED, Events.ANNOTATION_REMOVED, Events.ANNOTATION_RENDERED]) {
      core.eventTarget.addEventListener(name, () => setTimeout(() => this.figures()));
    }
    const stage = viewer.find('#vw-stage');
    stage.addEventListener('pointermove', (e) => this.pointed(e.target as HTMLElement, e.clientX, e.clientY), { capture: true });
    stage.addEventListener('pointerleave', () => this.points.has(this.seat) && this.pointAt(null));
    // The cross of the keyboard points too.
    stage.addEventListener('vw-cross', (e) => {
      const { x, y } = (e as CustomEvent<{ x: number; y: number }>).detail;
      this.pointed(e.target as HTMLElement, x, y);
    });
    window.addEventListener('pagehide', () => this.line?.close());
    this.invitation = new Invitation(stage, this.address, () => this.line !== undefined, () => this.act('join'));
  }

  private get joined(): boolean {
    return this.seat !== '';
  }

  private get leader(): Seated | undefined {
    return this.people.find((p) => p.leads);
  }

  private get leads(): boolean {
    return this.joined && this.leader?.seat === this.seat;
  }

  act(name: string): void {
    if (!this.panel) return;
    if (name === 'join') this.line ? this.leave('') : this.join();
    if (!this.joined) return;
    if (name === 'lead') this.say({ lead: !this.leads });
    if (name === 'follow' && !this.leads) {
      this.following = !this.following;
      if (this.following) void this.wear();
      this.show();
    }
  }

  // --- the line ----------------------------------------------------------------------------------------------------

  private join(): void {
    const source = new EventSource(this.address);
    this.invitation?.hide();
    this.line = source;
    const on = <T>(name: string, then: (data: T) => void) =>
      source.addEventListener(name, (e) => then(JSON.parse((e as MessageEvent<string>).data) as T));
    on<string>('seat', (seat) => this.seated(seat));
    on<Seated[]>('people', (people) => this.met(people));
    const looks = (shown: Shown) => {
      this.look = shown;
      void this.wear();
      this.show();
    };
    on<Glance | null>('look', (picture) => looks(picture && { picture }));
    on<TracesLook>('traces', (traces) => looks({ traces }));
    on<{ seat: string; point: Pointed | null }>('point', ({ seat, point }) => {
      if (point) this.points.set(seat, point);
      else this.points.delete(seat);
      this.repaint();
    });
    on<{ seat: string; drawn: Drawn }>('draw', ({ seat, drawn }) => {
      if (seat === this.seat) return;
      const own = this.drawn.get(seat) ?? new Map<string, Drawn>();
      this.drawn.set(seat, own.set(drawn.id, drawn));
      this.repaint();
      this.show();
    });
    on<{ seat: string; id: string }>('erase', ({ seat, id }) => {
      this.drawn.get(seat)?.delete(id);
      this.repaint();
      this.show();
    });
    // The permit or the session has ended: the page says why, as every page does.
    on<string>('out', () => {
      source.close();
      document.body.replaceChildren();
      location.reload();
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.leave(say('join-failed'));
      else {
        // The browser tries again by itself and gets another seat.
        this.led = this.leads;
        this.forget();
        this.show(say('together-lost'));
      }
    };
  }

  private forget(): void {
    this.seat = '';
    this.people = [];
    this.points.clear();
    this.drawn.clear();
    this.sent.clear();
    this.look = undefined;
    this.latest = {};
    this.rest = [];
    this.shown = '';
    this.repaint();
  }

  private leave(words: string): void {
    this.line?.close();
    this.line = undefined;
    this.led = false;
    this.following = true;
    this.forget();
    this.show(words);
  }

  private seated(seat: string): void {
    this.forget();
    this.seat = seat;
    this.figures();
    this.show();
  }

  private met(people: Seated[]): void {
    const before = this.leader?.seat;
    this.people = people;
    // Whoever comes first leads, and takes the lead up again after the line was cut.
    if (this.joined && !this.leader && (people.length === 1 || this.led) && before === undefined) this.say({ lead: true });
    this.led = false;
    if (this.leads && before !== this.seat) {
      this.shown = '';
      this.glance();
    }
    if (before !== this.leader?.seat) this.look = undefined;
    this.show();
  }

  private say(what: Saying): void {
    if (!this.joined) return;
    if ('look' in what || 'traces' in what) this.latest.look = what;
    else if ('point' in what) this.latest.point = what;
    else this.rest.push(what);
    void this.send();
  }

  /** One request at a time: of looks and points the newest, of everything else all. */
  private async send(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (;;) {
        const { look, point } = this.latest;
        const all = [...this.rest.splice(0, AT_ONCE), ...[look, point].filter((s) => s !== undefined)];
        this.latest = {};
        if (all.length === 0 || !this.joined) return;
        const answer = await fetch(this.address, {
          method: 'POST',
          // Images that are fetched ahead wait for it.
          priority: 'high',
          headers: { 'content-type': 'application/json', 'x-csrf-token': this.viewer.root.dataset['csrf'] ?? '', 'hx-request': 'true' },
          body: JSON.stringify({ seat: this.seat, say: all }),
        }).catch(() => undefined);
        if (answer?.status === 429) this.rest.unshift(...all.filter((s) => !('look' in s) && !('traces' in s) && !('point' in s)));
        await new Promise((done) => setTimeout(done, answer?.ok ? PAUSE_MS : 1000));
      }
    } finally {
      this.busy = false;
    }
  }

  // --- what one shows to the others ----------------------------------------------------------------------------------

  /** Shows the others what the chosen picture shows, if the reader leads. */
  glance(): void {
    if (!this.leads) return;
    const traces = this.viewer.traces?.look();
    const look = traces || this.viewer.traces ? undefined : glanceOf(this.viewer);
    if (!traces && look === undefined) return;
    const saying: Saying = traces ? { traces } : { look: look! };
    const made = JSON.stringify(saying);
    if (made === this.shown) return;
    this.shown = made;
    this.say(saying);
  }

  private pointed(target: HTMLElement, x: number, y: number): void {
    if (!this.joined) return;
    const pane = this.viewer.stage.panes.find((p) => p.element.contains(target));
    const slice = pane?.slice;
    if (!pane?.viewport || !slice || pane.from) return;
    const box = pane.canvas.getBoundingClientRect();
    const at = pane.viewport.canvasToWorld([x - box.left, y - box.top]);
    this.pointAt({ sop: slice.sop, frame: slice.frame, at: place(at) });
  }

  private pointAt(point: Pointed | null): void {
    if (point) this.points.set(this.seat, point);
    else this.points.delete(this.seat);
    this.say({ point });
  }

  /** The reader's own figures on this study, as far as the others do not know them yet. */
  private figures(): void {
    if (!this.joined) return;
    const now = new Map<string, string>();
    for (const a of measure.all()) {
      const slice = sliceOf(a.metadata.referencedImageId ?? '');
      const points = a.data.handles.points.map(place);
      if (!slice || points.length < 2 || now.size >= FIGURES_MAX || !this.viewer.study.isOwn(slice)) continue;
      const drawn: Drawn = { id: a.annotationUID, tool: a.metadata.toolName as measure.Figure, sop: slice.sop, frame: slice.frame, points };
      const made = JSON.stringify(drawn);
      now.set(drawn.id, made);
      if (this.sent.get(drawn.id) === made) continue;
      this.sent.set(drawn.id, made);
      // Of a figure that is being drawn the newest state is enough.
      this.rest = this.rest.filter((s) => !('draw' in s) || s.draw.id !== drawn.id);
      this.say({ draw: drawn });
    }
    for (const id of [...this.sent.keys()]) {
      if (now.has(id)) continue;
      this.sent.delete(id);
      this.say({ erase: id });
    }
  }

  // --- what the others show --------------------------------------------------------------------------------------------

  /** Brings the chosen picture to what the one who leads shows; of what came meanwhile, the newest. */
  private async wear(): Promise<void> {
    if (this.applying) return;
    this.applying = true;
    try {
      let worn: Shown | undefined;
      while (this.following && !this.leads && this.look && this.look !== worn) {
        worn = this.look;
        await ('traces' in worn ? this.viewer.follow(worn.traces) : wear(this.viewer, worn.picture)).catch(() => undefined);
      }
    } finally {
      this.applying = false;
    }
  }

  private colour(seat: string): string {
    const at = this.people.findIndex((p) => p.seat === seat);
    return COLOURS[Math.max(0, at) % COLOURS.length]!;
  }

  private name(seat: string): string {
    return this.people.find((p) => p.seat === seat)?.name ?? '';
  }

  private repaint(): void {
    for (const pane of this.viewer.stage.panes) paint(pane);
  }

  private paint(pane: Pane, ctx: CanvasRenderingContext2D): void {
    if (!this.joined) return;
    if (pane === this.viewer.stage.pane || pane.from) this.glance();
    const { slice } = pane;
    if (!slice || pane.from) return;
    for (const [seat, figures] of this.drawn) {
      for (const drawn of figures.values()) {
        if (drawn.sop !== slice.sop || drawn.frame !== slice.frame) continue;
        paintFigure(pane, ctx, drawn, this.colour(seat), `${this.name(seat)}: ${this.value(drawn, slice.imageId)}`);
      }
    }
    for (const [seat, point] of this.points) {
      if (seat === this.seat || point.sop !== slice.sop || point.frame !== slice.frame) continue;
      paintPoint(pane, ctx, point, this.colour(seat), this.name(seat));
    }
  }

  private value(drawn: Drawn, imageId: string): string {
    const figure = { metadata: { toolName: drawn.tool, referencedImageId: imageId }, data: { handles: { points: drawn.points } } };
    return measure.read({ annotationUID: drawn.id, ...figure }).lines.join(', ');
  }

  // --- what the page says ----------------------------------------------------------------------------------------------

  private show(words?: string): void {
    const { panel, viewer } = this;
    if (!panel) return;
    panel.toggleAttribute('data-joined', this.joined);
    panel.dataset['leads'] = this.leader ? (this.leads ? 'me' : 'other') : '';
    const button = (name: string, text: string, hidden = false) => {
      const b = panel.querySelector<HTMLButtonElement>(`[data-do=${name}]`)!;
      b.textContent = say(text);
      b.hidden = hidden;
    };
    button('join', this.line ? 'leave' : 'join');
    button('lead', this.leads ? 'lay-lead' : 'take-lead', !this.joined);
    button('follow', this.following ? 'unfollow' : 'follow', !this.joined || this.leads);
    viewer.find('#vw-together-lead').hidden = this.joined;
    const list = viewer.find('#vw-people');
    list.hidden = this.people.length === 0;
    list.replaceChildren(...this.people.map((p) => {
      const item = document.createElement('li');
      const who = document.createElement('span');
      who.textContent = say('person', { name: p.name, hospital: p.hospital });
      who.style.setProperty('border-inline-start-color', this.colour(p.seat));
      const tags = [p.leads ? say('leads') : '', p.seat === this.seat ? say('you') : ''].filter(Boolean);
      const tag = document.createElement('b');
      tag.textContent = tags.join(', ');
      item.append(who, tag);
      return item;
    }));
    const says = viewer.find('#vw-together-says');
    const text = words ?? this.state();
    if (says.textContent !== text) says.textContent = text;
    this.listDrawn();
  }

  private state(): string {
    if (!this.joined) return '';
    const { leader } = this;
    if (this.leads) return say('you-lead');
    if (!leader) return say('nobody-leads');
    if (!this.following) return say('not-following', { name: leader.name });
    return say(this.look === null ? 'looks-elsewhere' : 'following', { name: leader.name });
  }

  private listDrawn(): void {
    const items = [...this.drawn].flatMap(([seat, figures]) => [...figures.values()].map((drawn) => {
      const imageId = this.viewer.study.imageOf(drawn.sop, drawn.frame);
      const value = imageId ? this.value(drawn, imageId) : '';
      const text = say('drawn-by', { name: this.name(seat), what: `${say(`figure-${drawn.tool}`)} ${value}`.trim() });
      const item = line(text, false, () => { if (imageId) void this.viewer.goTo(imageId); }, () => undefined);
      item.querySelector('.icon')?.remove();
      return item;
    }));
    fill(this.viewer.find('#vw-drawn'), items);
  }
}
