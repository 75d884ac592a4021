//! From a FHIR resource to an entry of the time line.

use fhir::json::Json;
use jiff::tz::TimeZone;
use kernel::HospitalId;

use super::{Attachment, Entry, Flag, Measure, Range, Source, When, late_of};
use crate::units;

/// What one resource looks like in a time line; none for kinds that are no entry of a record (Patient, Provenance,
/// Claim, …). `class` is its record class, `zone` the custodian's. `lang` (BCP 47) is the reader's language: coded words
/// stand in it where the source translated them; empty for the source's own words alone.
pub fn read<'a, J: Json<'a>>(
    custodian: &HospitalId,
    id: &str,
    class: &str,
    resource: J,
    zone: &TimeZone,
    lang: &str,
) -> Option<Entry> {
    let kind = resource.str_at("resourceType")?;
    let shape = SHAPES.iter().find(|s| s.kind == kind)?;
    let when = shape
        .when
        .iter()
        .find_map(|name| time_at(resource, name, zone));
    let until = shape
        .until
        .iter()
        .find_map(|name| end_at(resource, name, zone));
    let title = shape
        .title
        .iter()
        .find_map(|name| text_at(resource, name, lang))
        .or_else(|| medication_title(kind, resource, lang));
    let written = shape
        .title
        .iter()
        .find_map(|name| text_at(resource, name, ""))
        .filter(|written| title.as_ref().is_some_and(|t| t != written));
    let title_at = match title {
        Some(_) => None,
        None => resource
            .get("medicationReference")
            .and_then(|r| r.str_at("reference"))
            .map(str::to_owned),
    };
    let title = title.unwrap_or_else(|| kind.to_owned());
    let mut measures = if kind == "Observation" {
        measures(resource, lang)
    } else {
        Vec::new()
    };
    let flag = measures.iter().filter_map(|m| m.flag).max();
    if let Some(level) = resource.str_at("criticality") {
        measures.push(plain("criticality", level));
    }
    Some(Entry {
        source: Source {
            custodian: custodian.clone(),
            kind: kind.to_owned(),
            id: id.to_owned(),
        },
        class: class.to_owned(),
        when,
        until,
        recorded: shape
            .recorded
            .iter()
            .find_map(|name| time_at(resource, name, zone))
            .map(|w| w.start),
        title,
        written,
        detail: detail(kind, resource, lang),
        status: status(resource),
        measures,
        flag,
        attachments: attachments(kind, resource),
        negated: is_negated(resource),
        late: late_of(resource),
        title_at,
    })
}

/// Codes that say something is absent or not known: the IPS code system for it, and SNOMED CT's situations of no known
/// allergy.
fn is_negated<'a, J: Json<'a>>(resource: J) -> bool {
    const ABSENT: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";
    // No known allergy, food allergy, drug allergy, environmental allergy, latex allergy.
    const SNOMED: [&str; 5] = [
        "716186003",
        "429625007",
        "409137002",
        "428607008",
        "1003774007",
    ];
    ["code", "medicationCodeableConcept", "vaccineCode"]
        .iter()
        .filter_map(|name| resource.get(name))
        .flat_map(|concept| concept.list("coding").collect::<Vec<_>>())
        .any(|c| match c.str_at("system") {
            Some(ABSENT) => true,
            Some("http://snomed.info/sct") => {
                c.str_at("code").is_some_and(|code| SNOMED.contains(&code))
            }
            _ => false,
        })
}

/// Where a kind keeps what a time line shows. Names ending in `[x]` stand for the choice.
struct Shape {
    kind: &'static str,
    title: &'static [&'static str],
    when: &'static [&'static str],
    until: &'static [&'static str],
    recorded: &'static [&'static str],
}

const fn shape(
    kind: &'static str,
    title: Names,
    when: Names,
    until: Names,
    recorded: Names,
) -> Shape {
    Shape {
        kind,
        title,
        when,
        until,
        recorded,
    }
}

type Names = &'static [&'static str];

const SHAPES: &[Shape] = &[
    shape(
        "Observation",
        &["code"],
        &["effectiveDateTime", "effectivePeriod", "effectiveInstant"],
        &["effectivePeriod"],
        &["issued"],
    ),
    shape(
        "DiagnosticReport",
        &["code"],
        &["effectiveDateTime", "effectivePeriod", "issued"],
        &["effectivePeriod"],
        &["issued"],
    ),
    shape(
        "Condition",
        &["code"],
        &["onsetDateTime", "onsetPeriod", "recordedDate"],
        &["abatementDateTime", "abatementPeriod"],
        &["recordedDate"],
    ),
    shape(
        "AllergyIntolerance",
        &["code"],
        &["onsetDateTime", "recordedDate"],
        &[],
        &["recordedDate"],
    ),
    shape(
        "MedicationRequest",
        &["medicationCodeableConcept", "medicationReference"],
        &["authoredOn"],
        &[],
        &["authoredOn"],
    ),
    shape(
        "MedicationStatement",
        &["medicationCodeableConcept", "medicationReference"],
        &["effectiveDateTime", "effectivePeriod", "dateAsserted"],
        &["effectivePeriod"],
        &["dateAsserted"],
    ),
    shape(
        "MedicationAdministration",
        &["medicationCodeableConcept", "medicationReference"],
        &["effectiveDateTime", "effectivePeriod", "whenHandedOver"],
        &["effectivePeriod"],
        &[],
    ),
    shape(
        "MedicationDispense",
        &["medicationCodeableConcept", "medicationReference"],
        &["effectiveDateTime", "effectivePeriod", "whenHandedOver"],
        &["effectivePeriod"],
        &[],
    ),
    shape(
        "Immunization",
        &["vaccineCode"],
        &["occurrenceDateTime", "recorded"],
        &[],
        &["recorded"],
    ),
    shape(
        "Procedure",
        &["code"],
        &["performedDateTime", "performedPeriod"],
        &["performedPeriod"],
        &[],
    ),
    shape(
        "Encounter",
        &["type", "class", "serviceType"],
        &["period"],
        &["period"],
        &[],
    ),
    shape(
        "ImagingStudy",
        &["description", "procedureCode", "modality"],
        &["started"],
        &[],
        &[],
    ),
    shape(
        "DocumentReference",
        &["description", "type"],
        &["date"],
        &[],
        &["date"],
    ),
    shape("Composition", &["title", "type"], &["date"], &[], &["date"]),
    shape(
        "CarePlan",
        &["title", "category"],
        &["period", "created"],
        &["period"],
        &["created"],
    ),
    shape(
        "FamilyMemberHistory",
        &["relationship", "name"],
        &["date"],
        &[],
        &["date"],
    ),
    shape(
        "Media",
        &["content.title", "type"],
        &["createdDateTime", "createdPeriod", "issued"],
        &[],
        &["issued"],
    ),
    shape(
        "Specimen",
        &["type"],
        &["receivedTime"],
        &[],
        &["receivedTime"],
    ),
    shape(
        "ClinicalImpression",
        &["description", "code"],
        &["effectiveDateTime", "date"],
        &[],
        &["date"],
    ),
    shape(
        "RiskAssessment",
        &["code"],
        &["occurrenceDateTime"],
        &[],
        &[],
    ),
    shape("Flag", &["code"], &["period"], &["period"], &[]),
    shape(
        "Goal",
        &["description"],
        &["startDate"],
        &[],
        &["statusDate"],
    ),
];

/// Time of a dateTime, or the start of a Period.
fn time_at<'a, J: Json<'a>>(resource: J, name: &str, zone: &TimeZone) -> Option<When> {
    let value = resource.get(name)?;
    let text = value
        .text()
        .or_else(|| value.str_at("start"))
        .or_else(|| value.str_at("end"))?;
    When::parse(text, zone)
}

fn end_at<'a, J: Json<'a>>(resource: J, name: &str, zone: &TimeZone) -> Option<When> {
    let value = resource.get(name)?;
    When::parse(value.text().or_else(|| value.str_at("end"))?, zone)
}

/// The words of a string, CodeableConcept, Coding, Reference or the first of a list of them.
fn text_at<'a, J: Json<'a>>(resource: J, path: &str, lang: &str) -> Option<String> {
    let mut at = resource;
    for name in path.split('.') {
        at = at.get(name)?;
        if at.is_array() {
            at = at.items().next()?;
        }
    }
    words(at, lang)
}

/// The words of a member that is a string, CodeableConcept, Coding or Reference.
pub fn words_at<'a, J: Json<'a>>(resource: J, name: &str, lang: &str) -> Option<String> {
    resource.get(name).and_then(|v| words(v, lang))
}

/// The words of a string, CodeableConcept, Coding or Reference, in the reader's language where the source translated
/// them (extension `translation`, R4 §2.6.8).
///
/// A display of a coding in the reader's language stands for the text only where the text says no more than a coding.
fn words<'a, J: Json<'a>>(value: J, lang: &str) -> Option<String> {
    if let Some(text) = value.text() {
        return some(text);
    }
    for key in ["text", "display"] {
        if let Some(said) = translated(value, key, lang) {
            return Some(said);
        }
    }
    let codings: Vec<_> = value.list("coding").collect();
    let text = value.str_at("text").or_else(|| value.str_at("display"));
    let display = |c: &J| c.str_at("display").and_then(some);
    let no_more = text.is_none_or(|t| {
        codings.iter().any(|c| {
            c.str_at("display")
                .is_some_and(|d| d.eq_ignore_ascii_case(t))
        })
    });
    if no_more && !lang.is_empty() {
        let said = codings
            .iter()
            .find_map(|c| translated(*c, "display", lang))
            .or_else(|| codings.iter().filter_map(display).find(|d| is_in(d, lang)));
        if said.is_some() {
            return said;
        }
    }
    if let Some(text) = text {
        return some(text);
    }
    codings
        .iter()
        .find_map(display)
        .or_else(|| codings.iter().find_map(|c| c.str_at("code").and_then(some)))
        .or_else(|| value.str_at("code").and_then(some))
}

/// The translation of a primitive member that stands beside it.
fn translated<'a, J: Json<'a>>(value: J, key: &str, lang: &str) -> Option<String> {
    const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
    if lang.is_empty() {
        return None;
    }
    let primary = |tag: &str| {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        first.to_ascii_lowercase()
    };
    let part = |extension: J, name: &str| {
        extension
            .list("extension")
            .find(|e| e.str_at("url") == Some(name))
    };
    value
        .get(&format!("_{key}"))?
        .list("extension")
        .filter(|e| e.str_at("url") == Some(TRANSLATION))
        .find(|e| {
            part(*e, "lang")
                .and_then(|l| l.str_at("valueCode"))
                .is_some_and(|tag| primary(tag) == primary(lang))
        })
        .and_then(|e| part(e, "content")?.str_at("valueString"))
        .and_then(some)
}

/// Whether a text is written in the reader's script, as far as that can be told: Han for Chinese, Latin letters for
/// languages written in them.
fn is_in(text: &str, lang: &str) -> bool {
    let han = text.chars().any(|c| ('\u{3400}'..='\u{9fff}').contains(&c));
    match lang.split('-').next() {
        Some("zh") => han,
        Some("en") => text.is_ascii(),
        _ => false,
    }
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn medication_title<'a, J: Json<'a>>(kind: &str, resource: J, lang: &str) -> Option<String> {
    if !kind.starts_with("Medication") {
        return None;
    }
    resource
        .list("contained")
        .find(|c| c.str_at("resourceType") == Some("Medication"))
        .and_then(|m| m.get("code"))
        .and_then(|v| words(v, lang))
}

fn status<'a, J: Json<'a>>(resource: J) -> Option<String> {
    let coded = |name: &str| {
        resource
            .get(name)
            .and_then(|v| v.list("coding").find_map(|c| c.str_at("code")))
            .map(str::to_owned)
    };
    // A refuted or mistaken statement outranks whether it is active.
    match coded("verificationStatus") {
        Some(v) if matches!(v.as_str(), "entered-in-error" | "refuted") => Some(v),
        _ => coded("clinicalStatus").or_else(|| resource.str_at("status").map(str::to_owned)),
    }
}

fn detail<'a, J: Json<'a>>(kind: &str, resource: J, lang: &str) -> Option<String> {
    let parts: Vec<String> = match kind {
        "DiagnosticReport" => vec![resource.str_at("conclusion").and_then(some)],
        "AllergyIntolerance" => resource
            .list("reaction")
            .map(|r| {
                let what: Vec<_> = r
                    .list("manifestation")
                    .filter_map(|v| words(v, lang))
                    .collect();
                let severity = r.str_at("severity").map(str::to_owned);
                some(
                    [what.join(", "), severity.unwrap_or_default()]
                        .join(" ")
                        .trim(),
                )
            })
            .chain([note(resource)])
            .collect(),
        "MedicationRequest" => dosage(resource, "dosageInstruction"),
        "MedicationStatement" => dosage(resource, "dosage"),
        "Encounter" => resource
            .list("reasonCode")
            .map(|v| words(v, lang))
            .chain([resource.get("serviceProvider").and_then(|v| words(v, lang))])
            .collect(),
        "Condition" => vec![
            resource.get("severity").and_then(|v| words(v, lang)),
            resource.list("bodySite").find_map(|v| words(v, lang)),
            note(resource),
        ],
        "Procedure" => vec![
            resource.get("outcome").and_then(|v| words(v, lang)),
            resource.list("reasonCode").find_map(|v| words(v, lang)),
            note(resource),
        ],
        "ImagingStudy" => vec![
            resource.list("modality").find_map(|v| words(v, lang)),
            resource
                .get("numberOfInstances")
                .and_then(Json::number)
                .map(|n| n.into_owned()),
        ],
        "FamilyMemberHistory" => resource
            .list("condition")
            .map(|c| c.get("code").and_then(|v| words(v, lang)))
            .collect(),
        "CarePlan" => vec![resource.str_at("description").and_then(some)],
        _ => vec![note(resource)],
    }
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn note<'a, J: Json<'a>>(resource: J) -> Option<String> {
    let notes: Vec<_> = resource
        .list("note")
        .filter_map(|n| n.str_at("text").and_then(some))
        .collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn dosage<'a, J: Json<'a>>(resource: J, name: &str) -> Vec<Option<String>> {
    resource
        .list(name)
        .map(|d| d.str_at("text").and_then(some))
        .collect()
}

fn attachments<'a, J: Json<'a>>(kind: &str, resource: J) -> Vec<Attachment> {
    let one = |a: J| Attachment {
        title: a.str_at("title").map(str::to_owned),
        media_type: a.str_at("contentType").map(str::to_owned),
        url: a.str_at("url").map(str::to_owned),
        size: a
            .get("size")
            .and_then(Json::number)
            .and_then(|n| n.parse().ok()),
    };
    match kind {
        "DocumentReference" => resource
            .list("content")
            .filter_map(|c| c.get("attachment"))
            .map(one)
            .collect(),
        "DiagnosticReport" => resource.list("presentedForm").map(one).collect(),
        "Media" => resource.get("content").map(one).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The observation's own value, then its components (R4 §10.1).
fn measures<'a, J: Json<'a>>(observation: J, lang: &str) -> Vec<Measure> {
    let own = measure(observation, None, lang);
    let parts = observation
        .list("component")
        .filter_map(|c| measure(c, c.get("code").and_then(|v| words(v, lang)), lang));
    own.into_iter().chain(parts).collect()
}

fn loinc<'a, J: Json<'a>>(value: J) -> Option<String> {
    value
        .get("code")?
        .list("coding")
        .find(|c| c.str_at("system") == Some("http://loinc.org"))
        .and_then(|c| c.str_at("code"))
        .map(str::to_owned)
}

fn measure<'a, J: Json<'a>>(part: J, name: Option<String>, lang: &str) -> Option<Measure> {
    let loinc = loinc(part);
    let range = part.list("referenceRange").next().map(range);
    let mut m = match part.get("valueQuantity") {
        Some(quantity) => quantity_of(quantity, loinc.as_deref())?,
        None => plain("", &plain_value(part, lang)?),
    };
    m.name = name;
    m.loinc = loinc;
    m.flag = interpretation(part).or_else(|| out_of_range(m.number, range.as_ref()));
    m.range = range;
    Some(m)
}

fn plain(name: &str, value: &str) -> Measure {
    Measure {
        name: some(name),
        loinc: None,
        value: value.to_owned(),
        unit: None,
        ucum: None,
        comparator: None,
        converted: None,
        range: None,
        flag: None,
        number: None,
    }
}

fn quantity_of<'a, J: Json<'a>>(quantity: J, loinc: Option<&str>) -> Option<Measure> {
    let value = quantity.get("value")?.number()?.into_owned();
    let number: Option<f64> = value.parse().ok();
    let ucum = (quantity.str_at("system") == Some("http://unitsofmeasure.org"))
        .then(|| quantity.str_at("code"))
        .flatten();
    let unit = quantity.str_at("unit").or(ucum);
    let converted = match (loinc, number, ucum.or(unit)) {
        (Some(loinc), Some(n), Some(unit)) => units::other_unit(loinc, n, unit),
        _ => None,
    };
    Some(Measure {
        // UCUM §2: `1` is the unity and braces are annotations; neither is a word to print behind a number.
        unit: unit
            .filter(|u| *u != "1" && !u.starts_with('{'))
            .map(|u| units::printed(u).to_owned()),
        ucum: ucum.map(str::to_owned),
        comparator: quantity.str_at("comparator").map(str::to_owned),
        converted,
        number,
        ..plain("", &value)
    })
}

fn plain_value<'a, J: Json<'a>>(part: J, lang: &str) -> Option<String> {
    if let Some(text) = part.str_at("valueString").and_then(some) {
        return Some(text);
    }
    if let Some(concept) = part.get("valueCodeableConcept") {
        return words(concept, lang);
    }
    if let Some(b) = part.get("valueBoolean").and_then(Json::boolean) {
        return Some(b.to_string());
    }
    if let Some(n) = part.get("valueInteger").and_then(Json::number) {
        return Some(n.into_owned());
    }
    for name in ["valueDateTime", "valueTime"] {
        if let Some(text) = part.str_at(name) {
            return Some(text.to_owned());
        }
    }
    let range = part.get("valueRange")?;
    let end = |name| {
        range
            .get(name)
            .and_then(|q| q.get("value"))
            .and_then(Json::number)
            .map_or(String::new(), |n| n.into_owned())
    };
    Some(format!("{}–{}", end("low"), end("high")))
}

fn range<'a, J: Json<'a>>(range: J) -> Range {
    let end = |name: &str| {
        range
            .get(name)
            .and_then(|q| q.get("value"))
            .and_then(Json::number)
            .map(|n| n.into_owned())
    };
    Range {
        low: end("low"),
        high: end("high"),
        text: range.str_at("text").and_then(some),
    }
}

/// HL7 v3 ObservationInterpretation.
fn interpretation<'a, J: Json<'a>>(part: J) -> Option<Flag> {
    part.list("interpretation")
        .flat_map(|i| {
            i.list("coding")
                .filter_map(|c| c.str_at("code"))
                .collect::<Vec<_>>()
        })
        .find_map(|code| match code {
            "L" => Some(Flag::Low),
            "H" | "HU" => Some(Flag::High),
            "LL" => Some(Flag::CriticallyLow),
            "HH" => Some(Flag::CriticallyHigh),
            "A" | "AA" | "POS" | "DET" | "R" => Some(Flag::Abnormal),
            _ => None,
        })
}

fn out_of_range(number: Option<f64>, range: Option<&Range>) -> Option<Flag> {
    let (number, range) = (number?, range?);
    let end = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
    if end(&range.low).is_some_and(|low| number < low) {
        Some(Flag::Low)
    } else if end(&range.high).is_some_and(|high| number > high) {
        Some(Flag::High)
    } else {
        None
    }
}
