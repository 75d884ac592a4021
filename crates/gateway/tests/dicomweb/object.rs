//! The phantom that these tests send.

use axum::body::Bytes;
use testkit::phantom::Phantom;

pub const STUDY: &str = "1.2.826.0.1.7";
pub const SERIES: &str = "1.2.826.0.1.7.1";

pub fn phantom() -> Phantom {
    Phantom::new(STUDY, "17", 64)
}

pub fn uid(n: u32) -> String {
    phantom().uid(n)
}

pub fn pixels(n: u32) -> Bytes {
    phantom().pixels(n)
}

pub fn file(n: u32) -> Bytes {
    phantom().file(n)
}
