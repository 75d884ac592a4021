//! Agreements between hospitals, consent of patients, and the decisions that follow from them.
//!
//! An agreement compiles to rows of one `grant` relation ([`grant::GrantRow`]); the generated Cedar policy and
//! the store's SQL predicate both come from those rows. No tokio, SQL, ambient clock or randomness here.

pub mod actor;
pub mod agreement;
pub mod border;
pub mod break_glass;
pub mod class;
pub mod consent;
pub mod decision;
mod fhir_json;
pub mod grant;
pub mod permit;

pub use actor::{Actor, ActorKind, Linked, Privilege, Role};
pub use agreement::Agreement;
pub use class::{ClassSet, RecordClass};
pub use consent::ConsentRecord;
pub use decision::{Action, Decision, Facts, Reason, Request, Subject, decide};
pub use fhir_json::ReadProblem;
pub use grant::{ConsentRow, EmergencyRow, GrantRow, Projection, ShareItem, ShareRow};
pub use permit::{Permit, Reader, SystemPurpose};
