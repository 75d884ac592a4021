//! What active agreements offer a referring hospital, and the terms a case is sent under.

use std::collections::{BTreeMap, BTreeSet};

use agreements::agreement::{Agreement, Clause, Standing};
use care::case::{Terms, Urgency};
use kernel::{HospitalId, ResourceId};

use crate::{App, AppError, Cx, Denial};

/// A service that may be asked for now.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceOffer {
    pub terms: Terms,
    pub service: String,
    /// None: every specialty.
    pub specialty: Option<String>,
    /// The agreement's number, for people.
    pub number: String,
    pub title: String,
}

impl App {
    /// Services other hospitals offer the hospital acted for, by agreements in force now.
    pub async fn service_offers(&self, cx: &Cx) -> Result<Vec<ServiceOffer>, AppError> {
        let own = cx.hospital()?;
        let mut offers = Vec::new();
        for a in self.agreements_with(own).await? {
            if a.standing(cx.now) != Standing::Active {
                continue;
            }
            for (number, clause) in a.terms.numbered() {
                if clause.referring != *own {
                    continue;
                }
                let Some(terms) = terms_under(&a, number, clause) else {
                    continue;
                };
                for service in &clause.services {
                    let one = |specialty: Option<String>| ServiceOffer {
                        terms: terms.clone(),
                        service: service.clone(),
                        specialty,
                        number: a.terms.number.clone(),
                        title: a.terms.title.clone(),
                    };
                    if clause.specialties.is_empty() {
                        offers.push(one(None));
                    }
                    offers.extend(clause.specialties.iter().cloned().map(Some).map(one));
                }
            }
        }
        Ok(offers)
    }

    /// The terms under which the hospital acted for may send this now, or why it may not.
    pub async fn case_terms(
        &self,
        cx: &Cx,
        agreement: &ResourceId,
        answering: &HospitalId,
        service: &str,
        specialty: &str,
    ) -> Result<Terms, AppError> {
        let own = cx.hospital()?;
        let found = self
            .load_agreement(agreement)
            .await?
            .filter(|v| v.doc.terms.is_party(own) && v.doc.terms.is_party(answering));
        let Some(a) = found.map(|v| v.doc) else {
            return Err(denied("no-agreement", [("hospital", answering.as_str())]));
        };
        let standing = a.standing(cx.now);
        if standing != Standing::Active {
            let reason = format!("agreement-{}", standing.as_str());
            let args = [
                ("number", a.terms.number.as_str()),
                ("title", &a.terms.title),
            ];
            return Err(denied(&reason, args));
        }
        let mut fits = a.terms.numbered().filter(|(_, c)| {
            c.referring == *own && c.answering == *answering && c.services.contains(service)
        });
        let mut any_service = false;
        let chosen = fits.find(|(_, c)| {
            any_service = true;
            c.specialties.is_empty() || c.specialties.contains(specialty)
        });
        match chosen {
            Some((number, clause)) => terms_under(&a, number, clause)
                .ok_or_else(|| AppError::Internal("an agreement without an end".into())),
            None if any_service => Err(denied("specialty-outside", [("specialty", specialty)])),
            None => Err(denied("service-outside", [("service", service)])),
        }
    }
}

fn denied<const N: usize>(reason: &str, args: [(&str, &str); N]) -> AppError {
    AppError::Denied(Denial {
        reason: reason.to_owned(),
        args: args
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    })
}

fn terms_under(a: &Agreement, number: u16, clause: &Clause) -> Option<Terms> {
    let response_s: BTreeMap<Urgency, u32> = clause
        .conditions
        .response
        .by_urgency()
        .into_iter()
        .filter_map(|(word, minutes)| Some((word.parse().ok()?, minutes.saturating_mul(60))))
        .collect();
    let classes: BTreeSet<String> = granted_by_all(a, clause);
    let crosses_border = a.terms.crosses_border(clause);
    Some(Terms {
        agreement: a.id.clone(),
        clause: number,
        answering: clause.answering.clone(),
        response_s,
        needs_consent: clause.conditions.consent
            || (crosses_border && clause.conditions.border_consent),
        needs_co_signature: clause.conditions.co_signature,
        crosses_border,
        classes,
        until: a.terms.runs_out()?,
    })
}

/// A case under one clause may carry every class the agreement opens in that direction: reading follows the grants of
/// the whole agreement.
fn granted_by_all(a: &Agreement, clause: &Clause) -> BTreeSet<String> {
    a.terms
        .clauses
        .iter()
        .filter(|c| c.referring == clause.referring && c.answering == clause.answering)
        .flat_map(|c| c.scope.granted().iter().collect::<Vec<_>>())
        .map(|c| c.as_str().to_owned())
        .collect()
}
