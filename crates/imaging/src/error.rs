//! What can go wrong with an object. No value of an object is ever part of a message: it may be a patient's.

use dicom_core::Tag;

/// Why an object, a query or an image was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImagingError {
    /// The bytes are no DICOM file and no data set.
    #[error("not a DICOM object")]
    NotDicom,
    /// The bytes end within an element.
    #[error("the object ends within {0}")]
    Truncated(Tag),
    /// The bytes of the object could not be read where they lie.
    #[error("the object's bytes could not be read")]
    Unread,
    /// A length, a tag or a value representation that cannot be.
    #[error("malformed element {0}: {1}")]
    Malformed(Tag, &'static str),
    /// More than a bound of [`crate::Limits`] allows.
    #[error("more {0} than are accepted")]
    TooMuch(&'static str),
    /// A required attribute is missing or empty.
    #[error("attribute {0} is missing")]
    Missing(Tag),
    /// Compressed data (deflate) that cannot be inflated.
    #[error("the deflated data set is damaged")]
    Deflate,
    /// JSON that is no DICOM JSON (PS3.18 Annex F).
    #[error("not DICOM JSON: {0}")]
    Json(String),
    /// A parameter of a query, by its name.
    #[error("{parameter}: {reason}")]
    Query {
        /// The parameter or keyword as it was given, shortened.
        parameter: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something that is a valid object but cannot be shown or converted here.
    #[error("{0}")]
    Unsupported(String),
    /// Pixel data that do not fit their description, or a damaged code stream.
    #[error("pixel data: {0}")]
    Pixels(String),
}
