//! Rules of the case, by example and by property.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use kernel::{AccountId, HospitalId, Instant, Kind, Phi, ResourceId};
use proptest::prelude::*;

use super::*;

fn h(name: &str) -> HospitalId {
    HospitalId::new(name).unwrap()
}
fn a(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}
fn r(name: &str) -> ResourceId {
    ResourceId::new(name).unwrap()
}
fn text(s: &str) -> Phi<String> {
    Phi::new(s.into())
}
fn t0() -> Instant {
    "2026-11-23T06:04:00Z".parse().unwrap()
}
fn after(minutes: i64) -> Instant {
    t0() + SignedDuration::from_mins(minutes)
}

fn person(account: &str, hospital: &str, what: &str) -> By {
    By::Person {
        account: a(account),
        hospital: h(hospital),
        clinician: what.contains('r'),
        coordinator: what.contains('c'),
        consultant: what.contains('k'),
        may_sign: what.contains('s'),
    }
}
fn referrer() -> By {
    person("alimjan", "yarqum", "r")
}
fn coordinator() -> By {
    person("gulnar", "saryozen", "c")
}
fn consultant() -> By {
    person("elena", "saryozen", "ks")
}
fn second() -> By {
    person("daniyar", "saryozen", "ks")
}

fn terms(co_signature: bool) -> Terms {
    Terms {
        agreement: r("QS-2026-014"),
        clause: 3,
        answering: h("saryozen"),
        response_s: BTreeMap::from([
            (Urgency::Emergency, 900),
            (Urgency::Urgent, 4 * 3600),
            (Urgency::Routine, 5 * 24 * 3600),
        ]),
        needs_consent: true,
        needs_co_signature: co_signature,
        crosses_border: true,
        classes: BTreeSet::from(["laboratory".into(), "imaging".into()]),
        retention_days: 30,
        until: "2027-12-31T00:00:00Z".parse().unwrap(),
    }
}

fn filled() -> Edit {
    Edit {
        question: Some(text("Biopsy now, or treat for TB first?")),
        background: Some(text("Six weeks of dry cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("second-opinion".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((h("saryozen"), r("QS-2026-014"))),
        items: Some(vec![RecordItem {
            kind: Kind::new("DiagnosticReport").unwrap(),
            id: r("ct"),
        }]),
        classes: Some(BTreeSet::from(["laboratory".into()])),
        consent: Some(r("consent-1")),
        ..Edit::default()
    }
}

fn draft() -> Case {
    let new = NewCase {
        id: r("case-1"),
        number: "K-26-00001".into(),
        patient: r("p1"),
    };
    create(new, &referrer(), t0()).unwrap()
}

fn act(case: &mut Case, command: Command, by: &By, at: Instant) -> Result<Vec<Event>, Rejection> {
    let events = decide(case, &command, by, at)?;
    for event in &events {
        case.apply(event, by, at);
    }
    Ok(events)
}

fn sent(co_signature: bool) -> Case {
    let mut case = draft();
    act(
        &mut case,
        Command::Edit(Box::new(filled())),
        &referrer(),
        t0(),
    )
    .unwrap();
    let terms = Box::new(terms(co_signature));
    act(&mut case, Command::Send { terms }, &referrer(), t0()).unwrap();
    case
}

fn allocated(co_signature: bool) -> Case {
    let mut case = sent(co_signature);
    let give = Command::Allocate {
        consultant: a("elena"),
        is_consultant: true,
    };
    act(&mut case, give, &coordinator(), after(10)).unwrap();
    case
}

fn answer(opinion: &str, co_signer: Option<&str>) -> Command {
    Command::Answer {
        opinion: r(opinion),
        co_signer: co_signer.map(a),
    }
}

#[test]
fn the_main_job_runs_from_draft_to_outcome_seen() {
    let mut case = allocated(false);
    assert_eq!(case.owner().unwrap().account(), Some(&a("elena")));
    act(&mut case, answer("op-1", None), &consultant(), after(60)).unwrap();
    assert_eq!(case.status, Status::Answered);
    assert_eq!(case.owner().unwrap().account(), Some(&a("alimjan")));
    act(&mut case, Command::Read, &referrer(), after(70)).unwrap();
    let plan = Command::Act {
        text: text("PET-CT, then biopsy"),
        orders: vec![text("PET-CT, Qumtagh")],
    };
    act(&mut case, plan, &referrer(), after(80)).unwrap();
    let outcome = Command::TellOutcome {
        management: ManagementChange::Changed,
        diagnosis: DiagnosisChange::Confirmed,
        patient: PatientOutcome::Improved,
        text: text("Adenocarcinoma, resected"),
    };
    act(&mut case, outcome, &referrer(), after(60 * 24 * 30)).unwrap();
    assert_eq!(case.owner().unwrap().account(), Some(&a("elena")));
    act(
        &mut case,
        Command::SeeOutcome,
        &consultant(),
        after(60 * 24 * 31),
    )
    .unwrap();
    assert_eq!(case.status, Status::Closed);
    assert_eq!(case.owner(), None);
    // What was open can be read for the thirty days of the clause, and not past the agreement.
    assert_eq!(case.readable_until(), Some(after(60 * 24 * 61)));
    let shares = case.shares();
    assert!(!shares.is_empty() && shares.iter().all(|s| s.until == after(60 * 24 * 61)));
    let under = |change: fn(&mut Terms)| {
        let mut case = case.clone();
        change(case.terms.as_mut().unwrap());
        case
    };
    let sooner = under(|t| t.until = after(60 * 24 * 40));
    assert_eq!(sooner.readable_until(), Some(after(60 * 24 * 40)));
    for nothing in [
        under(|t| t.retention_days = 0),
        under(|t| t.until = after(60 * 24 * 31)),
    ] {
        assert!(nothing.readable_until().is_none() && nothing.shares().is_empty());
    }
    let words: Vec<_> = case.steps.iter().map(|s| s.what.as_str()).collect();
    assert_eq!(
        words,
        [
            "sent",
            "accepted",
            "allocated",
            "signed",
            "answered",
            "read",
            "acted",
            "outcome-told",
            "outcome-seen",
            "closed"
        ]
    );
}

#[test]
fn an_incomplete_case_is_not_sent_and_says_what_is_missing() {
    let mut case = draft();
    let edit = Edit {
        background: Some(text("  ")),
        consent: None,
        ..filled()
    };
    act(&mut case, Command::Edit(Box::new(edit)), &referrer(), t0()).unwrap();
    let terms = Box::new(terms(false));
    let refused = decide(&case, &Command::Send { terms }, &referrer(), t0()).unwrap_err();
    assert_eq!(refused.code, RejectionCode::Incomplete);
    assert_eq!(refused.data["missing"], "background consent");
}

#[test]
fn a_class_outside_the_agreement_is_not_sent() {
    let mut case = draft();
    let edit = Edit {
        classes: Some(BTreeSet::from(["mental-health".into()])),
        ..filled()
    };
    act(&mut case, Command::Edit(Box::new(edit)), &referrer(), t0()).unwrap();
    let terms = Box::new(terms(false));
    let refused = decide(&case, &Command::Send { terms }, &referrer(), t0()).unwrap_err();
    assert_eq!(refused.code, RejectionCode::ClassNotShared);
}

#[test]
fn only_the_answering_hospitals_coordinator_accepts() {
    let case = sent(false);
    for by in [
        referrer(),
        consultant(),
        person("liu", "qumtagh", "c"),
        person("x", "yarqum", "c"),
        By::System,
    ] {
        let refused = decide(&case, &Command::Accept, &by, after(1)).unwrap_err();
        assert_eq!(refused.code, RejectionCode::NotYours, "{by:?}");
    }
    assert!(decide(&case, &Command::Accept, &coordinator(), after(1)).is_ok());
}

#[test]
fn the_clock_stands_still_while_more_is_asked_for() {
    let mut case = sent(false);
    assert_eq!(case.clock_at(t0()).unwrap().due, after(240));
    let ask = Command::AskForMore { text: text("ECG?") };
    act(&mut case, ask, &coordinator(), after(30)).unwrap();
    let paused = case.clock_at(after(100)).unwrap();
    assert_eq!(
        (paused.state, paused.left_s),
        (ClockState::Paused, 210 * 60)
    );
    assert!(case.alarms_due(after(200)).is_empty());
    let supply = Command::SupplyMore {
        text: text("Here"),
        items: vec![],
        classes: BTreeSet::from(["imaging".into()]),
        files: vec![],
    };
    act(&mut case, supply, &referrer(), after(130)).unwrap();
    assert_eq!(case.status, Status::Requested);
    let running = case.clock_at(after(140)).unwrap();
    assert_eq!(running.left_s, 200 * 60);
    assert_eq!(running.due, after(340));
    assert!(case.request.classes.contains("imaging"));
}

#[test]
fn nobody_accepting_reaches_further_each_time() {
    let mut case = sent(false);
    assert_eq!(case.next_alarm(), Some(after(20)));
    let first = Alarm::new(AlarmKind::NotAccepted, 1);
    assert_eq!(case.alarms_due(after(20)), [first]);
    act(
        &mut case,
        Command::Raise { alarm: first },
        &By::System,
        after(20),
    )
    .unwrap();
    assert!(case.alarms_due(after(20)).is_empty());
    assert_eq!(case.next_alarm(), Some(after(40)));
    let second = case.alarms_due(after(40))[0];
    assert!(second.audience().contains(&Audience::Referrer));
    // Raising what is not due is refused.
    let refused = decide(
        &case,
        &Command::Raise { alarm: first },
        &By::System,
        after(21),
    );
    assert_eq!(refused.unwrap_err().code, RejectionCode::AlarmNotDue);
}

#[test]
fn an_answer_nobody_opens_escalates_to_colleagues_then_administrators() {
    let mut case = allocated(false);
    act(&mut case, answer("op-1", None), &consultant(), after(60)).unwrap();
    let due = case.alarms_due(after(60 + 240));
    let reached: Vec<_> = due.iter().map(|a| a.audience().len()).collect();
    assert_eq!(reached, [1, 2, 3]);
    assert!(due.iter().all(|a| a.kind == AlarmKind::Unread));
}

#[test]
fn a_second_signature_holds_the_answer_back() {
    let mut case = allocated(true);
    let refused = decide(&case, &answer("op-1", None), &consultant(), after(20)).unwrap_err();
    assert_eq!(refused.code, RejectionCode::CoSignerNeeded);
    let refused = decide(
        &case,
        &answer("op-1", Some("elena")),
        &consultant(),
        after(20),
    );
    assert_eq!(refused.unwrap_err().code, RejectionCode::SamePerson);
    act(
        &mut case,
        answer("op-1", Some("daniyar")),
        &consultant(),
        after(20),
    )
    .unwrap();
    assert_eq!(case.status, Status::Allocated);
    assert_eq!(case.owner().unwrap().account(), Some(&a("daniyar")));
    assert!(case.current_answer().is_none());
    // Sent back, written again, signed by both.
    act(
        &mut case,
        Command::Return { opinion: r("op-1") },
        &second(),
        after(25),
    )
    .unwrap();
    assert_eq!(case.owner().unwrap().account(), Some(&a("elena")));
    act(
        &mut case,
        answer("op-2", Some("daniyar")),
        &consultant(),
        after(30),
    )
    .unwrap();
    act(
        &mut case,
        Command::CoSign { opinion: r("op-2") },
        &second(),
        after(40),
    )
    .unwrap();
    assert_eq!(case.status, Status::Answered);
    assert_eq!(case.current_answer().unwrap().opinion, r("op-2"));
    assert_eq!(case.answers.len(), 2);
}

#[test]
fn asking_again_gives_the_consultant_a_new_clock_and_keeps_the_first_answer() {
    let mut case = allocated(false);
    act(&mut case, answer("op-1", None), &consultant(), after(60)).unwrap();
    let again = Command::AskAgain {
        text: text("And if PET is negative?"),
        terms: Box::new(terms(false)),
    };
    act(&mut case, again, &referrer(), after(100)).unwrap();
    assert_eq!(case.status, Status::Allocated);
    assert_eq!(case.clock_at(after(100)).unwrap().due, after(340));
    assert!(case.answers[0].read.is_some());
    act(&mut case, answer("op-2", None), &consultant(), after(120)).unwrap();
    assert_eq!(case.current_answer().unwrap().opinion, r("op-2"));
}

#[test]
fn cutting_off_leaves_the_case_with_the_referring_doctor_and_closes_the_record() {
    let mut case = allocated(false);
    assert!(!case.shares().is_empty());
    let cut = Command::Suspend {
        reason: SuspendReason::ConsentWithdrawn,
    };
    assert_eq!(
        decide(&case, &cut, &referrer(), after(20))
            .unwrap_err()
            .code,
        RejectionCode::NotYours
    );
    act(&mut case, cut, &By::System, after(20)).unwrap();
    assert!(case.shares().is_empty());
    assert_eq!(case.owner().unwrap().account(), Some(&a("alimjan")));
    assert_eq!(
        case.alarms_due(after(20 + 60))[0].kind,
        AlarmKind::LeftAlone
    );
    act(&mut case, Command::Resume, &By::System, after(80)).unwrap();
    assert_eq!(case.status, Status::Allocated);
    assert_eq!(case.clock_at(after(80)).unwrap().used_s, 20 * 60);
    assert!(!case.shares().is_empty());
}

#[test]
fn a_late_outcome_reaches_the_consultant_and_opens_nothing_for_longer() {
    let mut case = allocated(false);
    act(&mut case, answer("op-1", None), &consultant(), after(60)).unwrap();
    act(&mut case, Command::Read, &referrer(), after(61)).unwrap();
    let reason = CloseReason::NoOutcomeExpected;
    act(&mut case, Command::Close { reason }, &referrer(), after(62)).unwrap();
    let outcome = Command::TellOutcome {
        management: ManagementChange::Agreed,
        diagnosis: DiagnosisChange::Open,
        patient: PatientOutcome::Recovered,
        text: text(""),
    };
    act(&mut case, outcome, &referrer(), after(1000)).unwrap();
    assert_eq!(case.owner().unwrap().account(), Some(&a("elena")));
    // Thirty days from the closing, not from the outcome.
    assert_eq!(case.readable_until(), Some(after(62 + 60 * 24 * 30)));
}

#[test]
fn rejections_and_debug_texts_hold_no_patient_data() {
    let case = sent(false);
    let shown = format!("{case:?}");
    assert!(!shown.contains("Biopsy") && !shown.contains("cough"));
}

fn any_command() -> impl Strategy<Value = Command> {
    let opinion = prop_oneof![Just(r("op-1")), Just(r("op-2")), Just(r("op-3"))];
    prop_oneof![
        Just(Command::Edit(Box::new(filled()))),
        any::<bool>().prop_map(|co| Command::Send {
            terms: Box::new(terms(co))
        }),
        Just(Command::TakeBack),
        Just(Command::AskForMore {
            text: text("more?")
        }),
        Just(Command::SupplyMore {
            text: text("more"),
            items: vec![],
            classes: BTreeSet::new(),
            files: vec![]
        }),
        Just(Command::Accept),
        Just(Command::Decline {
            reason: DeclineReason::NoCapacity,
            note: text("")
        }),
        any::<bool>().prop_map(|ok| Command::Allocate {
            consultant: a("elena"),
            is_consultant: ok
        }),
        (opinion.clone(), any::<bool>()).prop_map(|(opinion, co)| Command::Answer {
            opinion,
            co_signer: co.then(|| a("daniyar"))
        }),
        opinion
            .clone()
            .prop_map(|opinion| Command::CoSign { opinion }),
        opinion
            .clone()
            .prop_map(|opinion| Command::Return { opinion }),
        Just(Command::Read),
        Just(Command::Act {
            text: text("plan"),
            orders: vec![]
        }),
        Just(Command::AskAgain {
            text: text("again"),
            terms: Box::new(terms(false))
        }),
        (opinion.clone(), opinion).prop_map(|(opinion, to)| Command::Addendum { opinion, to }),
        Just(Command::TellOutcome {
            management: ManagementChange::Agreed,
            diagnosis: DiagnosisChange::Confirmed,
            patient: PatientOutcome::Recovered,
            text: text("well")
        }),
        Just(Command::SeeOutcome),
        Just(Command::Close {
            reason: CloseReason::SettledElsewhere
        }),
        Just(Command::Close {
            reason: CloseReason::OutcomeSeen
        }),
        Just(Command::Cancel),
        Just(Command::Suspend {
            reason: SuspendReason::AgreementSuspended
        }),
        Just(Command::Resume),
        Just(Command::TakeOver),
        (1u8..4).prop_map(|l| Command::Raise {
            alarm: Alarm::new(AlarmKind::NotAnswered, l)
        }),
    ]
}

fn any_by() -> impl Strategy<Value = By> {
    prop_oneof![
        4 => Just(referrer()),
        4 => Just(coordinator()),
        4 => Just(consultant()),
        2 => Just(second()),
        2 => Just(By::System),
        1 => Just(person("nurlan", "yarqum", "r")),
        1 => Just(person("outsider", "qumtagh", "rcks")),
    ]
}

proptest! {
    #[test]
    fn whatever_is_tried_the_promises_hold(
        tries in prop::collection::vec((any_command(), any_by(), 0i64..600), 1..120)
    ) {
        let mut case = draft();
        let mut now = t0();
        for (command, by, minutes) in tries {
            now += SignedDuration::from_mins(minutes);
            let before = case.clone();
            let Ok(events) = decide(&case, &command, &by, now) else { continue };
            for event in &events {
                case.apply(event, &by, now);
            }
            // Exactly one owner until it is over.
            prop_assert_eq!(case.owner().is_none(), case.status.is_final());
            // Owners are always of one of the two hospitals.
            if let Some(owner) = case.owner() {
                prop_assert!([&h("yarqum"), &h("saryozen")].contains(&owner.hospital()));
            }
            // Signed stays signed, in order, unchanged but for what is added to it.
            prop_assert!(case.answers.len() >= before.answers.len());
            for (old, new) in before.answers.iter().zip(&case.answers) {
                prop_assert_eq!((&old.opinion, &old.author, old.signed), (&new.opinion, &new.author, new.signed));
                prop_assert!(old.issued.is_none() || old.issued == new.issued);
                prop_assert!(old.co_signed.is_none() || old.co_signed == new.co_signed);
            }
            // An answer issued under a second signature has one.
            for answer in &case.answers {
                prop_assert!(answer.issued.is_none() || answer.co_signer.is_none() || answer.co_signed.is_some());
            }
            // The used time never shrinks within one clock, and never exceeds the time since it began.
            if let (Some(old), Some(new)) = (&before.clock, &case.clock)
                && old.started == new.started
            {
                prop_assert!(new.read(now).used_s >= old.read(before.since).used_s);
                prop_assert!(new.read(now).used_s <= now.duration_since(new.started).as_secs());
            }
            // Nobody outside the two hospitals changed anything.
            prop_assert!(by.hospital() != Some(&h("qumtagh")));
            // Nothing is open to the other side unless it was sent and is going on or was closed.
            prop_assert!(case.shares().is_empty() || case.is_shared() || case.shut);
            // After closing for no longer than the clause gives, counted from the first time.
            if !case.is_shared() && let Some(until) = case.readable_until() {
                let shut = case.shut_at.unwrap();
                prop_assert!(shut <= now && until <= shut + SignedDuration::from_hours(24 * 30));
                prop_assert!(!before.shut || before.shut_at == case.shut_at);
            }
            prop_assert!(case.status != Status::Draft || case.shares().is_empty());
            // What is kept reads back.
            let kept = serde_json::to_string(&case).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Case>(&kept).unwrap(), &case);
        }
    }
}
