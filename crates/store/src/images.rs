//! What the database keeps about images: one row for each study, series and object. A study belongs to the
//! ImagingStudy that stands for it; nothing of it is read where the permit does not open that record.

use std::sync::Arc;

use agreements::{Permit, RecordClass};
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};

use crate::{BlobRef, StoreError};

/// Stands for a number that an object does not give; sorts after all others (IS has 32 bits, PS3.5 §6.2).
pub(crate) const NO_NUMBER: i64 = 1 << 40;

/// Whether an object is part of its study as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Part of it.
    Shown,
    /// Another data set stands under its SOP Instance UID: it waits for a person's decision.
    OtherContent,
    /// It names another patient than its study: it waits for a person's decision.
    OtherPatient,
}

impl Standing {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Shown => 0,
            Self::OtherContent => 1,
            Self::OtherPatient => 2,
        }
    }
    pub(crate) const fn from_number(n: i64) -> Self {
        match n {
            0 => Self::Shown,
            1 => Self::OtherContent,
            _ => Self::OtherPatient,
        }
    }
}

/// What became of one change of images in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageOutcome {
    /// A new object, with this standing.
    Kept(Standing),
    /// The same data set was there: nothing was written for it.
    Again,
    /// Anything but keeping an object.
    Changed,
}

/// What a study is found by. Texts that are compared without regard to case are folded by whoever writes them, dates
/// are `YYYYMMDD`, times `HHMMSS.ffffff` or the beginning of that; empty: not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyRow {
    pub uid: String,
    pub patient_id: String,
    /// Whose number that is.
    pub issuer: String,
    /// The three groups of the patient's name, folded.
    pub name: String,
    pub ideographic: String,
    pub phonetic: String,
    /// Every word of the name, folded, each between blanks.
    pub words: String,
    pub birth_date: String,
    pub sex: String,
    pub date: String,
    pub time: String,
    pub accession: String,
    pub number: String,
    pub description: String,
    pub referring: String,
    /// No patient of the hospital is known for it yet.
    pub waiting: bool,
    /// Attributes as they are answered; opaque here.
    pub attributes: Bytes,
}

/// What a series is found by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesRow {
    pub uid: String,
    pub modality: String,
    pub number: Option<i64>,
    pub description: String,
    pub body_part: String,
    pub attributes: Bytes,
}

/// One object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceRow {
    pub uid: String,
    pub sop_class: String,
    pub transfer_syntax: String,
    pub number: Option<i64>,
    pub height: Option<u32>,
    pub width: Option<u32>,
    pub frames: u32,
    /// SHA-256 of the data set.
    pub digest: [u8; 32],
    /// Who sent it.
    pub sender: String,
    pub attributes: Bytes,
    /// Where its frames lie; opaque here.
    pub layout: Bytes,
    /// All its attributes but bulk data; opaque here.
    pub meta: Bytes,
}

/// One object to be kept.
#[derive(Debug, Clone)]
pub struct ImageWrite {
    /// The ImagingStudy of the study: it is there, or is written in the same batch.
    pub study: RecordKey,
    /// Taken for a study that is not there yet; its patient is compared with that of one that is.
    pub study_row: Arc<StudyRow>,
    pub series_row: Arc<SeriesRow>,
    pub instance: InstanceRow,
    /// The file, which is on disk and synced.
    pub blob: BlobRef,
    /// Digests of the data sets under the same UID that it is known to differ from. When another is there,
    /// [`StoreError::Duplicate`]: it may be the same object in another encoding, and came meanwhile. None: that is not asked.
    pub compared: Option<Vec<[u8; 32]>>,
}

/// One change of images.
#[derive(Debug, Clone)]
pub enum ImageChange {
    Keep(Box<ImageWrite>),
    /// Nothing has arrived for the study since `at`, and its ImagingStudy says all there is.
    Quiet {
        study: RecordKey,
        at: Instant,
    },
    /// A person decided about the study's patient, or took the decision back.
    Waiting {
        study: RecordKey,
        waiting: bool,
    },
    /// A person decided about one object. One that is to be shown takes the place of the one that is.
    Stand {
        study: RecordKey,
        instance: i64,
        standing: Standing,
    },
}

impl ImageChange {
    pub(crate) fn study(&self) -> &RecordKey {
        match self {
            Self::Keep(w) => &w.study,
            Self::Quiet { study, .. } | Self::Waiting { study, .. } | Self::Stand { study, .. } => {
                study
            }
        }
    }
}

/// What rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageLevel {
    /// The newest readable study of each patient.
    Patient,
    Study,
    Series,
    Instance,
}

/// A column that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageColumn {
    StudyUid,
    PatientId,
    Issuer,
    Name,
    Ideographic,
    Phonetic,
    /// The words of the name.
    Words,
    BirthDate,
    Sex,
    StudyDate,
    StudyTime,
    Accession,
    StudyNumber,
    StudyDescription,
    Referring,
    /// Of any series of the study.
    ModalityInStudy,
    /// Of any object of the study.
    SopClassInStudy,
    SeriesUid,
    Modality,
    SeriesNumber,
    SeriesDescription,
    BodyPart,
    InstanceUid,
    SopClass,
    TransferSyntax,
    InstanceNumber,
    /// The patient of the ImagingStudy in its hospital.
    Patient,
    /// The ImagingStudy itself.
    Record,
}

/// How a column is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageTest {
    /// One of these.
    In(Vec<String>),
    /// One of these numbers.
    Number(Vec<i64>),
    /// Between, ends included; a value that is not given never is.
    Range(Option<String>, Option<String>),
    /// As [`ImageTest::Range`] of times; one of less precision stands for all the time it may mean.
    Time(Option<String>, Option<String>),
    /// A date, with the time in the column named here, between two moments (`YYYYMMDDHHMMSS.ffffff`). One without a time
    /// may be at any time of its day.
    Moment(ImageColumn, Option<String>, Option<String>),
    /// `*` stands for any characters, `?` for one.
    Like(String),
    /// Holds this text.
    Contains(String),
}

/// A search of images: every condition holds, of which any test.
#[derive(Debug, Clone)]
pub struct ImageQuery {
    pub level: ImageLevel,
    pub conditions: Vec<Vec<(ImageColumn, ImageTest)>>,
    /// Only studies that wait for a decision about their patient, or hold objects that wait.
    pub waiting: bool,
    /// Rows tell how many series and objects their study has, and of which modalities; else none.
    pub counts: bool,
    pub offset: u64,
    pub limit: u32,
}

/// One row found.
#[derive(Debug, Clone)]
pub struct ImageRow {
    pub study: RecordKey,
    pub patient: Option<ResourceId>,
    pub study_uid: String,
    pub study_attributes: Bytes,
    /// Of the whole study, as it is shown.
    pub series_count: u64,
    pub instance_count: u64,
    pub modalities: Vec<String>,
    pub series: Option<SeriesFound>,
    pub instance: Option<InstanceFound>,
    pub waiting: bool,
    /// Objects of the study that wait for a decision; counted only when asked for what waits.
    pub aside: u64,
}

#[derive(Debug, Clone)]
pub struct SeriesFound {
    pub uid: String,
    pub attributes: Bytes,
    pub instance_count: u64,
}

#[derive(Debug, Clone)]
pub struct InstanceFound {
    pub uid: String,
    pub attributes: Bytes,
}

/// Which objects of one study are asked for.
#[derive(Debug, Clone)]
pub struct ImageAsk {
    pub study: String,
    pub series: Option<String>,
    pub instance: Option<String>,
    /// Those that wait for a decision instead of those that are shown.
    pub aside: bool,
    /// Their attributes too.
    pub meta: bool,
    /// What opens their files too.
    pub files: bool,
    pub after: Option<ImagePlace>,
    pub limit: u32,
}

/// The place of an object among those of its study: series number and row, instance number and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePlace {
    pub series: (i64, i64),
    pub instance: (i64, i64),
}

/// One object as it is kept.
#[derive(Debug, Clone)]
pub struct ImageLine {
    pub study: RecordKey,
    pub patient: Option<ResourceId>,
    pub class: RecordClass,
    pub study_uid: String,
    pub series_uid: String,
    pub uid: String,
    pub sop_class: String,
    pub transfer_syntax: String,
    pub number: Option<i64>,
    pub height: Option<u32>,
    pub width: Option<u32>,
    pub frames: u32,
    pub size: u64,
    pub digest: [u8; 32],
    pub sender: String,
    pub standing: Standing,
    pub at: Instant,
    pub place: ImagePlace,
    /// Empty when it was not asked for.
    pub meta: Bytes,
    /// None when it was not asked for.
    pub file: Option<ImageFile>,
}

/// Where the file of an object lies that was found under a permit: what [`crate::Store::open_found`] takes.
#[derive(Debug, Clone)]
pub struct ImageFile {
    pub(crate) blob: BlobRef,
    pub(crate) layout: Bytes,
}

/// A study as the system itself knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownStudy {
    pub record: ResourceId,
    pub patient: Option<ResourceId>,
    /// Whom its objects name: Patient ID, and the identifier system of it.
    pub patient_id: String,
    pub issuer: String,
}

/// The rows about images of one database. The fourth part of the seam between back ends; changes go with a
/// [`crate::Batch`].
#[async_trait]
pub trait ImageIndex: Send + Sync + 'static {
    /// Rows in order: studies newest first, series and objects by number.
    async fn find_images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &ImageQuery,
    ) -> Result<Vec<ImageRow>, StoreError>;

    /// Objects of one study in the order of series and numbers.
    async fn images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        ask: &ImageAsk,
    ) -> Result<Vec<ImageLine>, StoreError>;

    /// Where one object's bytes lie, and its layout, if its ImagingStudy may be read.
    async fn image(
        &self,
        permit: &Permit,
        study: &RecordKey,
        instance: i64,
    ) -> Result<Option<(BlobRef, Bytes)>, StoreError>;

    /// The ImagingStudy that stands for a study of the hospital. For the system alone.
    async fn known_study(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Option<KnownStudy>, StoreError>;

    /// Digests of the data sets kept under a SOP Instance UID at the hospital. For the system alone.
    async fn known_images(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Vec<[u8; 32]>, StoreError>;

    /// Studies that something arrived for, none of it after `before`, oldest first. For the system alone.
    async fn arrived(
        &self,
        before: Instant,
        limit: u32,
    ) -> Result<Vec<(RecordKey, String, Instant)>, StoreError>;
}

/// An object that is there, as the writer compares it.
#[derive(Debug, Clone)]
pub(crate) struct Existing {
    pub instance: i64,
    pub digest: Vec<u8>,
    pub standing: i64,
}

/// A study that is there, as the writer compares it.
#[derive(Debug, Clone)]
pub(crate) struct StudyState {
    pub study: i64,
    pub record: i64,
    pub patient_id: String,
    pub issuer: String,
}

/// How an object is to stand; none when the same data set is there already. Fails when one is there that it was not compared
/// with.
pub(crate) fn standing(
    study: Option<&StudyState>,
    existing: &[Existing],
    write: &ImageWrite,
) -> Result<Option<Standing>, StoreError> {
    if existing.iter().any(|e| e.digest == write.instance.digest) {
        return Ok(None);
    }
    if let Some(compared) = &write.compared {
        let is_known = |e: &Existing| compared.iter().any(|c| e.digest == c);
        if !existing.iter().all(is_known) {
            return Err(StoreError::Duplicate {
                name: "instance".into(),
            });
        }
    }
    let row = &write.study_row;
    if study.is_some_and(|s| s.patient_id != row.patient_id || s.issuer != row.issuer) {
        return Ok(Some(Standing::OtherPatient));
    }
    if existing
        .iter()
        .any(|e| e.standing == Standing::Shown.number())
    {
        return Ok(Some(Standing::OtherContent));
    }
    Ok(Some(Standing::Shown))
}

/// The key scope of a study's files.
pub(crate) fn scope(study: &RecordKey) -> Result<ResourceId, StoreError> {
    scope_of(study.id.as_str())
}

pub(crate) fn scope_of(study: &str) -> Result<ResourceId, StoreError> {
    ResourceId::new(format!("{SCOPE}{study}"))
        .map_err(|_| StoreError::Internal("the id of a study is too long".into()))
}

/// What begins the name of the key of a study's files. No Patient has an id that begins so.
pub(crate) const SCOPE: &str = "study.";

/// The media type of an object (PS3.18 §8.7.3.3).
pub(crate) const MEDIA_TYPE: &str = "application/dicom";
