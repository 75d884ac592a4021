//! Erasing a patient's record at its custodian: an administrator's act, with a reason, not to be undone.
//!
//! Content of every version, what it is found by, files and their key go in one commit with the audit of it; the
//! ledger of erasures has it done again onto every backup that is restored. What other hospitals keep of their own
//! (an opinion they gave) is theirs to erase.

use agreements::{ActorKind, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, Kind, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::backup::erasures::Erasure;
use store::{Batch, Lookup};

use super::reason;
use crate::accounts::model::Account;
use crate::audit_entry::{Entry, Verb};
use crate::cases::doc::CaseDoc;
use crate::corrections::Correction;
use crate::deidentify::CopyWork;
use crate::docs::{self, Document, Versioned};
use crate::imaging::orders::ImagingOrder;
use crate::opinions::doc::Opinion;
use crate::readings::doc::{ReadingDoc, ReportDraft, SignedReport};
use crate::records::import::{Import, ImportState};
use crate::records::index::PatientIndex;
use crate::records::link::PatientLink;
use crate::sessions::live::Ended;
use crate::sharing::ImageLink;
use crate::viewing::StudyNotes;
use crate::{App, AppError, Cx};

/// Documents looked at on one page while what goes is gathered.
const PAGE: u32 = 1_000;

/// Why a record is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// The patient asked for it, and the law gives the right.
    Request,
    /// A court or an authority ordered it.
    Order,
    /// The record was made by mistake and is nobody's.
    Mistake,
    /// Its time of keeping is over.
    Retention,
}

impl Ground {
    pub const ALL: &'static [Self] = &[Self::Request, Self::Order, Self::Mistake, Self::Retention];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Order => "order",
            Self::Mistake => "mistake",
            Self::Retention => "retention",
        }
    }
}

impl std::str::FromStr for Ground {
    type Err = AppError;
    fn from_str(text: &str) -> Result<Self, AppError> {
        Self::ALL
            .iter()
            .copied()
            .find(|g| g.as_str() == text)
            .ok_or_else(|| AppError::invalid("ground", "required", "a ground is needed"))
    }
}

/// An erasure as the hospital remembers it: that it was done, by whom and why, nothing of what it took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErasureDoc {
    pub patient: Option<ResourceId>,
    pub ground: Ground,
    pub reason: Phi<String>,
    pub by: AccountId,
    pub at: Instant,
}

impl Document for ErasureDoc {
    const KIND: &'static str = "erasure";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// Erases a patient's record at the own hospital. Refused while a hold stands or a case is open. Whoever calls has
    /// had the person prove again who they are.
    pub async fn erase_patient(
        &self,
        cx: &Cx,
        patient: &ResourceId,
        ground: Ground,
        why: &str,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let why = reason(why)?;
        let key = self.own_patient(&hospital, patient).await?;
        self.refuse_held(&hospital, patient, cx.now).await?;
        self.refuse_open_case(&hospital, patient).await?;
        let records = self.beyond_the_record(&hospital, patient).await?;
        let mut batch = Batch::new(cx.now);
        let ended = self
            .unlink_accounts(&mut batch, &hospital, patient, cx.now)
            .await?;
        let id = self
            .note_erasure(cx, &mut batch, Some(&key), ground, why)
            .await?;
        let erasure = Erasure {
            id: id.clone(),
            hospital,
            patient: Some(patient.clone()),
            records,
            at: cx.now,
            by: cx.actor.account.clone(),
        };
        self.store.erase(&erasure, batch).await?;
        self.forget_erased();
        for account in ended {
            self.gate.tell(account);
        }
        Ok(id)
    }

    /// The hospital's memory of an erasure, its audit and its event.
    pub(super) async fn note_erasure(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        patient: Option<&RecordKey>,
        ground: Ground,
        why: Phi<String>,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.hospital()?.clone();
        let note = Versioned {
            key: self.doc_key::<ErasureDoc>(&hospital, &self.new_id()),
            version: 0,
            doc: ErasureDoc {
                patient: patient.map(|p| p.id.clone()),
                ground,
                reason: why,
                by: cx.actor.account.clone(),
                at: cx.now,
            },
        };
        docs::put(batch, &note)?;
        cx.note(
            batch,
            &hospital,
            &Entry {
                patient: patient.map(|p| (&p.hospital, &p.id)),
                ground: Some(ground.as_str()),
                ..Entry::of(Verb::Delete, "record.erased", &note.key)
            },
        );
        Ok(note.key.id)
    }

    /// Erasures of the own hospital, newest first.
    pub async fn erasures(&self, cx: &Cx) -> Result<Vec<ErasureDoc>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<ErasureDoc>(&permit, Some(&hospital), Vec::new(), None, 200, true)
            .await?;
        Ok(found.into_iter().map(|e| e.doc).collect())
    }

    async fn refuse_open_case(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("open-patient", patient.as_str())];
        let open = self
            .find::<CaseDoc>(&permit, Some(hospital), by, None, 1, false)
            .await?;
        if open.is_empty() {
            return Ok(());
        }
        Err(AppError::rejected(
            "erasure-open-case",
            "a case of this patient is open; end it first",
        ))
    }

    /// What is about the patient and the store does not know to be: the index, copies of opinions, what was brought
    /// in, corrections, links to records elsewhere.
    async fn beyond_the_record(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<RecordKey>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let mut keys = vec![self.doc_key::<PatientIndex>(hospital, patient)];
        let by = vec![Lookup::new("patient", patient.as_str())];
        let cases = self
            .find::<CaseDoc>(&permit, Some(hospital), by.clone(), None, PAGE, false)
            .await?;
        for case in &cases {
            let of = vec![Lookup::new("case", format!("{hospital}/{}", case.key.id))];
            let copies = self
                .find::<Opinion>(&permit, Some(hospital), of, None, PAGE, false)
                .await?;
            keys.extend(copies.into_iter().map(|o| o.key));
        }
        let corrections = self
            .find::<Correction>(&permit, Some(hospital), by, None, PAGE, false)
            .await?;
        keys.extend(corrections.into_iter().map(|c| c.key));
        let own = RecordKey::new(hospital.clone(), Kind::new("Patient")?, patient.clone());
        let by = vec![Lookup::new("patient", own.to_string())];
        let links = self
            .find::<PatientLink>(&permit, None, by, None, PAGE, false)
            .await?;
        keys.extend(links.into_iter().map(|l| l.key));
        // What this hospital's readers keep about the patient's images.
        self.all_of::<StudyNotes>(&own, &mut keys).await?;
        self.all_of::<ReadingDoc>(&own, &mut keys).await?;
        self.all_of::<ReportDraft>(&own, &mut keys).await?;
        self.all_of::<SignedReport>(&own, &mut keys).await?;
        self.all_of::<ImageLink>(&own, &mut keys).await?;
        self.all_of::<ImagingOrder>(&own, &mut keys).await?;
        self.all_of::<CopyWork>(&own, &mut keys).await?;
        let mut after = None;
        loop {
            let page = self
                .find::<Import>(
                    &permit,
                    Some(hospital),
                    Vec::new(),
                    after.take(),
                    PAGE,
                    false,
                )
                .await?;
            after = page.last().map(|i| i.key.id.clone());
            let full = page.len() == PAGE as usize;
            keys.extend(page.into_iter().filter_map(|i| match &i.doc.state {
                ImportState::Done { patient: of, .. } if of == patient => Some(i.key),
                _ => None,
            }));
            if !full {
                return Ok(keys);
            }
        }
    }

    /// Every document of a kind that its hospital found by this patient.
    async fn all_of<T: Document>(
        &self,
        patient: &RecordKey,
        keys: &mut Vec<RecordKey>,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let mut after = None;
        loop {
            let by = vec![Lookup::new("patient", patient.to_string())];
            let hospital = Some(&patient.hospital);
            let page = self
                .find::<T>(&permit, hospital, by, after.take(), PAGE, false)
                .await?;
            after = page.last().map(|d| d.key.id.clone());
            let full = page.len() == PAGE as usize;
            keys.extend(page.into_iter().map(|d| d.key));
            if !full {
                return Ok(());
            }
        }
    }

    /// Accounts lose their link to the record; a patient's account that has none left is suspended. Gives those whose
    /// sessions end.
    async fn unlink_accounts(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        patient: &ResourceId,
        now: Instant,
    ) -> Result<Vec<Ended>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("patient", format!("{hospital}/{patient}"))];
        let network = HospitalId::network();
        let found = self
            .find::<Account>(&permit, Some(&network), by, None, PAGE, false)
            .await?;
        let mut ended = Vec::new();
        for mut account in found {
            account
                .doc
                .patients
                .retain(|l| &l.hospital != hospital || &l.patient != patient);
            if account.doc.kind == ActorKind::Patient && account.doc.patients.is_empty() {
                account.doc.suspended = Some(now);
            }
            docs::put(batch, &account)?;
            for session in &self.sessions_of(&account.doc.id, now).await? {
                Self::end_session(batch, session);
            }
            let end = Ended::Account(account.doc.id.clone());
            end.announce(batch, &account.key);
            ended.push(end);
        }
        Ok(ended)
    }
}
