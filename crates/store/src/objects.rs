//! Where objects lie: a folder on this machine, or a bucket that speaks S3. Blobs and backups use the same places.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kernel::Phi;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
    RetryConfig,
};

use crate::StoreError;

/// Objects larger than this go up in parts of this size, bytes. At least 5 MiB (S3's least part).
pub(crate) const PART_BYTES: usize = 8 << 20;
/// A bucket that takes no connection within this time is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// One request to a bucket, with its body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a failed request to a bucket is tried again: a reader waits for the answer.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

/// A place for objects.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder of this machine; each object is synced with its folder before it counts as written.
    Folder(PathBuf),
    Bucket(Bucket),
}

/// A bucket of a server that speaks S3. Nothing in it is ever handed out by a presigned address.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: String,
    /// Leads every object's name; empty for none.
    pub prefix: String,
    /// `https://s3.example`; none for the vendor's own of the region.
    pub endpoint: Option<String>,
    pub region: String,
    pub access_key: String,
    pub secret_key: Phi<String>,
    /// The bucket stands in the path (`https://s3.example/bucket/…`), not in the host's name.
    pub path_style: bool,
}

impl Place {
    /// In words for the operator, without secrets.
    pub fn describe(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Bucket(b) => {
                let host = b.endpoint.as_deref().unwrap_or("S3");
                let slash = if b.prefix.is_empty() { "" } else { "/" };
                format!("{host}, bucket {}{slash}{}", b.name, b.prefix)
            }
        }
    }

    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Bucket(_) => None,
        }
    }

    /// A place within this one.
    #[must_use]
    pub fn within(&self, name: &str) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(path.join(name)),
            Self::Bucket(b) => Self::Bucket(Bucket {
                prefix: if b.prefix.is_empty() {
                    name.to_owned()
                } else {
                    format!("{}/{name}", b.prefix)
                },
                ..b.clone()
            }),
        }
    }

    /// Opens the place. A folder is made when it is not there; a bucket is not asked yet.
    pub(crate) fn open(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        match self {
            Self::Folder(path) => {
                let fail = |e: &dyn std::fmt::Display| {
                    StoreError::Unavailable(format!(
                        "the folder {} cannot be used: {e}",
                        path.display()
                    ))
                };
                std::fs::create_dir_all(path).map_err(|e| fail(&e))?;
                let objects = LocalFileSystem::new_with_prefix(path)
                    .map_err(|e| fail(&e))?
                    .with_fsync(true);
                Ok(Arc::new(objects))
            }
            Self::Bucket(bucket) => bucket.open(),
        }
    }
}

impl Bucket {
    fn open(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let plain = self
            .endpoint
            .as_deref()
            .is_some_and(|e| e.starts_with("http://"));
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(self.secret_key.reveal())
            .with_virtual_hosted_style_request(!self.path_style)
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(plain)
                    .with_connect_timeout(CONNECT_TIMEOUT)
                    .with_timeout(REQUEST_TIMEOUT),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 4,
                retry_timeout: RETRY_TIMEOUT,
            });
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let objects = builder
            .build()
            .map_err(|e| StoreError::Unavailable(format!("the bucket cannot be used: {e}")))?;
        if self.prefix.is_empty() {
            Ok(Arc::new(objects))
        } else {
            Ok(Arc::new(PrefixStore::new(objects, self.prefix.as_str())))
        }
    }
}

/// An upload whose content comes piece by piece: small ones in one request, large ones in parts, so that no more
/// than two parts are in memory. Nothing is there under the name before [`Upload::finish`] has returned.
pub(crate) struct Upload<'a> {
    objects: &'a dyn ObjectStore,
    path: object_store::path::Path,
    waiting: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    bytes: u64,
}

impl<'a> Upload<'a> {
    pub fn new(objects: &'a dyn ObjectStore, path: object_store::path::Path) -> Self {
        Self {
            objects,
            path,
            waiting: Vec::new(),
            parts: None,
            bytes: 0,
        }
    }

    pub async fn write(&mut self, piece: &[u8]) -> object_store::Result<()> {
        self.bytes += piece.len() as u64;
        self.waiting.extend_from_slice(piece);
        while self.waiting.len() > PART_BYTES {
            let rest = self.waiting.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.waiting, rest);
            self.part(part).await?;
        }
        Ok(())
    }

    async fn part(&mut self, part: Vec<u8>) -> object_store::Result<()> {
        if self.parts.is_none() {
            self.parts = Some(self.objects.put_multipart(&self.path).await?);
        }
        if let Some(parts) = &mut self.parts {
            parts.put_part(PutPayload::from(Bytes::from(part))).await?;
        }
        Ok(())
    }

    /// Writes what is left and makes the object. Gives its size, bytes.
    pub async fn finish(mut self) -> object_store::Result<u64> {
        let rest = std::mem::take(&mut self.waiting);
        if self.parts.is_none() {
            let payload = PutPayload::from(Bytes::from(rest));
            self.objects.put(&self.path, payload).await?;
            return Ok(self.bytes);
        }
        let done = match self.part(rest).await {
            Ok(()) => match &mut self.parts {
                Some(parts) => parts.complete().await.map(drop),
                None => Ok(()),
            },
            Err(e) => Err(e),
        };
        match done {
            Ok(()) => Ok(self.bytes),
            Err(e) => {
                self.abort().await;
                Err(e)
            }
        }
    }

    /// Gives up: parts that are up already cost room.
    pub async fn abort(mut self) {
        if let Some(parts) = &mut self.parts
            && let Err(error) = parts.abort().await
        {
            tracing::warn!(error = %error, "parts of a broken-off upload are left in the bucket");
        }
    }
}

/// The messages of the object store hold names of objects, which hold no patient data.
pub(crate) fn object_error(e: object_store::Error) -> StoreError {
    match e {
        object_store::Error::NotFound { .. } => {
            StoreError::Damaged("the bytes of an object are missing".into())
        }
        other => {
            let why = format!("files: {}", first_line(&other.to_string()));
            if has_no_room(&other) {
                StoreError::Full(why)
            } else {
                StoreError::Unavailable(why)
            }
        }
    }
}

/// Whether the disk of a folder had no room for it.
fn has_no_room(e: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(e), |e| e.source())
        .filter_map(|e| e.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::StorageFull)
}

/// A server's answer may be a page long.
fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}
