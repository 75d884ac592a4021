//! How long records are kept, and what is proposed when that time is over.
//!
//! The table is where a hospital begins, not legal advice: it names the longest time each jurisdiction is known to
//! ask for, and where none is known, the longest of all. Only what an administrator approves is destroyed.

use agreements::{RecordClass, Role, SystemPurpose};
use jiff::SignedDuration;
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::backup::erasures::Erasure;
use store::{Batch, Lookup};

use super::erase::Ground;
use super::reason;
use crate::cases::doc::CaseDoc;
use crate::docs::{self, Document, Versioned};
use crate::opinions::doc::Opinion;
use crate::records::index::PatientIndex;
use crate::{App, AppError, Cx};

/// Years a record is kept after its newest entry, by jurisdiction and, where it differs, class.
const YEARS: &[(&str, Option<RecordClass>, u16)] = &[
    // Regulations on the management of medical records of medical institutions (2013), article 29: inpatient 30.
    ("CN", None, 30),
    // Records Management Code of Practice (NHS England): 8 years for adults, until the 25th birthday for children; the
    // longer covers both. Mental health 20 years after the last contact, which it covers too.
    ("GB", None, 25),
    ("GB", Some(RecordClass::MentalHealth), 25),
];
/// Where nothing is known.
const YEARS_OTHERWISE: u16 = 30;
/// Patients looked at in one run.
const PATIENTS_AT_ONCE: u32 = 200;
/// Copies of opinions looked at in one run.
const COPIES_AT_ONCE: u32 = 500;
/// Entries of one patient that are looked at.
const ENTRIES_MAX: u32 = 10_000;

/// How long an entry of this class is kept in this jurisdiction, years.
pub fn years(jurisdiction: &str, class: RecordClass) -> u16 {
    let of = |wanted: Option<RecordClass>| {
        YEARS
            .iter()
            .find(|(j, c, _)| *j == jurisdiction && *c == wanted)
            .map(|(_, _, years)| *years)
    };
    of(Some(class))
        .or_else(|| of(None))
        .unwrap_or(YEARS_OTHERWISE)
}

fn later(from: Instant, days: i64) -> Instant {
    from.checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Instant::MAX)
}

/// What is proposed to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Subject {
    /// A patient's whole record.
    Record { patient: ResourceId },
    /// The copies of sealed opinions this hospital keeps of a case that closed elsewhere.
    Copies {
        case: RecordKey,
        patient: ResourceId,
        opinions: Vec<ResourceId>,
    },
}

impl Subject {
    fn name(&self) -> String {
        match self {
            Self::Record { patient } => format!("record/{patient}"),
            Self::Copies { case, .. } => format!("copies/{}/{}", case.hospital, case.id),
        }
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum DisposalState {
    Proposed,
    Destroyed {
        by: AccountId,
        at: Instant,
    },
    /// Kept on until then.
    Kept {
        by: AccountId,
        until: Instant,
    },
}

/// A proposal as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Disposal {
    pub subject: Subject,
    /// When its time was over.
    pub due: Instant,
    pub proposed: Instant,
    pub state: DisposalState,
}

impl Document for Disposal {
    const KIND: &'static str = "disposal";
    fn lookups(&self) -> Vec<Lookup> {
        let mut all = vec![Lookup::unique("subject", self.subject.name())];
        if self.state == DisposalState::Proposed {
            all.push(Lookup::new("waiting", "yes"));
        }
        all
    }
}

/// A proposal with its id, and whether a hold stands against it.
#[derive(Debug, Clone)]
pub struct DisposalView {
    pub id: ResourceId,
    pub disposal: Disposal,
    pub held: bool,
}

/// Where the next run goes on, by hospital.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Round {
    patient: Option<ResourceId>,
    opinion: Option<ResourceId>,
}

impl Document for Round {
    const KIND: &'static str = "retention-round";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// Looks at the next records of every hospital and proposes those whose time is over. Gives how many.
    pub async fn retention_round(&self) -> Result<usize, AppError> {
        let mut proposed = 0;
        for hospital in self.all_hospitals() {
            let permit = self.system(SystemPurpose::Job);
            let id = ResourceId::new("round")?;
            let found = self.load::<Round>(&permit, &hospital.id, &id).await?;
            let mut round = found.unwrap_or_else(|| Versioned {
                key: self.doc_key::<Round>(&hospital.id, &id),
                version: 0,
                doc: Round::default(),
            });
            let mut batch = Batch::new(self.now());
            let due = self
                .due_records(&hospital.id, &hospital.jurisdiction, &mut round.doc)
                .await?;
            let copies = self.due_copies(&hospital.id, &mut round.doc).await?;
            for (subject, due) in due.into_iter().chain(copies) {
                proposed +=
                    usize::from(self.propose(&mut batch, &hospital.id, subject, due).await?);
            }
            docs::put(&mut batch, &round)?;
            self.store.commit(batch).await?;
        }
        Ok(proposed)
    }

    async fn due_records(
        &self,
        hospital: &HospitalId,
        jurisdiction: &str,
        round: &mut Round,
    ) -> Result<Vec<(Subject, Instant)>, AppError> {
        let (permit, now) = (self.system(SystemPurpose::Job), self.now());
        let after = round.patient.take();
        let page = self
            .find::<PatientIndex>(
                &permit,
                Some(hospital),
                Vec::new(),
                after,
                PATIENTS_AT_ONCE,
                false,
            )
            .await?;
        if page.len() == PATIENTS_AT_ONCE as usize {
            round.patient = page.last().map(|p| p.key.id.clone());
        }
        let mut due = Vec::new();
        for patient in page {
            let id = patient.key.id;
            let entries = self
                .store
                .records_of(&permit, hospital, &id, &[], ENTRIES_MAX)
                .await?;
            let over = entries
                .iter()
                .map(|e| later(e.at, 365 * i64::from(years(jurisdiction, e.class)) + 8))
                .max();
            if let Some(over) = over.filter(|over| *over <= now) {
                due.push((Subject::Record { patient: id }, over));
            }
        }
        Ok(due)
    }

    /// Copies of opinions on cases of other hospitals, closed for longer than the agreement lets them be kept.
    async fn due_copies(
        &self,
        hospital: &HospitalId,
        round: &mut Round,
    ) -> Result<Vec<(Subject, Instant)>, AppError> {
        let (permit, now) = (self.system(SystemPurpose::Job), self.now());
        let after = round.opinion.take();
        let page = self
            .find::<Opinion>(
                &permit,
                Some(hospital),
                Vec::new(),
                after,
                COPIES_AT_ONCE,
                false,
            )
            .await?;
        if page.len() == COPIES_AT_ONCE as usize {
            round.opinion = page.last().map(|o| o.key.id.clone());
        }
        let mut due: Vec<(Subject, Instant)> = Vec::new();
        for opinion in page.iter().filter(|o| o.doc.case.hospital != *hospital) {
            let case = &opinion.doc.case;
            let known = due.iter_mut().find_map(|(s, _)| match s {
                Subject::Copies {
                    case: c, opinions, ..
                } if c == case => Some(opinions),
                _ => None,
            });
            if let Some(opinions) = known {
                opinions.push(opinion.key.id.clone());
                continue;
            }
            if let Some(over) = self.copies_over(case).await?.filter(|over| *over <= now) {
                let subject = Subject::Copies {
                    case: case.clone(),
                    patient: opinion.doc.patient.clone(),
                    opinions: vec![opinion.key.id.clone()],
                };
                due.push((subject, over));
            }
        }
        Ok(due)
    }

    /// When the copies of a case are over: when it is, and the days its agreement gives have passed.
    async fn copies_over(&self, case: &RecordKey) -> Result<Option<Instant>, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let Some(stored) = self.store.get(&permit, case, None).await? else {
            return Ok(None);
        };
        if stored.deleted {
            // Erased by its custodian: nothing is kept for it any longer.
            return Ok(Some(stored.at));
        }
        let doc: Versioned<CaseDoc> = self.need(&permit, &case.hospital, &case.id).await?;
        if !doc.doc.case.status.is_final() {
            return Ok(None);
        }
        let Some(terms) = &doc.doc.case.terms else {
            return Ok(None);
        };
        let days = self.retention_days(&terms.agreement, terms.clause).await?;
        Ok(days.map(|days| later(stored.at, i64::from(days))))
    }

    /// Adds the proposal unless the subject has one, or is to be kept on.
    async fn propose(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        subject: Subject,
        due: Instant,
    ) -> Result<bool, AppError> {
        let (permit, now) = (self.system(SystemPurpose::Job), self.now());
        let by = vec![Lookup::new("subject", subject.name())];
        let found = self
            .find::<Disposal>(&permit, Some(hospital), by, None, 1, false)
            .await?
            .pop();
        let mut disposal = match found {
            Some(d) => match &d.doc.state {
                DisposalState::Kept { until, .. } if *until <= now => d,
                _ => return Ok(false),
            },
            None => Versioned {
                key: self.doc_key::<Disposal>(hospital, &self.new_id()),
                version: 0,
                doc: Disposal {
                    subject,
                    due,
                    proposed: now,
                    state: DisposalState::Proposed,
                },
            },
        };
        disposal.doc.proposed = now;
        disposal.doc.state = DisposalState::Proposed;
        docs::put(batch, &disposal)?;
        batch.event("disposal.proposed", &disposal.key, "{}");
        Ok(true)
    }

    /// What waits for the own hospital's administrator.
    pub async fn disposals(&self, cx: &Cx) -> Result<Vec<DisposalView>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("waiting", "yes")];
        let found = self
            .find::<Disposal>(&permit, Some(&hospital), by, None, 200, false)
            .await?;
        let mut out = Vec::with_capacity(found.len());
        for d in found {
            out.push(DisposalView {
                held: self
                    .disposal_held(&hospital, &d.doc.subject, cx.now)
                    .await?,
                id: d.key.id,
                disposal: d.doc,
            });
        }
        Ok(out)
    }

    /// A hold at the custodian of the patient counts for copies elsewhere too.
    async fn disposal_held(
        &self,
        hospital: &HospitalId,
        subject: &Subject,
        now: Instant,
    ) -> Result<bool, AppError> {
        match subject {
            Subject::Record { patient } => self.is_held(hospital, patient, now).await,
            Subject::Copies { case, patient, .. } => {
                self.is_held(&case.hospital, patient, now).await
            }
        }
    }

    async fn waiting_disposal(
        &self,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Versioned<Disposal>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found: Versioned<Disposal> = self.need(&permit, hospital, id).await?;
        if found.doc.state == DisposalState::Proposed {
            Ok(found)
        } else {
            Err(AppError::Conflict)
        }
    }

    /// Destroys what was proposed. Whoever calls has had the person prove again who they are.
    pub async fn approve_disposal(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut disposal = self.waiting_disposal(&hospital, id).await?;
        if self
            .disposal_held(&hospital, &disposal.doc.subject, cx.now)
            .await?
        {
            return Err(AppError::rejected(
                "hold-stands",
                "a legal hold stands on this record",
            ));
        }
        disposal.doc.state = DisposalState::Destroyed {
            by: cx.actor.account.clone(),
            at: cx.now,
        };
        match disposal.doc.subject.clone() {
            Subject::Record { patient } => {
                self.erase_patient(cx, &patient, Ground::Retention, "time of keeping is over")
                    .await?;
                let mut batch = Batch::new(cx.now);
                docs::put(&mut batch, &disposal)?;
                self.store.commit(batch).await?;
            }
            Subject::Copies { opinions, .. } => {
                let mut batch = Batch::new(cx.now);
                docs::put(&mut batch, &disposal)?;
                let why = reason("time of keeping is over")?;
                let id = self
                    .note_erasure(cx, &mut batch, None, Ground::Retention, why)
                    .await?;
                let erasure = Erasure {
                    id,
                    records: opinions
                        .iter()
                        .map(|o| self.doc_key::<Opinion>(&hospital, o))
                        .collect(),
                    hospital,
                    patient: None,
                    at: cx.now,
                    by: cx.actor.account.clone(),
                };
                self.store.erase(&erasure, batch).await?;
                self.forget_erased();
            }
        }
        Ok(())
    }

    /// Keeps what was proposed for further years; then it is proposed again.
    pub async fn keep_disposal(
        &self,
        cx: &Cx,
        id: &ResourceId,
        years: u16,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        if !(1..=100).contains(&years) {
            let text = "1 to 100 years";
            return Err(AppError::invalid("years", "keeping-years", text));
        }
        let mut disposal = self.waiting_disposal(&hospital, id).await?;
        disposal.doc.state = DisposalState::Kept {
            by: cx.actor.account.clone(),
            until: later(cx.now, 365 * i64::from(years)),
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &disposal)?;
        self.store.commit(batch).await?;
        Ok(())
    }
}
