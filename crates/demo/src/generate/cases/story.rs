//! The shape of a hand-written case: the patient, what their record holds, and what is said.

use agreements::RecordClass;

use crate::generate::model::{Message, Opinion, Sex, Stage, Urgency};
use crate::generate::phantom::Phantom;

/// A patient with a story.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    pub key: &'static str,
    /// Native family, native given, Latin family, Latin given; family name first when Han.
    pub name: (&'static str, &'static str, &'static str, &'static str),
    pub sex: Sex,
    /// Age in years, and days beyond the birthday.
    pub age: (i64, i64),
    pub speaks: &'static str,
    /// Has an account to see the case with.
    pub account: bool,
    pub record: Record,
    pub case: Case,
}

/// What the referring hospital keeps. Days count back from now.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    pub illnesses: &'static [(&'static str, i64)],
    /// Allergen, days, reaction in English and Chinese.
    pub allergies: &'static [(&'static str, i64, &'static str, &'static str)],
    pub medicines: &'static [(&'static str, i64)],
    /// Analyte and its values with their days.
    pub values: &'static [(&'static str, &'static [(i64, f64)])],
    pub pressures: &'static [(i64, f64, f64)],
    pub reports: &'static [Report],
    pub pictures: &'static [(Phantom, &'static str, &'static str, i64)],
}

pub const EMPTY: Record = Record {
    illnesses: &[],
    allergies: &[],
    medicines: &[],
    values: &[],
    pressures: &[],
    reports: &[],
    pictures: &[],
};

/// A report of the record.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub class: RecordClass,
    /// LOINC, English, Chinese.
    pub code: (&'static str, &'static str, &'static str),
    pub days: i64,
    pub text: &'static str,
}

const fn report(
    class: RecordClass,
    code: (&'static str, &'static str, &'static str),
    days: i64,
    text: &'static str,
) -> Report {
    Report {
        class,
        code,
        days,
        text,
    }
}

pub const fn chest_ct(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("24627-2", "CT of the chest", "胸部CT"),
        days,
        text,
    )
}
pub const fn chest_xray(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("36643-5", "Chest X-ray", "胸部X线"),
        days,
        text,
    )
}
pub const fn head_ct(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("24725-4", "CT of the head", "头颅CT"),
        days,
        text,
    )
}
pub const fn ultrasound(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("24558-9", "Ultrasound of the abdomen", "腹部超声"),
        days,
        text,
    )
}
pub const fn echo(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("42148-7", "Echocardiography", "超声心动图"),
        days,
        text,
    )
}
pub const fn ecg(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("11524-6", "Electrocardiogram", "心电图"),
        days,
        text,
    )
}
pub const fn imaging(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Imaging,
        ("18748-4", "Imaging report", "影像检查报告"),
        days,
        text,
    )
}
pub const fn pathology(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Pathology,
        ("11526-1", "Pathology report", "病理报告"),
        days,
        text,
    )
}
pub const fn microbiology(days: i64, text: &'static str) -> Report {
    report(
        RecordClass::Laboratory,
        ("18725-2", "Microbiology report", "微生物学报告"),
        days,
        text,
    )
}

/// What is asked and what comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub from: &'static str,
    pub to: &'static str,
    pub service: &'static str,
    pub urgency: Urgency,
    pub stage: Stage,
    /// Minutes before now at which it was sent.
    pub minutes_ago: i64,
    /// BCP 47.
    pub language: &'static str,
    pub question: &'static str,
    pub story: &'static str,
    pub referrer: &'static str,
    pub consultant: Option<&'static str>,
    pub messages: &'static [Message],
    pub opinion: Option<Opinion>,
    pub reason: Option<&'static str>,
    pub action: Option<&'static str>,
    pub outcome: Option<&'static str>,
}

pub const fn referrer(text: &'static str) -> Message {
    Message {
        who: crate::generate::model::Who::Referrer,
        text,
    }
}
pub const fn coordinator(text: &'static str) -> Message {
    Message {
        who: crate::generate::model::Who::Coordinator,
        text,
    }
}
pub const fn consultant(text: &'static str) -> Message {
    Message {
        who: crate::generate::model::Who::Consultant,
        text,
    }
}
pub const fn opinion(
    findings: &'static str,
    assessment: &'static str,
    advice: &'static str,
) -> Option<Opinion> {
    Some(Opinion {
        findings,
        assessment,
        advice,
        translation: None,
    })
}

pub const HOUR: i64 = 60;
pub const DAY: i64 = 24 * 60;
