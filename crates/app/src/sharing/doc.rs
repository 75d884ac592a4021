//! What is stored of a link. Neither the link's token, nor its PIN, nor the token of an opening is kept, only what they
//! are known again by.

use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::Lookup;

use super::view::LinkEnd;
use crate::docs::Document;

/// Who made a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Maker {
    pub account: AccountId,
    pub name: String,
    /// The hospital acted for; none: the patient, or who acts for them.
    pub hospital: Option<HospitalId>,
}

/// An opening that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Hash of its token.
    pub hash: String,
    pub until: Instant,
}

/// A link of one study, at the hospital that keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageLink {
    pub study: RecordKey,
    pub patient: ResourceId,
    pub maker: Maker,
    /// Whom it is for, in the maker's words.
    pub to: Phi<String>,
    /// The country they work in (ISO 3166-1 alpha-2), where a clinician handed it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Hash of the link's token.
    pub token: String,
    /// The PIN as argon2 has it.
    pub pin: String,
    pub made: Instant,
    pub until: Instant,
    /// The files may be saved too.
    pub download: bool,
    /// The consent it rests on, where a clinician made it.
    pub consent: Option<ResourceId>,
    pub openings: u32,
    pub last: Option<Instant>,
    /// Wrong PINs since the last right one.
    pub failures: u32,
    pub ended: Option<(Instant, LinkEnd)>,
    pub lasting: Vec<Opening>,
}

pub(crate) fn by_token(hash: &str) -> Lookup {
    Lookup::unique("token", hash)
}

impl Document for ImageLink {
    const KIND: &'static str = "image-link";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            by_token(&self.token),
            Lookup::new("study", self.study.id.as_str()),
            Lookup::new(
                "patient",
                format!("{}/Patient/{}", self.study.hospital, self.patient),
            ),
        ]
    }
}
