//! What a reader keeps with a study: measurements, key images; and how they like studies hung.

use std::collections::BTreeMap;

use agreements::{ActorKind, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, RecordKey};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition};

use crate::docs::{self, Document, Versioned};
use crate::records::patient_key;
use crate::{App, AppError, Cx};

/// Figures kept with one study by one reader.
const MEASURES_MAX: usize = 500;
const KEYS_MAX: usize = 500;
const POINTS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 400;
const HANGINGS_MAX: usize = 100;

/// What a measurement is; words under `vw-figure-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figure {
    Length,
    Angle,
    #[serde(rename = "RectangleROI")]
    Rectangle,
    #[serde(rename = "EllipticalROI")]
    Ellipse,
}

/// One measurement. Points in the patient's millimetres (PS3.3 C.7.6.2), or in pixels where nothing places the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    pub id: String,
    pub tool: Figure,
    /// SOP Instance UID.
    pub sop: String,
    /// From 0.
    pub frame: u32,
    pub points: Vec<[f64; 3]>,
    /// Length, angle or area.
    pub value: f64,
    /// UCUM: `mm`, `deg`, `mm2`, `px`.
    pub unit: String,
    /// As it was shown.
    pub text: String,
    /// The points as columns and rows of the image, 0 being the outer edge of its first pixel (PS3.3 C.18.6.1.1). A
    /// rectangle's corners in their order, an ellipse's axes end by end.
    #[serde(default)]
    pub image: Vec<[f64; 2]>,
    /// Of the values within a region, once all of them are there.
    #[serde(default)]
    pub statistics: Option<Statistics>,
    /// What distances rest on where they are not the patient's own size: `detector`, `magnified`, `calibrated`, `nominal`,
    /// `region`.
    #[serde(default)]
    pub basis: Option<String>,
}

/// Statistics of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    pub mean: f64,
    pub sd: f64,
    pub min: f64,
    pub max: f64,
    /// `HU`, `MR`, or empty where their meaning is not known.
    pub unit: String,
}

impl Statistics {
    fn fits(&self) -> bool {
        let numbers = [self.mean, self.sd, self.min, self.max];
        numbers.iter().all(|n| n.is_finite()) && self.unit.len() <= 16
    }
}

/// An image marked as one that shows the finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyImage {
    pub sop: String,
    pub frame: u32,
}

/// What one reader keeps with one study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    #[serde(default)]
    pub measures: Vec<Measure>,
    #[serde(default)]
    pub keys: Vec<KeyImage>,
}

impl Notes {
    /// Bounds, and numbers that are numbers.
    pub(crate) fn check(&self) -> Result<(), AppError> {
        if self.measures.len() > MEASURES_MAX || self.keys.len() > KEYS_MAX {
            return Err(AppError::TooMuch("measurements of one study"));
        }
        let uid = |t: &str| t.len() <= 64 && t.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let fits = self.measures.iter().all(|m| {
            m.id.len() <= 64
                && uid(&m.sop)
                && m.points.len() <= POINTS_MAX
                && m.points.iter().flatten().all(|n| n.is_finite())
                && m.value.is_finite()
                && m.unit.len() <= 16
                && m.text.len() <= TEXT_BYTES_MAX
                && m.image.len() <= POINTS_MAX
                && m.image.iter().flatten().all(|n| n.is_finite())
                && m.statistics.as_ref().is_none_or(Statistics::fits)
                && m.basis.as_ref().is_none_or(|b| b.len() <= 16)
        });
        if fits && self.keys.iter().all(|k| uid(&k.sop)) {
            Ok(())
        } else {
            Err(AppError::Malformed("measurements".into()))
        }
    }
}

/// As stored, at the reader's hospital.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudyNotes {
    pub study: RecordKey,
    /// Whose study it is; erased with them.
    pub patient: Option<RecordKey>,
    pub author: AccountId,
    pub at: Instant,
    pub notes: Notes,
}

impl StudyNotes {
    fn of(study: &RecordKey, author: &AccountId) -> Lookup {
        Lookup::unique(
            "study-author",
            format!("{}/{}/{author}", study.hospital, study.id),
        )
    }
}

impl Document for StudyNotes {
    const KIND: &'static str = "study-notes";
    fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = vec![
            Self::of(&self.study, &self.author),
            Lookup::new(
                "study",
                format!("{}/{}", self.study.hospital, self.study.id),
            ),
        ];
        lookups.extend(
            self.patient
                .iter()
                .map(|p| Lookup::new("patient", p.to_string())),
        );
        lookups
    }
}

/// How studies of one kind are laid out when they are opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hanging {
    /// `one`, `two`, `four`, `mpr`.
    pub layout: String,
    /// A window by its code, or empty for the image's own.
    pub preset: String,
    /// The newest earlier study beside it.
    pub prior: bool,
    /// Stacks scroll together.
    pub tied: bool,
}

/// A person's ways of hanging, by modality and body part (`CT/CHEST`, `MR`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Hangings {
    person: Option<AccountId>,
    by_kind: BTreeMap<String, Hanging>,
}

impl Document for Hangings {
    const KIND: &'static str = "hangings";
    fn lookups(&self) -> Vec<Lookup> {
        self.person
            .iter()
            .map(|p| Lookup::unique("person", p.as_str()))
            .collect()
    }
}

fn named(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/ _-".contains(&b))
}

impl App {
    /// What the reader kept with this study. Read only after the study itself was (`study`, `entry`).
    pub(crate) async fn study_notes(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Option<Notes>, AppError> {
        if cx.actor.kind == ActorKind::Patient {
            return Ok(None);
        }
        let found = self.notes_doc(cx, study).await?;
        Ok(found.map(|d| d.doc.notes))
    }

    async fn notes_doc(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Option<Versioned<StudyNotes>>, AppError> {
        let own = cx.hospital()?;
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![StudyNotes::of(study, &cx.actor.account)];
        let found = self
            .find(&permit, Some(own), lookups, None, 1, false)
            .await?;
        Ok(found.into_iter().next())
    }

    /// Keeps the reader's measurements and key images of a study they may read now; the last to be sent stand.
    pub async fn keep_study_notes(
        &self,
        cx: &Cx,
        study: &RecordKey,
        notes: Notes,
    ) -> Result<(), AppError> {
        let own = cx.require_clinical()?.clone();
        notes.check()?;
        let stored = self
            .store
            .get(&cx.permit(), study, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)?;
        let patient = stored.patient.map(|p| patient_key(&study.hospital, &p));
        let mut doc = self
            .notes_doc(cx, study)
            .await?
            .unwrap_or_else(|| Versioned {
                key: self.doc_key::<StudyNotes>(&own, &self.new_id()),
                version: 0,
                doc: StudyNotes {
                    study: study.clone(),
                    patient: None,
                    author: cx.actor.account.clone(),
                    at: cx.now,
                    notes: Notes::default(),
                },
            });
        doc.doc.notes = notes;
        doc.doc.patient = patient;
        doc.doc.at = cx.now;
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &doc)?;
        if doc.version > 0
            && let Some(write) = batch.writes.first_mut()
        {
            // Two windows of one reader: what was sent last stands.
            write.expect = Precondition::Any;
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The reader's own ways of hanging.
    pub async fn hangings(&self, cx: &Cx) -> Result<BTreeMap<String, Hanging>, AppError> {
        Ok(self
            .hangings_doc(cx)
            .await?
            .map(|d| d.doc.by_kind)
            .unwrap_or_default())
    }

    async fn hangings_doc(&self, cx: &Cx) -> Result<Option<Versioned<Hangings>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::unique("person", cx.actor.account.as_str())];
        let network = HospitalId::network();
        let found = self
            .find(&permit, Some(&network), lookups, None, 1, false)
            .await?;
        Ok(found.into_iter().next())
    }

    /// Keeps how the reader wants studies of this kind hung.
    pub async fn keep_hanging(
        &self,
        cx: &Cx,
        kind: &str,
        hanging: Hanging,
    ) -> Result<(), AppError> {
        cx.require_clinical()?;
        let layouts = ["one", "two", "four", "mpr"];
        let fits = layouts.contains(&hanging.layout.as_str())
            && (hanging.preset.is_empty() || named(&hanging.preset));
        if !named(kind) || !fits {
            return Err(AppError::Malformed("hanging".into()));
        }
        let mut doc = self.hangings_doc(cx).await?.unwrap_or_else(|| Versioned {
            key: self.doc_key::<Hangings>(&HospitalId::network(), &self.new_id()),
            version: 0,
            doc: Hangings {
                person: Some(cx.actor.account.clone()),
                by_kind: BTreeMap::new(),
            },
        });
        doc.doc.by_kind.insert(kind.to_owned(), hanging);
        if doc.doc.by_kind.len() > HANGINGS_MAX {
            return Err(AppError::TooMuch("ways of hanging"));
        }
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &doc)?;
        self.store.commit(batch).await?;
        Ok(())
    }
}
