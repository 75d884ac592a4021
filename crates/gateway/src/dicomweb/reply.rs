//! Answers and refusals in DICOMweb's words (PS3.18 §8.5).

use std::ops::Range;

use app::AppError;
use axum::body::{Body, Bytes};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Response as HttpResponse, StatusCode, header,
};
use axum::response::Response;

/// Marks an answer that compression would not make smaller.
#[derive(Debug, Clone, Copy)]
pub struct Incompressible;

/// A refusal on its way out; what is said names no patient and no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub words: String,
    allow: Option<&'static str>,
    retry_after_s: Option<u32>,
}

impl Refusal {
    pub fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self {
            status,
            words: words.into(),
            allow: None,
            retry_after_s: None,
        }
    }

    pub fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("this address takes {allow}"),
            )
        }
    }

    pub fn not_acceptable() -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "none of the media types asked for is answered here",
        )
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found")
    }

    pub fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    pub fn into_response(self) -> Response {
        let mut response = plain(self.status, self.words + "\n");
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(s) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(s));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"dicomweb\""),
            );
        }
        response
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        if matches!(
            error,
            AppError::Internal(_)
                | AppError::Unavailable(_)
                | AppError::Full(_)
                | AppError::KeyToken(_)
        ) {
            tracing::error!(error = %error, "a DICOMweb request failed");
        }
        let retry_after_s = match error {
            AppError::RateLimited { retry_after_s } => Some(retry_after_s),
            AppError::Unavailable(_) | AppError::KeyToken(_) => Some(5),
            AppError::Full(_) => Some(60),
            _ => None,
        };
        let (status, words) = match &error {
            AppError::NotFound => (StatusCode::NOT_FOUND, "not found"),
            AppError::Gone => (StatusCode::GONE, "deleted"),
            AppError::Denied(_) | AppError::NotAllowed(_) => {
                (StatusCode::FORBIDDEN, "not permitted")
            }
            AppError::Unauthenticated | AppError::Reauthenticate => {
                (StatusCode::UNAUTHORIZED, "a valid bearer token is needed")
            }
            AppError::Invalid(_) | AppError::Malformed(_) => {
                (StatusCode::BAD_REQUEST, "the request cannot be used")
            }
            AppError::Rejected { .. } | AppError::Conflict | AppError::PreconditionFailed => (
                StatusCode::CONFLICT,
                "the request does not fit what is kept",
            ),
            AppError::TooMuch(_) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "more than is answered or taken at once",
            ),
            AppError::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            AppError::Unavailable(_) | AppError::KeyToken(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "try again later")
            }
            AppError::Full(_) => (StatusCode::INSUFFICIENT_STORAGE, "no room"),
            AppError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours"),
        };
        Self {
            retry_after_s,
            ..Self::new(status, words)
        }
    }
}

fn plain(status: StatusCode, words: String) -> Response {
    body(status, "text/plain; charset=utf-8", Body::from(words))
}

/// An answer of this type.
pub fn body(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = HttpResponse::new(body.into());
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, content_type);
    response
}

pub fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A warning of the service (PS3.18 §8.5, RFC 7234 §5.5).
pub fn warn(response: &mut Response, words: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("299 karez \"{words}\"")) {
        response.headers_mut().append(header::WARNING, value);
    }
}

/// Whether the requester has this version already (RFC 9110 §13.1.2).
pub fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == etag)
}

pub fn not_modified(etag: &str) -> Response {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    set(&mut response, header::ETAG, etag);
    response
}

/// One piece of content, or the part of it that `Range` names (RFC 9110 §14.2).
pub fn content(headers: &HeaderMap, content_type: &str, bytes: Bytes) -> Response {
    let whole = bytes.len() as u64;
    content_of(headers, content_type, whole, |range| {
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Body::from(bytes.slice(place(range.start)..place(range.end)))
    })
}

/// As [`content`], of `whole` bytes that `part` gives.
pub fn content_of(
    headers: &HeaderMap,
    content_type: &str,
    whole: u64,
    part: impl FnOnce(Range<u64>) -> Body,
) -> Response {
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let (mut response, length) = match asked.map(|field| range(field, whole)) {
        None | Some(Asked::Whole) => (body(StatusCode::OK, content_type, part(0..whole)), whole),
        Some(Asked::Part(from, to)) => {
            let mut response = body(StatusCode::PARTIAL_CONTENT, content_type, part(from..to));
            let said = format!("bytes {from}-{}/{whole}", to - 1);
            set(&mut response, header::CONTENT_RANGE, &said);
            (response, to - from)
        }
        Some(Asked::Nothing) => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let mut response = body(status, content_type, Body::empty());
            let said = format!("bytes */{whole}");
            set(&mut response, header::CONTENT_RANGE, &said);
            (response, 0)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

/// What a range field asks of content of a length.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// None, several, or one in another unit: the whole is a right answer to each.
    Whole,
    Part(u64, u64),
    /// None of it is there.
    Nothing,
}

fn range(field: &str, length: u64) -> Asked {
    let Some((from, to)) = field
        .strip_prefix("bytes=")
        .filter(|r| !r.contains(','))
        .and_then(|r| r.split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (from, to) = match (from.trim(), to.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Asked::Nothing,
            Some(last) => (length.saturating_sub(last), length),
            None => return Asked::Whole,
        },
        (from, "") => match number(from) {
            Some(from) => (from, length),
            None => return Asked::Whole,
        },
        (from, to) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => (from, to.saturating_add(1).min(length)),
            _ => return Asked::Whole,
        },
    };
    if from >= length {
        Asked::Nothing
    } else {
        Asked::Part(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        assert_eq!(range("bytes=0-9", 100), Asked::Part(0, 10));
        assert_eq!(range("bytes=90-", 100), Asked::Part(90, 100));
        assert_eq!(range("bytes=-10", 100), Asked::Part(90, 100));
        assert_eq!(range("bytes=50-1000", 100), Asked::Part(50, 100));
        assert_eq!(range("bytes=100-", 100), Asked::Nothing);
        assert_eq!(range("bytes=-0", 100), Asked::Nothing);
        assert_eq!(range("bytes=-10", 0), Asked::Nothing);
        for whole in ["bytes=1-2,4-5", "lines=1-2", "bytes=x-y", "bytes=9-1"] {
            assert_eq!(range(whole, 100), Asked::Whole, "{whole}");
        }
    }

    #[test]
    fn every_refusal_has_its_status() {
        for (error, status) in [
            (AppError::denied("x"), 403),
            (AppError::NotFound, 404),
            (AppError::Unauthenticated, 401),
            (AppError::TooMuch("x"), 413),
            (AppError::Full("x".into()), 507),
            (AppError::Unavailable("x".into()), 503),
            (AppError::Internal("secret".into()), 500),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!(refusal.status.as_u16(), status);
            assert!(!refusal.words.contains("secret"));
        }
    }
}
