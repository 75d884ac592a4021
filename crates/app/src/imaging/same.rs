//! An object that is kept already in another encoding: what an edge compressed without loss, and the scanner sent too.

use std::sync::Arc;

use agreements::SystemPurpose;
use imaging::{ImagingError, Limits, Object, same_content, same_outlines};
use kernel::HospitalId;
use store::{Content, ImageAsk, ImageLine, OpenBlob, ScratchFolder};

use super::object::Read;
use super::outline::outlined;
use crate::{App, AppError};

/// Bytes of a kept object that are read at once.
const READ_AT_ONCE: u64 = 1 << 20;
/// Contents under one UID that are compared.
const COMPARED_MAX: u32 = 4;

impl App {
    /// Whether something that is kept under the object's UID, shown or aside, has its attributes and values in another
    /// encoding. Asked only when another data set is there, which is rare.
    pub(super) async fn kept_otherwise(
        &self,
        hospital: &HospitalId,
        read: &Arc<Read>,
    ) -> Result<bool, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let images = self.store.images();
        let mut there: Vec<ImageLine> = Vec::new();
        for aside in [false, true] {
            let ask = ImageAsk {
                study: read.facts.study.uid.clone(),
                series: None,
                instance: Some(read.facts.instance.uid.clone()),
                aside,
                meta: false,
                files: false,
                after: None,
                limit: COMPARED_MAX,
            };
            there.extend(images.images(&permit, hospital, &ask).await?);
        }
        for line in there {
            if line.sop_class != read.facts.instance.class {
                continue;
            }
            let row = line.place.instance.1;
            let Some((blob, _)) = self.store.open_image(&permit, &line.study, row).await? else {
                continue;
            };
            let (kept, new) = (self.at_hand(&blob).await?, read.file.clone());
            let folder = self.store.scratch();
            let same = tokio::task::spawn_blocking(move || same(&kept, &new, &folder))
                .await
                .map_err(|_| AppError::Internal("comparing objects was broken off".into()))?;
            // What cannot be decoded cannot be said to be the same.
            if same.unwrap_or(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is kept, to be read here and there: a large one lies in a scratch file meanwhile.
    async fn at_hand(&self, blob: &OpenBlob) -> Result<Content, AppError> {
        let mut incoming = self.image_incoming(Vec::new());
        let size = blob.blob.size;
        let mut at = 0;
        while at < size {
            let end = size.min(at + READ_AT_ONCE);
            incoming.push(&blob.range(at..end).await?).await?;
            at = end;
        }
        Ok(incoming.end().await?)
    }
}

fn same(kept: &Content, new: &Content, folder: &ScratchFolder) -> Result<bool, ImagingError> {
    if let (Some(kept), Some(new)) = (kept.held(), new.held()) {
        let limits = Limits::default();
        let kept = Object::read(kept.clone(), &limits)?;
        let new = Object::read(new.clone(), &limits)?;
        return same_content(&kept, &new);
    }
    let (kept, new) = (outlined(kept, folder)?, outlined(new, folder)?);
    same_outlines((&kept.0, &kept.1), (&new.0, &new.1))
}
