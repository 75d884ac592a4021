//! Over random worlds, Cedar's answer to a read equals the row rules that the store's predicate follows.
#![allow(clippy::unwrap_used)]

extern crate karez_agreements as agreements;

mod common;

use agreements::decision::{facts::Entry, rows};
use agreements::{
    Action, Actor, ActorKind, ConsentRow, EmergencyRow, Facts, GrantRow, Linked, Privilege,
    RecordClass, Request, Role, ShareItem, ShareRow, Subject, decide,
};
use common::*;
use kernel::{AccountId, Instant, Kind};
use proptest::prelude::*;

const CLASSES: [RecordClass; 5] = [
    RecordClass::Laboratory,
    RecordClass::Genetics,
    RecordClass::Unclassified,
    RecordClass::Directory,
    RecordClass::Cases,
];

fn class() -> impl Strategy<Value = RecordClass> {
    prop::sample::select(&CLASSES[..])
}
fn hospital() -> impl Strategy<Value = kernel::HospitalId> {
    prop::sample::select(vec![h("qumtagh"), h("saryozen"), h("northmere")])
}
fn patient_id() -> impl Strategy<Value = kernel::ResourceId> {
    prop::sample::select(vec![id("p1"), id("p2")])
}
fn agreement() -> impl Strategy<Value = kernel::ResourceId> {
    prop::sample::select(vec![id("a1"), id("a2")])
}
fn account() -> impl Strategy<Value = AccountId> {
    prop::sample::select(vec![
        AccountId::new("u1").unwrap(),
        AccountId::new("u2").unwrap(),
    ])
}
/// Mostly in force at noon; sometimes over at that very instant, or beginning with it.
fn window() -> impl Strategy<Value = (Instant, Instant)> {
    let (early, late) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    prop::sample::select(vec![
        (early, late),
        (early, late),
        (noon(), late),
        (early, noon()),
        (late, Instant::MAX),
    ])
}

prop_compose! {
    fn grant()(agreement in agreement(), clause in 1u16..3, custodian in hospital(), grantee in hospital(),
        class in class(), needs_consent: bool, break_glass: bool, crosses_border: bool, (from, until) in window(),
    ) -> GrantRow {
        GrantRow { agreement, clause, custodian, grantee, class, needs_consent, break_glass, crosses_border, from, until }
    }
}
prop_compose! {
    fn consent()(custodian in hospital(), patient in patient_id(), grantee in prop::option::of(hospital()),
        class in prop::option::of(class()), across_border: bool, (from, until) in window(),
    ) -> ConsentRow {
        ConsentRow { consent: id("c"), custodian, patient, grantee, class, across_border, from, until }
    }
}
fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::new("Observation").unwrap(),
        Kind::new("Observation").unwrap(),
        Kind::new("case").unwrap(),
    ])
}
prop_compose! {
    fn item()(entry: bool, kind in kind(), o in 0..2usize, class in class()) -> ShareItem {
        if entry { ShareItem::Entry { kind, id: id(["o1", "o2"][o]) } } else { ShareItem::Class(class) }
    }
}
prop_compose! {
    fn share()(agreement in agreement(), custodian in hospital(), patient in patient_id(), grantee in hospital(),
        item in item(), (from, until) in window(),
    ) -> ShareRow {
        ShareRow { case: id("k"), agreement, custodian, patient, grantee, item, from, until }
    }
}
prop_compose! {
    fn emergency()(account in account(), hospital in hospital(), custodian in hospital(), patient in patient_id(),
        (from, until) in window(),
    ) -> EmergencyRow {
        EmergencyRow { id: id("e"), account, hospital, custodian, patient, from, until }
    }
}
prop_compose! {
    fn linked()(hospital in hospital(), patient in patient_id(), sensitive: bool, consents: bool,
        only in prop::option::weighted(0.4, prop::collection::vec((kind(), Just(id("o1"))), 0..3)),
    ) -> Linked {
        Linked { hospital, patient, sensitive, consents, only }
    }
}
prop_compose! {
    fn actor()(account in account(), kind in 0..3usize, hospital in hospital(), roles in prop::collection::btree_set(
        prop::sample::select(Role::ALL), 0..3), sensitive: bool, linked in prop::collection::vec(linked(), 0..3),
    ) -> Actor {
        let kind = [ActorKind::Staff, ActorKind::Machine, ActorKind::Patient][kind];
        Actor {
            account,
            kind,
            hospital: (kind != ActorKind::Patient).then_some(hospital),
            roles,
            privileges: sensitive.then_some(Privilege::Sensitive).into_iter().collect(),
            linked,
        }
    }
}
prop_compose! {
    fn entry()(custodian in hospital(), kind in kind(), class in class(), patient in prop::option::weighted(0.9, patient_id()),
        among_staff in prop::bool::weighted(0.3)) -> Entry {
        Entry { custodian, kind, id: id("o1"), class, patient, among_staff }
    }
}
prop_compose! {
    fn facts()(grants in prop::collection::vec(grant(), 0..8), consents in prop::collection::vec(consent(), 0..6),
        shares in prop::collection::vec(share(), 0..8), emergencies in prop::collection::vec(emergency(), 0..3),
    ) -> Facts {
        Facts { grants, consents, shares, emergencies, ..Facts::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn cedar_decides_reads_as_the_rows_do(actor in actor(), e in entry(), facts in facts(), aim: bool) {
        let (mut facts, e) = (facts, e);
        // Half of the worlds are aimed at the question, so that permits are not rare.
        if aim && let Some(own) = &actor.hospital {
            for g in &mut facts.grants {
                g.custodian = e.custodian.clone();
                g.grantee = own.clone();
                g.class = e.class;
            }
            for s in &mut facts.shares {
                s.custodian = e.custodian.clone();
                s.grantee = own.clone();
                if let Some(p) = &e.patient { s.patient = p.clone(); }
            }
            for c in &mut facts.consents {
                c.custodian = e.custodian.clone();
                if let Some(p) = &e.patient { c.patient = p.clone(); }
            }
        }
        let request = Request { actor: &actor, licence_valid: false, action: Action::ReadRecord, subject: Subject::Entry(e.clone()) };
        let by_rows = rows::may_read(&actor, &e, &facts, noon());
        let decision = decide(&request, &facts, noon());
        prop_assert!(!decision.reasons.contains(&agreements::Reason::PolicyFault), "policy fault");
        prop_assert_eq!(decision.allowed, by_rows, "{:?}", decision.reasons);
        prop_assert!(decision.reasons.iter().all(|r| r.permits() == by_rows));
    }
}
