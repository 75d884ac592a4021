//! Two hospitals, their people and one agreement between them.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeSet;

use agreements::agreement::{
    Agreement, Clause, Command, Conditions, DataScope, Party, PartySignature, Residency,
    ResponseTimes, Terms, apply, decide,
};
use agreements::{Actor, ActorKind, ClassSet, Privilege, RecordClass, Role};
use kernel::{AccountId, HospitalId, Instant, ResourceId};

pub fn h(id: &str) -> HospitalId {
    HospitalId::new(id).unwrap()
}
pub fn id(id: &str) -> ResourceId {
    ResourceId::new(id).unwrap()
}
pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}
/// A day on which the agreement below is in force.
pub fn noon() -> Instant {
    at("2026-06-15T04:00:00Z")
}

pub fn staff(account: &str, hospital: &str, roles: &[Role], privileges: &[Privilege]) -> Actor {
    Actor {
        account: AccountId::new(account).unwrap(),
        kind: ActorKind::Staff,
        hospital: Some(h(hospital)),
        roles: roles.iter().copied().collect(),
        privileges: privileges.iter().copied().collect(),
        linked: Vec::new(),
    }
}
pub fn patient(linked: &[(&str, &str)]) -> Actor {
    Actor {
        account: AccountId::new("p").unwrap(),
        kind: ActorKind::Patient,
        hospital: None,
        roles: BTreeSet::from([Role::Patient]),
        privileges: BTreeSet::new(),
        linked: linked
            .iter()
            .map(|(a, b)| agreements::Linked::whole(h(a), id(b)))
            .collect(),
    }
}
pub fn admin(hospital: &str) -> Actor {
    staff(
        &format!("admin-{hospital}"),
        hospital,
        &[Role::Administrator],
        &[Privilege::SignAgreement],
    )
}

pub fn words(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

pub fn terms() -> Terms {
    Terms {
        number: "QS-2026-014".into(),
        title: "Second opinions".into(),
        purpose: "Opinions for patients of the region.".into(),
        language: "en".into(),
        parties: vec![
            Party {
                hospital: h("qumtagh"),
                name: "Qumtagh Regional".into(),
                jurisdiction: "CN".into(),
            },
            Party {
                hospital: h("saryozen"),
                name: "Saryözen Clinical".into(),
                jurisdiction: "KZ".into(),
            },
        ],
        first_day: "2026-01-01".parse().unwrap(),
        last_day: "2026-12-31".parse().unwrap(),
        zone: "Asia/Shanghai".into(),
        notice_days: 30,
        clauses: vec![Clause {
            title: "Second opinions".into(),
            text: String::new(),
            services: words(&["second-opinion"]),
            specialties: words(&["thoracic-surgery"]),
            referring: h("qumtagh"),
            answering: h("saryozen"),
            scope: DataScope {
                classes: ClassSet::ordinary().without(RecordClass::Documents),
                unclassified_one_by_one: true,
            },
            conditions: Conditions {
                consent: true,
                border_consent: true,
                co_signature: false,
                residency: Residency::StaysWithCustodian,
                response: ResponseTimes::default(),
                break_glass: false,
                retention_days: 30,
                images_without_identity: false,
            },
        }],
        continues: None,
    }
}

pub fn signature(party: &str) -> PartySignature {
    PartySignature {
        party: h(party),
        account: admin(party).account,
        name: "Director".into(),
        office: "Director".into(),
        jws: "e30..c2ln".into(),
        key: "k1".into(),
        at: noon(),
    }
}

/// Carries out one command, or panics with the rejection.
pub fn step(
    a: Option<Agreement>,
    command: Command,
    actor: Option<&Actor>,
    now: Instant,
) -> Agreement {
    let events = decide(a.as_ref(), &command, actor, now).unwrap();
    events.iter().fold(a, apply_one).unwrap()
}
fn apply_one(a: Option<Agreement>, e: &agreements::agreement::Event) -> Option<Agreement> {
    apply(a, e)
}

pub fn proposed(terms: Terms, now: Instant) -> Agreement {
    let q = admin("qumtagh");
    let a = step(
        None,
        Command::Draft {
            id: id("a1"),
            terms,
        },
        Some(&q),
        now,
    );
    step(Some(a), Command::Propose, Some(&q), now)
}
pub fn sign(a: Agreement, party: &str, now: Instant) -> Agreement {
    let command = Command::Sign {
        signature: signature(party),
    };
    step(Some(a), command, Some(&admin(party)), now)
}
pub fn active(terms: Terms, now: Instant) -> Agreement {
    sign(sign(proposed(terms, now), "qumtagh", now), "saryozen", now)
}
