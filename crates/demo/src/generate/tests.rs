use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::cases::stories;
use super::model::{AgreementState, Stage};
use super::*;

fn now() -> Instant {
    "2026-11-23T06:38:00Z".parse().unwrap()
}

fn parsed(network: &Network) -> Vec<(&'static str, Value)> {
    network
        .records()
        .flat_map(|(_, record)| {
            record
                .resources
                .iter()
                .map(|r| (record.hospital, serde_json::from_str(&r.json).unwrap()))
        })
        .collect()
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner {
                    Value::String(text) if key == "reference" => found.push(text.clone()),
                    Value::String(text) if key == "url" && text.starts_with("Binary/") => {
                        found.push(text.replace("Binary/", "DocumentReference/"));
                    }
                    _ => references(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|i| references(i, found)),
        _ => {}
    }
}

#[test]
fn the_same_seed_gives_the_same_network_and_another_seed_another() {
    let text = |seed| {
        let n = network(seed, now());
        let all: Vec<String> = n
            .records()
            .flat_map(|(_, r)| r.resources.iter().map(|x| x.json.clone()))
            .collect();
        all.join("\n")
    };
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn every_resource_is_json_that_names_its_own_type_and_id() {
    let n = network(SEED, now());
    for (_, record) in n.records() {
        for resource in &record.resources {
            let value: Value = serde_json::from_str(&resource.json).unwrap();
            assert_eq!(value["resourceType"], resource.kind);
            assert_eq!(value["id"], resource.id.as_str());
            kernel::ResourceId::new(&resource.id).unwrap();
            assert!(!resource.json.contains("u0001"), "{}", resource.json);
        }
    }
}

#[test]
fn every_reference_leads_to_a_resource_of_the_same_record() {
    let n = network(SEED, now());
    for (_, record) in n.records() {
        let present: HashSet<String> = record
            .resources
            .iter()
            .map(|r| format!("{}/{}", r.kind, r.id))
            .collect();
        for resource in &record.resources {
            let mut found = Vec::new();
            references(&serde_json::from_str(&resource.json).unwrap(), &mut found);
            for reference in found {
                assert!(
                    present.contains(&reference),
                    "{reference} in {}",
                    resource.kind
                );
            }
        }
    }
}

#[test]
fn no_id_number_or_address_is_given_twice() {
    let n = network(SEED, now());
    let mut seen = HashSet::new();
    for (hospital, value) in parsed(&n) {
        let (kind, id) = (
            value["resourceType"].as_str().unwrap(),
            value["id"].as_str().unwrap(),
        );
        assert!(seen.insert(format!("{hospital}/{kind}/{id}")));
        if kind == "Patient" {
            let mrn = value["identifier"][0]["value"].as_str().unwrap();
            assert!(seen.insert(format!("{hospital} {mrn}")), "{mrn}");
        }
    }
    for staff in n.staff {
        assert!(seen.insert(staff.email()));
    }
    for person in &n.people {
        assert!(seen.insert(person.key.clone()));
    }
}

#[test]
fn nothing_happens_before_birth_or_after_now() {
    let n = network(SEED, now());
    for (person, record) in n.records() {
        for resource in &record.resources {
            let value: Value = serde_json::from_str(&resource.json).unwrap();
            let born = person.birth.to_string();
            for field in [
                "effectiveDateTime",
                "issued",
                "onsetDateTime",
                "authoredOn",
                "date",
                "occurrenceDateTime",
            ] {
                let Some(told) = value[field].as_str() else {
                    continue;
                };
                assert!(
                    told[..10] >= *born,
                    "{field} {told} before {born}: {} of {}",
                    resource.kind,
                    person.key
                );
                if told.len() > 10 {
                    assert!(told.parse::<Instant>().unwrap() <= now(), "{told}");
                }
            }
        }
    }
}

#[test]
fn numbers_keep_the_digits_a_laboratory_prints() {
    let n = network(SEED, now());
    let yusup = n.person("yasin-hebibulla").unwrap();
    let text: String = yusup.records[0]
        .resources
        .iter()
        .map(|r| r.json.as_str())
        .collect();
    assert!(text.contains(r#""value":9.9,"unit":"%""#), "one decimal");
    let township: Vec<&str> = n
        .records()
        .filter(|(_, r)| r.hospital == "toghraq")
        .flat_map(|(_, r)| r.resources.iter().map(|x| x.json.as_str()))
        .collect();
    assert!(
        township.iter().any(|j| j.contains("mg/dL")),
        "the township prints conventional units"
    );
    let zeros = n.records().flat_map(|(_, r)| &r.resources).filter(|r| {
        let digits = r
            .json
            .split("\"value\":")
            .nth(1)
            .unwrap_or("")
            .split(',')
            .next()
            .unwrap_or("");
        digits.contains('.') && digits.ends_with('0')
    });
    assert!(zeros.count() > 0, "1.10 must stay 1.10");
}

#[test]
fn the_network_is_as_large_as_its_screens_need() {
    let n = network(SEED, now());
    assert_eq!(n.hospitals.len(), 7);
    assert!((300..=500).contains(&n.people.len()), "{}", n.people.len());
    assert!(stories().count() >= 25);
    assert_eq!(
        n.cases.len(),
        stories().count(),
        "each story has its agreement"
    );
    let stages: BTreeSet<Stage> = n.cases.iter().map(|c| c.stage).collect();
    assert_eq!(stages.len(), 12, "{stages:?}");
    let states: HashSet<AgreementState> = n.agreements.iter().map(|a| a.state).collect();
    assert_eq!(states.len(), 6);
    let sensitive = n
        .records()
        .flat_map(|(_, r)| &r.resources)
        .filter(|r| r.class.is_sensitive())
        .count();
    assert!(sensitive > 20, "{sensitive}");
}

#[test]
fn every_story_can_be_carried_in() {
    let n = network(SEED, now());
    let mut by_hospital: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &n.cases {
        *by_hospital.entry(case.from).or_default() += 1;
        let at = |key: &str, hospital: &str| {
            n.staff(key)
                .is_some_and(|s| s.posts.iter().any(|p| p.hospital == hospital))
        };
        assert!(
            at(case.referrer, case.from),
            "{}: {} at {}",
            case.key,
            case.referrer,
            case.from
        );
        assert!(at(case.coordinator, case.to), "{}", case.key);
        if let Some(key) = case.consultant {
            assert!(at(key, case.to), "{}: {key} at {}", case.key, case.to);
            let staff = n.staff(key).unwrap();
            assert!(
                staff.services.contains(&case.service),
                "{}: {key}",
                case.key
            );
        }
        let agreement = n
            .agreements
            .iter()
            .find(|a| a.number == case.agreement)
            .unwrap();
        let offers = agreement
            .clauses
            .iter()
            .any(|c| c.services.contains(&case.service));
        assert!(offers, "{} asks for {}", case.key, case.service);
        let answered = matches!(
            case.stage,
            Stage::Answered | Stage::Read | Stage::Acted | Stage::Closed
        );
        assert!(!answered || case.opinion.is_some(), "{}", case.key);
        assert_eq!(
            case.stage == Stage::Closed,
            case.outcome.is_some(),
            "{}",
            case.key
        );
        let refused = matches!(
            case.stage,
            Stage::Declined | Stage::Cancelled | Stage::Suspended
        );
        assert_eq!(refused, case.reason.is_some(), "{}", case.key);
    }
    assert!(by_hospital.len() >= 4);
}

#[test]
fn every_word_a_story_uses_is_in_the_tables() {
    for story in stories() {
        for (key, _) in story.record.illnesses {
            assert!(codes::illness(key).is_some(), "{key}");
        }
        for (key, _) in story.record.medicines {
            assert!(codes::medicine(key).is_some(), "{key}");
        }
        for (key, _) in story.record.values {
            assert!(codes::analyte(key).is_some(), "{key}");
        }
        assert!(
            services::service_by_code(story.case.service).is_some(),
            "{}",
            story.case.service
        );
    }
}

#[test]
fn pictures_and_letters_are_whole_files() {
    let n = network(SEED, now());
    for file in n.records().flat_map(|(_, r)| &r.files) {
        match file.content_type {
            "image/png" => assert!(
                file.bytes.starts_with(b"\x89PNG") && file.bytes.ends_with(b"IEND\xaeB`\x82")
            ),
            _ => assert!(file.bytes.starts_with(b"%PDF-") && file.bytes.ends_with(b"%%EOF\n")),
        }
        assert!(
            file.bytes.len() < 120_000,
            "{} {}",
            file.name,
            file.bytes.len()
        );
    }
}

#[test]
fn the_arriving_bundle_holds_one_new_patient_and_refers_by_urn() {
    let text = arriving::bundle(SEED, now()).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let urls: HashSet<&str> = entries
        .iter()
        .map(|e| e["fullUrl"].as_str().unwrap())
        .collect();
    assert_eq!(urls.len(), entries.len());
    assert_eq!(
        entries
            .iter()
            .filter(|e| e["resource"]["resourceType"] == "Patient")
            .count(),
        1
    );
    let mut found = Vec::new();
    references(&bundle, &mut found);
    assert!(found.len() > 10);
    assert!(found.iter().all(|r| urls.contains(r.as_str())), "{found:?}");
    let new = arriving::patient(SEED, now()).unwrap();
    let network = network(SEED, now());
    assert!(
        network
            .records()
            .all(|(_, r)| r.number != new.records[0].number)
    );
}
