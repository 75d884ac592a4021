// Lists beside the picture: each line goes somewhere, and can be removed where it is one's own.
import { say } from './words.ts';

export function line(text: string, selected: boolean, go: () => void, drop?: () => void): HTMLElement {
  const item = document.createElement('li');
  const open = document.createElement('button');
  open.type = 'button';
  open.className = 'link';
  open.textContent = text;
  if (selected) open.setAttribute('aria-current', 'true');
  open.addEventListener('click', go);
  item.append(open);
  if (!drop) return item;
  const remove = document.createElement('button');
  remove.type = 'button';
  remove.className = 'btn quiet icon';
  remove.textContent = '×';
  remove.setAttribute('aria-label', `${say('remove')}: ${text}`);
  remove.addEventListener('click', drop);
  item.append(remove);
  return item;
}

/** Shows the lines where they differ from what is there; an empty list is not shown. */
export function fill(list: HTMLElement, items: HTMLElement[]): void {
  const made = items.map((i) => `${i.textContent}${i.querySelector('[aria-current]') ? '*' : ''}`).join('|');
  if (list.dataset['made'] === made) return;
  list.dataset['made'] = made;
  list.replaceChildren(...items);
  list.hidden = items.length === 0;
}
