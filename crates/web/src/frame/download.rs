//! Files that a page hands out.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// A file whose name holds no patient data. `disposition` as in RFC 6266.
pub fn download(bytes: Vec<u8>, media_type: &'static str, disposition: &'static str) -> Response {
    const NOTHING_RUNS: &str =
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'";
    let mut answer = bytes.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, NOTHING_RUNS),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
