//! Resumable uploads of DICOM objects after tus 1.0.0 (core protocol, creation, expiration and termination), at
//! `/dicomweb/{hospital}/uploads`. What arrives before a line breaks is on disk, and `HEAD` says where to go on.
//!
//! `Upload-Metadata` may give `sha256` (of the whole object, hexadecimal; it is checked, and the same content comes back to
//! the same upload) and `sender` (the application entity the object came from first). The answer that completes an upload
//! says in `Upload-Outcome` how the object was kept: `new`, `again`, `other-content` or `other-patient`.

use app::uploads::{NewUpload, Upload};
use app::{App, AppError};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{options, post, put};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt as _;
use kernel::{HospitalId, limits};
use std::sync::Arc;

use crate::routes::route;
use crate::{Access, Bearer, GatewayRoute, GatewayState};

/// The routes of uploads.
pub const ROUTES: &[GatewayRoute] = &[
    route("POST", "/dicomweb/{hospital}/uploads", Access::Bearer),
    route(
        "HEAD",
        "/dicomweb/{hospital}/uploads/{upload}",
        Access::Bearer,
    ),
    route(
        "PATCH",
        "/dicomweb/{hospital}/uploads/{upload}",
        Access::Bearer,
    ),
    route(
        "DELETE",
        "/dicomweb/{hospital}/uploads/{upload}",
        Access::Bearer,
    ),
    route("PUT", "/dicomweb/{hospital}/edges/{edge}", Access::Bearer),
];

const EDGE_REPORT_BYTES_MAX: usize = 16 << 10;
const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,expiration,termination";
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const OUTCOME: HeaderName = HeaderName::from_static("upload-outcome");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");

pub(crate) fn router() -> Router<GatewayState> {
    Router::new()
        .route(
            "/dicomweb/{hospital}/uploads",
            post(create).options(describe),
        )
        .route(
            "/dicomweb/{hospital}/uploads/{upload}",
            options(describe).head(state).patch(piece).delete(terminate),
        )
        .route("/dicomweb/{hospital}/edges/{edge}", put(report))
}

/// A refusal, in the words of HTTP; nothing of the object is in it.
struct Refusal(StatusCode, String, Option<u32>);

impl Refusal {
    fn bad(status: StatusCode, words: &str) -> Self {
        Self(status, words.into(), None)
    }
}

impl From<AppError> for Refusal {
    fn from(e: AppError) -> Self {
        let status = match &e {
            AppError::NotFound => StatusCode::NOT_FOUND,
            AppError::Gone => StatusCode::GONE,
            AppError::Denied(_) | AppError::NotAllowed(_) => StatusCode::FORBIDDEN,
            AppError::Unauthenticated | AppError::Reauthenticate => StatusCode::UNAUTHORIZED,
            AppError::Conflict | AppError::PreconditionFailed => StatusCode::CONFLICT,
            AppError::TooMuch(_) => StatusCode::PAYLOAD_TOO_LARGE,
            AppError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            AppError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            AppError::Unavailable(_) | AppError::KeyToken(_) => StatusCode::SERVICE_UNAVAILABLE,
            AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        if status.is_server_error() {
            tracing::error!(error = %e, "an upload failed");
        }
        let retry = match e {
            AppError::RateLimited { retry_after_s } => Some(retry_after_s),
            AppError::Unavailable(_) | AppError::KeyToken(_) => Some(5),
            AppError::Full(_) => Some(60),
            _ => None,
        };
        Self(
            status,
            status.canonical_reason().unwrap_or_default().to_owned(),
            retry,
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.0, [(RESUMABLE, VERSION)], self.1).into_response();
        if let Some(s) = self.2 {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(s));
        }
        response
    }
}

/// What this server offers (tus §OPTIONS).
async fn describe() -> Response {
    let max = limits::FILE_BYTES_MAX.to_string();
    (
        StatusCode::NO_CONTENT,
        [
            (RESUMABLE, VERSION.to_owned()),
            (HeaderName::from_static("tus-version"), VERSION.to_owned()),
            (
                HeaderName::from_static("tus-extension"),
                EXTENSIONS.to_owned(),
            ),
            (HeaderName::from_static("tus-max-size"), max),
        ],
    )
        .into_response()
}

async fn create(
    State(app): State<Arc<App>>,
    Path(hospital): Path<String>,
    Bearer(cx): Bearer,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    version(&headers)?;
    let hospital = named(&hospital)?;
    let length = number(&headers, &LENGTH)?;
    let told = metadata(&headers)?;
    let find = |key: &str| told.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let new = NewUpload {
        length,
        sha256: find("sha256"),
        sender: find("sender")
            .unwrap_or_default()
            .chars()
            .take(64)
            .collect(),
    };
    let upload = app.begin_upload(&cx, &hospital, new).await?;
    let location = format!("/dicomweb/{hospital}/uploads/{}", upload.id);
    let mut response = answer(StatusCode::CREATED, &upload);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn state(
    State(app): State<Arc<App>>,
    Path((hospital, upload)): Path<(String, String)>,
    Bearer(cx): Bearer,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    version(&headers)?;
    let upload = app.upload(&cx, &named(&hospital)?, &upload).await?;
    let mut response = answer(StatusCode::OK, &upload);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Takes bytes as they come and keeps each piece as soon as it is whole, so that what had arrived when a line broke
/// stays.
async fn piece(
    State(app): State<Arc<App>>,
    Path((hospital, id)): Path<(String, String)>,
    Bearer(cx): Bearer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    version(&headers)?;
    let hospital = named(&hospital)?;
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind != Some(b"application/offset+octet-stream") {
        return Err(Refusal::bad(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type is application/offset+octet-stream",
        ));
    }
    let offset = number(&headers, &OFFSET)?;
    let mut upload = app.upload(&cx, &hospital, &id).await?;
    if upload.offset != offset {
        return Err(Refusal(StatusCode::CONFLICT, "Upload-Offset".into(), None));
    }
    let mut stream = body.into_data_stream();
    let mut waiting: Vec<u8> = Vec::new();
    let mut broken = false;
    while let Some(next) = stream.next().await {
        let Ok(bytes) = next else {
            broken = true;
            break;
        };
        let mut bytes = &bytes[..];
        while waiting.len() + bytes.len() >= limits::UPLOAD_PIECE_BYTES_MAX {
            let (head, rest) = bytes.split_at(limits::UPLOAD_PIECE_BYTES_MAX - waiting.len());
            waiting.extend_from_slice(head);
            bytes = rest;
            let whole = Bytes::from(std::mem::take(&mut waiting));
            upload = app
                .upload_piece(&cx, &hospital, &id, upload.offset, whole)
                .await?;
        }
        waiting.extend_from_slice(bytes);
    }
    if !waiting.is_empty() {
        upload = app
            .upload_piece(&cx, &hospital, &id, upload.offset, waiting.into())
            .await?;
    }
    if broken {
        return Err(Refusal::bad(StatusCode::BAD_REQUEST, "the body broke off"));
    }
    Ok(answer(StatusCode::NO_CONTENT, &upload))
}

async fn terminate(
    State(app): State<Arc<App>>,
    Path((hospital, upload)): Path<(String, String)>,
    Bearer(cx): Bearer,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    version(&headers)?;
    app.drop_upload(&cx, &named(&hospital)?, &upload).await?;
    Ok((StatusCode::NO_CONTENT, [(RESUMABLE, VERSION)]).into_response())
}

/// How an edge stands, told by itself (see [`app::edges::EdgeReport`]).
async fn report(
    State(app): State<Arc<App>>,
    Path((hospital, edge)): Path<(String, String)>,
    Bearer(cx): Bearer,
    body: Bytes,
) -> Result<Response, Refusal> {
    if body.len() > EDGE_REPORT_BYTES_MAX {
        return Err(AppError::TooMuch("bytes in the report of an edge").into());
    }
    let report = serde_json::from_slice(&body)
        .map_err(|_| AppError::Malformed("the report of an edge cannot be read".into()))?;
    app.report_edge(&cx, &named(&hospital)?, &edge, report)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn answer(status: StatusCode, upload: &Upload) -> Response {
    let mut response = (status, [(RESUMABLE, VERSION)]).into_response();
    let headers = response.headers_mut();
    headers.insert(OFFSET, HeaderValue::from(upload.offset));
    headers.insert(LENGTH, HeaderValue::from(upload.length));
    if let Some(outcome) = upload.outcome {
        headers.insert(OUTCOME, HeaderValue::from_static(outcome.as_str()));
    } else if let Ok(until) = HeaderValue::from_str(
        &upload
            .until
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string(),
    ) {
        headers.insert(EXPIRES, until);
    }
    response
}

fn version(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(RESUMABLE) {
        Some(v) if v == VERSION => Ok(()),
        _ => Err(Refusal::bad(
            StatusCode::PRECONDITION_FAILED,
            "Tus-Resumable is 1.0.0",
        )),
    }
}

fn named(hospital: &str) -> Result<HospitalId, Refusal> {
    HospitalId::new(hospital).map_err(|_| AppError::NotFound.into())
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Refusal> {
    headers
        .get(name)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok())
        .ok_or_else(|| {
            Refusal::bad(
                StatusCode::BAD_REQUEST,
                &format!("{name} is a number of bytes"),
            )
        })
}

/// `key base64,key base64` (tus §Upload-Metadata).
fn metadata(headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
    let bad = || Refusal::bad(StatusCode::BAD_REQUEST, "Upload-Metadata cannot be read");
    let Some(text) = headers.get(METADATA) else {
        return Ok(Vec::new());
    };
    text.to_str()
        .map_err(|_| bad())?
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = BASE64_STANDARD.decode(value.trim()).map_err(|_| bad())?;
            let value = String::from_utf8(value).map_err(|_| bad())?;
            Ok((key.to_owned(), value))
        })
        .collect()
}
