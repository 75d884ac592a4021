//! The part of FHIRPath that search parameters are written in.
//!
//! An expression is parsed ([`syntax`]) and then compiled for one type ([`plan`]) against the element tables: choice
//! types, `as` and `ofType` are settled then, so that evaluating walks member names alone and every result has a known
//! type.

mod plan;
mod syntax;

pub use plan::{Found, Plan, compile};
pub use syntax::{PathError, parse};
