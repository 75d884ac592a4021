//! Decisions on one thing, and the reasons given for them.
#![allow(clippy::unwrap_used)]

extern crate karez_agreements as agreements;

mod common;

use agreements::agreement::{Agreement, Command, Standing};
use agreements::decision::facts::{CaseSubject, Entry, PastConsent};
use agreements::decision::policy;
use agreements::{
    Action, Actor, ConsentRow, EmergencyRow, Facts, Privilege, Reason, RecordClass, Request, Role,
    ShareItem, ShareRow, Subject, decide,
};
use cedar_policy::{ValidationMode, Validator};
use common::*;
use kernel::{Instant, Kind};

fn consultant() -> Actor {
    staff(
        "cons",
        "saryozen",
        &[Role::Consultant],
        &[Privilege::SignOpinion],
    )
}
fn entry(class: RecordClass) -> Entry {
    Entry {
        custodian: h("qumtagh"),
        kind: Kind::new("Observation").unwrap(),
        id: id("o1"),
        class,
        patient: Some(id("p1")),
        among_staff: false,
    }
}
fn share(item: ShareItem) -> ShareRow {
    ShareRow {
        case: id("k1"),
        agreement: id("a1"),
        custodian: h("qumtagh"),
        patient: id("p1"),
        grantee: h("saryozen"),
        item,
        from: noon(),
        until: Instant::MAX,
    }
}
fn consent(across_border: bool) -> ConsentRow {
    ConsentRow {
        consent: id("c1"),
        custodian: h("qumtagh"),
        patient: id("p1"),
        grantee: None,
        class: None,
        across_border,
        from: noon(),
        until: Instant::MAX,
    }
}
fn world(a: &Agreement) -> Facts {
    let mut facts = Facts {
        consents: vec![consent(true)],
        shares: vec![share(ShareItem::Class(RecordClass::Laboratory))],
        ..Facts::default()
    };
    facts.add_agreement(a, noon());
    facts
}
fn read(actor: &Actor, class: RecordClass, facts: &Facts) -> agreements::Decision {
    let request = Request {
        actor,
        licence_valid: true,
        action: Action::ReadRecord,
        subject: Subject::Entry(entry(class)),
    };
    decide(&request, facts, noon())
}
fn act(actor: &Actor, action: Action, licence_valid: bool, facts: &Facts) -> agreements::Decision {
    let subject = Subject::Case(CaseSubject {
        id: id("k1"),
        referring: h("qumtagh"),
        answering: h("saryozen"),
        service: "second-opinion".into(),
        specialty: "thoracic-surgery".into(),
        patient: id("p1"),
        allocated_to: None,
    });
    decide(
        &Request {
            actor,
            licence_valid,
            action,
            subject,
        },
        facts,
        noon(),
    )
}

#[test]
fn every_generated_policy_fits_the_schema() {
    let mut t = terms();
    t.title = "Quote \" and \\ and\nline".into();
    t.clauses[0].conditions.break_glass = true;
    t.clauses.push(t.clauses[0].clone());
    t.clauses[1].conditions.consent = false;
    t.clauses[1].specialties.clear();
    let facts = world(&active(t, noon()));
    let set = policy::policy_set(&facts).unwrap();
    let validator = Validator::new(policy::schema().unwrap().clone());
    let result = validator.validate(&set, ValidationMode::Strict);
    let errors: Vec<_> = result
        .validation_errors()
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn a_read_names_agreement_clause_and_consent() {
    let d = read(
        &consultant(),
        RecordClass::Laboratory,
        &world(&active(terms(), noon())),
    );
    assert!(d.allowed);
    assert_eq!(
        d.reasons,
        [
            Reason::Agreement {
                agreement: id("a1"),
                number: "QS-2026-014".into(),
                title: "Second opinions".into(),
                clause: 1
            },
            Reason::Consent { consent: id("c1") },
        ]
    );
}

#[test]
fn each_missing_piece_is_named() {
    let a = active(terms(), noon());
    let facts = world(&a);
    let me = consultant();
    let why = |class, facts: &Facts| {
        let d = read(&me, class, facts);
        assert!(!d.allowed);
        d.reasons
    };
    use RecordClass::{Documents, Genetics, Imaging, Laboratory, Unclassified};
    assert_eq!(why(Imaging, &facts), [Reason::NotShared]);
    assert_eq!(
        why(Documents, &facts),
        [Reason::ClassOutside { class: Documents }]
    );
    assert_eq!(
        why(Genetics, &facts),
        [Reason::SensitiveNotNamed { class: Genetics }]
    );
    assert_eq!(why(Unclassified, &facts), [Reason::UnclassifiedNotChosen]);

    let mut no_consent = facts.clone();
    no_consent.consents.clear();
    assert_eq!(why(Laboratory, &no_consent), [Reason::NoConsent]);
    no_consent.past_consents.push(PastConsent {
        consent: id("c1"),
        custodian: h("qumtagh"),
        patient: id("p1"),
        grantee: None,
        withdrawn_at: noon(),
    });
    let withdrawn = Reason::ConsentWithdrawn {
        consent: id("c1"),
        at: noon(),
    };
    assert_eq!(why(Laboratory, &no_consent), [withdrawn]);
    let mut home_only = facts.clone();
    home_only.consents = vec![consent(false)];
    assert_eq!(why(Laboratory, &home_only), [Reason::BorderConsentMissing]);

    assert_eq!(
        why(Laboratory, &Facts::default()),
        [Reason::NoAgreement { with: h("qumtagh") }]
    );
    let suspend = Command::Suspend { reason: "x".into() };
    let cut = world(&step(Some(a), suspend, Some(&admin("qumtagh")), noon()));
    assert!(matches!(
        why(Laboratory, &cut)[..],
        [Reason::AgreementStanding {
            standing: Standing::Suspended,
            since: Some(_),
            ..
        }]
    ));
}

#[test]
fn a_document_nobody_classified_is_read_only_when_chosen_itself() {
    let mut facts = world(&active(terms(), noon()));
    facts.shares = vec![share(ShareItem::Class(RecordClass::Unclassified))];
    assert!(!read(&consultant(), RecordClass::Unclassified, &facts).allowed);
    facts.shares = vec![share(ShareItem::Entry {
        kind: Kind::new("Observation").unwrap(),
        id: id("o1"),
    })];
    assert!(read(&consultant(), RecordClass::Unclassified, &facts).allowed);
}

#[test]
fn break_glass_lifts_consent_only_where_agreed() {
    let row = EmergencyRow {
        id: id("e1"),
        account: consultant().account,
        hospital: h("saryozen"),
        custodian: h("qumtagh"),
        patient: id("p1"),
        from: noon(),
        until: at("2026-06-15T08:00:00Z"),
    };
    let with = |break_glass| {
        let mut t = terms();
        t.clauses[0].conditions.break_glass = break_glass;
        let mut facts = world(&active(t, noon()));
        facts.consents.clear();
        facts.emergencies.push(row.clone());
        facts
    };
    assert!(!read(&consultant(), RecordClass::Laboratory, &with(false)).allowed);
    let d = read(&consultant(), RecordClass::Laboratory, &with(true));
    assert!(
        d.allowed
            && d.reasons.contains(&Reason::Emergency {
                until: Some(row.until)
            })
    );
    let subject = Subject::Record {
        hospital: h("qumtagh"),
        patient: id("p1"),
    };
    let ask = |facts: &Facts| {
        let me = consultant();
        let request = Request {
            actor: &me,
            licence_valid: true,
            action: Action::BreakGlass,
            subject: subject.clone(),
        };
        decide(&request, facts, noon())
    };
    assert!(ask(&with(true)).allowed);
    assert_eq!(ask(&with(false)).reasons, [Reason::BreakGlassNotAgreed]);
}

#[test]
fn acts_need_side_role_privilege_licence_and_clause() {
    let facts = world(&active(terms(), noon()));
    let doctor = staff("doc", "qumtagh", &[Role::Clinician], &[]);
    let coordinator = staff("co", "saryozen", &[Role::Coordinator], &[]);
    assert!(act(&doctor, Action::SendCase, false, &facts).allowed);
    assert!(act(&coordinator, Action::AllocateCase, false, &facts).allowed);
    assert!(act(&consultant(), Action::SignOpinion, true, &facts).allowed);
    let why = |d: agreements::Decision| {
        assert!(!d.allowed);
        d.reasons
    };
    assert_eq!(
        why(act(&consultant(), Action::SignOpinion, false, &facts)),
        [Reason::LicenceNotValid]
    );
    let unprivileged = staff("cons", "saryozen", &[Role::Consultant], &[]);
    let privilege = Privilege::SignOpinion;
    assert_eq!(
        why(act(&unprivileged, Action::SignOpinion, true, &facts)),
        [Reason::PrivilegeMissing { privilege }]
    );
    assert_eq!(
        why(act(&consultant(), Action::AcceptCase, true, &facts)),
        [Reason::RoleMissing {
            role: Role::Coordinator
        }]
    );
    assert_eq!(
        why(act(&doctor, Action::AcceptCase, true, &facts)),
        [Reason::OtherHospital {
            hospital: h("saryozen")
        }]
    );
    let mut t = terms();
    t.clauses[0].specialties = words(&["oncology"]);
    let other = world(&active(t, noon()));
    assert_eq!(
        why(act(&doctor, Action::SendCase, false, &other)),
        [Reason::SpecialtyOutside {
            specialty: "thoracic-surgery".into()
        }]
    );
}

#[test]
fn a_patient_reads_their_own_record_alone() {
    let facts = Facts::default();
    let me = patient(&[("qumtagh", "p1")]);
    assert_eq!(
        read(&me, RecordClass::Genetics, &facts).reasons,
        [Reason::OwnRecord]
    );
    let other = patient(&[("qumtagh", "p2")]);
    assert_eq!(
        read(&other, RecordClass::Vitals, &facts).reasons,
        [Reason::OtherPatient]
    );
}
