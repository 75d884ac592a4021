// What a waveform object says (PS3.3 C.10.9): multiplex groups, channels, and the value of every sample in its unit. Nothing
// here touches the screen.
import { items, number, text, valueBytes, type Instance } from './dicom.ts';

const T = {
  sequence: '54000100',
  originality: '003A0004',
  channels: '003A0005',
  samples: '003A0010',
  frequency: '003A001A',
  groupLabel: '003A0020',
  definitions: '003A0200',
  label: '003A0203',
  source: '003A0208',
  sensitivity: '003A0210',
  sensitivityUnits: '003A0211',
  correction: '003A0212',
  baseline: '003A0213',
  timeSkew: '003A0214',
  sampleSkew: '003A0215',
  filterLow: '003A0220',
  filterHigh: '003A0221',
  notch: '003A0222',
  offset: '00181068',
  bits: '54001004',
  interpretation: '54001006',
  padding: '5400100A',
  data: '54001010',
  codeValue: '00080100',
  codeMeaning: '00080104',
} as const;

/** One lead. */
export interface Channel {
  name: string;
  /** `mV` for every voltage; the object's own unit else, and none where nothing calibrates it. */
  unit: string;
  calibrated: boolean;
  /** Seconds that its samples lie after those of the group. */
  skew: number;
  /** Hertz, as the object says it was recorded; none: it does not say. */
  highPass: number | undefined;
  lowPass: number | undefined;
  notch: number | undefined;
}

/** Channels sampled together. */
export interface Group {
  label: string;
  original: boolean;
  frequency: number;
  samples: number;
  /** Seconds after the beginning of the acquisition. */
  offset: number;
  channels: Channel[];
  /** The value of a sample in the channel's unit; NaN where nothing was recorded. */
  at(channel: number, sample: number): number;
}

/** Factors that bring volts of any size to millivolts (UCUM). */
const MILLIVOLTS: Record<string, number> = { V: 1000, mV: 1, uV: 0.001, 'µV': 0.001, nV: 1e-6 };

export const isWaveform = (instance: Instance) => items(instance, T.sequence).length > 0;

function nameOf(definition: Instance, n: number): string {
  const [source] = items(definition, T.source);
  const meaning = source ? text(source, T.codeMeaning) : '';
  const given = text(definition, T.label) || meaning;
  // `Lead II`, `Lead aVR (Goldberger)`: as readers call them.
  const lead = /^(?:lead\s+)?(aV[RLF]|V\dR?|V\d|III|II|I|MCL\d)\b/i.exec(given) ?? /^(?:lead\s+)?(aV[RLF]|V\dR?|V\d|III|II|I|MCL\d)\b/i.exec(meaning);
  if (!lead) return given || String(n + 1);
  const short = lead[1]!;
  return /^av/i.test(short) ? `aV${short[2]!.toUpperCase()}` : short.toUpperCase();
}

/** What a μ-law byte stands for (ITU-T G.711, table 2a): a uniform value of 14 bits. */
export function muLaw(byte: number): number {
  const code = ~byte & 0xff;
  const size = (((code & 15) * 2 + 33) << ((code >> 4) & 7)) - 33;
  return code & 0x80 ? -size : size;
}

/** What an A-law byte stands for (ITU-T G.711, table 1a): a uniform value of 13 bits. */
export function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const size = segment === 0 ? (code & 15) * 2 + 1 : ((code & 15) * 2 + 33) << (segment - 1);
  return code & 0x80 ? size : -size;
}

/** Reads a sample of the raw bytes (PS3.3 C.10.9.1.5); none for what this viewer does not know. */
function reader(bytes: ArrayBuffer, bits: number, interpretation: string): ((index: number) => number) | undefined {
  const view = new DataView(bytes);
  const kind = `${interpretation}${bits}`;
  switch (kind) {
    case 'SB8': return (i) => view.getInt8(i);
    case 'UB8': return (i) => view.getUint8(i);
    case 'MB8': return (i) => muLaw(view.getUint8(i));
    case 'AB8': return (i) => aLaw(view.getUint8(i));
    case 'SS16': return (i) => view.getInt16(i * 2, true);
    case 'US16': return (i) => view.getUint16(i * 2, true);
    case 'SL32': return (i) => view.getInt32(i * 4, true);
    case 'UL32': return (i) => view.getUint32(i * 4, true);
    case 'SV64': return (i) => Number(view.getBigInt64(i * 8, true));
    case 'UV64': return (i) => Number(view.getBigUint64(i * 8, true));
    default: return undefined;
  }
}

async function groupOf(item: Instance): Promise<Group | undefined> {
  const count = number(item, T.channels) ?? 0;
  const frequency = number(item, T.frequency) ?? 0;
  const bits = number(item, T.bits) ?? 16;
  const bytes = await valueBytes(item[T.data]);
  const raw = reader(bytes, bits, text(item, T.interpretation));
  if (!raw || count < 1 || frequency <= 0) return undefined;
  // What was sent counts, not what was announced.
  const samples = Math.min(number(item, T.samples) ?? Infinity, Math.floor(bytes.byteLength / (bits / 8) / count));
  const padding = item[T.padding];
  const padded = padding ? reader(await valueBytes(padding), bits, text(item, T.interpretation))?.(0) : undefined;
  const factors: number[] = [];
  const offsets: number[] = [];
  const definitions = items(item, T.definitions);
  const channels = Array.from({ length: count }, (_, n): Channel => {
    const definition = definitions[n] ?? {};
    const sensitivity = number(definition, T.sensitivity);
    const [units] = items(definition, T.sensitivityUnits);
    const given = units ? text(units, T.codeValue) : '';
    const volts = MILLIVOLTS[given];
    const calibrated = sensitivity !== undefined && given !== '';
    // PS3.3 C.10.9.1.4.3: sample × sensitivity × correction, and the baseline, in the units of the sensitivity.
    factors.push(calibrated ? sensitivity * (number(definition, T.correction) ?? 1) * (volts ?? 1) : 1);
    offsets.push(calibrated ? (number(definition, T.baseline) ?? 0) * (volts ?? 1) : 0);
    return {
      name: nameOf(definition, n),
      unit: calibrated ? (volts === undefined ? given : 'mV') : '',
      calibrated,
      skew: number(definition, T.timeSkew) ?? (number(definition, T.sampleSkew) ?? 0) / frequency,
      highPass: number(definition, T.filterLow),
      lowPass: number(definition, T.filterHigh),
      notch: number(definition, T.notch),
    };
  });
  return {
    label: text(item, T.groupLabel),
    original: text(item, T.originality) !== 'DERIVED',
    frequency,
    samples,
    offset: (number(item, T.offset) ?? 0) / 1000,
    channels,
    at(channel, sample) {
      if (sample < 0 || sample >= samples) return Number.NaN;
      const value = raw(sample * count + channel);
      return value === padded ? Number.NaN : value * factors[channel]! + offsets[channel]!;
    },
  };
}

/** The multiplex groups of an object, in its order. Fails where data cannot be fetched. */
export async function groupsOf(instance: Instance): Promise<Group[]> {
  const groups = await Promise.all(items(instance, T.sequence).map(groupOf));
  return groups.filter((g): g is Group => g !== undefined && g.samples > 0);
}

const ranges = new WeakMap<Channel, [number, number] | undefined>();

/** The least and the greatest value of a channel; none where nothing was recorded. Worked out once. */
export function range(group: Group, channel: number): [number, number] | undefined {
  const of = group.channels[channel]!;
  if (!ranges.has(of)) ranges.set(of, extremes(group, channel));
  return ranges.get(of);
}

function extremes(group: Group, channel: number): [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < group.samples; i += 1) {
    const v = group.at(channel, i);
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : undefined;
}
