//! What readers mark in a study, as DICOM documents: measurements as a structured report (PS3.3 A.35.13, Comprehensive 3D SR
//! after PS3.16 TID 1500), key images as a Key Object Selection (PS3.3 A.35.4, TID 2010).

mod codes;
mod read;
mod write;

use crate::name::PersonName;

pub use read::document;
pub use write::{Head, key_images, measurements};

/// SOP Class of what is written here with measurements.
pub const COMPREHENSIVE_3D: &str = "1.2.840.10008.5.1.4.1.1.88.34";
/// SOP Class of a selection of key images.
pub const KEY_OBJECTS: &str = "1.2.840.10008.5.1.4.1.1.88.59";
/// SOP Classes of structured reports that may hold measurements with their places: Enhanced, Comprehensive, Comprehensive 3D,
/// Extensible.
pub const REPORTS: &[&str] = &[
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    COMPREHENSIVE_3D,
    "1.2.840.10008.5.1.4.1.1.88.35",
];

/// Whether objects of a class are read by [`document`].
pub fn is_document(sop_class: &str) -> bool {
    sop_class == KEY_OBJECTS || REPORTS.contains(&sop_class)
}

/// An image that is referred to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageRef {
    /// SOP Class UID.
    pub class: String,
    /// SOP Instance UID.
    pub sop: String,
    /// Series Instance UID; empty where a document does not say it.
    pub series: String,
    /// Counted from 1; none: the whole object, which is one frame.
    pub frame: Option<u32>,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Between two points.
    Length,
    /// At the second of three points.
    Angle,
    /// Four corners in order.
    Rectangle,
    /// End points of the first axis, then of the second (PS3.3 C.18.6.1.2).
    Ellipse,
    /// Any other polygon, or points.
    Other,
}

/// What a number is a measure of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quantity {
    /// Of a distance.
    Length,
    /// Between two lines.
    Angle,
    /// Of a region.
    Area,
    /// Values of computed tomography in Hounsfield units.
    Attenuation,
    /// Values of magnetic resonance.
    Signal,
    /// Values whose meaning is not known.
    Pixel,
    /// By its code's meaning, as another system wrote it.
    Other(String),
}

/// How a number was got from many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivation {
    /// Arithmetic mean.
    Mean,
    /// Of the values.
    StandardDeviation,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// What it measures.
    pub quantity: Quantity,
    /// How it was derived, for statistics.
    pub derivation: Option<Derivation>,
    /// In its unit.
    pub value: f64,
    /// UCUM: `mm`, `deg`, `mm2`, `[hnsf'U]`, `{pixels}`, `1`.
    pub unit: String,
}

/// One measurement with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// For people, and to follow it through later studies (Tracking Identifier).
    pub name: String,
    /// Tracking Unique Identifier.
    pub uid: String,
    /// What is drawn.
    pub shape: Shape,
    /// Where.
    pub image: ImageRef,
    /// Columns and rows of the image, 0\0 being the outer corner of its first pixel (PS3.3 C.18.6.1.1).
    pub points: Vec<[f64; 2]>,
    /// What was measured.
    pub numbers: Vec<Number>,
    /// What a distance rests on where it is not the patient's own size: `detector`, `magnified`, `calibrated`, `nominal`.
    pub basis: Option<String>,
}

/// What a document says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// SOP Class UID.
    pub class: String,
    /// SOP Instance UID.
    pub uid: String,
    /// Series Instance UID.
    pub series: String,
    /// Who observed.
    pub author: PersonName,
    /// For which organization.
    pub organization: String,
    /// Content Date, `YYYYMMDD`.
    pub date: String,
    /// Content Time.
    pub time: String,
    /// Timezone Offset From UTC, `+0800`; empty where it is not said.
    pub zone: String,
    /// SOP Instance UIDs of documents it replaces.
    pub predecessors: Vec<String>,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// Images it selects.
    pub keys: Vec<ImageRef>,
}

#[cfg(test)]
mod tests;
