// Looking at one study together: what the one who leads shows goes to those who follow; everybody points and draws. Only places
// and numbers travel; each page draws them on pixels it fetched under its own reader's permit.
import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import type { Slice, Vector } from './geometry.ts';
import { fill, line } from './lists.ts';
import { sliceOf } from './load.ts';
import * as measure from './measure.ts';
import { label, onScreen, paint, paints } from './overlay.ts';
import type { Pane } from './pane.ts';
import { say } from './words.ts';
import type { Viewer } from './viewer.ts';

type Plane = NonNullable<Pane['plane']>;
interface Glance {
  series: string; sop: string; frame: number; window: [number, number] | null; turned: number;
  flipped: [boolean, boolean]; invert: boolean; zoom: number; centre: Vector; plane: Plane | null;
}
interface Pointed { sop: string; frame: number; at: Vector }
interface Drawn { id: string; tool: measure.Figure; sop: string; frame: number; points: Vector[] }
interface Seated { seat: string; name: string; hospital: string; leads: boolean }
type Saying = { look: Glance | null } | { point: Pointed | null } | { draw: Drawn } | { erase: string } | { lead: boolean };

const COLOURS = ['#ffd75e', '#7fd6ff', '#ff9ecb', '#a8f08a', '#ffb27a', '#c9b3ff'];
/** Pause between two requests, milliseconds; on a slow line the answer takes longer than that, and only the newest is sent. */
const PAUSE_MS = 50;
/** Sayings in one request, and figures that are shown to the others: as the server takes them. */
const AT_ONCE = 16;
const FIGURES_MAX = 100;

const round = (n: number, places: number) => Number(n.toFixed(places));
const place = (v: readonly number[]): Vector => [round(v[0]!, 2), round(v[1]!, 2), round(v[2]!, 2)];

export class CoView {
  private line: EventSource | undefined;
  private seat = '';
  private people: Seated[] = [];
  private readonly points = new Map<string, Pointed>();
  private readonly drawn = new Map<string, Map<string, Drawn>>();
  private readonly sent = new Map<string, string>();
  private following = true;
  private led = false;
  private look: Glance | null | undefined;
  private applying = false;
  private latest: { look?: Saying; point?: Saying } = {};
  private rest: Saying[] = [];
  private busy = false;
  private shown = '';
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
    this.line = source;
    const on = <T>(name: string, then: (data: T) => void) =>
      source.addEventListener(name, (e) => then(JSON.parse((e as MessageEvent<string>).data) as T));
    on<string>('seat', (seat) => this.seated(seat));
    on<Seated[]>('people', (people) => this.met(people));
    on<Glance | null>('look', (look) => {
      this.look = look;
      void this.wear();
      this.show();
    });
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
    if ('look' in what) this.latest.look = what;
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
        if (answer?.status === 429) this.rest.unshift(...all.filter((s) => !('look' in s) && !('point' in s)));
        await new Promise((done) => setTimeout(done, answer?.ok ? PAUSE_MS : 1000));
      }
    } finally {
      this.busy = false;
    }
  }

  // --- what one shows to the others ----------------------------------------------------------------------------------

  /** What the chosen picture shows; null for what the others do not share (a study that is not this one's). */
  private glanceOf(pane: Pane): Glance | null | undefined {
    const view = pane.viewport;
    const look = pane.look();
    if (!view || !pane.stack || !look) return undefined;
    // Studies of somebody else's permit and traces are not shared.
    if (pane.from || this.viewer.hasTraces) return null;
    const { slice } = pane;
    if (!slice && !pane.plane) return undefined;
    const centre = pane.plane
      ? view.getCamera().focalPoint!
      : view.canvasToWorld([pane.canvas.clientWidth / 2, pane.canvas.clientHeight / 2]);
    return {
      series: pane.stack.series,
      sop: slice?.sop ?? '',
      frame: slice?.frame ?? 0,
      window: look.width ? [round(look.width, 2), round(look.centre, 2)] : null,
      turned: round(look.rotation, 1),
      flipped: [look.flipHorizontal, look.flipVertical],
      invert: look.invert,
      zoom: round(look.zoom, 4),
      centre: place(centre),
      plane: pane.plane ?? null,
    };
  }

  /** Shows the others what the chosen picture shows, if the reader leads. */
  glance(): void {
    if (!this.leads) return;
    const look = this.glanceOf(this.viewer.stage.pane);
    const made = JSON.stringify(look);
    if (look === undefined || made === this.shown) return;
    this.shown = made;
    this.say({ look });
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
      if (!slice || points.length < 2 || now.size >= FIGURES_MAX || !this.viewer.isOwn(slice)) continue;
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
      let worn: Glance | null | undefined;
      while (this.following && !this.leads && this.look && this.look !== worn) {
        worn = this.look;
        await this.wearOne(worn).catch(() => undefined);
      }
    } finally {
      this.applying = false;
    }
  }

  private async wearOne(look: Glance): Promise<void> {
    const { stage } = this.viewer;
    if (look.plane) {
      const stack = (await this.viewer.stacksOf(look.series)).find((s) => s.volume);
      if (!stack) return;
      if (stage.layout !== 'mpr' || stage.pane.stack !== stack) {
        if (stage.layout === 'mpr') await stage.lay('one');
        await stage.show(stack);
        await stage.lay('mpr');
      }
    } else {
      const found = await this.viewer.findImage(look.series, look.sop, look.frame);
      if (!found) return;
      if (stage.layout === 'mpr') await stage.lay('one');
      const pane = stage.panes.find((p) => p.stack === found.stack) ?? stage.pane;
      if (pane !== stage.pane) stage.choose(pane);
      if (pane.stack !== found.stack) await stage.show(found.stack);
      if (pane.index !== found.at) await pane.go(found.at);
    }
    const pane = look.plane ? stage.panes.find((p) => p.plane === look.plane) : stage.pane;
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
    if (pane === this.viewer.stage.pane) this.glance();
    const { slice } = pane;
    if (!slice || pane.from) return;
    for (const [seat, figures] of this.drawn) {
      for (const drawn of figures.values()) {
        if (drawn.sop === slice.sop && drawn.frame === slice.frame) this.paintFigure(pane, ctx, seat, drawn, slice);
      }
    }
    for (const [seat, point] of this.points) {
      if (seat === this.seat || point.sop !== slice.sop || point.frame !== slice.frame) continue;
      const [x, y] = onScreen(pane, point.at);
      const colour = this.colour(seat);
      for (const [width, style] of [[4, '#000a'], [2, colour]] as const) {
        ctx.lineWidth = width;
        ctx.strokeStyle = style;
        ctx.beginPath();
        ctx.arc(x, y, 8, 0, 2 * Math.PI);
        ctx.moveTo(x - 3, y); ctx.lineTo(x + 3, y);
        ctx.moveTo(x, y - 3); ctx.lineTo(x, y + 3);
        ctx.stroke();
      }
      label(ctx, this.name(seat), x + 12, y - 8, colour);
    }
  }

  private paintFigure(pane: Pane, ctx: CanvasRenderingContext2D, seat: string, drawn: Drawn, slice: Slice): void {
    const p = drawn.points.map((at) => onScreen(pane, at));
    const colour = this.colour(seat);
    const path = () => {
      ctx.beginPath();
      if (drawn.tool === 'EllipticalROI' && p.length >= 4) {
        const half = (a: [number, number], b: [number, number]) => Math.hypot(a[0] - b[0], a[1] - b[1]) / 2;
        const [x, y] = [(p[2]![0] + p[3]![0]) / 2, (p[2]![1] + p[3]![1]) / 2];
        const angle = Math.atan2(p[3]![1] - p[2]![1], p[3]![0] - p[2]![0]);
        ctx.ellipse(x, y, half(p[2]!, p[3]!), half(p[0]!, p[1]!), angle, 0, 2 * Math.PI);
        return;
      }
      const order = drawn.tool === 'RectangleROI' && p.length >= 4 ? [0, 1, 3, 2, 0] : p.map((_, i) => i);
      order.forEach((i, n) => (n === 0 ? ctx.moveTo(...p[i]!) : ctx.lineTo(...p[i]!)));
    };
    for (const [width, style] of [[4, '#000a'], [2, colour]] as const) {
      ctx.lineWidth = width;
      ctx.strokeStyle = style;
      path();
      ctx.stroke();
    }
    const at = p.reduce((a, b) => (b[0] > a[0] ? b : a));
    label(ctx, `${this.name(seat)}: ${this.value(drawn, slice.imageId)}`, at[0] + 8, at[1], colour);
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
      const imageId = this.viewer.imageOf(drawn.sop, drawn.frame);
      const value = imageId ? this.value(drawn, imageId) : '';
      const text = say('drawn-by', { name: this.name(seat), what: `${say(`figure-${drawn.tool}`)} ${value}`.trim() });
      const item = line(text, false, () => { if (imageId) void this.viewer.goTo(imageId); }, () => undefined);
      item.querySelector('.icon')?.remove();
      return item;
    }));
    fill(this.viewer.find('#vw-drawn'), items);
  }
}
