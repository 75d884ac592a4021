// Phantom studies as DICOM files (PS3.10, explicit VR little endian), drawn here: a body of known size with a ball of known
// diameter in it, so that what is measured on the screen can be checked against geometry.

const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

function element(tag, vr, value) {
  let bytes;
  if (Buffer.isBuffer(value)) bytes = value;
  else if (vr === 'US') {
    bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
  } else bytes = Buffer.from(String(value), 'utf8');
  if (bytes.length % 2) bytes = Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

function file(sopClass, uid, elements) {
  const meta = [
    element('00020001', 'OB', Buffer.from([0, 1])),
    element('00020002', 'UI', sopClass),
    element('00020003', 'UI', uid),
    element('00020010', 'UI', '1.2.840.10008.1.2.1'),
    element('00020012', 'UI', '1.2.826.0.1.3680043.10.999.0'),
  ];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.reduce((n, e) => n + e.length, 0));
  const group = Buffer.concat([Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0]), length]);
  const body = [...elements].sort(([a], [b]) => (a < b ? -1 : 1)).map((e) => element(...e));
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), group, ...meta, ...body]);
}

/** Side of a pixel and distance of slices, millimetres. */
export const PIXEL_MM = 0.8;
export const SLICE_MM = 2.5;
/** Diameter of the ball in the middle of the stack, millimetres. */
export const BALL_MM = 64;

/**
 * A CT of `count` slices of 128 × 128, numbered against their place in the body, with a ball of 100 HU in 40 HU of body.
 * `patient`: `{ id, issuer, name }`.
 */
export function ct({ study, patient, date = '20261101', count = 24, description = 'Chest phantom' }) {
  const size = 128;
  return Array.from({ length: count }, (_, i) => {
    const z = (i - (count - 1) / 2) * SLICE_MM;
    const pixels = Buffer.alloc(size * size * 2);
    for (let y = 0; y < size; y += 1) {
      for (let x = 0; x < size; x += 1) {
        const mm = [(x - size / 2) * PIXEL_MM, (y - size / 2) * PIXEL_MM];
        const body = (mm[0] / 48) ** 2 + (mm[1] / 40) ** 2 < 1;
        const ball = mm[0] ** 2 + mm[1] ** 2 + z ** 2 < (BALL_MM / 2) ** 2;
        pixels.writeInt16LE(ball ? 100 : body ? 40 : -1000, (y * size + x) * 2);
      }
    }
    const uid = `${study}.1.${i + 1}`;
    return file('1.2.840.10008.5.1.4.1.1.2', uid, [
      ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.2'],
      ['00080018', 'UI', uid],
      ['00080020', 'DA', date],
      ['00080030', 'TM', '081500'],
      ['00080050', 'SH', `A${study.split('.').at(-1)}`],
      ['00080060', 'CS', 'CT'],
      ['00081030', 'LO', description],
      ['0008103E', 'LO', 'Axial'],
      ['00100010', 'PN', patient.name],
      ['00100020', 'LO', patient.id],
      ...(patient.issuer ? [['00100021', 'LO', patient.issuer]] : []),
      ['00180015', 'CS', 'CHEST'],
      ['00180050', 'DS', SLICE_MM],
      ['0020000D', 'UI', study],
      ['0020000E', 'UI', `${study}.1`],
      ['00200011', 'IS', 1],
      ['00200013', 'IS', count - i],
      ['00200032', 'DS', `${(-size / 2) * PIXEL_MM}\\${(-size / 2) * PIXEL_MM}\\${z}`],
      ['00200037', 'DS', '1\\0\\0\\0\\1\\0'],
      ['00200052', 'UI', `${study}.9`],
      ['00280002', 'US', 1],
      ['00280004', 'CS', 'MONOCHROME2'],
      ['00280010', 'US', size],
      ['00280011', 'US', size],
      ['00280030', 'DS', `${PIXEL_MM}\\${PIXEL_MM}`],
      ['00280100', 'US', 16],
      ['00280101', 'US', 16],
      ['00280102', 'US', 15],
      ['00280103', 'US', 1],
      ['00281050', 'DS', 40],
      ['00281051', 'DS', 400],
      ['00281052', 'DS', 0],
      ['00281053', 'DS', 1],
      ['00281054', 'LO', 'HU'],
      ['7FE00010', 'OW', pixels],
    ]);
  });
}

/** A body of STOW-RS (PS3.18 §10.5) and its media type. */
export function stow(files) {
  const boundary = 'karez-phantom';
  const parts = files.flatMap((f) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    f,
    Buffer.from('\r\n'),
  ]);
  return {
    type: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
