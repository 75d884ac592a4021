//! Patients' accounts as the hospital that keeps the record sees them.

use agreements::{Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use store::Lookup;

use crate::accounts::model::{Account, LinkLimit, PatientLink, Relation};
use crate::cx::Language;
use crate::sessions::live::Ended;
use crate::{App, AppError, Cx};

/// An account that may see a patient's record as its own.
#[derive(Debug, Clone)]
pub struct LinkedAccount {
    pub account: AccountId,
    pub name: String,
    pub language: Language,
    pub relation: Relation,
    pub until: Option<Instant>,
    pub limits: Vec<LinkLimit>,
}

impl App {
    /// Whose accounts are linked to a patient's record of the hospital acted for. Clinical staff and
    /// administrators of that hospital ask.
    pub async fn linked_accounts(
        &self,
        cx: &Cx,
        patient: &RecordKey,
    ) -> Result<Vec<LinkedAccount>, AppError> {
        may_link(cx, &patient.hospital)?;
        let found = self.accounts_linked(&patient.hospital, &patient.id).await?;
        Ok(found
            .into_iter()
            .map(|(a, link)| LinkedAccount {
                account: a.id,
                name: a.name,
                language: a.language,
                relation: link.relation,
                until: link.valid.until,
                limits: link.limits,
            })
            .collect())
    }

    /// Ends a link at once; open pages of the account close.
    pub async fn end_link(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        account: &AccountId,
    ) -> Result<(), AppError> {
        may_link(cx, &patient.hospital)?;
        let mut found = self
            .load_account(account)
            .await?
            .ok_or(AppError::NotFound)?;
        let before = found.doc.patients.len();
        found
            .doc
            .patients
            .retain(|l| l.hospital != patient.hospital || l.patient != patient.id);
        if found.doc.patients.len() == before {
            return Err(AppError::NotFound);
        }
        let at = Some(&patient.hospital);
        let mut batch = self.account_batch(cx, &found, "account.unlinked", at)?;
        let ended = Ended::Account(account.clone());
        ended.announce(&mut batch, &found.key);
        self.store.commit(batch).await?;
        self.gate.tell(ended);
        Ok(())
    }

    /// Refuses a link to a record that is not there.
    pub(crate) async fn check_patient(&self, link: &PatientLink) -> Result<(), AppError> {
        let key = RecordKey::parse(link.hospital.as_str(), "Patient", link.patient.as_str())?;
        let permit = self.system(SystemPurpose::Decision);
        match self.store.get(&permit, &key, None).await? {
            Some(stored) if !stored.deleted => Ok(()),
            _ => Err(AppError::NotFound),
        }
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

fn may_link(cx: &Cx, hospital: &HospitalId) -> Result<(), AppError> {
    let own = if cx.actor.has(Role::Administrator) {
        cx.hospital()?
    } else {
        cx.require_clinical()?
    };
    if own == hospital {
        Ok(())
    } else {
        Err(AppError::denied("other-hospital"))
    }
}
