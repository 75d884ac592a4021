//! People with a story: their record at the referring hospital, what other hospitals keep about them, and the case.

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};
use kernel::Instant;

use super::agreements::agreements;
use super::cases::stories;
use super::cases::story::{Record, Story, microbiology};
use super::dice::Dice;
use super::model::{
    AgreementPlan, AgreementState, CasePlan, Hospital, Name, PatientRecord, Person,
};
use super::phantom::png;
use super::population::{national_id, number_of};
use super::record::{Builder, Subject};
use super::{letters, pdf};

/// Numbers of patients with a story begin here, above those of the others.
const NUMBERS_FROM: usize = 400;

/// A person and the case told about them, for each story.
pub fn people_and_cases(
    hospitals: &'static [Hospital],
    dice: &mut Dice,
    now: Instant,
    today: Date,
) -> (Vec<Person>, Vec<CasePlan>) {
    let signed = agreements(today);
    let mut people = Vec::new();
    let mut cases = Vec::new();
    for (index, story) in stories().enumerate() {
        let Some(hospital) = hospitals.iter().find(|h| h.id == story.case.from) else {
            continue;
        };
        let person = person(story, index, hospital, hospitals, dice, now, today);
        cases.extend(case(story, &person, &signed, now));
        people.push(person);
    }
    (people, cases)
}

fn person(
    story: &Story,
    index: usize,
    hospital: &'static Hospital,
    hospitals: &'static [Hospital],
    dice: &mut Dice,
    now: Instant,
    today: Date,
) -> Person {
    let (native_family, native_given, latin_family, latin_given) = story.name;
    let name = Name {
        native_family: native_family.into(),
        native_given: native_given.into(),
        latin_family: latin_family.into(),
        latin_given: latin_given.into(),
        family_first: story.speaks == "zh-CN",
    };
    let birth = today
        .saturating_sub(story.age.0.years())
        .saturating_sub(story.age.1.days());
    let national = national_id(hospital.jurisdiction, birth, 5_000 + index);
    let subject = Subject {
        name: &name,
        sex: story.sex,
        birth,
        speaks: story.speaks,
        address: letters::address(hospital, dice),
        phone: letters::phone(hospital, dice),
        national_id: &national,
    };
    let number = number_of(hospital, NUMBERS_FROM + index);
    let doctor = letters::doctor_of(hospital);
    let mut builder = Builder::new(dice, hospital, doctor, number, &subject, now);
    fill(&mut builder, &story.record);
    let mut records = vec![builder.finish()];
    if story.key == "memet-patigul" {
        records.extend(elsewhere(&subject, hospitals, dice, now));
    }
    Person {
        key: story.key.into(),
        sex: story.sex,
        birth,
        speaks: story.speaks,
        account: story
            .account
            .then(|| format!("{}@patient.example", story.key)),
        records,
        name,
    }
}

fn fill(builder: &mut Builder<'_>, record: &Record) {
    for (key, days) in record.illnesses {
        builder.illness(key, *days, *key != "tb-history");
    }
    for (key, days, en, zh) in record.allergies {
        builder.allergy(key, *days, (en, zh));
    }
    for (key, days) in record.medicines {
        builder.medicine(key, *days);
    }
    for (days, systolic, diastolic) in record.pressures {
        builder.pressure(*days, *systolic, *diastolic);
    }
    for (key, values) in record.values {
        for (days, value) in *values {
            builder.measure(key, *days, *value);
        }
    }
    for report in record.reports {
        builder.report(report.class, report.code, report.days, report.text);
    }
    for (phantom, file, title, days) in record.pictures {
        let bytes = png(*phantom, builder.dice());
        builder.file(file, title, "image/png", *days, bytes);
    }
}

/// What the TB dispensary, the centre and the township keep about the first patient.
fn elsewhere(
    subject: &Subject<'_>,
    hospitals: &'static [Hospital],
    dice: &mut Dice,
    now: Instant,
) -> Vec<PatientRecord> {
    let mut records = Vec::new();
    for hospital in hospitals {
        let number = number_of(hospital, 350);
        let doctor = letters::doctor_of(hospital);
        let mut builder = match hospital.id {
            "yarqum-tb" | "qumtagh" | "toghraq" => {
                Builder::new(dice, hospital, doctor, number, subject, now)
            }
            _ => continue,
        };
        match hospital.id {
            "yarqum-tb" => {
                builder.illness("tb", 6530, false);
                builder.visit("AMB", ("End of treatment", "疗程结束"), 6330, 0);
                let smears = microbiology(
                    5,
                    "Sputum, three smears: no acid-fast bacilli. Culture until January.",
                );
                builder.report(smears.class, smears.code, smears.days, smears.text);
            }
            "qumtagh" => {
                builder.visit("AMB", ("Check of an old scar", "陈旧病灶复查"), 1290, 0);
                builder.measure("creatinine", 1290, 60.0);
                let lines = vec!["Chest X-ray: scarring at the right apex, no nodule.".to_owned()];
                let letter = pdf::letter("Radiology letter", &lines);
                builder.file(
                    "radiology-letter.pdf",
                    "Radiology letter",
                    "application/pdf",
                    1290,
                    letter,
                );
            }
            _ => {
                builder.visit("AMB", ("Cough", "咳嗽"), 64, 0);
                builder.measure("glucose", 64, 5.4);
                builder.measure("cholesterol", 64, 5.31);
                builder.measure("temperature", 64, 36.8);
            }
        }
        records.push(builder.finish());
    }
    records
}

fn case(
    story: &Story,
    person: &Person,
    signed: &[AgreementPlan],
    now: Instant,
) -> Option<CasePlan> {
    let told = &story.case;
    let record = person.records.first()?;
    let under = signed
        .iter()
        .filter(|a| a.asks == told.from && a.answers == told.to)
        .find(|a| matches!(a.state, AgreementState::Active | AgreementState::Suspended))?;
    let files: Vec<String> = record.files.iter().map(|f| f.id.clone()).collect();
    let ordinary = record.resources.iter().filter(|r| !r.class.is_sensitive());
    let shared = ordinary
        .filter(|r| r.kind != "Patient" && !files.contains(&r.id))
        .map(|r| (r.kind, r.id.clone()))
        .collect();
    let coordinator = match told.to {
        "saryozen" => "asel",
        "northmere" => "harriet",
        _ => "gulnar",
    };
    Some(CasePlan {
        key: story.key,
        person: person.key.clone(),
        from: told.from,
        to: told.to,
        agreement: under.number,
        service: told.service,
        urgency: told.urgency,
        stage: told.stage,
        began: now - SignedDuration::from_mins(told.minutes_ago),
        language: told.language,
        question: told.question,
        story: told.story,
        shared,
        files,
        referrer: told.referrer,
        coordinator,
        consultant: told.consultant,
        messages: told.messages,
        opinion: told.opinion,
        reason: told.reason,
        action: told.action,
        outcome: told.outcome,
    })
}
