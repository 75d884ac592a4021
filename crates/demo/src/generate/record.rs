//! Builds one patient's record at one hospital as FHIR R4 resources.

use agreements::RecordClass;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use kernel::Instant;
use serde_json::{Value, json};

use super::codes::{ALLERGENS, Analyte, VITALS, analyte, illness, medicine};
use super::dice::Dice;
use super::model::{File, Hospital, Name, PatientRecord, Resource, Sex};

/// Marks a number whose digits must be kept as written; removed when the text is made.
const EXACT: char = '\u{1}';

const LOINC: &str = "http://loinc.org";
const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
const SNOMED: &str = "http://snomed.info/sct";
const ATC: &str = "http://www.whocc.no/atc";
const CVX: &str = "http://hl7.org/fhir/sid/cvx";
const UCUM: &str = "http://unitsofmeasure.org";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
const NAME_REPRESENTATION: &str =
    "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";

/// Who the record is about.
pub struct Subject<'a> {
    pub name: &'a Name,
    pub sex: Sex,
    pub birth: Date,
    pub speaks: &'static str,
    /// Latin letters, as it would stand on an envelope.
    pub address: String,
    pub phone: String,
    pub national_id: &'a str,
}

/// A code with its words in both languages.
struct Word<'a> {
    system: &'a str,
    code: &'a str,
    en: &'a str,
    zh: &'a str,
}

impl Word<'_> {
    /// `display` in English, Chinese as its translation (FHIR R4 §2.1.27.0.1).
    fn coding(&self) -> Value {
        let mut coding = json!({ "system": self.system, "code": self.code, "display": self.en });
        if self.zh != self.en && !self.zh.is_empty() {
            coding["_display"] = translation("zh-CN", self.zh);
        }
        coding
    }
    fn concept(&self) -> Value {
        json!({ "coding": [self.coding()] })
    }
}

fn plain(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": format!("{TERMINOLOGY}/{system}"), "code": code }] })
}

fn exact(value: f64, decimals: usize) -> Value {
    json!(format!("{EXACT}{value:.decimals$}{EXACT}"))
}

/// The resource as text, with marked numbers as they were written.
fn text_of(resource: &Value) -> String {
    resource
        .to_string()
        .replace("\"\\u0001", "")
        .replace("\\u0001\"", "")
}

/// Builds a [`PatientRecord`] entry by entry.
pub struct Builder<'a> {
    dice: &'a mut Dice,
    hospital: &'static Hospital,
    now: Instant,
    zone: TimeZone,
    /// The hospital's analyser prints conventional units (mg/dL).
    conventional: bool,
    doctor: &'static str,
    record: PatientRecord,
}

impl<'a> Builder<'a> {
    pub fn new(
        dice: &'a mut Dice,
        hospital: &'static Hospital,
        doctor: &'static str,
        number: String,
        subject: &Subject<'_>,
        now: Instant,
    ) -> Self {
        let patient = dice.id();
        let mut builder = Self {
            zone: TimeZone::get(hospital.zone).unwrap_or(TimeZone::UTC),
            conventional: hospital.id == "toghraq",
            dice,
            hospital,
            now,
            doctor,
            record: PatientRecord {
                hospital: hospital.id,
                patient: patient.clone(),
                number,
                resources: Vec::new(),
                files: Vec::new(),
            },
        };
        builder.patient(&patient, subject);
        builder
    }

    pub fn finish(self) -> PatientRecord {
        self.record
    }

    pub fn dice(&mut self) -> &mut Dice {
        self.dice
    }

    fn add(&mut self, kind: &'static str, class: RecordClass, mut resource: Value) -> String {
        let id = match resource["id"].as_str() {
            Some(id) => id.to_owned(),
            None => self.dice.id(),
        };
        resource["id"] = json!(id);
        let mut ordered = json!({ "resourceType": kind, "id": id });
        if let (Some(all), Some(rest)) = (ordered.as_object_mut(), resource.as_object()) {
            all.extend(
                rest.iter()
                    .filter(|(k, _)| *k != "id")
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        self.record.resources.push(Resource {
            kind,
            id: id.clone(),
            json: text_of(&ordered),
            class,
        });
        id
    }

    fn subject(&self) -> Value {
        json!({ "reference": format!("Patient/{}", self.record.patient) })
    }

    fn signed_by(&self) -> Value {
        json!({ "display": self.doctor })
    }

    /// `days` before now at about `hour` o'clock by the hospital's clock, never later than now.
    fn moment(&mut self, days: i64, hour: i64) -> Instant {
        let minute = self.dice.between(0, 59);
        let day = self
            .now
            .to_zoned(self.zone.clone())
            .date()
            .saturating_sub(days.days());
        let hour = i8::try_from(hour.clamp(0, 23)).unwrap_or(9);
        let minute = i8::try_from(minute).unwrap_or(0);
        let told = day
            .at(hour, minute, 0, 0)
            .to_zoned(self.zone.clone())
            .map_or(self.now, |z| z.timestamp());
        let latest = self.now - SignedDuration::from_mins(40);
        told.min(latest)
    }

    /// FHIR `instant` with the hospital's own offset.
    fn written(&self, at: Instant) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%dT%H:%M:%S%:z")
            .to_string()
    }

    fn day(&self, days: i64) -> String {
        self.now
            .to_zoned(self.zone.clone())
            .date()
            .saturating_sub(days.days())
            .to_string()
    }

    fn patient(&mut self, id: &str, subject: &Subject<'_>) {
        let name = subject.name;
        let latin_only = name.latin() == name.native();
        let representation =
            |code: &str| json!([{ "url": NAME_REPRESENTATION, "valueCode": code }]);
        let mut names = vec![json!({
            "extension": representation(if name.family_first { "IDE" } else { "ABC" }),
            "use": "official", "text": name.native(), "family": name.native_family, "given": [name.native_given],
        })];
        if !latin_only {
            names.push(json!({
                "extension": representation("SYL"),
                "use": "usual", "text": name.latin(), "family": name.latin_family, "given": [name.latin_given],
            }));
        }
        let country = self.hospital.jurisdiction;
        let resource = json!({
            "id": id,
            "identifier": [
                {
                    "use": "usual", "type": plain("v2-0203", "MR"),
                    "system": format!("https://{}.example/id/patient", self.hospital.id), "value": self.record.number,
                    "assigner": { "display": self.hospital.name_en },
                },
                {
                    "use": "official", "type": plain("v2-0203", "NI"),
                    "system": format!("https://national-id.example/{}", country.to_lowercase()),
                    "value": subject.national_id,
                    "assigner": { "display": "National register" },
                },
            ],
            "active": true,
            "name": names,
            "telecom": [{ "system": "phone", "value": subject.phone, "use": "mobile" }],
            "gender": subject.sex.code(),
            "birthDate": subject.birth.to_string(),
            "address": [{ "use": "home", "text": subject.address, "country": country }],
            "communication": [{
                "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": subject.speaks }] }, "preferred": true,
            }],
        });
        self.add("Patient", RecordClass::Demographics, resource);
    }

    /// A problem that began `days` ago.
    pub fn illness(&mut self, key: &str, days: i64, active: bool) {
        let Some(known) = illness(key) else { return };
        let icd = Word {
            system: ICD10,
            code: known.icd10,
            en: known.en,
            zh: known.zh,
        };
        let mut codings = vec![icd.coding()];
        if !known.snomed.is_empty() {
            codings.push(
                Word {
                    system: SNOMED,
                    code: known.snomed,
                    en: known.en,
                    zh: known.zh,
                }
                .coding(),
            );
        }
        let (class, label) =
            sensitivity(known.label).unwrap_or((RecordClass::Problems, Value::Null));
        let mut resource = json!({});
        if !label.is_null() {
            resource["meta"] = label;
        }
        resource["clinicalStatus"] = plain(
            "condition-clinical",
            if active { "active" } else { "resolved" },
        );
        resource["verificationStatus"] = plain("condition-ver-status", "confirmed");
        resource["category"] = json!([plain("condition-category", "problem-list-item")]);
        resource["code"] = json!({ "coding": codings });
        resource["subject"] = self.subject();
        resource["onsetDateTime"] = json!(self.day(days));
        resource["recordedDate"] = json!(self.day(days));
        resource["recorder"] = self.signed_by();
        self.add("Condition", class, resource);
    }

    pub fn allergy(&mut self, key: &str, days: i64, reaction: (&str, &str)) {
        let Some((_, snomed, en, zh)) = ALLERGENS.iter().find(|a| a.0 == key) else {
            return;
        };
        let mut code = said((en, zh), false);
        if !snomed.is_empty() {
            code = Word {
                system: SNOMED,
                code: snomed,
                en,
                zh,
            }
            .concept();
        }
        let resource = json!({
            "clinicalStatus": plain("allergyintolerance-clinical", "active"),
            "verificationStatus": plain("allergyintolerance-verification", "confirmed"),
            "type": "allergy", "category": ["medication"], "criticality": "high",
            "code": code, "patient": self.subject(), "recordedDate": self.day(days),
            "recorder": self.signed_by(),
            "reaction": [{ "manifestation": [{ "text": reaction.0 }], "description": reaction.1 }],
        });
        self.add("AllergyIntolerance", RecordClass::Allergies, resource);
    }

    pub fn medicine(&mut self, key: &str, days: i64) {
        let Some(known) = medicine(key) else { return };
        let chinese = self.hospital.jurisdiction == "CN";
        let psychiatric = known.atc.starts_with("N06A");
        let (class, label) = if psychiatric {
            sensitivity("PSY")
        } else {
            None
        }
        .unwrap_or((RecordClass::Medications, Value::Null));
        let mut resource = json!({});
        if !label.is_null() {
            resource["meta"] = label;
        }
        resource["status"] = json!("active");
        resource["intent"] = json!("order");
        resource["medicationCodeableConcept"] = Word {
            system: ATC,
            code: known.atc,
            en: known.en,
            zh: known.zh,
        }
        .concept();
        resource["subject"] = self.subject();
        resource["authoredOn"] = json!(self.day(days));
        resource["requester"] = self.signed_by();
        resource["dosageInstruction"] = json!([{
            "text": if chinese { known.dose_zh } else { known.dose_en },
        }]);
        self.add("MedicationRequest", class, resource);
    }

    /// One measurement, `days` ago; the value in the unit of [`Analyte::unit`].
    pub fn measure(&mut self, key: &str, days: i64, value: f64) {
        let Some(known) = analyte(key) else { return };
        let vital = VITALS.contains(&key);
        let hour = if vital {
            self.dice.between(8, 11)
        } else {
            self.dice.between(7, 9)
        };
        let at = self.moment(days, hour);
        let (loinc, unit, factor, decimals) = match known.conventional {
            Some(conventional) if self.conventional => conventional,
            _ => (known.loinc, known.unit, 1.0, known.decimals),
        };
        let psychiatric = key == "phq9";
        let (class, label) = if psychiatric {
            sensitivity("PSY")
        } else {
            None
        }
        .unwrap_or((
            if vital {
                RecordClass::Vitals
            } else {
                RecordClass::Laboratory
            },
            Value::Null,
        ));
        let mut resource = json!({});
        if !label.is_null() {
            resource["meta"] = label;
        }
        let word = Word {
            system: LOINC,
            code: loinc,
            en: known.en,
            zh: known.zh,
        };
        resource["status"] = json!("final");
        let category = if vital { "vital-signs" } else { "laboratory" };
        resource["category"] = json!([plain("observation-category", category)]);
        resource["code"] = word.concept();
        resource["subject"] = self.subject();
        resource["effectiveDateTime"] = json!(self.written(at));
        resource["issued"] =
            json!(self.written((at + SignedDuration::from_mins(25)).min(self.now)));
        resource["performer"] = json!([{ "display": self.hospital.name_en }]);
        resource["valueQuantity"] = quantity(value * factor, decimals, unit);
        if let Some(flag) = interpretation(known, value) {
            resource["interpretation"] = json!([plain("v3-ObservationInterpretation", flag)]);
        }
        if known.low > 0.0 || known.high > 0.0 {
            let mut range = json!({});
            if known.low > 0.0 {
                range["low"] = quantity(known.low * factor, decimals, unit);
            }
            if known.high > 0.0 {
                range["high"] = quantity(known.high * factor, decimals, unit);
            }
            resource["referenceRange"] = json!([range]);
        }
        self.add("Observation", class, resource);
    }

    /// A blood pressure as one panel (LOINC 85354-9), mm[Hg].
    pub fn pressure(&mut self, days: i64, systolic: f64, diastolic: f64) {
        let hour = self.dice.between(8, 11);
        let at = self.moment(days, hour);
        let part = |key: &str, value: f64| {
            analyte(key).map(|a| {
                json!({
                    "code": Word { system: LOINC, code: a.loinc, en: a.en, zh: a.zh }.concept(),
                    "valueQuantity": quantity(value, 0, a.unit),
                })
            })
        };
        let components: Vec<Value> = [part("systolic", systolic), part("diastolic", diastolic)]
            .into_iter()
            .flatten()
            .collect();
        let resource = json!({
            "status": "final",
            "category": [plain("observation-category", "vital-signs")],
            "code": Word { system: LOINC, code: "85354-9", en: "Blood pressure", zh: "血压" }.concept(),
            "subject": self.subject(),
            "effectiveDateTime": self.written(at),
            "performer": [{ "display": self.hospital.name_en }],
            "component": components,
        });
        self.add("Observation", RecordClass::Vitals, resource);
    }

    pub fn vaccine(&mut self, cvx: &str, words: (&str, &str), days: i64) {
        let resource = json!({
            "status": "completed",
            "vaccineCode": Word { system: CVX, code: cvx, en: words.0, zh: words.1 }.concept(),
            "patient": self.subject(), "occurrenceDateTime": self.day(days), "primarySource": true,
        });
        self.add("Immunization", RecordClass::Immunizations, resource);
    }

    /// A visit: `AMB`, `IMP` or `EMER` of v3-ActCode, lasting `stay` days.
    pub fn visit(&mut self, class: &str, words: (&str, &str), days: i64, stay: i64) -> String {
        let begin = self.moment(days, 10);
        let end = (begin + SignedDuration::from_hours(24 * stay) + SignedDuration::from_mins(35))
            .min(self.now);
        let resource = json!({
            "status": "finished",
            "class": { "system": format!("{TERMINOLOGY}/v3-ActCode"), "code": class },
            "subject": self.subject(),
            "participant": [{ "individual": self.signed_by() }],
            "period": { "start": self.written(begin), "end": self.written(end) },
            "reasonCode": [self.said(words)],
            "serviceProvider": { "display": self.hospital.name_en },
        });
        self.add("Encounter", RecordClass::Encounters, resource)
    }

    pub fn procedure(&mut self, words: (&str, &str), days: i64) {
        let resource = json!({
            "status": "completed", "code": self.said(words),
            "subject": self.subject(), "performedDateTime": self.day(days),
            "performer": [{ "actor": self.signed_by() }],
        });
        self.add("Procedure", RecordClass::Procedures, resource);
    }

    /// A report with its conclusion. `class` is imaging, pathology or laboratory.
    pub fn report(
        &mut self,
        class: RecordClass,
        code: (&str, &str, &str),
        days: i64,
        conclusion: &str,
    ) -> String {
        let at = self.moment(days, 15);
        let category = match class {
            RecordClass::Pathology => "PAT",
            RecordClass::Laboratory => "LAB",
            _ => "RAD",
        };
        let resource = json!({
            "status": "final",
            "category": [plain("v2-0074", category)],
            "code": Word { system: LOINC, code: code.0, en: code.1, zh: code.2 }.concept(),
            "subject": self.subject(),
            "effectiveDateTime": self.written(at),
            "issued": self.written((at + SignedDuration::from_mins(50)).min(self.now)),
            "performer": [{ "display": self.hospital.name_en }],
            "conclusion": conclusion,
        });
        self.add("DiagnosticReport", class, resource)
    }

    /// A file and the DocumentReference that points at it.
    pub fn file(
        &mut self,
        name: &str,
        title: &str,
        content_type: &'static str,
        days: i64,
        bytes: Vec<u8>,
    ) -> String {
        let id = self.dice.id();
        let at = self.moment(days, 15);
        let resource = json!({
            "id": id,
            "status": "current",
            "type": { "text": title },
            "subject": self.subject(),
            "date": self.written(at),
            "author": [self.signed_by()],
            "content": [{ "attachment": {
                "contentType": content_type, "url": format!("Binary/{id}"), "size": bytes.len(), "title": name,
                "creation": self.written(at),
            } }],
        });
        self.add("DocumentReference", RecordClass::Documents, resource);
        self.record.files.push(File {
            id: id.clone(),
            name: name.into(),
            title: title.into(),
            content_type,
            class: RecordClass::Documents,
            bytes,
        });
        id
    }

    /// Words in the hospital's own language, with their translation.
    fn said(&self, words: (&str, &str)) -> Value {
        said(words, self.hospital.jurisdiction == "CN")
    }
}

/// A concept in words alone, English and Chinese, one the translation of the other.
fn said((en, zh): (&str, &str), chinese_first: bool) -> Value {
    let (text, lang, content) = if chinese_first {
        (zh, "en", en)
    } else {
        (en, "zh-CN", zh)
    };
    json!({ "text": text, "_text": translation(lang, content) })
}

/// The extension `translation` of a primitive (FHIR R4 §2.1.27.0.1).
fn translation(lang: &str, content: &str) -> Value {
    json!({ "extension": [{ "url": TRANSLATION, "extension": [
        { "url": "lang", "valueCode": lang }, { "url": "content", "valueString": content }
    ] }] })
}

fn quantity(value: f64, decimals: usize, unit: &str) -> Value {
    json!({ "value": exact(value, decimals), "unit": printed_unit(unit), "system": UCUM, "code": unit })
}

/// How people write a UCUM unit.
fn printed_unit(ucum: &str) -> &str {
    match ucum {
        "umol/L" => "µmol/L",
        "ug/L" => "µg/L",
        "10*9/L" => "10⁹/L",
        "mm[Hg]" => "mmHg",
        "Cel" => "°C",
        "m[IU]/L" => "mIU/L",
        "[IU]/mL" => "IU/mL",
        "[IU]/L" => "IU/L",
        "k[IU]/L" => "kIU/L",
        "mL/min/{1.73_m2}" => "mL/min/1.73 m²",
        "ng/mL{FEU}" => "ng/mL FEU",
        "mg/(24.h)" => "mg/24 h",
        "{INR}" | "[pH]" | "{score}" => "1",
        other => other,
    }
}

fn interpretation(known: &Analyte, value: f64) -> Option<&'static str> {
    if known.high > 0.0 && value > known.high {
        Some("H")
    } else if known.low > 0.0 && value < known.low {
        Some("L")
    } else {
        None
    }
}

/// The class and the `meta` of a sensitivity label (v3-ActCode).
fn sensitivity(label: &str) -> Option<(RecordClass, Value)> {
    let class = match label {
        "PSY" => RecordClass::MentalHealth,
        "ETH" => RecordClass::SubstanceUse,
        "STD" => RecordClass::SexualHealth,
        _ => return None,
    };
    let meta =
        json!({ "security": [{ "system": format!("{TERMINOLOGY}/v3-ActCode"), "code": label }] });
    Some((class, meta))
}
