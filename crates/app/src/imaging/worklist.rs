//! The modality worklist (PS3.4 §K): what a hospital's requests for imaging ask its scanners to do.
//!
//! A request is a ServiceRequest of the hospital whose category is imaging and which is active. It is on the list of
//! every entity that may ask: a request that names no station is for any of them, one that names one says so.

use fhir::search::{ParseOptions, parse_pairs};
use imaging::query::{Query, matches};
use imaging::{Dataset, VR, json, tags};
use jiff::tz::TimeZone;
use kernel::{HospitalId, RecordKey, ResourceId, limits};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Found;
use crate::records::patient_key;
use crate::{App, AppError, Cx};

/// Requests that are looked at for one question.
const REQUESTS_MAX: u32 = 1_000;
/// Category "imaging" (SNOMED CT), and radiology (HL7 v2 table 0074).
const CATEGORIES: [(&str, &str); 7] = [
    ("http://snomed.info/sct", "363679005"),
    (DIAGNOSTIC, "RAD"),
    (DIAGNOSTIC, "CT"),
    (DIAGNOSTIC, "NMR"),
    (DIAGNOSTIC, "NMS"),
    (DIAGNOSTIC, "RUS"),
    (DIAGNOSTIC, "CUS"),
];
const DIAGNOSTIC: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
/// Characters of SH (PS3.5 §6.2).
const SHORT: usize = 16;
pub(super) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

impl App {
    /// Scheduled procedure steps that match, as DICOM JSON objects. The reading is audited before this returns.
    pub async fn image_worklist(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        query: &Query,
    ) -> Result<Found, AppError> {
        self.known(hospital)?;
        let own_base = self.fhir_base(hospital);
        let options = ParseOptions {
            lenient: false,
            own_base: &own_base,
            now: cx.now,
        };
        let pairs = [
            ("category".to_owned(), categories()),
            ("status".to_owned(), "active".to_owned()),
            ("_count".to_owned(), REQUESTS_MAX.to_string()),
        ];
        let ask = parse_pairs("ServiceRequest", &pairs, &options)
            .map_err(|_| AppError::Internal("a search for requests".into()))?;
        let permit = cx.permit();
        let page = self.store.search(&permit, hospital, &ask).await?;
        let zone = self
            .hospital(hospital)
            .map_or(TimeZone::UTC, |h| h.time_zone());
        let limit = query.limit.unwrap_or(limits::IMAGE_QUERY_LIMIT_MAX) as usize;
        let mut found = Found::default();
        let mut skip = query.offset;
        for request in &page.matches {
            let Some(patient) = request.patient.clone() else {
                continue;
            };
            let who = patient_key(hospital, &patient);
            let Some(who) = self.store.get(&permit, &who, None).await? else {
                continue;
            };
            let parse = |s: &store::Stored| serde_json::from_slice::<Value>(s.body.reveal()).ok();
            let (Some(order), Some(person)) = (parse(request), parse(&who)) else {
                continue;
            };
            let step = Step {
                key: &request.key,
                order: &order,
                person: &person,
                station: &cx.name,
                zone: &zone,
            };
            let data = step.dataset();
            if !matches(query, &data) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if found.rows.len() == limit {
                found.more = true;
                break;
            }
            self.worklist_seen(cx, &request.key, &patient).await?;
            found.rows.push(json::of(&data).into());
        }
        found.more |= page.next.is_some();
        Ok(found)
    }

    async fn worklist_seen(
        &self,
        cx: &Cx,
        request: &RecordKey,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let subjects = std::slice::from_ref(request);
        self.note_read(
            cx,
            &request.hospital,
            Some(patient),
            subjects,
            "imaging.worklist.read",
        )
        .await
    }
}

/// Whether a category says that imaging is asked for.
pub(super) fn is_imaging(system: &str, code: &str) -> bool {
    CATEGORIES.contains(&(system, code))
}

/// The categories as a search names them.
fn categories() -> String {
    CATEGORIES.map(|(s, c)| format!("{s}|{c}")).join(",")
}

/// One request as a step that a scanner is to do.
struct Step<'a> {
    key: &'a RecordKey,
    order: &'a Value,
    person: &'a Value,
    /// Who asks: a request that names no station is for it as for any other.
    station: &'a str,
    zone: &'a TimeZone,
}

pub(super) fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn short(text: &str) -> String {
    let from = text.len().saturating_sub(SHORT);
    text.get(from..).unwrap_or(text).to_owned()
}

pub(super) fn list<'a>(v: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    v.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The accession number that a resource bears.
pub(super) fn accession_in(resource: &Value) -> Option<&str> {
    list(resource, "identifier")
        .find(|i| list(&i["type"], "coding").any(|c| text(c, "/code") == "ACSN"))
        .map(|i| text(i, "/value"))
        .filter(|v| !v.is_empty())
}

impl Step<'_> {
    fn dataset(&self) -> Dataset {
        let (order, id) = (self.order, self.key.id.as_str());
        let what = match text(order, "/code/text") {
            "" => text(order, "/code/coding/0/display"),
            said => said,
        };
        let mut d = Dataset::new();
        d.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        d.put_text(tags::ACCESSION_NUMBER, VR::SH, &self.accession());
        let requester = text(order, "/requester/display");
        d.put_text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, requester);
        d.put_text(tags::PATIENT_NAME, VR::PN, &self.name());
        let number = text(self.person, "/identifier/0/value");
        d.put_text(tags::PATIENT_ID, VR::LO, number);
        let born: String = text(self.person, "/birthDate")
            .chars()
            .filter(|c| *c != '-')
            .collect();
        let born = if born.len() == 8 { born.as_str() } else { "" };
        d.put_text(tags::PATIENT_BIRTH_DATE, VR::DA, born);
        let sex = match text(self.person, "/gender") {
            "male" => "M",
            "female" => "F",
            "other" => "O",
            _ => "",
        };
        d.put_text(tags::PATIENT_SEX, VR::CS, sex);
        d.put_text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study_uid());
        d.put_text(tags::REQUESTING_PHYSICIAN, VR::PN, requester);
        d.put_text(tags::REQUESTED_PROCEDURE_DESCRIPTION, VR::LO, what);
        d.put_text(tags::REQUESTED_PROCEDURE_ID, VR::SH, &short(id));
        let urgent = match text(order, "/priority") {
            "stat" => "STAT",
            "asap" | "urgent" => "HIGH",
            _ => "ROUTINE",
        };
        d.put_text(tags::REQUESTED_PROCEDURE_PRIORITY, VR::SH, urgent);
        let step = self.step(&d, what);
        d.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
        d
    }

    fn step(&self, of: &Dataset, what: &str) -> Dataset {
        let mut step = Dataset::item_of(of);
        let modality = list(self.order, "orderDetail")
            .chain(self.order.get("code"))
            .flat_map(|c| list(c, "coding"))
            .find(|c| text(c, "/system") == DCM)
            .map_or("", |c| text(c, "/code"));
        step.put_text(tags::MODALITY, VR::CS, modality);
        let named = list(self.order, "performer")
            .filter_map(|p| p.get("identifier"))
            .find(|i| text(i, "/system") == super::orders::AE_TITLE)
            .map(|i| text(i, "/value"));
        let station = named.unwrap_or(self.station);
        step.put_text(tags::SCHEDULED_STATION_AE_TITLE, VR::AE, station);
        let (date, time) = self.begins();
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, VR::DA, &date);
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, VR::TM, &time);
        step.put_text(tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, VR::PN, "");
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, VR::LO, what);
        let id = short(self.key.id.as_str());
        step.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, VR::SH, &id);
        step
    }

    /// The number the images are to carry: what the request says, else its own id.
    fn accession(&self) -> String {
        let said = accession_in(self.order).filter(|v| v.len() <= SHORT);
        said.map_or_else(|| short(self.key.id.as_str()), str::to_owned)
    }

    /// The patient's name in letters and, where it is written so, in characters.
    fn name(&self) -> String {
        let group = |n: &Value| {
            let given: Vec<&str> = list(n, "given").filter_map(Value::as_str).collect();
            let name = format!("{}^{}", text(n, "/family"), given.join(" "));
            name.replace(['=', '\\'], " ")
                .trim_end_matches('^')
                .to_owned()
        };
        let all: Vec<String> = list(self.person, "name").map(group).collect();
        let latin = all.iter().find(|n| n.is_ascii());
        let native = all.iter().find(|n| !n.is_ascii());
        match (latin, native) {
            (Some(latin), Some(native)) => format!("{latin}={native}"),
            (Some(latin), None) => latin.clone(),
            (None, Some(native)) => format!("={native}"),
            (None, None) => String::new(),
        }
    }

    /// The study that the images will be: what the request says, else one that follows from its key, the same each time
    /// it is asked for (PS3.5 §B.2).
    fn study_uid(&self) -> String {
        let said = list(self.order, "identifier")
            .find(|i| text(i, "/system") == "urn:dicom:uid")
            .map(|i| text(i, "/value").trim_start_matches("urn:oid:").to_owned());
        said.unwrap_or_else(|| {
            let digest = Sha256::digest(self.key.to_string().as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            // A UUID of its own making (RFC 9562 §5.8).
            bytes[6] = (bytes[6] & 0x0f) | 0x80;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
            format!("2.25.{}", u128::from_be_bytes(bytes))
        })
    }

    /// When it is to be done, in the hospital's own time.
    fn begins(&self) -> (String, String) {
        let said = [
            "/occurrenceDateTime",
            "/occurrencePeriod/start",
            "/authoredOn",
        ]
        .into_iter()
        .map(|p| text(self.order, p))
        .find(|t| !t.is_empty())
        .unwrap_or_default();
        if let Ok(at) = said.parse::<kernel::Instant>() {
            let at = at.to_zoned(self.zone.clone());
            return (
                at.strftime("%Y%m%d").to_string(),
                at.strftime("%H%M%S").to_string(),
            );
        }
        let digits: String = said.chars().filter(char::is_ascii_digit).collect();
        let date = if digits.len() == 8 {
            digits
        } else {
            String::new()
        };
        (date, String::new())
    }
}
