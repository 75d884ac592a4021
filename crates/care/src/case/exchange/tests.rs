use std::collections::{BTreeMap, BTreeSet};

use kernel::{AccountId, HospitalId, Instant, Phi, ResourceId};
use serde_json::{Value, json};

use super::super::*;
use super::*;

fn by(account: &str, hospital: &str) -> By {
    By::Person {
        account: AccountId::new(account).unwrap(),
        hospital: HospitalId::new(hospital).unwrap(),
        clinician: hospital == "yarqum",
        coordinator: hospital == "saryozen",
        consultant: hospital == "saryozen",
        may_sign: true,
    }
}

fn now() -> Instant {
    "2026-11-23T06:04:00Z".parse().unwrap()
}

fn id(text: &str) -> ResourceId {
    ResourceId::new(text).unwrap()
}

fn request() -> Value {
    json!({
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "priority": "asap",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": SERVICE, "code": "second-opinion"}]},
        "performerType": {"coding": [{"system": SPECIALTY, "code": "thoracic-surgery"}]},
        "performer": [{"identifier": {"system": HOSPITAL, "value": "saryozen"}}],
        "reasonCode": [{"text": "Biopsy now?"}], "note": [{"text": "Six weeks of cough."}],
        "supportingInfo": [{"reference": "DiagnosticReport/ct"}, {"reference": "Consent/c1"}],
        "extension": [
            {"url": AGREEMENT, "valueReference": {"reference": "Contract/QS-14"}},
            {"url": RECORD_CLASS, "valueCode": "laboratory"}
        ]
    })
}

fn sent() -> Case {
    let new = NewCase {
        id: id("c1"),
        number: "K-26-00001".into(),
        patient: id("p1"),
    };
    let who = by("alimjan", "yarqum");
    let mut case = create(new, &who, now()).unwrap();
    let (_, intent) = read_service_request(None, &request()).unwrap();
    let Intent::EditAndSend(edit) = intent else {
        panic!("a draft that is sent")
    };
    let terms = Terms {
        agreement: id("QS-14"),
        clause: 3,
        answering: HospitalId::new("saryozen").unwrap(),
        response_s: BTreeMap::from([(Urgency::Urgent, 14_400)]),
        needs_consent: true,
        needs_co_signature: false,
        crosses_border: true,
        classes: BTreeSet::from(["laboratory".into()]),
        retention_days: 0,
        until: "2027-12-31T00:00:00Z".parse().unwrap(),
    };
    for command in [
        Command::Edit(edit),
        Command::Send {
            terms: Box::new(terms),
        },
    ] {
        for event in decide(&case, &command, &who, now()).unwrap() {
            case.apply(&event, &who, now());
        }
    }
    case
}

#[test]
fn a_service_request_is_read_as_the_case_it_was_written_from() {
    let case = sent();
    let written = service_request(&case);
    assert_eq!(written["status"], "active");
    assert_eq!(written["priority"], "asap");
    let mut again = written.clone();
    again["status"] = json!("draft");
    let (patient, intent) = read_service_request(None, &again).unwrap();
    assert_eq!(patient, case.patient);
    let Intent::Edit(edit) = intent else {
        panic!("a draft is an edit")
    };
    assert_eq!(edit.question, Some(case.request.question.clone()));
    assert_eq!(edit.background, Some(case.request.background.clone()));
    assert_eq!(edit.items.as_ref(), Some(&case.request.items));
    assert_eq!(edit.classes.as_ref(), Some(&case.request.classes));
    assert_eq!(edit.consent, case.request.consent);
    assert_eq!(edit.partner.unwrap().1, id("QS-14"));
}

#[test]
fn every_status_has_its_task_and_writing_it_back_changes_nothing() {
    let mut case = sent();
    for status in Status::ALL {
        case.status = *status;
        let written = task(
            &case,
            Urls {
                base: "https://karez.test",
            },
        );
        assert_eq!(
            written["businessStatus"]["coding"][0]["code"],
            status.as_str()
        );
        assert_eq!(read_task(&case, &written), Ok(Intent::Nothing), "{status}");
    }
}

fn asked(case: &Case, change: Value) -> Result<Intent, Forged> {
    let mut resource = task(
        case,
        Urls {
            base: "https://karez.test",
        },
    );
    for (name, value) in change.as_object().unwrap() {
        resource[name] = value.clone();
    }
    read_task(case, &resource)
}

#[test]
fn a_status_is_a_command_or_refused() {
    let case = sent();
    assert_eq!(
        asked(&case, json!({"status": "accepted"})),
        Ok(Intent::Do(Box::new(Command::Accept)))
    );
    let hold = asked(
        &case,
        json!({"status": "on-hold", "note": [{"text": "ECG?"}]}),
    );
    assert_eq!(
        hold,
        Ok(Intent::Do(Box::new(Command::AskForMore {
            text: Phi::new("ECG?".into())
        })))
    );
    let give = json!({"status": "in-progress", "owner": {"identifier": {"system": ACCOUNT, "value": "elena"}}});
    assert_eq!(
        asked(&case, give),
        Ok(Intent::Allocate(AccountId::new("elena").unwrap()))
    );
    let decline = json!({"status": "rejected", "statusReason": {"coding": [{"system": REASON, "code": "no-capacity"}]}});
    assert!(
        matches!(asked(&case, decline), Ok(Intent::Do(c)) if matches!(*c, Command::Decline { reason: DeclineReason::NoCapacity, .. }))
    );
}

#[test]
fn forged_states_are_refused() {
    let case = sent();
    for (change, expression) in [
        (json!({"status": "completed"}), "Task.status"),
        (json!({"status": "failed"}), "Task.status"),
        (json!({"status": "rejected"}), "Task.statusReason"),
        (
            json!({"status": "in-progress", "owner": {"reference": "Practitioner/x"}}),
            "Task.owner",
        ),
        (
            json!({"businessStatus": {"coding": [{"system": STATUS, "code": "answered"}]}}),
            "Task.businessStatus",
        ),
        (
            json!({"businessStatus": {"coding": [{"system": STATUS, "code": "allocated"}]}}),
            "Task.businessStatus",
        ),
        (
            json!({"focus": {"reference": "ServiceRequest/other"}}),
            "Task.focus",
        ),
    ] {
        assert_eq!(
            asked(&case, change.clone()).unwrap_err().expression,
            expression,
            "{change}"
        );
    }
    for (change, expression) in [
        (json!({"status": "completed"}), "ServiceRequest.status"),
        (json!({"status": "on-hold"}), "ServiceRequest.status"),
        (
            json!({"reasonCode": [{"text": "Another question?"}]}),
            "ServiceRequest",
        ),
        (json!({"intent": "plan"}), "ServiceRequest.intent"),
        (
            json!({"subject": {"reference": "Patient/p2"}}),
            "ServiceRequest.subject",
        ),
        (
            json!({"subject": {"reference": "https://other/Patient/p1"}}),
            "ServiceRequest.subject",
        ),
        (
            json!({"supportingInfo": [{"reference": "https://other/fhir/x/Observation/1"}]}),
            "ServiceRequest.supportingInfo",
        ),
    ] {
        let mut resource = service_request(&case);
        for (name, value) in change.as_object().unwrap() {
            resource[name] = value.clone();
        }
        let refused = read_service_request(Some(&case), &resource).unwrap_err();
        assert_eq!(refused.expression, expression, "{change}");
    }
}

#[test]
fn a_message_across_hospitals_points_back_absolutely() {
    let case = sent();
    let hospital = HospitalId::new("saryozen").unwrap();
    let account = AccountId::new("elena").unwrap();
    let who = (&account, &hospital, "Dr Elena Sokolova");
    let urls = Urls {
        base: "https://karez.test",
    };
    let c = communication(
        &case,
        &id("m1"),
        who,
        ("Any weight loss?", &[]),
        "message",
        now(),
        urls,
    );
    let (request, text) = message(&c).unwrap();
    assert_eq!(request, "https://karez.test/fhir/yarqum/ServiceRequest/c1");
    assert_eq!(text.reveal(), "Any weight loss?");
    assert!(message(&json!({"resourceType": "Communication"})).is_err());
}
