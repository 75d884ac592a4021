//! The patients nobody asks about today: people with common illnesses, and what a hospital keeps about them.

use agreements::RecordClass;
use jiff::ToSpan;
use jiff::civil::Date;
use kernel::Instant;

use super::codes::VACCINES;
use super::dice::Dice;
use super::model::{Hospital, PatientRecord, Person, Sex};
use super::names::{People, name};
use super::phantom::{Phantom, png};
use super::record::{Builder, Subject};
use super::{letters, pdf};

/// A course of illness: what is measured, from where it starts, where it goes, and how much it scatters.
struct Course {
    illness: &'static str,
    /// Youngest and oldest age, years.
    ages: (i64, i64),
    drugs: &'static [&'static str],
    /// Analyte, first value, last value, scatter.
    trends: &'static [(&'static str, f64, f64, f64)],
    /// Systolic and diastolic pressure at first and last.
    pressure: Option<((f64, f64), (f64, f64))>,
    reason: (&'static str, &'static str),
}

const fn course(
    illness: &'static str,
    ages: (i64, i64),
    drugs: &'static [&'static str],
    trends: &'static [(&'static str, f64, f64, f64)],
    reason: (&'static str, &'static str),
) -> Course {
    Course {
        illness,
        ages,
        drugs,
        trends,
        pressure: None,
        reason,
    }
}

const fn with_pressure(mut course: Course, first: (f64, f64), last: (f64, f64)) -> Course {
    course.pressure = Some((first, last));
    course
}

const COURSES: &[Course] = &[
    with_pressure(
        course(
            "hypertension",
            (38, 84),
            &["amlodipine", "enalapril"],
            &[
                ("creatinine", 74.0, 82.0, 6.0),
                ("potassium", 4.2, 4.4, 0.3),
                ("cholesterol", 5.6, 4.9, 0.4),
            ],
            ("Blood pressure check", "高血压随访"),
        ),
        (164.0, 98.0),
        (138.0, 84.0),
    ),
    with_pressure(
        course(
            "diabetes",
            (35, 80),
            &["metformin", "gliclazide"],
            &[
                ("glucose", 11.8, 7.4, 0.9),
                ("hba1c", 9.4, 7.2, 0.3),
                ("ldl", 3.6, 2.5, 0.3),
                ("weight", 84.0, 80.0, 1.0),
            ],
            ("Diabetes review", "糖尿病随访"),
        ),
        (146.0, 88.0),
        (134.0, 80.0),
    ),
    course(
        "copd",
        (50, 85),
        &["tiotropium", "salbutamol"],
        &[
            ("fev1", 62.0, 48.0, 3.0),
            ("spo2", 95.0, 92.0, 1.0),
            ("hb", 148.0, 156.0, 4.0),
        ],
        ("Cough and breathlessness", "咳嗽、气促"),
    ),
    course(
        "asthma",
        (5, 50),
        &["budesonide", "salbutamol"],
        &[
            ("fev1", 71.0, 88.0, 4.0),
            ("eos", 0.74, 0.4, 0.08),
            ("spo2", 96.0, 98.0, 1.0),
        ],
        ("Asthma review", "哮喘随访"),
    ),
    course(
        "tb",
        (16, 75),
        &["hr"],
        &[
            ("weight", 52.0, 58.0, 0.8),
            ("esr", 68.0, 18.0, 5.0),
            ("alt", 24.0, 34.0, 6.0),
            ("hb", 112.0, 128.0, 3.0),
        ],
        ("Treatment visit", "抗结核治疗随访"),
    ),
    course(
        "hepatitis-b",
        (22, 66),
        &["entecavir"],
        &[
            ("hbv-dna", 48000.0, 20.0, 5.0),
            ("alt", 96.0, 28.0, 5.0),
            ("afp", 4.2, 3.6, 0.5),
            ("plt", 168.0, 176.0, 9.0),
        ],
        ("Liver clinic", "肝病门诊"),
    ),
    course(
        "hydatid",
        (18, 60),
        &["albendazole"],
        &[("eos", 1.2, 0.5, 0.1), ("alt", 44.0, 36.0, 6.0)],
        ("Cyst follow-up", "包虫病随访"),
    ),
    course(
        "brucellosis",
        (20, 65),
        &["doxycycline", "rifampicin"],
        &[
            ("esr", 54.0, 14.0, 5.0),
            ("crp", 38.0, 4.0, 3.0),
            ("temperature", 38.3, 36.7, 0.2),
        ],
        ("Fever clinic", "发热门诊"),
    ),
    with_pressure(
        course(
            "ckd",
            (45, 82),
            &["losartan", "furosemide"],
            &[
                ("creatinine", 132.0, 178.0, 7.0),
                ("egfr", 48.0, 34.0, 2.0),
                ("potassium", 4.6, 5.1, 0.2),
                ("hb", 118.0, 104.0, 3.0),
            ],
            ("Kidney clinic", "肾病门诊"),
        ),
        (158.0, 92.0),
        (142.0, 84.0),
    ),
    course(
        "anaemia",
        (15, 48),
        &["iron"],
        &[
            ("hb", 84.0, 122.0, 3.0),
            ("ferritin", 5.0, 36.0, 3.0),
            ("mcv", 71.0, 86.0, 1.0),
        ],
        ("Tiredness", "乏力"),
    ),
    course(
        "hypothyroidism",
        (25, 75),
        &["levothyroxine"],
        &[
            ("tsh", 21.4, 2.6, 0.6),
            ("ft4", 8.2, 15.8, 0.8),
            ("cholesterol", 6.8, 5.1, 0.3),
        ],
        ("Thyroid clinic", "甲状腺门诊"),
    ),
    with_pressure(
        course(
            "ischaemia",
            (48, 84),
            &["aspirin", "atorvastatin", "bisoprolol"],
            &[
                ("ldl", 4.1, 1.9, 0.2),
                ("troponin", 8.0, 6.0, 2.0),
                ("pulse", 84.0, 66.0, 4.0),
            ],
            ("Chest pain on effort", "劳累后胸痛"),
        ),
        (152.0, 88.0),
        (130.0, 78.0),
    ),
    course(
        "gout",
        (35, 78),
        &["allopurinol", "colchicine"],
        &[
            ("urate", 548.0, 362.0, 18.0),
            ("creatinine", 88.0, 92.0, 5.0),
        ],
        ("Painful toe", "足趾疼痛"),
    ),
    course(
        "osteoarthritis",
        (52, 86),
        &["paracetamol"],
        &[("weight", 78.0, 76.0, 0.8), ("crp", 4.0, 3.0, 1.0)],
        ("Knee pain", "膝关节疼痛"),
    ),
    course(
        "gallstones",
        (30, 75),
        &[],
        &[("bilirubin", 14.0, 12.0, 2.0), ("alt", 26.0, 24.0, 4.0)],
        ("Pain after meals", "餐后上腹痛"),
    ),
    course(
        "gastritis",
        (22, 70),
        &["omeprazole"],
        &[("hb", 126.0, 131.0, 3.0)],
        ("Pain in the pit of the stomach", "上腹部不适"),
    ),
    course(
        "epilepsy",
        (6, 45),
        &["valproate"],
        &[("alt", 22.0, 26.0, 3.0), ("plt", 222.0, 198.0, 10.0)],
        ("Seizure clinic", "癫痫门诊"),
    ),
    course(
        "depression",
        (18, 70),
        &["sertraline"],
        &[("phq9", 16.0, 6.0, 1.0)],
        ("Low mood", "情绪低落"),
    ),
];

/// Illnesses that often come with another.
const COMPANIONS: &[(&str, &str)] = &[
    ("diabetes", "hypertension"),
    ("ckd", "diabetes"),
    ("ischaemia", "hypertension"),
    ("copd", "ischaemia"),
    ("gout", "hypertension"),
    ("tb", "anaemia"),
];

/// Patients of each hospital, and the customs their names follow (in percent: Han, Uyghur, Kazakh, Russian).
const SIZES: &[(&str, usize, [usize; 4])] = &[
    ("yarqum", 108, [28, 66, 4, 2]),
    ("aqtash", 78, [34, 16, 44, 6]),
    ("toghraq", 46, [22, 74, 2, 2]),
    ("yarqum-tb", 32, [26, 68, 4, 2]),
    ("qumtagh", 56, [52, 36, 8, 4]),
    ("saryozen", 14, [0, 0, 62, 38]),
    ("northmere", 8, [0, 0, 0, 0]),
];

/// All background patients.
pub fn people(
    hospitals: &'static [Hospital],
    dice: &mut Dice,
    now: Instant,
    today: Date,
) -> Vec<Person> {
    let mut people = Vec::new();
    for (hospital, count, customs) in SIZES {
        let Some(hospital) = hospitals.iter().find(|h| h.id == *hospital) else {
            continue;
        };
        for number in 0..*count {
            let customs = draw_customs(customs, dice);
            people.push(person(
                people.len(),
                hospital,
                number,
                customs,
                dice,
                now,
                today,
            ));
        }
    }
    people
}

fn draw_customs(percent: &[usize; 4], dice: &mut Dice) -> People {
    let mut left = dice.below(100);
    for (share, people) in
        percent
            .iter()
            .zip([People::Han, People::Uyghur, People::Kazakh, People::Russian])
    {
        if left < *share {
            return people;
        }
        left -= share;
    }
    if percent.iter().sum::<usize>() == 0 {
        People::English
    } else {
        People::Han
    }
}

/// A hospital's own number for a patient.
pub fn number_of(hospital: &Hospital, index: usize) -> String {
    format!("{}-{:07}", hospital.tile, 20_011 + index * 137)
}

/// A national number that cannot be anybody's: it begins with six zeros.
pub fn national_id(jurisdiction: &str, birth: Date, serial: usize) -> String {
    let compact = birth.strftime("%Y%m%d").to_string();
    match jurisdiction {
        "CN" => format!("000000{compact}{serial:04}"),
        "KZ" => format!("000000{serial:06}"),
        _ => format!("000 000 {serial:04}"),
    }
}

pub fn person(
    index: usize,
    hospital: &'static Hospital,
    number: usize,
    customs: People,
    dice: &mut Dice,
    now: Instant,
    today: Date,
) -> Person {
    let sex = if dice.chance(52) {
        Sex::Female
    } else {
        Sex::Male
    };
    let course = draw_course(hospital, dice);
    let age = dice.between(course.ages.0, course.ages.1);
    let birth = today
        .saturating_sub(age.years())
        .saturating_sub(dice.between(1, 364).days());
    let name = name(customs, sex, dice);
    let subject = Subject {
        name: &name,
        sex,
        birth,
        speaks: customs.language(),
        address: letters::address(hospital, dice),
        phone: letters::phone(hospital, dice),
        national_id: &national_id(hospital.jurisdiction, birth, 1_000 + index),
    };
    let doctor = letters::doctor_of(hospital);
    let mut builder = Builder::new(
        dice,
        hospital,
        doctor,
        number_of(hospital, number),
        &subject,
        now,
    );
    fill(&mut builder, course, age, &subject);
    let records: Vec<PatientRecord> = vec![builder.finish()];
    Person {
        key: format!("p{index:04}"),
        name,
        sex,
        birth,
        speaks: customs.language(),
        account: None,
        records,
    }
}

fn draw_course(hospital: &Hospital, dice: &mut Dice) -> &'static Course {
    if hospital.id == "yarqum-tb" {
        return COURSES
            .iter()
            .find(|c| c.illness == "tb")
            .unwrap_or(&COURSES[0]);
    }
    dice.pick(COURSES)
}

fn fill(builder: &mut Builder<'_>, course: &Course, age: i64, subject: &Subject<'_>) {
    // From the first visit to the last; a child's illness cannot be older than the child.
    let began = builder.dice().between(120, (age * 300).clamp(130, 1800));
    let latest = builder.dice().between(1, 60);
    course_of(builder, course, began, latest);
    let companion = COMPANIONS
        .iter()
        .find(|c| c.0 == course.illness)
        .map(|c| c.1);
    if let Some(other) = companion
        && builder.dice().chance(45)
        && let Some(other) = COURSES.iter().find(|c| c.illness == other)
    {
        let later = builder.dice().between(100, began.max(101));
        course_of(builder, other, later, latest);
    }
    if builder.dice().chance(14) {
        let (allergen, en, zh) = *builder.dice().pick(&[
            ("penicillin", "rash", "皮疹"),
            ("sulfonamide", "fever and rash", "发热、皮疹"),
            ("aspirin", "wheezing", "喘息"),
        ]);
        let days = builder.dice().between(200, 5000).min(age * 300 + 10);
        builder.allergy(allergen, days, (en, zh));
    }
    if age < 12 {
        for (cvx, en, zh, months) in VACCINES {
            builder.vaccine(cvx, (en, zh), age * 365 - months * 30);
        }
    } else if age > 60 && builder.dice().chance(60) {
        let days = builder.dice().between(20, 330);
        builder.vaccine("141", ("Influenza, inactivated", "流感灭活疫苗"), days);
    }
    if builder.dice().chance(12) {
        documents(builder, course, latest, subject);
    }
}

/// A straight line from first to last with scatter, told at a few visits.
fn course_of(builder: &mut Builder<'_>, course: &Course, began: i64, latest: i64) {
    builder.illness(course.illness, began, true);
    for drug in course.drugs {
        builder.medicine(drug, began);
    }
    let visits = builder.dice().between(2, 3);
    for visit in 0..visits {
        let share = visit as f64 / (visits - 1).max(1) as f64;
        let days = began - ((began - latest) as f64 * share) as i64;
        builder.visit("AMB", course.reason, days, 0);
        if let Some((first, last)) = course.pressure {
            let scatter = builder.dice().normal() * 5.0;
            let along = |a: f64, b: f64| a + (b - a) * share;
            builder.pressure(
                days,
                along(first.0, last.0) + scatter,
                along(first.1, last.1) + scatter * 0.5,
            );
        }
        for (analyte, first, last, scatter) in course.trends {
            let value = first + (last - first) * share + builder.dice().normal() * scatter;
            builder.measure(analyte, days, value.max(scatter * 0.5));
        }
    }
}

fn documents(builder: &mut Builder<'_>, course: &Course, days: i64, subject: &Subject<'_>) {
    if ["copd", "tb", "asthma"].contains(&course.illness) {
        builder.report(
            RecordClass::Imaging,
            ("36643-5", "Chest X-ray", "胸部X线"),
            days,
            "Lungs expanded, no new shadow. Heart of normal size.",
        );
        let picture = png(Phantom::ChestXray, builder.dice());
        builder.file("chest-xray.png", "Chest X-ray", "image/png", days, picture);
    } else {
        let lines = letters::discharge(course.reason.0, subject.birth, subject.sex);
        builder.procedure(("Review by the ward team", "病区查房"), days);
        builder.file(
            "discharge-letter.pdf",
            "Discharge letter",
            "application/pdf",
            days,
            pdf::letter("Discharge letter", &lines),
        );
    }
}
