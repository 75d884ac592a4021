//! One time line of a patient across sources: whose record each entry is, when it was true and when it was written
//! down, with original and converted units; what could not be reached stands there as a gap.

pub mod entry;
pub mod group;
pub mod read;
pub mod summary;
pub mod trend;
pub mod when;

pub use entry::{
    Attachment, Entry, Flag, Gap, GapReason, LATE_ENTRY, Late, Measure, Range, Source, late_of,
};
pub use group::{Line, Year, by_year};
pub use read::{read, words_at};
pub use summary::{Allergy, Medication, Problem, Summary, summarise};
pub use trend::{Point, Trend, trends};
pub use when::{Precision, When};

#[cfg(test)]
mod tests;
