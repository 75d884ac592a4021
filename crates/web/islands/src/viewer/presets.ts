// Windows a reader switches between by key, per modality: width and centre in the image's own units.

export interface Preset { key: string; width: number; centre: number }

const CT: Preset[] = [
  { key: 'soft', width: 400, centre: 40 },
  { key: 'lung', width: 1500, centre: -600 },
  { key: 'bone', width: 2500, centre: 480 },
  { key: 'brain', width: 80, centre: 40 },
  { key: 'stroke', width: 40, centre: 40 },
  { key: 'subdural', width: 200, centre: 75 },
  { key: 'liver', width: 150, centre: 90 },
  { key: 'mediastinum', width: 350, centre: 50 },
  { key: 'angio', width: 600, centre: 300 },
];

/** Hounsfield windows mean something for CT alone; elsewhere the image's own windows stand. */
export function presets(modality: string): Preset[] {
  return modality === 'CT' ? CT : [];
}
