//! The life of an agreement.
#![allow(clippy::unwrap_used)]

extern crate karez_agreements as agreements;

mod common;

use agreements::agreement::{
    Command, OpenCase, Rejection, SettledBy, Standing, TermsProblem, compile, contract, decide,
};
use agreements::{Privilege, RecordClass, Role};
use common::*;
use kernel::AccountId;

#[test]
fn two_signatures_within_the_term_make_it_active() {
    let a = proposed(terms(), noon());
    assert!(compile(&a).is_empty(), "a proposal permits nothing");
    let a = sign(a, "qumtagh", noon());
    assert_eq!(a.standing(noon()), Standing::Proposed);
    let a = sign(a, "saryozen", noon());
    assert_eq!(a.standing(noon()), Standing::Active);
    assert!(!compile(&a).is_empty());
}

#[test]
fn signed_early_it_waits_for_its_first_day() {
    let before = at("2025-12-20T00:00:00Z");
    let a = active(terms(), before);
    assert_eq!(a.standing(before), Standing::Signed);
    assert!(compile(&a).is_empty());
    // Midnight of the first day in Asia/Shanghai is 16:00 UTC of the day before.
    let start = at("2025-12-31T16:00:00Z");
    let refused = decide(
        Some(&a),
        &Command::Activate,
        None,
        at("2025-12-31T15:59:59Z"),
    );
    assert_eq!(refused, Err(Rejection::NotBefore { at: start }));
    let a = step(Some(a), Command::Activate, None, start);
    assert_eq!(a.standing(start), Standing::Active);
    let person = decide(Some(&a), &Command::Expire, Some(&admin("qumtagh")), start);
    assert_eq!(person, Err(Rejection::SystemOnly));
}

#[test]
fn an_edit_voids_every_signature() {
    let a = sign(proposed(terms(), noon()), "qumtagh", noon());
    let mut changed = terms();
    changed.clauses[0].conditions.break_glass = true;
    let a = step(
        Some(a),
        Command::Edit { terms: changed },
        Some(&admin("saryozen")),
        noon(),
    );
    assert_eq!(a.standing(noon()), Standing::Draft);
    assert!(a.signatures.is_empty() && a.text.is_none());
    assert!(a.history.iter().any(|l| l.what == "signatures-voided"));
}

#[test]
fn the_signed_text_is_exactly_the_terms() {
    let a = proposed(terms(), noon());
    assert_eq!(a.text.as_deref(), Some(terms().text().unwrap().as_str()));
    assert!(a.text.unwrap().contains("karez-agreement/1"));
}

#[test]
fn only_the_authorised_signer_of_a_party_signs_once() {
    let a = proposed(terms(), noon());
    let sign = |by: &agreements::Actor, party: &str| {
        let command = Command::Sign {
            signature: signature(party),
        };
        decide(Some(&a), &command, Some(by), noon())
    };
    let clerk = staff("admin-qumtagh", "qumtagh", &[Role::Administrator], &[]);
    assert_eq!(sign(&clerk, "qumtagh"), Err(Rejection::MayNotSign));
    assert_eq!(
        sign(&admin("northmere"), "qumtagh"),
        Err(Rejection::NotAParty)
    );
    assert_eq!(
        sign(&admin("saryozen"), "qumtagh"),
        Err(Rejection::ForeignSignature)
    );
    let once = common::sign(a.clone(), "qumtagh", noon());
    let command = Command::Sign {
        signature: signature("qumtagh"),
    };
    let twice = decide(Some(&once), &command, Some(&admin("qumtagh")), noon());
    assert_eq!(twice, Err(Rejection::AlreadySigned));
    let doctor = staff(
        "d",
        "qumtagh",
        &[Role::Clinician],
        &[Privilege::SignOpinion],
    );
    let draft = Command::Draft {
        id: id("x"),
        terms: terms(),
    };
    assert_eq!(
        decide(None, &draft, Some(&doctor), noon()),
        Err(Rejection::NotAdministrator)
    );
}

#[test]
fn suspension_cuts_at_once_and_only_its_party_lifts_it() {
    let a = active(terms(), noon());
    let suspend = Command::Suspend {
        reason: "key lost".into(),
    };
    let a = step(Some(a), suspend, Some(&admin("saryozen")), noon());
    assert_eq!(a.standing(noon()), Standing::Suspended);
    assert!(compile(&a).is_empty());
    let other = decide(Some(&a), &Command::Resume, Some(&admin("qumtagh")), noon());
    assert_eq!(other, Err(Rejection::NotSuspendedByParty));
    let a = step(Some(a), Command::Resume, Some(&admin("saryozen")), noon());
    assert_eq!(a.standing(noon()), Standing::Active);
}

#[test]
fn an_ordinary_end_needs_notice_time_and_settled_cases() {
    let q = admin("qumtagh");
    let a = active(terms(), noon());
    let end = |a: &agreements::Agreement, open: &[OpenCase], now| {
        let command = Command::End {
            reason: String::new(),
            open: open.to_vec(),
        };
        decide(Some(a), &command, Some(&q), now)
    };
    assert_eq!(end(&a, &[], noon()), Err(Rejection::NoNotice));
    let notice = Command::GiveNotice {
        reason: "new partner".into(),
    };
    let a = step(Some(a), notice, Some(&q), noon());
    assert_eq!(
        a.standing(noon()),
        Standing::Active,
        "notice takes nothing away"
    );
    let later = at("2026-07-15T04:00:00Z");
    assert_eq!(
        end(&a, &[], noon()),
        Err(Rejection::NotBefore { at: later })
    );
    let case = OpenCase {
        custodian: h("qumtagh"),
        case: id("k1"),
        number: "K-26-00001".into(),
        owner: Some(AccountId::new("doc").unwrap()),
    };
    let listed = end(&a, std::slice::from_ref(&case), later);
    assert_eq!(listed, Err(Rejection::OpenCases(vec![case.clone()])));
    let nobody = OpenCase {
        owner: None,
        ..case.clone()
    };
    let command = Command::SettleCase {
        case: nobody,
        how: SettledBy::Returned,
    };
    assert_eq!(
        decide(Some(&a), &command, Some(&q), later),
        Err(Rejection::NoOwner)
    );
    let command = Command::SettleCase {
        case: case.clone(),
        how: SettledBy::Returned,
    };
    let a = step(Some(a), command, Some(&q), later);
    assert!(end(&a, &[case], later).is_ok());
}

#[test]
fn it_runs_out_without_anybody_doing_anything() {
    let a = active(terms(), noon());
    let midnight = at("2026-12-31T16:00:00Z");
    assert_eq!(a.standing(midnight), Standing::Expired);
    assert!(compile(&a).iter().all(|g| g.until == midnight));
}

#[test]
fn sensitive_classes_are_granted_only_where_named() {
    let a = active(terms(), noon());
    let outward = |a: &agreements::Agreement, class| {
        compile(a)
            .iter()
            .any(|g| g.class == class && g.custodian == h("qumtagh"))
    };
    assert!(outward(&a, RecordClass::Laboratory) && outward(&a, RecordClass::Unclassified));
    assert!(!outward(&a, RecordClass::Genetics) && !outward(&a, RecordClass::Documents));
    let mut named = terms();
    named.clauses[0].scope.classes = named.clauses[0].scope.classes.with(RecordClass::Genetics);
    named.clauses[0].scope.unclassified_one_by_one = false;
    let a = active(named, noon());
    assert!(outward(&a, RecordClass::Genetics) && !outward(&a, RecordClass::Unclassified));
}

#[test]
fn incomplete_terms_are_not_proposed() {
    let mut t = terms();
    t.clauses[0].services.clear();
    t.clauses[0].conditions.border_consent = false;
    t.last_day = "2025-01-01".parse().unwrap();
    let draft = Command::Draft {
        id: id("a1"),
        terms: t,
    };
    let a = step(None, draft, Some(&admin("qumtagh")), noon());
    // Its last day has passed; a draft is never expired, it is only not proposable.
    let problems = decide(Some(&a), &Command::Propose, Some(&admin("qumtagh")), noon());
    assert_eq!(
        problems,
        Err(Rejection::Terms(vec![
            TermsProblem::Dates,
            TermsProblem::NoService { clause: 1 },
            TermsProblem::BorderConsent {
                clause: 1,
                law: "PIPL art. 39"
            },
        ]))
    );
}

#[test]
fn a_contract_carries_the_terms_there_and_back() {
    let a = active(terms(), noon());
    let json = contract::to_fhir(&a, noon());
    assert_eq!(json["status"], "executed");
    let known = |hospital: &kernel::HospitalId| terms().party(hospital).cloned();
    assert_eq!(contract::from_fhir(&json, &known).unwrap(), terms());
    let stranger = contract::from_fhir(&json, &|_| None).unwrap_err();
    assert_eq!(stranger.expression, "Contract.signer[0].party");
}
