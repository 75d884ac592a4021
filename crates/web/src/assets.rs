//! The style sheet and scripts, built by Vite, compressed at build time and embedded in the binary.
//!
//! Each file name holds a hash of its content, so it may be kept for ever ([RFC 8246]).
//!
//! [RFC 8246]: https://www.rfc-editor.org/rfc/rfc8246

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// One embedded file.
struct Asset {
    /// What the source calls it: `app.js`.
    name: &'static str,
    /// What it is served as: `app-4EX_Xt71.js`.
    file: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    br: &'static [u8],
    gz: &'static [u8],
}

static TABLE: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets_table.rs"));

/// What a worker may do, which goes by the policy of its own script: fetch its decoder from here and compile it.
const OF_SCRIPTS: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-ancestors 'none'";

/// The address of an asset by its name in the source. An unknown name gives an address that answers 404, and
/// fails the test below.
pub fn address(name: &str) -> String {
    let file = TABLE
        .iter()
        .find(|a| a.name == name)
        .map_or(name, |a| a.file);
    format!("/assets/{file}")
}

/// `GET /assets/{file}`.
pub async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = TABLE.iter().find(|a| a.file == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepts = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let offers = |name: &str| {
        accepts
            .split(',')
            .any(|part| part.trim().split(';').next() == Some(name))
    };
    let (body, encoding) = if offers("br") {
        (asset.br, Some("br"))
    } else if offers("gzip") {
        (asset.gz, Some("gzip"))
    } else {
        (asset.plain, None)
    };
    let mut answer = (
        [
            (header::CONTENT_TYPE, asset.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        body,
    )
        .into_response();
    if asset.kind.starts_with("text/javascript") {
        answer.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            axum::http::HeaderValue::from_static(OF_SCRIPTS),
        );
    }
    if let Some(encoding) = encoding {
        answer.headers_mut().insert(
            header::CONTENT_ENCODING,
            axum::http::HeaderValue::from_static(encoding),
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_load_stays_under_its_budget() {
        let bytes: usize = ["boot.js", "app.js", "main.css"]
            .iter()
            .map(|n| {
                TABLE
                    .iter()
                    .find(|a| a.name == *n)
                    .expect("embedded")
                    .br
                    .len()
            })
            .sum();
        assert!(
            bytes <= 40_000,
            "style sheet and script are {bytes} bytes compressed; a page needs room for itself"
        );
    }

    #[test]
    fn an_address_carries_the_hash_of_its_content() {
        assert_ne!(address("main.css"), "/assets/main.css");
    }
}
