//! Coded concepts of PS3.16: value, coding scheme, meaning.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::{Derivation, Quantity};
use crate::dataset::Dataset;

pub type Code = (&'static str, &'static str, &'static str);

pub const MEASUREMENT_REPORT: Code = ("126000", "DCM", "Imaging Measurement Report");
pub const OF_INTEREST: Code = ("113000", "DCM", "Of Interest");
pub const LANGUAGE: Code = ("121049", "DCM", "Language of Content Item and Descendants");
pub const ENGLISH: Code = ("en", "RFC5646", "English");
pub const OBSERVER_TYPE: Code = ("121005", "DCM", "Observer Type");
pub const PERSON: Code = ("121006", "DCM", "Person");
pub const OBSERVER: Code = ("121008", "DCM", "Person Observer Name");
pub const ORGANIZATION: Code = ("121009", "DCM", "Person Observer's Organization Name");
pub const PROCEDURE: Code = ("121058", "DCM", "Procedure reported");
pub const IMAGING: Code = ("363679005", "SCT", "Imaging procedure");
pub const LIBRARY: Code = ("111028", "DCM", "Image Library");
pub const LIBRARY_GROUP: Code = ("126200", "DCM", "Image Library Group");
pub const MEASUREMENTS: Code = ("126010", "DCM", "Imaging Measurements");
pub const GROUP: Code = ("125007", "DCM", "Measurement Group");
pub const TRACKING: Code = ("112039", "DCM", "Tracking Identifier");
pub const TRACKING_UID: Code = ("112040", "DCM", "Tracking Unique Identifier");
pub const REGION: Code = ("111030", "DCM", "Image Region");
pub const DERIVATION: Code = ("121401", "DCM", "Derivation");
pub const METHOD: Code = ("370129005", "SCT", "Measurement Method");
/// Coding scheme of concepts the standard has no code for.
pub const OWN: &str = "99KAREZ";

const QUANTITIES: &[(Quantity, Code)] = &[
    (Quantity::Length, ("410668003", "SCT", "Length")),
    (Quantity::Angle, ("1483009", "SCT", "Angle")),
    (Quantity::Area, ("42798000", "SCT", "Area")),
    (
        Quantity::Attenuation,
        ("112031", "DCM", "Attenuation Coefficient"),
    ),
    (Quantity::Signal, ("110852", "DCM", "MR signal intensity")),
    (Quantity::Pixel, ("pixel-value", OWN, "Pixel value")),
];

/// SNOMED CT's older codes in DICOM, which other systems still write.
const OLD: &[(&str, &str, Quantity)] = &[
    ("G-D7FE", "SRT", Quantity::Length),
    ("G-A22A", "SRT", Quantity::Length),
    ("G-A16A", "SRT", Quantity::Area),
    ("G-A166", "SRT", Quantity::Area),
    ("121206", "DCM", Quantity::Length),
    ("121055", "DCM", Quantity::Length),
];

const DERIVATIONS: &[(Derivation, Code)] = &[
    (Derivation::Mean, ("373098007", "SCT", "Mean")),
    (
        Derivation::StandardDeviation,
        ("386136009", "SCT", "Standard Deviation"),
    ),
    (Derivation::Minimum, ("255605001", "SCT", "Minimum")),
    (Derivation::Maximum, ("56851009", "SCT", "Maximum")),
];

const OLD_DERIVATIONS: &[(&str, Derivation)] = &[
    ("R-00317", Derivation::Mean),
    ("R-10047", Derivation::StandardDeviation),
    ("R-404FB", Derivation::Minimum),
    ("G-A437", Derivation::Maximum),
];

/// UCUM codes with their meanings.
const UNITS: &[(&str, &str)] = &[
    ("mm", "millimeter"),
    ("mm2", "square millimeter"),
    ("deg", "degree"),
    ("[hnsf'U]", "Hounsfield unit"),
    ("{pixels}", "pixels"),
    ("1", "no units"),
];

/// What distances may rest on besides the patient's own size.
const BASES: &[Code] = &[
    ("detector", OWN, "Spacing at the detector"),
    (
        "magnified",
        OWN,
        "Detector spacing over estimated magnification",
    ),
    ("calibrated", OWN, "Calibrated spacing"),
    ("nominal", OWN, "Nominal scanned pixel spacing"),
    ("region", OWN, "Ultrasound region calibration"),
];

/// The concept of a quantity; none for one that another system named.
pub fn quantity(q: &Quantity) -> Option<Code> {
    QUANTITIES
        .iter()
        .find(|(known, _)| known == q)
        .map(|(_, c)| *c)
}

pub fn derivation(d: Derivation) -> Option<Code> {
    DERIVATIONS
        .iter()
        .find(|(known, _)| *known == d)
        .map(|(_, c)| *c)
}

pub fn basis(name: &str) -> Option<Code> {
    BASES.iter().find(|c| c.0 == name).copied()
}

/// An item of a code sequence (PS3.3 table 8.8-1).
pub fn item(parent: &Dataset, (value, scheme, meaning): (&str, &str, &str)) -> Dataset {
    let mut item = Dataset::item_of(parent);
    item.put_text(tags::CODE_VALUE, VR::SH, value);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme);
    item.put_text(tags::CODE_MEANING, VR::LO, meaning);
    item
}

/// A unit as a code of UCUM.
pub fn unit(parent: &Dataset, unit: &str) -> Dataset {
    let meaning = UNITS
        .iter()
        .find(|(u, _)| *u == unit)
        .map_or(unit, |(_, meaning)| meaning);
    item(parent, (unit, "UCUM", meaning))
}

/// Whether an item of a code sequence is this code.
pub fn is(item: Option<&Dataset>, code: Code) -> bool {
    item.is_some_and(|i| {
        i.text(tags::CODE_VALUE).as_deref() == Some(code.0)
            && i.text(tags::CODING_SCHEME_DESIGNATOR).as_deref() == Some(code.1)
    })
}

/// The quantity of a measurement's concept name.
pub fn quantity_of(item: &Dataset) -> Quantity {
    if let Some((q, _)) = QUANTITIES.iter().find(|(_, code)| is(Some(item), *code)) {
        return q.clone();
    }
    let value = item.text(tags::CODE_VALUE).unwrap_or_default();
    let scheme = item
        .text(tags::CODING_SCHEME_DESIGNATOR)
        .unwrap_or_default();
    OLD.iter()
        .find(|(v, s, _)| *v == value && *s == scheme)
        .map_or_else(
            || Quantity::Other(item.text(tags::CODE_MEANING).unwrap_or(value)),
            |(.., q)| q.clone(),
        )
}

pub fn derivation_of(item: &Dataset) -> Option<Derivation> {
    if let Some((d, _)) = DERIVATIONS.iter().find(|(_, code)| is(Some(item), *code)) {
        return Some(*d);
    }
    let value = item.text(tags::CODE_VALUE)?;
    OLD_DERIVATIONS
        .iter()
        .find(|(v, _)| *v == value)
        .map(|(_, d)| *d)
}
