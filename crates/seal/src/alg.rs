//! Signature algorithms by their registered names, so that one can be added without changing what is stored.

use serde::{Deserialize, Serialize};

use crate::error::{Result, SealError};

/// A signature algorithm on offer (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alg {
    /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
    #[serde(rename = "ES256")]
    Es256,
}

impl Alg {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
        }
    }
    /// Finds an algorithm by its name. `none`, `SM2` and everything else not on offer is refused by name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "ES256" => Ok(Self::Es256),
            other => Err(SealError::Unsupported(other.chars().take(32).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        assert_eq!(Alg::from_name("ES256"), Ok(Alg::Es256));
        for name in ["SM2", "none", "HS256", "es256", ""] {
            assert_eq!(
                Alg::from_name(name),
                Err(SealError::Unsupported(name.into()))
            );
        }
    }
}
