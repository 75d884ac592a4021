// Phantom studies, drawn here: a body with a ball of known diameter in it, so that what is measured on the screen can be
// checked against geometry. `door` plays the archive's DICOMweb (PS3.18) to a page, as far as the viewer asks.

const SIDE = 128;
/** Side of a pixel and distance of slices, millimetres. */
export const PIXEL_MM = 0.8;
export const SLICE_MM = 2.5;
/** Diameter of the ball in the middle of the stack, millimetres; its value and the body's. */
export const BALL_MM = 64;
export const BALL_HU = 100;
export const BODY_HU = 40;

function pixels(z) {
  const out = Buffer.alloc(SIDE * SIDE * 2);
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const mm = [(x - SIDE / 2) * PIXEL_MM, (y - SIDE / 2) * PIXEL_MM];
      const body = (mm[0] / 48) ** 2 + (mm[1] / 40) ** 2 < 1;
      const ball = mm[0] ** 2 + mm[1] ** 2 + z ** 2 < (BALL_MM / 2) ** 2;
      out.writeInt16LE(ball ? BALL_HU : body ? BODY_HU : -1000, (y * SIDE + x) * 2);
    }
  }
  return out;
}

const attribute = (vr, ...values) => ({ vr, Value: values });

/**
 * A CT series of `count` slices, numbered against their place in the body. `gap`: a slice that did not come. The metadata as
 * DICOM JSON, the pixels beside it.
 */
export function series({ study, number, count = 25, gap }) {
  const uid = `${study}.${number}`;
  const half = (SIDE / 2) * PIXEL_MM;
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => i !== gap)
    .map((i) => {
      const z = (i - (count - 1) / 2) * SLICE_MM;
      const sop = `${uid}.${i + 1}`;
      return {
        uid,
        sop,
        z,
        json: {
          '00080016': attribute('UI', '1.2.840.10008.5.1.4.1.1.2'),
          '00080018': attribute('UI', sop),
          '00080060': attribute('CS', 'CT'),
          '00083002': attribute('UI', '1.2.840.10008.1.2.1'),
          '0008103E': attribute('LO', `Phantom ${number}`),
          '00180015': attribute('CS', 'ABDOMEN'),
          '0020000D': attribute('UI', study),
          '0020000E': attribute('UI', uid),
          '00200013': attribute('IS', count - i),
          '00200032': attribute('DS', -half, -half, z),
          '00200037': attribute('DS', 1, 0, 0, 0, 1, 0),
          '00200052': attribute('UI', `${study}.9`),
          '00280002': attribute('US', 1),
          '00280004': attribute('CS', 'MONOCHROME2'),
          '00280010': attribute('US', SIDE),
          '00280011': attribute('US', SIDE),
          '00280030': attribute('DS', PIXEL_MM, PIXEL_MM),
          '00280100': attribute('US', 16),
          '00280101': attribute('US', 16),
          '00280102': attribute('US', 15),
          '00280103': attribute('US', 1),
          '00281050': attribute('DS', 40),
          '00281051': attribute('DS', 400),
          '00281052': attribute('DS', 0),
          '00281053': attribute('DS', 1),
        },
      };
    });
}

/** The FHIR ImagingStudy that the archive writes of these series. */
export function imagingStudy({ study, subject, all }) {
  const modality = { system: 'http://dicom.nema.org/resources/ontology/DCM', code: 'CT' };
  return {
    resourceType: 'ImagingStudy',
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${study}` }],
    status: 'available',
    modality: [modality],
    subject: { reference: subject },
    started: '2026-11-01T08:15:00Z',
    description: 'Phantom of the abdomen',
    numberOfSeries: all.length,
    numberOfInstances: all.flat().length,
    endpoint: [{ display: 'DICOMweb' }],
    series: all.map((s, i) => ({
      uid: s[0].uid, number: i + 1, modality, description: `Phantom ${i + 1}`, numberOfInstances: s.length,
    })),
  };
}

/** Answers what this page asks of `/dicomweb`. `asked` fills with the frames it fetched. */
export async function door(page, all) {
  const asked = [];
  await page.route('**/dicomweb/**', (route) => {
    const path = new URL(route.request().url()).pathname;
    const found = all.find((s) => path.includes(`/series/${s[0].uid}/`));
    if (found && path.endsWith('/metadata')) {
      return route.fulfill({ contentType: 'application/dicom+json', body: JSON.stringify(found.map((s) => s.json)) });
    }
    const slice = found?.find((s) => path.endsWith(`/instances/${s.sop}/frames/1`));
    if (slice) {
      asked.push(slice.sop);
      const head = '--part\r\nContent-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n';
      return route.fulfill({
        contentType: 'multipart/related; type="application/octet-stream"; boundary=part',
        body: Buffer.concat([Buffer.from(head), pixels(slice.z), Buffer.from('\r\n--part--\r\n')]),
      });
    }
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';
    if (path.endsWith('/thumbnail')) return route.fulfill({ contentType: 'image/png', body: Buffer.from(pixel, 'base64') });
    return route.fulfill({ status: 404 });
  });
  return asked;
}
