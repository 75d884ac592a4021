//! Answers: resources with their headers, refusals as OperationOutcome.

use app::AppError;
use app::fhir::{Resource, Return, Written, explain};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::response::Response;
use fhir::outcome::{Issue, operation_outcome};
use kernel::Instant;

const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// A refusal on its way out.
pub(super) struct Refusal {
    status: u16,
    issues: Vec<Issue>,
    allow: Option<&'static str>,
    retry_after_s: Option<u32>,
}

impl Refusal {
    pub fn new(error: AppError, at: &str) -> Self {
        if matches!(
            error,
            AppError::Internal(_)
                | AppError::Unavailable(_)
                | AppError::Full(_)
                | AppError::KeyToken(_)
        ) {
            tracing::error!(error = %error, "a FHIR request failed");
        }
        let (status, issues) = explain(&error, at);
        let retry_after_s = match error {
            AppError::RateLimited { retry_after_s } => Some(retry_after_s),
            other => other.code().retry_after_s(),
        };
        Self {
            status,
            issues,
            allow: None,
            retry_after_s,
        }
    }

    pub fn method(allow: &'static str, at: &str) -> Self {
        let issue = Issue::error("not-supported", format!("this address takes {allow}")).at(at);
        Self {
            status: 405,
            issues: vec![issue],
            allow: Some(allow),
            retry_after_s: None,
        }
    }

    pub fn media(status: u16, at: &str, words: &str) -> Self {
        let issue = Issue::error("not-supported", words).at(at);
        Self {
            status,
            issues: vec![issue],
            allow: None,
            retry_after_s: None,
        }
    }

    pub fn into_response(self) -> Response {
        let mut response = json(status(self.status), operation_outcome(&self.issues));
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(s) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(s));
        }
        if self.status == 401 {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"fhir\""),
            );
        }
        response
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A FHIR body.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = HttpResponse::new(Body::from(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    response
}

pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Weak entity tag of a version (FHIR R4 §3.1.0.5).
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// RFC 9110 §5.6.7
pub(super) fn http_date(at: Instant) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A resource with its version.
pub(super) fn resource(status: StatusCode, r: &Resource, body: Bytes) -> Response {
    let mut response = if body.is_empty() {
        empty(status)
    } else {
        json(status, body)
    };
    set(&mut response, header::ETAG, &etag(r.version));
    set(&mut response, header::LAST_MODIFIED, &http_date(r.at));
    response
}

/// The answer to a create or update (§3.1.0.1.13): the resource unless something else is preferred.
pub(super) fn written(base: &str, w: &Written, wants: Option<Return>) -> Response {
    let status = if w.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let body = match wants.unwrap_or(Return::Representation) {
        Return::Minimal => Bytes::new(),
        Return::Representation => w.resource.body.reveal().clone(),
        Return::OperationOutcome => Bytes::from(operation_outcome(&[])),
    };
    let r = &w.resource;
    let mut response = resource(status, r, body);
    let location = format!("{base}/{}/{}/_history/{}", r.key.kind, r.key.id, r.version);
    let name = if w.created {
        header::LOCATION
    } else {
        header::CONTENT_LOCATION
    };
    set(&mut response, name, &location);
    response
}

/// What every answer has. The answer to HEAD loses its body and keeps its headers.
pub(super) fn finish(mut response: Response, request_id: &str, head: bool) -> Response {
    set(
        &mut response,
        header::HeaderName::from_static("x-request-id"),
        request_id,
    );
    // Patient data is not kept by caches, shared or the browser's own.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}
