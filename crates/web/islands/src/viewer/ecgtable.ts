// What traces show, in numbers and words.
import type { Remark } from './remarks.ts';
import { range, type Group } from './waveform.ts';
import { figure, say } from './words.ts';

function row(cells: string[], head = false): HTMLTableRowElement {
  const tr = document.createElement('tr');
  tr.append(...cells.map((t, i) => {
    const cell = document.createElement(head || i === 0 ? 'th' : 'td');
    if (cell.tagName === 'TH') cell.setAttribute('scope', head ? 'col' : 'row');
    cell.textContent = t;
    return cell;
  }));
  return tr;
}

/** Every lead with its extremes and what was filtered when it was recorded. */
export function tableOf(group: Group): HTMLElement[] {
  const summary = document.createElement('summary');
  summary.textContent = say('ecg-table');
  const table = document.createElement('table');
  const body = document.createElement('tbody');
  const head = document.createElement('thead');
  head.append(row([say('ecg-lead'), say('ecg-min'), say('ecg-max'), say('ecg-recorded')], true));
  group.channels.forEach((c, i) => {
    const found = range(group, i);
    const value = (n: number | undefined) => (n === undefined ? '–' : `${figure(n, c.unit === 'mV' ? 3 : 1)} ${c.unit}`.trim());
    const filters = [
      c.highPass === undefined ? '' : say('ecg-highpass', { frequency: figure(c.highPass, c.highPass < 1 ? 2 : 0) }),
      c.lowPass === undefined ? '' : say('ecg-lowpass', { frequency: figure(c.lowPass) }),
      c.notch === undefined ? '' : say('ecg-notch', { frequency: figure(c.notch) }),
    ].filter(Boolean).join(', ');
    const tr = row([c.name, value(found?.[0]), value(found?.[1]), filters || say('ecg-unknown')]);
    tr.dataset['lead'] = c.name;
    body.append(tr);
  });
  table.append(head, body);
  return [summary, table];
}

/** What the object says of its traces, each with its leads and times; nothing where it says nothing. */
export function remarksOf(remarks: Remark[], groups: Group[]): HTMLElement[] {
  if (remarks.length === 0) return [];
  const head = document.createElement('h3');
  head.textContent = say('ecg-remarks');
  const list = document.createElement('ul');
  list.className = 'vw-remarks';
  list.append(...remarks.map(({ words, group, channels, spans }) => {
    const item = document.createElement('li');
    const leads = channels?.map((c) => groups[group]?.channels[c]?.name ?? '').filter(Boolean).join(', ') ?? '';
    const when = spans.map(([from, to]) => (to > from ? `${figure(from, 2)}–${figure(to, 2)} s` : `${figure(from, 2)} s`)).join(', ');
    item.textContent = [words, leads, when].filter(Boolean).join(' · ');
    return item;
  }));
  return [head, list];
}

/** What must be known before anything is measured. */
export function notesOf(group: Group): string {
  const { channels } = group;
  const uncalibrated = channels.filter((c) => !c.calibrated).map((c) => c.name);
  const some = uncalibrated.length > 0 && uncalibrated.length < channels.length;
  return [
    say('ecg-filters-off'),
    say('ecg-scale', { frequency: figure(group.frequency), time: figure(group.samples / group.frequency, 1) }),
    uncalibrated.length === channels.length ? say('ecg-uncalibrated') : '',
    some ? say('ecg-uncalibrated-some', { lead: uncalibrated.join(', ') }) : '',
    channels.some((c) => c.skew !== 0) ? say('ecg-skew') : '',
  ].filter(Boolean).join(' ');
}
