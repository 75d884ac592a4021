//! The context of one request: who acts, in which language and zone.

use agreements::{Actor, ActorKind, Permit, Role};
use kernel::{HospitalId, Instant};

use crate::AppError;

/// A language the pages speak.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    pub const ALL: &'static [Language] = &[Language::English, Language::Chinese];
    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }
}

/// How the request came in; named in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    Page,
    Fhir,
    Job,
    CommandLine,
    /// DICOM upper layer (PS3.8).
    Dicom,
    /// DICOMweb (PS3.18).
    DicomWeb,
}

impl Channel {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Fhir => "fhir",
            Self::Job => "job",
            Self::CommandLine => "command-line",
            Self::Dicom => "dicom",
            Self::DicomWeb => "dicom-web",
        }
    }
}

/// One request of an authenticated actor.
#[derive(Debug, Clone)]
pub struct Cx {
    pub actor: Actor,
    /// Shown beside what this person writes and signs.
    pub name: String,
    pub language: Language,
    pub zone: jiff::tz::TimeZone,
    pub channel: Channel,
    /// Time of the request; all decisions of the request use this one instant.
    pub now: Instant,
    /// Ties log lines, audit entries and answers together. Random, no meaning.
    pub request: String,
    /// Address of the peer as text, for the audit.
    pub peer: Option<String>,
    /// Set when the session has passed a second factor.
    pub second_factor: bool,
}

impl Cx {
    /// What this request may read.
    pub fn permit(&self) -> Permit {
        Permit::of(&self.actor, self.now)
    }

    /// The hospital acted for, or a refusal for a patient's account.
    pub fn hospital(&self) -> Result<&HospitalId, AppError> {
        self.actor
            .hospital
            .as_ref()
            .ok_or_else(|| AppError::denied("staff-only"))
    }

    /// Refuses unless the actor holds the role at the hospital acted for.
    pub fn require(&self, role: Role) -> Result<&HospitalId, AppError> {
        if self.actor.has(role) {
            self.hospital()
        } else {
            Err(AppError::denied_role(role))
        }
    }

    /// Refuses unless the actor is staff in a role that treats or advises on patients.
    pub fn require_clinical(&self) -> Result<&HospitalId, AppError> {
        if self.actor.kind != ActorKind::Patient && self.actor.is_clinical() {
            self.hospital()
        } else {
            Err(AppError::denied("clinical-role-missing"))
        }
    }
}
