//! Made-up records to fill a server with, shaped as a source such as Synthea gives them: one transaction for each patient, linked by
//! `urn:uuid`. Text from the start, so that making them takes the load generator no time.

use std::fmt::Write as _;

/// Codes an observation may have, with unit and a middle value.
pub const CODES: &[(&str, &str, &str, f64)] = &[
    ("2823-3", "Potassium", "mmol/L", 4.1),
    ("2951-2", "Sodium", "mmol/L", 140.0),
    ("2160-0", "Creatinine", "umol/L", 81.0),
    ("2345-7", "Glucose", "mmol/L", 5.4),
    ("718-7", "Hemoglobin", "g/L", 136.0),
    ("6690-2", "Leukocytes", "10*9/L", 6.8),
    ("777-3", "Platelets", "10*9/L", 244.0),
    ("8867-4", "Heart rate", "/min", 72.0),
    ("9279-1", "Respiratory rate", "/min", 14.0),
    ("8310-5", "Body temperature", "Cel", 36.7),
];
/// Visits of one patient; each has one observation of every code.
pub const VISITS: usize = 20;
/// Entries of one transaction: patient, conditions, and for each visit an encounter, a report, an order and the observations.
pub const ENTRIES: usize = 1 + CONDITIONS + VISITS * (3 + 10);
const CONDITIONS: usize = 6;
const LOINC: &str = "http://loinc.org";

/// The medical record number of the patient made from `n`.
pub fn number(n: usize) -> String {
    format!("B{n:07}")
}

/// The system of those numbers.
pub const NUMBERS: &str = "urn:oid:1.2.36.146.595.217.0.1";

pub fn patient(n: usize) -> String {
    let families = ["Ablimit", "Sokolova", "Tursun", "Wang", "Bekov", "Rahimova"];
    let given = [
        "Gulnar", "Aigul", "Mehmet", "Li", "Ivan", "Dilnoza", "Qadir",
    ];
    format!(
        r#"{{"resourceType":"Patient","identifier":[{{"use":"official","type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}}]}},"system":"{NUMBERS}","value":"{}"}}],"name":[{{"use":"official","family":"{}","given":["{} {n}"]}}],"telecom":[{{"system":"phone","value":"555-{:04}","use":"home"}}],"gender":"{}","birthDate":"{}-{:02}-{:02}","address":[{{"line":["{} Canal Road"],"city":"Saryozen","country":"KZ"}}]}}"#,
        number(n),
        families[n % families.len()],
        given[n % given.len()],
        n % 10_000,
        if n.is_multiple_of(2) {
            "female"
        } else {
            "male"
        },
        1940 + n % 80,
        1 + n % 12,
        1 + n % 28,
        1 + n % 90,
    )
}

/// An observation of `CODES[code]` at a visit.
pub fn observation(subject: &str, encounter: Option<&str>, code: usize, visit: usize) -> String {
    let (loinc, display, unit, middle) = CODES[code % CODES.len()];
    let encounter = encounter.map_or_else(String::new, |e| {
        format!(r#","encounter":{{"reference":"{e}"}}"#)
    });
    let value = middle * (0.9 + (visit * 7 % 20) as f64 / 100.0);
    format!(
        r#"{{"resourceType":"Observation","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}}]}}],"code":{{"coding":[{{"system":"{LOINC}","code":"{loinc}","display":"{display}"}}],"text":"{display}"}},"subject":{{"reference":"{subject}"}}{encounter},"effectiveDateTime":"{}","issued":"{}","valueQuantity":{{"value":{value:.2},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}},"referenceRange":[{{"low":{{"value":{:.1},"unit":"{unit}"}},"high":{{"value":{:.1},"unit":"{unit}"}}}}]}}"#,
        when(visit, code),
        when(visit, code + 20),
        middle * 0.9,
        middle * 1.1,
    )
}

fn when(visit: usize, minute: usize) -> String {
    format!(
        "20{:02}-{:02}-{:02}T08:{:02}:00+08:00",
        5 + visit % 20,
        1 + visit * 5 % 12,
        1 + visit * 3 % 28,
        minute % 60
    )
}

/// One patient's whole record as a transaction.
pub fn transaction(n: usize) -> String {
    let mut out = String::with_capacity(ENTRIES * 1_100);
    out.push_str(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    let uuid = |part: usize, i: usize| format!("urn:uuid:{n:08x}-0000-4000-8{part:03x}-{i:012x}");
    let who = uuid(0, 0);
    let mut first = true;
    let mut entry = |url: &str, kind: &str, resource: &str| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let _ = write!(
            out,
            r#"{{"fullUrl":"{url}","resource":{resource},"request":{{"method":"POST","url":"{kind}"}}}}"#
        );
    };
    entry(&who, "Patient", &patient(n));
    for i in 0..CONDITIONS {
        let condition = format!(
            r#"{{"resourceType":"Condition","clinicalStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}}]}},"verificationStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}}]}},"code":{{"coding":[{{"system":"http://snomed.info/sct","code":"{}","display":"Finding {i}"}}],"text":"Finding {i}"}},"subject":{{"reference":"{who}"}},"onsetDateTime":"{}"}}"#,
            44_054_006 + (n * 7 + i) % 400,
            when(i, i),
        );
        entry(&uuid(1, i), "Condition", &condition);
    }
    for v in 0..VISITS {
        let visit = uuid(2, v);
        let encounter = format!(
            r#"{{"resourceType":"Encounter","status":"finished","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}},"type":[{{"coding":[{{"system":"http://snomed.info/sct","code":"185349003","display":"Check up"}}]}}],"subject":{{"reference":"{who}"}},"period":{{"start":"{}","end":"{}"}}}}"#,
            when(v, 0),
            when(v, 45),
        );
        entry(&visit, "Encounter", &encounter);
        let mut results = String::new();
        for code in 0..CODES.len() {
            let url = uuid(3, v * CODES.len() + code);
            let _ = write!(
                results,
                r#"{}{{"reference":"{url}"}}"#,
                if code == 0 { "" } else { "," }
            );
            let text = observation(&who, Some(&visit), code, v);
            entry(&url, "Observation", &text);
        }
        let report = format!(
            r#"{{"resourceType":"DiagnosticReport","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}}]}}],"code":{{"coding":[{{"system":"{LOINC}","code":"51990-0","display":"Basic metabolic panel"}}]}},"subject":{{"reference":"{who}"}},"encounter":{{"reference":"{visit}"}},"effectiveDateTime":"{}","issued":"{}","result":[{results}]}}"#,
            when(v, 0),
            when(v, 50),
        );
        entry(&uuid(4, v), "DiagnosticReport", &report);
        let order = format!(
            r#"{{"resourceType":"MedicationRequest","status":"completed","intent":"order","medicationCodeableConcept":{{"coding":[{{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"{}","display":"Medicine {v}"}}]}},"subject":{{"reference":"{who}"}},"encounter":{{"reference":"{visit}"}},"authoredOn":"{}","dosageInstruction":[{{"text":"One tablet daily"}}]}}"#,
            310_965 + v,
            when(v, 40),
        );
        entry(&uuid(5, v), "MedicationRequest", &order);
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_has_the_entries_it_says() {
        let bundle: serde_json::Value = serde_json::from_str(&transaction(7)).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        assert_eq!(entries.len(), ENTRIES);
        assert_eq!(
            entries[0]["resource"]["identifier"][0]["value"],
            number(7).as_str()
        );
        let mut urls: Vec<_> = entries.iter().map(|e| e["fullUrl"].as_str()).collect();
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), ENTRIES);
    }
}
