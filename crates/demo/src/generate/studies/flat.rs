//! What is seen through or along one plane: radiographs, mammograms, a beating heart by ultrasound.

use std::f64::consts::{PI, TAU};

use bytes::Bytes;
use imaging::{Dataset, VR, tags};

use super::object::{
    CR, Grey, MAMMOGRAPHY, Series, Study, ULTRASOUND_CINE, binary, code, decimals, finish,
};
use super::volume::Grain;

/// A shadow: centre and half axes from -1 to 1, and how dense it is where it is thickest.
struct Shadow(f64, f64, f64, f64, f64);

impl Shadow {
    /// What a ball of it takes away there: as long as the way through it.
    fn at(&self, x: f64, y: f64) -> f64 {
        let Self(cx, cy, rx, ry, density) = *self;
        let r = ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2);
        if r < 1.0 {
            density * (1.0 - r).sqrt()
        } else {
            0.0
        }
    }
}

fn shadows(columns: usize, rows: usize, all: &[Shadow], noise: i16, seed: u64) -> Vec<i16> {
    let mut grain = Grain::new(seed);
    let mut pixels = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let y = row as f64 / rows as f64 * 2.0 - 1.0;
        for column in 0..columns {
            let x = column as f64 / columns as f64 * 2.0 - 1.0;
            let sum: f64 = all.iter().map(|s| s.at(x, y)).sum();
            pixels.push(sum.clamp(-3_000.0, 4_095.0) as i16 + grain.next(noise));
        }
    }
    pixels
}

/// What a radiograph is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// With an opacity of some size in the right upper zone.
    Chest(bool),
    Wrist,
}

/// A computed radiograph from the front. `retaken` gives other pixels under the same UIDs.
pub fn radiograph(study: &Study, part: Part, retaken: bool) -> Vec<Bytes> {
    let (description, body_part, view) = match part {
        Part::Chest(_) => ("Chest, from behind", "CHEST", "PA"),
        Part::Wrist => ("Wrist, from the front", "WRIST", "PA"),
    };
    let series = Series {
        number: 1,
        modality: "CR",
        description,
        body_part,
        class: CR,
    };
    let (columns, rows) = (448, 448);
    let seed = study.root as u64 ^ u64::from(retaken);
    let values = shadows(columns, rows, &drawn(part), 60, seed);
    let mut d = study.begin(&series, 1);
    d.put_text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY");
    d.put_text(tags::VIEW_POSITION, VR::CS, view);
    d.put_text(tags::PATIENT_ORIENTATION, VR::CS, "L\\F");
    let spacing = if part == Part::Wrist { 0.45 } else { 0.95 };
    decimals(&mut d, tags::IMAGER_PIXEL_SPACING, &[spacing, spacing]);
    decimals(&mut d, tags::WINDOW_CENTER, &[1_500.0]);
    decimals(&mut d, tags::WINDOW_WIDTH, &[3_000.0]);
    let grey = Grey {
        columns,
        rows,
        bits: 12,
        photometric: "MONOCHROME2",
    };
    grey.put(&mut d, &values);
    vec![finish(d)]
}

fn drawn(part: Part) -> Vec<Shadow> {
    match part {
        Part::Chest(opacity) => chest_shadows(opacity),
        Part::Wrist => wrist_shadows(),
    }
}

fn chest_shadows(opacity: bool) -> Vec<Shadow> {
    let mut all = vec![
        Shadow(0.0, 0.2, 0.98, 1.3, 2_300.0),
        Shadow(-0.42, -0.02, 0.32, 0.66, -1_500.0),
        Shadow(0.42, -0.02, 0.31, 0.66, -1_500.0),
        Shadow(0.14, 0.26, 0.3, 0.32, 1_000.0),
        Shadow(0.0, 0.0, 0.09, 1.4, 900.0),
        Shadow(-0.36, 0.78, 0.46, 0.34, 900.0),
        Shadow(0.36, 0.82, 0.44, 0.3, 700.0),
    ];
    for pair in 0..8 {
        let y = -0.66 + 0.16 * f64::from(pair);
        for side in [-1.0, 1.0] {
            for step in 0..7 {
                let along = f64::from(step) / 6.0;
                let x = side * (0.14 + 0.6 * along);
                all.push(Shadow(x, y + 0.16 * along * along, 0.075, 0.026, 260.0));
            }
        }
    }
    if opacity {
        all.push(Shadow(-0.44, -0.4, 0.1, 0.09, 520.0));
    }
    all
}

fn wrist_shadows() -> Vec<Shadow> {
    let mut all = vec![
        Shadow(0.0, 0.3, 0.42, 1.4, 700.0),
        // Radius with a break, ulna.
        Shadow(-0.12, 0.74, 0.13, 0.6, 1_300.0),
        Shadow(-0.12, 0.26, 0.19, 0.2, 900.0),
        Shadow(-0.12, 0.34, 0.2, 0.012, -700.0),
        Shadow(0.18, 0.76, 0.1, 0.54, 1_200.0),
    ];
    for (x, y) in [
        (-0.2, 0.04),
        (-0.05, 0.02),
        (0.1, 0.05),
        (-0.22, -0.12),
        (-0.08, -0.14),
        (0.05, -0.13),
        (0.18, -0.1),
    ] {
        all.push(Shadow(x, y, 0.085, 0.085, 1_000.0));
    }
    for finger in 0..5 {
        let x = -0.3 + 0.15 * f64::from(finger);
        all.push(Shadow(x, -0.5, 0.06, 0.3, 1_000.0));
    }
    all
}

/// Both breasts from above; the left with a mass and a cluster of specks.
pub fn mammograms(study: &Study) -> Vec<Bytes> {
    let (columns, rows) = (384, 512);
    let mut files = Vec::new();
    for (number, side) in [(1_u16, "R"), (2, "L")] {
        let series = Series {
            number,
            modality: "MG",
            description: if side == "R" { "R CC" } else { "L CC" },
            body_part: "BREAST",
            class: MAMMOGRAPHY,
        };
        // The right breast lies with its wall at the right edge of the image.
        let wall = if side == "R" { 1.0 } else { -1.0 };
        let mut all = vec![
            Shadow(wall, 0.0, 1.45, 0.86, 1_500.0),
            Shadow(wall * 0.5, 0.0, 0.62, 0.5, 650.0),
        ];
        for n in 0..14 {
            let turn = TAU * f64::from(n) / 14.0;
            let (x, y) = (0.4 + 0.34 * turn.cos(), 0.36 * turn.sin());
            all.push(Shadow(wall * x, y, 0.15, 0.06, 330.0));
        }
        if side == "L" {
            all.push(Shadow(wall * 0.34, -0.22, 0.085, 0.06, 950.0));
            for n in 0..7 {
                let turn = TAU * f64::from(n) / 7.0;
                let (x, y) = (0.3 + 0.06 * turn.cos(), 0.2 + 0.04 * (2.0 * turn).sin());
                all.push(Shadow(wall * x, y, 0.009, 0.007, 1_500.0));
            }
        }
        let values = shadows(
            columns,
            rows,
            &all,
            45,
            study.root as u64 ^ u64::from(number),
        );
        let mut d = study.begin(&series, 1);
        d.put_text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY");
        d.put_text(tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PRESENTATION");
        d.put_text(tags::VIEW_POSITION, VR::CS, "CC");
        d.put_text(tags::IMAGE_LATERALITY, VR::CS, side);
        let orientation = if side == "R" { "P\\L" } else { "A\\R" };
        d.put_text(tags::PATIENT_ORIENTATION, VR::CS, orientation);
        let view = ("399162004", "SCT", "cranio-caudal");
        code(&mut d, tags::VIEW_CODE_SEQUENCE, view);
        decimals(&mut d, tags::IMAGER_PIXEL_SPACING, &[0.5, 0.5]);
        decimals(&mut d, tags::WINDOW_CENTER, &[1_700.0]);
        decimals(&mut d, tags::WINDOW_WIDTH, &[2_600.0]);
        let grey = Grey {
            columns,
            rows,
            bits: 12,
            photometric: "MONOCHROME2",
        };
        grey.put(&mut d, &values);
        files.push(finish(d));
    }
    files
}

/// What an ultrasound loop shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// Four chambers that beat.
    Heart,
    /// A liver with a cyst and daughter cysts, moved by breathing.
    LiverCyst,
}

const FRAMES: u16 = 24;
const FRAME_MS: f64 = 40.0;
const WIDE: usize = 256;
const HIGH: usize = 192;

/// A loop of 24 frames at 25 a second.
pub fn ultrasound(study: &Study, what: Loop) -> Vec<Bytes> {
    let (description, body_part) = match what {
        Loop::Heart => ("Apical four chambers", "HEART"),
        Loop::LiverCyst => ("Liver, right lobe", "ABDOMEN"),
    };
    let series = Series {
        number: 1,
        modality: "US",
        description,
        body_part,
        class: ULTRASOUND_CINE,
    };
    let mut pixels = Vec::with_capacity(WIDE * HIGH * usize::from(FRAMES));
    for frame in 0..FRAMES {
        let turn = TAU * f64::from(frame) / f64::from(FRAMES);
        let seed = study.root as u64 ^ (u64::from(frame) << 40);
        pixels.extend(echoes(what, turn, seed));
    }
    let mut d = study.begin(&series, 1);
    d.put_text(
        tags::IMAGE_TYPE,
        VR::CS,
        "ORIGINAL\\PRIMARY\\ABDOMINAL\\0001",
    );
    d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &FRAMES.to_string());
    let pointer = [0x18, 0x00, 0x63, 0x10];
    binary(
        &mut d,
        tags::FRAME_INCREMENT_POINTER,
        VR::AT,
        pointer.to_vec(),
    );
    decimals(&mut d, tags::FRAME_TIME, &[FRAME_MS]);
    d.put_text(tags::CINE_RATE, VR::IS, "25");
    regions(&mut d);
    let grey = Grey {
        columns: WIDE,
        rows: HIGH,
        bits: 8,
        photometric: "MONOCHROME2",
    };
    grey.put(&mut d, &pixels);
    vec![finish(d)]
}

/// What a pixel is, in centimetres (PS3.3 C.8.5.5).
fn regions(d: &mut Dataset) {
    let mut region = Dataset::item_of(d);
    let number = |d: &mut Dataset, tag, n: u32| binary(d, tag, VR::UL, n.to_le_bytes().to_vec());
    region.put_u16(tags::REGION_SPATIAL_FORMAT, 1);
    region.put_u16(tags::REGION_DATA_TYPE, 1);
    number(&mut region, tags::REGION_FLAGS, 2);
    for (tag, n) in [
        (tags::REGION_LOCATION_MIN_X0, 0),
        (tags::REGION_LOCATION_MIN_Y0, 0),
        (tags::REGION_LOCATION_MAX_X1, WIDE as u32 - 1),
        (tags::REGION_LOCATION_MAX_Y1, HIGH as u32 - 1),
    ] {
        number(&mut region, tag, n);
    }
    for tag in [
        tags::PHYSICAL_UNITS_X_DIRECTION,
        tags::PHYSICAL_UNITS_Y_DIRECTION,
    ] {
        region.put_u16(tag, 3);
    }
    for tag in [tags::PHYSICAL_DELTA_X, tags::PHYSICAL_DELTA_Y] {
        binary(&mut region, tag, VR::FD, 0.085_f64.to_le_bytes().to_vec());
    }
    d.put_items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
}

/// One frame: a sector of speckle, dark where there is fluid.
fn echoes(what: Loop, turn: f64, seed: u64) -> Vec<i16> {
    let mut grain = Grain::new(seed);
    let mut pixels = Vec::with_capacity(WIDE * HIGH);
    for row in 0..HIGH {
        for column in 0..WIDE {
            let x = (column as f64 - WIDE as f64 / 2.0) / HIGH as f64;
            let y = row as f64 / HIGH as f64;
            let (depth, aside) = ((x * x + y * y).sqrt(), x.atan2(y).abs());
            if !(0.04..=0.98).contains(&depth) || aside > PI / 4.2 {
                pixels.push(0);
                continue;
            }
            let level = match what {
                Loop::Heart => heart(x, y, turn),
                Loop::LiverCyst => liver(x, y, turn),
            };
            // Echoes fade with depth.
            let level = level * (1.15 - 0.55 * depth);
            let speckle = f64::from(grain.next(100)) / 100.0;
            pixels.push((level * (1.0 + 0.55 * speckle)).clamp(0.0, 255.0) as i16);
        }
    }
    pixels
}

fn within(x: f64, y: f64, centre: (f64, f64), half: (f64, f64)) -> bool {
    ((x - centre.0) / half.0).powi(2) + ((y - centre.1) / half.1).powi(2) < 1.0
}

fn heart(x: f64, y: f64, turn: f64) -> f64 {
    let squeeze = 1.0 - 0.16 * (1.0 - turn.cos()) / 2.0;
    let chambers = [
        ((0.09, 0.4), (0.1 * squeeze, 0.2 * squeeze)),
        ((-0.11, 0.4), (0.085 * squeeze, 0.18 * squeeze)),
        ((0.11, 0.72), (0.12 / squeeze, 0.1 / squeeze)),
        ((-0.1, 0.72), (0.09, 0.09)),
    ];
    // Leaflets between the upper and the lower chambers.
    let open = 0.04 * (1.0 + turn.sin());
    let leaflet = (y - 0.6 - open * (x.abs() - 0.02)).abs() < 0.012 && x.abs() < 0.2;
    if leaflet {
        210.0
    } else if chambers.iter().any(|(c, h)| within(x, y, *c, *h)) {
        10.0
    } else if within(x, y, (0.0, 0.54), (0.3, 0.42)) {
        120.0
    } else {
        62.0
    }
}

fn liver(x: f64, y: f64, turn: f64) -> f64 {
    let y = y - 0.02 * turn.sin();
    let cyst = ((0.02, 0.5), (0.2, 0.19));
    let daughters = [(-0.06, 0.46), (0.07, 0.44), (0.03, 0.57), (-0.05, 0.58)];
    if within(x, y, cyst.0, cyst.1) {
        let wall = daughters
            .iter()
            .any(|c| within(x, y, *c, (0.062, 0.06)) && !within(x, y, *c, (0.05, 0.048)));
        return if wall { 170.0 } else { 8.0 };
    }
    if within(x, y, cyst.0, (0.222, 0.212)) {
        return 200.0;
    }
    // Brighter behind fluid.
    if y > 0.69 && x.abs() < 0.17 {
        165.0
    } else {
        88.0
    }
}
