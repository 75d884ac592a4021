//! The demonstration network: made up from a seed, then carried into a running application through its use cases.

pub mod generate;
