//! What stands in a time line.

use fhir::json::Json;
use kernel::{HospitalId, Instant};
use serde::{Deserialize, Serialize};

use super::When;

/// Which record an entry is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    pub custodian: HospitalId,
    pub kind: String,
    pub id: String,
}

/// One entry of a record. Texts are as the source wrote them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub source: Source,
    /// Record class (`laboratory`, …).
    pub class: String,
    /// When it was true of the patient (clinical time); none when the source does not say.
    pub when: Option<When>,
    /// End of a period.
    pub until: Option<When>,
    /// When it was written down or last changed.
    pub recorded: Option<Instant>,
    pub title: String,
    /// The title as the source wrote it, where `title` is its translation.
    pub written: Option<String>,
    /// Conclusion, dose, reaction, note: what a reader wants beside the title.
    pub detail: Option<String>,
    /// The resource's own status code (`final`, `active`, `entered-in-error`, …).
    pub status: Option<String>,
    /// Measured values: one for an observation, several for one with components.
    pub measures: Vec<Measure>,
    /// The worst flag of its measures, or a critical interpretation.
    pub flag: Option<Flag>,
    pub attachments: Vec<Attachment>,
    /// Says that something is absent or not known (`no known food allergy`), not that it is there.
    pub negated: bool,
    /// It was written on paper first and entered later.
    pub late: Option<Late>,
    /// The reference whose words are the title, where the resource has none of its own (`Medication/…`): for whoever
    /// can look it up.
    pub title_at: Option<String>,
}

/// The extension that marks a late entry. Only Karez writes it.
pub const LATE_ENTRY: &str = "urn:karez:late-entry";

/// Why something was entered late, and what the paper says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// When it was true of the patient.
    pub happened: Option<Instant>,
    /// `system-down`, `line-down`, `power-cut`, `other`.
    pub reason: String,
    /// Who wrote it on paper, if another than who entered it.
    pub written_by: Option<String>,
}

/// The mark of a late entry, if the resource bears one.
pub fn late_of<'a, J: Json<'a>>(resource: J) -> Option<Late> {
    let mark = resource
        .list("extension")
        .find(|e| e.str_at("url") == Some(LATE_ENTRY))?;
    let part = |name: &str| {
        mark.list("extension")
            .find(|e| e.str_at("url") == Some(name))
    };
    Some(Late {
        happened: part("happened")
            .and_then(|p| p.str_at("valueDateTime"))
            .and_then(|t| t.parse().ok()),
        reason: part("reason")?.str_at("valueCode")?.to_owned(),
        written_by: part("writtenBy")
            .and_then(|p| p.str_at("valueString"))
            .map(str::to_owned),
    })
}

impl std::fmt::Debug for Entry {
    /// Where it is from, not what it says: entries are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}/{})", self.source.kind, self.source.id)
    }
}

/// How a value lies to its reference range, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    Abnormal,
    Low,
    High,
    CriticallyLow,
    CriticallyHigh,
}

impl Flag {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abnormal => "abnormal",
            Self::Low => "low",
            Self::High => "high",
            Self::CriticallyLow => "critically-low",
            Self::CriticallyHigh => "critically-high",
        }
    }
    pub const fn is_critical(self) -> bool {
        matches!(self, Self::CriticallyLow | Self::CriticallyHigh)
    }
}

/// One measured value, as written and converted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The component's name; none for the observation's own value.
    pub name: Option<String>,
    /// LOINC code, where there is one.
    pub loinc: Option<String>,
    /// The value as the source wrote it, digits and all (`1.10`), or a text or coded value.
    pub value: String,
    /// The unit as the source wrote it.
    pub unit: Option<String>,
    /// UCUM code of the unit.
    pub ucum: Option<String>,
    /// `<`, `<=`, `>=`, `>`.
    pub comparator: Option<String>,
    /// The same in the other common unit.
    pub converted: Option<(String, String)>,
    pub range: Option<Range>,
    pub flag: Option<Flag>,
    /// The value as a number, for plots.
    pub number: Option<f64>,
}

impl Measure {
    /// The value for a list: as written, but one that a machine computed to many digits (`72.72284471936209`) is
    /// rounded to four significant ones and says so with `≈`. The entry itself shows what was written.
    pub fn shown(&self) -> String {
        let digits = self.value.chars().filter(char::is_ascii_digit).count();
        match self.number {
            Some(n) if digits > 6 && self.value.contains('.') => {
                let whole = n.abs().max(1.0).log10().floor();
                // Between 0 and 3 places after the point: `whole` is not below zero.
                let places = (3.0 - whole).max(0.0) as usize;
                format!("≈ {n:.places$}")
            }
            _ => self.value.clone(),
        }
    }
}

/// A reference range as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Range {
    pub low: Option<String>,
    pub high: Option<String>,
    pub text: Option<String>,
}

/// A file of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub title: Option<String>,
    pub media_type: Option<String>,
    pub url: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

/// A source that gave nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub custodian: HospitalId,
    pub reason: GapReason,
    /// When it was asked.
    pub at: Instant,
}

/// Why a source gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// It did not answer.
    Unavailable,
    /// No agreement, consent or case lets the reader see it.
    NotPermitted,
    /// Some entries could not be read as FHIR.
    Unreadable,
    /// More entries than one page holds were left out.
    TooMany,
}

impl GapReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::NotPermitted => "not-permitted",
            Self::Unreadable => "unreadable",
            Self::TooMany => "too-many",
        }
    }
}
