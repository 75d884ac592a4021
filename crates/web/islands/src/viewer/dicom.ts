// Reads attributes of DICOM JSON (PS3.18 annex F).

export interface Attribute { vr: string; Value?: unknown[]; BulkDataURI?: string }
export type Instance = Record<string, Attribute | undefined>;

/** Attributes the viewer reads, by their tags. */
export const TAG = {
  imageType: '00080008',
  sopClass: '00080016',
  sop: '00080018',
  modality: '00080060',
  transferSyntax: '00083002',
  bodyPart: '00180015',
  estimatedMagnification: '00181114',
  imagerSpacing: '00181164',
  nominalSpacing: '00182010',
  regions: '00186011',
  study: '0020000D',
  series: '0020000E',
  seriesNumber: '00200011',
  number: '00200013',
  position: '00200032',
  orientation: '00200037',
  frameOfReference: '00200052',
  samples: '00280002',
  photometric: '00280004',
  frames: '00280008',
  rows: '00280010',
  columns: '00280011',
  pixelSpacing: '00280030',
  calibration: '00280A02',
  windowCentre: '00281050',
  windowWidth: '00281051',
  windowNames: '00281055',
  rescaleType: '00281054',
  lossy: '00282110',
  lossyRatio: '00282112',
  seriesDescription: '0008103E',
  sharedGroups: '52009229',
  frameGroups: '52009230',
  planePosition: '00209113',
  planeOrientation: '00209116',
  pixelMeasures: '00289110',
} as const;

export function text(instance: Instance, tag: string): string {
  const value = instance[tag]?.Value?.[0];
  return value === undefined || value === null ? '' : String(value);
}

export function texts(instance: Instance, tag: string): string[] {
  return (instance[tag]?.Value ?? []).map((v) => String(v ?? ''));
}

export function number(instance: Instance, tag: string): number | undefined {
  const value = instance[tag]?.Value?.[0];
  const n = typeof value === 'number' ? value : Number.parseFloat(String(value ?? ''));
  return Number.isFinite(n) ? n : undefined;
}

export function numbers(instance: Instance, tag: string, count: number): number[] | undefined {
  const values = (instance[tag]?.Value ?? []).map((v) => (typeof v === 'number' ? v : Number.parseFloat(String(v))));
  return values.length >= count && values.slice(0, count).every(Number.isFinite) ? values.slice(0, count) : undefined;
}

export function items(instance: Instance, tag: string): Instance[] {
  return (instance[tag]?.Value ?? []).filter((v): v is Instance => typeof v === 'object' && v !== null);
}

/** Frames an enhanced object places one by one (PS3.3 C.7.6.16): the frame's own macro before the shared one. */
export function framed(instance: Instance, frame: number, macro: string): Instance | undefined {
  const own = items(instance, TAG.frameGroups)[frame];
  const shared = items(instance, TAG.sharedGroups)[0];
  return (own && items(own, macro)[0]) ?? (shared && items(shared, macro)[0]);
}

function bytesOf(base64: string): ArrayBuffer {
  const raw = atob(base64);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) out[i] = raw.charCodeAt(i);
  return out.buffer;
}

/** The bytes of a value that stands in the metadata or beside them. */
export async function valueBytes(attribute: Attribute | undefined): Promise<ArrayBuffer> {
  const inline = (attribute as { InlineBinary?: string } | undefined)?.InlineBinary;
  if (inline) return bytesOf(inline);
  if (!attribute?.BulkDataURI) throw new Error('no data');
  const at = new URL(attribute.BulkDataURI, location.href);
  const answer = await fetch(at.pathname + at.search, { headers: { accept: 'application/octet-stream' } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}
