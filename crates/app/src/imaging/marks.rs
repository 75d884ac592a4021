//! What readers mark in a study, kept in it as DICOM documents: measurements as a structured report, key images as a Key Object
//! Selection ([`imaging::sr`]). A reader's later document replaces their earlier one by naming it; nothing is overwritten.

mod convert;

use std::collections::{BTreeMap, BTreeSet};

use agreements::ActorKind;
use fhir::raw;
use fhir::views::ImagingStudy;
use imaging::name::PersonName;
use imaging::sr::{self, Document, Head, ImageRef, Measurement};
use imaging::{Dataset, Limits, Object, json, tags};
use kernel::RecordKey;
use serde::Serialize;
use store::{ImageAsk, ImageColumn, ImageLevel, ImageLine, ImageQuery, ImageTest};

use super::ImageSource;
use super::object::refused;
use crate::viewing::{Figure, KeyImage, Notes};
use crate::{App, AppError, Cx};
use convert::{marks, measurements, selection, uid_of};

/// Series of documents that are looked at in one study, and documents of one series.
const SERIES_MAX: u32 = 200;
const DOCUMENTS_MAX: u32 = 200;
/// Bytes of one document that is read for the viewer.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Series Numbers of what is written here: behind any a scanner gives.
const MEASUREMENTS: u16 = 9_001;
const KEYS: u16 = 9_002;

/// What somebody marked in a study, as the viewer is told of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marks {
    /// SOP Instance UID of the document.
    pub uid: String,
    /// The caller kept it here themselves.
    pub own: bool,
    /// As the document says.
    pub author: String,
    pub organization: String,
    /// When it was kept.
    pub at: kernel::Instant,
    pub measures: Vec<Marked>,
    pub keys: Vec<KeyImage>,
}

/// A measurement of a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marked {
    /// Tracking Unique Identifier.
    pub id: String,
    /// None: a form that is told of in words alone.
    pub tool: Option<Figure>,
    pub name: String,
    pub sop: String,
    /// From 0.
    pub frame: u32,
    /// Columns and rows of the image (PS3.3 C.18.6.1.1).
    pub image: Vec<[f64; 2]>,
    pub numbers: Vec<MarkedNumber>,
}

/// One number of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarkedNumber {
    /// `length`, `angle`, `area`, `value`, or what another system calls it.
    pub what: String,
    /// `mean`, `sd`, `min`, `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<&'static str>,
    pub value: f64,
    /// UCUM.
    pub unit: String,
}

/// A document with its row.
struct Kept {
    line: ImageLine,
    document: Document,
}

impl Kept {
    fn is_selection(&self) -> bool {
        self.document.class == sr::KEY_OBJECTS
    }
}

impl App {
    /// What readers marked in a study the caller may read, newest first; what was replaced is left out. Audited as a
    /// reading of the study's objects.
    pub async fn study_marks(&self, cx: &Cx, study: &RecordKey) -> Result<Vec<Marks>, AppError> {
        let stored = self.read_record(cx, study, "study.marks").await?;
        if cx.actor.kind == ActorKind::Patient {
            return Ok(Vec::new());
        }
        let uid = study_uid(&stored)?;
        let documents = standing(self.documents(cx, study, &uid).await?);
        let mut all: Vec<Marks> = documents
            .iter()
            .map(|kept| marks(cx, kept))
            .filter(|m| !m.measures.is_empty() || !m.keys.is_empty())
            .collect();
        all.sort_by_key(|m| std::cmp::Reverse(m.at));
        Ok(all)
    }

    /// Keeps what a reader marked in the study itself, for everybody who may read it: a measurement report and a selection
    /// of key images, in place of those they kept before. Gives how many documents were written; none when nothing changed.
    ///
    /// Refuses whoever neither works where the study is kept nor reads it under a case.
    pub async fn keep_study_marks(
        &self,
        cx: &Cx,
        study: &RecordKey,
        notes: &Notes,
    ) -> Result<usize, AppError> {
        let own = cx.require_clinical()?.clone();
        notes.check()?;
        let stored = self.read_record(cx, study, "study.opened").await?;
        if own != study.hospital && !self.reads_study(cx, study).await? {
            return Err(AppError::denied("not-your-case"));
        }
        let uid = study_uid(&stored)?;
        let account = cx.actor.account.to_string();
        let mut before = standing(self.documents(cx, study, &uid).await?);
        before.retain(|k| k.line.sender == account);
        let images = self.images_marked(cx, study, &uid, notes).await?;
        let measured = measurements(&notes.measures, &images)?;
        let keys = selection(&notes.keys, &images)?;
        let changed = Changed::of(&before, &measured, &keys);
        let (selections, reports): (Vec<&Kept>, Vec<&Kept>) =
            before.iter().partition(|k| k.is_selection());
        let mut files = Vec::new();
        if !changed.any() {
            return Ok(0);
        }
        let like = self.any_image(cx, study, &uid).await?;
        let desk = Desk::at(self, cx, study, like).await?;
        if changed.keys && !keys.is_empty() {
            let head = desk.head(self, &selections, KEYS, Vec::new());
            files.push(sr::key_images(&head.lent(&desk), &keys));
        }
        // A selection names no document it replaces (PS3.3 C.17.6.2): the report does that for both.
        let withdrawn = changed.keys && !selections.is_empty();
        if changed.measures || withdrawn {
            let mut replaced: Vec<&Kept> = reports.clone();
            replaced.extend(selections.iter().filter(|_| changed.keys));
            let head = desk.head(self, &reports, MEASUREMENTS, named(&replaced));
            files.push(sr::measurements(&head.lent(&desk), &measured));
        }
        let written = files.len();
        for (n, file) in files.into_iter().enumerate() {
            let source = ImageSource {
                sender: account.clone(),
                // Each document is an entry of its own in the audit.
                exchange: format!("{}-{n}", cx.request),
                issuer: None,
            };
            self.keep_document(cx, study, &uid, file, &source).await?;
        }
        Ok(written)
    }

    /// The documents of a study that the permit opens.
    async fn documents(
        &self,
        cx: &Cx,
        study: &RecordKey,
        uid: &str,
    ) -> Result<Vec<Kept>, AppError> {
        let images = self.store.images();
        let among = |column, values: &[&str]| {
            let values = values.iter().map(|v| (*v).to_owned()).collect();
            vec![(column, ImageTest::In(values))]
        };
        let query = ImageQuery {
            level: ImageLevel::Series,
            conditions: vec![
                among(ImageColumn::StudyUid, &[uid]),
                among(ImageColumn::Modality, &["SR", "KO"]),
            ],
            waiting: false,
            counts: false,
            offset: 0,
            limit: SERIES_MAX,
        };
        let permit = cx.permit();
        let mut found = Vec::new();
        for row in images.find_images(&permit, &study.hospital, &query).await? {
            let ask = ImageAsk {
                study: uid.to_owned(),
                series: row.series.map(|s| s.uid),
                instance: None,
                aside: false,
                meta: false,
                files: false,
                after: None,
                limit: DOCUMENTS_MAX,
            };
            for line in images.images(&permit, &study.hospital, &ask).await? {
                let small = line.size <= DOCUMENT_BYTES_MAX;
                if !small || line.study != *study || !sr::is_document(&line.sop_class) {
                    continue;
                }
                let opened = self
                    .store
                    .open_image(&permit, &line.study, line.place.instance.1)
                    .await?;
                let Some((blob, _)) = opened else { continue };
                let file = blob.all().await?;
                let document = Object::read(file, &Limits::default())
                    .ok()
                    .and_then(|o| sr::document(&o));
                found.extend(document.map(|document| Kept { line, document }));
            }
        }
        Ok(found)
    }

    /// The images that are marked, by their SOP Instance UIDs.
    async fn images_marked(
        &self,
        cx: &Cx,
        study: &RecordKey,
        uid: &str,
        notes: &Notes,
    ) -> Result<BTreeMap<String, ImageLine>, AppError> {
        let marked: BTreeSet<&str> = notes
            .measures
            .iter()
            .map(|m| m.sop.as_str())
            .chain(notes.keys.iter().map(|k| k.sop.as_str()))
            .collect();
        let mut found = BTreeMap::new();
        for sop in marked {
            let ask = one_of(uid, Some(sop.to_owned()));
            let images = self.store.images();
            let lines = images.images(&cx.permit(), &study.hospital, &ask).await?;
            let line = lines.into_iter().find(|l| l.study == *study);
            found.extend(line.map(|l| (sop.to_owned(), l)));
        }
        Ok(found)
    }

    /// The attributes of one object of the study, which patient and study are described after.
    async fn any_image(&self, cx: &Cx, study: &RecordKey, uid: &str) -> Result<Dataset, AppError> {
        let ask = ImageAsk {
            meta: true,
            ..one_of(uid, None)
        };
        let images = self.store.images();
        let lines = images.images(&cx.permit(), &study.hospital, &ask).await?;
        let line = lines.first().ok_or(AppError::NotFound)?;
        json::parse(&super::read::unfolded(&line.meta)?, &|_| {
            Some(bytes::Bytes::new())
        })
        .map_err(refused)
    }
}

fn one_of(uid: &str, instance: Option<String>) -> ImageAsk {
    ImageAsk {
        study: uid.to_owned(),
        series: None,
        instance,
        aside: false,
        meta: false,
        files: false,
        after: None,
        limit: 1,
    }
}

fn study_uid(stored: &store::Stored) -> Result<String, AppError> {
    let doc = raw::parse(stored.body.reveal())
        .map_err(|_| AppError::Internal("a stored ImagingStudy".into()))?;
    let study = ImagingStudy::from_value(doc.root());
    Ok(study.uid().ok_or(AppError::NotFound)?.to_owned())
}

/// Without those that a later document of the same sender replaces.
fn standing(mut all: Vec<Kept>) -> Vec<Kept> {
    let replaced: BTreeSet<(String, String)> = all
        .iter()
        .flat_map(|k| {
            let by = k.line.sender.clone();
            let before = k.document.predecessors.iter();
            before.map(move |uid| (by.clone(), uid.clone()))
        })
        .collect();
    all.retain(|k| !replaced.contains(&(k.line.sender.clone(), k.line.uid.clone())));
    all
}

/// Which of the two documents of a reader say something new.
struct Changed {
    measures: bool,
    keys: bool,
}

impl Changed {
    fn of(before: &[Kept], measured: &[Measurement], keys: &[ImageRef]) -> Self {
        let of = |is_keys: bool| before.iter().filter(move |k| k.is_selection() == is_keys);
        let kept: Vec<&Measurement> = of(false).flat_map(|k| &k.document.measurements).collect();
        let selected: Vec<&ImageRef> = of(true).flat_map(|k| &k.document.keys).collect();
        let same = |a: &Measurement, b: &Measurement| {
            let near = |(p, q): (&[f64; 2], &[f64; 2])| {
                (p[0] - q[0]).abs() < 1e-3 && (p[1] - q[1]).abs() < 1e-3
            };
            a.uid == b.uid
                && a.shape == b.shape
                && a.image == b.image
                && a.points.len() == b.points.len()
                && a.points.iter().zip(&b.points).all(near)
        };
        let found = |m: &Measurement| kept.iter().any(|k| same(k, m));
        Self {
            measures: kept.len() != measured.len() || !measured.iter().all(found),
            keys: selected.len() != keys.len() || !keys.iter().all(|k| selected.contains(&k)),
        }
    }
    const fn any(&self) -> bool {
        self.measures || self.keys
    }
}

/// Who writes a document, where and when.
struct Desk {
    study: Dataset,
    author: PersonName,
    organization: String,
    date: String,
    time: String,
    zone: String,
}

/// A head that owns its names.
struct OwnHead {
    uid: String,
    series: String,
    series_number: u16,
    number: u16,
    predecessors: Vec<ImageRef>,
}

impl OwnHead {
    fn lent<'a>(&'a self, desk: &'a Desk) -> Head<'a> {
        Head {
            study: &desk.study,
            uid: &self.uid,
            series: &self.series,
            series_number: self.series_number,
            number: self.number,
            author: &desk.author,
            organization: &desk.organization,
            date: &desk.date,
            time: &desk.time,
            zone: &desk.zone,
            predecessors: &self.predecessors,
        }
    }
}

impl Desk {
    async fn at(app: &App, cx: &Cx, study: &RecordKey, like: Dataset) -> Result<Self, AppError> {
        let own = cx.hospital()?;
        let person = app.person_at(&cx.actor.account, own).await?;
        let (name, latin) =
            person.map_or_else(|| (cx.name.clone(), None), |p| (p.name, p.latin_name));
        // Times of one object are in one zone (PS3.3 C.12.1.1.8): the study's, where its images say it.
        let said = like
            .text(tags::TIMEZONE_OFFSET_FROM_UTC)
            .and_then(|z| super::study::offset(&z));
        let zone = said.unwrap_or_else(|| {
            app.hospital(&study.hospital)
                .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone())
        });
        let at = cx.now.to_zoned(zone);
        // Who writes their name in letters has one writing of it.
        let (alphabetic, ideographic) = if name.is_ascii() {
            (name, String::new())
        } else {
            (latin.unwrap_or_default(), name)
        };
        let author = PersonName {
            alphabetic,
            ideographic,
            phonetic: String::new(),
        };
        Ok(Self {
            study: like,
            author,
            organization: app.hospital_line(cx, own).name,
            date: at.strftime("%Y%m%d").to_string(),
            time: at.strftime("%H%M%S").to_string(),
            zone: at.strftime("%z").to_string(),
        })
    }

    /// A further document of a kind: in the series of those before it, or in a new one.
    fn head(
        &self,
        app: &App,
        before: &[&Kept],
        series_number: u16,
        predecessors: Vec<ImageRef>,
    ) -> OwnHead {
        let uid = || uid_of(app.new_id().as_str());
        let last = before.iter().filter_map(|k| k.line.number).max();
        OwnHead {
            uid: uid(),
            series: before
                .first()
                .map_or_else(uid, |k| k.line.series_uid.clone()),
            series_number,
            number: last.and_then(|n| u16::try_from(n + 1).ok()).unwrap_or(1),
            predecessors,
        }
    }
}

/// Documents as another names them.
fn named(documents: &[&Kept]) -> Vec<ImageRef> {
    let name = |k: &&Kept| ImageRef {
        class: k.line.sop_class.clone(),
        sop: k.line.uid.clone(),
        series: k.line.series_uid.clone(),
        frame: None,
    };
    documents.iter().map(name).collect()
}
