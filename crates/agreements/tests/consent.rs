//! Consent with its context.
#![allow(clippy::unwrap_used)]

extern crate karez_agreements as agreements;

mod common;

use agreements::consent::record::NewConsent;
use agreements::consent::{
    Basis, Capacity, ConsentError, ConsentRecord, ConsentState, Emergency, Given, Method,
    PatientFacts, Relation, Scope, ScopeClasses, compile, fhir, record, review_emergency, withdraw,
};
use agreements::{ClassSet, Privilege, RecordClass, Role};
use common::*;
use jiff::tz::TimeZone;
use kernel::Phi;

fn given() -> Given {
    Given {
        relation: Relation::Patient,
        giver: None,
        capacity: Capacity::Full,
        assent: None,
        language: "ug".into(),
        form: "C-3".into(),
        witness: None,
        method: Method::Signature,
    }
}
fn guardian(assent: Option<bool>) -> Given {
    Given {
        relation: Relation::Guardian,
        giver: Some(Phi::new("Mother".into())),
        capacity: Capacity::Limited,
        assent,
        ..given()
    }
}
fn born(date: &str) -> PatientFacts {
    PatientFacts {
        birth: Some(date.parse().unwrap()),
        deceased: false,
        jurisdiction: "CN".into(),
        today: "2026-06-15".parse().unwrap(),
    }
}
fn new(basis: Basis) -> NewConsent {
    NewConsent {
        id: id("c1"),
        custodian: h("qumtagh"),
        patient: id("p1"),
        basis,
        scope: Scope {
            hospitals: Some(vec![h("saryozen")]),
            classes: ScopeClasses::OrdinaryAnd(ClassSet::EMPTY),
            across_border: true,
        },
        from: None,
        until: None,
    }
}
fn take(basis: Basis, facts: &PatientFacts) -> Result<ConsentRecord, ConsentError> {
    let nurse = staff("n", "qumtagh", &[Role::Clinician], &[]);
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    record(new(basis), facts, &zone, &nurse, noon())
}

#[test]
fn a_minor_needs_a_guardian_and_is_heard() {
    let ten = born("2016-01-01");
    assert_eq!(
        take(Basis::Given(given()), &ten),
        Err(ConsentError::MinorNeedsGuardian)
    );
    assert_eq!(
        take(Basis::Given(guardian(None)), &ten),
        Err(ConsentError::AssentNotAsked)
    );
    assert_eq!(
        take(Basis::Given(guardian(Some(false))), &ten),
        Err(ConsentError::AssentRefused)
    );
    let c = take(Basis::Given(guardian(Some(true))), &ten).unwrap();
    // In force until the eighteenth birthday begins in the custodian's zone.
    assert_eq!(c.until, Some(at("2033-12-31T16:00:00Z")));
    assert!(take(Basis::Given(guardian(None)), &born("2024-01-01")).is_ok());
}

#[test]
fn an_adult_with_capacity_decides_alone() {
    let adult = born("1980-01-01");
    assert!(take(Basis::Given(given()), &adult).is_ok());
    let overruled = Given {
        capacity: Capacity::Full,
        ..guardian(None)
    };
    assert_eq!(
        take(Basis::Given(overruled), &adult),
        Err(ConsentError::AdultDecides)
    );
    let absent = Given {
        capacity: Capacity::None,
        ..given()
    };
    assert_eq!(
        take(Basis::Given(absent), &adult),
        Err(ConsentError::NoCapacity)
    );
    let dead = PatientFacts {
        deceased: true,
        ..adult
    };
    assert_eq!(
        take(Basis::Given(given()), &dead),
        Err(ConsentError::Deceased)
    );
}

#[test]
fn a_word_needs_a_witness_and_a_form_a_version() {
    let adult = born("1980-01-01");
    let verbal = Given {
        method: Method::Verbal,
        ..given()
    };
    assert_eq!(
        take(Basis::Given(verbal), &adult),
        Err(ConsentError::WitnessMissing)
    );
    let formless = Given {
        form: " ".into(),
        ..given()
    };
    assert_eq!(
        take(Basis::Given(formless), &adult),
        Err(ConsentError::FormMissing)
    );
}

#[test]
fn withdrawing_leaves_no_row() {
    let c = take(Basis::Given(given()), &born("1980-01-01")).unwrap();
    assert_eq!(compile(&c).len(), 1);
    let me = patient(&[("qumtagh", "p1")]);
    let w = withdraw(&c, &me, Relation::Patient, None, noon()).unwrap();
    assert!(compile(&w).is_empty());
    assert_eq!(w.state(noon()), ConsentState::Withdrawn);
    let stranger = patient(&[("qumtagh", "p2")]);
    let refused = withdraw(&c, &stranger, Relation::Patient, None, noon());
    assert_eq!(refused, Err(ConsentError::NotAllowed));
}

#[test]
fn an_emergency_lasts_three_days_and_is_reviewed_by_someone_else() {
    let basis = Basis::Emergency(Emergency {
        reason: Phi::new("unconscious".into()),
        law: "Civil Code art. 1220".into(),
        review: None,
    });
    let c = take(basis, &born("1980-01-01")).unwrap();
    assert_eq!(c.until, Some(at("2026-06-18T04:00:00Z")));
    let boss = staff("b", "qumtagh", &[Role::Administrator], &[Privilege::Audit]);
    let refused = review_emergency(&c, &boss, false, "was awake", noon()).unwrap();
    assert_eq!(refused.state(noon()), ConsentState::Refused);
    assert!(compile(&refused).is_empty());
    let own = staff("n", "qumtagh", &[Role::Administrator], &[]);
    let refused = review_emergency(&c, &own, true, "", noon());
    assert_eq!(refused, Err(ConsentError::OwnRecording));
}

#[test]
fn named_classes_open_those_and_the_case_alone() {
    let mut c = take(Basis::Given(given()), &born("1980-01-01")).unwrap();
    c.scope.classes = ScopeClasses::Only([RecordClass::Imaging].into_iter().collect());
    let mut classes: Vec<_> = compile(&c).into_iter().map(|r| r.class.unwrap()).collect();
    classes.sort();
    assert_eq!(
        classes,
        [
            RecordClass::Imaging,
            RecordClass::Messages,
            RecordClass::Cases,
            // Whoever may see the images may see them without identity.
            RecordClass::ImagesWithoutIdentity,
        ]
    );
}

#[test]
fn a_fhir_consent_carries_scope_and_context_there_and_back() {
    let g = Given {
        witness: Some(Phi::new("Nurse".into())),
        method: Method::Verbal,
        ..guardian(Some(true))
    };
    let mut c = take(Basis::Given(g), &born("2016-01-01")).unwrap();
    c.scope.classes = ScopeClasses::OrdinaryAnd([RecordClass::Genetics].into_iter().collect());
    let json = fhir::to_fhir(&c, noon());
    assert_eq!(json["status"], "active");
    let read = fhir::from_fhir(&json).unwrap();
    assert_eq!((read.basis, read.scope), (c.basis, c.scope));
    assert_eq!((read.patient.as_str(), read.until), ("p1", c.until));
    let bare = serde_json::json!({"resourceType": "Consent", "status": "active", "patient": {"reference": "Patient/p1"}});
    assert_eq!(
        fhir::from_fhir(&bare).unwrap_err().expression,
        "Consent.extension"
    );
}
