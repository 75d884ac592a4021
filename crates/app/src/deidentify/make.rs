//! The job that makes copies without identity, a stretch at a time: no request waits for it, other jobs have their turn, and
//! whatever breaks off is gone on with where it was. What is half made is shown to nobody.

use std::time::{Duration, Instant as Monotonic};

use agreements::{Projection, Role, SystemPurpose};
use imaging::{Limits, Object, tags};
use jiff::SignedDuration;
use kernel::{HospitalId, RecordKey, ResourceId};
use store::backup::erasures::Erasure;
use store::{Batch, ImageAsk, ImageLine, Lookup};

use super::work::{CopyFor, CopyState, CopyWork};
use super::{COPY_MAX, Cleaning, CopyAsk};
use crate::audit_entry::{Entry, Verb};
use crate::cases::act::{event_data, share_rows};
use crate::cases::doc::CaseDoc;
use crate::docs::{self, Versioned};
use crate::imaging::{ImageSource, Outcome};
use crate::records::kind;
use crate::{App, AppError, Cx};

/// Copies looked at in one run, and how long one run may take.
const WORKS_MAX: u32 = 50;
const STRETCH: Duration = Duration::from_secs(2);
/// Objects dealt with before it is written down how far one came.
const OBJECTS_AT_ONCE: usize = 100;
/// Objects listed at once.
const LISTED: u32 = 1_000;
/// After a fault of disk or database a copy is tried again then, seconds.
const AGAIN_S: i64 = 30;
/// Copies that crossed, looked through at once.
const CROSSED_MAX: u32 = 1_000;

impl App {
    /// Goes on with copies that were asked for. Gives how many objects were dealt with.
    pub async fn make_copies(&self) -> Result<usize, AppError> {
        let until = Monotonic::now() + STRETCH;
        let permit = self.system(SystemPurpose::Job);
        let due = vec![Lookup::new("due", "yes")];
        let works = self
            .find::<CopyWork>(&permit, None, due, None, WORKS_MAX, false)
            .await?;
        let mut done = 0;
        for work in works {
            if Monotonic::now() >= until {
                break;
            }
            if work.doc.not_before.is_none_or(|t| t <= self.now()) {
                done += self.go_on_with(work, until).await?;
            }
        }
        Ok(done)
    }

    async fn go_on_with(
        &self,
        mut work: Versioned<CopyWork>,
        until: Monotonic,
    ) -> Result<usize, AppError> {
        let mut dealt = 0;
        work.doc.not_before = None;
        let mut batch = Batch::new(self.now());
        match self.stretch(&mut work, &mut batch, until).await {
            Ok(n) => dealt = n,
            Err(AppError::Rejected { code, .. }) => {
                self.forget_half(&mut work.doc).await?;
                work.doc.fail(code);
            }
            Err(AppError::NotFound | AppError::Gone | AppError::Denied(_)) => {
                self.forget_half(&mut work.doc).await?;
                work.doc.fail("unclean-gone");
            }
            // The disk is full, the database is away, another writes: it is gone on with later, from here.
            Err(e) => {
                tracing::warn!(error = %e, "a copy without identity does not go on now");
                work.doc.why = Some("held-up".into());
                let later = SignedDuration::from_secs(AGAIN_S);
                work.doc.not_before = self.now().checked_add(later).ok();
                batch = Batch::new(self.now());
            }
        }
        docs::put(&mut batch, &work)?;
        match self.store.commit(batch).await {
            // It was asked for anew meanwhile: that begins with the first object again.
            Ok(_) | Err(store::StoreError::Precondition { .. }) => Ok(dealt),
            Err(e) => Err(e.into()),
        }
    }

    /// Deals with some objects more, and with what follows from the last. Gives how many.
    async fn stretch(
        &self,
        work: &mut Versioned<CopyWork>,
        batch: &mut Batch,
        until: Monotonic,
    ) -> Result<usize, AppError> {
        let cleaning = self.cleaning_of(&work.doc).await?;
        let (all, rest) = self.objects_after(&work.doc).await?;
        let doc = &mut work.doc;
        doc.all = all;
        let mut dealt = 0;
        for line in &rest {
            if dealt >= OBJECTS_AT_ONCE || (dealt > 0 && Monotonic::now() >= until) {
                return Ok(dealt);
            }
            self.copy_one(doc, &cleaning, line).await?;
            doc.reached = line.place.instance.1;
            doc.seen += 1;
            doc.why = None;
            dealt += 1;
        }
        let left: u32 = doc.left.values().sum();
        if doc.seen == 0 || left == doc.seen {
            return Err(AppError::rejected("unclean-all", "nothing can be cleaned"));
        }
        if doc.state == CopyState::Looking {
            if let (Some(why), false) = (doc.left.keys().next(), doc.leaves_out()) {
                let code = format!("unclean-{why}");
                return Err(AppError::rejected(code, "some images cannot be cleaned"));
            }
            doc.enter(CopyState::Making);
            return Ok(dealt);
        }
        self.finish_copy(doc, batch).await?;
        Ok(dealt)
    }

    /// One object: looked at, or copied. What cannot be cleaned is counted where it may stay behind.
    async fn copy_one(
        &self,
        doc: &mut CopyWork,
        cleaning: &Cleaning,
        line: &ImageLine,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Job);
        let found = self
            .store
            .open_image(&permit, &doc.study, line.place.instance.1)
            .await?;
        let Some((blob, _)) = found else {
            return Ok(());
        };
        let file = blob.all().await?;
        let why = if doc.state == CopyState::Looking {
            cleaning.judge(file).await?.map(str::to_owned)
        } else {
            match cleaning.clean(file).await {
                Ok(copy) => {
                    self.keep_one(doc, copy).await?;
                    doc.kept += 1;
                    None
                }
                Err(AppError::Rejected { code, .. }) if doc.leaves_out() => {
                    Some(code.trim_start_matches("unclean-").to_owned())
                }
                Err(e) => return Err(e),
            }
        };
        if let Some(why) = why {
            *doc.left.entry(why).or_default() += 1;
        }
        Ok(())
    }

    async fn keep_one(&self, doc: &mut CopyWork, copy: bytes::Bytes) -> Result<(), AppError> {
        let hospital = doc.study.hospital.clone();
        let CopyFor::Teaching { project, .. } = &doc.purpose else {
            let into = doc.made.get_or_insert_with(|| {
                RecordKey::new(hospital, kind("ImagingStudy"), self.new_id())
            });
            self.keep_copy(into, &doc.patient, copy).await?;
            return Ok(());
        };
        let cx = self.machine_of(&hospital);
        let issuer = format!("urn:karez:project:{project}");
        if doc.stands_for.is_none() {
            let read = Object::read(copy.clone(), &Limits::default())
                .map_err(|_| AppError::Internal("a copy cannot be read".into()))?;
            let pseudonym = read.dataset().text(tags::PATIENT_ID).unwrap_or_default();
            let made = self
                .teaching_patient(&cx, project, &issuer, &pseudonym)
                .await?;
            doc.stands_for = Some(made);
        }
        let source = ImageSource {
            sender: "deidentify".into(),
            exchange: format!("{}/{}", doc.study.id, doc.asked),
            issuer: Some(issuer),
        };
        let kept = self.image_store(&cx, &hospital, copy, &source).await?;
        // What an earlier copy left is not taken back with this one.
        if doc.kept == 0 && kept.outcome == Outcome::New {
            doc.made = Some(kept.study);
        }
        Ok(())
    }

    /// All is copied: the record of the copy says so, and the cases it was made for lend it from this commit on.
    async fn finish_copy(&self, doc: &mut CopyWork, batch: &mut Batch) -> Result<(), AppError> {
        let made = doc.made.clone().or_else(|| doc.stands_for.clone());
        let made = made.ok_or_else(|| AppError::Internal("a copy that was not kept".into()))?;
        if let CopyFor::Crossing { cases, .. } = &doc.purpose {
            let permit = self.system(SystemPurpose::Job);
            let known = self.store.get(&permit, &made, None).await?;
            let known = known.ok_or_else(|| AppError::Internal("a copy went away".into()))?;
            let uid = self.study_line(&self.job_cx(), &known).map(|l| l.uid);
            self.quiet_copy(&made, &uid.unwrap_or_default()).await?;
            let hospital = &doc.study.hospital;
            for case in cases {
                let found = self.load::<CaseDoc>(&permit, hospital, case).await?;
                let Some(mut found) = found else { continue };
                found.doc.case.copies.insert(made.id.clone());
                docs::put(batch, &found)?;
                let case = &found.doc.case;
                batch.projections.push(Projection::Shares {
                    custodian: hospital.clone(),
                    case: case.id.clone(),
                    rows: share_rows(case)?,
                });
                batch.event("case.copies", &found.key, event_data(case));
            }
        }
        doc.state = CopyState::Ready;
        self.note_made(doc, batch, &made, "study.copy.made");
        Ok(())
    }

    fn note_made(&self, doc: &CopyWork, batch: &mut Batch, made: &RecordKey, action: &str) {
        let hospital = &doc.study.hospital;
        let ground = match &doc.purpose {
            CopyFor::Teaching { project, .. } => format!("project {project}"),
            CopyFor::Crossing { agreement, .. } => format!("agreement {agreement}"),
        };
        let subjects = [doc.study.clone(), made.clone()];
        let entry = Entry {
            verb: Verb::Execute,
            action,
            subjects: &subjects,
            patient: Some((hospital, &doc.patient)),
            ground: Some(&ground),
            denied: false,
        };
        // In the chain of the hospital that made it alone: no other learns which study a copy is of.
        batch.audit.push(self.job_cx().audit(hospital, &entry));
        batch.event(action, &doc.study, "{}");
    }

    /// What was kept of a copy that comes to nothing goes, unless it stood before.
    async fn forget_half(&self, doc: &mut CopyWork) -> Result<(), AppError> {
        if doc.kept > 0
            && let Some(made) = doc.made.take()
        {
            self.erase_copy(&made, Batch::new(self.now())).await?;
        }
        Ok(())
    }

    async fn erase_copy(&self, copy: &RecordKey, batch: Batch) -> Result<(), AppError> {
        let erasure = Erasure {
            id: self.new_id(),
            hospital: copy.hospital.clone(),
            patient: None,
            records: vec![copy.clone()],
            at: self.now(),
            by: self.job_cx().actor.account,
        };
        self.store.erase(&erasure, batch).await?;
        Ok(())
    }

    /// Destroys copies that no case lends any more (it was closed, its agreement or consent does not stand), or whose study is
    /// another patient's now. A case that goes on has them made anew. Gives how many.
    pub async fn sweep_copies(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let by = vec![Lookup::new("crossing", "yes")];
        let works = self
            .find::<CopyWork>(&permit, None, by, None, CROSSED_MAX, false)
            .await?;
        let mut taken = 0;
        for work in works {
            if self.is_lent(&work.doc).await? {
                continue;
            }
            let mut batch = Batch::new(self.now());
            batch.delete(work.key.clone(), work.expect());
            match &work.doc.made {
                Some(made) => {
                    self.note_made(&work.doc, &mut batch, made, "study.copy.erased");
                    self.erase_copy(&made.clone(), batch).await?;
                }
                None => {
                    self.store.commit(batch).await?;
                }
            }
            taken += 1;
        }
        Ok(taken)
    }

    async fn is_lent(&self, doc: &CopyWork) -> Result<bool, AppError> {
        let CopyFor::Crossing { cases, .. } = &doc.purpose else {
            return Ok(true);
        };
        let permit = self.system(SystemPurpose::Job);
        let study = self.store.get(&permit, &doc.study, None).await?;
        if !study.is_some_and(|s| !s.deleted && s.patient.as_ref() == Some(&doc.patient)) {
            return Ok(false);
        }
        let now = self.now();
        for case in cases {
            let found = self
                .load::<CaseDoc>(&permit, &doc.study.hospital, case)
                .await?;
            let Some(case) = found.map(|c| c.doc.case) else {
                continue;
            };
            let readable = case.readable_until().is_some_and(|until| now < until);
            if readable && self.lends_without_identity(&case).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What cleans the objects of a copy.
    async fn cleaning_of(&self, doc: &CopyWork) -> Result<Cleaning, AppError> {
        let hospital = &doc.study.hospital;
        match &doc.purpose {
            CopyFor::Crossing { agreement, .. } => {
                self.crossing_cleaning(hospital, agreement).await
            }
            CopyFor::Teaching {
                project,
                parts,
                leave_out,
                ..
            } => {
                let ask = CopyAsk {
                    project: project.clone(),
                    parts: parts.clone(),
                    leave_out: *leave_out,
                };
                self.cleaning_at(hospital, &ask).await
            }
        }
    }

    /// How many objects the study has, and those that were not dealt with yet, in the order they came.
    async fn objects_after(&self, doc: &CopyWork) -> Result<(u32, Vec<ImageLine>), AppError> {
        let permit = self.system(SystemPurpose::Job);
        let stored = self.store.get(&permit, &doc.study, None).await?;
        let stored = stored
            .filter(|s| !s.deleted && s.patient.as_ref() == Some(&doc.patient))
            .ok_or(AppError::NotFound)?;
        let line = self.study_line(&self.job_cx(), &stored);
        let mut ask = ImageAsk {
            study: line.ok_or(AppError::NotFound)?.uid,
            series: None,
            instance: None,
            aside: false,
            meta: false,
            files: false,
            after: None,
            limit: LISTED,
        };
        let mut all = Vec::new();
        loop {
            let hospital = &doc.study.hospital;
            let page = self.store.images().images(&permit, hospital, &ask).await?;
            ask.after = page.last().map(|l| l.place);
            let full = page.len() == LISTED as usize;
            all.extend(page);
            if all.len() > COPY_MAX {
                return Err(AppError::rejected("unclean-too-many", "too many objects"));
            }
            if !full {
                break;
            }
        }
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.retain(|l| l.place.instance.1 > doc.reached);
        all.sort_by_key(|l| l.place.instance.1);
        Ok((count, all))
    }

    /// Karez itself, keeping objects for a hospital.
    fn machine_of(&self, hospital: &HospitalId) -> Cx {
        let mut cx = self.job_cx();
        cx.actor.hospital = Some(hospital.clone());
        cx.actor.roles = [Role::Machine].into_iter().collect();
        cx
    }

    /// The copies of a study that were asked for, or are made for a case.
    pub(super) async fn works_by(
        &self,
        hospital: &HospitalId,
        name: &str,
        id: &ResourceId,
    ) -> Result<Vec<Versioned<CopyWork>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new(name, id.as_str())];
        self.find::<CopyWork>(&permit, Some(hospital), by, None, CROSSED_MAX, true)
            .await
    }
}
