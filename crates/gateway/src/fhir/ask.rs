//! What a request asks for, from its method and path (FHIR R4 §3.1.0.0.1).

use app::Cx;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use kernel::HospitalId;

use super::negotiate::Shape;

/// An authenticated request, ready to be handled.
pub(super) struct Ask {
    pub cx: Cx,
    pub hospital: HospitalId,
    /// The query string, still encoded.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub shape: Shape,
}

/// The interactions of R4 that are offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interaction {
    Capabilities,
    Bundle,
    Search {
        kind: &'static str,
    },
    SearchByPost {
        kind: &'static str,
    },
    Create {
        kind: &'static str,
    },
    Read {
        kind: &'static str,
        id: String,
    },
    Vread {
        kind: &'static str,
        id: String,
        version: String,
    },
    History {
        kind: &'static str,
        id: String,
    },
    Update {
        kind: &'static str,
        id: String,
    },
    Delete {
        kind: &'static str,
        id: String,
    },
}

impl Interaction {
    /// Where an error stands that names no element.
    pub fn place(&self) -> String {
        match self {
            Self::Capabilities => "CapabilityStatement",
            Self::Bundle => "Bundle",
            Self::Search { kind }
            | Self::SearchByPost { kind }
            | Self::Create { kind }
            | Self::Read { kind, .. }
            | Self::Vread { kind, .. }
            | Self::History { kind, .. }
            | Self::Update { kind, .. }
            | Self::Delete { kind, .. } => kind,
        }
        .to_owned()
    }
}

/// Why there is no interaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NoSuchAddress,
    /// The address takes other methods.
    Method {
        allow: &'static str,
        at: &'static str,
    },
}

/// The hospital named in the path, if any, and the interaction. HEAD asks for what GET asks for.
pub(super) fn interaction(
    method: &Method,
    path: &str,
) -> Result<(Option<HospitalId>, Interaction), Refused> {
    let mut parts: Vec<&str> = path
        .trim_start_matches("/fhir")
        .split('/')
        .filter(|p| !p.is_empty())
        .collect();
    let mut hospital = None;
    // Types begin with a capital, hospitals with a small letter.
    if let Some(first) = parts.first()
        && *first != "metadata"
        && let Ok(id) = HospitalId::new(first)
    {
        hospital = Some(id);
        parts.remove(0);
    }
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let interaction = match parts[..] {
        [] => match *method {
            Method::POST => Interaction::Bundle,
            _ => {
                let (allow, at) = ("POST", "Bundle");
                return Err(Refused::Method { allow, at });
            }
        },
        ["metadata"] => match *method {
            Method::GET => Interaction::Capabilities,
            _ => {
                let (allow, at) = ("GET, HEAD", "CapabilityStatement");
                return Err(Refused::Method { allow, at });
            }
        },
        [name, ref rest @ ..] => {
            let kind = fhir::schema::resource_type(name).ok_or(Refused::NoSuchAddress)?;
            of_type(method, kind, rest)?
        }
    };
    Ok((hospital, interaction))
}

/// The interaction on a type, an instance or a version, by what follows the type in the path.
fn of_type(method: &Method, kind: &'static str, rest: &[&str]) -> Result<Interaction, Refused> {
    let refuse = |allow| Err(Refused::Method { allow, at: kind });
    match *rest {
        [] => match *method {
            Method::GET => Ok(Interaction::Search { kind }),
            Method::POST => Ok(Interaction::Create { kind }),
            _ => refuse("GET, HEAD, POST"),
        },
        ["_search"] => match *method {
            Method::POST => Ok(Interaction::SearchByPost { kind }),
            _ => refuse("POST"),
        },
        [id] if !id.starts_with(['_', '$']) => {
            let id = id.to_owned();
            match *method {
                Method::GET => Ok(Interaction::Read { kind, id }),
                Method::PUT => Ok(Interaction::Update { kind, id }),
                Method::DELETE => Ok(Interaction::Delete { kind, id }),
                _ => refuse("GET, HEAD, PUT, DELETE"),
            }
        }
        [id, "_history"] => match *method {
            Method::GET => Ok(Interaction::History {
                kind,
                id: id.to_owned(),
            }),
            _ => refuse("GET, HEAD"),
        },
        [id, "_history", version] => match *method {
            Method::GET => Ok(Interaction::Vread {
                kind,
                id: id.to_owned(),
                version: version.to_owned(),
            }),
            _ => refuse("GET, HEAD"),
        },
        _ => Err(Refused::NoSuchAddress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> (Option<String>, Interaction) {
        let (hospital, interaction) = interaction(&method, path).unwrap();
        (hospital.map(|h| h.to_string()), interaction)
    }

    #[test]
    fn a_hospital_may_stand_before_the_type() {
        assert_eq!(
            found(Method::GET, "/fhir/Patient"),
            (None, Interaction::Search { kind: "Patient" })
        );
        let read = Interaction::Read {
            kind: "Patient",
            id: "1".into(),
        };
        assert_eq!(
            found(Method::HEAD, "/fhir/saryozen/Patient/1"),
            (Some("saryozen".into()), read)
        );
        assert_eq!(
            found(Method::GET, "/fhir/metadata").1,
            Interaction::Capabilities
        );
        assert_eq!(found(Method::POST, "/fhir/saryozen").1, Interaction::Bundle);
        assert_eq!(
            found(Method::GET, "/fhir/Patient/1/_history/2").1,
            Interaction::Vread {
                kind: "Patient",
                id: "1".into(),
                version: "2".into()
            }
        );
    }

    #[test]
    fn what_is_not_offered_says_so() {
        let refused = |m: Method, p: &str| interaction(&m, p).unwrap_err();
        assert_eq!(
            refused(Method::GET, "/fhir/Quantity"),
            Refused::NoSuchAddress
        );
        assert_eq!(
            refused(Method::GET, "/fhir/Patient/$everything"),
            Refused::NoSuchAddress
        );
        assert_eq!(
            refused(Method::GET, "/fhir/a/b/Patient"),
            Refused::NoSuchAddress
        );
        assert!(matches!(
            refused(Method::PATCH, "/fhir/Patient/1"),
            Refused::Method { at: "Patient", .. }
        ));
        assert!(matches!(
            refused(Method::GET, "/fhir"),
            Refused::Method { at: "Bundle", .. }
        ));
    }
}
