//! Images of patients: what a DICOM object says, how it is found, shown, changed and made anonymous.

pub mod charset;
pub mod dataset;
pub mod deidentify;
pub mod error;
pub mod facts;
pub mod file;
pub mod json;
pub mod layout;
pub mod limits;
pub mod media;
pub mod name;
pub mod object;
pub mod pixel;
pub mod query;
mod read;
mod same;
mod source;
pub mod sr;
pub mod study;
pub mod syntax;
mod write;

pub use dataset::{Data, Dataset, Element};
pub use dicom_core::{Tag, VR};
pub use dicom_dictionary_std::tags;
pub use error::ImagingError;
pub use facts::Facts;
pub use layout::Layout;
pub use limits::Limits;
pub use object::Object;
pub use same::{same_content, same_outlines};
pub use source::Source;
pub use write::write;

/// Other Patient IDs (0010,1000), retired and still sent.
pub(crate) const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
/// Ethnic Group (0010,2160), retired and still sent.
pub(crate) const ETHNIC_GROUP: Tag = Tag(0x0010, 0x2160);
