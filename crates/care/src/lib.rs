//! Caring for patients together: the case (a referral for an opinion), the time line of a record, matching of
//! patients, search by name in any script, and units of laboratories.
//!
//! Rules without I/O: no tokio, SQL, ambient clock or randomness here.

pub mod case;
pub mod matching;
pub mod reading;
pub mod search;
pub mod timeline;
pub mod units;
