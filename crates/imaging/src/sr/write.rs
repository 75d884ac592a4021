//! Writing documents.

use bytes::Bytes;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::codes::{self, Code};
use super::{COMPREHENSIVE_3D, ImageRef, KEY_OBJECTS, Measurement, Number, Shape};
use crate::dataset::{Data, Dataset, Element};
use crate::file::{self, IMPLEMENTATION_VERSION};
use crate::name::PersonName;
use crate::object::Object;
use crate::syntax;

/// What patient and study are described by (PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2): taken from an image of the study.
const OF_STUDY: &[Tag] = &[
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::TYPE_OF_PATIENT_ID,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_ID,
    tags::STUDY_DESCRIPTION,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
];
/// Of them those that stand in every object, empty where they are not known.
const ALWAYS: &[(Tag, VR)] = &[
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::STUDY_ID, VR::SH),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
];

/// What a document says besides its content.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// Attributes of an image of the study, in a repertoire that says everything (UTF-8): patient and study are taken from it.
    pub study: &'a Dataset,
    /// SOP Instance UID of the document.
    pub uid: &'a str,
    /// Series Instance UID.
    pub series: &'a str,
    /// Series Number.
    pub series_number: u16,
    /// Instance Number.
    pub number: u16,
    /// Who observed.
    pub author: &'a PersonName,
    /// For which organization.
    pub organization: &'a str,
    /// Content Date, `YYYYMMDD`.
    pub date: &'a str,
    /// Content Time, `HHMMSS`.
    pub time: &'a str,
    /// Timezone Offset From UTC, `+0800`.
    pub zone: &'a str,
    /// Documents that this one replaces: class, SOP Instance UID, series.
    pub predecessors: &'a [ImageRef],
}

/// A measurement report (TID 1500) as a file in explicit VR little endian. Lengths and angles are groups of TID 1501 with the
/// place a number was inferred from (TID 300, 320); regions are groups of TID 1410 with their statistics (TID 1419).
pub fn measurements(head: &Head<'_>, all: &[Measurement]) -> Bytes {
    let mut data = begun(head, COMPREHENSIVE_3D, "SR");
    for (tag, vr, text) in [
        (tags::MANUFACTURER_MODEL_NAME, VR::LO, "Karez"),
        (tags::DEVICE_SERIAL_NUMBER, VR::LO, "1"),
        (tags::SOFTWARE_VERSIONS, VR::LO, IMPLEMENTATION_VERSION),
        // Nobody has verified it by signing; the report that rests on it is what is signed.
        (tags::COMPLETION_FLAG, VR::CS, "COMPLETE"),
        (tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED"),
    ] {
        data.put_text(tag, vr, text);
    }
    data.put_items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new());
    let mut observer = Dataset::item_of(&data);
    observer.put_text(tags::OBSERVER_TYPE, VR::CS, "PSN");
    observer.put_text(tags::PERSON_NAME, VR::PN, &head.author.to_text());
    observer.put_items(tags::PERSON_IDENTIFICATION_CODE_SEQUENCE, Vec::new());
    observer.put_text(tags::INSTITUTION_NAME, VR::LO, head.organization);
    observer.put_items(tags::INSTITUTION_CODE_SEQUENCE, Vec::new());
    data.put_items(tags::AUTHOR_OBSERVER_SEQUENCE, vec![observer]);
    let images: Vec<&ImageRef> = once_each(all.iter().map(|m| &m.image));
    if !images.is_empty() {
        let evidence = evidence(&data, &images);
        data.put_items(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            evidence,
        );
    }
    if !head.predecessors.is_empty() {
        let before: Vec<&ImageRef> = head.predecessors.iter().collect();
        let before = evidence(&data, &before);
        data.put_items(tags::PREDECESSOR_DOCUMENTS_SEQUENCE, before);
    }
    let mut content = context(&data, head);
    content.push(coded(
        &data,
        "HAS CONCEPT MOD",
        codes::PROCEDURE,
        codes::IMAGING,
    ));
    if !images.is_empty() {
        let listed = images.iter().map(|i| {
            let mut item = content_item(&data, "CONTAINS", "IMAGE", None);
            item.put_items(
                tags::REFERENCED_SOP_SEQUENCE,
                vec![reference(&data, i, false)],
            );
            item
        });
        let group = container(&data, codes::LIBRARY_GROUP, listed.collect());
        content.push(container(&data, codes::LIBRARY, vec![group]));
    }
    let groups = all.iter().map(|m| group(&data, m)).collect();
    content.push(container(&data, codes::MEASUREMENTS, groups));
    root(&mut data, codes::MEASUREMENT_REPORT, "1500", content);
    finished(data)
}

/// A selection of key images (TID 2010) as a file. A selection of nothing is none of the standard's: give at least one.
pub fn key_images(head: &Head<'_>, keys: &[ImageRef]) -> Bytes {
    let mut data = begun(head, KEY_OBJECTS, "KO");
    let images = once_each(keys.iter());
    let shown = evidence(&data, &images);
    data.put_items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, shown);
    let mut content = context(&data, head);
    for key in keys {
        let mut item = content_item(&data, "CONTAINS", "IMAGE", None);
        item.put_items(
            tags::REFERENCED_SOP_SEQUENCE,
            vec![reference(&data, key, true)],
        );
        content.push(item);
    }
    root(&mut data, codes::OF_INTEREST, "2010", content);
    finished(data)
}

fn begun(head: &Head<'_>, class: &str, modality: &str) -> Dataset {
    let mut data = Dataset::new();
    for tag in OF_STUDY {
        if let Some(element) = head.study.get(*tag) {
            data.put(element.clone());
        }
    }
    for (tag, vr) in ALWAYS {
        if data.get(*tag).is_none() {
            data.put_text(*tag, *vr, "");
        }
    }
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, class),
        (tags::SOP_INSTANCE_UID, VR::UI, head.uid),
        (tags::MODALITY, VR::CS, modality),
        (tags::SERIES_INSTANCE_UID, VR::UI, head.series),
        (tags::SERIES_NUMBER, VR::IS, &head.series_number.to_string()),
        (tags::INSTANCE_NUMBER, VR::IS, &head.number.to_string()),
        (tags::SERIES_DATE, VR::DA, head.date),
        (tags::SERIES_TIME, VR::TM, head.time),
        (tags::CONTENT_DATE, VR::DA, head.date),
        (tags::CONTENT_TIME, VR::TM, head.time),
        (tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, head.zone),
        (tags::MANUFACTURER, VR::LO, "Karez"),
        (tags::INSTITUTION_NAME, VR::LO, head.organization),
        (
            tags::SERIES_DESCRIPTION,
            VR::LO,
            if class == KEY_OBJECTS {
                "Key images"
            } else {
                "Measurements"
            },
        ),
    ] {
        data.put_text(tag, vr, text);
    }
    data.put_items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, vec![]);
    data
}

fn finished(data: Dataset) -> Bytes {
    let explicit = syntax::of(syntax::EXPLICIT_LITTLE);
    file::of(&Object::made(data, explicit))
}

/// Each object once, in the order they are met.
fn once_each<'a>(all: impl Iterator<Item = &'a ImageRef>) -> Vec<&'a ImageRef> {
    let mut seen = std::collections::BTreeSet::new();
    all.filter(|i| seen.insert(i.sop.as_str())).collect()
}

/// Objects by study and series (PS3.3 table 10-11).
fn evidence(data: &Dataset, objects: &[&ImageRef]) -> Vec<Dataset> {
    let mut by_series: Vec<(&str, Vec<Dataset>)> = Vec::new();
    for object in objects {
        let item = reference(data, object, false);
        match by_series.iter_mut().find(|(uid, _)| *uid == object.series) {
            Some((_, list)) => list.push(item),
            None => by_series.push((&object.series, vec![item])),
        }
    }
    let series = by_series
        .into_iter()
        .map(|(uid, list)| {
            let mut item = Dataset::item_of(data);
            item.put_text(tags::SERIES_INSTANCE_UID, VR::UI, uid);
            item.put_items(tags::REFERENCED_SOP_SEQUENCE, list);
            item
        })
        .collect();
    let mut study = Dataset::item_of(data);
    let uid = data.plain(tags::STUDY_INSTANCE_UID).unwrap_or_default();
    study.put_text(tags::STUDY_INSTANCE_UID, VR::UI, uid);
    study.put_items(tags::REFERENCED_SERIES_SEQUENCE, series);
    vec![study]
}

fn reference(data: &Dataset, image: &ImageRef, frame: bool) -> Dataset {
    let mut item = Dataset::item_of(data);
    item.put_text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, &image.class);
    item.put_text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &image.sop);
    if let Some(number) = image.frame.filter(|_| frame) {
        item.put_text(tags::REFERENCED_FRAME_NUMBER, VR::IS, &number.to_string());
    }
    item
}

fn root(data: &mut Dataset, title: Code, template: &str, content: Vec<Dataset>) {
    let name = codes::item(data, title);
    data.put_text(tags::VALUE_TYPE, VR::CS, "CONTAINER");
    data.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name]);
    data.put_text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
    let mut item = Dataset::item_of(data);
    item.put_text(tags::MAPPING_RESOURCE, VR::CS, "DCMR");
    item.put_text(tags::TEMPLATE_IDENTIFIER, VR::CS, template);
    data.put_items(tags::CONTENT_TEMPLATE_SEQUENCE, vec![item]);
    data.put_items(tags::CONTENT_SEQUENCE, content);
}

fn content_item(data: &Dataset, relation: &str, kind: &str, name: Option<Code>) -> Dataset {
    let mut item = Dataset::item_of(data);
    item.put_text(tags::RELATIONSHIP_TYPE, VR::CS, relation);
    item.put_text(tags::VALUE_TYPE, VR::CS, kind);
    if let Some(name) = name {
        let name = codes::item(data, name);
        item.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name]);
    }
    item
}

fn container(data: &Dataset, name: Code, content: Vec<Dataset>) -> Dataset {
    let mut item = content_item(data, "CONTAINS", "CONTAINER", Some(name));
    item.put_text(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
    if !content.is_empty() {
        item.put_items(tags::CONTENT_SEQUENCE, content);
    }
    item
}

fn coded(data: &Dataset, relation: &str, name: Code, value: Code) -> Dataset {
    let mut item = content_item(data, relation, "CODE", Some(name));
    item.put_items(tags::CONCEPT_CODE_SEQUENCE, vec![codes::item(data, value)]);
    item
}

fn written(data: &Dataset, kind: &str, name: Code, tag: Tag, vr: VR, text: &str) -> Dataset {
    let mut item = content_item(data, "HAS OBS CONTEXT", kind, Some(name));
    item.put_text(tag, vr, text);
    item
}

/// Language and observer (TID 1204, TID 1001).
fn context(data: &Dataset, head: &Head<'_>) -> Vec<Dataset> {
    let name = head.author.to_text();
    let mut all = vec![
        coded(data, "HAS CONCEPT MOD", codes::LANGUAGE, codes::ENGLISH),
        coded(data, "HAS OBS CONTEXT", codes::OBSERVER_TYPE, codes::PERSON),
        written(
            data,
            "PNAME",
            codes::OBSERVER,
            tags::PERSON_NAME,
            VR::PN,
            &name,
        ),
    ];
    if !head.organization.is_empty() {
        all.push(written(
            data,
            "TEXT",
            codes::ORGANIZATION,
            tags::TEXT_VALUE,
            VR::UT,
            head.organization,
        ));
    }
    all
}

fn group(data: &Dataset, m: &Measurement) -> Dataset {
    let mut content = vec![
        written(
            data,
            "TEXT",
            codes::TRACKING,
            tags::TEXT_VALUE,
            VR::UT,
            &m.name,
        ),
        written(
            data,
            "UIDREF",
            codes::TRACKING_UID,
            tags::UID,
            VR::UI,
            &m.uid,
        ),
    ];
    let region = matches!(m.shape, Shape::Rectangle | Shape::Ellipse | Shape::Other);
    if region {
        content.push(place(data, m, "CONTAINS", Some(codes::REGION)));
    }
    for number in &m.numbers {
        let mut item = numeric(data, number, m.basis.as_deref());
        if !region {
            let mut inner = item.items(tags::CONTENT_SEQUENCE).to_vec();
            inner.push(place(data, m, "INFERRED FROM", None));
            item.put_items(tags::CONTENT_SEQUENCE, inner);
        }
        content.push(item);
    }
    let mut group = container(data, codes::GROUP, content);
    let mut template = Dataset::item_of(data);
    template.put_text(tags::MAPPING_RESOURCE, VR::CS, "DCMR");
    let id = if region { "1410" } else { "1501" };
    template.put_text(tags::TEMPLATE_IDENTIFIER, VR::CS, id);
    group.put_items(tags::CONTENT_TEMPLATE_SEQUENCE, vec![template]);
    group
}

/// A place on an image: SCOORD with the image it was selected from.
fn place(data: &Dataset, m: &Measurement, relation: &str, name: Option<Code>) -> Dataset {
    let mut item = content_item(data, relation, "SCOORD", name);
    let kind = if m.shape == Shape::Ellipse {
        "ELLIPSE"
    } else {
        "POLYLINE"
    };
    let mut points = m.points.clone();
    if matches!(m.shape, Shape::Rectangle | Shape::Other)
        && let Some(first) = points.first().copied()
        && points.last() != Some(&first)
    {
        // A region is closed (PS3.3 C.18.6.1.2).
        points.push(first);
    }
    if m.shape == Shape::Ellipse
        && let [a, b, c, d] = points[..]
        && distance(a, b) < distance(c, d)
    {
        // The longer axis comes first.
        points = vec![c, d, a, b];
    }
    let mut bytes = Vec::with_capacity(points.len() * 8);
    for n in points.into_iter().flatten() {
        #[allow(clippy::cast_possible_truncation)] // the standard's form
        bytes.extend_from_slice(&(n as f32).to_le_bytes());
    }
    item.put(Element {
        tag: tags::GRAPHIC_DATA,
        vr: VR::FL,
        data: Data::Bytes(Bytes::from(bytes)),
    });
    item.put_text(tags::GRAPHIC_TYPE, VR::CS, kind);
    let mut image = content_item(data, "SELECTED FROM", "IMAGE", None);
    image.put_items(
        tags::REFERENCED_SOP_SEQUENCE,
        vec![reference(data, &m.image, true)],
    );
    item.put_items(tags::CONTENT_SEQUENCE, vec![image]);
    item
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn numeric(data: &Dataset, n: &Number, basis: Option<&str>) -> Dataset {
    let mut item = content_item(data, "CONTAINS", "NUM", None);
    let name = match codes::quantity(&n.quantity) {
        Some(code) => codes::item(data, code),
        None => codes::item(data, ("value", codes::OWN, "Value")),
    };
    item.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name]);
    let mut value = Dataset::item_of(data);
    value.put_text(tags::NUMERIC_VALUE, VR::DS, &decimal(n.value));
    value.put(Element {
        tag: tags::FLOATING_POINT_VALUE,
        vr: VR::FD,
        data: Data::Bytes(Bytes::copy_from_slice(&n.value.to_le_bytes())),
    });
    value.put_items(
        tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
        vec![codes::unit(data, &n.unit)],
    );
    item.put_items(tags::MEASURED_VALUE_SEQUENCE, vec![value]);
    let mut inner = Vec::new();
    if let Some(code) = n.derivation.and_then(codes::derivation) {
        inner.push(coded(data, "HAS CONCEPT MOD", codes::DERIVATION, code));
    }
    if n.derivation.is_none()
        && let Some(code) = basis.and_then(codes::basis)
    {
        inner.push(coded(data, "HAS CONCEPT MOD", codes::METHOD, code));
    }
    if !inner.is_empty() {
        item.put_items(tags::CONTENT_SEQUENCE, inner);
    }
    item
}

/// A number in at most 16 characters (PS3.5 §6.2, DS), as exact as they allow.
pub(super) fn decimal(n: f64) -> String {
    let plain = n.to_string();
    if plain.len() <= 16 {
        return plain;
    }
    (0..=12)
        .rev()
        .map(|places| format!("{n:.places$}"))
        .find(|t| t.len() <= 16)
        .unwrap_or_else(|| format!("{n:.8e}"))
}
