//! The pack for when the system is down: today's open cases of one hospital on paper.

use jiff::Zoned;
use serde::Serialize;
use serde_json::Value;

use crate::language::{Language, maybe_moment, moment};
use crate::model::{Institution, Patient, Section, Text};
use crate::render::{PrintError, Printed, print, to_map};

/// Words of this print alone, which exists in the languages of the pages.
const WORDS: [(Language, &str); 2] = [
    (Language::English, include_str!("../words/pack.en.json")),
    (Language::Chinese, include_str!("../words/pack.zh-CN.json")),
];

/// Whom to telephone.
#[derive(Debug, Clone, Serialize)]
pub struct Contact {
    /// `referrer`, `coordinator`, `consultant`, `call-back`.
    pub role: &'static str,
    pub name: String,
    pub hospital: String,
}

/// One open case.
#[derive(Debug, Clone, Serialize)]
pub struct PackCase {
    pub number: String,
    /// Its status (`requested`, `answered`, …).
    pub status: String,
    /// `emergency`, `urgent`, `soon`, `routine`.
    pub urgency: Option<String>,
    #[serde(serialize_with = "maybe_moment")]
    pub due: Option<Zoned>,
    /// None where the reader may not know who it is: the number stands for the patient.
    pub patient: Option<Patient>,
    pub allergies: Vec<String>,
    /// A source states that no allergy is known.
    pub no_known_allergy: bool,
    pub question: Text,
    /// The current answer.
    pub answer: Vec<Section>,
    pub contacts: Vec<Contact>,
}

/// All open cases of one hospital.
#[derive(Debug, Clone, Serialize)]
pub struct Pack {
    /// English or Chinese; another is printed in English.
    pub language: Language,
    pub hospital: Institution,
    #[serde(serialize_with = "moment")]
    pub printed_at: Zoned,
    pub printed_by: String,
    pub cases: Vec<PackCase>,
}

/// Prints the pack. `at` dates the PDF.
pub fn pack(pack: &Pack, at: &Zoned) -> Result<Printed, PrintError> {
    let known = WORDS
        .iter()
        .find(|(language, _)| *language == pack.language);
    let (language, words) = known.copied().unwrap_or(WORDS[0]);
    let words: Value =
        serde_json::from_str(words).map_err(|_| PrintError::Set("words of the pack".into()))?;
    let mut data = to_map(&Pack {
        language,
        ..pack.clone()
    })?;
    data.insert("title".into(), words["title"].clone());
    data.insert("words".into(), words);
    data.insert("number".into(), Value::Null);
    data.insert("draft".into(), false.into());
    print(include_str!("../templates/pack.typ"), language, data, at)
}
