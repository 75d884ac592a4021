//! Studies of images: made up, slice by slice, for patients of the network. They look like what they stand for and show
//! nobody. Pixels are drawn when they are asked for; the same seed gives the same bytes.

pub mod body;
mod ecg;
pub mod flat;
pub mod object;
mod sections;
mod told;
pub mod volume;

use bytes::Bytes;
use care::reading::Agreement;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kernel::Instant;

use super::dice::Dice;
use super::letters;
use super::model::{CasePlan, Hospital, Person, Sex, Urgency};
use body::{HeadLesion, Nodule};
use flat::{Loop, Part};
use object::{Study, Who};

/// What is done, and what it shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exam {
    ChestCt {
        slices: u16,
        nodule: Nodule,
    },
    HeadCt {
        lesion: HeadLesion,
        uneven: bool,
    },
    HeadMr(HeadLesion),
    Radiograph(Part),
    Mammograms,
    Ultrasound(Loop),
    /// With so many beats a minute.
    Ecg(f64),
}

impl Exam {
    /// Every object of a study, as files (PS3.10).
    pub fn objects(self, study: &Study) -> Vec<Bytes> {
        match self {
            Self::ChestCt { slices, nodule } => sections::ct_chest(study, slices, nodule),
            Self::HeadCt { lesion, uneven } => sections::ct_head(study, lesion, uneven),
            Self::HeadMr(lesion) => sections::mr_head(study, lesion),
            Self::Radiograph(part) => flat::radiograph(study, part, false),
            Self::Mammograms => flat::mammograms(study),
            Self::Ultrasound(what) => flat::ultrasound(study, what),
            Self::Ecg(beats) => ecg::twelve_leads(study, beats),
        }
    }

    /// What the end of the title of its scanner is, and what the scanner is for people.
    const fn scanner(self) -> (&'static str, &'static str) {
        match self {
            Self::ChestCt { .. } | Self::HeadCt { .. } => ("CT1", "CT scanner"),
            Self::HeadMr(_) => ("MR1", "MR scanner, 1.5 T"),
            Self::Radiograph(_) => ("CR1", "X-ray room"),
            Self::Mammograms => ("MG1", "Mammography"),
            Self::Ultrasound(_) => ("US1", "Ultrasound"),
            Self::Ecg(_) => ("ECG1", "Electrocardiograph"),
        }
    }
}

/// A study of the network.
#[derive(Debug, Clone)]
pub struct StudyPlan {
    pub key: &'static str,
    /// Where it was made and is kept.
    pub hospital: &'static str,
    /// [`CasePlan::key`] of the case it goes with.
    pub case: Option<&'static str>,
    pub exam: Exam,
    pub study: Study,
    pub taken: Instant,
    /// Title of the application entity that sends it, and what it is.
    pub scanner: (String, &'static str),
    pub reading: Option<ReadingPlan>,
    /// It is sent once more with other pixels under the same UIDs.
    pub contradicted: bool,
}

impl StudyPlan {
    pub fn objects(&self) -> Vec<Bytes> {
        self.exam.objects(&self.study)
    }

    /// What contradicts an object that is kept.
    pub fn contradiction(&self) -> Vec<Bytes> {
        match self.exam {
            Exam::Radiograph(part) if self.contradicted => {
                flat::radiograph(&self.study, part, true)
            }
            _ => Vec::new(),
        }
    }
}

/// How far a reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadingStage {
    Unread,
    Claimed,
    Preliminary,
    Final,
}

/// A report's words.
#[derive(Debug, Clone, Copy)]
pub struct ReportWords {
    /// BCP 47.
    pub language: &'static str,
    pub technique: &'static str,
    pub comparison: &'static str,
    pub findings: &'static str,
    pub impression: &'static str,
    pub recommendation: &'static str,
}

/// Who acknowledges a critical finding, and with what answer.
pub type Acknowledged = (&'static str, &'static str);

/// Who reads a study, and what comes of it.
#[derive(Debug, Clone, Copy)]
pub struct ReadingPlan {
    pub urgency: Urgency,
    pub stage: ReadingStage,
    /// Of the hospital that reads: the case's, else the study's own.
    pub reader: &'static str,
    pub words: Option<ReportWords>,
    /// What cannot wait, how many minutes ago it was raised, and who has acknowledged it with what answer.
    pub critical: Option<(&'static str, i64, Option<Acknowledged>)>,
    /// Whoever reads it a second time, how far they agree, and what they say.
    pub second: Option<(&'static str, Agreement, &'static str)>,
    /// Minutes ago at which it was taken up.
    pub begun_min: i64,
}

/// Whose a study is.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// The patient of a case, by its key.
    Story(&'static str),
    /// Some grown-up of the hospital with this sex who has no case: the first, second…
    Other(Sex, usize),
    /// Somebody nobody knows, under a number given in a hurry.
    Nobody(&'static str),
}

/// A line of the list.
struct Told {
    key: &'static str,
    hospital: &'static str,
    whose: Whose,
    minutes_ago: i64,
    exam: Exam,
    description: &'static str,
    reading: Option<ReadingPlan>,
    contradicted: bool,
}

/// The studies of people and cases.
pub fn studies(
    seed: u64,
    hospitals: &'static [Hospital],
    people: &[Person],
    cases: &[CasePlan],
    now: Instant,
) -> Vec<StudyPlan> {
    let plan = |told: &Told| {
        let hospital = hospitals.iter().find(|h| h.id == told.hospital)?;
        let case = match told.whose {
            Whose::Story(key) => Some(cases.iter().find(|c| c.key == key)?),
            _ => None,
        };
        let taken = now - SignedDuration::from_mins(told.minutes_ago);
        let zone = TimeZone::get(hospital.zone).unwrap_or(TimeZone::UTC);
        let (title, scanner) = told.exam.scanner();
        let mut dice = Dice::new(seed ^ of_key(told.key));
        let study = Study {
            who: who(told, people, cases)?,
            root: root(&mut dice),
            taken: taken.to_zoned(zone),
            accession: format!("{}{:06}", hospital.tile, dice.below(1_000_000)),
            description: told.description,
            institution: hospital.name_en,
            station: title,
            referring: letters::doctor_of(hospital),
        };
        Some(StudyPlan {
            key: told.key,
            hospital: told.hospital,
            case: case.map(|c| c.key),
            exam: told.exam,
            study,
            taken,
            scanner: (format!("{}_{title}", hospital.tile), scanner),
            reading: told.reading,
            contradicted: told.contradicted,
        })
    };
    told::STUDIES.iter().filter_map(plan).collect()
}

fn who(told: &Told, people: &[Person], cases: &[CasePlan]) -> Option<Who> {
    let has_case = |p: &Person| cases.iter().any(|c| c.person == p.key);
    let kept = |p: &Person| p.records.iter().any(|r| r.hospital == told.hospital);
    let person = match told.whose {
        Whose::Nobody(number) => {
            return Some(Who {
                number: number.into(),
                name: None,
                born: String::new(),
                sex: "",
            });
        }
        Whose::Story(key) => people.iter().find(|p| p.key == key)?,
        Whose::Other(sex, nth) => people
            .iter()
            .filter(|p| p.sex == sex && p.birth.year() < 1_985 && kept(p) && !has_case(p))
            .nth(nth)?,
    };
    let record = person
        .records
        .iter()
        .find(|r| r.hospital == told.hospital)?;
    Some(Who {
        number: record.number.clone(),
        name: Some(person.name.clone()),
        born: person.birth.strftime("%Y%m%d").to_string(),
        sex: match person.sex {
            Sex::Female => "F",
            Sex::Male => "M",
        },
    })
}

/// A number that differs from key to key (FNV-1a).
fn of_key(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A UUID as a number, with room above it for series and objects.
fn root(dice: &mut Dice) -> u128 {
    let hex = dice.id().replace('-', "");
    u128::from_str_radix(&hex, 16).unwrap_or_default() & !0xffff_ffff
}

#[cfg(test)]
mod tests;
