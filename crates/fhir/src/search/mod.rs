//! Search: the official parameter definitions, and queries parsed against them.

mod control;
pub mod params;
mod parse;
pub mod query;
pub mod range;
pub mod value;
mod values;

pub use parse::{ParseOptions, QueryError, pairs, parse, parse_pairs};
pub use query::Query;

#[cfg(test)]
mod tests;
