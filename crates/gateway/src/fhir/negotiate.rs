//! Media types and preferences (FHIR R4 §3.1.0.1.10, §3.1.0.1.13).

use app::fhir::Return;
use axum::http::{HeaderMap, header};

use super::reply::Refusal;

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shape {
    /// `Prefer: return=…`; none when the request does not say.
    pub wants: Option<Return>,
    /// `Prefer: handling=lenient`
    pub lenient: bool,
}

/// A media type that is not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unspoken {
    /// 406
    Accept,
    /// 415
    ContentType,
}

impl From<Unspoken> for Refusal {
    fn from(unspoken: Unspoken) -> Self {
        match unspoken {
            Unspoken::Accept => Self::media(
                406,
                "http.Accept",
                "only application/fhir+json (FHIR R4) is answered",
            ),
            Unspoken::ContentType => Self::media(
                415,
                "http.Content-Type",
                "application/fhir+json is expected",
            ),
        }
    }
}

fn is_json(media: &str) -> bool {
    matches!(
        media,
        "application/fhir+json"
            | "application/json"
            | "application/json+fhir"
            | "text/json"
            | "json"
            | "*/*"
            | "application/*"
    )
}

/// Whether a media range asks for JSON of R4.
fn answers(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut quality_is_zero = false;
    let mut other_version = false;
    for p in parts {
        match p.split_once('=') {
            Some(("q", q)) => quality_is_zero = q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0),
            Some(("fhirVersion" | "fhirversion", v)) => {
                other_version = v.trim_matches('"') != "4.0"
            }
            _ => {}
        }
    }
    is_json(&media) && !quality_is_zero && !other_version
}

/// Checks `_format` and `Accept`, and reads `Prefer`.
pub(super) fn answer_shape(headers: &HeaderMap, query: &str) -> Result<Shape, Unspoken> {
    let format = fhir::search::pairs(query)
        .into_iter()
        .find(|(n, _)| n == "_format")
        .map(|(_, v)| v);
    match format {
        // A plus in a query is a blank.
        Some(f) if answers(&f.replace(' ', "+")) => {}
        Some(_) => return Err(Unspoken::Accept),
        None => {
            let mut accepts = headers
                .get_all(header::ACCEPT)
                .iter()
                .filter_map(|v| v.to_str().ok())
                .peekable();
            let any = accepts.peek().is_some();
            let ranges: Vec<&str> = accepts
                .flat_map(|v| v.split(','))
                .filter(|r| !r.trim().is_empty())
                .collect();
            if any && !ranges.is_empty() && !ranges.iter().any(|r| answers(r)) {
                return Err(Unspoken::Accept);
            }
        }
    }
    let mut shape = Shape::default();
    for value in headers
        .get_all("prefer")
        .iter()
        .filter_map(|v| v.to_str().ok())
    {
        for preference in value.split([',', ';']).map(str::trim) {
            match preference {
                "return=minimal" => shape.wants = Some(Return::Minimal),
                "return=representation" => shape.wants = Some(Return::Representation),
                "return=OperationOutcome" => shape.wants = Some(Return::OperationOutcome),
                "handling=lenient" => shape.lenient = true,
                _ => {}
            }
        }
    }
    Ok(shape)
}

/// Checks the type of a body: FHIR JSON, or a form for a search by POST.
pub(super) fn body_type(headers: &HeaderMap, form: bool) -> Result<(), Unspoken> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let media = given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let fits = if form {
        media == "application/x-www-form-urlencoded"
    } else {
        is_json(&media) && !media.contains('*') && answers(given)
    };
    if fits {
        Ok(())
    } else {
        Err(Unspoken::ContentType)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn json_is_answered_and_nothing_else() {
        let accepts = |a| answer_shape(&headers(&[("accept", a)]), "").is_ok();
        for fine in [
            "application/fhir+json",
            "text/html, */*;q=0.8",
            "application/json;charset=utf-8",
            "application/fhir+json; fhirVersion=4.0",
        ] {
            assert!(accepts(fine), "{fine}");
        }
        for not in [
            "application/fhir+xml",
            "text/html",
            "application/fhir+json;fhirVersion=5.0",
            "application/json;q=0",
        ] {
            assert!(!accepts(not), "{not}");
        }
        assert!(answer_shape(&headers(&[("accept", "text/html")]), "_format=json").is_ok());
        assert!(answer_shape(&headers(&[]), "_format=application/fhir+json").is_ok());
        assert!(answer_shape(&headers(&[]), "_format=xml").is_err());
    }

    #[test]
    fn preferences_are_read() {
        let shape = answer_shape(
            &headers(&[("prefer", "return=minimal; handling=lenient")]),
            "",
        )
        .unwrap();
        assert_eq!(
            shape,
            Shape {
                wants: Some(Return::Minimal),
                lenient: true
            }
        );
    }

    #[test]
    fn a_body_says_what_it_is() {
        assert!(
            body_type(
                &headers(&[("content-type", "application/fhir+json; charset=utf-8")]),
                false
            )
            .is_ok()
        );
        assert!(body_type(&headers(&[("content-type", "application/xml")]), false).is_err());
        assert!(body_type(&headers(&[]), false).is_err());
        assert!(
            body_type(
                &headers(&[("content-type", "application/x-www-form-urlencoded")]),
                true
            )
            .is_ok()
        );
    }
}
