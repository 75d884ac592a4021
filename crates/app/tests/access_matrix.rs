//! Who may do what: role × own or other hospital × agreement × consent × kind of act, as one table.
//!
//! The acts called `agreement: …` are what agreement, role and side permit by themselves; that a case also needs the
//! consent is the rule of sending it. Each read is asked four ways — the store's predicate, the decision on one thing, the FHIR use case and the page's
//! use case — and all four must answer alike.
#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

#[path = "policy/world.rs"]
mod world;

use std::fmt::Write as _;

use agreements::consent::Relation;
use agreements::decision::facts::{CaseSubject, Entry};
use agreements::{Action, RecordClass, Role, Subject};
use app::agreements::AgreementAct;
use app::cases::act::CaseAct;
use app::{ActorKind, Cx, Privilege};
use care::case::{Edit, Urgency};
use jiff::SignedDuration;
use kernel::{Phi, RecordKey, ResourceId};
use testkit::records::{hospital_id, id, key, kind};
use world::World;

const AGREEMENTS: [&str; 5] = ["proposed", "active", "suspended", "ended", "expired"];
const CONSENTS: [&str; 4] = ["given", "not-abroad", "withdrawn", "run-out"];

/// The columns: whoever might try.
fn actors(w: &World) -> Vec<(&'static str, Cx)> {
    let plain = |account, hospital, roles: &[Role]| w.staff(account, hospital, roles, &[]);
    let mut machine = plain("machine", "qumtagh", &[Role::Machine]);
    machine.actor.kind = ActorKind::Machine;
    let mut stranger = w.patient();
    stranger.actor.linked = vec![(hospital_id("qumtagh"), id("p2"))];
    vec![
        ("own clinician", w.clinician()),
        (
            "own sensitive",
            w.staff(
                "psych",
                "qumtagh",
                &[Role::Clinician],
                &[Privilege::Sensitive],
            ),
        ),
        ("own admin", w.admin("qumtagh")),
        ("own machine", machine),
        (
            "their coordinator",
            plain("coord", "saryozen", &[Role::Coordinator]),
        ),
        ("their consultant", w.consultant()),
        ("their admin", w.admin("saryozen")),
        (
            "third consultant",
            plain("third", "northmere", &[Role::Consultant]),
        ),
        ("operator", plain("op", "qumtagh", &[Role::Operator])),
        ("the patient", w.patient()),
        ("other patient", stranger),
    ]
}

struct Scene {
    w: World,
    case: RecordKey,
}

/// A case is sent while everything permits it; then agreement and consent become what the block is about.
async fn scene(agreement: &str, consent: &str) -> Scene {
    let w = World::start().await;
    w.put_observation("o-img", "p1", None, "imaging").await;
    w.put_observation("o-gen", "p1", Some("R"), "genetics")
        .await;
    let last = if agreement == "expired" {
        "2026-11-23"
    } else {
        "2027-12-31"
    };
    let signed = agreement != "proposed";
    let id_of = if signed {
        w.agreement_from("2026-01-01", last).await
    } else {
        let cx = w.admin("qumtagh");
        let terms = w.terms("2026-01-01", last);
        let drafted = w.app().draft_agreement(&cx, terms).await.unwrap();
        w.app()
            .agreement_act(&cx, &drafted, AgreementAct::Propose)
            .await
            .unwrap();
        drafted
    };
    let until = (consent == "run-out").then(|| {
        w.node
            .now()
            .checked_add(SignedDuration::from_hours(1))
            .unwrap()
    });
    let given = w.consent_until(true, until).await;
    let case = w.app().start_case(&w.clinician(), &id("p1")).await.unwrap();
    let edit = edit(&id_of, &given);
    w.app()
        .case_act(&w.clinician(), &case, CaseAct::Edit(Box::new(edit)))
        .await
        .unwrap();
    if signed {
        w.app()
            .case_act(&w.clinician(), &case, CaseAct::Send)
            .await
            .unwrap();
    }
    let scene = Scene { w, case };
    scene.change_consent(consent, &given).await;
    scene.change_agreement(agreement, &id_of).await;
    scene
}

fn edit(agreement: &ResourceId, consent: &ResourceId) -> Edit {
    Edit {
        question: Some(Phi::new("Is it operable?".into())),
        background: Some(Phi::new("Cough for two months.".into())),
        urgency: Some(Urgency::Routine),
        service: Some("second-opinion".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("saryozen"), agreement.clone())),
        classes: Some(["laboratory".to_owned()].into()),
        consent: Some(consent.clone()),
        language: Some("en".into()),
        ..Edit::default()
    }
}

impl Scene {
    async fn change_consent(&self, to: &str, given: &ResourceId) {
        let w = &self.w;
        if to == "not-abroad" {
            w.consent(false).await;
        }
        if matches!(to, "not-abroad" | "withdrawn") {
            let custodian = hospital_id("qumtagh");
            w.app()
                .withdraw_consent(&w.patient(), &custodian, given, Relation::Patient, None)
                .await
                .unwrap();
        }
        if to == "run-out" {
            w.node.clock.advance(SignedDuration::from_hours(2));
        }
    }

    async fn change_agreement(&self, to: &str, agreement: &ResourceId) {
        let w = &self.w;
        let act = |act| async move {
            let cx = w.admin("qumtagh");
            w.app().agreement_act(&cx, agreement, act).await.unwrap();
        };
        let reason = || "for the table".to_owned();
        match to {
            "suspended" => act(AgreementAct::Suspend { reason: reason() }).await,
            "ended" => {
                act(AgreementAct::GiveNotice { reason: reason() }).await;
                w.app()
                    .case_act(&w.clinician(), &self.case, CaseAct::Cancel)
                    .await
                    .unwrap();
                w.node.clock.advance(SignedDuration::from_hours(24 * 31));
                act(AgreementAct::End { reason: reason() }).await;
            }
            "expired" => {
                w.node.clock.advance(SignedDuration::from_hours(72));
                w.app().agreement_clock().await.unwrap();
            }
            _ => {}
        }
    }

    /// Asks for one entry in four ways.
    async fn reads(&self, cx: &Cx, entry: &str, class: RecordClass) -> bool {
        let app = self.w.app();
        let observation = key("qumtagh", "Observation", entry);
        let by_store = self
            .w
            .node
            .store
            .get(&cx.permit(), &observation, None)
            .await
            .unwrap()
            .is_some();
        let subject = Subject::Entry(Entry {
            custodian: hospital_id("qumtagh"),
            kind: kind("Observation"),
            id: id(entry),
            class,
            patient: Some(id("p1")),
        });
        let by_policy = app
            .decide(cx, Action::ReadRecord, subject)
            .await
            .unwrap()
            .allowed;
        let by_fhir = app.fhir_read(cx, &observation, None).await.is_ok();
        let by_page = app.entry(cx, &observation).await.is_ok();
        let all = [by_store, by_policy, by_fhir, by_page];
        assert!(
            all.iter().all(|a| *a == by_store),
            "{} {entry}: store, policy, FHIR, page = {all:?}",
            cx.name
        );
        by_store
    }

    async fn may(&self, cx: &Cx, action: Action, subject: Subject) -> bool {
        self.w
            .app()
            .decide(cx, action, subject)
            .await
            .unwrap()
            .allowed
    }

    async fn row(&self, act: &str, cx: &Cx) -> bool {
        let hospital = || Subject::Hospital(hospital_id("qumtagh"));
        let record = || Subject::Record {
            hospital: hospital_id("qumtagh"),
            patient: id("p1"),
        };
        let case = || {
            Subject::Case(CaseSubject {
                id: self.case.id.clone(),
                referring: hospital_id("qumtagh"),
                answering: hospital_id("saryozen"),
                service: "second-opinion".into(),
                specialty: "thoracic-surgery".into(),
                patient: id("p1"),
                allocated_to: None,
            })
        };
        match act {
            "read shared result" => self.reads(cx, "o1", RecordClass::Laboratory).await,
            "read unshared image" => self.reads(cx, "o-img", RecordClass::Imaging).await,
            "read genetics" => self.reads(cx, "o-gen", RecordClass::Genetics).await,
            "open the case" => self.w.app().case(cx, &self.case).await.is_ok(),
            "agreement: refer" => self.may(cx, Action::SendCase, case()).await,
            "agreement: accept" => self.may(cx, Action::AcceptCase, case()).await,
            "agreement: answer" => self.may(cx, Action::AnswerCase, case()).await,
            "withdraw consent" => self.may(cx, Action::WithdrawConsent, record()).await,
            "break the glass" => self.may(cx, Action::BreakGlass, record()).await,
            "who read it" => self.may(cx, Action::ReadAccessLog, record()).await,
            "read the audit" => self.may(cx, Action::ReadAudit, hospital()).await,
            _ => self.may(cx, Action::ManageAgreements, hospital()).await,
        }
    }
}

const ACTS: [&str; 12] = [
    "read shared result",
    "read unshared image",
    "read genetics",
    "open the case",
    "agreement: refer",
    "agreement: accept",
    "agreement: answer",
    "withdraw consent",
    "break the glass",
    "who read it",
    "read the audit",
    "manage agreements",
];

#[tokio::test]
async fn the_access_matrix() {
    let mut table = String::new();
    for agreement in AGREEMENTS {
        for consent in CONSENTS {
            let scene = scene(agreement, consent).await;
            let actors = actors(&scene.w);
            let _ = writeln!(table, "## agreement {agreement}, consent {consent}");
            for act in ACTS {
                let mut may = Vec::new();
                for (name, cx) in &actors {
                    if scene.row(act, cx).await {
                        may.push(*name);
                    }
                }
                let who = if may.is_empty() {
                    "nobody".to_owned()
                } else {
                    may.join(", ")
                };
                let _ = writeln!(table, "{act:<20} {who}");
            }
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}
