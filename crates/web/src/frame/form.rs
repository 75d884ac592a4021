//! Posted forms. The guard has already checked the form token of an urlencoded body; an upload checks its own.

use std::collections::HashMap;

use axum::RequestPartsExt;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::Response;
use kernel::{ErrorCode, limits};
use serde::de::DeserializeOwned;

use super::context::PageCx;
use super::error::PageError;

/// The page with the form again, with what is wrong in it.
pub fn refused(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

/// An urlencoded form, read into `T`. Repeated names are read by [`Fields`] instead.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let body = body(request, state).await?;
        serde_urlencoded::from_bytes(&body)
            .map(Self)
            .map_err(|_| PageError::new(ErrorCode::Malformed))
    }
}

/// An urlencoded form by name: for check boxes and forms whose fields are not fixed.
#[derive(Debug, Default, Clone)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn parse(body: &[u8]) -> Result<Self, PageError> {
        serde_urlencoded::from_bytes(body)
            .map(Self)
            .map_err(|_| PageError::new(ErrorCode::Malformed))
    }
    /// The trimmed value of `name`, or empty.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.trim())
    }
    /// The value of `name` as it was typed, for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    }
    /// The value of `name`, or `None` when it is missing or blank.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|v| !v.is_empty())
    }
    /// Every value of `name`.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .collect()
    }
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        Self::parse(&body(request, state).await?)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<bytes::Bytes, PageError> {
    bytes::Bytes::from_request(request, state)
        .await
        .map_err(|_| PageError::new(ErrorCode::TooMuch))
}

/// One file of an upload.
#[derive(Debug, Clone)]
pub struct UploadPart {
    pub field: String,
    /// As the browser gave it, without folders.
    pub filename: String,
    pub media_type: String,
    pub bytes: bytes::Bytes,
}

/// A form with files (`multipart/form-data`, RFC 7578). The token must be its first field, so that nothing is
/// read from a stranger.
#[derive(Debug, Default)]
pub struct Upload {
    pub fields: HashMap<String, Vec<String>>,
    pub files: Vec<UploadPart>,
}

impl Upload {
    pub fn get(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(|v| v.first())
            .map_or("", |v| v.trim())
    }
    pub fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let cx: PageCx = parts.extract().await?;
        let kind = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("multipart/form-data") {
            return Err(PageError::new(ErrorCode::MediaType));
        }
        let malformed = |_| PageError::new(ErrorCode::Malformed);
        let mut form = Multipart::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|_| PageError::new(ErrorCode::Malformed))?;
        let mut upload = Self::default();
        let mut proved = false;
        while let Some(field) = form.next_field().await.map_err(malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            if !proved && name != "csrf" {
                return Err(PageError::because(ErrorCode::Denied, "error-form-token"));
            }
            if let Some(filename) = field.file_name().map(base_name) {
                let media_type = field
                    .content_type()
                    .unwrap_or("application/octet-stream")
                    .to_owned();
                let bytes = field
                    .bytes()
                    .await
                    .map_err(|_| PageError::new(ErrorCode::TooMuch))?;
                if bytes.is_empty() && filename.is_empty() {
                    continue; // a file field left empty
                }
                if bytes.len() > limits::FILE_BYTES_MAX
                    || upload.files.len() >= limits::CASE_FILES_MAX
                {
                    return Err(PageError::new(ErrorCode::TooMuch));
                }
                upload.files.push(UploadPart {
                    field: name,
                    filename,
                    media_type,
                    bytes,
                });
            } else {
                let text = field.text().await.map_err(malformed)?;
                if name == "csrf" {
                    if !cx.token_is(&text) {
                        return Err(PageError::because(ErrorCode::Denied, "error-form-token"));
                    }
                    proved = true;
                } else {
                    upload.fields.entry(name).or_default().push(text);
                }
            }
        }
        if proved {
            Ok(upload)
        } else {
            Err(PageError::because(ErrorCode::Denied, "error-form-token"))
        }
    }
}

fn base_name(path: &str) -> String {
    path.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}
