// A treatment plan in words (PS3.3 C.8.8.9 to C.8.8.14): nothing of it is drawn, but what was prescribed stands beside the pictures.
import { items, number, text, type Instance } from './dicom.ts';
import { figure, say } from './words.ts';

const T = {
  label: '300A0002', date: '300A0006', approval: '300E0002',
  references: '300A0010', prescribed: '300A0026', groups: '300A0070', fractions: '300A0078',
  groupBeams: '300C0004', beamNumber: '300C0006', meterset: '300A0086',
  beams: '300A00B0', number: '300A00C0', name: '300A00C2', kind: '300A00C4', radiation: '300A00C6', machine: '300A00B2', unit: '300A00B3',
  points: '300A0111', energy: '300A0114', gantry: '300A011E',
} as const;

function row(cells: string[], tag: 'th' | 'td'): HTMLTableRowElement {
  const tr = document.createElement('tr');
  tr.append(...cells.map((t, i) => {
    const cell = document.createElement(tag === 'th' || i === 0 ? 'th' : 'td');
    if (cell.tagName === 'TH') cell.setAttribute('scope', tag === 'th' ? 'col' : 'row');
    cell.textContent = t;
    return cell;
  }));
  return tr;
}

/** Photons in megavolts, particles in the object's own unit (PS3.3 C.8.8.14). */
function energyOf(beam: Instance, point: Instance | undefined): string {
  const energy = point && number(point, T.energy);
  const radiation = text(beam, T.radiation);
  return [radiation, energy ? `${figure(energy, energy % 1 ? 1 : 0)} ${radiation === 'PHOTON' ? 'MV' : 'MeV'}` : ''].filter(Boolean).join(' ');
}

/** What a plan says of itself; none of an object that is no plan. */
export function planOf(plan: Instance): HTMLElement | undefined {
  const label = text(plan, T.label);
  const beams = items(plan, T.beams);
  if (!label && beams.length === 0) return undefined;
  const box = document.createElement('section');
  const head = document.createElement('h3');
  head.textContent = label || say('untitled');
  const doses = items(plan, T.references).flatMap((r) => number(r, T.prescribed) ?? []);
  const groups = items(plan, T.groups);
  const fractions = groups.flatMap((g) => number(g, T.fractions) ?? []);
  const date = text(plan, T.date).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
  const facts = document.createElement('p');
  facts.className = 'small';
  facts.textContent = [
    date,
    text(plan, T.approval) && say(`plan-${text(plan, T.approval).toLowerCase()}`),
    ...doses.map((d) => say('plan-prescribed', { value: figure(d, 1) })),
    ...fractions.map((n) => say('plan-fractions', { n: figure(n) })),
  ].filter(Boolean).join(' · ');
  box.append(head, facts);
  if (beams.length === 0) return box;
  const set = new Map(groups.flatMap((g) => items(g, T.groupBeams)).map((b) => [number(b, T.beamNumber), number(b, T.meterset)]));
  const table = document.createElement('table');
  const [top, body] = [document.createElement('thead'), document.createElement('tbody')];
  top.append(row([say('plan-beam'), say('plan-energy'), say('plan-gantry'), say('plan-meterset')], 'th'));
  body.append(...beams.map((beam) => {
    const [point] = items(beam, T.points);
    const angle = point && number(point, T.gantry);
    const meterset = set.get(number(beam, T.number));
    return row([
      text(beam, T.name) || figure(number(beam, T.number) ?? 0),
      [energyOf(beam, point), text(beam, T.kind) === 'DYNAMIC' ? say('plan-dynamic') : '', text(beam, T.machine)].filter(Boolean).join(', '),
      angle === undefined ? '–' : `${figure(angle, angle % 1 ? 1 : 0)}°`,
      meterset === undefined ? '–' : `${figure(meterset, 1)} ${text(beam, T.unit) || 'MU'}`,
    ], 'td');
  }));
  table.append(top, body);
  box.append(table);
  return box;
}
