//! What a hospital's administrator changes of the hospital: names, city, zone, languages and services offered.
//!
//! Its id, jurisdiction and keys stay: agreements, consents and signatures rest on them.

use std::collections::BTreeMap;

use agreements::{Role, SystemPurpose};
use kernel::{HospitalId, ResourceId};
use store::Batch;

use super::{Hospital, Service};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx, FieldProblem};

/// Names, cities and services, characters.
const NAME_CHARS_MAX: usize = 120;
const SERVICES_MAX: usize = 60;
const LANGUAGES_MAX: usize = 12;

/// What the hospital is to be from now on.
#[derive(Debug, Clone, Default)]
pub struct HospitalChange {
    /// By language tag; `en` is needed.
    pub names: BTreeMap<String, String>,
    pub city: String,
    pub zone: String,
    pub languages: Vec<String>,
    pub services: Vec<Service>,
}

/// The hospital with the version that a change must name, and the service codes agreements in force rest on.
#[derive(Debug, Clone)]
pub struct HospitalState {
    pub hospital: Hospital,
    pub version: u64,
    pub in_use: Vec<String>,
}

impl App {
    /// The administrator's own hospital, to be changed.
    pub async fn hospital_state(&self, cx: &Cx) -> Result<HospitalState, AppError> {
        let id = cx.require(Role::Administrator)?.clone();
        let found = self.hospital_doc(&id).await?;
        let mut in_use: Vec<String> = self
            .agreements_with(&id)
            .await?
            .iter()
            .filter(|a| !a.standing(cx.now).is_over())
            .flat_map(|a| &a.terms.clauses)
            .filter(|c| c.answering == id)
            .flat_map(|c| c.services.iter().cloned())
            .collect();
        in_use.retain(|code| found.doc.services.iter().any(|s| s.code == *code));
        in_use.sort();
        in_use.dedup();
        Ok(HospitalState {
            hospital: found.doc,
            version: found.version,
            in_use,
        })
    }

    /// Changes the hospital acted for. What an agreement that is not over names stays on offer.
    pub async fn change_hospital(
        &self,
        cx: &Cx,
        version: u64,
        change: HospitalChange,
    ) -> Result<(), AppError> {
        let state = self.hospital_state(cx).await?;
        if state.version != version {
            return Err(AppError::Conflict);
        }
        check(&change, &state.in_use)?;
        let id = state.hospital.id.clone();
        let mut found = self.hospital_doc(&id).await?;
        let doc = &mut found.doc;
        let changed: Vec<&str> = [
            ("names", doc.names != change.names),
            ("city", doc.city != change.city),
            ("zone", doc.zone != change.zone),
            ("languages", doc.languages != change.languages),
            ("services", doc.services != change.services),
        ]
        .into_iter()
        .filter_map(|(what, is)| is.then_some(what))
        .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let ground = changed.join(", ");
        doc.names = change.names;
        doc.city = change.city;
        doc.zone = change.zone;
        doc.languages = change.languages;
        doc.services = change.services;
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        cx.note(
            &mut batch,
            &id,
            &Entry {
                ground: Some(&ground),
                ..Entry::of(Verb::Update, "hospital.changed", &found.key)
            },
        );
        self.store.commit(batch).await?;
        self.reload_hospitals().await
    }

    async fn hospital_doc(&self, id: &HospitalId) -> Result<Versioned<Hospital>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let key = ResourceId::new(id.as_str())?;
        self.need(&permit, &HospitalId::network(), &key).await
    }
}

fn check(change: &HospitalChange, in_use: &[String]) -> Result<(), AppError> {
    let mut problems = Vec::new();
    let mut say = |field: &str, code: &'static str, text: &str| {
        problems.push(FieldProblem::new(field, code, text));
    };
    let good = |name: &str| !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if !change.names.get("en").is_some_and(|n| good(n)) {
        say("name-en", "missing", "an English name is needed");
    }
    for (tag, name) in &change.names {
        if !good(name) || !is_tag(tag) {
            say(&format!("name-{tag}"), "name", "a name in a language");
        }
    }
    if change.city.chars().count() > NAME_CHARS_MAX {
        say("city", "name", "the name of a place");
    }
    if jiff::tz::TimeZone::get(&change.zone).is_err() {
        say("zone", "zone", "not an IANA time zone");
    }
    let tags_ok = change.languages.iter().all(|l| is_tag(l));
    if change.languages.is_empty() || change.languages.len() > LANGUAGES_MAX || !tags_ok {
        say("languages", "missing", "at least one language");
    }
    if change.services.len() > SERVICES_MAX {
        say("services", "service-code", "too many services");
    }
    let mut seen = std::collections::BTreeSet::new();
    for (i, s) in change.services.iter().enumerate() {
        if !is_code(&s.code) || !seen.insert(&s.code) {
            let text = "a code of small letters, digits and hyphens, once";
            say(&format!("service-{i}-code"), "service-code", text);
        }
        if !s.names.get("en").is_some_and(|n| good(n)) || !s.names.values().all(|n| good(n)) {
            say(&format!("service-{i}-en"), "missing", "an English name");
        }
        if !is_code(&s.specialty) {
            say(&format!("service-{i}-specialty"), "missing", "a specialty");
        }
    }
    if let Some(kept) = in_use.iter().find(|code| !seen.contains(code)) {
        let text = format!("an agreement names {kept}");
        say("services", "service-in-use", &text);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(problems))
    }
}

/// A language tag of letters, digits and hyphens (BCP 47).
fn is_tag(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A code as agreements name it: `thoracic-surgery`.
pub(crate) fn is_code(text: &str) -> bool {
    (2..=60).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
