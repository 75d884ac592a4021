//! Rows of the statements about images, read alike whatever the database.

use bytes::Bytes;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};

use crate::images::{
    ImageFile, ImageLine, ImagePlace, ImageRow, InstanceFound, KnownStudy, NO_NUMBER, SeriesFound,
    Standing, scope,
};
use crate::sql::{Value, instant, unsigned};
use crate::{BlobRef, StoreError, classes};

/// The values of one row, taken in order.
struct Values(std::vec::IntoIter<Value>);

fn damaged() -> StoreError {
    StoreError::Damaged("a row about images is not what it should be".into())
}

impl Values {
    fn next(&mut self) -> Result<Value, StoreError> {
        self.0.next().ok_or_else(damaged)
    }
    fn maybe_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Integer(n) => Ok(Some(n)),
            Value::Null => Ok(None),
            _ => Err(damaged()),
        }
    }
    fn int(&mut self) -> Result<i64, StoreError> {
        self.maybe_int()?.ok_or_else(damaged)
    }
    fn maybe_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Text(t) => Ok(Some(t)),
            Value::Null => Ok(None),
            _ => Err(damaged()),
        }
    }
    fn text(&mut self) -> Result<String, StoreError> {
        self.maybe_text()?.ok_or_else(damaged)
    }
    fn maybe_bytes(&mut self) -> Result<Option<Bytes>, StoreError> {
        match self.next()? {
            Value::Blob(b) => Ok(Some(b.into())),
            Value::Null => Ok(None),
            _ => Err(damaged()),
        }
    }
    fn bytes(&mut self) -> Result<Bytes, StoreError> {
        self.maybe_bytes()?.ok_or_else(damaged)
    }
    fn id(&mut self) -> Result<ResourceId, StoreError> {
        ResourceId::new(self.text()?).map_err(|_| damaged())
    }
    fn maybe_id(&mut self) -> Result<Option<ResourceId>, StoreError> {
        self.maybe_text()?
            .map(ResourceId::new)
            .transpose()
            .map_err(|_| damaged())
    }
    fn small(&mut self) -> Result<Option<u32>, StoreError> {
        self.maybe_int()?
            .map(u32::try_from)
            .transpose()
            .map_err(|_| damaged())
    }
}

fn study_key(hospital: &HospitalId, id: ResourceId) -> Result<RecordKey, StoreError> {
    let kind = Kind::new("ImagingStudy").map_err(|_| damaged())?;
    Ok(RecordKey::new(hospital.clone(), kind, id))
}

/// A row of [`super::find`].
pub(crate) fn row(hospital: &HospitalId, values: Vec<Value>) -> Result<ImageRow, StoreError> {
    let mut v = Values(values.into_iter());
    let study = study_key(hospital, v.id()?)?;
    let patient = v.maybe_id()?;
    let study_uid = v.text()?;
    let study_attributes = v.bytes()?;
    let waiting = v.int()? != 0;
    let (series_count, instance_count) = (unsigned(v.int()?), unsigned(v.int()?));
    let mut modalities: Vec<String> = v
        .maybe_text()?
        .map(|t| t.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    modalities.sort();
    let aside = unsigned(v.int()?);
    let (uid, attributes, count) = (v.maybe_text()?, v.maybe_bytes()?, v.maybe_int()?);
    let series = match (uid, attributes, count) {
        (Some(uid), Some(attributes), Some(n)) => Some(SeriesFound {
            uid,
            attributes,
            instance_count: unsigned(n),
        }),
        _ => None,
    };
    let instance = match (v.maybe_text()?, v.maybe_bytes()?) {
        (Some(uid), Some(attributes)) => Some(InstanceFound { uid, attributes }),
        _ => None,
    };
    Ok(ImageRow {
        study,
        patient,
        study_uid,
        study_attributes,
        series_count,
        instance_count,
        modalities,
        series,
        instance,
        waiting,
        aside,
    })
}

/// A row of [`super::images`].
pub(crate) fn line(hospital: &HospitalId, values: Vec<Value>) -> Result<ImageLine, StoreError> {
    let mut v = Values(values.into_iter());
    let study = study_key(hospital, v.id()?)?;
    let patient = v.maybe_id()?;
    let class = classes::from_number(v.int()?);
    let (study_uid, series_uid, uid) = (v.text()?, v.text()?, v.text()?);
    let (sop_class, transfer_syntax) = (v.text()?, v.text()?);
    let sorted = v.int()?;
    let (height, width) = (v.small()?, v.small()?);
    let frames = v.small()?.unwrap_or(1);
    let size = unsigned(v.int()?);
    let digest = v.bytes()?.as_ref().try_into().map_err(|_| damaged())?;
    let sender = v.text()?;
    let standing = Standing::from_number(v.int()?);
    let at = instant(v.int()?);
    let place = ImagePlace {
        series: (v.int()?, v.int()?),
        instance: (sorted, v.int()?),
    };
    let meta = v.maybe_bytes()?.unwrap_or_default();
    let file = match (v.maybe_text()?, v.maybe_bytes()?) {
        (Some(address), Some(layout)) => Some(ImageFile {
            blob: blob(&study, address, size)?,
            layout,
        }),
        _ => None,
    };
    Ok(ImageLine {
        study,
        patient,
        class,
        study_uid,
        series_uid,
        uid,
        sop_class,
        transfer_syntax,
        number: (sorted != NO_NUMBER).then_some(sorted),
        height,
        width,
        frames,
        size,
        digest,
        sender,
        standing,
        at,
        place,
        meta,
        file,
    })
}

/// A row of [`super::image`]: the blob and the layout.
pub(crate) fn opened(
    study: &RecordKey,
    values: Vec<Value>,
) -> Result<(BlobRef, Bytes), StoreError> {
    let mut v = Values(values.into_iter());
    let (address, size) = (v.text()?, unsigned(v.int()?));
    Ok((blob(study, address, size)?, v.bytes()?))
}

fn blob(study: &RecordKey, address: String, size: u64) -> Result<BlobRef, StoreError> {
    Ok(BlobRef {
        hospital: study.hospital.clone(),
        patient: Some(scope(study)?),
        address,
        size,
        media_type: crate::images::MEDIA_TYPE.to_owned(),
    })
}

/// A row of [`super::known_study`].
pub(crate) fn known(values: Vec<Value>) -> Result<KnownStudy, StoreError> {
    let mut v = Values(values.into_iter());
    Ok(KnownStudy {
        record: v.id()?,
        patient: v.maybe_id()?,
        patient_id: v.text()?,
        issuer: v.text()?,
    })
}

/// A row of [`super::arrived`].
pub(crate) fn arrival(
    values: Vec<Value>,
) -> Result<(RecordKey, String, kernel::Instant), StoreError> {
    let mut v = Values(values.into_iter());
    let hospital = HospitalId::new(v.text()?).map_err(|_| damaged())?;
    let id = v.id()?;
    Ok((study_key(&hospital, id)?, v.text()?, instant(v.int()?)))
}

/// A row of [`super::known_images`].
pub(crate) fn digest(values: Vec<Value>) -> Result<[u8; 32], StoreError> {
    let mut v = Values(values.into_iter());
    v.bytes()?.as_ref().try_into().map_err(|_| damaged())
}
