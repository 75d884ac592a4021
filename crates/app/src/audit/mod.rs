//! The audit as people use it: looked through, exported, verified, and shown to the patient it is about.

pub mod checkpoints;
pub mod export;
pub mod readers;
pub mod reads;

use agreements::{Action, Subject, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use serde_json::Value;
use store::{AuditFilter, AuditRecord, Batch};

use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx};
pub use checkpoints::{ChainVerdict, CheckpointDoc};
pub use export::ExportFormat;
pub use readers::ReaderRow;

/// Entries on one page.
pub const PAGE: u32 = 100;

/// Which entries are asked for; all given fields must match.
#[derive(Debug, Clone, Default)]
pub struct AuditAsk {
    pub account: Option<AccountId>,
    pub patient: Option<ResourceId>,
    pub action: Option<String>,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
    /// Entries older than this number.
    pub before: Option<u64>,
}

/// One entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRow {
    pub number: u64,
    pub at: Instant,
    pub account: Option<AccountId>,
    pub name: String,
    /// The hospital acted for.
    pub hospital: Option<String>,
    pub roles: Vec<String>,
    pub action: String,
    pub patient: Option<ResourceId>,
    /// `Observation/17` with its custodian.
    pub subjects: Vec<(String, String)>,
    pub ground: Option<String>,
    pub denied: bool,
    pub channel: String,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditView {
    pub rows: Vec<AuditRow>,
    pub next: Option<u64>,
}

impl App {
    /// Entries of the own hospital's chain. Looking is itself an entry.
    pub async fn audit_page(&self, cx: &Cx, ask: &AuditAsk) -> Result<AuditView, AppError> {
        let hospital = self.may_audit(cx).await?;
        self.audit_looked(cx, &hospital, "audit.read", ask).await?;
        self.audit_rows(&hospital, ask, PAGE).await
    }

    /// The hospital whose chain the actor may read.
    async fn may_audit(&self, cx: &Cx) -> Result<HospitalId, AppError> {
        let hospital = cx.hospital()?.clone();
        let subject = Subject::Hospital(hospital.clone());
        self.require(cx, Action::ReadAudit, subject).await?;
        Ok(hospital)
    }

    async fn audit_looked(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        action: &str,
        ask: &AuditAsk,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        batch.audit.push(cx.audit(
            hospital,
            &Entry {
                verb: Verb::Read,
                action,
                subjects: &[],
                patient: ask.patient.as_ref().map(|p| (hospital, p)),
                ground: None,
                denied: false,
            },
        ));
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn audit_rows(
        &self,
        hospital: &HospitalId,
        ask: &AuditAsk,
        limit: u32,
    ) -> Result<AuditView, AppError> {
        // What waits in the batch of reads belongs to the answer.
        self.flush_reads().await?;
        let permit = self.system(SystemPurpose::Audit);
        let filter = AuditFilter {
            account: ask.account.clone(),
            patient: ask.patient.clone(),
            action: ask.action.clone(),
            from: ask.from,
            until: ask.until,
            before: ask.before,
            limit,
        };
        let page = self.store.audit(&permit, hospital, &filter).await?;
        Ok(AuditView {
            rows: page.records.iter().map(row).collect(),
            next: page.next,
        })
    }

    /// Whether the actor may know who looked at a patient's record: the patient, and those who audit.
    pub(crate) async fn may_see_access(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let subject = Subject::Record {
            hospital: custodian.clone(),
            patient: patient.clone(),
        };
        self.require(cx, Action::ReadAccessLog, subject).await?;
        Ok(())
    }

    /// Adds a notice to every administrator of a hospital.
    pub(crate) async fn tell_administrators(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        what: &str,
        subject: &RecordKey,
    ) -> Result<(), AppError> {
        let drafts = self
            .people_at(hospital, Some(agreements::Role::Administrator))
            .await?
            .into_iter()
            .map(|p| crate::notices::Draft {
                to: p.account,
                hospital: hospital.clone(),
                what: what.to_owned(),
                urgent: true,
                subject: subject.clone(),
                number: String::new(),
            })
            .collect();
        self.notify(batch, drafts)
    }
}

/// Whether an action word is a read of patient data.
pub(crate) fn is_read(action: &str) -> bool {
    action.ends_with(".read") || action.ends_with(".opened-file") || action.ends_with(".searched")
}

/// On what an entry rested, as it was written.
pub(crate) fn ground_of(body: &[u8]) -> Option<String> {
    let v: Value = serde_json::from_slice(body).ok()?;
    v.get("outcomeDesc")?.as_str().map(str::to_owned)
}

/// An entry as it is shown.
pub(crate) fn row(record: &AuditRecord) -> AuditRow {
    let v: Value = serde_json::from_slice(record.body.reveal()).unwrap_or(Value::Null);
    let text = |pointer: &str| {
        v.pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let list = |pointer: &str| {
        v.pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let roles = list("/agent/0/role")
        .iter()
        .filter_map(|r| r.pointer("/coding/0/code")?.as_str().map(str::to_owned))
        .collect();
    let subjects = list("/entity")
        .iter()
        .filter(|e| e.get("role").is_none())
        .filter_map(|e| {
            let custodian = e.pointer("/detail/0/valueString")?.as_str()?;
            let what = e.pointer("/what/reference")?.as_str()?;
            Some((custodian.to_owned(), what.to_owned()))
        })
        .collect();
    AuditRow {
        number: record.number,
        at: record.at,
        account: record.account.clone(),
        name: text("/agent/0/who/display").unwrap_or_default(),
        hospital: text("/agent/0/location/identifier/value"),
        roles,
        action: record.action.clone(),
        patient: record.patient.clone(),
        subjects,
        ground: text("/outcomeDesc"),
        denied: text("/outcome").is_some_and(|o| o != "0"),
        channel: text("/source/type/0/code").unwrap_or_default(),
    }
}
