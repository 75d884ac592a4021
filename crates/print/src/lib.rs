//! Printed documents: opinion letters, case summaries and agreements as tagged PDF (PDF/UA-1), set by typst with fonts
//! that are part of the binary. Nothing is read from disk or network, and the same input gives the same bytes.
//!
//! The caller fills a struct of [`model`] in the reader's [`Language`]; [`letter`], [`summary`] and [`agreement`]
//! return the PDF. Text in another language stands as it was written; a translation stands beside it.

pub mod language;
pub mod model;
pub mod pack;
mod render;
mod world;

pub use language::Language;
pub use model::{
    Agreement, Amends, Character, Clause, CoSignature, Event, Identifier, Institution, Letter,
    Message, Patient, Recipient, RecordItem, Section, SectionPart, Sex, Signature, Summary, Text,
    Translation,
};
pub use render::{PrintError, Printed, agreement, letter, summary};
