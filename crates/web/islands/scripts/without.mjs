// What the viewer's libraries bring along and we never reach: readers of surface meshes, unions of polygons, drawing by WebGPU, views
// of a kind we do not open, DICOM parsers with their dictionary, and a second copy of the decoders. On a slow line each hundred
// kilobytes is a fifth of a second before the first image can be read. A stand-in that is reached after all fails by name.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where it is asked for, what is asked for, and what stands in. */
const LEFT_OUT = [
  [/core\/.*\/Mesh\.js$|tools\/.*\/OrientationMarkerTool\.js$/, /vtk\.js\/IO\//, 'reader'],
  [/vtk\.js\/Rendering\/Profiles\//, /WebGPU/, 'nothing'],
  [/viewportTypeToViewportClass\.js$/, /\/GenericViewport\/|WSIViewport|VideoViewport|ECGViewport/, 'view'],
  [/@cornerstonejs\/(metadata|utils)\//, /^dcmjs$/, 'dicom'],
  [/dicom-image-loader\/dist\/esm\/(index|imageLoader\/(index|registerLoaders))\.js$/, /\/wadouri\//, 'whole'],
  [/dicom-image-loader\/dist\/esm\/index\.js$/, /decodeImageFrameWorker|shared\/decoders/, 'decoder'],
  [/ColorTransferFunction\/ColorMaps\.js$/, /ColorMaps\.json/, 'colours'],
  [/@cornerstonejs\/tools\//, /^clipper2-ts$/, 'clipper'],
];

const STAND_INS = {
  nothing: 'export default {};',
  reader: "const newInstance = () => { throw new Error('meshes are not read'); };\nexport default { newInstance, extend: newInstance };",
  // Greys are what we show; a few named tables of colours are enough.
  colours: "export { default } from '@kitware/vtk.js/Rendering/Core/ColorTransferFunction/LiteColorMaps.json.js';",
  // Unions of drawn contours, as a segmentation is edited.
  clipper: 'export const Clipper = {}, ClipType = {}, FillRule = {}, PolyTreeD = {};',
  // Whole files: we fetch frames.
  whole: 'export default Object.assign(() => {}, { purge() {} });',
  // The worker has its own.
  decoder: 'export const decodeImageFrame = undefined, postProcessDecodedPixels = undefined, initializers = {}, decoders = {};',
  view: 'export default class NoSuchView {}',
};

/** The attributes of the dictionary that the library names anywhere, of five thousand. */
async function named() {
  const { default: dcmjs } = await import('dcmjs');
  const { nameMap, dictionary } = dcmjs.data.DicomMetaDictionary;
  const root = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/@cornerstonejs/metadata/dist/esm');
  const words = new Set();
  for (const file of readdirSync(root, { recursive: true }).filter((f) => f.endsWith('.js'))) {
    for (const [word] of readFileSync(join(root, file), 'utf8').matchAll(/\b[A-Z][A-Za-z0-9]+\b/g)) words.add(word);
  }
  const of = (map, name) => Object.fromEntries(Object.entries(map).filter(([key, entry]) => words.has(name(key, entry))).map(([key, { tag, vr, vm, name }]) => [key, { tag, vr, vm, name }]));
  return { nameMap: of(nameMap, (key) => key), dictionary: of(dictionary, (_, entry) => entry.name) };
}

/** The loggers, and the dictionary as far as it is used; the parser is for a way of reading metadata that we do not take. */
const dicom = async () => `
const quiet = () => {};
const named = new Map();
const logger = (name) => {
  let own = named.get(name);
  if (!own) named.set(name, own = { trace: quiet, debug: quiet, info: quiet, log: quiet, warn: quiet, error: (...all) => console.error(...all), setLevel: quiet, getLevel: () => 4, setDefaultLevel: quiet, getLogger: logger });
  return own;
};
export const log = logger('');
export const constants = {
  IMPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2', EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1',
  DEFLATED_EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1.99', EXPLICIT_BIG_ENDIAN: '1.2.840.10008.1.2.2',
};
class Unread { constructor() { throw new Error('DICOM files are not read here'); } }
export const data = { DicomMetaDictionary: ${JSON.stringify(await named())} };
export const utilities = { DicomMetadataListener: Unread };
const async = { AsyncDicomReader: Unread };
export default { log, constants, data, utilities, async };`;

export function without() {
  return {
    name: 'karez-without',
    enforce: 'pre',
    resolveId(source, importer) {
      const found = importer && LEFT_OUT.find(([from, what]) => from.test(importer) && what.test(source));
      return found ? `\0without:${found[2]}` : undefined;
    },
    load(id) {
      if (id === '\0without:dicom') return dicom();
      return id.startsWith('\0without:') ? STAND_INS[id.slice('\0without:'.length)] : undefined;
    },
  };
}
