//! Decisions on one thing, with their reasons.
//!
//! Cedar decides, from policy generated out of the same rows as the store's SQL predicate. Reasons for a denial are
//! found afterwards by asking the rows what is missing; they never change the answer.

pub mod facts;
pub mod policy;
pub mod reason;
pub mod rows;

use kernel::{HospitalId, Instant};

pub use facts::{Action, AgreementFact, CaseSubject, Entry, Facts, PastConsent, Request, Subject};
pub use reason::{Arg, Reason, Words};

use crate::agreement::Standing;
use crate::{Actor, ActorKind, GrantRow, Privilege, RecordClass, Role};
use policy::Permitting;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// The sentences for a page.
    pub fn words(&self) -> Vec<Words> {
        self.reasons.iter().map(Reason::words).collect()
    }
    /// The agreement that permitted it, if one did.
    pub fn agreement(&self) -> Option<&kernel::ResourceId> {
        self.reasons.iter().find_map(|r| match r {
            Reason::Agreement { agreement, .. } => Some(agreement),
            _ => None,
        })
    }
    fn denied(reasons: Vec<Reason>) -> Self {
        Self {
            allowed: false,
            reasons,
        }
    }
}

/// Decides one request at `now`.
pub fn decide(request: &Request<'_>, facts: &Facts, now: Instant) -> Decision {
    match policy::ask(request, facts, now) {
        Ok(Some(permitting)) => Decision {
            allowed: true,
            reasons: permitted(request, &permitting, facts, now),
        },
        Ok(None) => {
            let mut reasons = denied(request, facts, now);
            if reasons.is_empty() {
                reasons.push(Reason::PolicyFault);
            }
            Decision::denied(reasons)
        }
        Err(_) => Decision::denied(vec![Reason::PolicyFault]),
    }
}

fn permitted(
    request: &Request<'_>,
    permitting: &[Permitting],
    facts: &Facts,
    now: Instant,
) -> Vec<Reason> {
    let mut out = Vec::new();
    // The own house before everything else: it needs no further word.
    let plain = |rule: &str| permitting.iter().any(|p| p.rule == rule);
    if plain("own") {
        return vec![Reason::OwnHospital];
    }
    if plain("own-patient") {
        return vec![Reason::OwnRecord];
    }
    let Some(p) = permitting.iter().find(|p| p.agreement.is_some()) else {
        return vec![emergency(request, facts, now)];
    };
    let id = p.agreement.as_deref().unwrap_or_default();
    if let Some(a) = facts.agreements.iter().find(|a| a.id.as_str() == id) {
        out.push(Reason::Agreement {
            agreement: a.id.clone(),
            number: a.number.clone(),
            title: a.title.clone(),
            clause: p.clause.unwrap_or(0),
        });
    } else if let Ok(agreement) = kernel::ResourceId::new(id) {
        out.push(Reason::Agreement {
            agreement,
            number: id.to_owned(),
            title: String::new(),
            clause: p.clause.unwrap_or(0),
        });
    }
    let (Subject::Entry(e), Some(own)) = (&request.subject, &request.actor.hospital) else {
        return out;
    };
    let mut used = facts
        .grants
        .iter()
        .filter(|g| g.agreement.as_str() == id && Some(g.clause) == p.clause && g.class == e.class);
    if let Some(g) = used.find(|g| g.needs_consent) {
        let consent = facts
            .consents
            .iter()
            .find(|c| c.covers(e, own, now) && (c.across_border || !g.crosses_border));
        out.push(match consent {
            Some(c) => Reason::Consent {
                consent: c.consent.clone(),
            },
            None => emergency(request, facts, now),
        });
    }
    out
}

fn emergency(request: &Request<'_>, facts: &Facts, now: Instant) -> Reason {
    let (custodian, patient) = match &request.subject {
        Subject::Entry(e) => (&e.custodian, e.patient.as_ref()),
        Subject::Record { hospital, patient } => (hospital, Some(patient)),
        Subject::Case(c) => (&c.referring, Some(&c.patient)),
        Subject::Hospital(h) => (h, None),
    };
    let until = facts
        .emergencies
        .iter()
        .filter(|r| r.lifts(&request.actor.account, custodian, patient, now))
        .map(|r| r.until)
        .max();
    Reason::Emergency { until }
}

fn denied(request: &Request<'_>, facts: &Facts, now: Instant) -> Vec<Reason> {
    let Some(own) = request
        .actor
        .hospital
        .as_ref()
        .filter(|_| request.actor.kind != ActorKind::Patient)
    else {
        return vec![Reason::OtherPatient];
    };
    match &request.subject {
        Subject::Entry(e) => denied_read(request.actor, own, e, facts, now),
        Subject::Case(c) => denied_act(request, own, c, facts, now),
        Subject::Record { hospital, .. } | Subject::Hospital(hospital) if hospital != own => {
            if request.action == Action::BreakGlass {
                return denied_break_glass(request.actor, own, hospital, facts, now);
            }
            vec![Reason::OtherHospital {
                hospital: hospital.clone(),
            }]
        }
        Subject::Record { .. } | Subject::Hospital(_) => denied_at_home(request.action),
    }
}

fn denied_at_home(action: Action) -> Vec<Reason> {
    let role = |role| vec![Reason::RoleMissing { role }];
    let privilege = |privilege| vec![Reason::PrivilegeMissing { privilege }];
    match action {
        Action::CorrectRecord => privilege(Privilege::CorrectRecord),
        Action::ReadAudit | Action::ReadAccessLog => privilege(Privilege::Audit),
        Action::SignAgreement => privilege(Privilege::SignAgreement),
        Action::ReviewBreakGlass | Action::ManageAgreements | Action::ManagePeople => {
            role(Role::Administrator)
        }
        _ => role(Role::Clinician),
    }
}

fn denied_break_glass(
    actor: &Actor,
    own: &HospitalId,
    with: &HospitalId,
    facts: &Facts,
    now: Instant,
) -> Vec<Reason> {
    if !actor.is_clinical() {
        return vec![Reason::RoleMissing {
            role: Role::Clinician,
        }];
    }
    let active = facts
        .grants
        .iter()
        .any(|g| g.active(now) && g.custodian == *with && g.grantee == *own);
    if active {
        vec![Reason::BreakGlassNotAgreed]
    } else {
        no_agreement(own, with, facts)
    }
}

/// Which agreements there are that do not help, or that there is none.
fn no_agreement(own: &HospitalId, with: &HospitalId, facts: &Facts) -> Vec<Reason> {
    let mut between: Vec<_> = facts
        .agreements
        .iter()
        .filter(|a| a.parties.contains(own) && a.parties.contains(with))
        .filter(|a| a.standing != Standing::Active)
        .collect();
    // What was in force lately says more than what never was.
    between.sort_by_key(|a| {
        let rank = match a.standing {
            Standing::Suspended => 0,
            Standing::Ended | Standing::Expired => 1,
            Standing::Signed | Standing::Proposed => 2,
            _ => 3,
        };
        (rank, std::cmp::Reverse(a.since))
    });
    match between.first() {
        Some(a) => vec![Reason::AgreementStanding {
            agreement: a.id.clone(),
            number: a.number.clone(),
            title: a.title.clone(),
            standing: a.standing,
            since: a.since,
        }],
        None => vec![Reason::NoAgreement { with: with.clone() }],
    }
}

fn denied_read(
    actor: &Actor,
    own: &HospitalId,
    e: &Entry,
    facts: &Facts,
    now: Instant,
) -> Vec<Reason> {
    if *own == e.custodian {
        return vec![if e.class.is_sensitive() && actor.is_clinical() {
            Reason::PrivilegeMissing {
                privilege: Privilege::Sensitive,
            }
        } else {
            Reason::RoleMissing {
                role: Role::Clinician,
            }
        }];
    }
    if !actor.is_clinical() {
        return vec![Reason::RoleMissing {
            role: Role::Consultant,
        }];
    }
    let active: Vec<&GrantRow> = facts
        .grants
        .iter()
        .filter(|g| g.active(now) && g.custodian == e.custodian && g.grantee == *own)
        .collect();
    if active.is_empty() {
        return no_agreement(own, &e.custodian, facts);
    }
    let for_class: Vec<_> = active.iter().filter(|g| g.class == e.class).collect();
    if for_class.is_empty() {
        return vec![if e.class.is_sensitive() {
            Reason::SensitiveNotNamed { class: e.class }
        } else {
            Reason::ClassOutside { class: e.class }
        }];
    }
    // Several agreements may half permit it: the one that lacks least is explained.
    for_class
        .iter()
        .map(|g| missing_under(g, own, e, facts, now))
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

fn missing_under(
    g: &GrantRow,
    own: &HospitalId,
    e: &Entry,
    facts: &Facts,
    now: Instant,
) -> Vec<Reason> {
    let mut out = Vec::new();
    let shared = |s: &crate::ShareRow| s.agreement == g.agreement && s.opens(e, own, now);
    if !e.kind.is_fhir() {
        out.push(Reason::ClassOutside { class: e.class });
    }
    if !e.class.is_impersonal() && !facts.shares.iter().any(shared) {
        out.push(if e.class == RecordClass::Unclassified {
            Reason::UnclassifiedNotChosen
        } else {
            Reason::NotShared
        });
    }
    if g.needs_consent {
        out.extend(missing_consent(own, e, g.crosses_border, facts, now));
    }
    out
}

fn missing_consent(
    own: &HospitalId,
    e: &Entry,
    crosses: bool,
    facts: &Facts,
    now: Instant,
) -> Option<Reason> {
    let covering: Vec<_> = facts
        .consents
        .iter()
        .filter(|c| c.covers(e, own, now))
        .collect();
    if covering.iter().any(|c| c.across_border || !crosses) {
        return None;
    }
    if !covering.is_empty() {
        return Some(Reason::BorderConsentMissing);
    }
    let past = facts
        .past_consents
        .iter()
        .filter(|c| c.custodian == e.custodian && Some(&c.patient) == e.patient.as_ref())
        .filter(|c| c.withdrawn_at <= now && c.grantee.as_ref().is_none_or(|g| g == own))
        .max_by_key(|c| c.withdrawn_at);
    Some(match past {
        Some(c) => Reason::ConsentWithdrawn {
            consent: c.consent.clone(),
            at: c.withdrawn_at,
        },
        None => Reason::NoConsent,
    })
}

/// The role an act on a case is done in, and whether the referring side does it.
const fn role_for(action: Action) -> (Role, bool) {
    match action {
        Action::SendCase | Action::CancelCase | Action::ActOnAnswer => (Role::Clinician, true),
        Action::AcceptCase | Action::DeclineCase | Action::AllocateCase | Action::AskMore => {
            (Role::Coordinator, false)
        }
        _ => (Role::Consultant, false),
    }
}

fn denied_act(
    request: &Request<'_>,
    own: &HospitalId,
    c: &CaseSubject,
    facts: &Facts,
    now: Instant,
) -> Vec<Reason> {
    let (role, by_referrer) = role_for(request.action);
    let side = if by_referrer {
        &c.referring
    } else {
        &c.answering
    };
    let either =
        request.action == Action::WriteMessage && (*own == c.referring || *own == c.answering);
    if own != side && !either {
        return vec![Reason::OtherHospital {
            hospital: side.clone(),
        }];
    }
    let mut out = Vec::new();
    if either && !request.actor.is_clinical() || !either && !request.actor.has(role) {
        out.push(Reason::RoleMissing { role });
    }
    if matches!(request.action, Action::SignOpinion | Action::CoSignOpinion) {
        if !request.actor.may(Privilege::SignOpinion) {
            out.push(Reason::PrivilegeMissing {
                privilege: Privilege::SignOpinion,
            });
        }
        if !request.licence_valid {
            out.push(Reason::LicenceNotValid);
        }
    }
    let elsewhere = c
        .allocated_to
        .as_ref()
        .is_some_and(|a| *a != request.actor.account);
    if elsewhere && matches!(request.action, Action::AnswerCase | Action::SignOpinion) {
        out.push(Reason::AllocatedElsewhere);
    }
    let active: Vec<_> = facts
        .acts
        .iter()
        .filter(|r| r.active(now) && r.referring == c.referring && r.answering == c.answering)
        .collect();
    if active.is_empty() {
        let other = if *own == c.referring {
            &c.answering
        } else {
            &c.referring
        };
        out.extend(no_agreement(own, other, facts));
    } else if !active.iter().any(|r| r.services.contains(&c.service)) {
        out.push(Reason::ServiceOutside {
            service: c.service.clone(),
        });
    } else if !active.iter().any(|r| {
        r.services.contains(&c.service)
            && (r.specialties.is_empty() || r.specialties.contains(&c.specialty))
    }) {
        out.push(Reason::SpecialtyOutside {
            specialty: c.specialty.clone(),
        });
    }
    out
}
