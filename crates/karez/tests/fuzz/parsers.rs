//! Parsers by themselves.

use fhir::raw;
use fhir::search::ParseOptions;
use seal::tsp;

use crate::cases;
use crate::mutate::{Edit, mutate, mutate_text};

const KINDS: [&str; 6] = [
    "Patient",
    "Observation",
    "Bundle",
    "ServiceRequest",
    "Consent",
    "DocumentReference",
];

fn resources() -> Vec<String> {
    let mut all = vec![
        testkit::records::patient(3),
        testkit::records::potassium("p1", 4),
        r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11","resource":{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}},"request":{"method":"POST","url":"Patient"}},{"resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11"},"valueQuantity":{"value":1.10}},"request":{"method":"PUT","url":"Observation?identifier=a|b"}}]}"#.to_owned(),
    ];
    all.extend(demo::generate::arriving::bundle(1, testkit::START));
    all
}

/// A choice from a list and changes to it.
type Case = (u8, Vec<Edit>);

#[test]
fn fhir_json_is_read_or_refused_and_all_that_works_on_it_holds() {
    let resources = resources();
    bolero::check!()
        .with_iterations(cases(3_000, 300_000))
        .with_type::<Case>()
        .for_each(|(which, edits)| {
            let from = &resources[usize::from(*which) % resources.len()];
            fhir_json(&mutate(from.as_bytes(), edits));
        });
}

fn fhir_json(bytes: &[u8]) {
    let _ = raw::peek(bytes);
    let Ok(doc) = raw::parse(bytes) else { return };
    // What we take for JSON, everybody does.
    let by_others: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
    if let Err(e) = by_others {
        let known = e.to_string().contains("recursion") || e.to_string().contains("out of range");
        assert!(known, "{e}: {}", String::from_utf8_lossy(bytes));
    }
    let root = doc.root();
    let _ = fhir::validate::validate(root);
    let _ = fhir::bundle::read(&doc);
    for kind in KINDS {
        let _ = fhir::classify(kind, root);
        let _ = fhir::patient_of(kind, root);
        let _ = fhir::index::extract(kind, root, "https://karez.example/fhir/yarqum");
    }
    let _ = fhir::views::Patient::from_value(root);
    let _ = fhir::views::Observation::from_value(root);
    let _ = fhir::views::DocumentReference::from_value(root);
    let rewritten = raw::rewrite_references(bytes, |r| {
        r.strip_prefix("urn:uuid:").map(|_| "Patient/p\"1".into())
    });
    raw::parse(&rewritten.unwrap()).unwrap();
    if root.shape() == raw::Shape::Object {
        let stamped = raw::splice_meta(bytes, "a-1", "7", testkit::START);
        let doc = raw::parse(&stamped).unwrap();
        let value: Option<&str> = fhir::json::Json::str_at(doc.root(), "id");
        assert_eq!(value, Some("a-1"), "{}", String::from_utf8_lossy(bytes));
        raw::parse(&raw::subset(bytes, |name| name == "meta")).unwrap();
    }
}

#[test]
fn a_search_query_is_read_or_refused_by_parameter() {
    const QUERIES: [&str; 7] = [
        "name=tursun&birthdate=ge1970-01-01&_sort=-birthdate,name&_count=20",
        "identifier=urn:test:mrn|P1&gender:not=male&_lastUpdated=lt2026-01-01T00:00:00%2B08:00",
        "code=http://loinc.org|2823-3&value-quantity=gt4.10|http://unitsofmeasure.org|mmol/L",
        "subject:Patient=Patient/p1&_include=Observation:subject&_total=accurate&_elements=id",
        "code-value-quantity=http://loinc.org|2823-3$gt5&date=ap2026-03&status:missing=false",
        "patient.name=a&_has:Observation:patient:code=1&url:below=http://a&_summary=count",
        "_cursor=AAAA&_id=a,b,c\\,d&_tag=urn:a|b&family:exact=%E7%8E%8B&_text=x",
    ];
    bolero::check!()
        .with_iterations(cases(3_000, 300_000))
        .with_type::<Case>()
        .for_each(|(which, edits)| {
            let which = usize::from(*which);
            let text = mutate_text(QUERIES[which % QUERIES.len()], edits);
            for lenient in [true, false] {
                let options = ParseOptions {
                    lenient,
                    own_base: "https://karez.example/fhir/yarqum",
                    now: testkit::START,
                };
                let _ = fhir::search::parse(KINDS[which % KINDS.len()], &text, &options);
            }
            let _ = fhir::reference::parse(&text);
        });
}

#[test]
fn a_fhirpath_expression_is_read_or_refused() {
    const PATHS: [&str; 5] = [
        "Patient.name.given | Practitioner.name.given",
        "Observation.value.as(Quantity) | (Observation.value as SampledData)",
        "Bundle.entry[0].resource as Composition",
        "Patient.deceased.exists() and Patient.deceased != false",
        "Observation.subject.where(resolve() is Patient) | Patient.extension('http://a').value",
    ];
    bolero::check!()
        .with_iterations(cases(3_000, 300_000))
        .with_type::<Case>()
        .for_each(|(which, edits)| {
            let text = mutate_text(PATHS[usize::from(*which) % PATHS.len()], edits);
            if fhir::path::parse(&text).is_ok() {
                fhir::path::compile(&text, "Observation", "Observation").unwrap();
            }
        });
}

#[test]
fn a_time_stamp_that_was_changed_is_refused() {
    let answer: &[u8] = include_bytes!("../../../seal/tests/data/tsp-response.der");
    let stamped = b"a signature to be stamped";
    let nonce = 0x0102_0304_0506_0708;
    bolero::check!()
        .with_iterations(cases(3_000, 300_000))
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            let changed = mutate(answer, edits);
            // Unsigned parts may change without harm: what is opened must say the same time.
            if let Ok((_, stamp)) = tsp::open_response(&changed, stamped, nonce, &[]) {
                let (_, right) = tsp::open_response(answer, stamped, nonce, &[]).unwrap();
                assert_eq!(stamp.at, right.at);
            }
            let _ = seal::cert::Certificate::parse(&changed);
        });
}

#[test]
fn a_signature_is_read_or_refused() {
    const JWS: &str = "eyJhbGciOiJFUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il0sImtpZCI6ImsxIn0..AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw";
    const SEALED: &str = r#"{"format":"karez-sealed-file/1","document":"e30","signature":"a..b","seal":"a.b.c","crl":"AAAA"}"#;
    bolero::check!()
        .with_iterations(cases(3_000, 300_000))
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            if let Ok(parts) = seal::jws::read(&mutate_text(JWS, edits)) {
                let _ = parts.header.certificates();
                let _ = parts.header.signed_at();
                let _ = parts.unverified_payload();
            }
            let report = seal::verify::verify(&mutate(SEALED.as_bytes(), edits), None);
            assert_eq!(report.verdict, seal::verify::Verdict::Refused);
        });
}
