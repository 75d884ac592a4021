//! Images in the store: what every back end promises of them.

mod ending;
mod finding;
mod keeping;
mod permits;

use std::sync::Arc;

use agreements::Permit;
use agreements::{ConsentRow, GrantRow, Projection, RecordClass, ShareItem, ShareRow};
use karez_store::backup::erasures::Erasure;
use karez_store::{
    Batch, Committed, ImageAsk, ImageChange, ImageColumn as C, ImageLevel, ImageLine, ImageOutcome,
    ImageQuery, ImageTest as T, InstanceRow, NewImage, Precondition, SeriesRow, Standing, Store,
    StoreError, StudyRow,
};
use kernel::{AccountId, RecordKey};
use serde_json::json;

use crate::bucket;
use crate::support::*;

pub use ending::*;
pub use finding::*;
pub use keeping::*;
pub use permits::*;

/// An ImagingStudy of a patient, or of nobody yet.
fn imaging_study(patient: Option<&str>) -> String {
    let subject = match patient {
        Some(p) => json!({"reference": format!("Patient/{p}")}),
        None => json!({"display": "unknown"}),
    };
    json!({"resourceType": "ImagingStudy", "status": "available", "subject": subject}).to_string()
}

/// An object: its study, series, own UID and content.
#[derive(Clone)]
struct Object {
    hospital: &'static str,
    study: &'static str,
    series: &'static str,
    uid: String,
    content: Vec<u8>,
    patient_id: &'static str,
}

fn object(n: u32) -> Object {
    Object {
        hospital: "yarqum",
        study: "1.2.1",
        series: "1.2.1.1",
        uid: format!("1.2.1.1.{n}"),
        content: format!("object {n}, synthetic").repeat(300).into_bytes(),
        patient_id: "17",
    }
}

fn new(o: &Object, record: &str) -> NewImage {
    let mut digest = [0_u8; 32];
    for (i, b) in o.content.iter().enumerate() {
        digest[i % 32] = digest[i % 32].wrapping_mul(31).wrapping_add(*b);
    }
    let number = o.uid.rsplit('.').next().unwrap().parse().unwrap();
    NewImage {
        study: key(o.hospital, "ImagingStudy", record),
        study_row: Arc::new(StudyRow {
            uid: o.study.into(),
            patient_id: o.patient_id.into(),
            issuer: "urn:oid:1".into(),
            name: "wang^xiaodong".into(),
            ideographic: "王^小东".into(),
            words: " wang xiaodong 王 小东 ".into(),
            birth_date: "19700102".into(),
            sex: "M".into(),
            date: "20260301".into(),
            time: "1030".into(),
            accession: "A[1]%".into(),
            description: "chest".into(),
            attributes: "S".into(),
            ..StudyRow::default()
        }),
        series_row: Arc::new(SeriesRow {
            uid: o.series.into(),
            modality: if o.series.ends_with('1') { "CT" } else { "SR" }.into(),
            number: o.series.rsplit('.').next().unwrap().parse().ok(),
            attributes: "Q".into(),
            ..SeriesRow::default()
        }),
        instance: InstanceRow {
            uid: o.uid.clone(),
            sop_class: "1.2.840.10008.5.1.4.1.1.2".into(),
            transfer_syntax: "1.2.840.10008.1.2.1".into(),
            number: Some(number),
            height: Some(512),
            width: Some(512),
            frames: 1,
            digest,
            sender: "CT1".into(),
            attributes: "I".into(),
            layout: "L".into(),
            meta: format!("meta {}", o.uid).into_bytes().into(),
        },
        content: o.content.clone().into(),
    }
}

/// Keeps an object of a study whose ImagingStudy is there.
async fn keep(s: &Store, o: &Object, record: &str) -> Result<ImageOutcome, StoreError> {
    let done = s
        .keep_images(Batch::new(at(1)), vec![new(o, record)])
        .await?;
    Ok(done.images[0])
}

/// Keeps the first object of a study with its ImagingStudy.
async fn begin(
    s: &Store,
    o: &Object,
    record: &str,
    patient: Option<&str>,
) -> Result<Committed, StoreError> {
    let mut batch = Batch::new(at(1));
    batch.put_fhir(
        key(o.hospital, "ImagingStudy", record),
        Precondition::Absent,
        imaging_study(patient),
    );
    let mut image = new(o, record);
    let row = Arc::make_mut(&mut image.study_row);
    row.waiting = patient.is_none();
    s.keep_images(batch, vec![image]).await
}

fn ask() -> ImageAsk {
    ImageAsk {
        study: "1.2.1".into(),
        series: None,
        instance: None,
        aside: false,
        meta: false,
        files: false,
        after: None,
        limit: 100,
    }
}

fn query(level: ImageLevel, conditions: Vec<Vec<(C, T)>>) -> ImageQuery {
    ImageQuery {
        level,
        conditions,
        waiting: false,
        counts: true,
        offset: 0,
        limit: 100,
    }
}

async fn lines(s: &Store, permit: &Permit, ask: &ImageAsk) -> Vec<ImageLine> {
    let at = hospital_id("yarqum");
    s.images().images(permit, &at, ask).await.unwrap()
}

async fn studies(s: &Store, permit: &Permit, conditions: Vec<Vec<(C, T)>>) -> Vec<String> {
    let q = query(ImageLevel::Study, conditions);
    let found = s
        .images()
        .find_images(permit, &hospital_id("yarqum"), &q)
        .await
        .unwrap();
    found.into_iter().map(|r| r.study_uid).collect()
}

async fn content(s: &Store, permit: &Permit, study: &RecordKey, instance: i64) -> Option<Vec<u8>> {
    let (open, layout) = s.open_image(permit, study, instance).await.unwrap()?;
    assert_eq!(layout, "L");
    Some(open.all().await.unwrap().to_vec())
}
