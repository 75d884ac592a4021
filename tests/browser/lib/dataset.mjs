// DICOM objects written here (PS3.10, explicit VR little endian), and their way into the archive of a node that runs.

import assert from 'node:assert/strict';

const EXPLICIT = '1.2.840.10008.1.2.1';
const LONG = new Set(['OB', 'OW', 'OF', 'OD', 'OL', 'SQ', 'UN', 'UT', 'UC', 'UR']);
const NUMBERS = {
  US: (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b; },
  SS: (n) => { const b = Buffer.alloc(2); b.writeInt16LE(n); return b; },
  UL: (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; },
  FL: (n) => { const b = Buffer.alloc(4); b.writeFloatLE(n); return b; },
  FD: (n) => { const b = Buffer.alloc(8); b.writeDoubleLE(n); return b; },
  AT: (t) => { const b = Buffer.alloc(4); b.writeUInt16LE(Number.parseInt(t.slice(0, 4), 16)); b.writeUInt16LE(Number.parseInt(t.slice(4), 16), 2); return b; },
};

function content(vr, values) {
  if (vr === 'SQ') return Buffer.concat(values.map((item) => {
    const body = dataset(item);
    const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body]);
  }));
  if (Buffer.isBuffer(values[0])) return values[0].length % 2 ? Buffer.concat([values[0], Buffer.alloc(1)]) : values[0];
  if (NUMBERS[vr]) return Buffer.concat(values.map(NUMBERS[vr]));
  const text = Buffer.from(values.join('\\'), 'utf8');
  return text.length % 2 ? Buffer.concat([text, Buffer.from(vr === 'UI' ? '\0' : ' ')]) : text;
}

function element(tag, vr, values, fragments) {
  const body = fragments ?? content(vr, values);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, 'latin1');
  if (fragments) head.writeUInt32LE(0xffffffff, 8);
  else if (LONG.has(vr)) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

/** Frames in fragments of their own, with an empty offset table (PS3.5 A.4). */
function encapsulated(frames) {
  const item = (tag, body) => {
    const head = Buffer.from([0xfe, 0xff, tag, 0xe0, 0, 0, 0, 0]);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body]);
  };
  const even = (b) => (b.length % 2 ? Buffer.concat([b, Buffer.alloc(1)]) : b);
  return Buffer.concat([item(0x00, Buffer.alloc(0)), ...frames.map((f) => item(0x00, even(f))), item(0xdd, Buffer.alloc(0))]);
}

function dataset(elements) {
  const tags = Object.keys(elements).sort();
  return Buffer.concat(tags.map((tag) => {
    const [vr, ...values] = elements[tag];
    return values[0]?.frames ? element(tag, vr, [], encapsulated(values[0].frames)) : element(tag, vr, values);
  }));
}

/** A file of an object. `elements` by tag: `['DS', 1, 2]`, sequences as objects of the same form, pixel data in fragments as `{ frames }`. */
export function file(elements, syntax = EXPLICIT) {
  const meta = dataset({
    '00020001': ['OB', Buffer.from([0, 1])],
    '00020002': ['UI', elements['00080016'][1]],
    '00020003': ['UI', elements['00080018'][1]],
    '00020010': ['UI', syntax],
    '00020012': ['UI', '1.2.826.0.1.3680043.10.999'],
  });
  const length = element('00020000', 'UL', [meta.length]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, meta, dataset(elements)]);
}

/** What an object says of its patient so that the archive finds them: two numbers, the number's own system. */
export function patientOf(resource) {
  const [identifier] = resource.identifier;
  const [name] = resource.name;
  return {
    '00080005': ['CS', 'ISO_IR 192'],
    '00100010': ['PN', name.family ? `${name.family}^${(name.given ?? []).join(' ')}` : name.text],
    '00100020': ['LO', identifier.value],
    '00100024': ['SQ', { '00400032': ['UT', identifier.system], '00400033': ['CS', 'URI'] }],
    '00100030': ['DA', resource.birthDate.replaceAll('-', '')],
    '00100040': ['CS', { male: 'M', female: 'F' }[resource.gender] ?? 'O'],
  };
}

/** Sends files by STOW-RS under the session of a page, which must show a form of ours. */
export async function send(page, hospital, files) {
  const token = await page.locator('input[name=csrf]').first().inputValue();
  const boundary = 'objects';
  const parts = files.flatMap((f) => [Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), f, Buffer.from('\r\n')]);
  const answer = await page.request.post(`/dicomweb/${hospital}/studies`, {
    headers: {
      'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
      accept: 'application/dicom+json',
      'x-csrf-token': token,
    },
    data: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  });
  assert.equal(answer.status(), 200, await answer.text());
}

/** Waits until the archive has written the study's record with its series; gives the address of its viewer. */
export async function arrived(page, patient, series) {
  const by = Date.now() + 60_000;
  for (;;) {
    await page.goto(patient);
    const link = page.locator('#studies a[href^="/images/"]').first();
    if (await link.count()) {
      const address = await link.getAttribute('href');
      await page.goto(address);
      if ((await page.locator('[data-series]').count()) >= series) return address;
    }
    assert.ok(Date.now() < by, 'the study did not become whole');
    await page.waitForTimeout(500);
  }
}
