//! Small resources with invented content.

use kernel::{HospitalId, Kind, RecordKey, ResourceId};

/// The key of a record; panics on a text that is no key.
#[allow(clippy::expect_used)] // a test's own literals
pub fn key(hospital: &str, kind: &str, id: &str) -> RecordKey {
    RecordKey::parse(hospital, kind, id).expect("a valid key")
}

#[allow(clippy::expect_used)]
pub fn hospital_id(slug: &str) -> HospitalId {
    HospitalId::new(slug).expect("a valid hospital id")
}

#[allow(clippy::expect_used)]
pub fn id(text: &str) -> ResourceId {
    ResourceId::new(text).expect("a valid id")
}

#[allow(clippy::expect_used)]
pub fn kind(text: &str) -> Kind {
    Kind::new(text).expect("a valid kind")
}

/// A Patient with a name, birth date and identifier that follow from `n`.
pub fn patient(n: u64) -> String {
    const FAMILY: [&str; 6] = ["Tursun", "Ismail", "Zhao", "Li", "Nurlan", "Hashim"];
    const GIVEN: [&str; 5] = ["Aynur", "Wei", "Dilnaz", "Arman", "Meryem"];
    let family = FAMILY[(n % 6) as usize];
    let given = GIVEN[(n % 5) as usize];
    let gender = if n.is_multiple_of(2) {
        "female"
    } else {
        "male"
    };
    format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:test:mrn","value":"P{n}"}}],"name":[{{"family":"{family}","given":["{given}"]}}],"gender":"{gender}","birthDate":"19{:02}-0{}-1{}"}}"#,
        40 + n % 60,
        1 + n % 9,
        n % 10,
    )
}

/// A laboratory Observation of a patient: potassium, whose value keeps its trailing zero.
pub fn potassium(patient: &str, n: u64) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"2823-3","display":"Potassium"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-0{}-1{}T0{}:00:00Z","valueQuantity":{{"value":{}.{}0,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}}}"#,
        1 + n % 9,
        n % 9,
        n % 10,
        3 + n % 3,
        n % 10,
    )
}
