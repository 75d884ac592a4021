//! Keeping objects: read, matched with a patient, written, indexed, audited. Nothing that was kept is overwritten.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use agreements::{ActorKind, Role, SystemPurpose};
use bytes::Bytes;
use kernel::{AccountId, HospitalId, RecordKey};
use lru::LruCache;
use store::{
    Batch, Content, ImageOutcome, ImageRows, Precondition, Standing, StoreError, StudyRow,
};

use super::object::{Making, Read};
use super::settings::Issuers;
use super::{ImageSource, Incoming, Kept, Outcome, study};
use crate::audit_entry::{Entry, Verb};
use crate::records::kind;
use crate::{App, AppError, Cx};

/// Studies that are remembered while objects come in.
const STUDIES: usize = 1_024;
/// Exchanges whose first object of a study is remembered.
const EXCHANGES: usize = 4_096;
/// A study that still arrives is said so at most this often.
const ARRIVING_EVERY: Duration = Duration::from_secs(1);
/// How long one entry of the audit stands for a person's reading of one study of another hospital.
const SEEN_FOR: Duration = Duration::from_secs(60);
/// An object up to this size is read where it came in: that takes less time than to hand it over and back, bytes.
const HERE_BYTES_MAX: usize = 256 << 10;
/// How often an object is tried when its study was made or erased meanwhile.
const TRIES: u32 = 4;

/// What this process remembers of studies that come in.
pub struct Arriving {
    known: Mutex<Known>,
    /// One new study at a time: its first object makes it.
    first: tokio::sync::Mutex<()>,
    /// The folder that was last looked through for strays.
    strays: Mutex<Option<String>>,
    /// Reads across hospitals that were written into the audit of late.
    seen: Mutex<LruCache<Seen, Monotonic>>,
}

/// Who read which study of another hospital, and how.
type Seen = (AccountId, Option<HospitalId>, RecordKey, String);

struct Known {
    studies: LruCache<(HospitalId, String), KnownStudy>,
    exchanges: LruCache<(String, RecordKey), ()>,
}

#[derive(Clone)]
struct KnownStudy {
    key: RecordKey,
    patient: Option<kernel::ResourceId>,
    /// When it was last said that something arrives.
    said: Monotonic,
}

impl Default for Arriving {
    fn default() -> Self {
        let size = |n| NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN);
        Self {
            known: Mutex::new(Known {
                studies: LruCache::new(size(STUDIES)),
                exchanges: LruCache::new(size(EXCHANGES)),
            }),
            first: tokio::sync::Mutex::default(),
            strays: Mutex::default(),
            seen: Mutex::new(LruCache::new(size(EXCHANGES))),
        }
    }
}

impl Arriving {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn study(&self, hospital: &HospitalId, uid: &str) -> Option<KnownStudy> {
        let of = (hospital.clone(), uid.to_owned());
        self.known().studies.get(&of).cloned()
    }

    fn remember(&self, hospital: &HospitalId, uid: &str, study: KnownStudy) {
        let of = (hospital.clone(), uid.to_owned());
        self.known().studies.put(of, study);
    }

    /// The folder that was last looked through for strays; with `now`, what it is from now on.
    pub(crate) fn stray_folder(&self, now: Option<Option<String>>) -> Option<String> {
        let mut last = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = now {
            *last = now;
        }
        last.clone()
    }

    /// Whether the audit holds already that this person reads this study now: a study is read by hundreds of requests,
    /// one for each image.
    pub(super) fn was_seen(&self, cx: &Cx, study: &RecordKey, action: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.peek(&who_reads(cx, study, action))
            .is_some_and(|at| at.elapsed() < SEEN_FOR)
    }

    /// The audit holds it.
    pub(super) fn seen(&self, cx: &Cx, study: &RecordKey, action: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.put(who_reads(cx, study, action), Monotonic::now());
    }

    /// Forgets what is known of a study: its patient changed, or it was erased.
    pub(super) fn forget(&self, hospital: &HospitalId, uid: &str) {
        let of = (hospital.clone(), uid.to_owned());
        self.known().studies.pop(&of);
    }

    /// Whether this is the first object of the study in the exchange.
    fn is_first(&self, exchange: &str, study: &RecordKey) -> bool {
        let of = (exchange.to_owned(), study.clone());
        !self.known().exchanges.contains(&of)
    }

    fn began(&self, exchange: &str, study: &RecordKey) {
        let of = (exchange.to_owned(), study.clone());
        self.known().exchanges.put(of, ());
    }

    /// Whether it is time to say that the study still arrives.
    fn is_to_be_said(&self, hospital: &HospitalId, uid: &str) -> bool {
        let of = (hospital.clone(), uid.to_owned());
        match self.known().studies.get_mut(&of) {
            Some(study) if study.said.elapsed() >= ARRIVING_EVERY => {
                study.said = Monotonic::now();
                true
            }
            _ => false,
        }
    }
}

impl App {
    /// Keeps an object. Success means: on disk with its folder, indexed, audited; equal content again changes nothing.
    ///
    /// Refuses what is no DICOM object (`Malformed`, `Invalid`), what is too large (`TooMuch`), and whoever is neither
    /// a machine nor clinical staff of the hospital (`Denied`).
    pub async fn image_store(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        file: impl Into<Content> + Send,
        source: &ImageSource,
    ) -> Result<Kept, AppError> {
        may_keep(cx, hospital)?;
        let file = file.into();
        let settings = self.imaging_settings(hospital).await?;
        let issuers = settings.issuers(source.issuer.as_deref());
        let sender = source.sender.clone();
        let read = match file {
            Content::Held(file) if file.len() <= HERE_BYTES_MAX => {
                Read::of(file, &issuers, sender)?
            }
            file => {
                let folder = self.store.scratch();
                let read = move || Read::of_content(file, &issuers, sender, &folder);
                tokio::task::spawn_blocking(read)
                    .await
                    .map_err(|_| AppError::Internal("reading an object was broken off".into()))??
            }
        };
        self.keep_read(cx, hospital, read, source).await
    }

    /// An object that begins to come in, with what stands before what comes.
    pub fn image_incoming(&self, head: Vec<u8>) -> Incoming {
        Incoming::new(head, Some(self.store.scratch()))
    }

    /// Keeps a document that was made here of a study that is kept. Whether `cx` may is the caller's to have asked.
    pub(super) async fn keep_document(
        &self,
        cx: &Cx,
        study: &RecordKey,
        uid: &str,
        file: Bytes,
        source: &ImageSource,
    ) -> Result<Kept, AppError> {
        let images = self.store.images();
        let known = images.known_study(&study.hospital, uid).await?;
        let known = known
            .filter(|k| k.record == study.id)
            .ok_or(AppError::NotFound)?;
        let settings = self.imaging_settings(&study.hospital).await?;
        let mut read = Read::of(file, &settings.issuers(None), source.sender.clone())?;
        // It names whom the study names, however the first of its objects was understood.
        read.identity.id = known.patient_id;
        read.identity.issuer = known.issuer;
        self.keep_read(cx, &study.hospital, read, source).await
    }

    /// Keeps an object of a copy without identity: in a study of its own, made with the first, that belongs to a patient
    /// whom neither the object nor the study's record names.
    pub(crate) async fn keep_copy(
        &self,
        study: &RecordKey,
        patient: &kernel::ResourceId,
        file: Bytes,
    ) -> Result<Kept, AppError> {
        let source = ImageSource {
            sender: "deidentify".into(),
            exchange: study.id.to_string(),
            issuer: None,
        };
        let sender = source.sender.clone();
        let read = tokio::task::spawn_blocking(move || Read::of(file, &Issuers::default(), sender))
            .await
            .map_err(|_| AppError::Internal("reading an object was broken off".into()))??;
        let read = Arc::new(read);
        let compared = match self.kept_before(&study.hospital, &read).await? {
            Before::Kept(kept) => return Ok(kept),
            Before::Others(others) => others,
        };
        let known = KnownStudy {
            key: study.clone(),
            patient: Some(patient.clone()),
            said: Monotonic::now(),
        };
        let mut batch = Batch::new(self.now());
        let permit = self.system(SystemPurpose::Job);
        if self.store.get(&permit, study, None).await?.is_none() {
            let resource = study::as_copy(&study::begun(&read, None))?;
            let of = patient.clone();
            batch.put_fhir_of(study.clone(), Precondition::Absent, resource, of);
        }
        let mut rows = Making::begin(&read);
        rows.compared = compared;
        match self
            .commit_image(batch, &read, &mut rows, known, &source)
            .await
        {
            Ok(kept) => Ok(kept),
            Err(Failed::Moved) => Err(AppError::Conflict),
            Err(Failed::Error(e)) => Err(e),
        }
    }

    async fn keep_read(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        read: Read,
        source: &ImageSource,
    ) -> Result<Kept, AppError> {
        let read = Arc::new(read);
        let mut rows = None;
        let mut tries = 0;
        loop {
            tries += 1;
            // Asked anew each time: the same object in another encoding may have come in the meantime.
            let compared = match self.kept_before(hospital, &read).await? {
                Before::Kept(kept) => return Ok(kept),
                Before::Others(others) => others,
            };
            let rows = rows.get_or_insert_with(|| Making::begin(&read));
            rows.compared = compared;
            match self.keep_once(cx, hospital, &read, rows, source).await {
                Err(Failed::Moved) if tries < TRIES => {
                    self.arriving.forget(hospital, &read.facts.study.uid);
                }
                Err(Failed::Moved) => return Err(AppError::Conflict),
                Err(Failed::Error(e)) => return Err(e),
                Ok(kept) => return Ok(kept),
            }
        }
    }

    /// Whether a data set with this SHA-256 is kept under the SOP Instance UID at the hospital.
    pub async fn image_known(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        uid: &str,
        digest: &[u8; 32],
    ) -> Result<bool, AppError> {
        may_keep(cx, hospital)?;
        let known = self.store.images().known_images(hospital, uid).await?;
        Ok(known.contains(digest))
    }

    /// The answer for an object that is there already, content and all; else what is there of other content.
    async fn kept_before(
        &self,
        hospital: &HospitalId,
        read: &Arc<Read>,
    ) -> Result<Before, AppError> {
        let images = self.store.images();
        let known = images
            .known_images(hospital, &read.facts.instance.uid)
            .await?;
        if known.is_empty()
            || !known.contains(&read.digest) && !self.kept_otherwise(hospital, read).await?
        {
            return Ok(Before::Others(known));
        }
        let study = images.known_study(hospital, &read.facts.study.uid).await?;
        Ok(match study {
            Some(study) => {
                let key = RecordKey::new(hospital.clone(), kind("ImagingStudy"), study.record);
                Before::Kept(read.kept(key, Outcome::Again))
            }
            None => Before::Others(known),
        })
    }

    async fn keep_once(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        read: &Read,
        rows: &mut Making,
        source: &ImageSource,
    ) -> Result<Kept, Failed> {
        if let Some(known) = self.known_study(hospital, &read.facts.study.uid).await? {
            let batch = self.arrival(cx, read, source, &known);
            return self.commit_image(batch, read, rows, known, source).await;
        }
        let _first = self.arriving.first.lock().await;
        if let Some(known) = self.known_study(hospital, &read.facts.study.uid).await? {
            let batch = self.arrival(cx, read, source, &known);
            return self.commit_image(batch, read, rows, known, source).await;
        }
        let key = RecordKey::new(hospital.clone(), kind("ImagingStudy"), self.new_id());
        let patient = self
            .patient_of_study(hospital, &read.identity)
            .await?
            .patient();
        let known = KnownStudy {
            key: key.clone(),
            patient: patient.clone(),
            said: Monotonic::now(),
        };
        let mut batch = Batch::new(cx.now);
        let resource = study::begun(read, patient.as_ref());
        batch.put_fhir(key.clone(), Precondition::Absent, resource);
        batch
            .audit
            .extend(stored(cx, &known, &format!("from {}", source.sender)));
        batch.event("imaging.started", &key, "{}");
        self.commit_image(batch, read, rows, known, source).await
    }

    /// The study of this UID, as this process or the store knows it.
    async fn known_study(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Option<KnownStudy>, AppError> {
        if let Some(known) = self.arriving.study(hospital, uid) {
            return Ok(Some(known));
        }
        let Some(found) = self.store.images().known_study(hospital, uid).await? else {
            return Ok(None);
        };
        let known = KnownStudy {
            key: RecordKey::new(hospital.clone(), kind("ImagingStudy"), found.record),
            patient: found.patient,
            said: Monotonic::now(),
        };
        self.arriving.remember(hospital, uid, known.clone());
        Ok(Some(known))
    }

    /// What goes with a further object of a study: the audit of the first of an exchange, and now and then an event.
    fn arrival(&self, cx: &Cx, read: &Read, source: &ImageSource, known: &KnownStudy) -> Batch {
        let mut batch = Batch::new(cx.now);
        if self.arriving.is_first(&source.exchange, &known.key) {
            batch
                .audit
                .extend(stored(cx, known, &format!("from {}", source.sender)));
        }
        if self
            .arriving
            .is_to_be_said(&known.key.hospital, &read.facts.study.uid)
        {
            batch.event("imaging.arriving", &known.key, "{}");
        }
        batch
    }

    async fn commit_image(
        &self,
        batch: Batch,
        read: &Read,
        rows: &mut Making,
        known: KnownStudy,
        source: &ImageSource,
    ) -> Result<Kept, Failed> {
        let waiting = known.patient.is_none();
        let compared = std::mem::take(&mut rows.compared);
        let rows = async {
            let made = rows.rows().await;
            let made = made.map_err(|e| StoreError::Internal(e.to_string()))?;
            Ok(ImageRows {
                study: Arc::new(StudyRow {
                    waiting,
                    ..made.study.clone()
                }),
                series: Arc::clone(&made.series),
                instance: made.instance.clone(),
                compared: Some(compared),
            })
        };
        let done = self
            .store
            .keep_image(batch, &known.key, read.file.clone(), rows)
            .await?;
        let outcome = match done.images.first() {
            Some(ImageOutcome::Again) => Outcome::Again,
            Some(ImageOutcome::Kept(Standing::OtherContent)) => Outcome::OtherContent,
            Some(ImageOutcome::Kept(Standing::OtherPatient)) => Outcome::OtherPatient,
            Some(ImageOutcome::Kept(Standing::Shown)) => Outcome::New,
            _ => return Err(AppError::Internal("an object was not accounted for".into()).into()),
        };
        let hospital = known.key.hospital.clone();
        self.arriving.began(&source.exchange, &known.key);
        let kept = read.kept(known.key.clone(), outcome);
        if self
            .arriving
            .study(&hospital, &read.facts.study.uid)
            .is_none()
        {
            self.arriving
                .remember(&hospital, &read.facts.study.uid, known);
        }
        Ok(kept)
    }
}

fn who_reads(cx: &Cx, study: &RecordKey, action: &str) -> Seen {
    (
        cx.actor.account.clone(),
        cx.actor.hospital.clone(),
        study.clone(),
        action.to_owned(),
    )
}

/// What is there under the UID of an object that comes.
enum Before {
    /// The object itself, maybe in another encoding.
    Kept(Kept),
    /// Digests of other data sets.
    Others(Vec<[u8; 32]>),
}

/// Why an object was not kept this time.
enum Failed {
    /// Its study was made by another, or erased, or its UID taken, between looking and writing.
    Moved,
    Error(AppError),
}

impl From<StoreError> for Failed {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Duplicate { .. } | StoreError::Precondition { .. } => Self::Moved,
            other => Self::Error(other.into()),
        }
    }
}

impl From<AppError> for Failed {
    fn from(e: AppError) -> Self {
        Self::Error(e)
    }
}

/// In the chain of the hospital that keeps the study, and in that of the hospital the actor works for.
fn stored(cx: &Cx, known: &KnownStudy, ground: &str) -> Vec<store::AuditDraft> {
    let key = &known.key;
    let entry = Entry {
        verb: Verb::Create,
        action: "imaging.stored",
        subjects: std::slice::from_ref(key),
        patient: known.patient.as_ref().map(|p| (&key.hospital, p)),
        ground: Some(ground),
        denied: false,
    };
    let own = cx
        .actor
        .hospital
        .as_ref()
        .filter(|own| **own != key.hospital);
    std::iter::once(&key.hospital)
        .chain(own)
        .map(|chain| cx.audit(chain, &entry))
        .collect()
}

/// Machines and clinical staff keep images in their own hospital.
fn may_keep(cx: &Cx, hospital: &HospitalId) -> Result<(), AppError> {
    if cx.actor.hospital.as_ref() != Some(hospital) {
        return Err(AppError::denied("other-hospital"));
    }
    let machine = cx.actor.kind == ActorKind::Machine && cx.actor.has(Role::Machine);
    if machine || (cx.actor.kind == ActorKind::Staff && cx.actor.is_clinical()) {
        Ok(())
    } else {
        Err(AppError::denied("clinical-role-missing"))
    }
}
