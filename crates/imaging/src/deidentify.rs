//! De-identification after PS3.15 Annex E: the Basic Application Level Confidentiality Profile and its options.
//!
//! What cannot be cleaned is refused, never passed on: documents and reports without their option, pixels that may show a
//! name, kinds of objects that are not known.

mod clean;
mod pixels;
mod rules;
mod safe;
mod subject;

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::dataset::Dataset;
use crate::error::ImagingError;
use crate::file;
use crate::object::Object;
use crate::syntax::{self, Codec};

pub use pixels::Rectangle;
use subject::Subject;

/// What becomes of dates and times (PS3.15 E.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// Removed or replaced.
    #[default]
    Remove,
    /// Retain Longitudinal Temporal Information With Modified Dates: all of a patient's shifted by the same days.
    Shift,
    /// Retain Longitudinal Temporal Information With Full Dates.
    Keep,
}

/// The options of the profile (PS3.15 E.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Retain UIDs (E.3.9).
    pub retain_uids: bool,
    /// Retain Device Identity (E.3.8).
    pub retain_device: bool,
    /// Retain Institution Identity (E.3.11).
    pub retain_institution: bool,
    /// Retain Patient Characteristics (E.3.7): sex, age, size, weight.
    pub retain_characteristics: bool,
    /// Dates and times.
    pub dates: Dates,
    /// Clean Descriptors (E.3.5): free text is kept but for words that say who.
    pub clean_descriptions: bool,
    /// Clean Structured Content (E.3.4): structured reports are let through, cleaned.
    pub clean_structured: bool,
    /// Clean Graphics (E.3.3): graphic annotations are kept without their text. Overlays and curves always go: what is
    /// drawn in them cannot be judged.
    pub clean_graphics: bool,
    /// Clean Pixel Data (E.3.1): these parts of every frame are blanked. Given (even empty) by somebody who has looked at
    /// the images, or whose rule for the modality has.
    pub blank: Option<Vec<Rectangle>>,
    /// Retain Safe Private (E.3.10): private attributes that are known to be safe.
    pub retain_safe_private: bool,
}

/// Why an object was not de-identified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its pixels show, or may show, who the patient is, and no part to blank was named.
    #[error("the pixels may show who the patient is")]
    BurnedIn,
    /// A document (PDF, CDA, STL …) whose content cannot be cleaned.
    #[error("an encapsulated document cannot be cleaned")]
    Document,
    /// A structured report without the option to clean structured content.
    #[error("a structured report needs the option Clean Structured Content")]
    Report,
    /// A kind of object that is not known, or raw data.
    #[error("a kind of object that is not known to be clean")]
    UnknownClass,
    /// A transfer syntax in which pixels must be blanked but cannot be, or that is not known.
    #[error("the pixels cannot be changed in this transfer syntax")]
    Pixels,
    /// The object itself.
    #[error(transparent)]
    Object(#[from] ImagingError),
}

/// De-identifies an object: a new file, with the same secret the same UIDs, pseudonym and days of shift for the same
/// patient. `secret` is the key of all of these; whoever has it can recompute them, nobody else.
///
/// # Errors
/// [`Refused`].
pub fn deidentify(object: &Object, profile: &Profile, secret: &[u8]) -> Result<Bytes, Refused> {
    admit(object, profile)?;
    let mut data = object.dataset().clone();
    let mut target = object.syntax();
    if let Some(parts) = pixels::to_blank(object, profile)? {
        pixels::blank(object, &mut data, &parts)?;
        target = syntax::of(syntax::EXPLICIT_LITTLE);
        if profile.blank.is_some() {
            data.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        }
    } else if object.syntax().big {
        target = syntax::of(syntax::EXPLICIT_LITTLE);
    }
    let subject = Subject::of(object.dataset(), secret, profile);
    // Text is judged and replaced as Unicode.
    data.rewrite_text(&std::sync::Arc::new(crate::charset::Charset::utf8()));
    data.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    clean::dataset(&mut data, profile, &subject, 0);
    mark(&mut data, profile);
    Ok(file::of(&Object::made(data, target)))
}

/// Whether an object can be de-identified, without doing it: what [`deidentify`] would refuse it for, but for pixels that
/// turn out to be damaged.
///
/// # Errors
/// [`Refused`].
pub fn judge(object: &Object, profile: &Profile) -> Result<(), Refused> {
    admit(object, profile)?;
    pixels::to_blank(object, profile).map(|_| ())
}

fn admit(object: &Object, profile: &Profile) -> Result<(), Refused> {
    let class = object
        .dataset()
        .plain(tags::SOP_CLASS_UID)
        .ok_or(ImagingError::Missing(tags::SOP_CLASS_UID))?;
    match rules::kind(class) {
        rules::Kind::Image | rules::Kind::Other => {}
        rules::Kind::Report if profile.clean_structured => {}
        rules::Kind::Report => return Err(Refused::Report),
        rules::Kind::Document => return Err(Refused::Document),
        rules::Kind::Unknown => return Err(Refused::UnknownClass),
    }
    if object.syntax().codec == Codec::Unknown {
        return Err(Refused::Pixels);
    }
    if object.dataset().get(tags::ENCAPSULATED_DOCUMENT).is_some() {
        return Err(Refused::Document);
    }
    Ok(())
}

/// Says what was done (PS3.15 E.2 step 8; PS3.3 C.7.1.1, C.12.1; PS3.16 CID 7050).
fn mark(data: &mut Dataset, profile: &Profile) {
    let longitudinal = match profile.dates {
        Dates::Remove => "REMOVED",
        Dates::Shift => "MODIFIED",
        Dates::Keep => "UNMODIFIED",
    };
    let methods = [
        (true, "113100", "Basic Application Confidentiality Profile"),
        (profile.blank.is_some(), "113101", "Clean Pixel Data Option"),
        (profile.clean_graphics, "113103", "Clean Graphics Option"),
        (
            profile.clean_structured,
            "113104",
            "Clean Structured Content Option",
        ),
        (
            profile.clean_descriptions,
            "113105",
            "Clean Descriptors Option",
        ),
        (
            profile.dates == Dates::Keep,
            "113106",
            "Retain Longitudinal Temporal Information Full Dates Option",
        ),
        (
            profile.dates == Dates::Shift,
            "113107",
            "Retain Longitudinal Temporal Information Modified Dates Option",
        ),
        (
            profile.retain_characteristics,
            "113108",
            "Retain Patient Characteristics Option",
        ),
        (
            profile.retain_device,
            "113109",
            "Retain Device Identity Option",
        ),
        (profile.retain_uids, "113110", "Retain UIDs Option"),
        (
            profile.retain_safe_private,
            "113111",
            "Retain Safe Private Option",
        ),
        (
            profile.retain_institution,
            "113112",
            "Retain Institution Identity Option",
        ),
    ];
    let codes = methods
        .iter()
        .filter(|(done, ..)| *done)
        .map(|(_, code, meaning)| {
            let mut item = Dataset::item_of(data);
            item.put_text(tags::CODE_VALUE, VR::SH, code);
            item.put_text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
            item.put_text(tags::CODE_MEANING, VR::LO, meaning);
            item
        })
        .collect();
    data.put_text(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES");
    data.put_text(
        tags::DEIDENTIFICATION_METHOD,
        VR::LO,
        "Karez, PS3.15 Annex E",
    );
    data.put_items(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, codes);
    data.put_text(
        tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
        VR::CS,
        longitudinal,
    );
}

#[cfg(test)]
mod tests;
