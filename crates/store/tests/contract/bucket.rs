//! A bucket on a test server, and what lies in a place, whatever kind it is.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt as _;
use karez_store::{Bucket, Place};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _};

/// A name nobody else uses, from a folder nobody else uses.
pub fn new_name(dir: &Path) -> String {
    let name = dir.file_name().unwrap().to_string_lossy().to_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("karez-{}-{letters}", std::process::id())
}

/// Makes the bucket by a plain request: the library of objects has no words for it.
pub fn create(endpoint: &str, name: &str) {
    let host = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "PUT /{name} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

pub fn at(endpoint: &str, name: &str) -> Bucket {
    Bucket {
        name: name.into(),
        prefix: "files".into(),
        endpoint: Some(endpoint.into()),
        region: "us-east-1".into(),
        access_key: "test".into(),
        secret_key: "test".to_owned().into(),
        path_style: true,
    }
}

fn objects(place: &Place) -> Arc<dyn ObjectStore> {
    match place {
        Place::Folder(dir) => Arc::new(LocalFileSystem::new_with_prefix(dir).unwrap()),
        Place::Bucket(b) => Arc::new(
            AmazonS3Builder::new()
                .with_bucket_name(&b.name)
                .with_endpoint(b.endpoint.as_ref().unwrap())
                .with_region(&b.region)
                .with_access_key_id(&b.access_key)
                .with_secret_access_key(b.secret_key.reveal())
                .with_allow_http(true)
                .build()
                .unwrap(),
        ),
    }
}

/// Every object with its bytes.
pub async fn stored(place: &Place) -> Vec<(String, Vec<u8>)> {
    let objects = objects(place);
    let metas: Vec<_> = objects.list(None).try_collect().await.unwrap();
    let mut out = Vec::new();
    for meta in metas {
        let bytes = objects.get(&meta.location).await.unwrap().bytes().await;
        out.push((meta.location.to_string(), bytes.unwrap().to_vec()));
    }
    out
}

pub async fn replace(place: &Place, name: &str, bytes: Option<Vec<u8>>) {
    let (objects, path) = (objects(place), object_store::path::Path::from(name));
    match bytes {
        Some(bytes) => objects.put(&path, bytes.into()).await.map(drop).unwrap(),
        None => objects.delete(&path).await.unwrap(),
    }
}
