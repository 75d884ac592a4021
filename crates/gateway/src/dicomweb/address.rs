//! What an address under `/dicomweb/{hospital}` names (PS3.18 §10): worked out from method and path alone.

use axum::http::Method;
use imaging::query::Level;
use kernel::HospitalId;

use crate::dimse::classes::is_uid;
use crate::routes::{Access, GatewayRoute, route};

/// What is served. The path of a study, series or instance is the same for its own routes and those below it.
pub const ROUTES: &[GatewayRoute] = &[
    route("POST", "/dicomweb/{hospital}/studies", Access::Bearer),
    route(
        "POST",
        "/dicomweb/{hospital}/studies/{study}",
        Access::Bearer,
    ),
    route("GET", "/dicomweb/{hospital}/studies", Access::Bearer),
    route("GET", "/dicomweb/{hospital}/series", Access::Bearer),
    route("GET", "/dicomweb/{hospital}/instances", Access::Bearer),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/instances",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/metadata",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/rendered",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/thumbnail",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/metadata",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/rendered",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/thumbnail",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/metadata",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/rendered",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/thumbnail",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        Access::Bearer,
    ),
    route(
        "GET",
        "/dicomweb/{hospital}/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
        Access::Bearer,
    ),
];

/// Frames that one request may name.
const FRAMES_MAX: usize = 10_000;

/// The objects meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Of {
    pub study: Option<String>,
    pub series: Option<String>,
    pub instance: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// STOW-RS (PS3.18 §10.5)
    Store(Of),
    /// QIDO-RS (§10.6)
    Search(Level, Of),
    /// WADO-RS (§10.4): objects as they are.
    Objects(Of),
    Metadata(Of),
    /// Frames by their numbers, counted from 1.
    Frames(Of, Vec<u32>),
    BulkData(Of, String),
    /// For eyes; of frames when some are named.
    Rendered(Of, Vec<u32>),
    Thumbnail(Of, Option<u32>),
}

/// An address that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NoSuchAddress,
    /// A UID or number in it that is none.
    Malformed(&'static str),
    /// What it takes.
    Method(&'static str),
}

/// Reads an address.
pub fn read(method: &Method, path: &str) -> Result<(HospitalId, Resource), Refused> {
    let rest = path
        .strip_prefix("/dicomweb/")
        .ok_or(Refused::NoSuchAddress)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let parts: Vec<&str> = rest.splitn(12, '/').collect();
    let [hospital, below @ ..] = &parts[..] else {
        return Err(Refused::NoSuchAddress);
    };
    let hospital = HospitalId::new(*hospital).map_err(|_| Refused::NoSuchAddress)?;
    let get = matches!(*method, Method::GET | Method::HEAD);
    if let ["studies"] | ["studies", _] = below {
        if *method == Method::POST {
            let study = below.get(1).map(|study| uid(study)).transpose()?;
            let of = Of {
                study,
                ..Of::default()
            };
            return Ok((hospital, Resource::Store(of)));
        }
        if !get {
            return Err(Refused::Method("GET, HEAD, POST"));
        }
    }
    let resource = resource(below)?;
    if get {
        Ok((hospital, resource))
    } else {
        Err(Refused::Method("GET, HEAD"))
    }
}

fn resource(below: &[&str]) -> Result<Resource, Refused> {
    let study = |s| {
        Ok(Of {
            study: Some(uid(s)?),
            ..Of::default()
        })
    };
    let series = |s, e| {
        Ok(Of {
            series: Some(uid(e)?),
            ..study(s)?
        })
    };
    let instance = |s, e, i| {
        Ok(Of {
            instance: Some(uid(i)?),
            ..series(s, e)?
        })
    };
    match below {
        ["studies"] => Ok(Resource::Search(Level::Study, Of::default())),
        ["series"] => Ok(Resource::Search(Level::Series, Of::default())),
        ["instances"] => Ok(Resource::Search(Level::Instance, Of::default())),
        ["studies", s, "series"] => Ok(Resource::Search(Level::Series, study(s)?)),
        ["studies", s, "instances"] => Ok(Resource::Search(Level::Instance, study(s)?)),
        ["studies", s, "series", e, "instances"] => {
            Ok(Resource::Search(Level::Instance, series(s, e)?))
        }
        ["studies", s, "series", e, "instances", i, rest @ ..] => {
            of_instance(instance(s, e, i)?, rest)
        }
        ["studies", s, "series", e, rest @ ..] => of_any(series(s, e)?, rest),
        ["studies", s, rest @ ..] => of_any(study(s)?, rest),
        _ => Err(Refused::NoSuchAddress),
    }
}

fn of_any(of: Of, rest: &[&str]) -> Result<Resource, Refused> {
    match rest {
        [] => Ok(Resource::Objects(of)),
        ["metadata"] => Ok(Resource::Metadata(of)),
        ["rendered"] => Ok(Resource::Rendered(of, Vec::new())),
        ["thumbnail"] => Ok(Resource::Thumbnail(of, None)),
        _ => Err(Refused::NoSuchAddress),
    }
}

fn of_instance(of: Of, rest: &[&str]) -> Result<Resource, Refused> {
    match rest {
        ["frames", numbers] => Ok(Resource::Frames(of, frames(numbers)?)),
        ["frames", numbers, "rendered"] => Ok(Resource::Rendered(of, frames(numbers)?)),
        ["frames", number, "thumbnail"] => Ok(Resource::Thumbnail(of, Some(frame(number)?))),
        ["bulkdata", path @ ..] if !path.is_empty() && path.concat().len() <= 256 => {
            Ok(Resource::BulkData(of, path.join("/")))
        }
        _ => of_any(of, rest),
    }
}

fn uid(text: &str) -> Result<String, Refused> {
    if is_uid(text) {
        Ok(text.to_owned())
    } else {
        Err(Refused::Malformed("a UID in the address"))
    }
}

/// `1` or `1,4,5`, some clients with the comma as `%2C`.
fn frames(text: &str) -> Result<Vec<u32>, Refused> {
    let text = text.replace("%2C", ",").replace("%2c", ",");
    if text.matches(',').count() >= FRAMES_MAX {
        return Err(Refused::Malformed("too many frames in the address"));
    }
    text.split(',').map(frame).collect()
}

fn frame(text: &str) -> Result<u32, Refused> {
    text.parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or(Refused::Malformed("a frame number in the address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Result<Resource, Refused> {
        read(&Method::GET, &format!("/dicomweb/yarqum/{path}")).map(|(_, r)| r)
    }

    #[test]
    fn every_route_is_an_address() {
        for route in ROUTES {
            let path = route
                .path
                .replace("{hospital}", "yarqum")
                .replace("{study}", "1.2")
                .replace("{series}", "1.2.3")
                .replace("{instance}", "1.2.3.4")
                .replace("{frames}", "1")
                .replace("{path}", "7FE00010");
            let method = Method::from_bytes(route.method.as_bytes()).unwrap();
            assert!(read(&method, &path).is_ok(), "{path}");
            assert!(matches!(
                read(&Method::DELETE, &path),
                Err(Refused::Method(_))
            ));
        }
    }

    #[test]
    fn places_hold_uids_and_numbers_alone() {
        assert!(matches!(
            get("studies/1.2/series/3/instances/4/frames/1,2%2C7"),
            Ok(Resource::Frames(_, n)) if n == [1, 2, 7]
        ));
        for malformed in [
            "studies/abc",
            "studies/1.2/series/..",
            "studies/1.2/series/3/instances/4/frames/0",
            "studies/1.2/series/3/instances/4/frames/1,",
            "studies/%00/metadata",
        ] {
            assert!(
                matches!(get(malformed), Err(Refused::Malformed(_))),
                "{malformed}"
            );
        }
        for nothing in [
            "",
            "nothing",
            "studies/1.2/nothing",
            "studies/1.2/series/3/frames/1",
        ] {
            assert_eq!(get(nothing), Err(Refused::NoSuchAddress), "{nothing}");
        }
        assert!(read(&Method::GET, "/dicomweb/No Hospital/studies").is_err());
    }
}
