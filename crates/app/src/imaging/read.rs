//! Opening what is kept: objects in order, their attributes, their bytes.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use kernel::{HospitalId, RecordKey, ResourceId, limits};
use store::{ImageAsk, ImageLine};

use super::{InstanceLine, OpenImage, Place, Target};
use crate::{App, AppError, Cx};

/// Objects read at once while all of a study are gathered.
const AT_ONCE: u32 = 1_000;
/// The attributes of one object, bytes.
const META_BYTES_MAX: usize = 64 << 20;

/// Compressed attributes that are read where they are asked for.
const HERE_BYTES_MAX: usize = 8 << 10;

/// What is asked of objects beside their place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Also {
    Nothing,
    Metadata,
    Files,
}

impl App {
    /// The objects meant that the permit opens, by series and instance number, at most `limit` after a place; and the
    /// place to go on from. The reading is audited before this returns.
    pub async fn image_page(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<(Vec<InstanceLine>, Option<Place>), AppError> {
        let (found, next) = self
            .image_lines(cx, hospital, target, after, limit, Also::Nothing)
            .await?;
        Ok((found.into_iter().map(line).collect(), next))
    }

    /// All objects meant that the permit opens (a few hundred bytes each); `TooMuch` beyond the limit of one retrieval.
    pub async fn image_locate(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
    ) -> Result<Vec<InstanceLine>, AppError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = self
                .image_page(cx, hospital, target, after.as_ref(), AT_ONCE)
                .await?;
            all.extend(page);
            if all.len() > limits::IMAGES_AT_ONCE_MAX {
                return Err(AppError::TooMuch("images in one retrieval"));
            }
            match next {
                Some(place) => after = Some(place),
                None => return Ok(all),
            }
        }
    }

    /// The attributes of the objects meant, each a DICOM JSON object (PS3.18 §F) without bulk data, which it names by absolute
    /// addresses; a page at a time.
    pub async fn image_metadata(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<(Vec<Bytes>, Option<Place>), AppError> {
        let base = self.dicom_web_base(hospital);
        self.image_metadata_at(cx, hospital, target, after, limit, base)
            .await
    }

    /// As [`App::image_metadata`], asked at a DICOMweb service that begins with `base`: bulk data are named below it.
    pub async fn image_metadata_at(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
        after: Option<&Place>,
        limit: u32,
        base: String,
    ) -> Result<(Vec<Bytes>, Option<Place>), AppError> {
        let (found, next) = self
            .image_lines(cx, hospital, target, after, limit, Also::Metadata)
            .await?;
        let packed: usize = found.iter().map(|l| l.meta.len()).sum();
        let all = move || {
            let mut room = Vec::new();
            let all = found.iter().map(|l| metadata(l, &base, &mut room));
            all.collect::<Result<Vec<_>, _>>()
        };
        // To hand over what takes less time than the hand-over is no help to others.
        let all = if packed <= HERE_BYTES_MAX {
            all()
        } else {
            tokio::task::spawn_blocking(all)
                .await
                .map_err(|_| AppError::Internal("reading attributes was broken off".into()))?
        };
        Ok((all?, next))
    }

    /// The one object meant, opened; the reading is audited before this returns. Of several the first. `NotFound` when the
    /// permit opens none.
    pub async fn image_one(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
    ) -> Result<OpenImage, AppError> {
        let (mut found, _) = self
            .image_lines(cx, hospital, target, None, 1, Also::Files)
            .await?;
        let mut one = found.pop().ok_or(AppError::NotFound)?;
        let file = one.file.take().ok_or(AppError::NotFound)?;
        let (blob, layout) = self.store.open_found(file).await?;
        Ok(OpenImage {
            line: line(one),
            layout,
            blob,
        })
    }

    /// Opens one object that was located in this request. `NotFound` when the permit does not open it any more.
    pub async fn image_open(&self, cx: &Cx, line: &InstanceLine) -> Result<OpenImage, AppError> {
        let found = self
            .store
            .open_image(&cx.permit(), &line.study, line.row)
            .await?;
        let (blob, layout) = found.ok_or(AppError::NotFound)?;
        Ok(OpenImage {
            line: line.clone(),
            layout,
            blob,
        })
    }

    async fn image_lines(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        target: &Target,
        after: Option<&Place>,
        limit: u32,
        also: Also,
    ) -> Result<(Vec<ImageLine>, Option<Place>), AppError> {
        self.known(hospital)?;
        let limit = limit.clamp(1, limits::IMAGE_QUERY_LIMIT_MAX);
        let ask = ImageAsk {
            study: target.study.clone(),
            series: target.series.clone(),
            instance: target.instance.clone(),
            aside: false,
            meta: also == Also::Metadata,
            files: also == Also::Files,
            after: after.map(|p| p.0),
            limit: limit + 1,
        };
        let images = self.store.images();
        let mut found = images.images(&cx.permit(), hospital, &ask).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let action = match also {
            Also::Metadata => "imaging.metadata.read",
            Also::Nothing | Also::Files => "imaging.read",
        };
        if let Some(first) = found.first() {
            let seen = std::iter::once((&first.study, first.patient.as_ref()));
            self.images_seen(cx, hospital, seen, action).await?;
        }
        let next = found.last().filter(|_| more).map(|l| Place(l.place));
        Ok((found, next))
    }

    /// Notes that studies were read, each patient's in an entry.
    pub(super) async fn images_seen<'a>(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        studies: impl Iterator<Item = (&'a RecordKey, Option<&'a ResourceId>)>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut by_patient: Vec<(Option<&ResourceId>, Vec<RecordKey>)> = Vec::new();
        for (study, patient) in studies {
            match by_patient.iter_mut().rev().find(|(p, _)| *p == patient) {
                Some((_, keys)) if keys.last() == Some(study) => {}
                Some((_, keys)) => keys.push(study.clone()),
                None => by_patient.push((patient, vec![study.clone()])),
            }
        }
        let across = cx
            .actor
            .hospital
            .as_ref()
            .is_some_and(|own| own != hospital);
        for (patient, mut keys) in by_patient {
            keys.dedup();
            if across {
                keys.retain(|k| !self.arriving.was_seen(cx, k, action));
                if keys.is_empty() {
                    continue;
                }
            }
            self.note_read(cx, hospital, patient, &keys, action).await?;
            if across {
                for key in &keys {
                    self.arriving.seen(cx, key, action);
                }
            }
        }
        Ok(())
    }
}

/// One object's attributes as they are answered. `room` is used again for each.
fn metadata(line: &ImageLine, base: &str, room: &mut Vec<u8>) -> Result<Bytes, AppError> {
    room.clear();
    unfold(&line.meta, room)?;
    let of = format!(
        "{base}/studies/{}/series/{}/instances/{}/",
        line.study_uid, line.series_uid, line.uid
    );
    Ok(imaging::json::with_bulk_base(room, &of).into())
}

/// One object's attributes as they are kept.
pub(super) fn unfolded(meta: &[u8]) -> Result<Bytes, AppError> {
    let mut out = Vec::with_capacity(meta.len() * 4);
    unfold(meta, &mut out)?;
    Ok(out.into())
}

fn unfold(meta: &[u8], out: &mut Vec<u8>) -> Result<(), AppError> {
    thread_local! {
        // What it is made of takes longer to get and to clear than most attributes to read.
        static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
    }
    let fail = || AppError::Internal("kept attributes of an image cannot be read".into());
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        out.reserve(meta.len() * 4 + 64);
        loop {
            let before = (inflater.total_in(), inflater.total_out());
            let read = usize::try_from(before.0).map_err(|_| fail())?;
            let rest = meta.get(read..).unwrap_or_default();
            if out.len() == out.capacity() {
                out.reserve(out.len());
            }
            let status = inflater.decompress_vec(rest, out, FlushDecompress::None);
            let stands = before == (inflater.total_in(), inflater.total_out());
            match status.map_err(|_| fail())? {
                _ if out.len() > META_BYTES_MAX => return Err(fail()),
                Status::StreamEnd => return Ok(()),
                _ if stands => return Err(fail()),
                _ => {}
            }
        }
    })
}

pub(super) fn line(l: ImageLine) -> InstanceLine {
    InstanceLine {
        row: l.place.instance.1,
        study: l.study,
        patient: l.patient,
        class: l.class,
        study_uid: l.study_uid,
        series_uid: l.series_uid,
        uid: l.uid,
        sop_class: l.sop_class,
        transfer_syntax: l.transfer_syntax,
        number: l.number,
        rows: l.height,
        columns: l.width,
        frames: l.frames,
        size: l.size,
        digest: l.digest.iter().map(|b| format!("{b:02x}")).collect(),
        at: l.at,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn folded(bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::fast();
        let mut out = flate2::write::DeflateEncoder::new(Vec::new(), level);
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn attributes_come_out_as_they_went_in_one_after_the_other() {
        let long: Vec<u8> = (0..200_000_u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        for content in [&b"{}"[..], &[b'a'; 100_000], &long, b""] {
            let packed = folded(content);
            assert_eq!(unfolded(&packed).unwrap(), content);
            let cut = &packed[..packed.len() - 1];
            assert!(unfolded(cut).is_err(), "cut short");
        }
        assert!(unfolded(b"\xff\xff\xff").is_err());
        assert!(unfolded(&folded(&vec![0; META_BYTES_MAX + 1])).is_err());
    }
}
