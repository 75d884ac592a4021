//! Labels and codes that make a resource sensitive.

use crate::json::Json;

/// The sensitive classes, the one that weighs most first.
const ORDER: &[&str] = &[
    "safeguarding",
    "sexual-health",
    "genetics",
    "mental-health",
    "substance-use",
    "reproductive-health",
    "unclassified",
];

/// The weightiest class found in one resource.
#[derive(Default)]
pub(super) struct Findings {
    class: Option<&'static str>,
}

impl Findings {
    fn add(&mut self, class: &'static str) {
        let weight = |c: &str| ORDER.iter().position(|o| *o == c);
        if self.class.is_none_or(|known| weight(class) < weight(known)) {
            self.class = Some(class);
        }
    }
    /// Takes what was found elsewhere in the same resource into account.
    pub(super) fn merge(&mut self, other: &Self) {
        if let Some(class) = other.class {
            self.add(class);
        }
    }
    pub(super) fn verdict(&self) -> Option<&'static str> {
        self.class
    }
}

/// Labelled "no disclosure to patient, family or caregivers without attending provider's authorization".
pub(super) fn is_withheld<'a, J: Json<'a>>(resource: J) -> bool {
    labels(resource).any(|label| label.str_at("code") == Some(NOPAT))
}

/// HL7 v3 ActCode, a refrain policy.
const NOPAT: &str = "NOPAT";

fn labels<'a, J: Json<'a>>(resource: J) -> impl Iterator<Item = J> {
    let meta = resource.get("meta");
    meta.into_iter().flat_map(|m| m.list("security"))
}

/// From `meta.security`: information sensitivity codes of HL7 v3 ActCode; a confidentiality of restricted or very
/// restricted, or a label for reasons we do not know, asks for a person's decision.
pub(super) fn from_labels<'a, J: Json<'a>>(resource: J) -> Findings {
    let mut found = Findings::default();
    let mut restricted = false;
    for label in labels(resource) {
        let system = label.str_at("system").unwrap_or_default();
        let code = label.str_at("code").unwrap_or_default();
        if system.ends_with("v3-Confidentiality") {
            restricted |= matches!(code, "R" | "V");
            continue;
        }
        match code {
            "PSY" | "PSYTHPN" | "BH" | "COGN" | "EMOTDIS" | "DVD" => found.add("mental-health"),
            "HIV" | "STD" | "SEX" => found.add("sexual-health"),
            "PREGNANT" | "REPRO" | "FERT" | "ABORT" => found.add("reproductive-health"),
            "ETH" | "ETHUD" | "SUD" | "OPIOIDUD" | "ALC" | "DRGIS" => found.add("substance-use"),
            "GDIS" | "SCA" => found.add("genetics"),
            "SDV" | "MST" | "VIO" | "SPI" => found.add("safeguarding"),
            "TBOO" | "VIP" | "CEL" | "EMP" | "LOCIS" => restricted = true,
            _ => {}
        }
    }
    if restricted {
        found.add("unclassified");
    }
    found
}

/// Where resources say what they are about.
const ELEMENTS: &[&str] = &[
    "code",
    "reasonCode",
    "medicationCodeableConcept",
    "vaccineCode",
    "type",
    "serviceType",
    "conclusionCode",
    "valueCodeableConcept",
    "diagnosis",
];

/// From the codes that say what the resource is about.
pub(super) fn from_codes<'a, J: Json<'a>>(kind: &str, resource: J) -> Findings {
    let mut found = Findings::default();
    if matches!(
        kind,
        "Patient" | "Practitioner" | "Organization" | "Location" | "AuditEvent" | "Provenance"
    ) {
        return found;
    }
    for name in ELEMENTS {
        let Some(element) = resource.get(name) else {
            continue;
        };
        for (system, code) in super::codings(Some(element)) {
            if let Some(class) = class_of(system, code) {
                found.add(class);
            }
        }
    }
    // The conditions a relative had.
    for condition in resource.list("condition") {
        for (system, code) in super::codings(condition.get("code")) {
            if let Some(class) = class_of(system, code) {
                found.add(class);
            }
        }
    }
    found
}

fn class_of(system: &str, code: &str) -> Option<&'static str> {
    if system.contains("icd-10") || system.contains("icd10") {
        return icd10(code);
    }
    match system {
        "http://snomed.info/sct" => SNOMED
            .iter()
            .find(|(_, codes)| codes.contains(&code))
            .map(|(c, _)| *c),
        "http://loinc.org" => LOINC
            .iter()
            .find(|(_, codes)| codes.contains(&code))
            .map(|(c, _)| *c),
        "http://www.whocc.no/atc" => ATC
            .iter()
            .find(|(_, groups)| groups.iter().any(|g| code.starts_with(g)))
            .map(|(c, _)| *c),
        _ => None,
    }
}

/// ICD-10 (WHO) chapters and blocks; the national modifications keep them.
fn icd10(code: &str) -> Option<&'static str> {
    let letter = code.chars().next()?;
    let number: u32 = code.get(1..3)?.parse().ok()?;
    Some(match (letter, number) {
        ('F', 10..=19) => "substance-use",
        ('F', _) | ('X', 60..=84) | ('R', 45) => "mental-health",
        ('A', 50..=64) | ('B', 20..=24) => "sexual-health",
        ('Z', 21) => "sexual-health",
        ('Z', 14 | 15) | ('Q', 90..=99) => "genetics",
        ('O', _) | ('N', 46 | 97) | ('Z', 30..=39) => "reproductive-health",
        ('T', 74 | 76) | ('Z', 69) | ('Y', 5..=7) => "safeguarding",
        ('Z', 50) if code.starts_with("Z50.2") || code.starts_with("Z50.3") => "substance-use",
        ('Z', 71) if code.starts_with("Z71.4") || code.starts_with("Z71.5") => "substance-use",
        _ => return None,
    })
}

type Lists = &'static [(&'static str, &'static [&'static str])];

/// SNOMED CT concepts in common use. Without the hierarchy this list can't be complete: sources that know more put a
/// label on the resource.
const SNOMED: Lists = &[
    (
        "mental-health",
        &[
            "74732009",
            "35489007",
            "370143000",
            "36923009",
            "13746004",
            "58214004",
            "197480006",
            "47505003",
            "406506008",
            "192127007",
            "231504006",
            "6471006",
            "82313006",
            "52448006",
            "69322001",
            "191736004",
            "72366004",
            "17496003",
            "21897009",
            "78667006",
        ],
    ),
    (
        "substance-use",
        &[
            "7200002",
            "66590003",
            "15167005",
            "191816009",
            "26416006",
            "75544000",
            "55680006",
            "5602001",
            "6525002",
        ],
    ),
    (
        "sexual-health",
        &[
            "86406008",
            "62479008",
            "165816005",
            "8098009",
            "76272004",
            "15628003",
            "240589008",
            "105629000",
            "266138002",
        ],
    ),
    (
        "reproductive-health",
        &[
            "77386006",
            "72892002",
            "47200007",
            "17369002",
            "19169002",
            "386639001",
            "57797005",
            "8619003",
            "15296000",
            "79586000",
            "35999006",
            "398254007",
            "15938005",
            "156073000",
            "65588006",
            "169560008",
            "65200003",
            "46706006",
            "699240001",
            "169553002",
        ],
    ),
    (
        "safeguarding",
        &[
            "397940009",
            "95922009",
            "706893006",
            "225826005",
            "371775004",
            "95930005",
            "251862007",
        ],
    ),
    (
        "genetics",
        &[
            "409709004",
            "65959000",
            "58756001",
            "254781005",
            "412734009",
            "412738007",
        ],
    ),
];

/// LOINC: questionnaires and tests whose very existence is sensitive.
const LOINC: Lists = &[
    (
        "mental-health",
        &[
            "44249-1", "44261-6", "55757-9", "55758-7", "69737-5", "70274-6", "69730-0", "93373-9",
            "73831-0",
        ],
    ),
    (
        "substance-use",
        &[
            "75626-2", "72109-2", "82666-9", "82667-7", "3426-4", "19659-2",
        ],
    ),
    (
        "sexual-health",
        &[
            "56888-1", "7917-8", "7918-6", "20447-9", "25836-8", "24467-3", "75622-1", "89374-3",
            "76690-7", "76691-5", "20507-0", "22461-8", "43304-5", "43305-2",
        ],
    ),
    (
        "reproductive-health",
        &[
            "2106-3", "2118-8", "82810-3", "11778-8", "8665-2", "21112-8", "19080-1",
        ],
    ),
    (
        "genetics",
        &[
            "51969-4", "81247-9", "55233-1", "48018-6", "53037-8", "51968-6",
        ],
    ),
];

/// ATC groups: antipsychotics, antidepressants, treatment of addiction, of HIV, contraception and fertility.
const ATC: Lists = &[
    ("mental-health", &["N05A", "N06A", "N06B"]),
    ("substance-use", &["N07BB", "N07BC"]),
    ("sexual-health", &["J05AE", "J05AG", "J05AR", "J05AJ"]),
    ("reproductive-health", &["G03A", "G03G", "G02B"]),
];
