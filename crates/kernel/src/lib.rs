//! The few words every part of Karez shares: identifiers, instants, redaction, limits and error codes.
//!
//! Nothing here knows a protocol, a database or a domain rule.

pub mod clock;
pub mod error;
pub mod id;
pub mod limits;
pub mod phi;

pub use clock::{Clock, Entropy, Instant, SystemClock, SystemEntropy};
pub use error::ErrorCode;
pub use id::{AccountId, HospitalId, IdError, Kind, RecordKey, ResourceId};
pub use phi::Phi;
