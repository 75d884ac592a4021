//! Patients' accounts as the hospital that keeps the record sees them.

use kernel::ResourceId;
use store::Lookup;

use crate::accounts::model::{Account, PatientLink, Relation};
use crate::cx::Language;
use crate::{App, AppError, Cx};
use agreements::SystemPurpose;
use kernel::{AccountId, HospitalId, Instant};

/// An account that may see a patient's record as its own.
#[derive(Debug, Clone)]
pub struct LinkedAccount {
    pub account: AccountId,
    pub name: String,
    pub language: Language,
    pub relation: Relation,
    pub until: Option<Instant>,
}

impl App {
    /// Whose accounts are linked to a patient's record of the hospital acted for.
    pub async fn linked_accounts(
        &self,
        cx: &Cx,
        patient: &ResourceId,
    ) -> Result<Vec<LinkedAccount>, AppError> {
        let hospital = cx.hospital()?.clone();
        let found = self.accounts_linked(&hospital, patient).await?;
        Ok(found
            .into_iter()
            .map(|(a, link)| LinkedAccount {
                account: a.id,
                name: a.name,
                language: a.language,
                relation: link.relation,
                until: link.valid.until,
            })
            .collect())
    }

    /// Accounts with a link to the record that holds now: whom notices about it go to.
    pub(crate) async fn accounts_linked(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<(Account, PatientLink)>, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Decision);
        let lookup = Lookup::new("patient", format!("{hospital}/{patient}"));
        let network = HospitalId::network();
        let found = self
            .find::<Account>(&permit, Some(&network), vec![lookup], None, 100, false)
            .await?;
        Ok(found
            .into_iter()
            .filter_map(|a| {
                let link = a.doc.patients.iter().find(|l| {
                    &l.hospital == hospital && &l.patient == patient && l.valid.holds(now)
                })?;
                let link = link.clone();
                Some((a.doc, link))
            })
            .collect())
    }
}
