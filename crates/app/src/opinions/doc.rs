//! What is stored of drafts and opinions beside the FHIR resources.

use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::Lookup;

use crate::docs::Document;

/// The texts of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftText {
    pub findings: Phi<String>,
    pub assessment: Phi<String>,
    pub advice: Phi<String>,
    /// Orders to propose, one line each.
    pub orders: Vec<Phi<String>>,
    /// BCP 47 of the texts; empty: the author's language.
    pub language: String,
}

impl DraftText {
    /// Parts with words in them, in order.
    pub(crate) fn parts(&self) -> Vec<(&'static str, String)> {
        let orders: Vec<&str> = self
            .orders
            .iter()
            .map(|o| o.reveal().trim())
            .filter(|o| !o.is_empty())
            .collect();
        let all = [
            ("see", self.findings.reveal().trim().to_owned()),
            ("think", self.assessment.reveal().trim().to_owned()),
            ("advise", self.advice.reveal().trim().to_owned()),
            ("orders", orders.join("\n")),
        ];
        all.into_iter()
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }
}

/// An entry of the record at the version that was shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    pub key: RecordKey,
    pub version: u64,
}

/// A consultant's draft for one case. One per author and case, at the author's hospital.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub case: RecordKey,
    pub author: AccountId,
    pub text: DraftText,
    pub kept: Option<Instant>,
    /// The record when the author began, or when they last acknowledged what changed.
    pub base: Vec<Seen>,
    /// The record as the editor last showed it.
    pub shown: Vec<Seen>,
}

impl Draft {
    pub(crate) fn lookup(case: &RecordKey, author: &AccountId) -> Lookup {
        Lookup::unique(
            "case-author",
            format!("{}/{}/{author}", case.hospital, case.id),
        )
    }
}

impl Document for Draft {
    const KIND: &'static str = "draft";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Self::lookup(&self.case, &self.author)]
    }
}

/// A translation as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Translation {
    pub language: String,
    pub translator: String,
    /// The account that attached it.
    pub by: AccountId,
    pub at: Instant,
    pub sections: Vec<(String, Phi<String>)>,
}

/// The value of the lookup `stamp` while an authority is to be asked again.
pub(crate) const WAITING_FOR_STAMP: &str = "waiting";

/// How far the independent time stamp of a sealed file has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StampState {
    /// No authority was asked, or the file itself holds the token.
    #[default]
    Settled,
    /// The authority did not answer when the file was sealed; it is asked again.
    Waiting,
    /// The authority answered after sealing.
    Later {
        /// The token, DER in base64url.
        token: Phi<String>,
        at: Instant,
        authority: String,
    },
}

/// A sealed opinion as one hospital keeps it. The answering and the referring hospital each hold a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Opinion {
    pub case: RecordKey,
    /// Number of the case, for file names.
    pub number: String,
    /// Patient at the referring hospital.
    pub patient: ResourceId,
    /// The answering hospital.
    pub hospital: HospitalId,
    pub author: AccountId,
    pub signed: Instant,
    pub addendum_to: Option<ResourceId>,
    /// The sealed file, its exact text.
    pub file: Phi<String>,
    /// The same document sealed with the second signature.
    pub co_file: Option<Phi<String>>,
    /// Where the time stamp of `file` stands.
    #[serde(default)]
    pub stamp: StampState,
    /// Where that of `co_file` stands.
    #[serde(default)]
    pub co_stamp: StampState,
    pub translations: Vec<Translation>,
}

impl Document for Opinion {
    const KIND: &'static str = "opinion";
    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = vec![
            Lookup::new("case", format!("{}/{}", self.case.hospital, self.case.id)),
            Lookup::new("author", self.author.as_str()),
        ];
        if [&self.stamp, &self.co_stamp].contains(&&StampState::Waiting) {
            lookups.push(Lookup::new("stamp", WAITING_FOR_STAMP));
        }
        lookups
    }
}
