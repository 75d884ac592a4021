//! Search: the official parameter definitions, and queries parsed against them.

pub mod params;
pub mod query;
pub mod range;

pub use query::Query;
