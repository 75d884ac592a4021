// Parts to blank are drawn on the picture and written into the field that is sent: the field stays the truth, can be typed in,
// and works without this script. A line is `512x512: left, top, width, height`, in the image's own pixels.
interface Part { left: number; top: number; width: number; height: number }

const line = /^\s*(?:(\d+)\s*[x×]\s*(\d+)\s*[:：])?\s*(\d+)[\s,，]+(\d+)[\s,，]+(\d+)[\s,，]+(\d+)\s*$/;

class Picture {
  private from: { x: number; y: number } | undefined;
  private readonly size: string;
  private readonly sheet: HTMLElement;
  private readonly rubber = document.createElement('i');

  constructor(private readonly figure: HTMLElement, private readonly field: HTMLTextAreaElement, private readonly columns: number, private readonly rows: number) {
    this.size = `${columns}x${rows}`;
    this.sheet = figure.querySelector<HTMLElement>('.rg-sheet')!;
    this.sheet.addEventListener('pointerdown', (e) => this.begin(e));
    this.sheet.addEventListener('pointermove', (e) => this.move(e));
    this.sheet.addEventListener('pointerup', (e) => this.end(e));
    this.sheet.addEventListener('pointercancel', () => this.rest());
    figure.querySelector('[data-undo]')?.addEventListener('click', () => this.undo());
    field.addEventListener('input', () => this.show());
    this.show();
  }

  /** Where the pointer is, in the image's own pixels. */
  private at(e: PointerEvent): { x: number; y: number } {
    const box = this.sheet.getBoundingClientRect();
    const within = (n: number, most: number) => Math.min(most, Math.max(0, n));
    return {
      x: within(((e.clientX - box.left) / box.width) * this.columns, this.columns),
      y: within(((e.clientY - box.top) / box.height) * this.rows, this.rows),
    };
  }

  private part(e: PointerEvent): Part | undefined {
    if (!this.from) return undefined;
    const to = this.at(e);
    const left = Math.floor(Math.min(this.from.x, to.x));
    const top = Math.floor(Math.min(this.from.y, to.y));
    return {
      left, top,
      width: Math.ceil(Math.max(this.from.x, to.x)) - left,
      height: Math.ceil(Math.max(this.from.y, to.y)) - top,
    };
  }

  private begin(e: PointerEvent): void {
    if (e.button !== 0) return;
    e.preventDefault();
    this.sheet.setPointerCapture(e.pointerId);
    this.from = this.at(e);
  }

  private move(e: PointerEvent): void {
    const part = this.part(e);
    if (!part) return;
    this.place(this.rubber, part);
    this.sheet.append(this.rubber);
  }

  private end(e: PointerEvent): void {
    const part = this.part(e);
    this.rest();
    // A click is no part.
    if (!part || part.width < 2 || part.height < 2) return;
    const before = this.field.value.replace(/\s+$/, '');
    const text = `${this.size}: ${part.left}, ${part.top}, ${part.width}, ${part.height}`;
    this.write(before === '' ? text : `${before}\n${text}`);
    const looked = this.field.form?.querySelector<HTMLInputElement>('input[name=pixels][value=looked]');
    if (looked) looked.checked = true;
  }

  private rest(): void {
    this.from = undefined;
    this.rubber.remove();
  }

  private undo(): void {
    const lines = this.field.value.split('\n');
    const last = lines.findLastIndex((l) => this.own(l));
    if (last < 0) return;
    lines.splice(last, 1);
    this.write(lines.join('\n'));
  }

  private write(text: string): void {
    this.field.value = text;
    this.field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Whether a line speaks of images of this size alone. */
  private own(text: string): boolean {
    const m = line.exec(text);
    return m !== null && m[1] === String(this.columns) && m[2] === String(this.rows);
  }

  private show(): void {
    this.sheet.querySelectorAll('b').forEach((b) => b.remove());
    let drawn = 0;
    for (const text of this.field.value.split('\n')) {
      const m = line.exec(text);
      if (!m || (m[1] !== undefined && !this.own(text))) continue;
      const mark = document.createElement('b');
      this.place(mark, { left: Number(m[3]), top: Number(m[4]), width: Number(m[5]), height: Number(m[6]) });
      this.sheet.append(mark);
      if (this.own(text)) drawn += 1;
    }
    const undo = this.figure.querySelector<HTMLButtonElement>('[data-undo]');
    if (undo) undo.disabled = drawn === 0;
  }

  private place(mark: HTMLElement, p: Part): void {
    const share = (n: number, of: number) => `${((n / of) * 100).toFixed(3)}%`;
    mark.style.left = share(p.left, this.columns);
    mark.style.top = share(p.top, this.rows);
    mark.style.width = share(Math.min(p.width, this.columns - p.left), this.columns);
    mark.style.height = share(Math.min(p.height, this.rows - p.top), this.rows);
  }
}

export function regions(): void {
  document.querySelectorAll<HTMLElement>('figure[data-regions]').forEach((figure) => {
    const named = figure.closest('form')?.elements.namedItem(figure.dataset['regions'] ?? '');
    const columns = Number(figure.dataset['columns']);
    const rows = Number(figure.dataset['rows']);
    if (!(named instanceof HTMLTextAreaElement) || !(columns > 0) || !(rows > 0)) return;
    figure.querySelector('.rg-acts')?.removeAttribute('hidden');
    new Picture(figure, named, columns, rows);
  });
}
