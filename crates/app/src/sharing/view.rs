//! What pages show of links.

use kernel::{Instant, Phi, ResourceId};
use serde::{Deserialize, Serialize};

/// Why a link is good no more; words under `link-end-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkEnd {
    /// Taken back by the patient or the hospital.
    Revoked,
    /// Too many wrong PINs.
    Locked,
    /// Its time is over.
    Expired,
    /// What it rested on does not stand any more: a consent, a membership, the study itself.
    Ground,
}

impl LinkEnd {
    pub const ALL: &'static [Self] = &[Self::Revoked, Self::Locked, Self::Expired, Self::Ground];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::Ground => "ground",
        }
    }
}

/// On what the one who asks may hand a study out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharingGround {
    /// It is their own.
    Own,
    /// This consent of the patient.
    Consent(ResourceId),
}

/// A link in the list of a study's links.
#[derive(Debug, Clone)]
pub struct LinkLine {
    pub id: ResourceId,
    pub to: Phi<String>,
    /// ISO 3166-1 alpha-2; none where the patient made it.
    pub country: Option<String>,
    pub by: String,
    pub by_patient: bool,
    pub made: Instant,
    pub until: Instant,
    pub download: bool,
    pub openings: u32,
    pub last: Option<Instant>,
    /// None while it is good.
    pub end: Option<LinkEnd>,
}

/// A link just made: the only time its address and PIN are known.
#[derive(Debug, Clone)]
pub struct MadeLink {
    pub id: ResourceId,
    /// Goes into the address.
    pub token: String,
    pub pin: Phi<String>,
    pub until: Instant,
}
