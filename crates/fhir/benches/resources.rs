//! What one write costs before it reaches the store: parse, validate, index, classify. With `KAREZ_FHIR_BUNDLE` set to
//! the path of a transaction bundle, every resource in that is measured as well.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring tool

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use karez_fhir as fhir;
use karez_fhir::json::Json;

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o1","status":"final",
  "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
  "code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}],"text":"Blood pressure"},
  "subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},
  "effectiveDateTime":"2026-03-01T10:15:00+08:00","issued":"2026-03-01T10:15:00.123+08:00",
  "component":[
   {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic blood pressure"}]},"valueQuantity":{"value":128.0,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
   {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic blood pressure"}]},"valueQuantity":{"value":82.0,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#;

fn write_path(kind: &str, text: &str) -> usize {
    let doc = fhir::raw::parse(text.as_bytes()).unwrap();
    let issues = fhir::validate::validate(doc.root()).len();
    let entries = fhir::index::extract(kind, doc.root(), "https://node/fhir/own").len();
    let class = fhir::classify(kind, doc.root()).len();
    let patient = fhir::patient_of(kind, doc.root()).map_or(0, |p| p.len());
    issues + entries + class + patient
}

fn resources(c: &mut Criterion) {
    let mut g = c.benchmark_group("observation");
    g.throughput(Throughput::Bytes(OBSERVATION.len() as u64));
    g.bench_function("parse", |b| {
        b.iter(|| fhir::raw::parse(black_box(OBSERVATION.as_bytes())).is_ok())
    });
    let doc = fhir::raw::parse(OBSERVATION.as_bytes()).unwrap();
    g.bench_function("validate", |b| {
        b.iter(|| fhir::validate::validate(black_box(doc.root())).len())
    });
    g.bench_function("index", |b| {
        b.iter(|| fhir::index::extract("Observation", black_box(doc.root()), "").len())
    });
    g.bench_function("whole", |b| {
        b.iter(|| write_path("Observation", black_box(OBSERVATION)))
    });
    g.bench_function("splice", |b| {
        b.iter(|| {
            fhir::raw::splice_meta(
                black_box(OBSERVATION.as_bytes()),
                "o1",
                "2",
                kernel::Instant::UNIX_EPOCH,
            )
            .len()
        });
    });
    g.finish();

    let Some(path) = std::env::var_os("KAREZ_FHIR_BUNDLE") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let doc = fhir::raw::parse(&bytes).unwrap();
    let bundle = fhir::bundle::read(&doc).unwrap();
    let resources: Vec<(&str, &str)> = bundle
        .entries
        .iter()
        .filter_map(|e| Some((e.kind?, e.resource?)))
        .collect();
    let mut classes = std::collections::BTreeMap::<(&str, &str), usize>::new();
    let (mut entries, mut faults) = (0, std::collections::BTreeMap::<String, usize>::new());
    for (kind, text) in &resources {
        let doc = fhir::raw::parse(text.as_bytes()).unwrap();
        *classes
            .entry((kind, fhir::classify(kind, doc.root())))
            .or_default() += 1;
        entries += fhir::index::extract(kind, doc.root(), "").len();
        assert!(doc.root().is_object());
        for i in fhir::validate::validate(doc.root()) {
            *faults
                .entry(format!("{} {}", i.code, i.expression.unwrap_or_default()))
                .or_default() += 1;
        }
    }
    println!(
        "{} resources, {entries} index entries, classes {classes:?}, issues {faults:?}",
        resources.len()
    );
    let mut g = c.benchmark_group("bundle");
    g.sample_size(10);
    g.throughput(Throughput::Bytes(bytes.len() as u64));
    g.bench_function("parse", |b| {
        b.iter(|| fhir::raw::parse(black_box(&bytes)).is_ok())
    });
    g.bench_function("every resource", |b| {
        b.iter(|| {
            resources
                .iter()
                .map(|(kind, text)| write_path(kind, text))
                .sum::<usize>()
        });
    });
    g.finish();
}

criterion::criterion_group!(benches, resources);
criterion::criterion_main!(benches);
