//! The elements of every R4 type and resource (`elements.tsv`, `codes.tsv`, `patient_compartment.tsv`, written by
//! `cargo xtask search-params`).

use std::collections::HashMap;
use std::sync::OnceLock;

static ELEMENTS: &str = include_str!("elements.tsv");
static CODES: &str = include_str!("codes.tsv");
static COMPARTMENT: &str = include_str!("patient_compartment.tsv");

/// One type an element may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRef {
    /// `Quantity`, `dateTime`, or the path of a nested element (`Observation.component`).
    pub name: &'static str,
    /// For a Reference: the resource types it may point at; empty means any.
    pub targets: Vec<&'static str>,
}

/// One element of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Without the `[x]` of a choice.
    pub name: &'static str,
    pub choice: bool,
    pub required: bool,
    /// May repeat, and so is an array in JSON.
    pub many: bool,
    pub types: Vec<TypeRef>,
    /// The codes of a required binding, where they could be listed.
    pub codes: Option<&'static [&'static str]>,
}

/// A type with all its elements, inherited ones first.
#[derive(Debug)]
pub struct TypeDef {
    pub name: &'static str,
    pub base: &'static str,
    pub is_resource: bool,
    pub elements: Vec<Element>,
    /// By the name in JSON (`valueQuantity`): the element and which of its types.
    by_key: HashMap<String, (usize, usize)>,
}

impl TypeDef {
    /// The element behind a JSON member name.
    pub fn member(&self, key: &str) -> Option<(&Element, &TypeRef)> {
        let (e, t) = *self.by_key.get(key)?;
        let element = &self.elements[e];
        Some((element, &element.types[t]))
    }
    /// The element by its name in a path (`value` for `value[x]`).
    pub fn element(&self, name: &str) -> Option<&Element> {
        self.elements.iter().find(|e| e.name == name)
    }
}

impl Element {
    /// The JSON member name for one of the types.
    pub fn key(&self, of: &TypeRef) -> String {
        if self.choice {
            choice_key(self.name, of.name)
        } else {
            self.name.to_owned()
        }
    }
}

fn choice_key(name: &str, of: &str) -> String {
    let mut letters = of.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    name.chars().chain(first).chain(letters).collect()
}

/// True for the types that are a single value in JSON.
pub fn is_primitive(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A type, resource or nested element (`Observation.component`).
pub fn type_def(name: &str) -> Option<&'static TypeDef> {
    tables().types.get(name)
}

/// The standard's own spelling of a resource type that can be stored; `None` for anything else.
pub fn resource_type(name: &str) -> Option<&'static str> {
    tables()
        .types
        .get(name)
        .filter(|t| t.is_resource)
        .map(|t| t.name)
}

/// All resource types in alphabetical order.
pub fn resource_types() -> &'static [&'static str] {
    &tables().resources
}

/// The search parameters by which a type belongs to a patient's compartment (FHIR R4 §2.43); empty for types outside it.
pub fn patient_params(kind: &str) -> &'static [&'static str] {
    tables().compartment.get(kind).map_or(&[], Vec::as_slice)
}

struct Tables {
    types: HashMap<&'static str, TypeDef>,
    resources: Vec<&'static str>,
    compartment: HashMap<&'static str, Vec<&'static str>>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(load)
}

struct Draft {
    base: &'static str,
    kind: &'static str,
    elements: Vec<Element>,
}

fn load() -> Tables {
    let codes = codes();
    let mut drafts: HashMap<&'static str, Draft> = HashMap::new();
    let mut current = "";
    for line in ELEMENTS.lines().filter(|l| !l.starts_with('#')) {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default();
        if let Some(name) = line.strip_prefix('>') {
            current = name.split('\t').next().unwrap_or_default();
            cell();
            drafts.insert(
                current,
                Draft {
                    base: cell(),
                    kind: cell(),
                    elements: Vec::new(),
                },
            );
            continue;
        }
        let (name, min, max, types, set) = (cell(), cell(), cell(), cell(), cell());
        let element = Element {
            name: name.trim_end_matches("[x]"),
            choice: name.ends_with("[x]"),
            required: min != "0",
            many: max != "1" && max != "0",
            types: type_refs(types),
            codes: codes.get(set).copied(),
        };
        if let Some(draft) = drafts.get_mut(current) {
            draft.elements.push(element);
        }
    }
    let types: HashMap<_, _> = drafts
        .keys()
        .map(|name| (*name, finish(name, &drafts)))
        .collect();
    let mut resources: Vec<_> = types
        .values()
        .filter(|t| t.is_resource)
        .map(|t| t.name)
        .collect();
    resources.sort_unstable();
    let compartment = COMPARTMENT
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
        .map(|(kind, params)| (kind, params.split(',').collect()))
        .collect();
    Tables {
        types,
        resources,
        compartment,
    }
}

fn codes() -> HashMap<&'static str, &'static [&'static str]> {
    CODES
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
        .map(|(set, codes)| {
            // Kept for as long as the program runs, like the text it points into.
            let codes: &'static [&'static str] = codes.split(',').collect::<Vec<_>>().leak();
            (set, codes)
        })
        .collect()
}

/// `Quantity|Reference(Patient,Group)|@Observation.component`.
fn type_refs(text: &'static str) -> Vec<TypeRef> {
    text.split('|')
        .map(|t| match t.split_once('(') {
            Some((name, targets)) => TypeRef {
                name,
                targets: targets.trim_end_matches(')').split(',').collect(),
            },
            None => TypeRef {
                name: t.trim_start_matches('@'),
                targets: Vec::new(),
            },
        })
        .collect()
}

fn finish(name: &'static str, drafts: &HashMap<&'static str, Draft>) -> TypeDef {
    let mut chain = Vec::new();
    let mut at = Some(name);
    while let Some(draft) = at.and_then(|n| drafts.get(n)) {
        chain.push(draft);
        at = Some(draft.base).filter(|b| !b.is_empty());
    }
    let elements: Vec<Element> = chain
        .iter()
        .rev()
        .flat_map(|d| d.elements.iter().cloned())
        .collect();
    let mut by_key = HashMap::new();
    for (e, element) in elements.iter().enumerate() {
        for (t, of) in element.types.iter().enumerate() {
            by_key.insert(element.key(of), (e, t));
        }
    }
    let own = chain.first();
    TypeDef {
        name,
        base: own.map_or("", |d| d.base),
        is_resource: own.is_some_and(|d| d.kind == "resource"),
        elements,
        by_key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_r4_resources_are_known() {
        assert_eq!(resource_types().len(), 146);
        assert_eq!(resource_type("Patient"), Some("Patient"));
        assert_eq!(resource_type("Quantity"), None);
        assert_eq!(resource_type("DomainResource"), None);
    }

    #[test]
    fn a_choice_is_found_by_its_name_in_json() {
        let observation = type_def("Observation").unwrap();
        let (element, of) = observation.member("valueQuantity").unwrap();
        assert_eq!((element.name, of.name), ("value", "Quantity"));
        assert!(observation.member("value").is_none());
        assert!(observation.member("meta").is_some(), "inherited");
    }

    #[test]
    fn every_type_that_is_named_exists() {
        for t in tables().types.values() {
            for r in t.elements.iter().flat_map(|e| &e.types) {
                assert!(
                    is_primitive(r.name) || type_def(r.name).is_some() || r.name == "*",
                    "{} in {}",
                    r.name,
                    t.name
                );
            }
        }
    }

    #[test]
    fn a_required_binding_has_its_codes() {
        let codes = type_def("Observation")
            .unwrap()
            .element("status")
            .unwrap()
            .codes
            .unwrap();
        assert!(codes.contains(&"entered-in-error") && codes.contains(&"final"));
    }
}
