//! Fuzz targets for everything that reads what others wrote. The plain test run asks a bounded number of cases from a
//! fixed seed (`.cargo/config.toml`; `BOLERO_RANDOM_SEED` gives others); `KAREZ_TEST_FULL=1` asks a hundred times as many, and `cargo bolero
//! test` lets a coverage-guided engine look for as long as one likes. What was found stands as plain tests beside the rule.
#![allow(clippy::unwrap_used)]

mod dicomweb;
mod mutate;
mod node;
mod parsers;

/// How many cases a target asks.
fn cases(normally: usize, at_length: usize) -> usize {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if full { at_length } else { normally }
}
