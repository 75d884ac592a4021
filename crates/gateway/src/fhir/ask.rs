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
    let kind_of = |name: &str| fhir::schema::resource_type(name).ok_or(Refused::NoSuchAddress);
    let interaction = match parts[..] {
        [] => match *method {
            Method::POST => Interaction::Bundle,
            _ => {
                return Err(Refused::Method {
                    allow: "POST",
                    at: "Bundle",
                });
            }
        },
        ["metadata"] => match *method {
            Method::GET => Interaction::Capabilities,
            _ => {
                return Err(Refused::Method {
                    allow: "GET, HEAD",
                    at: "CapabilityStatement",
                });
            }
        },
        [name] => {
            let kind = kind_of(name)?;
            match *method {
                Method::GET => Interaction::Search { kind },
                Method::POST => Interaction::Create { kind },
                _ => {
                    return Err(Refused::Method {
                        allow: "GET, HEAD, POST",
                        at: kind,
                    });
                }
            }
        }
        [name, "_search"] => {
            let kind = kind_of(name)?;
            match *method {
                Method::POST => Interaction::SearchByPost { kind },
                _ => {
                    return Err(Refused::Method {
                        allow: "POST",
                        at: kind,
                    });
                }
            }
        }
        [name, id] if !id.starts_with(['_', '$']) => {
            let (kind, id) = (kind_of(name)?, id.to_owned());
            match *method {
                Method::GET => Interaction::Read { kind, id },
                Method::PUT => Interaction::Update { kind, id },
                Method::DELETE => Interaction::Delete { kind, id },
                _ => {
                    return Err(Refused::Method {
                        allow: "GET, HEAD, PUT, DELETE",
                        at: kind,
                    });
                }
            }
        }
        [name, id, "_history"] => {
            let (kind, id) = (kind_of(name)?, id.to_owned());
            match *method {
                Method::GET => Interaction::History { kind, id },
                _ => {
                    return Err(Refused::Method {
                        allow: "GET, HEAD",
                        at: kind,
                    });
                }
            }
        }
        [name, id, "_history", version] => {
            let (kind, id, version) = (kind_of(name)?, id.to_owned(), version.to_owned());
            match *method {
                Method::GET => Interaction::Vread { kind, id, version },
                _ => {
                    return Err(Refused::Method {
                        allow: "GET, HEAD",
                        at: kind,
                    });
                }
            }
        }
        _ => return Err(Refused::NoSuchAddress),
    };
    Ok((hospital, interaction))
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
