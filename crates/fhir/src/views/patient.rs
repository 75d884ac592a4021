//! Patient

use super::redacted;
use super::types::{HumanName, Identifier, Reference, list, text};
use crate::json::Json;

redacted!(Patient, Deceased);

/// Whether and when a patient died.
#[derive(Clone, PartialEq, Eq)]
pub enum Deceased {
    /// At a time that is not said.
    Yes,
    /// dateTime as written.
    On(String),
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Patient {
    pub id: Option<String>,
    pub active: Option<bool>,
    pub names: Vec<HumanName>,
    /// Date as written: `1990`, `1990-05`, `1990-05-01`.
    pub birth_date: Option<String>,
    /// Administrative gender: male, female, other, unknown.
    pub sex: Option<String>,
    pub identifiers: Vec<Identifier>,
    pub deceased: Option<Deceased>,
    /// (system, value): `phone`, `email`.
    pub telecom: Vec<(String, String)>,
    /// As text, most specific part first.
    pub addresses: Vec<String>,
    /// BCP 47; the preferred one first.
    pub languages: Vec<String>,
    pub general_practitioners: Vec<Reference>,
    pub managing_organization: Option<Reference>,
}

impl Patient {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let mut languages: Vec<(bool, String)> = v
            .list("communication")
            .filter_map(|c| {
                let code = c
                    .get("language")?
                    .list("coding")
                    .find_map(|c| text(c, "code"))?;
                Some((
                    c.get("preferred").and_then(Json::boolean) != Some(true),
                    code,
                ))
            })
            .collect();
        languages.sort_by_key(|(later, _)| *later);
        Self {
            id: text(v, "id"),
            active: v.get("active").and_then(Json::boolean),
            names: list(v, "name", HumanName::from_value),
            birth_date: text(v, "birthDate"),
            sex: text(v, "gender"),
            identifiers: list(v, "identifier", Identifier::from_value),
            deceased: match (
                text(v, "deceasedDateTime"),
                v.get("deceasedBoolean").and_then(Json::boolean),
            ) {
                (Some(at), _) => Some(Deceased::On(at)),
                (None, Some(true)) => Some(Deceased::Yes),
                _ => None,
            },
            telecom: v
                .list("telecom")
                .filter_map(|t| Some((text(t, "system").unwrap_or_default(), text(t, "value")?)))
                .collect(),
            addresses: v
                .list("address")
                .map(address)
                .filter(|a| !a.is_empty())
                .collect(),
            languages: languages.into_iter().map(|(_, code)| code).collect(),
            general_practitioners: list(v, "generalPractitioner", Reference::from_value),
            managing_organization: v.get("managingOrganization").map(Reference::from_value),
        }
    }

    /// The name in the script the patient writes it in: the first that is not Latin, else the first. Old names and
    /// nicknames come last.
    pub fn native_name(&self) -> Option<String> {
        let names = self.by_use();
        names
            .iter()
            .find(|n| !n.is_latin())
            .or(names.first())
            .map(|n| n.display())
            .filter(|n| !n.is_empty())
    }
    /// The name in Latin script, if there is one.
    pub fn latin_name(&self) -> Option<String> {
        self.by_use()
            .iter()
            .find(|n| n.is_latin())
            .map(|n| n.display())
    }
    fn by_use(&self) -> Vec<&HumanName> {
        let mut names: Vec<&HumanName> = self
            .names
            .iter()
            .filter(|n| !n.display().is_empty())
            .collect();
        names.sort_by_key(|n| match n.r#use.as_deref() {
            Some("official") => 0,
            Some("usual") | None => 1,
            Some("old" | "maiden" | "nickname") => 3,
            Some(_) => 2,
        });
        names
    }
    /// The value of the identifier that a system issued.
    pub fn identifier(&self, system: &str) -> Option<&str> {
        self.identifiers
            .iter()
            .find(|i| i.system.as_deref() == Some(system))
            .map(|i| i.value.as_str())
    }
}

fn address<'a>(a: impl Json<'a>) -> String {
    if let Some(text) = a.str_at("text") {
        return text.to_owned();
    }
    let lines = a.list("line").filter_map(Json::text);
    let parts = ["district", "city", "state", "postalCode", "country"]
        .into_iter()
        .filter_map(|k| a.str_at(k));
    lines.chain(parts).collect::<Vec<_>>().join(", ")
}
