//! CT and MR: stacks of slices through a body.

use bytes::Bytes;
use imaging::{VR, tags};

use super::body::{self, FLAIR, HOUNSFIELD, HeadLesion, Nodule, T1, Tissue};
use super::object::{CT, Grey, MR, Series, Study, decimals, finish, place};
use super::volume::{Ellipsoid, Plane, slice};

/// A stack of slices.
struct Stack {
    /// Between slices, millimetres; and from the first to the isocentre.
    step: f64,
    first: f64,
    slices: u16,
    thickness: f64,
    /// The field of view, millimetres, and pixels on a side.
    field: f64,
    side: usize,
    /// How far the gantry is tilted, radians.
    tilt: f64,
}

impl Stack {
    /// A slice `along` millimetres from the isocentre.
    fn plane(&self, along: f64) -> Plane {
        let spacing = self.field / self.side as f64;
        let from = (spacing - self.field) / 2.0;
        let (sin, cos) = self.tilt.sin_cos();
        Plane {
            origin: [from, from * cos, along + from * sin],
            row: [1.0, 0.0, 0.0],
            column: [0.0, cos, sin],
            spacing,
            columns: self.side,
            rows: self.side,
        }
    }

    /// Where the slices lie. Of an uneven stack the lower third is thinner, and one slice is missing.
    fn places(&self, uneven: bool) -> Vec<f64> {
        let even = (0..self.slices).map(|n| self.first + self.step * f64::from(n));
        if !uneven {
            return even.collect();
        }
        let (third, gap) = (self.slices / 3, self.slices * 2 / 3);
        let mut at = self.first;
        (0..self.slices)
            .map(|n| {
                let here = at;
                at += match n {
                    n if n < third => self.step / 2.0,
                    n if n == gap => self.step * 2.0,
                    _ => self.step,
                };
                here
            })
            .collect()
    }
}

/// Centre and width of the windows a CT is sent with, and their names.
struct Windows(&'static str, &'static str, &'static str);

const CHEST_WINDOWS: Windows = Windows("-600\\40", "1500\\400", "LUNG\\MEDIASTINUM");
const HEAD_WINDOWS: Windows = Windows("40\\600", "80\\2800", "BRAIN\\BONE");

/// What is scanned, and how it is shown at first.
struct Scan<'a> {
    stack: &'a Stack,
    bodies: &'a [Ellipsoid],
    windows: Windows,
    kernel: &'static str,
    uneven: bool,
    noise: i16,
}

fn scan(study: &Study, series: &Series, scan: &Scan<'_>) -> Vec<Bytes> {
    let frame = study.uid_of(series, u16::MAX);
    let mut files = Vec::new();
    for (n, along) in (1_u16..).zip(scan.stack.places(scan.uneven)) {
        let plane = scan.stack.plane(along);
        let seed = study.root as u64 ^ (u64::from(n) << 32);
        let values: Vec<i16> = slice(scan.bodies, &plane, body::AIR, scan.noise, seed)
            .into_iter()
            .map(|v| v + 1_024)
            .collect();
        let mut d = study.begin(series, n);
        d.put_text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL");
        place(&mut d, &plane, scan.stack.thickness, &frame, along);
        decimals(&mut d, tags::KVP, &[120.0]);
        decimals(
            &mut d,
            tags::GANTRY_DETECTOR_TILT,
            &[scan.stack.tilt.to_degrees()],
        );
        d.put_text(tags::CONVOLUTION_KERNEL, VR::SH, scan.kernel);
        d.put_text(tags::ACQUISITION_NUMBER, VR::IS, "1");
        decimals(&mut d, tags::RESCALE_INTERCEPT, &[-1_024.0]);
        decimals(&mut d, tags::RESCALE_SLOPE, &[1.0]);
        d.put_text(tags::RESCALE_TYPE, VR::LO, "HU");
        d.put_text(tags::WINDOW_CENTER, VR::DS, scan.windows.0);
        d.put_text(tags::WINDOW_WIDTH, VR::DS, scan.windows.1);
        d.put_text(
            tags::WINDOW_CENTER_WIDTH_EXPLANATION,
            VR::LO,
            scan.windows.2,
        );
        let grey = Grey {
            columns: plane.columns,
            rows: plane.rows,
            bits: 12,
            photometric: "MONOCHROME2",
        };
        grey.put(&mut d, &values);
        files.push(finish(d));
    }
    files
}

/// A chest CT of so many slices over 256 mm, 256 × 256 pixels of 1.41 mm.
pub fn ct_chest(study: &Study, slices: u16, nodule: Nodule) -> Vec<Bytes> {
    let step = 256.0 / f64::from(slices.max(1));
    let stack = Stack {
        step,
        first: 0.0,
        slices,
        thickness: step * 1.25,
        field: 360.0,
        side: 256,
        tilt: 0.0,
    };
    let series = Series {
        number: 2,
        modality: "CT",
        description: "Chest, axial",
        body_part: "CHEST",
        class: CT,
    };
    // The same patient has the same vessels in every scan.
    let vessels = study.who.number.bytes().map(u64::from).sum();
    let all = Scan {
        stack: &stack,
        bodies: &body::chest(nodule, vessels),
        windows: CHEST_WINDOWS,
        kernel: "B60f",
        uneven: false,
        noise: 26,
    };
    scan(study, &series, &all)
}

/// A head CT with a tilted gantry; uneven: half the distance at the base, and a slice missing.
pub fn ct_head(study: &Study, lesion: HeadLesion, uneven: bool) -> Vec<Bytes> {
    let stack = Stack {
        step: 5.5,
        first: 6.0,
        slices: 24,
        thickness: 5.0,
        field: 230.0,
        side: 192,
        tilt: 0.21,
    };
    let series = Series {
        number: 2,
        modality: "CT",
        description: "Head, without contrast",
        body_part: "HEAD",
        class: CT,
    };
    let all = Scan {
        stack: &stack,
        bodies: &body::head(HOUNSFIELD, lesion),
        windows: HEAD_WINDOWS,
        kernel: "H31s",
        uneven,
        noise: 7,
    };
    scan(study, &series, &all)
}

/// A head MR: T1 and FLAIR, 20 slices each.
pub fn mr_head(study: &Study, lesion: HeadLesion) -> Vec<Bytes> {
    let stack = Stack {
        step: 6.5,
        first: 4.0,
        slices: 20,
        thickness: 5.0,
        field: 220.0,
        side: 160,
        tilt: 0.0,
    };
    let of = |number, description| Series {
        number,
        modality: "MR",
        description,
        body_part: "HEAD",
        class: MR,
    };
    let mut files = sequence(
        study,
        &of(2, "T1 axial"),
        &stack,
        T1,
        lesion,
        [500.0, 9.0, 0.0],
    );
    let timing = [9_000.0, 110.0, 2_500.0];
    files.extend(sequence(
        study,
        &of(3, "FLAIR axial"),
        &stack,
        FLAIR,
        lesion,
        timing,
    ));
    files
}

/// One sequence; repetition, echo and inversion time in milliseconds.
fn sequence(
    study: &Study,
    series: &Series,
    stack: &Stack,
    tissue: Tissue,
    lesion: HeadLesion,
    [repetition, echo, inversion]: [f64; 3],
) -> Vec<Bytes> {
    // All sequences of a study share its frame of reference.
    let frame = format!("2.25.{}", study.root + 9);
    let bodies = body::head(tissue, lesion);
    let mut files = Vec::new();
    for (n, along) in (1_u16..).zip(stack.places(false)) {
        let plane = stack.plane(along);
        let seed = study.root as u64 ^ (u64::from(n) << 32) ^ u64::from(series.number);
        let values = slice(&bodies, &plane, tissue.air, 22, seed);
        let mut d = study.begin(series, n);
        d.put_text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\M\\ND");
        place(&mut d, &plane, stack.thickness, &frame, along);
        let scanning = if inversion > 0.0 { "SE\\IR" } else { "SE" };
        d.put_text(tags::SCANNING_SEQUENCE, VR::CS, scanning);
        d.put_text(tags::SEQUENCE_VARIANT, VR::CS, "SK");
        d.put_text(tags::SCAN_OPTIONS, VR::CS, "");
        d.put_text(tags::MR_ACQUISITION_TYPE, VR::CS, "2D");
        decimals(&mut d, tags::REPETITION_TIME, &[repetition]);
        decimals(&mut d, tags::ECHO_TIME, &[echo]);
        if inversion > 0.0 {
            decimals(&mut d, tags::INVERSION_TIME, &[inversion]);
        }
        d.put_text(tags::ECHO_TRAIN_LENGTH, VR::IS, "1");
        decimals(&mut d, tags::MAGNETIC_FIELD_STRENGTH, &[1.5]);
        decimals(&mut d, tags::WINDOW_CENTER, &[330.0]);
        decimals(&mut d, tags::WINDOW_WIDTH, &[660.0]);
        let grey = Grey {
            columns: plane.columns,
            rows: plane.rows,
            bits: 12,
            photometric: "MONOCHROME2",
        };
        grey.put(&mut d, &values);
        files.push(finish(d));
    }
    files
}
