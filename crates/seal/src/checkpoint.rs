//! Signed checkpoints of an audit chain, for partners to keep.

use kernel::{HospitalId, Instant};
use serde::{Deserialize, Serialize};

use crate::error::{Result, SealError};
use crate::hospital::{HospitalSigner, verify_hospital_statement};
use crate::keys::Jwks;

/// Type of a signed audit checkpoint.
const CHECKPOINT: &str = "karez-audit-checkpoint";

/// Where a hospital's audit chain stood at a time, for partners to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub hospital: HospitalId,
    /// Entries in the chain.
    pub count: u64,
    /// Hash of the chain's head, lower-case hexadecimal.
    pub head: String,
    pub at: Instant,
}

impl Checkpoint {
    pub fn new(hospital: HospitalId, count: u64, head: &[u8; 32], at: Instant) -> Self {
        Self {
            hospital,
            count,
            head: head.iter().map(|b| format!("{b:02x}")).collect(),
            at,
        }
    }
    /// Signs with the hospital's key: an attached JWS.
    pub fn sign(&self, signer: &HospitalSigner) -> Result<String> {
        if signer.hospital != self.hospital {
            return Err(SealError::Internal("checkpoint of another hospital"));
        }
        let json = serde_json::to_vec(self).map_err(|_| SealError::Internal("checkpoint"))?;
        signer.sign_statement(self.at, CHECKPOINT, &json)
    }
    /// Reads a checkpoint that `keys` of its hospital vouch for.
    pub fn open(jws: &str, keys: &Jwks) -> Result<Self> {
        let (payload, _) = verify_hospital_statement(jws, CHECKPOINT, keys)?;
        serde_json::from_slice(&payload).map_err(|_| SealError::Malformed("checkpoint"))
    }
    /// Whether a chain with this head after [`Checkpoint::count`] entries is the one that was signed.
    pub fn matches(&self, head: &[u8; 32]) -> bool {
        self.head == Self::new(self.hospital.clone(), 0, head, self.at).head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::tests::{setup, t};

    #[test]
    fn a_checkpoint_holds_the_chain_to_what_it_was() {
        let (node, keys) = setup();
        let head = crate::chain_next(crate::CHAIN_START, b"entry");
        let signer = keys.signer(&node).unwrap();
        let jws = Checkpoint::new(keys.hospital.clone(), 1, &head, t(1))
            .sign(&signer)
            .unwrap();
        let opened = Checkpoint::open(&jws, &keys.jwks()).unwrap();
        assert_eq!((opened.count, opened.at), (1, t(1)));
        assert!(opened.matches(&head));
        assert!(!opened.matches(&crate::chain_next(crate::CHAIN_START, b"other")));
        let (_, other) = setup();
        assert!(Checkpoint::open(&jws, &other.jwks()).is_err());
    }
}
