//! A study as FHIR ImagingStudy (R4): written with its first object, and again when it is quiet.

use imaging::name::PersonName;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use kernel::ResourceId;
use serde_json::{Map, Value, json};
use store::ImageRow;

use super::object::Read;
use super::pieces;
use crate::AppError;

/// Marks what Karez writes of studies whose objects it keeps.
pub(super) const MARK: &str = "urn:karez:imaging";
/// Objects that are listed one by one; of larger studies their number is given.
pub(super) const LISTED_MAX: u64 = 1_000;

/// Whom a study is about: a patient of the hospital, or who the objects say it is until a person decides.
pub(super) fn subject(read_id: &str, issuer: &str, patient: Option<&ResourceId>) -> Value {
    match patient {
        Some(id) => json!({"reference": format!("Patient/{id}"), "type": "Patient"}),
        None if read_id.is_empty() => json!({"type": "Patient", "display": "unknown"}),
        None => {
            let mut identifier = json!({"value": read_id});
            if let (Some(map), false) = (identifier.as_object_mut(), issuer.is_empty()) {
                map.insert("system".into(), issuer.into());
            }
            json!({"type": "Patient", "identifier": identifier})
        }
    }
}

/// The study as its first object tells of it.
pub(super) fn begun(read: &Read, patient: Option<&ResourceId>) -> String {
    let s = &read.facts.study;
    let mut out = json!({
        "resourceType": "ImagingStudy",
        "meta": {"tag": [{"system": MARK, "code": "archive"}]},
        "identifier": identifiers(&s.uid, s.accession.as_deref().unwrap_or_default()),
        "status": "registered",
        "subject": subject(&read.identity.id, &read.identity.issuer, patient),
    });
    if let (Some(map), Some(modality)) = (out.as_object_mut(), &read.facts.series.modality) {
        map.insert("modality".into(), json!([coded_modality(modality)]));
    }
    out.to_string()
}

/// As a copy without identity is written: its tag makes it one ([`fhir::classify`]).
pub(super) fn as_copy(study: &str) -> Result<String, AppError> {
    let mut out: Value = serde_json::from_str(study)
        .map_err(|_| AppError::Internal("a copy that was written".into()))?;
    if let Some(tags) = out.pointer_mut("/meta/tag").and_then(Value::as_array_mut) {
        tags.push(json!({"system": "urn:karez:copy", "code": "without-identity"}));
    }
    Ok(out.to_string())
}

fn identifiers(uid: &str, accession: &str) -> Value {
    let mut all = vec![json!({"system": "urn:dicom:uid", "value": format!("urn:oid:{uid}")})];
    if !accession.is_empty() {
        all.push(json!({
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
            "value": accession
        }));
    }
    Value::from(all)
}

fn coded_modality(code: &str) -> Value {
    json!({"system": "http://dicom.nema.org/resources/ontology/DCM", "code": code})
}

/// A row's attributes, to be asked by tag.
struct Attributes(Map<String, Value>);

impl Attributes {
    fn of(packed: &[u8]) -> Result<Self, AppError> {
        let json = pieces::join(&[packed])?;
        serde_json::from_slice(&json)
            .map(Self)
            .map_err(|_| AppError::Internal("kept attributes of an image".into()))
    }
    fn first(&self, tag: &str) -> Option<&Value> {
        self.0.get(tag)?.get("Value")?.get(0)
    }
    fn text(&self, tag: &str) -> Option<&str> {
        self.first(tag)?.as_str().filter(|t| !t.is_empty())
    }
    fn number(&self, tag: &str) -> Option<i64> {
        let value = self.first(tag)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    }
    fn name(&self, tag: &str) -> Option<String> {
        let group = |g: &str| self.first(tag)?.get(g)?.as_str().map(str::to_owned);
        let name = PersonName {
            alphabetic: group("Alphabetic").unwrap_or_default(),
            ideographic: group("Ideographic").unwrap_or_default(),
            phonetic: group("Phonetic").unwrap_or_default(),
        };
        Some(name.shown()).filter(|n| !n.is_empty())
    }
    /// A date and time as FHIR has it: with the zone that is said, else the hospital's; a date alone without a time.
    fn moment(&self, date: &str, time: &str, zone: &TimeZone) -> Option<String> {
        let digits = self.text(date)?;
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
        let small = |n: i16| i8::try_from(n).ok();
        let date = Date::new(part(0, 4)?, small(part(4, 6)?)?, small(part(6, 8)?)?).ok()?;
        let Some(time) = self.text(time).and_then(clock) else {
            return Some(date.to_string());
        };
        let zone = self
            .text("00080201")
            .and_then(offset)
            .unwrap_or_else(|| zone.clone());
        let at = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    }
}

fn clock(text: &str) -> Option<Time> {
    let part = |at: usize| {
        text.get(at..at + 2)
            .map_or(Some(0), |t| t.parse::<i8>().ok())
    };
    Time::new(part(0)?, part(2)?, part(4)?.min(59), 0).ok()
}

pub(super) fn offset(text: &str) -> Option<TimeZone> {
    let (sign, digits) = text.split_at_checked(1)?;
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4)?.parse().ok()?;
    let seconds = (hours * 60 + minutes) * 60;
    let seconds = if sign == "-" { -seconds } else { seconds };
    Some(jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone())
}

/// What is known of one series when the study is quiet.
pub(super) struct Series {
    pub row: ImageRow,
    /// UID, class and number of its objects; empty when they are too many to be listed.
    pub instances: Vec<(String, String, Option<i64>)>,
}

/// The study as it stands. `subject` is what the present version says.
pub(super) fn whole(
    series: &[Series],
    subject: &Value,
    web_base: &str,
    zone: &TimeZone,
) -> Result<Option<String>, AppError> {
    let Some(first) = series.first() else {
        return Ok(None);
    };
    let study = Attributes::of(&first.row.study_attributes)?;
    let accession = study.text("00080050").unwrap_or_default();
    let mut out = json!({
        "resourceType": "ImagingStudy",
        "meta": {"tag": [{"system": MARK, "code": "archive"}]},
        "contained": [{
            "resourceType": "Endpoint",
            "id": "dicomweb",
            "status": "active",
            "connectionType": {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "dicom-wado-rs"},
            "payloadType": [{"text": "DICOM"}],
            "address": web_base,
        }],
        "identifier": identifiers(&first.row.study_uid, accession),
        "status": "available",
        "subject": subject,
        "endpoint": [{"reference": "#dicomweb"}],
        "numberOfSeries": first.row.series_count,
        "numberOfInstances": first.row.instance_count,
        "modality": first.row.modalities.iter().map(|m| coded_modality(m)).collect::<Vec<_>>(),
    });
    let Some(map) = out.as_object_mut() else {
        return Ok(None);
    };
    if first.row.modalities.is_empty() {
        map.remove("modality");
    }
    if let Some(started) = study.moment("00080020", "00080030", zone) {
        map.insert("started".into(), started.into());
    }
    if let Some(name) = study.name("00080090") {
        map.insert("referrer".into(), json!({"display": name}));
    }
    if let Some(text) = study.text("00081030") {
        map.insert("description".into(), text.into());
    }
    let all = series
        .iter()
        .map(|s| one_series(s, &study, zone))
        .collect::<Result<Vec<_>, _>>()?;
    map.insert("series".into(), Value::from(all));
    Ok(Some(out.to_string()))
}

fn one_series(s: &Series, study: &Attributes, zone: &TimeZone) -> Result<Value, AppError> {
    let Some(found) = &s.row.series else {
        return Err(AppError::Internal("a series without its row".into()));
    };
    let of = Attributes::of(&found.attributes)?;
    let mut out = json!({
        "uid": found.uid,
        // Required (R4); OT is what the standard has for a modality that is not said.
        "modality": coded_modality(of.text("00080060").unwrap_or("OT")),
        "numberOfInstances": found.instance_count,
    });
    let Some(map) = out.as_object_mut() else {
        return Ok(out);
    };
    if let Some(n) = of.number("00200011").and_then(|n| u32::try_from(n).ok()) {
        map.insert("number".into(), n.into());
    }
    if let Some(text) = of.text("0008103E") {
        map.insert("description".into(), text.into());
    }
    if let Some(part) = of.text("00180015") {
        map.insert("bodySite".into(), json!({"code": part, "display": part}));
    }
    let zone = study
        .text("00080201")
        .and_then(offset)
        .unwrap_or_else(|| zone.clone());
    if let Some(started) = of.moment("00080021", "00080031", &zone) {
        map.insert("started".into(), started.into());
    }
    if !s.instances.is_empty() {
        let all: Vec<Value> = s
            .instances
            .iter()
            .map(|(uid, class, number)| {
                let mut one = json!({
                    "uid": uid,
                    "sopClass": {"system": "urn:ietf:rfc:3986", "code": format!("urn:oid:{class}")},
                });
                if let (Some(map), Some(n)) = (
                    one.as_object_mut(),
                    number.and_then(|n| u32::try_from(n).ok()),
                ) {
                    map.insert("number".into(), n.into());
                }
                one
            })
            .collect();
        map.insert("instance".into(), Value::from(all));
    }
    Ok(out)
}
