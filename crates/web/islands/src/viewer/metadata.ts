// What the server knows of a series' images. The page's first look and the viewer after it share one answer.
import type { Instance } from './dicom.ts';

const running = new Map<string, Promise<Instance[]>>();
/** Answers that wait for the viewer. */
const foreseen = new Map<string, Promise<Instance[]>>();

const addressOf = (web: string, study: string, series: string) => `${web}/studies/${study}/series/${series}/metadata`;

/** The images of a series, as DICOM JSON. Fails with the answer's status. */
export function seriesMetadata(web: string, study: string, series: string): Promise<Instance[]> {
  const address = addressOf(web, study, series);
  const there = foreseen.get(address);
  foreseen.delete(address);
  return there ?? ask(address);
}

/** Asks ahead of the viewer, which gets the same answer once. */
export function foresee(web: string, study: string, series: string): Promise<Instance[]> {
  const address = addressOf(web, study, series);
  const known = running.get(address);
  if (known) return known;
  const answer = ask(address);
  foreseen.set(address, answer);
  answer.catch(() => foreseen.delete(address));
  return answer;
}

function ask(address: string): Promise<Instance[]> {
  const there = running.get(address);
  if (there) return there;
  const answer = (async () => {
    const answer = await fetch(address, { headers: { accept: 'application/dicom+json' } });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()) as Instance[];
  })();
  running.set(address, answer);
  answer.finally(() => running.delete(address)).catch(() => undefined);
  return answer;
}
