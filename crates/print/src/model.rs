//! What goes on paper: plain values, already permitted to the reader and in the reader's zone.

use jiff::Zoned;
use jiff::civil::Date;
use serde::Serialize;

use crate::language::{Language, day, maybe_day, maybe_moment, moment};

/// Free text as somebody wrote it, perhaps with a translation.
#[derive(Debug, Clone, Serialize)]
pub struct Text {
    pub text: String,
    /// BCP 47 tag of the text; none: the language of the print.
    pub language: Option<String>,
    pub translation: Option<Translation>,
}

impl Text {
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            language: None,
            translation: None,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Translation {
    pub text: String,
    /// BCP 47 tag.
    pub language: String,
    /// Who translated: a person, or a machine by its name.
    pub translator: String,
}

/// A hospital on a letterhead or as a party.
#[derive(Debug, Clone, Serialize)]
pub struct Institution {
    pub name: String,
    /// The name in other scripts.
    pub other_names: Vec<String>,
    /// Two letters for the tile.
    pub code: String,
    /// Lines of the postal address and how to reach it.
    pub address: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    Female,
    Male,
    Other,
    Unknown,
}

#[derive(Debug, Clone, Serialize)]
pub struct Patient {
    pub name: String,
    /// The name in other scripts.
    pub other_names: Vec<String>,
    #[serde(serialize_with = "maybe_day")]
    pub born: Option<Date>,
    pub sex: Sex,
    /// The first is repeated on every page.
    pub identifiers: Vec<Identifier>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Identifier {
    /// Who gave it, for example `Yarqum number`.
    pub issuer: String,
    pub value: String,
}

/// To whom a letter goes.
#[derive(Debug, Clone, Serialize)]
pub struct Recipient {
    /// The hospital.
    pub name: String,
    pub doctor: Option<String>,
}

/// One entry of the record, at the version that was read.
#[derive(Debug, Clone, Serialize)]
pub struct RecordItem {
    #[serde(serialize_with = "maybe_day")]
    pub date: Option<Date>,
    pub what: String,
    /// The hospital whose record it is.
    pub custodian: String,
    pub version: String,
}

/// The parts of an opinion, by their headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionPart {
    /// What I see.
    See,
    /// What I think.
    Think,
    /// What I advise.
    Advise,
    /// Orders proposed to the treating physician.
    Orders,
    /// How the images were made.
    Technique,
    /// What they are compared with.
    Comparison,
    /// Findings of a diagnostic report.
    Findings,
    /// What the findings mean.
    Impression,
    Recommendation,
}

#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub part: SectionPart,
    pub text: Text,
}

/// What the document is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Character {
    /// Advice to the treating physician, who decides.
    Advisory,
    /// A diagnostic report the author answers for.
    Report,
}

/// An electronic signature with the hospital's seal.
#[derive(Debug, Clone, Serialize)]
pub struct Signature {
    pub signer: String,
    /// Specialty or function, and hospital.
    pub role: String,
    /// Licence number, where the signature needs one.
    pub licence: Option<String>,
    #[serde(serialize_with = "moment")]
    pub signed_at: Zoned,
    #[serde(serialize_with = "moment")]
    pub sealed_at: Zoned,
    /// Id of the signer's key.
    pub signer_key: String,
    pub hospital_key: String,
    /// SHA-256 of the signed bytes, hexadecimal.
    pub digest: String,
    /// Name of an independent time-stamping authority, if one confirmed the time.
    pub time_authority: Option<String>,
    /// The authority's time.
    #[serde(serialize_with = "maybe_moment")]
    pub stamped_at: Option<Zoned>,
    /// Who signed second, where two signatures are needed.
    pub co_signer: Option<CoSignature>,
}

/// A second signature over the same document.
#[derive(Debug, Clone, Serialize)]
pub struct CoSignature {
    pub signer: String,
    pub licence: Option<String>,
    #[serde(serialize_with = "moment")]
    pub signed_at: Zoned,
}

/// The earlier document an addendum belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct Amends {
    #[serde(serialize_with = "moment")]
    pub signed_at: Zoned,
    /// SHA-256 of its signed bytes, hexadecimal.
    pub digest: String,
}

/// An opinion as a letter from the answering hospital.
#[derive(Debug, Clone, Serialize)]
pub struct Letter {
    pub language: Language,
    /// The answering hospital.
    pub hospital: Institution,
    pub recipient: Recipient,
    /// The case's number.
    pub number: String,
    #[serde(serialize_with = "moment")]
    pub asked_at: Zoned,
    pub patient: Patient,
    /// What was asked; for a diagnostic report, the examination.
    pub question: Text,
    pub sections: Vec<Section>,
    /// Everything the opinion rests on.
    pub record: Vec<RecordItem>,
    pub character: Character,
    pub responsible: String,
    pub amends: Option<Amends>,
    /// None for a draft, which says so on every page.
    pub signature: Option<Signature>,
}

/// Something that happened in a case.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    #[serde(serialize_with = "moment")]
    pub at: Zoned,
    pub what: String,
    pub who: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Message {
    #[serde(serialize_with = "moment")]
    pub at: Zoned,
    pub from: String,
    pub text: Text,
}

/// A case on paper: for the file, or for when the system is down.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub language: Language,
    /// The hospital that prints.
    pub hospital: Institution,
    pub number: String,
    /// The case's state in the reader's language.
    pub state: String,
    #[serde(serialize_with = "moment")]
    pub printed_at: Zoned,
    pub printed_by: String,
    pub patient: Patient,
    pub question: Text,
    /// The answer, if there is one.
    pub sections: Vec<Section>,
    pub course: Vec<Event>,
    pub messages: Vec<Message>,
    pub record: Vec<RecordItem>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Clause {
    pub number: String,
    pub heading: Option<String>,
    pub text: Text,
}

/// The text of an agreement between hospitals.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    pub language: Language,
    /// The hospital that prints.
    pub hospital: Institution,
    pub number: String,
    pub title: String,
    pub parties: Vec<Institution>,
    #[serde(serialize_with = "day")]
    pub from: Date,
    #[serde(serialize_with = "day")]
    pub until: Date,
    pub clauses: Vec<Clause>,
    /// Signatures of the parties so far.
    pub signatures: Vec<Signature>,
    /// Whether it is still a draft, which is said on every page.
    pub draft: bool,
}
