//! FHIR R4 (4.0.1): JSON as bytes, search parameters and the FHIRPath they need, the search index, bundles,
//! validation and typed views.
//!
//! Resources are kept and served as the bytes that came in. Nothing here does I/O or tells the time.

pub mod bundle;
pub mod capability;
mod classify;
pub mod index;
pub mod json;
pub mod outcome;
pub mod path;
mod patient;
pub mod raw;
pub mod reference;
pub mod schema;
pub mod search;
pub mod text;
pub mod validate;
pub mod views;

pub use classify::{classify, is_among_staff};
pub use patient::patient_of;
