//! Which form an answer takes (PS3.18 §8.7): from the `accept` parameter or the `Accept` field.

use axum::http::{HeaderMap, header};

use super::media::{Media, ranges};
use crate::dimse::classes::{EXPLICIT_LITTLE, is_transfer_syntax};

pub const DICOM: &str = "application/dicom";
pub const OCTETS: &str = "application/octet-stream";
pub const JSON: &str = "application/dicom+json";
pub const JPEG: &str = "image/jpeg";
pub const PNG: &str = "image/png";

/// Nothing that is asked for is spoken: 406.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAcceptable;

/// In which transfer syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syntax {
    /// As it is kept (`*`).
    AsKept,
    One(String),
}

/// How content is packed, and in which transfer syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// As parts of one body; else alone.
    pub parts: bool,
    /// Media type of the content.
    pub media: &'static str,
    pub syntax: Syntax,
}

/// Media types of compressed frames with the transfer syntaxes they have when none is named (PS3.18 table 8.7.3-5).
pub const COMPRESSED: &[(&str, &str, &[&str])] = &[
    (
        "image/jpeg",
        "1.2.840.10008.1.2.4.70",
        &[
            "1.2.840.10008.1.2.4.50",
            "1.2.840.10008.1.2.4.51",
            "1.2.840.10008.1.2.4.57",
            "1.2.840.10008.1.2.4.70",
        ],
    ),
    (
        "image/dicom-rle",
        "1.2.840.10008.1.2.5",
        &["1.2.840.10008.1.2.5"],
    ),
    (
        "image/jls",
        "1.2.840.10008.1.2.4.80",
        &["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"],
    ),
    (
        "image/jp2",
        "1.2.840.10008.1.2.4.90",
        &["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"],
    ),
    (
        "image/jphc",
        "1.2.840.10008.1.2.4.201",
        &[
            "1.2.840.10008.1.2.4.201",
            "1.2.840.10008.1.2.4.202",
            "1.2.840.10008.1.2.4.203",
        ],
    ),
    (
        "image/jxl",
        "1.2.840.10008.1.2.4.110",
        &[
            "1.2.840.10008.1.2.4.110",
            "1.2.840.10008.1.2.4.111",
            "1.2.840.10008.1.2.4.112",
        ],
    ),
];

/// The media type of frames in a transfer syntax.
pub fn media_of_frames(transfer_syntax: &str) -> &'static str {
    COMPRESSED
        .iter()
        .find(|(.., syntaxes)| syntaxes.contains(&transfer_syntax))
        .map_or(OCTETS, |(media, ..)| media)
}

/// What is asked for, the most wanted first; nothing in particular when nothing is said.
fn wanted(headers: &HeaderMap, parameters: &[(String, String)]) -> Vec<Media> {
    if let Some((_, accept)) = parameters.iter().find(|(name, _)| name == "accept") {
        // A plus in a query is a blank.
        let accept = accept.replace("dicom json", "dicom+json");
        return ranges(&accept);
    }
    let fields = headers.get_all(header::ACCEPT);
    let field: Vec<&str> = fields.iter().filter_map(|v| v.to_str().ok()).collect();
    ranges(&field.join(","))
}

/// For metadata and searches: DICOM JSON or nothing.
pub fn json(headers: &HeaderMap, parameters: &[(String, String)]) -> Result<(), NotAcceptable> {
    let wanted = wanted(headers, parameters);
    let speaks = |m: &Media| {
        matches!(
            m.essence.as_str(),
            JSON | "application/json" | "application/*" | "*/*"
        )
    };
    if wanted.is_empty() || wanted.iter().any(speaks) {
        Ok(())
    } else {
        Err(NotAcceptable)
    }
}

/// For objects; `alone`: one is asked for, which need not be in parts.
pub fn objects(
    headers: &HeaderMap,
    parameters: &[(String, String)],
    alone: bool,
) -> Result<Form, NotAcceptable> {
    let form = |parts, syntax| Form {
        parts,
        media: DICOM,
        syntax,
    };
    let wanted = wanted(headers, parameters);
    if wanted.is_empty() {
        return Ok(form(true, Syntax::One(EXPLICIT_LITTLE.into())));
    }
    let fits = |m: &Media| {
        let kind = m.parameter("type").unwrap_or(DICOM);
        let syntax = syntax_of(m)?;
        match m.essence.as_str() {
            "multipart/related" if kind.eq_ignore_ascii_case(DICOM) => Some(form(
                true,
                syntax.unwrap_or(Syntax::One(EXPLICIT_LITTLE.into())),
            )),
            DICOM if alone => Some(form(
                false,
                syntax.unwrap_or(Syntax::One(EXPLICIT_LITTLE.into())),
            )),
            "multipart/*" | "*/*" | "application/*" => Some(form(true, Syntax::AsKept)),
            _ => None,
        }
    };
    wanted.iter().find_map(fits).ok_or(NotAcceptable)
}

/// The transfer syntax that a range names, none when it names none; the outer none when it names one that does not exist.
#[allow(clippy::option_option)]
fn syntax_of(media: &Media) -> Option<Option<Syntax>> {
    match media.parameter("transfer-syntax") {
        None => Some(None),
        Some("*") => Some(Some(Syntax::AsKept)),
        Some(uid) if is_transfer_syntax(uid) => Some(Some(Syntax::One(uid.to_owned()))),
        Some(_) => None,
    }
}

/// For frames and other bulk data.
pub fn bulk(
    headers: &HeaderMap,
    parameters: &[(String, String)],
    alone: bool,
) -> Result<Form, NotAcceptable> {
    let wanted = wanted(headers, parameters);
    if wanted.is_empty() {
        return Ok(Form {
            parts: true,
            media: OCTETS,
            syntax: Syntax::One(EXPLICIT_LITTLE.into()),
        });
    }
    let fits = |m: &Media| {
        let parts = m.essence == "multipart/related";
        let kind = if parts {
            m.parameter("type").unwrap_or(OCTETS).to_ascii_lowercase()
        } else {
            m.essence.clone()
        };
        if !parts && !alone && kind != "*/*" {
            return None;
        }
        of_kind(&kind, syntax_of(m)?, parts)
    };
    wanted.iter().find_map(fits).ok_or(NotAcceptable)
}

fn of_kind(kind: &str, syntax: Option<Syntax>, parts: bool) -> Option<Form> {
    if matches!(kind, "*/*" | "application/*") {
        return Some(Form {
            parts: true,
            media: OCTETS,
            syntax: syntax.unwrap_or(Syntax::AsKept),
        });
    }
    if kind == OCTETS {
        return Some(Form {
            parts,
            media: OCTETS,
            syntax: syntax.unwrap_or(Syntax::One(EXPLICIT_LITTLE.into())),
        });
    }
    let (media, default, known) = COMPRESSED.iter().find(|(media, ..)| *media == kind)?;
    let syntax = match syntax {
        None => Syntax::One((*default).to_owned()),
        Some(Syntax::One(uid)) if !known.contains(&uid.as_str()) => return None,
        Some(syntax) => syntax,
    };
    Some(Form {
        parts,
        media,
        syntax,
    })
}

/// For what is rendered: JPEG or PNG, alone or in parts.
pub fn rendered(
    headers: &HeaderMap,
    parameters: &[(String, String)],
) -> Result<(&'static str, bool), NotAcceptable> {
    let wanted = wanted(headers, parameters);
    if wanted.is_empty() {
        return Ok((JPEG, false));
    }
    let of = |kind: &str| match kind {
        JPEG | "image/*" | "*/*" => Some(JPEG),
        PNG => Some(PNG),
        _ => None,
    };
    wanted
        .iter()
        .find_map(|m| {
            if m.essence == "multipart/related" {
                of(m.parameter("type").unwrap_or(JPEG)).map(|media| (media, true))
            } else {
                of(&m.essence).map(|media| (media, false))
            }
        })
        .ok_or(NotAcceptable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        headers
    }

    const J2K: &str = "1.2.840.10008.1.2.4.90";

    #[test]
    fn objects_come_in_parts_unless_one_is_wanted_alone() {
        let of = |accept: &str, alone| objects(&headers(accept), &[], alone);
        let explicit = Syntax::One(EXPLICIT_LITTLE.into());
        let form = of("multipart/related; type=\"application/dicom\"", false).unwrap();
        assert_eq!((form.parts, form.syntax), (true, explicit));
        let form = of(
            "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
            false,
        );
        assert_eq!(form.unwrap().syntax, Syntax::AsKept);
        let form = of(&format!("application/dicom; transfer-syntax={J2K}"), true).unwrap();
        assert_eq!((form.parts, form.syntax), (false, Syntax::One(J2K.into())));
        assert_eq!(of("application/dicom", false), Err(NotAcceptable));
        assert_eq!(of("text/html", true), Err(NotAcceptable));
        assert_eq!(
            of(
                "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.3",
                true
            ),
            Err(NotAcceptable)
        );
        assert!(of("text/html, */*;q=0.1", true).unwrap().parts);
    }

    #[test]
    fn frames_come_in_the_syntax_that_is_named() {
        let of = |accept: &str| bulk(&headers(accept), &[], true);
        let form = of("multipart/related; type=\"image/jp2\"").unwrap();
        assert_eq!(
            (form.media, form.syntax),
            ("image/jp2", Syntax::One(J2K.into()))
        );
        let form = of("multipart/related; type=application/octet-stream; transfer-syntax=*");
        assert_eq!(form.unwrap().syntax, Syntax::AsKept);
        assert!(!of("application/octet-stream").unwrap().parts);
        assert_eq!(
            of(&format!(
                "multipart/related; type=image/jls; transfer-syntax={J2K}"
            )),
            Err(NotAcceptable)
        );
    }

    #[test]
    fn the_parameter_goes_before_the_field() {
        let parameters = vec![("accept".to_owned(), "image/png".to_owned())];
        assert_eq!(
            rendered(&headers("image/jpeg"), &parameters),
            Ok((PNG, false))
        );
        assert_eq!(rendered(&HeaderMap::new(), &[]), Ok((JPEG, false)));
        assert_eq!(rendered(&headers("video/mp4"), &[]), Err(NotAcceptable));
        assert!(json(&headers("application/dicom+xml"), &[]).is_err());
        let parameters = vec![("accept".to_owned(), "application/dicom json".to_owned())];
        assert!(json(&headers("text/html"), &parameters).is_ok());
    }
}
