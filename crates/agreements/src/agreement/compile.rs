//! From an agreement to the rows that decide: grants for reading, act rows for doing.

use std::collections::BTreeSet;

use kernel::{HospitalId, Instant, ResourceId};

use super::{Agreement, Clause, command::grants_now};
use crate::{ClassSet, GrantRow, RecordClass};

/// What a clause lets the two hospitals do with each other's cases, from `from` (included) until `until` (excluded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    pub agreement: ResourceId,
    pub clause: u16,
    pub referring: HospitalId,
    pub answering: HospitalId,
    pub services: BTreeSet<String>,
    /// Empty: every specialty.
    pub specialties: BTreeSet<String>,
    pub co_signature: bool,
    pub from: Instant,
    pub until: Instant,
}

/// The grant rows of an agreement as it stands now. Draft, proposed, suspended, ended and withdrawn agreements have
/// none; running out needs no further change because every row carries its last instant.
pub fn compile(a: &Agreement) -> Vec<GrantRow> {
    let Some((from, until)) = window(a) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (number, clause) in a.terms.numbered() {
        let border = a.terms.crosses_border(clause) && clause.conditions.border_consent;
        let row = |custodian: &HospitalId, grantee: &HospitalId, class, outward: bool| GrantRow {
            agreement: a.id.clone(),
            clause: number,
            custodian: custodian.clone(),
            grantee: grantee.clone(),
            class,
            needs_consent: outward && needs_consent(clause, border, class),
            break_glass: outward && clause.conditions.break_glass,
            crosses_border: outward && border,
            from,
            until,
        };
        let lent = |class| match class {
            RecordClass::Imaging if clause.conditions.images_without_identity => {
                RecordClass::ImagesWithoutIdentity
            }
            as_it_is => as_it_is,
        };
        for class in clause.scope.granted().iter().map(lent) {
            rows.push(row(&clause.referring, &clause.answering, class, true));
        }
        for class in answer_classes().iter() {
            rows.push(row(&clause.answering, &clause.referring, class, false));
        }
    }
    rows
}

/// What the answering hospital writes about a case goes home without a further consent: the case itself, messages,
/// the signed opinion, and the directory of who answers.
fn answer_classes() -> ClassSet {
    [
        RecordClass::Cases,
        RecordClass::Messages,
        RecordClass::Documents,
        RecordClass::Directory,
    ]
    .into_iter()
    .collect()
}

fn needs_consent(clause: &Clause, border: bool, class: RecordClass) -> bool {
    !class.is_impersonal() && (clause.conditions.consent || border)
}

/// The act rows of an agreement as it stands now.
pub fn acts(a: &Agreement) -> Vec<ActRow> {
    let Some((from, until)) = window(a) else {
        return Vec::new();
    };
    a.terms
        .numbered()
        .map(|(clause, c)| ActRow {
            agreement: a.id.clone(),
            clause,
            referring: c.referring.clone(),
            answering: c.answering.clone(),
            services: c.services.clone(),
            specialties: c.specialties.clone(),
            co_signature: c.conditions.co_signature,
            from,
            until,
        })
        .collect()
}

fn window(a: &Agreement) -> Option<(Instant, Instant)> {
    if !grants_now(a) {
        return None;
    }
    let from = a.terms.starts()?.max(a.active_since?);
    Some((from, a.terms.runs_out()?))
}
