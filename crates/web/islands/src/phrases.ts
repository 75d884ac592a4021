// A phrase by its word: `/nodule` and then space, tab or enter becomes the phrase. What is offered is listed while one types;
// arrows choose, escape leaves it. The words stand on the page (`[data-words]`), so nothing is asked of the server.
type Word = [word: string, text: string];

const begun = /(?:^|[\s(,.;:，。；：（])\/([\p{L}\p{N}-]*)$/u;
const SHOWN = 8;

class Offer {
  private readonly list = document.createElement('ul');
  private found: Word[] = [];
  private on = 0;

  constructor(private readonly field: HTMLTextAreaElement, private readonly words: Word[], label: string) {
    this.list.id = `${field.id}-words`;
    this.list.className = 'words';
    this.list.hidden = true;
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', label);
    field.after(this.list);
    field.setAttribute('aria-autocomplete', 'list');
    field.setAttribute('aria-controls', this.list.id);
    field.addEventListener('input', () => this.look());
    field.addEventListener('keydown', (e) => this.key(e));
    field.addEventListener('blur', () => this.leave());
    this.list.addEventListener('pointerdown', (e) => {
      e.preventDefault();
      const at = (e.target as Element).closest<HTMLElement>('[data-at]')?.dataset['at'];
      const chosen = at === undefined ? undefined : this.found[Number(at)];
      if (chosen) this.take(chosen);
    });
  }

  /** What was typed after the slash, up to the caret. */
  private typed(): string | undefined {
    const to = this.field.selectionStart;
    if (to !== this.field.selectionEnd) return undefined;
    return begun.exec(this.field.value.slice(Math.max(0, to - 60), to))?.[1]?.toLowerCase();
  }

  private look(): void {
    const typed = this.typed();
    this.found = typed === undefined ? [] : this.words.filter(([word]) => word.startsWith(typed)).slice(0, SHOWN);
    this.on = 0;
    this.show();
  }

  private show(): void {
    this.list.hidden = this.found.length === 0;
    this.list.replaceChildren(...this.found.map(([word, text], n) => {
      const item = document.createElement('li');
      item.id = `${this.list.id}-${n}`;
      item.setAttribute('role', 'option');
      item.setAttribute('aria-selected', String(n === this.on));
      item.dataset['at'] = String(n);
      const code = document.createElement('code');
      code.textContent = `/${word}`;
      const says = document.createElement('span');
      says.textContent = text;
      item.append(code, ' ', says);
      return item;
    }));
    if (this.list.hidden) this.field.removeAttribute('aria-activedescendant');
    else this.field.setAttribute('aria-activedescendant', `${this.list.id}-${this.on}`);
  }

  private leave(): void {
    this.found = [];
    this.show();
  }

  private key(e: KeyboardEvent): void {
    if (e.isComposing) return;
    const typed = this.typed();
    if (typed === undefined) return;
    const exact = this.words.find(([word]) => word === typed);
    if (e.key === ' ' && exact) {
      e.preventDefault();
      this.take(exact, ' ');
    } else if ((e.key === 'Tab' || e.key === 'Enter') && !e.shiftKey && this.found.length > 0) {
      e.preventDefault();
      this.take(exact ?? this.found[this.on]!);
    } else if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && this.found.length > 1) {
      e.preventDefault();
      const step = e.key === 'ArrowDown' ? 1 : this.found.length - 1;
      this.on = (this.on + step) % this.found.length;
      this.show();
    } else if (e.key === 'Escape' && this.found.length > 0) {
      e.preventDefault();
      e.stopPropagation();
      this.leave();
    }
  }

  private take([, text]: Word, after = ''): void {
    const to = this.field.selectionStart;
    const from = to - (this.typed()?.length ?? 0) - 1;
    this.field.focus();
    this.field.setSelectionRange(from, to);
    // Unlike setting the value, this can be undone with the keyboard.
    if (!document.execCommand('insertText', false, text + after)) {
      this.field.setRangeText(text + after, from, to, 'end');
      this.field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    this.leave();
  }
}

export function phraseWords(): void {
  document.querySelectorAll<HTMLElement>('[data-words-of]').forEach((source) => {
    const form = source.closest('form');
    const words = JSON.parse(source.dataset['wordsOf'] ?? '[]') as Word[];
    if (!form || words.length === 0) return;
    form.querySelectorAll('textarea').forEach((field) => new Offer(field, words, source.dataset['label'] ?? ''));
  });
}
