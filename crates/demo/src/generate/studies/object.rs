//! DICOM objects (PS3.3) of what a scanner saw: patient, study and series as every image has them, then what it is.

use bytes::Bytes;
use imaging::{Data, Dataset, Element, Object, Tag, VR, file, syntax, tags};
use jiff::Zoned;

use super::volume::Plane;
use crate::generate::model::Name;

/// Whom an object says it is of.
#[derive(Debug, Clone)]
pub struct Who {
    /// The hospital's own number.
    pub number: String,
    pub name: Option<Name>,
    /// `YYYYMMDD`.
    pub born: String,
    /// `M`, `F` or nothing.
    pub sex: &'static str,
}

/// The study an object belongs to.
#[derive(Debug, Clone)]
pub struct Study {
    pub who: Who,
    /// What all its UIDs are counted from (PS3.5 §B.2).
    pub root: u128,
    pub taken: Zoned,
    pub accession: String,
    pub description: &'static str,
    pub institution: &'static str,
    pub station: &'static str,
    pub referring: &'static str,
}

/// One series of it.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    pub number: u16,
    pub modality: &'static str,
    pub description: &'static str,
    pub body_part: &'static str,
    /// SOP Class.
    pub class: &'static str,
}

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
pub const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
pub const MAMMOGRAPHY: &str = "1.2.840.10008.5.1.4.1.1.1.2";
pub const ULTRASOUND_CINE: &str = "1.2.840.10008.5.1.4.1.1.3.1";
pub const TWELVE_LEADS: &str = "1.2.840.10008.5.1.4.1.1.9.1.1";

impl Study {
    pub fn uid(&self) -> String {
        format!("2.25.{}", self.root)
    }
    pub fn series_uid(&self, series: &Series) -> String {
        format!("2.25.{}", self.root + (u128::from(series.number) << 16))
    }
    pub fn uid_of(&self, series: &Series, number: u16) -> String {
        let series = u128::from(series.number) << 16;
        format!("2.25.{}", self.root + series + u128::from(number))
    }

    /// What every object of a series says.
    pub fn begin(&self, series: &Series, number: u16) -> Dataset {
        let who = &self.who;
        let date = self.taken.strftime("%Y%m%d").to_string();
        let time = self.taken.strftime("%H%M%S").to_string();
        let mut d = Dataset::new();
        for (tag, vr, text) in [
            (tags::SOP_CLASS_UID, VR::UI, series.class),
            (tags::SOP_INSTANCE_UID, VR::UI, &self.uid_of(series, number)),
            (tags::STUDY_DATE, VR::DA, &date),
            (tags::SERIES_DATE, VR::DA, &date),
            (tags::ACQUISITION_DATE, VR::DA, &date),
            (tags::CONTENT_DATE, VR::DA, &date),
            (tags::STUDY_TIME, VR::TM, &time),
            (tags::SERIES_TIME, VR::TM, &time),
            (tags::ACQUISITION_TIME, VR::TM, &time),
            (tags::CONTENT_TIME, VR::TM, &time),
            (tags::ACCESSION_NUMBER, VR::SH, &self.accession),
            (tags::MODALITY, VR::CS, series.modality),
            (tags::MANUFACTURER, VR::LO, "Karez demonstration"),
            (tags::INSTITUTION_NAME, VR::LO, self.institution),
            (
                tags::REFERRING_PHYSICIAN_NAME,
                VR::PN,
                &family_first(self.referring),
            ),
            (tags::STATION_NAME, VR::SH, self.station),
            (tags::STUDY_DESCRIPTION, VR::LO, self.description),
            (tags::SERIES_DESCRIPTION, VR::LO, series.description),
            (tags::PATIENT_NAME, VR::PN, &written(who.name.as_ref())),
            (tags::PATIENT_ID, VR::LO, &who.number),
            (tags::PATIENT_BIRTH_DATE, VR::DA, &who.born),
            (tags::PATIENT_SEX, VR::CS, who.sex),
            (tags::BODY_PART_EXAMINED, VR::CS, series.body_part),
            (tags::STUDY_INSTANCE_UID, VR::UI, &self.uid()),
            (tags::SERIES_INSTANCE_UID, VR::UI, &self.series_uid(series)),
            (tags::STUDY_ID, VR::SH, &self.accession),
            (tags::SERIES_NUMBER, VR::IS, &series.number.to_string()),
            (tags::INSTANCE_NUMBER, VR::IS, &number.to_string()),
        ] {
            d.put_text(tag, vr, text);
        }
        d
    }
}

/// `Rhys Garside` as PN has it.
fn family_first(name: &str) -> String {
    match name.rsplit_once(' ') {
        Some((given, family)) => format!("{family}^{given}"),
        None => name.to_owned(),
    }
}

/// Latin letters, and Han characters where the name is written in them (PS3.5 §6.2.1.1).
fn written(name: Option<&Name>) -> String {
    let Some(name) = name else {
        return "UNKNOWN".to_owned();
    };
    let latin = format!("{}^{}", name.latin_family, name.latin_given);
    if name.family_first {
        format!("{latin}={}^{}", name.native_family, name.native_given)
    } else {
        latin
    }
}

/// Numbers as decimal strings (DS).
pub fn decimals(d: &mut Dataset, tag: Tag, values: &[f64]) {
    let texts: Vec<String> = values
        .iter()
        .map(|v| {
            let text = format!("{v:.5}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            if text == "-0" {
                "0".into()
            } else {
                text.to_owned()
            }
        })
        .collect();
    d.put_text(tag, VR::DS, &texts.join("\\"));
}

pub fn code(d: &mut Dataset, tag: Tag, (value, scheme, meaning): (&str, &str, &str)) {
    let mut item = Dataset::item_of(d);
    item.put_text(tags::CODE_VALUE, VR::SH, value);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme);
    item.put_text(tags::CODE_MEANING, VR::LO, meaning);
    d.put_items(tag, vec![item]);
}

pub fn binary(d: &mut Dataset, tag: Tag, vr: VR, bytes: Vec<u8>) {
    d.put(Element {
        tag,
        vr,
        data: Data::Bytes(Bytes::from(bytes)),
    });
}

/// How grey pixels are described.
#[derive(Debug, Clone, Copy)]
pub struct Grey {
    pub columns: usize,
    pub rows: usize,
    /// 8 in one byte, up to 16 in two.
    pub bits: u16,
    pub photometric: &'static str,
}

impl Grey {
    /// Image pixel module (PS3.3 C.7.6.3) with these values.
    pub fn put(&self, d: &mut Dataset, values: &[i16]) {
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let allocated = if self.bits > 8 { 16 } else { 8 };
        d.put_u16(tags::SAMPLES_PER_PIXEL, 1);
        d.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, self.photometric);
        d.put_u16(tags::ROWS, small(self.rows));
        d.put_u16(tags::COLUMNS, small(self.columns));
        d.put_u16(tags::BITS_ALLOCATED, allocated);
        d.put_u16(tags::BITS_STORED, self.bits);
        d.put_u16(tags::HIGH_BIT, self.bits - 1);
        d.put_u16(tags::PIXEL_REPRESENTATION, 0);
        let most = i16::try_from((1_u32 << self.bits) - 1).unwrap_or(i16::MAX);
        if allocated == 8 {
            let bytes = values.iter().map(|v| (*v).clamp(0, most) as u8).collect();
            binary(d, tags::PIXEL_DATA, VR::OB, bytes);
        } else {
            let mut bytes = Vec::with_capacity(values.len() * 2);
            for value in values {
                bytes.extend((*value).clamp(0, most).to_le_bytes());
            }
            binary(d, tags::PIXEL_DATA, VR::OW, bytes);
        }
    }
}

/// Image plane and frame of reference (PS3.3 C.7.6.2, C.7.4.1).
pub fn place(d: &mut Dataset, plane: &Plane, thickness: f64, frame: &str, location: f64) {
    let (r, c) = (plane.row, plane.column);
    decimals(d, tags::IMAGE_POSITION_PATIENT, &plane.origin);
    decimals(
        d,
        tags::IMAGE_ORIENTATION_PATIENT,
        &[r[0], r[1], r[2], c[0], c[1], c[2]],
    );
    decimals(d, tags::PIXEL_SPACING, &[plane.spacing, plane.spacing]);
    decimals(d, tags::SLICE_THICKNESS, &[thickness]);
    decimals(d, tags::SLICE_LOCATION, &[location]);
    d.put_text(tags::FRAME_OF_REFERENCE_UID, VR::UI, frame);
    d.put_text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "");
    d.put_text(tags::PATIENT_POSITION, VR::CS, "HFS");
}

/// The file, in explicit VR little endian.
pub fn finish(d: Dataset) -> Bytes {
    file::of(&Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE)))
}
