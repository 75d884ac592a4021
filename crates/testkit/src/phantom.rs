//! A small study: slices of a magnetic resonance phantom with rings whose brightness depends on the slice.

use bytes::Bytes;
use imaging::{Data, Dataset, Element, VR, file, tags};

pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A study of one series.
#[derive(Debug, Clone)]
pub struct Phantom {
    /// Study Instance UID.
    pub study: String,
    /// Patient ID.
    pub patient: String,
    /// Rows and columns.
    pub side: u16,
}

impl Phantom {
    pub fn new(study: &str, patient: &str, side: u16) -> Self {
        Self {
            study: study.into(),
            patient: patient.into(),
            side,
        }
    }

    pub fn series(&self) -> String {
        format!("{}.1", self.study)
    }

    /// Of a slice.
    pub fn uid(&self, n: u32) -> String {
        format!("{}.1.{n}", self.study)
    }

    /// 16 bits each, from 0 up.
    pub fn pixels(&self, n: u32) -> Bytes {
        let mut out = Vec::with_capacity(usize::from(self.side).pow(2) * 2);
        let half = i32::from(self.side / 2);
        for y in 0..i32::from(self.side) {
            for x in 0..i32::from(self.side) {
                let (dx, dy) = (x - half, y - half);
                let value = (dx * dx + dy * dy).unsigned_abs() % 1_000 + n;
                let [low, high, ..] = value.to_le_bytes();
                out.extend([low, high]);
            }
        }
        Bytes::from(out)
    }

    pub fn dataset(&self, n: u32) -> Dataset {
        let mut d = Dataset::new();
        for (tag, vr, text) in [
            (tags::SOP_CLASS_UID, VR::UI, MR),
            (tags::SOP_INSTANCE_UID, VR::UI, &self.uid(n)),
            (tags::STUDY_DATE, VR::DA, "20260301"),
            (tags::MODALITY, VR::CS, "MR"),
            (tags::STUDY_DESCRIPTION, VR::LO, "Head"),
            (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
            (tags::PATIENT_ID, VR::LO, &self.patient),
            (tags::STUDY_INSTANCE_UID, VR::UI, &self.study),
            (tags::SERIES_INSTANCE_UID, VR::UI, &self.series()),
            (tags::INSTANCE_NUMBER, VR::IS, &n.to_string()),
            (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        ] {
            d.put_text(tag, vr, text);
        }
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, self.side),
            (tags::COLUMNS, self.side),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, 16),
            (tags::HIGH_BIT, 15),
            (tags::PIXEL_REPRESENTATION, 0),
        ] {
            d.put_u16(tag, value);
        }
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            data: Data::Bytes(self.pixels(n)),
        });
        d
    }

    /// Slices from the first on as one film, under the number `n`.
    pub fn film(&self, n: u32, frames: u32) -> Dataset {
        let mut d = self.dataset(n);
        d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.to_string());
        let pixels: Vec<u8> = (1..=frames).flat_map(|n| self.pixels(n)).collect();
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            data: Data::Bytes(pixels.into()),
        });
        d
    }

    /// The data set as the network carries it, in explicit VR little endian.
    pub fn bytes(&self, n: u32) -> Vec<u8> {
        imaging::write(&self.dataset(n), true)
    }

    /// A file (PS3.10).
    pub fn file(&self, n: u32) -> Bytes {
        file::wrap(&self.bytes(n), MR, &self.uid(n), EXPLICIT, Some("PHANTOM"))
    }
}
