//! Cases: each command of `care::case` as a use case, and what pages show of them.

pub mod act;
pub mod doc;
pub mod fhir_write;
pub mod files;
mod ground;
pub mod list;
pub mod messages;
pub mod number;
pub mod offers;
pub mod one;
pub mod pack;
pub mod review;
pub mod signed;
pub mod view;

pub use act::CaseAct;
pub use doc::CaseDoc;
pub use signed::{Signed, SignedKind};
