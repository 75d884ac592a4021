//! Simulated hospitals for tests: a node in a temporary folder with a clock that stands still and randomness that
//! repeats. Never a dependency of what is shipped.

mod authenticator;
pub mod dicom;
mod entropy;
pub mod images;
mod node;
pub mod people;
pub mod phantom;
pub mod postgres;
pub mod powercut;
pub mod provider;
mod receiver;
pub mod records;
mod time_authority;
pub mod world;

pub use store;

pub use authenticator::Authenticator;
pub use entropy::SeededEntropy;
pub use node::{START, TestNode, hospital};
pub use receiver::{Received, Receiver};
pub use time_authority::TimeAuthority;

/// A port of this machine that nobody listens on, for programs that must be told one.
#[allow(clippy::expect_used)]
pub fn free_port() -> u16 {
    let taken = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0));
    let address = taken.and_then(|listener| listener.local_addr());
    address.expect("a free port").port()
}

/// Chooses the cryptography of every TLS line, for tests that make one.
pub fn install_crypto() {
    // An error says that it was installed before, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
