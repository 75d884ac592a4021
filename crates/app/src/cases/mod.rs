//! Cases: each command of `care::case` as a use case, and what pages show of them.

pub mod view;
