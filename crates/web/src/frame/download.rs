//! Files that a page hands out.

use app::package::Package;
use axum::body::Body;
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

/// A study as a zip, sent as it is made. What goes wrong after the first bytes breaks the line off: an archive without its
/// end is no archive.
pub fn package(package: Package, name: &str) -> Response {
    let parts = futures::stream::try_unfold(package, |mut package| async {
        let part = package.next().await.map_err(|e| {
            tracing::warn!(code = ?e.code(), "a package was broken off");
            std::io::Error::other("broken off")
        })?;
        Ok::<_, std::io::Error>(part.map(|part| (part, package)))
    });
    let mut answer = Body::from_stream(parts).into_response();
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/zip"),
    );
    let disposition = format!("attachment; filename=\"{name}\"");
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}
