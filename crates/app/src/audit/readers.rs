//! Who read a record, for the patient and for those who audit.

use std::collections::BTreeSet;

use kernel::{AccountId, HospitalId, Instant, ResourceId};

use super::{AuditAsk, is_read};
use crate::{App, AppError, Cx};

/// Readings of one person at one hospital that lie close together, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    pub account: Option<AccountId>,
    pub name: String,
    pub hospital: Option<HospitalId>,
    pub roles: Vec<String>,
    pub first: Instant,
    pub last: Instant,
    pub times: u32,
    /// Kinds of records that were read (`Observation`), for words.
    pub kinds: BTreeSet<String>,
    pub ground: Option<String>,
    /// Read under break-glass.
    pub emergency: bool,
}

/// Readings within this many seconds are one visit.
const VISIT_S: i64 = 3600;
/// Entries that one look goes through.
const ENTRIES_MAX: u32 = 1_000;

impl App {
    /// Who read this patient's record, newest first. The patient's own reading is left out.
    pub async fn readers(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<ReaderRow>, AppError> {
        self.may_see_access(cx, custodian, patient).await?;
        let ask = AuditAsk {
            patient: Some(patient.clone()),
            ..AuditAsk::default()
        };
        let view = self.audit_rows(custodian, &ask, ENTRIES_MAX).await?;
        let mut out: Vec<ReaderRow> = Vec::new();
        for r in view.rows {
            let own = r.account.as_ref() == Some(&cx.actor.account);
            if own || r.denied || !is_read(&r.action) || r.roles.iter().any(|r| r == "patient") {
                continue;
            }
            let kinds = r
                .subjects
                .iter()
                .filter_map(|(_, what)| what.split('/').next().map(str::to_owned));
            let hospital = r.hospital.as_deref().and_then(|h| HospitalId::new(h).ok());
            let near = out.iter_mut().find(|v| {
                v.account == r.account
                    && v.hospital == hospital
                    && v.first.duration_since(r.at).as_secs() <= VISIT_S
            });
            let emergency = r
                .ground
                .as_deref()
                .is_some_and(|g| g.contains("break-glass"));
            match near {
                Some(visit) => {
                    visit.first = r.at;
                    visit.times += 1;
                    visit.kinds.extend(kinds);
                    visit.emergency |= emergency;
                }
                None => out.push(ReaderRow {
                    account: r.account,
                    name: r.name,
                    hospital,
                    roles: r.roles,
                    first: r.at,
                    last: r.at,
                    times: 1,
                    kinds: kinds.collect(),
                    ground: r.ground,
                    emergency,
                }),
            }
        }
        Ok(out)
    }

    /// Accounts that read any of these entries of a patient: whom a correction must reach.
    pub(crate) async fn accounts_that_read(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
        entries: &[kernel::RecordKey],
    ) -> Result<Vec<(AccountId, HospitalId)>, AppError> {
        let names: BTreeSet<String> = entries
            .iter()
            .map(|k| format!("{}/{}", k.kind, k.id))
            .collect();
        let mut found = BTreeSet::new();
        let mut ask = AuditAsk {
            patient: Some(patient.clone()),
            ..AuditAsk::default()
        };
        loop {
            let view = self.audit_rows(custodian, &ask, ENTRIES_MAX).await?;
            for r in view.rows {
                // Whoever looked at the record as a whole saw them too.
                let saw = r
                    .subjects
                    .iter()
                    .any(|(_, what)| names.contains(what) || what.starts_with("Patient/"));
                if r.denied || !is_read(&r.action) || !saw {
                    continue;
                }
                let hospital = r.hospital.and_then(|h| HospitalId::new(h).ok());
                if let (Some(account), Some(hospital)) = (r.account, hospital) {
                    found.insert((account, hospital));
                }
            }
            match view.next {
                Some(next) => ask.before = Some(next),
                None => return Ok(found.into_iter().collect()),
            }
        }
    }
}
