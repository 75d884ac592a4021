//! Lists and search of the own hospital's patients.

use std::collections::BTreeMap;

use agreements::SystemPurpose;
use care::matching::{self, Match, Person};
use care::search;
use fhir::raw;
use fhir::views::Patient;
use jiff::civil::Date;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use store::{DocQuery, Lookup, Stored};

use super::index::{PatientIndex, identifier_value};
use super::patient_key;
use super::view::{IdentifierLine, Names, PatientPage, PatientRow, Sex};
use crate::docs::{Versioned, kind_of};
use crate::{App, AppError, Cx};

/// Patients on one page of a list.
pub const PATIENTS_PER_PAGE: u32 = 50;

/// How many rows of the index are looked at for one page before the words count as too general.
const LOOKED_AT_MAX: usize = 500;

impl App {
    /// Patients of the hospital acted for: all, newest first, or those whose name, pinyin or identifier begins with each
    /// word typed.
    pub async fn patients(
        &self,
        cx: &Cx,
        typed: &str,
        after: Option<&str>,
    ) -> Result<PatientPage, AppError> {
        let hospital = cx.require_clinical()?.clone();
        let words = search::words(typed);
        let mut after = after.map(ResourceId::new).transpose()?;
        let mut ids: Vec<ResourceId> = Vec::new();
        let mut looked_at = 0;
        let mut page = PatientPage::default();
        // What is typed beyond the index's prefix is compared here, so a page of the index may give fewer patients.
        loop {
            let found = self.index_page(&hospital, &words, after.take()).await?;
            looked_at += found.len();
            let last = found.last().map(|f| f.key.id.clone());
            let full = found.len() == PATIENTS_PER_PAGE as usize;
            ids.extend(
                found
                    .into_iter()
                    .filter(|f| search::matches(f.doc.keys.reveal(), &words))
                    .map(|f| f.key.id),
            );
            let enough = ids.len() >= PATIENTS_PER_PAGE as usize;
            if full && (enough || looked_at >= LOOKED_AT_MAX) {
                page.next = last.as_ref().map(ToString::to_string);
                page.too_many = !words.is_empty();
            }
            if !full || page.next.is_some() {
                break;
            }
            after = last;
        }
        let keys: Vec<_> = ids.iter().map(|id| patient_key(&hospital, id)).collect();
        let open = self.open_cases_by_patient(&hospital).await?;
        page.rows = self
            .store
            .get_many(&cx.permit(), &keys)
            .await?
            .iter()
            .filter_map(|stored| self.patient_row(cx, stored, &open))
            .collect();
        Ok(page)
    }

    async fn index_page(
        &self,
        hospital: &HospitalId,
        words: &[String],
        after: Option<ResourceId>,
    ) -> Result<Vec<Versioned<PatientIndex>>, AppError> {
        let lookups = words
            .iter()
            .map(|w| Lookup::new("word", search::prefix(w)))
            .collect();
        let permit = self.system(SystemPurpose::Decision);
        self.find(
            &permit,
            Some(hospital),
            lookups,
            after,
            PATIENTS_PER_PAGE,
            true,
        )
        .await
    }

    pub(crate) fn patient_row(
        &self,
        cx: &Cx,
        stored: &Stored,
        open_cases: &BTreeMap<ResourceId, u32>,
    ) -> Option<PatientRow> {
        let doc = raw::parse(stored.body.reveal()).ok()?;
        let patient = Patient::from_value(doc.root());
        Some(PatientRow {
            key: stored.key.clone(),
            names: Phi::new(names(&patient)),
            age_years: age(cx, &patient).map(|a| a.years),
            sex: Sex::from_fhir(patient.sex.as_deref()),
            number: self
                .identifier_lines(cx, &stored.key.hospital, &patient)
                .into_iter()
                .next(),
            deceased: patient.deceased.is_some(),
            birth_date: Phi::new(patient.birth_date),
            updated: stored.at,
            open_cases: open_cases.get(&stored.key.id).copied().unwrap_or(0),
        })
    }

    /// Patients of a hospital who may be this person, likeliest first, with the reasons.
    pub(crate) async fn candidates_for(
        &self,
        hospital: &HospitalId,
        person: &Person,
    ) -> Result<Vec<(RecordKey, Match)>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let mut lookups: Vec<Lookup> = person
            .identifiers
            .iter()
            .map(|i| Lookup::new("identifier", identifier_value(i)))
            .collect();
        lookups.extend(
            person
                .birth_date
                .iter()
                .map(|b| Lookup::new("born", b.clone())),
        );
        // Names alone find people born on another day only by a full word: a short prefix would find half the town.
        lookups.extend(
            search::keys(person)
                .into_iter()
                .filter(|k| k.chars().count() >= 6)
                .map(|k| Lookup::new("word", search::prefix(&k))),
        );
        let mut keys: Vec<RecordKey> = Vec::new();
        for lookup in lookups {
            let query = DocQuery {
                hospital: Some(hospital.clone()),
                kind: kind_of::<PatientIndex>(),
                lookups: vec![lookup],
                after: None,
                limit: 100,
                descending: true,
            };
            let found = self.store.documents(&permit, &query).await?;
            keys.extend(found.into_iter().map(|s| patient_key(hospital, &s.key.id)));
        }
        keys.sort();
        keys.dedup();
        let mut list: Vec<_> = self
            .store
            .get_many(&permit, &keys)
            .await?
            .into_iter()
            .filter(|s| !s.deleted)
            .filter_map(|s| {
                let doc = raw::parse(s.body.reveal()).ok()?;
                let m = matching::compare(person, &Person::read(doc.root()));
                (m.grade > matching::Grade::No).then_some((s.key, m))
            })
            .collect();
        list.sort_by(|a, b| b.1.grade.cmp(&a.1.grade).then_with(|| a.0.cmp(&b.0)));
        list.truncate(20);
        Ok(list)
    }

    /// The hospital of this node whose own host an identifier system lies under (`https://yarqum.example/id/patient`).
    fn issuing_hospital(&self, system: &str) -> Option<HospitalId> {
        let host = url::Url::parse(system).ok()?.host_str()?.to_owned();
        let label = host.split('.').next()?;
        let id = HospitalId::new(label).ok()?;
        self.hospital(&id).map(|_| id)
    }

    /// The identifiers of a patient, the custodian's own number first.
    pub(crate) fn identifier_lines(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &Patient,
    ) -> Vec<IdentifierLine> {
        let mut lines: Vec<_> = patient
            .identifiers
            .iter()
            .filter(|i| !i.value.is_empty())
            .map(|i| {
                let system = i.system.as_deref().unwrap_or_default();
                let hospital = self.issuing_hospital(system);
                let kind = match i.kind.as_deref() {
                    Some("NI" | "NNCHN" | "SS" | "NH") => "national",
                    Some("PPN") => "passport",
                    _ if hospital.as_ref() == Some(custodian) => "local",
                    Some("MR") => "record",
                    _ if hospital.is_some() => "record",
                    _ => "other",
                };
                let issuer = match (hospital, &i.assigner) {
                    (Some(h), _) => self.hospital_line(cx, &h).name,
                    (None, Some(assigner)) => assigner.clone(),
                    (None, None) => system.to_owned(),
                };
                IdentifierLine {
                    kind,
                    value: Phi::new(i.value.clone()),
                    issuer,
                    masked: matches!(kind, "national" | "passport"),
                }
            })
            .collect();
        lines.sort_by_key(|l| match l.kind {
            "local" => 0,
            "record" => 1,
            "national" => 2,
            "passport" => 3,
            _ => 4,
        });
        lines
    }
}

/// Names in their own script and in Latin letters. A Han name without a Latin one is given in pinyin.
pub(crate) fn names(patient: &Patient) -> Names {
    let mut native: Vec<String> = patient
        .names
        .iter()
        .filter(|n| !n.is_latin())
        .map(fhir::views::HumanName::display)
        .filter(|n| !n.is_empty())
        .collect();
    native.dedup();
    let latin = patient.latin_name().unwrap_or_else(|| {
        native
            .iter()
            .find(|n| n.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}')))
            .map(|n| pinyin_name(n))
            .unwrap_or_default()
    });
    Names { native, latin }
}

/// Pinyin as names are printed: each word with a capital, syllables of the given name together.
fn pinyin_name(han: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|c| c.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    let latin = matching::latin(han);
    let mut syllables = latin.split(' ').filter(|s| !s.is_empty());
    // A dot parts the names of a person whose name was put into Han from another language.
    if han.contains(['·', '•']) {
        return han
            .split(['·', '•'])
            .map(|part| capital(&matching::latin(part).replace(' ', "")))
            .collect::<Vec<_>>()
            .join(" ");
    }
    let family = syllables.next().map(capital).unwrap_or_default();
    let given: String = syllables.collect();
    format!("{family} {}", capital(&given)).trim().to_owned()
}

/// A person's age on the reader's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    pub years: i16,
    /// Under two years, when the day of birth is known.
    pub days: Option<i32>,
}

/// Age today; none for the dead and where no birth date is known.
pub(crate) fn age(cx: &Cx, patient: &Patient) -> Option<Age> {
    if patient.deceased.is_some() {
        return None;
    }
    age_on(cx, patient.birth_date.as_deref()?)
}

pub(crate) fn age_on(cx: &Cx, birth_date: &str) -> Option<Age> {
    let today = cx.now.to_zoned(cx.zone.clone()).date();
    let year: i16 = birth_date.get(0..4)?.parse().ok()?;
    match birth_date.parse::<Date>() {
        Ok(born) if birth_date.len() == 10 => {
            let years = today.since((jiff::Unit::Year, born)).ok()?.get_years();
            let days = today.since((jiff::Unit::Day, born)).ok()?.get_days();
            Some(Age {
                years,
                days: (years < 2).then_some(days),
            })
        }
        _ => Some(Age {
            years: today.year() - year,
            days: None,
        }),
    }
    .filter(|a| a.years >= 0)
}
