//! What is stored of readings, drafts and signed reports.

use care::reading::{Kind, Reading, Status};
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::Lookup;

use crate::docs::Document;
use crate::opinions::WAITING_FOR_STAMP;
use crate::opinions::doc::StampState;

/// A reading, at the hospital that reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadingDoc {
    pub reading: Reading,
}

pub(crate) fn of_study(study: &RecordKey) -> Lookup {
    Lookup::unique("study", format!("{}/{}", study.hospital, study.id))
}

impl Document for ReadingDoc {
    const KIND: &'static str = "reading";
    fn lookups(&self) -> Vec<Lookup> {
        let r = &self.reading;
        let custodian = &r.study.hospital;
        let mut lookups = vec![
            of_study(&r.study),
            Lookup::new("patient", format!("{custodian}/Patient/{}", r.patient)),
            Lookup::new("status", r.status().as_str()),
        ];
        let second = r.second.as_ref();
        let waits_second = second.is_some_and(|s| s.judgement.is_none());
        if r.status() != Status::Final || waits_second {
            lookups.push(Lookup::new("open", "yes"));
        }
        if r.criticals.iter().any(|c| c.acknowledged.is_none()) {
            lookups.push(Lookup::new("critical", custodian.as_str()));
        }
        if r.next_alarm().is_some() {
            lookups.push(Lookup::new("alarm", "yes"));
        }
        lookups
    }
}

/// The texts of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportText {
    pub technique: Phi<String>,
    pub comparison: Phi<String>,
    pub findings: Phi<String>,
    pub impression: Phi<String>,
    pub recommendation: Phi<String>,
    /// BCP 47 of the texts; empty: the author's language.
    pub language: String,
}

impl ReportText {
    /// Text by the part's code; none for a code that is none.
    pub fn part(&self, code: &str) -> Option<&Phi<String>> {
        Some(match code {
            "technique" => &self.technique,
            "comparison" => &self.comparison,
            "findings" => &self.findings,
            "impression" => &self.impression,
            "recommendation" => &self.recommendation,
            _ => return None,
        })
    }
    pub fn part_mut(&mut self, code: &str) -> Option<&mut Phi<String>> {
        Some(match code {
            "technique" => &mut self.technique,
            "comparison" => &mut self.comparison,
            "findings" => &mut self.findings,
            "impression" => &mut self.impression,
            "recommendation" => &mut self.recommendation,
            _ => return None,
        })
    }
    /// Parts with words in them, in order.
    pub(crate) fn parts(&self) -> Vec<(&'static str, String)> {
        super::REPORT_PARTS
            .into_iter()
            .filter_map(|code| Some((code, self.part(code)?.reveal().trim().to_owned())))
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }
}

/// A reader's draft of a report. One per author and reading, at the author's hospital.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReportDraft {
    pub reading: RecordKey,
    pub patient: RecordKey,
    pub author: AccountId,
    pub text: ReportText,
    pub kept: Option<Instant>,
}

impl ReportDraft {
    pub(crate) fn lookup(reading: &RecordKey, author: &AccountId) -> Lookup {
        Lookup::unique("reading-author", format!("{}/{author}", reading.id))
    }
}

impl Document for ReportDraft {
    const KIND: &'static str = "report-draft";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Self::lookup(&self.reading, &self.author),
            Lookup::new("patient", self.patient.to_string()),
        ]
    }
}

/// A sealed report as one hospital keeps it. The hospital that read and the study's custodian each hold a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignedReport {
    pub reading: RecordKey,
    pub study: RecordKey,
    pub patient: ResourceId,
    /// The hospital that read.
    pub hospital: HospitalId,
    pub author: AccountId,
    pub kind: Kind,
    pub signed: Instant,
    pub addendum_to: Option<ResourceId>,
    /// The sealed file, its exact text.
    pub file: Phi<String>,
    #[serde(default)]
    pub stamp: StampState,
}

impl Document for SignedReport {
    const KIND: &'static str = "report";
    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = vec![
            Lookup::new("reading", self.reading.id.as_str()),
            Lookup::new(
                "patient",
                format!("{}/Patient/{}", self.study.hospital, self.patient),
            ),
        ];
        if self.stamp == StampState::Waiting {
            lookups.push(Lookup::new("stamp", WAITING_FOR_STAMP));
        }
        lookups
    }
}
