//! Keys, signatures and encryption. No input or output: randomness comes from [`kernel::Entropy`], time as an
//! argument, and whoever calls stores what is returned.

pub mod b64;
pub mod blob;
pub mod chain;
pub mod error;
pub mod secret;
pub mod token;

pub use blob::{Addresser, BlobAddress, BlobCipher, ChunkRange, blob_address, chunk_range};
pub use chain::{CHAIN_START, chain_next};
pub use error::SealError;
pub use secret::{NodeKey, Secret, Wrapped};
