//! Keys, signatures and encryption. No input or output: randomness comes from [`kernel::Entropy`], time as an
//! argument, and whoever calls stores what is returned.
//!
//! - [`hospital`]: a hospital's keys through time, the people it certifies, signed audit checkpoints.
//! - [`file`]: a frozen document with its two signatures as one file that can be verified alone.
//! - [`jws`], [`cert`], [`keys`]: the standards beneath (RFC 7515, 7797, 5280, 7517).
//! - [`blob`], [`secret`]: content at rest and the keys that open it. [`chain`]: the audit chain. [`token`]: bearer
//!   tokens.

pub mod alg;
pub mod b64;
pub mod blob;
pub mod cert;
pub mod chain;
pub mod checkpoint;
pub mod client;
pub mod crl;
pub mod error;
pub mod file;
pub mod hospital;
pub mod jws;
pub mod keys;
pub mod pkcs11;
pub mod secret;
pub mod token;
pub mod tsp;
pub mod verify;
pub mod webhook;

pub use alg::Alg;
pub use blob::{
    Addresser, BlobAddress, BlobCipher, ChunkRange, Sealing, blob_address, chunk_range,
};
pub use chain::{CHAIN_START, chain_next};
pub use checkpoint::Checkpoint;
pub use error::SealError;
pub use file::{Report, SealedFile, Trust, Verdict, verify, verify_with};
pub use hospital::{
    HospitalKeys, HospitalSigner, Person, PersonKey, PersonSigner, verify_hospital_signature,
    verify_hospital_statement,
};
pub use keys::{Jwk, Jwks, Reason};
pub use secret::{NodeKey, Secret, Wrapped};
