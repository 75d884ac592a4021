// Hanging protocols: how a study of a modality and body part is laid out when it is opened. A reader's own stand above ours.
import type { Layout } from './stage.ts';

export interface Hanging { layout: Layout; preset: string; prior: boolean; tied: boolean }

const OURS: Record<string, Hanging> = {
  CT: { layout: 'one', preset: '', prior: true, tied: true },
  'CT/CHEST': { layout: 'one', preset: 'lung', prior: true, tied: true },
  'CT/HEAD': { layout: 'one', preset: 'brain', prior: true, tied: true },
  'CT/BRAIN': { layout: 'one', preset: 'brain', prior: true, tied: true },
  'CT/ABDOMEN': { layout: 'one', preset: 'soft', prior: true, tied: true },
  MR: { layout: 'four', preset: '', prior: false, tied: true },
  CR: { layout: 'one', preset: '', prior: true, tied: false },
  DX: { layout: 'one', preset: '', prior: true, tied: false },
  MG: { layout: 'four', preset: '', prior: false, tied: false },
  US: { layout: 'one', preset: '', prior: false, tied: false },
};
const PLAIN: Hanging = { layout: 'one', preset: '', prior: false, tied: false };

const layouts: readonly string[] = ['one', 'two', 'four', 'mpr'];

export function keyOf(modality: string, bodyPart: string): string {
  return bodyPart ? `${modality}/${bodyPart}` : modality;
}

/** The narrowest protocol there is: the reader's for modality and part, theirs for the modality, then ours likewise. */
export function hangingFor(own: Record<string, Hanging>, modality: string, bodyPart: string): Hanging {
  const key = keyOf(modality, bodyPart);
  const found = own[key] ?? own[modality] ?? OURS[key] ?? OURS[modality] ?? PLAIN;
  return layouts.includes(found.layout) ? found : PLAIN;
}
