use std::collections::HashSet;

use imaging::pixel::{Values, decode};
use imaging::{Limits, Object, tags};

use super::body::NODULE;
use super::*;
use crate::generate::{SEED, network};

fn all() -> Vec<StudyPlan> {
    network(SEED, "2026-11-23T06:38:00Z".parse().unwrap()).studies
}

fn plan(key: &str) -> StudyPlan {
    all().into_iter().find(|s| s.key == key).unwrap()
}

fn read(file: Bytes) -> Object {
    Object::read(file, &Limits::default()).unwrap()
}

fn value(object: &Object, column: f64, row: f64) -> f64 {
    let frame = decode(object, 0).unwrap();
    let at = row.round() as usize * frame.columns as usize + column.round() as usize;
    frame.values.get(at).unwrap()
}

#[test]
fn every_object_can_be_read_and_decoded_and_has_a_name_of_its_own() {
    let mut uids = HashSet::new();
    let mut studies = HashSet::new();
    assert_eq!(all().len(), told::STUDIES.len());
    for plan in all() {
        assert!(studies.insert(plan.study.uid()), "{}", plan.key);
        for file in plan.objects() {
            let object = read(file);
            let facts = object.facts().unwrap();
            assert!(
                object.oddities().is_empty() && facts.oddities.is_empty(),
                "{}",
                plan.key
            );
            assert_eq!(facts.study.uid, plan.study.uid());
            let identifier = facts.patient.identifier.unwrap();
            assert_eq!(identifier.id, plan.study.who.number);
            assert!(uids.insert(facts.instance.uid), "{}", plan.key);
            for frame in 0..facts.instance.frames {
                decode(&object, frame).unwrap();
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for key in ["patigul-xray", "ismayil-ultrasound", "shufen-ecg"] {
        assert!(plan(key).objects() == plan(key).objects(), "{key}");
    }
}

#[test]
fn a_nodule_lies_where_its_geometry_says_and_has_grown() {
    let widths = ["patigul-ct-before", "patigul-ct"].map(|key| {
        let objects = plan(key).objects().into_iter().map(read);
        let nearest = objects
            .min_by_key(|o| {
                let z = o.dataset().floats(tags::IMAGE_POSITION_PATIENT)[2];
                ((z - NODULE[2]).abs() * 1_000.0) as i64
            })
            .unwrap();
        let d = nearest.dataset();
        let (origin, spacing) = (
            d.floats(tags::IMAGE_POSITION_PATIENT),
            d.floats(tags::PIXEL_SPACING)[0],
        );
        let column = (NODULE[0] - origin[0]) / spacing;
        let row = (NODULE[1] - origin[1]) / spacing;
        let hounsfield = value(&nearest, column, row) - 1_024.0;
        assert!(hounsfield > -620.0, "{key}: {hounsfield}");
        // How far it reaches before there is lung.
        let dense = |x: &f64| value(&nearest, column + x, row) > 300.0;
        let reach = (0..20).map(f64::from).take_while(|x| dense(x)).count();
        reach as f64 * spacing
    });
    assert!(widths[1] > widths[0], "{widths:?}");
}

#[test]
fn the_uneven_stack_is_uneven_and_tilted() {
    let places: Vec<f64> = plan("huang-ct")
        .objects()
        .into_iter()
        .map(|f| read(f).dataset().float(tags::SLICE_LOCATION).unwrap())
        .collect();
    let steps: HashSet<i64> = places
        .windows(2)
        .map(|w| ((w[1] - w[0]) * 100.0).round() as i64)
        .collect();
    assert_eq!(steps, HashSet::from([275, 550, 1_100]));
    let first = read(plan("huang-ct").objects().remove(0));
    let tilt = first.dataset().float(tags::GANTRY_DETECTOR_TILT).unwrap();
    assert!(tilt > 10.0);
}

#[test]
fn a_contradiction_has_the_same_name_and_other_pixels() {
    let plan = plan("preliminary-wrist");
    let (one, other) = (
        read(plan.objects().remove(0)),
        read(plan.contradiction().remove(0)),
    );
    let uid = |o: &Object| o.facts().unwrap().instance.uid;
    assert_eq!(uid(&one), uid(&other));
    let pixels = |o: &Object| match decode(o, 0).unwrap().values {
        Values::U16(v) => v,
        other => panic!("{other:?}"),
    };
    assert_ne!(pixels(&one), pixels(&other));
}
