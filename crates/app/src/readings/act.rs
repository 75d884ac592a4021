//! What readers and treating doctors do with a reading, but for drafting and signing.

use agreements::Role;
use care::case::Urgency;
use care::reading::{self, Agreement, Command};
use kernel::{AccountId, HospitalId, Phi, RecordKey, ResourceId};
use store::Batch;

use super::doc::ReadingDoc;
use crate::docs::Versioned;
use crate::notices::Draft;
use crate::{App, AppError, Cx};

/// What is asked for.
#[derive(Debug, Clone)]
pub enum ReadingAct {
    Claim,
    Release,
    SetUrgency(Urgency),
    AskSecond,
    Judge {
        agreement: Agreement,
        text: Phi<String>,
    },
    SeeJudgement,
    /// A finding that cannot wait.
    Raise {
        text: Phi<String>,
    },
    Acknowledge {
        id: ResourceId,
        answer: Option<Phi<String>>,
    },
}

impl ReadingAct {
    const fn action(&self) -> &'static str {
        match self {
            Self::Claim => "reading.claimed",
            Self::Release => "reading.released",
            Self::SetUrgency(_) => "reading.urgency",
            Self::AskSecond => "reading.second-asked",
            Self::Judge { .. } => "reading.second-read",
            Self::SeeJudgement => "reading.second-seen",
            Self::Raise { .. } => "reading.critical",
            Self::Acknowledge { .. } => "reading.acknowledged",
        }
    }
    fn text(&self) -> Option<&Phi<String>> {
        match self {
            Self::Judge { text, .. } | Self::Raise { text } => Some(text),
            Self::Acknowledge { answer, .. } => answer.as_ref(),
            _ => None,
        }
    }
}

/// What people call a reading in notices: modality and the end of its id, nothing of the patient.
pub(super) fn number(doc: &Versioned<ReadingDoc>) -> String {
    let id = doc.key.id.as_str();
    let end = id.get(id.len().saturating_sub(6)..).unwrap_or(id);
    let modality = doc.doc.reading.facts.modalities.first();
    format!("{} {}", modality.map_or("DICOM", String::as_str), end)
}

impl App {
    /// Does it, or refuses with the rule's reason.
    pub async fn reading_act(
        &self,
        cx: &Cx,
        key: &RecordKey,
        act: ReadingAct,
    ) -> Result<(), AppError> {
        let (mut doc, _) = self.reading_doc(cx, key).await?;
        if let Some(text) = act.text()
            && text.reveal().chars().count() > kernel::limits::TEXT_CHARS_MAX
        {
            return Err(AppError::invalid(
                "text",
                "too-long",
                "the text is too long",
            ));
        }
        if let (ReadingAct::Claim | ReadingAct::Raise { .. }, Some(case)) =
            (&act, &doc.doc.reading.case)
        {
            let case = RecordKey::new(
                doc.doc.reading.study.hospital.clone(),
                crate::records::kind("case"),
                case.clone(),
            );
            self.case_to_answer(cx, &case).await?;
        }
        let action = act.action();
        let command = self.command_of(&act);
        let mut batch = Batch::new(cx.now);
        let tell = self.told(&doc, &act).await?;
        let events = reading::decide(&doc.doc.reading, command, Some(&super::by(cx)?), cx.now)?;
        if matches!(act, ReadingAct::Judge { .. }) {
            self.licensed(cx, cx.hospital()?).await?;
        }
        if events.is_empty() {
            return Ok(());
        }
        let drafts = tell
            .into_iter()
            .map(|(to, hospital, what, urgent)| Draft {
                to,
                hospital,
                what: what.into(),
                subject: doc.key.clone(),
                number: number(&doc),
                urgent,
            })
            .filter(|d| d.to != cx.actor.account)
            .collect();
        self.put_reading(cx, &mut batch, &mut doc, events, action)?;
        self.notify(&mut batch, drafts)?;
        self.store.commit(batch).await?;
        Ok(())
    }

    fn command_of(&self, act: &ReadingAct) -> Command {
        match act.clone() {
            ReadingAct::Claim => Command::Claim,
            ReadingAct::Release => Command::Release,
            ReadingAct::SetUrgency(urgency) => Command::SetUrgency(urgency),
            ReadingAct::AskSecond => Command::AskSecond,
            ReadingAct::Judge { agreement, text } => Command::Judge { agreement, text },
            ReadingAct::SeeJudgement => Command::SeeJudgement,
            ReadingAct::Raise { text } => Command::Raise {
                id: self.new_id(),
                text,
            },
            ReadingAct::Acknowledge { id, answer } => Command::Acknowledge { id, answer },
        }
    }

    /// Who is told of an act, as what, and whether it rings.
    async fn told(
        &self,
        doc: &Versioned<ReadingDoc>,
        act: &ReadingAct,
    ) -> Result<Vec<(AccountId, HospitalId, &'static str, bool)>, AppError> {
        let r = &doc.doc.reading;
        Ok(match act {
            ReadingAct::Raise { .. } => self
                .treating(doc, 0)
                .await?
                .into_iter()
                .map(|(a, h)| (a, h, "critical-raised", true))
                .collect(),
            ReadingAct::Acknowledge { id, .. } => r
                .critical(id)
                .map(|c| {
                    (
                        c.by.clone(),
                        r.hospital.clone(),
                        "critical-acknowledged",
                        false,
                    )
                })
                .into_iter()
                .collect(),
            ReadingAct::Judge { agreement, .. } => r
                .reports
                .iter()
                .map(|p| {
                    (
                        p.by.clone(),
                        r.hospital.clone(),
                        "second-read",
                        *agreement == Agreement::Major,
                    )
                })
                .collect(),
            ReadingAct::AskSecond => self
                .people_at(&r.hospital, Some(Role::Consultant))
                .await?
                .into_iter()
                .filter(|p| r.reports.iter().all(|s| s.by != p.account))
                .map(|p| (p.account, r.hospital.clone(), "second-asked", false))
                .collect(),
            _ => Vec::new(),
        })
    }

    /// Who hears of a critical finding at each step: whoever asked, else the doctors of the hospital; then all its doctors,
    /// its coordinators, its administrators.
    pub(super) async fn treating(
        &self,
        doc: &Versioned<ReadingDoc>,
        step: usize,
    ) -> Result<Vec<(AccountId, HospitalId)>, AppError> {
        let r = &doc.doc.reading;
        let hospital = &r.study.hospital;
        if let (0, Some(case)) = (step, &r.case) {
            let permit = self.system(agreements::SystemPurpose::Decision);
            let found = self
                .load::<crate::cases::doc::CaseDoc>(&permit, hospital, case)
                .await?;
            if let Some(case) = found {
                return Ok(vec![(case.doc.case.referrer, hospital.clone())]);
            }
        }
        let role = match step {
            0 | 1 => Role::Clinician,
            2 => Role::Coordinator,
            _ => Role::Administrator,
        };
        let people = self.people_at(hospital, Some(role)).await?;
        Ok(people
            .into_iter()
            .map(|p| (p.account, hospital.clone()))
            .collect())
    }
}
