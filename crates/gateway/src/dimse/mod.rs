//! The DICOM network (PS3.7, PS3.8): a listener whose associations each speak for one application entity of one hospital.
//!
//! `pdu`, `negotiate`, `assemble` and `command` are pure; `line` moves bytes within their time; `service` and its
//! operations answer messages; [`host`] is what stands behind them all.

pub mod archive;
mod assemble;
mod body;
pub mod classes;
mod command;
mod commit;
pub mod conformance;
mod file;
mod find;
pub mod host;
mod line;
mod negotiate;
mod outgoing;
mod pdu;
mod retrieve;
mod scu;
mod server;
mod service;
pub mod status;
mod store;
mod unpacking;

pub use body::{Body, Over, Room};
pub use line::Patience;
pub use negotiate::Refusal;
pub use server::{Settings, serve};

/// Thumbprint of the certificate that was shown on an encrypted line (RFC 8705 §3.1).
fn certificate(line: &rustls::ServerConnection) -> Option<String> {
    let shown = line.peer_certificates()?.first()?;
    Some(thumbprint(shown))
}

fn thumbprint(certificate: &[u8]) -> String {
    app::tokens::thumbprint(certificate)
}
