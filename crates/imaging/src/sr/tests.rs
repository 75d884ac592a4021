use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::write::decimal;
use super::*;
use crate::{Dataset, Limits, Object, json};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn image() -> Dataset {
    let mut data = Dataset::new();
    for (tag, vr, text) in [
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.3.99.1"),
        (tags::PATIENT_NAME, VR::PN, "Memet^Patigul=王^小东"),
        (tags::PATIENT_ID, VR::LO, "HN00123"),
        (tags::ISSUER_OF_PATIENT_ID, VR::LO, "Yarqum"),
        (tags::PATIENT_SEX, VR::CS, "F"),
        (tags::STUDY_DATE, VR::DA, "20261101"),
        (tags::KVP, VR::DS, "120"),
    ] {
        data.put_text(tag, vr, text);
    }
    data
}

fn of(series: &str, sop: &str) -> ImageRef {
    ImageRef {
        class: CT.to_owned(),
        sop: sop.to_owned(),
        series: series.to_owned(),
        frame: None,
    }
}

fn number(quantity: Quantity, derivation: Option<Derivation>, value: f64, unit: &str) -> Number {
    Number {
        quantity,
        derivation,
        value,
        unit: unit.to_owned(),
    }
}

fn made() -> Vec<Measurement> {
    let statistics = [
        (None, 12.5, "mm2"),
        (Some(Derivation::Mean), 100.25, "[hnsf'U]"),
        (Some(Derivation::StandardDeviation), 1.0 / 3.0, "[hnsf'U]"),
        (Some(Derivation::Minimum), -3.0, "[hnsf'U]"),
        (Some(Derivation::Maximum), 140.0, "[hnsf'U]"),
    ];
    let statistics = statistics.map(|(derivation, value, unit)| {
        let quantity = if derivation.is_none() {
            Quantity::Area
        } else {
            Quantity::Attenuation
        };
        number(quantity, derivation, value, unit)
    });
    let measurement =
        |n: u8, shape, image, points: &[[f64; 2]], numbers: Vec<Number>| Measurement {
            name: format!("Measure {n}"),
            uid: format!("2.25.{n}"),
            shape,
            image,
            points: points.to_vec(),
            numbers,
            basis: None,
        };
    vec![
        Measurement {
            basis: Some("detector".to_owned()),
            ..measurement(
                1,
                Shape::Length,
                of("1.3.99.2", "1.3.99.2.1"),
                &[[24.5, 64.5], [104.5, 64.5]],
                vec![number(Quantity::Length, None, 64.0, "mm")],
            )
        },
        measurement(
            2,
            Shape::Angle,
            of("1.3.99.2", "1.3.99.2.2"),
            &[[1.0, 2.0], [3.0, 4.0], [5.0, 2.0]],
            vec![number(Quantity::Angle, None, 90.0, "deg")],
        ),
        measurement(
            3,
            Shape::Rectangle,
            of("1.3.99.2", "1.3.99.2.1"),
            &[[1.0, 1.0], [6.0, 1.0], [6.0, 3.5], [1.0, 3.5]],
            statistics.to_vec(),
        ),
        measurement(
            4,
            Shape::Ellipse,
            ImageRef {
                frame: Some(7),
                ..of("1.3.99.3", "1.3.99.3.1")
            },
            &[[0.0, 5.0], [10.0, 5.0], [5.0, 3.0], [5.0, 7.0]],
            statistics.to_vec(),
        ),
    ]
}

fn head<'a>(study: &'a Dataset, author: &'a PersonName, before: &'a [ImageRef]) -> Head<'a> {
    Head {
        study,
        uid: "2.25.1001",
        series: "2.25.1002",
        series_number: 901,
        number: 2,
        author,
        organization: "Qumtagh Hospital",
        date: "20261102",
        time: "093000",
        zone: "+0800",
        predecessors: before,
    }
}

#[test]
fn measurements_come_back_as_they_were_made() {
    let study = image();
    let author = PersonName::parse("Sun^Min=孙^敏");
    let before = [of("2.25.1002", "2.25.1000")];
    let file = measurements(&head(&study, &author, &before), &made());
    let object = Object::read(file, &Limits::default()).unwrap();
    let found = document(&object).unwrap();
    assert_eq!(found.measurements, made());
    assert_eq!(found.author, author);
    assert_eq!(found.organization, "Qumtagh Hospital");
    assert_eq!(
        (
            found.date.as_str(),
            found.time.as_str(),
            found.zone.as_str()
        ),
        ("20261102", "093000", "+0800")
    );
    assert_eq!(found.predecessors, ["2.25.1000"]);
    // Patient and study are the image's; how it was exposed is not.
    let data = object.dataset();
    assert_eq!(
        data.text(tags::PATIENT_NAME).as_deref(),
        Some("Memet^Patigul=王^小东")
    );
    assert_eq!(
        data.text(tags::ISSUER_OF_PATIENT_ID).as_deref(),
        Some("Yarqum")
    );
    assert!(data.get(tags::KVP).is_none());
    assert_eq!(
        object.facts().unwrap().series.modality.as_deref(),
        Some("SR")
    );
}

#[test]
fn key_images_come_back_with_their_frames() {
    let study = image();
    let author = PersonName::parse("Sun^Min");
    let keys = [
        of("1.3.99.2", "1.3.99.2.1"),
        ImageRef {
            frame: Some(3),
            ..of("1.3.99.3", "1.3.99.3.1")
        },
    ];
    let file = key_images(&head(&study, &author, &[]), &keys);
    let object = Object::read(file, &Limits::default()).unwrap();
    let found = document(&object).unwrap();
    assert_eq!(found.keys, keys);
    assert_eq!(found.author, author);
}

#[test]
fn an_ellipse_is_written_with_its_longer_axis_first() {
    let study = image();
    let author = PersonName::default();
    let mut upright = made().pop().unwrap();
    upright.points = vec![[4.0, 5.0], [6.0, 5.0], [5.0, 1.0], [5.0, 9.0]];
    let file = measurements(&head(&study, &author, &[]), &[upright]);
    let found = document(&Object::read(file, &Limits::default()).unwrap()).unwrap();
    assert_eq!(
        found.measurements[0].points,
        [[5.0, 1.0], [5.0, 9.0], [4.0, 5.0], [6.0, 5.0]]
    );
}

#[test]
fn a_report_that_measures_nothing_is_still_a_report() {
    let study = image();
    let author = PersonName::default();
    let before = [of("2.25.1002", "2.25.1000")];
    let file = measurements(&head(&study, &author, &before), &[]);
    let found = document(&Object::read(file, &Limits::default()).unwrap()).unwrap();
    assert!(found.measurements.is_empty());
    assert_eq!(found.predecessors.len(), 1);
}

#[test]
fn images_are_no_documents_and_broken_ones_say_what_they_can() {
    let mut data = image();
    data.put_text(tags::SOP_CLASS_UID, VR::UI, CT);
    data.put_text(tags::SOP_INSTANCE_UID, VR::UI, "1.3.99.2.1");
    data.put_text(tags::SERIES_INSTANCE_UID, VR::UI, "1.3.99.2");
    let made_of =
        |data: Dataset| Object::made(data, crate::syntax::of(crate::syntax::EXPLICIT_LITTLE));
    assert_eq!(document(&made_of(data.clone())), None);
    data.put_text(tags::SOP_CLASS_UID, VR::UI, COMPREHENSIVE_3D);
    let found = document(&made_of(data)).unwrap();
    assert!(found.measurements.is_empty() && found.keys.is_empty());
    // A number that is none and a place without an image are left out, the rest stays.
    let study = image();
    let author = PersonName::default();
    let file = measurements(&head(&study, &author, &[]), &made());
    let object = Object::read(file, &Limits::default()).unwrap();
    let text = json::metadata(&object);
    let broken = String::from_utf8(text).unwrap().replace("SCOORD", "SCOORX");
    let parsed = json::parse(broken.as_bytes(), &|_| None).unwrap();
    assert!(document(&made_of(parsed)).unwrap().measurements.is_empty());
}

#[test]
fn numbers_fit_a_decimal_string() {
    for n in [
        0.0,
        1.0 / 3.0,
        -1.0 / 3.0,
        123_456_789.123_456_79,
        1e-7,
        -2.5e22,
        64.0,
    ] {
        let text = decimal(n);
        assert!(text.len() <= 16, "{text}");
        let back: f64 = text.parse().unwrap();
        assert!(
            (back - n).abs() <= n.abs() * 1e-6 + 1e-9,
            "{n} became {text}"
        );
    }
}
