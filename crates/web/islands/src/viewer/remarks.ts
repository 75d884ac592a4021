// What a waveform object says of places in its traces (PS3.3 C.10.10, Waveform Annotation): words or a coded finding, with a number
// where it measures something, at points or over spans of some of its channels.
import { items, number, text, texts, type Instance } from './dicom.ts';
import type { Group } from './waveform.ts';
import { figure } from './words.ts';

const T = {
  sequence: '0040B020',
  words: '00700006',
  name: '0040A043',
  value: '0040A168',
  units: '004008EA',
  number: '0040A30A',
  channels: '0040A0B0',
  kind: '0040A130',
  samples: '0040A132',
  offsets: '0040A138',
  meaning: '00080104',
  code: '00080100',
} as const;
/** Units that are said as they are written, by their UCUM codes. */
const WRITTEN: Record<string, string> = { '{H.B.}/min': '/min', '/min': '/min', deg: '°', 1: '' };

export interface Remark {
  words: string;
  /** Multiplex group and its channels, from 0; none: all of them. */
  group: number;
  channels: number[] | undefined;
  /** Seconds from and to; the same for a point; none where it is about the whole. */
  spans: [number, number][];
}

const coded = (item: Instance | undefined) => (item ? text(item, T.meaning) || text(item, T.code) : '');

function wordsOf(item: Instance): string {
  const plain = text(item, T.words);
  const name = coded(items(item, T.name)[0]);
  const value = coded(items(item, T.value)[0]);
  const amount = number(item, T.number);
  const [units] = items(item, T.units);
  const unit = units ? WRITTEN[text(units, T.code)] ?? text(units, T.code) : '';
  const said = amount === undefined ? value : `${figure(amount, Number.isInteger(amount) ? 0 : 1)} ${unit}`.trim();
  return [name, said, plain].filter(Boolean).join(': ').slice(0, 200);
}

/** Where: sample positions count from 1; offsets are seconds from the beginning of the group. */
function spansOf(item: Instance, group: Group): [number, number][] {
  const samples = texts(item, T.samples).map((t) => (Number(t) - 1) / group.frequency);
  const times = (samples.length > 0 ? samples : texts(item, T.offsets).map(Number)).filter(Number.isFinite);
  const end = group.samples / group.frequency;
  switch (text(item, T.kind)) {
    case 'SEGMENT':
    case 'MULTISEGMENT':
      return times.flatMap((from, i): [number, number][] => (i % 2 === 0 ? [[from, Math.max(from, times[i + 1] ?? from)]] : []));
    case 'BEGIN': return times.map((from) => [from, end]);
    case 'END': return times.map((to) => [0, to]);
    default: return times.map((at) => [at, at]);
  }
}

/** All of them, in the order of their places; what is about the whole first. */
export function remarksOf(instance: Instance, groups: Group[]): Remark[] {
  return items(instance, T.sequence).flatMap((item): Remark[] => {
    const words = wordsOf(item);
    if (!words) return [];
    const numbers = texts(item, T.channels).map(Number);
    const pairs = numbers.flatMap((n, i): [number, number][] => (i % 2 === 0 ? [[n - 1, (numbers[i + 1] ?? 0) - 1]] : []));
    const of = pairs.length > 0 ? [...new Set(pairs.map(([g]) => g))] : groups.map((_, i) => i);
    return of.flatMap((group) => {
      const there = groups[group];
      if (!there) return [];
      // Channel 0 stands for all of the group.
      const channels = pairs.filter(([g]) => g === group).map(([, c]) => c);
      return [{ words, group, channels: channels.length === 0 || channels.includes(-1) ? undefined : channels, spans: spansOf(item, there) }];
    });
  }).sort((a, b) => (a.spans[0]?.[0] ?? -1) - (b.spans[0]?.[0] ?? -1));
}
