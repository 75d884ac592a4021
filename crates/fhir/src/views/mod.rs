//! Light typed views of the resources that pages and rules read. They take what is there and leave out what is not:
//! nothing in a view fails on missing or odd data. Dates are kept as they were written (`2009-01`), numbers too.
//!
//! Printing a view with `Debug` says nothing of the patient.

mod clinical;
mod documents;
mod medication;
mod observation;
mod patient;
mod types;

pub use clinical::{AllergyIntolerance, Condition, Encounter, Procedure, Reaction};
pub use documents::{DiagnosticReport, DocumentReference, ImagingSeries, ImagingStudy};
pub use medication::{Immunization, Medication};
pub use observation::{Observation, ObservationPart, ObservationValue, ReferenceRange};
pub use patient::{Deceased, Patient};
pub use types::{Attachment, Coding, Concept, HumanName, Identifier, Quantity, Reference, When};

/// `Debug` that names the type alone.
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([phi])"))
            }
        })+
    };
}
use redacted;

#[cfg(test)]
mod tests;
