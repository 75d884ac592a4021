//! Whose a study is by its number: the hospital's patient with this identifier of this issuer, if that is certain.

use agreements::SystemPurpose;
use fhir::search::{ParseOptions, parse_pairs};
use kernel::{HospitalId, ResourceId};
use serde_json::{Value, json};
use store::Stored;

use super::object::Identity;
use crate::{App, AppError};

/// What a look for the patient of a study found.
#[derive(Debug, Clone, Default)]
pub(super) struct Match {
    pub(super) found: Vec<ResourceId>,
    /// The one patient found differs in something that does not change.
    pub(super) differs: bool,
}

impl Match {
    /// The patient, when it is certain.
    pub fn patient(&self) -> Option<ResourceId> {
        match self.found.as_slice() {
            [one] if !self.differs => Some(one.clone()),
            _ => None,
        }
    }
}

impl App {
    /// The hospital's patient whose number this is.
    pub(super) async fn patient_of_study(
        &self,
        hospital: &HospitalId,
        identity: &Identity,
    ) -> Result<Match, AppError> {
        if identity.id.is_empty() || identity.issuer.is_empty() {
            return Ok(Match::default());
        }
        let escaped = |t: &str| {
            let mut out = String::with_capacity(t.len());
            for c in t.chars() {
                if matches!(c, '\\' | '|' | ',' | '$') {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        };
        let value = format!("{}|{}", escaped(&identity.issuer), escaped(&identity.id));
        let own_base = self.fhir_base(hospital);
        let options = ParseOptions {
            lenient: false,
            own_base: &own_base,
            now: self.now(),
        };
        let mut query = parse_pairs("Patient", &[("identifier".to_owned(), value)], &options)
            .map_err(|_| AppError::Internal("a search for a patient".into()))?;
        query.count = 5;
        let permit = self.system(SystemPurpose::Decision);
        let page = self.store.search(&permit, hospital, &query).await?;
        let differs = match page.matches.as_slice() {
            [one] => differs(one, identity),
            _ => false,
        };
        Ok(Match {
            found: page.matches.into_iter().map(|s| s.key.id).collect(),
            differs,
        })
    }
}

/// Whether a patient differs from what a study says in what does not change: day of birth, sex.
fn differs(patient: &Stored, identity: &Identity) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(patient.body.reveal()) else {
        return true;
    };
    let text = |k: &str| body.get(k).and_then(Value::as_str).unwrap_or_default();
    let born: String = text("birthDate").chars().filter(|c| *c != '-').collect();
    let said = identity.birth_date.as_deref().unwrap_or_default();
    let other_day = born.len() == 8 && said.len() == 8 && born != said;
    let sex = match identity.sex.as_deref() {
        Some("M") => "male",
        Some("F") => "female",
        _ => "",
    };
    let known = text("gender");
    let other_sex = !sex.is_empty() && matches!(known, "male" | "female") && known != sex;
    other_day || other_sex
}

/// A patient as a study tells of one.
pub(super) fn new_patient(identity: &Identity) -> Value {
    let mut out = json!({"resourceType": "Patient"});
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    if !identity.id.is_empty() {
        let mut identifier = json!({"value": identity.id});
        if let (Some(of), false) = (identifier.as_object_mut(), identity.issuer.is_empty()) {
            of.insert("system".into(), identity.issuer.clone().into());
        }
        map.insert("identifier".into(), json!([identifier]));
    }
    let names: Vec<Value> = [&identity.name.ideographic, &identity.name.alphabetic]
        .into_iter()
        .filter(|g| !g.is_empty())
        .map(|g| {
            let [family, given, middle, ..] = imaging::name::PersonName::components(g);
            let mut name = json!({"use": "official"});
            if let Some(of) = name.as_object_mut() {
                if !family.is_empty() {
                    of.insert("family".into(), family.into());
                }
                let given: Vec<&str> = [given, middle]
                    .into_iter()
                    .filter(|t| !t.is_empty())
                    .collect();
                if !given.is_empty() {
                    of.insert("given".into(), json!(given));
                }
            }
            name
        })
        .collect();
    if !names.is_empty() {
        map.insert("name".into(), Value::from(names));
    }
    if let Some(d) = identity.birth_date.as_deref().filter(|d| d.len() == 8) {
        let date = format!(
            "{}-{}-{}",
            d.get(..4).unwrap_or_default(),
            d.get(4..6).unwrap_or_default(),
            d.get(6..).unwrap_or_default()
        );
        map.insert("birthDate".into(), date.into());
    }
    let gender = match identity.sex.as_deref() {
        Some("M") => "male",
        Some("F") => "female",
        Some("O") => "other",
        _ => "unknown",
    };
    map.insert("gender".into(), gender.into());
    out
}
