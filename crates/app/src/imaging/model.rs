//! What goes into the archive of images and what comes out of it.

use agreements::RecordClass;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};

/// Where an object came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSource {
    /// Who sent it, as the row of the object remembers it: the calling application entity, or the account.
    pub sender: String,
    /// Random name of the association or request. What one exchange sends of one study is one entry in the audit.
    pub exchange: String,
    /// Whose patient numbers it uses where the object does not say: an identifier system (URI).
    pub issuer: Option<String>,
}

/// What became of an object that was given to be kept. It is on disk, synced and indexed when this is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The ImagingStudy it belongs to.
    pub study: RecordKey,
    pub study_uid: String,
    pub series_uid: String,
    pub uid: String,
    pub sop_class: String,
    pub outcome: Outcome,
}

/// How an object was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// New, and part of its study.
    New,
    /// The same data set was there already; nothing changed.
    Again,
    /// Another data set stands under this SOP Instance UID. Both are kept; this one waits for a person's decision
    /// and is not shown until then.
    OtherContent,
    /// It names another patient than its study does. It is kept and waits for a person's decision.
    OtherPatient,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::OtherContent => "other-content",
            Self::OtherPatient => "other-patient",
        }
    }
    /// Whether it waits for a person's decision.
    pub const fn waits(self) -> bool {
        matches!(self, Self::OtherContent | Self::OtherPatient)
    }
}

/// Which objects of a hospital are meant: a whole study, one series, or one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub study: String,
    pub series: Option<String>,
    pub instance: Option<String>,
}

impl Target {
    pub fn study(uid: impl Into<String>) -> Self {
        Self {
            study: uid.into(),
            series: None,
            instance: None,
        }
    }
    #[must_use]
    pub fn series(mut self, uid: impl Into<String>) -> Self {
        self.series = Some(uid.into());
        self
    }
    #[must_use]
    pub fn instance(mut self, uid: impl Into<String>) -> Self {
        self.instance = Some(uid.into());
        self
    }
}

/// One object that may be read, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceLine {
    /// The ImagingStudy that opens it.
    pub study: RecordKey,
    pub patient: Option<ResourceId>,
    pub class: RecordClass,
    pub study_uid: String,
    pub series_uid: String,
    pub uid: String,
    pub sop_class: String,
    pub transfer_syntax: String,
    pub number: Option<i64>,
    pub rows: Option<u32>,
    pub columns: Option<u32>,
    pub frames: u32,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the data set without its file meta information, lower-case hex.
    pub digest: String,
    pub at: Instant,
    /// What it is decided about by; its bytes are opened through [`crate::App::image_open`] alone.
    pub row: i64,
}

/// Continues a list of objects after the last one seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(pub(crate) store::ImagePlace);

/// What was found, as DICOM JSON objects (PS3.18 §F), one for each study, series or instance.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub rows: Vec<bytes::Bytes>,
    /// More was found than asked for (QIDO-RS: warning 299).
    pub more: bool,
    /// Fuzzy matching was asked for and done.
    pub fuzzy: bool,
}

/// Where images can be sent (C-MOVE).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub title: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// The title of the hospital's own entity, which it is sent from.
    pub our_title: String,
}

/// What an application entity showed of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerProof {
    pub address: std::net::IpAddr,
    /// Thumbprint (RFC 8705: base64url of SHA-256 over the DER) of the certificate it showed; none without TLS.
    pub certificate: Option<String>,
}

/// What an application entity may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Send objects to be kept (C-STORE).
    Store,
    /// Ask what there is (C-FIND).
    Query,
    /// Have it sent (C-MOVE, C-GET).
    Retrieve,
    /// Ask for the worklist (C-FIND of Modality Worklist).
    Worklist,
}

impl Service {
    pub const ALL: &'static [Self] = &[Self::Store, Self::Query, Self::Retrieve, Self::Worklist];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Query => "query",
            Self::Retrieve => "retrieve",
            Self::Worklist => "worklist",
        }
    }
}

/// An association's other side: for whom it speaks and what it may.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its context: a machine of the hospital.
    pub cx: crate::Cx,
    pub hospital: HospitalId,
    /// Its own title.
    pub title: String,
    pub may: std::collections::BTreeSet<Service>,
    /// Whose patient numbers it uses.
    pub issuer: Option<String>,
}
