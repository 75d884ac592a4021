//! A study as FHIR R4 `ImagingStudy`, from what its objects say.

use serde_json::{Map, Value, json};

use crate::facts::{InstanceFacts, SeriesFacts, StudyFacts};
use crate::name::PersonName;

/// What is written beside the facts.
#[derive(Debug, Clone, Default)]
pub struct Frame<'a> {
    /// `registered`, `available`, `cancelled`, `entered-in-error`.
    pub status: &'a str,
    /// Reference to the patient.
    pub subject: &'a str,
    /// References to the requests it answers.
    pub based_on: &'a [String],
    /// References to the endpoints where its objects are.
    pub endpoints: &'a [String],
    /// The zone of the hospital as an offset (`+06:00`), for times of objects that do not say theirs. Without it such a
    /// time is left out and the date alone stands: a wrong hour is worse than none.
    pub zone: Option<&'a str>,
}

/// One series of a study.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    /// What its objects say.
    pub facts: &'a SeriesFacts,
    /// Its objects; may be empty where only their number is wanted.
    pub instances: &'a [InstanceFacts],
    /// How many there are.
    pub count: u32,
}

/// The resource, without `id` and `meta`.
pub fn resource(study: &StudyFacts, series: &[Series<'_>], frame: &Frame<'_>) -> Value {
    let mut out = Map::new();
    out.insert("resourceType".into(), "ImagingStudy".into());
    out.insert("identifier".into(), identifiers(study));
    out.insert("status".into(), frame.status.into());
    let mut modalities: Vec<&str> = series
        .iter()
        .filter_map(|s| s.facts.modality.as_deref())
        .collect();
    modalities.sort_unstable();
    modalities.dedup();
    let codings: Vec<Value> = modalities.into_iter().map(modality).collect();
    put(
        &mut out,
        "modality",
        Some(codings).filter(|m| !m.is_empty()),
    );
    out.insert("subject".into(), json!({ "reference": frame.subject }));
    let zone = study.zone.as_deref().map(offset);
    let zone = zone.as_deref().or(frame.zone);
    put(
        &mut out,
        "started",
        moment(study.date.as_deref(), study.time.as_deref(), zone),
    );
    put(&mut out, "basedOn", references(frame.based_on));
    put(&mut out, "referrer", person(&study.referring));
    put(&mut out, "endpoint", references(frame.endpoints));
    out.insert("numberOfSeries".into(), series.len().into());
    let count: u64 = series.iter().map(|s| u64::from(s.count)).sum();
    out.insert("numberOfInstances".into(), count.into());
    put(&mut out, "description", study.description.clone());
    let list: Vec<Value> = series.iter().map(|s| one(s, zone)).collect();
    put(&mut out, "series", Some(list).filter(|l| !l.is_empty()));
    Value::Object(out)
}

fn put<T: Into<Value>>(out: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        out.insert(key.into(), value.into());
    }
}

fn references(list: &[String]) -> Option<Value> {
    let all: Vec<Value> = list.iter().map(|r| json!({ "reference": r })).collect();
    (!all.is_empty()).then(|| all.into())
}

fn person(name: &PersonName) -> Option<Value> {
    (!name.is_empty()).then(|| json!({ "display": name.shown() }))
}

fn identifiers(study: &StudyFacts) -> Value {
    let mut list = vec![json!({
        "use": "official",
        "system": "urn:dicom:uid",
        "value": format!("urn:oid:{}", study.uid),
    })];
    if let Some(accession) = &study.accession {
        let mut one = json!({
            "type": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                "code": "ACSN",
            }] },
            "value": accession,
        });
        if let Some(issuer) = &study.accession_issuer {
            one["assigner"] = json!({ "display": issuer });
        }
        list.push(one);
    }
    list.into()
}

fn one(series: &Series<'_>, zone: Option<&str>) -> Value {
    let facts = series.facts;
    let mut out = Map::new();
    out.insert("uid".into(), facts.uid.clone().into());
    put(
        &mut out,
        "number",
        facts
            .number
            .filter(|n| (0..=i64::from(u32::MAX >> 1)).contains(n)),
    );
    // R4 wants a modality; OT (other) is DICOM's own word for what is not said.
    out.insert(
        "modality".into(),
        modality(facts.modality.as_deref().unwrap_or("OT")),
    );
    put(&mut out, "description", facts.description.clone());
    out.insert("numberOfInstances".into(), series.count.into());
    put(
        &mut out,
        "bodySite",
        facts.body_part.as_deref().map(body_site),
    );
    put(
        &mut out,
        "laterality",
        facts.laterality.as_deref().and_then(laterality),
    );
    put(
        &mut out,
        "started",
        moment(facts.date.as_deref(), facts.time.as_deref(), zone),
    );
    let performer = person(&facts.performer).map(|p| vec![json!({ "actor": p })]);
    put(&mut out, "performer", performer);
    let instances: Vec<Value> = series.instances.iter().map(instance).collect();
    put(
        &mut out,
        "instance",
        Some(instances).filter(|l| !l.is_empty()),
    );
    Value::Object(out)
}

fn instance(facts: &InstanceFacts) -> Value {
    let mut out = Map::new();
    out.insert("uid".into(), facts.uid.clone().into());
    let class =
        json!({ "system": "urn:ietf:rfc:3986", "code": format!("urn:oid:{}", facts.class) });
    out.insert("sopClass".into(), class);
    put(
        &mut out,
        "number",
        facts
            .number
            .filter(|n| (0..=i64::from(u32::MAX >> 1)).contains(n)),
    );
    put(&mut out, "title", facts.title.clone());
    Value::Object(out)
}

fn modality(code: &str) -> Value {
    json!({ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": code })
}

/// `+0600` as `+06:00`.
fn offset(zone: &str) -> String {
    match zone.split_at_checked(3) {
        Some((hours, minutes)) => format!("{hours}:{minutes}"),
        None => zone.to_owned(),
    }
}

/// A FHIR dateTime: with the time only if its zone is known (FHIR R4 §2.24.0.1).
fn moment(date: Option<&str>, time: Option<&str>, zone: Option<&str>) -> Option<String> {
    let date = date?;
    let day = format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    let (Some(time), Some(zone)) = (time, zone) else {
        return Some(day);
    };
    let full = crate::query::complete_time(time, false);
    let (clock, fraction) = full.split_once('.')?;
    let second = match clock.get(4..6)? {
        // A leap second is not told apart by those who read this.
        "60" => "59",
        second => second,
    };
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    let (hour, minute) = (clock.get(..2)?, clock.get(2..4)?);
    Some(format!("{day}T{hour}:{minute}:{second}{fraction}{zone}"))
}

/// Body Part Examined as a coding: SNOMED CT where PS3.16 Annex L maps the defined term, else the word alone.
fn body_site(term: &str) -> Value {
    let code = BODY_PARTS.iter().find(|(name, ..)| *name == term);
    match code {
        Some((_, code, display)) => {
            json!({ "system": "http://snomed.info/sct", "code": code, "display": display })
        }
        None => json!({ "display": term }),
    }
}

const BODY_PARTS: &[(&str, &str, &str)] = &[
    ("ABDOMEN", "113345001", "Abdomen"),
    ("ANKLE", "70258002", "Ankle joint"),
    ("BRAIN", "12738006", "Brain"),
    ("BREAST", "76752008", "Breast"),
    ("CHEST", "51185008", "Chest"),
    ("CSPINE", "122494005", "Cervical spine"),
    ("ELBOW", "127949000", "Elbow"),
    ("EYE", "81745001", "Eye"),
    ("FOOT", "56459004", "Foot"),
    ("HAND", "85562004", "Hand"),
    ("HEAD", "69536005", "Head"),
    ("HEART", "80891009", "Heart"),
    ("HIP", "29836001", "Hip"),
    ("KIDNEY", "64033007", "Kidney"),
    ("KNEE", "72696002", "Knee"),
    ("LIVER", "10200004", "Liver"),
    ("LSPINE", "122496007", "Lumbar spine"),
    ("NECK", "45048000", "Neck"),
    ("PELVIS", "12921003", "Pelvis"),
    ("SHOULDER", "16982005", "Shoulder"),
    ("SKULL", "89546000", "Skull"),
    ("TSPINE", "122495006", "Thoracic spine"),
];

fn laterality(term: &str) -> Option<Value> {
    let (code, display) = match term {
        "L" => ("7771000", "Left"),
        "R" => ("24028007", "Right"),
        "B" => ("51440002", "Right and left"),
        _ => return None,
    };
    Some(json!({ "system": "http://snomed.info/sct", "code": code, "display": display }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> StudyFacts {
        StudyFacts {
            uid: "1.2.3".into(),
            date: Some("20240131".into()),
            time: Some("1030".into()),
            accession: Some("A1".into()),
            accession_issuer: Some("RIS".into()),
            description: Some("CT 头部".into()),
            ..StudyFacts::default()
        }
    }

    #[test]
    fn a_study_with_its_series() {
        let facts = SeriesFacts {
            uid: "1.2.3.4".into(),
            modality: Some("CT".into()),
            number: Some(2),
            body_part: Some("HEAD".into()),
            laterality: Some("L".into()),
            ..SeriesFacts::default()
        };
        let instances = [InstanceFacts {
            uid: "1.2.3.4.5".into(),
            class: "1.2.840.10008.5.1.4.1.1.2".into(),
            number: Some(1),
            ..InstanceFacts::default()
        }];
        let series = [Series {
            facts: &facts,
            instances: &instances,
            count: 7,
        }];
        let endpoints = ["Endpoint/1".to_owned()];
        let frame = Frame {
            status: "available",
            subject: "Patient/1",
            endpoints: &endpoints,
            ..Frame::default()
        };
        let value = resource(&study(), &series, &frame);
        assert_eq!(value["identifier"][0]["value"], "urn:oid:1.2.3");
        assert_eq!(value["identifier"][1]["value"], "A1");
        assert_eq!(value["started"], "2024-01-31", "no zone, no hour");
        assert_eq!(value["modality"][0]["code"], "CT");
        assert_eq!(value["numberOfInstances"], 7);
        assert_eq!(value["series"][0]["bodySite"]["code"], "69536005");
        assert_eq!(
            value["series"][0]["instance"][0]["sopClass"]["code"],
            "urn:oid:1.2.840.10008.5.1.4.1.1.2"
        );
        assert_eq!(value["endpoint"][0]["reference"], "Endpoint/1");
    }

    #[test]
    fn the_hour_stands_with_its_zone() {
        let at = |zone: Option<&str>, default: Option<&'static str>| {
            let study = StudyFacts {
                zone: zone.map(str::to_owned),
                ..study()
            };
            let frame = Frame {
                status: "available",
                subject: "Patient/1",
                zone: default,
                ..Frame::default()
            };
            resource(&study, &[], &frame)["started"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            at(Some("+0800"), Some("+06:00")),
            "2024-01-31T10:30:00+08:00"
        );
        assert_eq!(at(None, Some("+06:00")), "2024-01-31T10:30:00+06:00");
        assert_eq!(
            moment(Some("20240131"), Some("235960.250"), Some("Z")).unwrap(),
            "2024-01-31T23:59:59.25Z"
        );
    }
}
