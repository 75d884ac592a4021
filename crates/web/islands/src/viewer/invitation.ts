// Tells a reader who has a study open that others look at it together, until they join or wave it off.
import { say } from './words.ts';

/** How often it is asked, milliseconds. A page in the background does not ask. */
const ASKED_MS = 10_000;

export class Invitation {
  private readonly line: HTMLElement;
  private readonly words = document.createElement('span');
  private timer = 0;
  /** Who was waved off: told again when others come. */
  private waved = '';
  private now = '';

  constructor(root: HTMLElement, private readonly address: string, private readonly joined: () => boolean, join: () => void) {
    this.line = document.createElement('div');
    this.line.className = 'vw-invite';
    this.line.id = 'vw-invite';
    this.line.hidden = true;
    this.words.setAttribute('role', 'status');
    const button = (text: string, act: () => void) => {
      const b = document.createElement('button');
      b.type = 'button';
      b.className = 'btn';
      b.textContent = say(text);
      b.addEventListener('click', act);
      return b;
    };
    this.line.append(this.words, button('join', join), button('not-now', () => { this.waved = this.now; this.hide(); }));
    root.append(this.line);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) void this.ask(); });
    this.timer = window.setTimeout(() => void this.ask(), 1000);
  }

  hide(): void {
    this.line.hidden = true;
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    if (document.hidden) return;
    if (this.joined()) this.hide();
    else {
      const answer = await fetch(`${this.address}/people`, { headers: { accept: 'application/json' }, priority: 'low' }).catch(() => undefined);
      if (answer?.ok && !this.joined()) this.tell((await answer.json()) as { name: string; hospital: string }[]);
    }
    this.timer = window.setTimeout(() => void this.ask(), ASKED_MS);
  }

  private tell(people: { name: string; hospital: string }[]): void {
    const [first] = people;
    this.now = people.map((p) => `${p.name}/${p.hospital}`).sort().join('|');
    if (!first || this.now === this.waved) return this.hide();
    const words = say(people.length > 1 ? 'invited-more' : 'invited', { name: first.name, hospital: first.hospital, n: people.length - 1 });
    if (this.words.textContent !== words) this.words.textContent = words;
    this.line.hidden = false;
  }
}
