//! An object that is kept already in another encoding: what an edge compressed without loss, and the scanner sent too.

use std::sync::Arc;

use agreements::SystemPurpose;
use imaging::{Limits, Object, same_content};
use kernel::HospitalId;
use store::{ImageAsk, ImageLine};

use super::object::Read;
use crate::{App, AppError};

/// Larger objects are not decoded to be compared: a person decides, bytes.
const COMPARED_BYTES_MAX: u64 = 256 << 20;
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
        if read.file.len() as u64 > COMPARED_BYTES_MAX {
            return Ok(false);
        }
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
            if line.size > COMPARED_BYTES_MAX || line.sop_class != read.facts.instance.class {
                continue;
            }
            let row = line.place.instance.1;
            let Some((blob, _)) = self.store.open_image(&permit, &line.study, row).await? else {
                continue;
            };
            let (kept, read) = (blob.all().await?, Arc::clone(read));
            let same = tokio::task::spawn_blocking(move || {
                let limits = Limits::default();
                let kept = Object::read(kept, &limits)?;
                let new = Object::read(read.file.clone(), &limits)?;
                same_content(&kept, &new)
            })
            .await
            .map_err(|_| AppError::Internal("comparing objects was broken off".into()))?;
            // What cannot be decoded cannot be said to be the same.
            if same.unwrap_or(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
