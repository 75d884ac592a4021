//! Typed identifiers.
//!
//! A record's key is (hospital, kind, id). `kind` is a FHIR R4 resource type (`Patient`) or the name of a
//! document of our own, which begins with a small letter (`case`, `account`), so the two can't be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier of the asked kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct IdError {
    pub what: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps the text.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                let ok: fn(&str) -> bool = $ok;
                if ok(text) { Ok(Self(text.into())) } else { Err(IdError { what: $what }) }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), &self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                Self::new(s)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(s: String) -> Result<Self, IdError> {
                Self::new(s)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

fn is_slug(s: &str) -> bool {
    (1..=32).contains(&s.len())
        && s.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && s.as_bytes()[0].is_ascii_lowercase()
}

/// FHIR R4 §2.24.0.1 `id`: `[A-Za-z0-9\-\.]{1,64}`.
fn is_fhir_id(s: &str) -> bool {
    (1..=64).contains(&s.len())
        && s.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

text_id!(
    /// A hospital (tenant, custodian) as it stands in addresses: a small-letter slug of 1–32 characters.
    HospitalId, "hospital id", is_slug
);
text_id!(
    /// The id of a FHIR resource or of a document of our own within its hospital and kind.
    ResourceId, "resource id", is_fhir_id
);
text_id!(
    /// A person's or machine's account, the same across all hospitals of the node.
    AccountId, "account id", is_fhir_id
);
text_id!(
    /// A FHIR resource type (`Patient`) or a kind of our own documents (`case`): letters and dots, at most 64.
    Kind, "record kind",
    |s| (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.' || b == b'-')
        && s.as_bytes()[0].is_ascii_alphabetic()
);

impl HospitalId {
    /// The tenant of documents that belong to the node as a whole (accounts, sessions, jobs). No hospital can
    /// take this name: a slug begins with a letter and this is reserved by `app` when hospitals are created.
    pub fn network() -> Self {
        Self("network".into())
    }
    pub fn is_network(&self) -> bool {
        &*self.0 == "network"
    }
}

impl Kind {
    /// True for FHIR resource types, false for documents of our own.
    pub fn is_fhir(&self) -> bool {
        self.0.as_bytes()[0].is_ascii_uppercase()
    }
}

/// What one stored thing is called everywhere: its custodian, its kind and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordKey {
    pub hospital: HospitalId,
    pub kind: Kind,
    pub id: ResourceId,
}

impl RecordKey {
    pub fn new(hospital: HospitalId, kind: Kind, id: ResourceId) -> Self {
        Self { hospital, kind, id }
    }
    /// Checks and builds all three parts at once.
    pub fn parse(hospital: &str, kind: &str, id: &str) -> Result<Self, IdError> {
        Ok(Self {
            hospital: HospitalId::new(hospital)?,
            kind: Kind::new(kind)?,
            id: ResourceId::new(id)?,
        })
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.hospital, self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_a_slash_or_too_long_is_refused() {
        assert!(ResourceId::new("a/b").is_err());
        assert!(ResourceId::new("").is_err());
        assert!(ResourceId::new("a".repeat(65)).is_err());
        assert!(ResourceId::new("a".repeat(64)).is_ok());
    }

    #[test]
    fn a_hospital_is_a_slug() {
        assert!(HospitalId::new("yarqum-county").is_ok());
        assert!(HospitalId::new("Yarqum").is_err());
        assert!(HospitalId::new("9a").is_err());
        assert!(HospitalId::new("../etc").is_err());
    }
}
