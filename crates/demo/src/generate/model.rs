//! What the generator gives back: plain values, ready to be carried in through the use cases.

use agreements::{Privilege, RecordClass, Role};
use jiff::civil::Date;
use kernel::Instant;

use super::studies::StudyPlan;

/// A whole invented network.
#[derive(Debug, Clone)]
pub struct Network {
    pub seed: u64,
    /// The time everything is told from.
    pub now: Instant,
    pub hospitals: &'static [Hospital],
    pub staff: &'static [Staff],
    /// People, each with one record or several.
    pub people: Vec<Person>,
    pub agreements: Vec<AgreementPlan>,
    pub cases: Vec<CasePlan>,
    pub studies: Vec<StudyPlan>,
}

impl Network {
    /// The member of staff with this key.
    pub fn staff(&self, key: &str) -> Option<&'static Staff> {
        self.staff.iter().find(|s| s.key == key)
    }
    pub fn hospital(&self, id: &str) -> Option<&'static Hospital> {
        self.hospitals.iter().find(|h| h.id == id)
    }
    pub fn person(&self, key: &str) -> Option<&Person> {
        self.people.iter().find(|p| p.key == key)
    }
    /// Every record with the person it is about.
    pub fn records(&self) -> impl Iterator<Item = (&Person, &PatientRecord)> {
        self.people
            .iter()
            .flat_map(|p| p.records.iter().map(move |r| (p, r)))
    }
}

/// A hospital of the network.
#[derive(Debug, Clone)]
pub struct Hospital {
    /// As it stands in addresses.
    pub id: &'static str,
    /// Two letters on its tile.
    pub tile: &'static str,
    pub name_en: &'static str,
    /// The name in the country's own language.
    pub name_native: &'static str,
    /// ISO 3166-1 alpha-2.
    pub jurisdiction: &'static str,
    /// IANA time zone.
    pub zone: &'static str,
    /// BCP 47, most used first.
    pub languages: &'static [&'static str],
    pub place: &'static str,
    pub kind: HospitalKind,
}

/// What a hospital does in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HospitalKind {
    Centre,
    Remote,
    Partner,
}

/// A name as its bearer writes it, and in Latin letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub native_family: String,
    pub native_given: String,
    pub latin_family: String,
    pub latin_given: String,
    /// Family name first in the native form (Han names).
    pub family_first: bool,
}

impl Name {
    pub fn native(&self) -> String {
        if self.family_first {
            format!("{}{}", self.native_family, self.native_given)
        } else {
            format!("{} {}", self.native_given, self.native_family)
        }
    }
    pub fn latin(&self) -> String {
        if self.family_first {
            format!("{} {}", self.latin_family, self.latin_given)
        } else {
            format!("{} {}", self.latin_given, self.latin_family)
        }
    }
}

/// Someone who works in one or several hospitals.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Short and unique: `tursun`.
    pub key: &'static str,
    /// Latin letters, family name last unless Han.
    pub name: &'static str,
    pub name_native: &'static str,
    pub title_en: &'static str,
    pub title_zh: &'static str,
    /// Services the person gives ([`super::services`]).
    pub services: &'static [&'static str],
    /// Where they work and as what; the first is where they act when they sign in.
    pub posts: &'static [Post],
    /// BCP 47; the first is the language of their pages, where Karez speaks it.
    pub languages: &'static [&'static str],
    pub licence: Option<Licence>,
}

impl Staff {
    /// The address the person signs in with.
    pub fn email(&self) -> String {
        let hospital = self.posts.first().map_or("karez", |p| p.hospital);
        format!("{}@{hospital}.example", self.key)
    }
}

/// One post at one hospital.
#[derive(Debug, Clone, Copy)]
pub struct Post {
    pub hospital: &'static str,
    pub roles: &'static [Role],
    pub privileges: &'static [Privilege],
}

/// A licence to practise.
#[derive(Debug, Clone, Copy)]
pub struct Licence {
    pub number: &'static str,
    pub authority: &'static str,
    pub from: Date,
    pub until: Date,
}

/// Administrative gender (FHIR R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Female,
    Male,
}

impl Sex {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// A patient as a person, whoever keeps records about them.
#[derive(Debug, Clone)]
pub struct Person {
    /// Unique: `memet-patigul` for those with a story, `p0042` for the others.
    pub key: String,
    pub name: Name,
    pub sex: Sex,
    pub birth: Date,
    /// BCP 47 of what the person speaks.
    pub speaks: &'static str,
    /// Set for those who have an account of their own.
    pub account: Option<String>,
    /// The first is kept where the person is usually treated.
    pub records: Vec<PatientRecord>,
}

/// What one hospital keeps about one person.
#[derive(Debug, Clone)]
pub struct PatientRecord {
    pub hospital: &'static str,
    /// Id of the Patient resource.
    pub patient: String,
    /// The hospital's own number.
    pub number: String,
    /// The Patient first; references between them are relative (`Patient/…`).
    pub resources: Vec<Resource>,
    pub files: Vec<File>,
}

/// One FHIR R4 resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub kind: &'static str,
    pub id: String,
    pub json: String,
    /// The class an agreement would share it under.
    pub class: RecordClass,
}

/// A file of a record. A DocumentReference of the record has the same id and points at `Binary/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub id: String,
    pub name: String,
    pub title: String,
    pub content_type: &'static str,
    pub class: RecordClass,
    pub bytes: Vec<u8>,
}

/// Where an agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgreementState {
    Draft,
    Proposed,
    Active,
    Suspended,
    Ended,
    /// Signed by both and past its last day.
    Expired,
}

/// An agreement between two hospitals.
#[derive(Debug, Clone)]
pub struct AgreementPlan {
    pub number: &'static str,
    pub title: &'static str,
    /// The hospital that drafted and proposed it, and whose patients it is about.
    pub asks: &'static str,
    /// The hospital that answers.
    pub answers: &'static str,
    pub state: AgreementState,
    pub from: Date,
    pub until: Date,
    pub clauses: Vec<ClausePlan>,
    /// Answer within so many minutes for emergency, urgent, soon and routine.
    pub answer_within_min: [u32; 4],
    /// Also the other way round.
    pub both_ways: bool,
    /// Why it was suspended or ended.
    pub reason: Option<&'static str>,
}

/// One clause.
#[derive(Debug, Clone)]
pub struct ClausePlan {
    pub title: &'static str,
    pub text: &'static str,
    /// Codes of specialties ([`super::services`]).
    pub services: Vec<&'static str>,
    pub classes: Vec<RecordClass>,
    pub needs_consent: bool,
    pub break_glass: bool,
    pub co_signature: bool,
}

/// How soon an answer is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    Emergency,
    Urgent,
    Soon,
    Routine,
}

/// Where a case has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Draft,
    Requested,
    MoreInformation,
    Accepted,
    Allocated,
    Answered,
    Read,
    Acted,
    Closed,
    Declined,
    Cancelled,
    Suspended,
}

/// Who writes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Referrer,
    Coordinator,
    Consultant,
}

/// A message in a case.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    pub who: Who,
    pub text: &'static str,
}

/// What a specialist answers.
#[derive(Debug, Clone, Copy)]
pub struct Opinion {
    pub findings: &'static str,
    pub assessment: &'static str,
    pub advice: &'static str,
    /// A translation of the advice with its translator's staff key and BCP 47 language.
    pub translation: Option<(&'static str, &'static str, &'static str)>,
}

/// One case from beginning to where it stands.
#[derive(Debug, Clone)]
pub struct CasePlan {
    pub key: &'static str,
    /// [`Person::key`]
    pub person: String,
    pub from: &'static str,
    pub to: &'static str,
    pub agreement: &'static str,
    pub service: &'static str,
    pub urgency: Urgency,
    pub stage: Stage,
    /// When the question was written.
    pub began: Instant,
    /// BCP 47 of the texts.
    pub language: &'static str,
    pub question: &'static str,
    pub story: &'static str,
    /// Ids of the shared resources of the record kept by `from`.
    pub shared: Vec<(&'static str, String)>,
    /// Ids of the attached files.
    pub files: Vec<String>,
    pub referrer: &'static str,
    pub coordinator: &'static str,
    pub consultant: Option<&'static str>,
    pub messages: &'static [Message],
    pub opinion: Option<Opinion>,
    /// Why it was declined, cancelled or suspended.
    pub reason: Option<&'static str>,
    /// What the referring doctor did with the answer.
    pub action: Option<&'static str>,
    /// How it turned out, told weeks later.
    pub outcome: Option<&'static str>,
}
