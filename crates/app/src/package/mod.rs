//! A study to take along: a zip of its files with a DICOMDIR (PS3.10 §8) and the reports that stand, written piece by
//! piece; at most one file of moderate size, or a part of a large one, is in memory.

mod zip;

use std::collections::VecDeque;

use bytes::Bytes;
use imaging::media::{Directory, FileId};
use imaging::{Dataset, Limits, Object};
use kernel::{HospitalId, RecordKey, ResourceId};

use crate::deidentify::Cleaning;
use crate::imaging::{InstanceLine, OpenImage, Place, Target};
use crate::sessions::SessionAsk;
use crate::sharing::Guest;
use crate::{App, AppError, Cx};
use zip::Zip;

/// Objects listed at once.
const AT_ONCE: u32 = 64;
/// Larger files are read twice, a part at a time: once for their check, once to be sent.
const WHOLE_BYTES_MAX: u64 = 8 << 20;
const PART_BYTES: u64 = 4 << 20;

/// Lets a package end with the link it was asked for by.
#[derive(Debug, Clone)]
pub struct UnderLink {
    pub hospital: HospitalId,
    pub link: ResourceId,
    pub token: String,
    pub ask: SessionAsk,
}

/// A file of the archive that is being sent.
struct Sending {
    open: OpenImage,
    at: u64,
    size: u64,
}

/// A study on its way out.
pub struct Package {
    app: App,
    cx: Cx,
    hospital: HospitalId,
    target: Target,
    under: Option<UnderLink>,
    cleaning: Option<Cleaning>,
    /// Files made beforehand: reports.
    made: VecDeque<(String, Bytes)>,
    waiting: VecDeque<(InstanceLine, Bytes)>,
    next: Option<Place>,
    listed_all: bool,
    sending: Option<Sending>,
    series: Vec<(String, u32)>,
    directory: Option<Directory>,
    zip: Option<Zip>,
    /// Names the directory.
    uid: String,
}

impl App {
    /// Begins a package of a study and the reports of it that stand. Whoever may read the study may take it; the taking is
    /// written down before this returns.
    pub async fn study_package(
        &self,
        cx: &Cx,
        study: &RecordKey,
        under: Option<UnderLink>,
    ) -> Result<Package, AppError> {
        let mut package = self.package_of(cx, study, under, None).await?;
        let language = cx.language.tag();
        for (n, report) in self.final_reports(cx, study).await?.iter().enumerate() {
            let pdf = self.report_pdf(cx, &report.id, language).await?;
            let name = format!("REPORT{}.PDF", n + 1);
            package.made.push_back((name, pdf.into()));
        }
        Ok(package)
    }

    /// A package of copies without identity. Reports stay behind: their text is not cleaned.
    pub(crate) async fn package_of(
        &self,
        cx: &Cx,
        study: &RecordKey,
        under: Option<UnderLink>,
        cleaning: Option<Cleaning>,
    ) -> Result<Package, AppError> {
        let stored = self.read_record(cx, study, "study.package.read").await?;
        let line = self.study_line(cx, &stored).ok_or(AppError::NotFound)?;
        if !line.state.has_pictures() {
            return Err(AppError::NotFound);
        }
        let zone = self
            .hospital(&study.hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        Ok(Package {
            app: self.clone(),
            cx: cx.clone(),
            hospital: study.hospital.clone(),
            target: Target::study(line.uid),
            under,
            cleaning,
            made: VecDeque::new(),
            waiting: VecDeque::new(),
            next: None,
            listed_all: false,
            sending: None,
            series: Vec::new(),
            directory: Some(Directory::default()),
            zip: Some(Zip::new(cx.now.to_zoned(zone).datetime())),
            uid: format!("2.25.{}", u128::from_be_bytes(random)),
        })
    }

    /// What a package is called as a file: nothing of the patient is in it.
    pub fn package_name(study: &RecordKey) -> String {
        let id = study.id.as_str();
        let end = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
        format!("study-{end}.zip")
    }
}

impl Package {
    /// The next bytes; none after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AppError> {
        if let Some(part) = self.part().await? {
            return Ok(Some(part));
        }
        if let Some((name, file)) = self.made.pop_front() {
            return Ok(Some(self.whole(&name, &file)));
        }
        if self.waiting.is_empty() && !self.listed_all {
            self.list().await?;
        }
        if let Some((line, meta)) = self.waiting.pop_front() {
            return Ok(Some(self.object(&line, &meta).await?));
        }
        if let Some(directory) = self.directory.take() {
            let file = directory.finish(&self.uid, "KAREZ");
            return Ok(Some(self.whole("DICOMDIR", &file)));
        }
        Ok(self.zip.take().map(|z| z.end().into()))
    }

    fn begin(&mut self, name: &str, size: u64, crc: u32) -> Vec<u8> {
        self.zip
            .as_mut()
            .map_or_else(Vec::new, |z| z.begin(name, size, crc))
    }

    fn whole(&mut self, name: &str, file: &[u8]) -> Bytes {
        let mut crc = flate2::Crc::new();
        crc.update(file);
        let mut out = self.begin(name, file.len() as u64, crc.sum());
        out.extend_from_slice(file);
        out.into()
    }

    /// The next part of a large file.
    async fn part(&mut self) -> Result<Option<Bytes>, AppError> {
        let Some(sending) = &mut self.sending else {
            return Ok(None);
        };
        let until = (sending.at + PART_BYTES).min(sending.size);
        let part = sending.open.range(sending.at..until).await?;
        sending.at = until;
        if until == sending.size {
            self.sending = None;
        }
        Ok(Some(part))
    }

    /// More objects to send, while whoever asked may still have them.
    async fn list(&mut self) -> Result<(), AppError> {
        if let Some(u) = &self.under {
            let guest: Guest = self
                .app
                .guest(&u.hospital, &u.link, &u.token, u.ask.clone())
                .await?;
            if !guest.download {
                return Err(AppError::NotFound);
            }
        }
        let (app, cx) = (&self.app, &self.cx);
        let after = self.next.as_ref();
        let (lines, next) = app
            .image_page(cx, &self.hospital, &self.target, after, AT_ONCE)
            .await?;
        let (metas, _) = app
            .image_metadata(cx, &self.hospital, &self.target, after, AT_ONCE)
            .await?;
        // Both lists are in one order; an object that came in between them shows as a difference in length.
        if lines.len() != metas.len() {
            return Err(AppError::Conflict);
        }
        self.waiting = lines.into_iter().zip(metas).collect();
        self.listed_all = next.is_none();
        self.next = next;
        Ok(())
    }

    async fn object(&mut self, line: &InstanceLine, meta: &Bytes) -> Result<Bytes, AppError> {
        let open = self.app.image_open(&self.cx, line).await?;
        if let Some(cleaning) = &self.cleaning {
            let file = match cleaning.clean(open.all().await?).await {
                Ok(file) => file,
                Err(AppError::Rejected { .. }) if cleaning.leaves_out() => return Ok(Bytes::new()),
                Err(e) => return Err(e),
            };
            let file_id = self.name_of(&line.series_uid);
            let name = file_id.path();
            let object = Object::read(file.clone(), &Limits::default()).map_err(damaged)?;
            let (syntax, data) = (object.transfer_syntax().to_owned(), object.dataset());
            self.list_file(&file_id, &syntax, data)?;
            return Ok(self.whole(&name, &file));
        }
        let file_id = self.name_of(&line.series_uid);
        let name = file_id.path();
        let data = imaging::json::parse(meta, &|_| Some(Bytes::new())).map_err(damaged)?;
        self.list_file(&file_id, &line.transfer_syntax, &data)?;
        if line.size <= WHOLE_BYTES_MAX {
            let file = open.all().await?;
            return Ok(self.whole(&name, &file));
        }
        let mut crc = flate2::Crc::new();
        let mut at = 0;
        while at < line.size {
            let until = (at + PART_BYTES).min(line.size);
            crc.update(&open.range(at..until).await?);
            at = until;
        }
        self.sending = Some(Sending {
            open,
            at: 0,
            size: line.size,
        });
        Ok(self.begin(&name, line.size, crc.sum()).into())
    }

    fn list_file(&mut self, id: &FileId, syntax: &str, data: &Dataset) -> Result<(), AppError> {
        match &mut self.directory {
            Some(directory) => directory.add(id, syntax, data).map_err(damaged),
            None => Ok(()),
        }
    }

    /// `DICOM/SE000001/IM000001`, series and objects counted in their order.
    fn name_of(&mut self, series: &str) -> FileId {
        let at = self.series.iter().position(|(uid, _)| uid == series);
        let at = at.unwrap_or_else(|| {
            self.series.push((series.to_owned(), 0));
            self.series.len() - 1
        });
        let count = self.series.get_mut(at).map_or(1, |(_, n)| {
            *n += 1;
            *n
        });
        let parts = [
            "DICOM".to_owned(),
            format!("SE{:06}", at + 1),
            format!("IM{count:06}"),
        ];
        FileId::new(parts).unwrap_or_else(|| unreachable!("letters and six digits are allowed"))
    }
}

fn damaged(_: imaging::ImagingError) -> AppError {
    AppError::Internal("a kept image does not say where it belongs".into())
}
