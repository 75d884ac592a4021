use jiff::SignedDuration;
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};

use super::*;
use crate::case::Urgency;

fn at(minutes: i64) -> Instant {
    Instant::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

fn id(text: &str) -> ResourceId {
    ResourceId::new(text).unwrap()
}

fn by(account: &str, hospital: &str) -> By {
    By {
        account: AccountId::new(account).unwrap(),
        hospital: HospitalId::new(hospital).unwrap(),
        reads: true,
        treats: false,
        may_sign: true,
    }
}

fn treating(account: &str, hospital: &str) -> By {
    By {
        reads: false,
        treats: true,
        may_sign: false,
        ..by(account, hospital)
    }
}

fn study() -> Reading {
    Reading::open(
        HospitalId::new("qumtagh").unwrap(),
        RecordKey::parse("yarqum", "ImagingStudy", "s1").unwrap(),
        id("p1"),
        Some(id("c1")),
        Urgency::Urgent,
        at(0),
    )
}

fn act(reading: &mut Reading, command: Command, by: &By, minute: i64) -> Result<(), Rejected> {
    for event in decide(reading, command, Some(by), at(minute))? {
        reading.apply(event);
    }
    Ok(())
}

fn sign(kind: Kind, report: &str) -> Command {
    Command::Sign {
        id: id(report),
        kind,
    }
}

#[test]
fn a_study_is_read_by_one_reader_at_a_time_until_the_claim_is_stale() {
    let (first, second) = (by("a", "qumtagh"), by("b", "qumtagh"));
    let mut r = study();
    act(&mut r, Command::Claim, &first, 1).unwrap();
    assert_eq!(
        act(&mut r, Command::Claim, &second, 2),
        Err(Rejected::Taken)
    );
    assert_eq!(
        act(&mut r, Command::Release, &second, 2),
        Err(Rejected::NotReader)
    );
    act(&mut r, Command::Claim, &second, 1 + CLAIM_S / 60).unwrap();
    assert_eq!(r.reader, Some(second.account.clone()));
    assert_eq!(
        act(&mut r, sign(Kind::Final, "r"), &first, 130),
        Err(Rejected::NotReader)
    );
    act(&mut r, Command::Release, &second, 131).unwrap();
    assert_eq!(r.status(), Status::Unread);
}

#[test]
fn reports_come_in_their_order_and_stop_the_clock() {
    let who = by("a", "qumtagh");
    let mut r = study();
    assert_eq!(r.clock().due, at(240));
    assert_eq!(
        act(&mut r, sign(Kind::Final, "r1"), &who, 1),
        Err(Rejected::NotReader)
    );
    act(&mut r, Command::Claim, &who, 1).unwrap();
    assert_eq!(
        act(&mut r, sign(Kind::Addendum, "r1"), &who, 1),
        Err(Rejected::WrongStatus)
    );
    act(&mut r, sign(Kind::Preliminary, "r1"), &who, 2).unwrap();
    assert_eq!(r.clock().stopped, Some(at(2)));
    assert_eq!(
        act(&mut r, Command::Release, &who, 3),
        Err(Rejected::WrongStatus)
    );
    assert_eq!(
        act(&mut r, sign(Kind::Preliminary, "r2"), &who, 3),
        Err(Rejected::WrongStatus)
    );
    act(&mut r, sign(Kind::Final, "r2"), &who, 4).unwrap();
    act(&mut r, sign(Kind::Addendum, "r3"), &who, 5).unwrap();
    assert_eq!(r.standing().unwrap().id, id("r2"));
    assert_eq!(
        act(&mut r, Command::Claim, &by("b", "qumtagh"), 600),
        Err(Rejected::WrongStatus)
    );
}

#[test]
fn who_may_not_sign_or_is_of_another_hospital_is_refused() {
    let mut r = study();
    let student = By {
        may_sign: false,
        ..by("a", "qumtagh")
    };
    act(&mut r, Command::Claim, &student, 1).unwrap();
    assert_eq!(
        act(&mut r, sign(Kind::Final, "r"), &student, 1),
        Err(Rejected::MayNotSign)
    );
    assert_eq!(
        act(&mut r, Command::Claim, &by("x", "yarqum"), 500),
        Err(Rejected::NotYours)
    );
    assert_eq!(
        act(&mut r, Command::Claim, &treating("x", "qumtagh"), 500),
        Err(Rejected::NotYours)
    );
}

#[test]
fn a_critical_finding_rings_until_somebody_who_treats_the_patient_answers() {
    let reader = by("a", "qumtagh");
    let mut r = study();
    act(&mut r, Command::Claim, &reader, 0).unwrap();
    let text = Phi::new("tension pneumothorax".to_owned());
    act(&mut r, Command::Raise { id: id("k1"), text }, &reader, 10).unwrap();
    assert_eq!(r.next_alarm(), Some(at(25)));
    let escalate = || Command::Escalate { id: id("k1") };
    assert_eq!(decide(&r, escalate(), None, at(24)), Err(Rejected::NotDue));
    for event in decide(&r, escalate(), None, at(25)).unwrap() {
        r.apply(event);
    }
    assert_eq!(r.next_alarm(), Some(at(40)));
    let acknowledge = || Command::Acknowledge {
        id: id("k1"),
        answer: None,
    };
    assert_eq!(
        act(&mut r, acknowledge(), &reader, 26),
        Err(Rejected::NotYours)
    );
    assert_eq!(
        act(&mut r, acknowledge(), &treating("z", "qumtagh"), 26),
        Err(Rejected::NotYours)
    );
    act(&mut r, acknowledge(), &treating("d", "yarqum"), 27).unwrap();
    assert_eq!(r.next_alarm(), None);
    assert_eq!(
        act(&mut r, acknowledge(), &treating("e", "yarqum"), 28),
        Err(Rejected::Done)
    );
}

#[test]
fn the_clock_alone_cannot_do_what_people_do() {
    let r = study();
    assert_eq!(
        decide(&r, Command::Claim, None, at(0)),
        Err(Rejected::NotYours)
    );
}

#[test]
fn a_second_reading_is_by_another_and_says_in_what_it_differs() {
    let (first, second) = (by("a", "qumtagh"), by("b", "qumtagh"));
    let mut r = study();
    act(&mut r, Command::Claim, &first, 0).unwrap();
    assert_eq!(
        act(&mut r, Command::AskSecond, &first, 0),
        Err(Rejected::WrongStatus)
    );
    act(&mut r, sign(Kind::Final, "r1"), &first, 1).unwrap();
    act(&mut r, Command::AskSecond, &first, 2).unwrap();
    let judge = |text: &str| Command::Judge {
        agreement: Agreement::Major,
        text: Phi::new(text.to_owned()),
    };
    assert_eq!(
        act(&mut r, judge("nodule missed"), &first, 3),
        Err(Rejected::SameReader)
    );
    assert_eq!(act(&mut r, judge(" "), &second, 3), Err(Rejected::Empty));
    act(&mut r, judge("nodule missed"), &second, 3).unwrap();
    assert_eq!(
        act(&mut r, Command::SeeJudgement, &second, 4),
        Err(Rejected::NotReader)
    );
    act(&mut r, Command::SeeJudgement, &first, 4).unwrap();
    let seen = r.second.unwrap().judgement.unwrap().seen;
    assert_eq!(seen, Some(at(4)));
}
