//! Services of partners that active agreements offer, and what an agreement says for one case.

use std::collections::{BTreeMap, BTreeSet};

use agreements::agreement::{Clause, Standing};
use agreements::{Agreement, ClassSet, SystemPurpose};
use care::case::{Case, Terms, Urgency};
use kernel::{HospitalId, Instant, Kind, RecordKey, ResourceId};
use store::{DocQuery, Lookup, Stored};

use super::doc::CaseDoc;
use super::view::Offer;
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// Answered cases that the usual time to an answer is taken from.
const USUAL_OF: usize = 25;

/// Fewer than this say nothing about what is usual.
const USUAL_FROM: usize = 3;

pub(super) fn agreement_kind() -> Kind {
    crate::records::kind("agreement")
}

pub(super) fn parse(stored: &Stored) -> Result<Agreement, AppError> {
    serde_json::from_slice(stored.body.reveal())
        .map_err(|e| AppError::Internal(format!("agreement: {:?}", e.classify())))
}

/// Seconds to an answer per urgency.
fn response_s(clause: &Clause) -> BTreeMap<Urgency, u32> {
    clause
        .conditions
        .response
        .by_urgency()
        .into_iter()
        .filter_map(|(word, minutes)| Some((word.parse().ok()?, minutes.saturating_mul(60))))
        .collect()
}

/// A case under one clause may carry every class the agreement opens in that direction: reading follows the grants of
/// the whole agreement.
fn classes_towards(a: &Agreement, clause: &Clause) -> BTreeSet<String> {
    let mut set = ClassSet::EMPTY;
    for c in &a.terms.clauses {
        if c.referring == clause.referring && c.answering == clause.answering {
            set = set.union(c.scope.granted());
        }
    }
    set.iter().map(|c| c.as_str().to_owned()).collect()
}

fn terms(a: &Agreement, number: u16, clause: &Clause) -> Option<Terms> {
    let crosses_border = a.terms.crosses_border(clause);
    Some(Terms {
        agreement: a.id.clone(),
        clause: number,
        answering: clause.answering.clone(),
        response_s: response_s(clause),
        needs_consent: clause.conditions.consent
            || (crosses_border && clause.conditions.border_consent),
        needs_co_signature: clause.conditions.co_signature,
        crosses_border,
        classes: classes_towards(a, clause),
        retention_days: clause.conditions.retention_days,
        until: a.terms.runs_out()?,
    })
}

/// What the agreement says for this service, whatever its standing.
pub(super) fn terms_of(
    a: &Agreement,
    referring: &HospitalId,
    service: &str,
    specialty: &str,
) -> Option<Terms> {
    let (number, clause) = a.terms.numbered().find(|(_, c)| {
        c.referring == *referring
            && c.services.contains(service)
            && (c.specialties.is_empty() || c.specialties.contains(specialty))
    })?;
    terms(a, number, clause)
}

impl App {
    pub(crate) async fn agreement_now(
        &self,
        id: &ResourceId,
    ) -> Result<Option<Agreement>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let key = RecordKey::new(HospitalId::network(), agreement_kind(), id.clone());
        match self.store.get(&permit, &key, None).await? {
            Some(stored) if !stored.deleted => parse(&stored).map(Some),
            _ => Ok(None),
        }
    }

    /// What an active agreement says for this service; denied when none covers it now.
    pub(crate) async fn case_terms(
        &self,
        referring: &HospitalId,
        agreement: &ResourceId,
        service: &str,
        specialty: &str,
        now: Instant,
    ) -> Result<Terms, AppError> {
        let Some(a) = self.agreement_now(agreement).await? else {
            return Err(AppError::denied("no-agreement"));
        };
        if a.standing(now) != Standing::Active {
            return Err(AppError::denied("agreement-not-active"));
        }
        terms_of(&a, referring, service, specialty)
            .ok_or_else(|| AppError::denied("service-not-covered"))
    }

    /// The terms of a case as they stand now; none while nothing is chosen.
    pub(crate) async fn terms_now(&self, case: &Case, now: Instant) -> Result<Terms, AppError> {
        let r = &case.request;
        let (Some(agreement), Some(service), Some(specialty)) =
            (&r.agreement, &r.service, &r.specialty)
        else {
            return Err(AppError::denied("no-agreement"));
        };
        self.case_terms(&case.hospital, agreement, service, specialty, now)
            .await
    }

    /// What partners offer the hospital acted for, under agreements active now.
    pub async fn offers(&self, cx: &Cx, specialty: Option<&str>) -> Result<Vec<Offer>, AppError> {
        let own = cx.require_clinical()?.clone();
        let query = DocQuery {
            hospital: Some(HospitalId::network()),
            kind: agreement_kind(),
            lookups: Vec::new(),
            after: None,
            limit: 10_000,
            descending: false,
        };
        let permit = self.system(SystemPurpose::Decision);
        let mut offers = Vec::new();
        for stored in self.store.documents(&permit, &query).await? {
            let a = parse(&stored)?;
            if a.standing(cx.now) != Standing::Active {
                continue;
            }
            for (number, clause) in a.terms.numbered().filter(|(_, c)| c.referring == own) {
                if let Some(terms) = terms(&a, number, clause) {
                    offers.extend(self.offers_of(cx, &a, clause, &terms));
                }
            }
        }
        offers.retain(|o| specialty.is_none_or(|s| o.specialty == s));
        let mut usual: BTreeMap<HospitalId, Option<i64>> = BTreeMap::new();
        for offer in &mut offers {
            let partner = offer.partner.id.clone();
            offer.usual_s = match usual.get(&partner) {
                Some(known) => *known,
                None => {
                    let found = self.usual_s(&partner, None).await?;
                    usual.insert(partner, found);
                    found
                }
            };
        }
        offers.sort_by(|a, b| {
            (&a.specialty, &a.partner.name, a.clause).cmp(&(
                &b.specialty,
                &b.partner.name,
                b.clause,
            ))
        });
        Ok(offers)
    }

    /// One offer per service of a clause and specialty it is for.
    fn offers_of(&self, cx: &Cx, a: &Agreement, clause: &Clause, terms: &Terms) -> Vec<Offer> {
        let partner = self.hospital_line(cx, &clause.answering);
        let known = self.hospital(&clause.answering);
        let mut offers = Vec::new();
        for code in &clause.services {
            let service = known
                .as_ref()
                .and_then(|h| h.services.iter().find(|s| s.code == *code));
            let name = service
                .and_then(|s| {
                    let tag = cx.language.tag();
                    s.names.get(tag).or_else(|| s.names.get("en"))
                })
                .cloned()
                .unwrap_or_else(|| code.clone());
            let specialties: Vec<String> = match service {
                Some(s) => vec![s.specialty.clone()],
                None if clause.specialties.is_empty() => vec![code.clone()],
                None => clause.specialties.iter().cloned().collect(),
            };
            for specialty in specialties {
                if !clause.specialties.is_empty() && !clause.specialties.contains(&specialty) {
                    continue;
                }
                offers.push(Offer {
                    agreement: a.id.clone(),
                    agreement_number: a.terms.number.clone(),
                    clause: terms.clause,
                    partner: partner.clone(),
                    service: code.clone(),
                    service_name: name.clone(),
                    specialty,
                    response_s: terms.response_s.iter().map(|(u, s)| (*u, *s)).collect(),
                    needs_consent: terms.needs_consent,
                    needs_co_signature: terms.needs_co_signature,
                    crosses_border: terms.crosses_border,
                    classes: terms.classes.iter().cloned().collect(),
                    usual_s: None,
                    until: terms.until,
                });
            }
        }
        offers
    }

    /// The median time to an answer of a hospital, or of one of its consultants.
    pub(crate) async fn usual_s(
        &self,
        hospital: &HospitalId,
        consultant: Option<&kernel::AccountId>,
    ) -> Result<Option<i64>, AppError> {
        let mut lookups = vec![
            Lookup::new("answering", hospital.as_str()),
            Lookup::new("answered", "yes"),
        ];
        lookups.extend(consultant.map(|c| Lookup::new("consultant", c.as_str())));
        let permit = self.system(SystemPurpose::Decision);
        let limit = u32::try_from(USUAL_OF).unwrap_or(u32::MAX);
        let cases: Vec<Versioned<CaseDoc>> =
            self.find(&permit, None, lookups, None, limit, true).await?;
        let mut times: Vec<i64> = cases
            .iter()
            .filter_map(|c| {
                let case = &c.doc.case;
                let issued = case.answers.iter().find_map(|a| a.issued)?;
                Some(issued.duration_since(case.sent?).as_secs())
            })
            .collect();
        times.sort_unstable();
        Ok((times.len() >= USUAL_FROM).then(|| times[times.len() / 2]))
    }
}
