//! What cases say to a decision: what they share, and which are still open under an agreement.

use agreements::agreement::OpenCase;
use agreements::{ShareItem, ShareRow, SystemPurpose};
use care::case::{Case, Shared};
use kernel::{HospitalId, ResourceId};
use store::Lookup;

use crate::cases::doc::CaseDoc;
use crate::{App, AppError};

/// Cases of one patient, or under one agreement, that are looked at.
const CASES_MAX: u32 = 2_000;

impl App {
    /// What this patient's cases share now.
    pub(crate) async fn shares_of(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<ShareRow>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("patient", patient.as_str())];
        let cases = self
            .find::<CaseDoc>(&permit, Some(custodian), by, None, CASES_MAX, true)
            .await?;
        Ok(cases.iter().flat_map(|v| rows(&v.doc.case)).collect())
    }

    /// Cases under an agreement that are not over, with who holds them.
    pub(crate) async fn open_cases_under(
        &self,
        agreement: &ResourceId,
    ) -> Result<Vec<OpenCase>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("agreement", agreement.as_str())];
        let cases = self
            .find::<CaseDoc>(&permit, None, by, None, CASES_MAX, true)
            .await?;
        Ok(cases
            .into_iter()
            .map(|v| v.doc.case)
            .filter(|c| !c.status.is_final() && c.sent.is_some())
            .map(|c| OpenCase {
                custodian: c.hospital.clone(),
                owner: c.owner().and_then(|o| o.account().cloned()),
                number: c.number,
                case: c.id,
            })
            .collect())
    }
}

fn rows(case: &Case) -> Vec<ShareRow> {
    case.shares()
        .into_iter()
        .filter_map(|s| {
            Some(ShareRow {
                case: s.case,
                agreement: s.agreement,
                custodian: s.custodian,
                patient: s.patient,
                grantee: s.grantee,
                item: match s.what {
                    Shared::Entry(e) => ShareItem::Entry {
                        kind: e.kind,
                        id: e.id,
                    },
                    Shared::Class(class) => ShareItem::Class(class.parse().ok()?),
                },
                from: s.from,
                until: s.until,
            })
        })
        .collect()
}
