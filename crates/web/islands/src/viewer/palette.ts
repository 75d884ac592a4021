// Tables of colours (PS3.3 C.7.6.3.1.5, C.7.9): bulk data of their own, which the image loader wants among the attributes.
import { TAG, numbers, text, valueBytes, type Instance } from './dicom.ts';

/** Descriptors and data of red, green and blue. */
const TABLES = [['00281101', '00281201'], ['00281102', '00281202'], ['00281103', '00281203']] as const;

/** Puts the colours of an image that has a palette where they are looked for. What cannot be fetched is left as it was. */
export async function fillPalette(instance: Instance): Promise<void> {
  if (text(instance, TAG.photometric) !== 'PALETTE COLOR') return;
  await Promise.all(TABLES.map(async ([descriptor, data]) => {
    const attribute = instance[data];
    const [count] = numbers(instance, descriptor, 3) ?? [];
    if (!attribute || attribute.Value || count === undefined) return;
    const bytes = await valueBytes(attribute).catch(() => undefined);
    if (!bytes) return;
    const entries = count === 0 ? 65_536 : count;
    // Entries of eight bits may stand one in a byte.
    const packed = bytes.byteLength < entries * 2;
    instance[data] = { vr: 'US', Value: [...(packed ? new Uint8Array(bytes) : new Uint16Array(bytes, 0, bytes.byteLength >> 1))].slice(0, entries) };
  }));
}
