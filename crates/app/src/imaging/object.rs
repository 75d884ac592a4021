//! One object as it came, read once: what its study, series and it itself are found by.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use imaging::facts::{Facts, PatientFacts, PatientIdentifier};
use imaging::name::PersonName;
use imaging::query::{Level, fold};
use imaging::{ImagingError, Limits, Object, json};
use kernel::RecordKey;
use sha2::{Digest as _, Sha256};
use store::{Content, InstanceRow, ScratchFolder, SeriesRow, StudyRow};
use tokio::task::JoinHandle;

use super::outline::outline;
use super::settings::Issuers;
use super::{Kept, Outcome, pieces};
use crate::{AppError, FieldProblem};

/// Characters of a text that is found by.
const TEXT_CHARS_MAX: usize = 200;

/// What an object says of whose it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    pub id: String,
    /// The identifier system; empty when nobody says whose number it is.
    pub issuer: String,
    pub name: PersonName,
    pub birth_date: Option<String>,
    pub sex: Option<String>,
}

/// An object that was read, and what it is recognised by.
pub(super) struct Read {
    pub file: Content,
    pub facts: Facts,
    pub identity: Identity,
    /// SHA-256 of the data set.
    pub digest: [u8; 32],
    object: Object,
    sender: String,
}

/// What it is found by, as the store keeps it.
pub(super) struct Rows {
    pub study: StudyRow,
    pub series: Arc<SeriesRow>,
    pub instance: InstanceRow,
}

impl Read {
    /// Reads a file. Takes some time of a processor: not for threads that serve others.
    pub fn of(file: Bytes, issuers: &Issuers, sender: String) -> Result<Self, AppError> {
        let object = Object::read(file.clone(), &Limits::default()).map_err(refused)?;
        Self::of_object(object, file.into(), issuers, sender)
    }

    /// As [`Self::of`], of a file that may be too large to be held.
    pub fn of_content(
        file: Content,
        issuers: &Issuers,
        sender: String,
        folder: &ScratchFolder,
    ) -> Result<Self, AppError> {
        match file {
            Content::Held(file) => Self::of(file, issuers, sender),
            Content::Scratch(_) => {
                let object = outline(&file, folder).map_err(refused)?;
                Self::of_object(object, file, issuers, sender)
            }
        }
    }

    fn of_object(
        object: Object,
        file: Content,
        issuers: &Issuers,
        sender: String,
    ) -> Result<Self, AppError> {
        let facts = object.facts().map_err(refused)?;
        let mut digest = Sha256::new();
        file.each(object.dataset_offset() as u64, |piece| {
            digest.update(piece);
            std::io::Result::Ok(())
        })
        .map_err(|_| AppError::Unavailable("what came in cannot be read".into()))?;
        Ok(Self {
            identity: Identity::of_patient(&facts.patient, issuers),
            digest: digest.finalize().into(),
            file,
            facts,
            object,
            sender,
        })
    }

    /// As [`Self::of`], most of the work.
    pub fn rows(&self) -> Result<Rows, AppError> {
        let (facts, object) = (&self.facts, &self.object);
        let series = SeriesRow {
            uid: facts.series.uid.clone(),
            modality: text(facts.series.modality.as_deref()),
            number: facts.series.number.filter(|n| n.abs() < 1 << 39),
            description: folded(facts.series.description.as_deref()),
            body_part: text(facts.series.body_part.as_deref()),
            attributes: pieces::of_level(object, Level::Series)?,
        };
        let i = &facts.instance;
        let instance = InstanceRow {
            uid: i.uid.clone(),
            sop_class: i.class.clone(),
            transfer_syntax: i.transfer_syntax.clone(),
            number: i.number.filter(|n| n.abs() < 1 << 39),
            height: i.rows,
            width: i.columns,
            frames: i.frames,
            digest: self.digest,
            sender: self.sender.clone(),
            attributes: pieces::of_level(object, Level::Instance)?,
            layout: object.layout().to_bytes().into(),
            meta: squeezed(&json::metadata(object))?,
        };
        Ok(Rows {
            study: study_row(facts, &self.identity, object)?,
            series: Arc::new(series),
            instance,
        })
    }

    pub fn kept(&self, study: RecordKey, outcome: Outcome) -> Kept {
        Kept {
            study,
            study_uid: self.facts.study.uid.clone(),
            series_uid: self.facts.series.uid.clone(),
            uid: self.facts.instance.uid.clone(),
            sop_class: self.facts.instance.class.clone(),
            outcome,
        }
    }
}

/// The rows of an object, made on another thread while its file is written.
pub(super) struct Making {
    begun: Option<JoinHandle<Result<Rows, AppError>>>,
    made: Option<Arc<Rows>>,
    /// Digests of what is kept under its UID and differs from it.
    pub compared: Vec<[u8; 32]>,
}

impl Making {
    pub fn begin(read: &Arc<Read>) -> Self {
        let read = Arc::clone(read);
        Self {
            begun: Some(tokio::task::spawn_blocking(move || read.rows())),
            made: None,
            compared: Vec::new(),
        }
    }

    pub async fn rows(&mut self) -> Result<Arc<Rows>, AppError> {
        if let Some(made) = &self.made {
            return Ok(Arc::clone(made));
        }
        let broken = || AppError::Internal("reading an object was broken off".into());
        let begun = self.begun.take().ok_or_else(broken)?;
        let made = Arc::new(begun.await.map_err(|_| broken())??);
        self.made = Some(Arc::clone(&made));
        Ok(made)
    }
}

fn study_row(facts: &Facts, identity: &Identity, object: &Object) -> Result<StudyRow, AppError> {
    let s = &facts.study;
    let [name, ideographic, phonetic] = identity.name.groups().map(|g| folded(Some(g)));
    Ok(StudyRow {
        uid: s.uid.clone(),
        patient_id: identity.id.clone(),
        issuer: identity.issuer.clone(),
        name,
        ideographic,
        phonetic,
        words: words(&identity.name),
        birth_date: text(identity.birth_date.as_deref()),
        sex: text(identity.sex.as_deref()),
        date: text(s.date.as_deref()),
        time: text(s.time.as_deref()),
        accession: text(s.accession.as_deref()),
        number: text(s.id.as_deref()),
        description: folded(s.description.as_deref()),
        referring: folded(Some(&s.referring.to_text())),
        waiting: false,
        attributes: pieces::of_level(object, Level::Study)?,
    })
}

impl Identity {
    fn of_patient(p: &PatientFacts, issuers: &Issuers) -> Self {
        let none = PatientIdentifier::default();
        let identifier = p.identifier.as_ref().unwrap_or(&none);
        Self {
            id: text(Some(&identifier.id)),
            issuer: if identifier.id.is_empty() {
                String::new()
            } else {
                issuers.system(identifier)
            },
            name: p.name.clone(),
            birth_date: p.birth_date.clone(),
            sex: p.sex.clone(),
        }
    }
}

impl Identity {
    /// As a row of a study tells of it, in DICOM JSON.
    pub fn of_row(json: &[u8], issuers: &Issuers) -> Result<Self, AppError> {
        let data = json::parse(json, &|_| None).map_err(refused)?;
        let patient = PatientFacts::of(&data);
        Ok(Self::of_patient(&patient, issuers))
    }
}

/// Every word of a name between blanks, as they are compared when order does not matter.
fn words(name: &PersonName) -> String {
    let words = name.words().join(" ");
    if words.is_empty() {
        return words;
    }
    cut(&format!(" {words} "))
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn text(value: Option<&str>) -> String {
    cut(value.unwrap_or_default())
}

fn folded(value: Option<&str>) -> String {
    cut(&fold(value.unwrap_or_default()))
}

/// Smaller, and quick to read again.
fn squeezed(json: &[u8]) -> Result<Bytes, AppError> {
    let fail = |_| AppError::Internal("attributes could not be compressed".into());
    let mut out = DeflateEncoder::new(Vec::with_capacity(json.len() / 3), Compression::fast());
    out.write_all(json).map_err(fail)?;
    Ok(out.finish().map_err(fail)?.into())
}

/// What an object is refused for. The messages hold no values of it.
pub(super) fn refused(e: ImagingError) -> AppError {
    match e {
        ImagingError::TooMuch(what) => AppError::TooMuch(what),
        ImagingError::Missing(tag) => AppError::Invalid(vec![FieldProblem::new(
            tag.to_string(),
            "missing",
            e.to_string(),
        )]),
        other => AppError::Malformed(other.to_string()),
    }
}
