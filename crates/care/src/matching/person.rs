//! What of a Patient resource a comparison looks at.

use fhir::json::Json;

/// A patient as it is compared.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub identifiers: Vec<Identifier>,
    pub names: Vec<Name>,
    /// FHIR date of any precision.
    pub birth_date: Option<String>,
    /// FHIR administrative-gender.
    pub sex: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person([phi])")
    }
}

/// An identifier with its issuer.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The issuer's system address.
    pub system: String,
    pub value: String,
    /// HL7 v2 table 0203 code (`MR`, `NI`, `PPN`, …), if given.
    pub kind: Option<String>,
}

impl Identifier {
    /// Without blanks, hyphens and case: how numbers are copied differs, the number does not.
    pub fn folded(&self) -> String {
        self.value
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_uppercase)
            .collect()
    }
}

/// One of a person's names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub family: String,
    pub given: String,
    /// The whole name as written.
    pub text: String,
}

impl Name {
    /// The whole name, from its parts if need be. Han names are written without a blank.
    pub fn whole(&self) -> String {
        if !self.text.is_empty() {
            return self.text.clone();
        }
        let han = self.family.chars().any(super::name::is_han);
        match (self.family.is_empty(), self.given.is_empty()) {
            (false, false) if han => format!("{}{}", self.family, self.given),
            (false, false) => format!("{} {}", self.given, self.family),
            _ => format!("{}{}", self.given, self.family),
        }
    }
}

impl Person {
    /// Reads a FHIR R4 Patient (§8.1).
    pub fn read<'a, J: Json<'a>>(patient: J) -> Self {
        let text = |v: J, name: &str| v.str_at(name).unwrap_or_default().trim().to_owned();
        let identifiers = patient
            .list("identifier")
            .filter(|i| i.str_at("use") != Some("old"))
            .filter_map(|i| {
                Some(Identifier {
                    system: i.str_at("system")?.to_owned(),
                    value: i.str_at("value")?.trim().to_owned(),
                    kind: i
                        .get("type")
                        .and_then(|t| t.list("coding").find_map(|c| c.str_at("code")))
                        .map(str::to_owned),
                })
            })
            .filter(|i| !i.value.is_empty())
            .collect();
        let names = patient
            .list("name")
            .map(|n| Name {
                family: text(n, "family"),
                given: n
                    .list("given")
                    .filter_map(|g| g.text())
                    .collect::<Vec<_>>()
                    .join(" "),
                text: text(n, "text"),
            })
            .filter(|n| !n.whole().is_empty())
            .collect();
        Self {
            identifiers,
            names,
            birth_date: patient.str_at("birthDate").map(str::to_owned),
            sex: patient.str_at("gender").map(str::to_owned),
        }
    }
}
