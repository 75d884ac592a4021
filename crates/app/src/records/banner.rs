//! The identity banner.

use fhir::raw;
use fhir::views::{Deceased, Patient};
use kernel::{Kind, Phi, RecordKey};

use super::patients::{age, names};
use super::view::{Banner, Sex};
use super::{kind, patient_key};
use crate::{App, AppError, Cx};

impl App {
    /// The banner of a patient, as far as the reader may see it; `NotFound` when nothing of the patient may be known.
    pub async fn banner(&self, cx: &Cx, patient: &RecordKey) -> Result<Banner, AppError> {
        let key = patient_key(&patient.hospital, &patient.id);
        let permit = cx.permit();
        let stored = self
            .store
            .get(&permit, &key, None)
            .await?
            .ok_or(AppError::NotFound)?;
        if stored.deleted {
            return Err(AppError::Gone);
        }
        let kinds: [Kind; 1] = [kind("AllergyIntolerance")];
        let allergies = self
            .store
            .records_of(&permit, &key.hospital, &key.id, &kinds, 200)
            .await?;
        let entries = self.entries(cx, &key.hospital, &allergies).0;
        let summary = care::timeline::summarise(&entries);
        let also_at = self.linked(cx, &key).await?;
        let doc = raw::parse(stored.body.reveal())
            .map_err(|e| AppError::Internal(format!("patient: {e}")))?;
        let patient = Patient::from_value(doc.root());
        let age = age(cx, &patient);
        Ok(Banner {
            custodian: self.hospital_line(cx, &key.hospital),
            names: Some(Phi::new(names(&patient))),
            age_years: age.map(|a| a.years),
            age_days: age.and_then(|a| a.days),
            sex: Sex::from_fhir(patient.sex.as_deref()),
            identifiers: self.identifier_lines(cx, &key.hospital, &patient),
            allergies: summary.allergies,
            no_known_allergy: summary.no_known_allergy,
            languages: patient.languages.clone(),
            deceased: patient.deceased.as_ref().map(|d| match d {
                Deceased::On(when) => Phi::new(when.clone()),
                Deceased::Yes => Phi::new(String::new()),
            }),
            birth_date: patient.birth_date.map(Phi::new),
            also_at: also_at
                .iter()
                .map(|k| self.hospital_line(cx, &k.hospital))
                .collect(),
            key,
        })
    }
}
