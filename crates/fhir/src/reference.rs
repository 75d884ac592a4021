//! Reference texts (FHIR R4 §2.3.0.1).

use crate::schema;

/// What the text of a reference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// `#id`: inside the same resource.
    Contained(&'a str),
    /// `Type/id`, with a version if it had `/_history/…`.
    Relative {
        kind: &'static str,
        id: &'a str,
        version: Option<&'a str>,
    },
    /// `[base]/Type/id`.
    Absolute {
        base: &'a str,
        kind: &'static str,
        id: &'a str,
        version: Option<&'a str>,
    },
    /// `Type?parameter=value`: to be resolved in a transaction.
    Conditional { kind: &'static str, query: &'a str },
    /// `urn:…`, canonical or any other address.
    Other(&'a str),
}

/// Reads a reference text.
pub fn parse(text: &str) -> Parsed<'_> {
    if let Some(id) = text.strip_prefix('#') {
        return Parsed::Contained(id);
    }
    if let Some((head, query)) = text.split_once('?')
        && let Some(kind) = schema::resource_type(head)
    {
        return Parsed::Conditional { kind, query };
    }
    let (head, version) = match text.split_once("/_history/") {
        Some((head, version)) => (head, Some(version)),
        None => (text, None),
    };
    let mut parts = head.rsplitn(3, '/');
    let (Some(id), Some(kind)) = (parts.next(), parts.next()) else {
        return Parsed::Other(text);
    };
    let Some(kind) = schema::resource_type(kind) else {
        return Parsed::Other(text);
    };
    if !is_id(id) || version.is_some_and(|v| !is_id(v)) {
        return Parsed::Other(text);
    }
    match parts.next() {
        None => Parsed::Relative { kind, id, version },
        Some(base) if base.starts_with("http://") || base.starts_with("https://") => {
            Parsed::Absolute {
                base,
                kind,
                id,
                version,
            }
        }
        Some(_) => Parsed::Other(text),
    }
}

/// FHIR R4 §2.24.0.1 `id`.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The hospital and the node's base in an absolute base of ours: `https://node/fhir/saryozen` gives
/// (`https://node/fhir`, `saryozen`).
pub fn hospital_of_base(base: &str) -> Option<(&str, &str)> {
    let (node, hospital) = base.rsplit_once('/')?;
    let slug = kernel::HospitalId::new(hospital).is_ok();
    (slug && node.ends_with("/fhir")).then_some((node, hospital))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_told_apart() {
        assert_eq!(parse("#a"), Parsed::Contained("a"));
        assert_eq!(
            parse("Patient/1"),
            Parsed::Relative {
                kind: "Patient",
                id: "1",
                version: None
            }
        );
        assert_eq!(
            parse("Patient/1/_history/2"),
            Parsed::Relative {
                kind: "Patient",
                id: "1",
                version: Some("2")
            }
        );
        assert_eq!(
            parse("https://h/fhir/saryozen/Patient/1"),
            Parsed::Absolute {
                base: "https://h/fhir/saryozen",
                kind: "Patient",
                id: "1",
                version: None
            }
        );
        assert_eq!(
            parse("Patient?identifier=a|b"),
            Parsed::Conditional {
                kind: "Patient",
                query: "identifier=a|b"
            }
        );
        for other in [
            "urn:uuid:1",
            "Pacient/1",
            "Patient/a b",
            "Patient",
            "a/Patient/1",
            "http://loinc.org",
        ] {
            assert_eq!(parse(other), Parsed::Other(other));
        }
    }

    #[test]
    fn a_hospital_is_read_from_its_base() {
        assert_eq!(
            hospital_of_base("https://h:8/fhir/saryozen"),
            Some(("https://h:8/fhir", "saryozen"))
        );
        assert_eq!(hospital_of_base("https://h/other/saryozen"), None);
    }
}
