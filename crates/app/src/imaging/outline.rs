//! Objects that are too large to be held, read where they lie.

use std::cell::RefCell;
use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use imaging::facts::is_uid;
use imaging::{ImagingError, Limits, Object, Source, tags};
use store::{Content, ScratchFolder};

use crate::App;

/// What an object calls itself, and its study.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub class: Option<String>,
    pub instance: Option<String>,
    pub study: Option<String>,
}

impl App {
    /// What an object that is not kept yet calls itself; nothing where it cannot be read.
    pub async fn image_names(&self, content: Content) -> Names {
        let folder = self.store.scratch();
        let names = tokio::task::spawn_blocking(move || {
            let object = match content.held() {
                Some(file) => Object::read(file.clone(), &Limits::default()),
                None => outline(&content, &folder),
            };
            let Ok(object) = object else {
                return Names::default();
            };
            let uid = |tag| {
                let uid = object.dataset().plain(tag)?;
                is_uid(uid).then(|| uid.to_owned())
            };
            Names {
                class: uid(tags::SOP_CLASS_UID),
                instance: uid(tags::SOP_INSTANCE_UID),
                study: uid(tags::STUDY_INSTANCE_UID),
            }
        });
        names.await.unwrap_or_default()
    }
}

/// Bytes that are inflated at once.
const INFLATED_AT_ONCE: usize = 1 << 20;

/// Content as the reader of objects takes it.
pub(super) struct Lying(pub Content);

impl Source for Lying {
    fn size(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    fn read(&self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        let end = self.0.len().min(at.saturating_add(length) as u64);
        let range = (at as u64).min(end)..end;
        self.0.range(range).map_err(|_| ImagingError::Unread)
    }
}

/// What an object says and where its large values lie. Blocks.
///
/// # Errors
/// As [`Object::outline`].
pub(super) fn outline(content: &Content, folder: &ScratchFolder) -> Result<Object, ImagingError> {
    outlined(content, folder).map(|(object, _)| object)
}

/// As [`outline`], with that in which the large values lie: the object, or what it inflates to.
pub(super) fn outlined(
    content: &Content,
    folder: &ScratchFolder,
) -> Result<(Object, Lying), ImagingError> {
    let limits = Limits::default();
    let values = RefCell::new(content.clone());
    let object = Object::outline(&Lying(content.clone()), &limits, &|from| {
        let inflated = inflated(content, from as u64, folder, limits.inflated_bytes)?;
        values.replace(inflated.clone());
        Ok(Box::new(Lying(inflated)))
    })?;
    Ok((object, Lying(values.into_inner())))
}

/// The deflated data set that begins at a byte, inflated (PS3.5 A.5): raw, or with the head of zlib as some writers have it.
fn inflated(
    content: &Content,
    from: u64,
    folder: &ScratchFolder,
    most: usize,
) -> Result<Content, ImagingError> {
    let deflated = || Reading {
        content,
        at: from,
        piece: Bytes::new(),
    };
    match copied(DeflateDecoder::new(deflated()), folder, most) {
        Err(ImagingError::Deflate) => copied(ZlibDecoder::new(deflated()), folder, most),
        other => other,
    }
}

fn copied(
    mut from: impl Read,
    folder: &ScratchFolder,
    most: usize,
) -> Result<Content, ImagingError> {
    let mut to = folder.create().map_err(|_| ImagingError::Unread)?;
    let mut piece = vec![0; INFLATED_AT_ONCE];
    let mut length = 0;
    loop {
        let read = from.read(&mut piece).map_err(|_| ImagingError::Deflate)?;
        if read == 0 {
            return to.finish().map_err(|_| ImagingError::Unread);
        }
        length += read;
        if length > most {
            return Err(ImagingError::TooMuch("bytes of an inflated data set"));
        }
        let some = piece.get(..read).unwrap_or_default();
        to.write(some).map_err(|_| ImagingError::Unread)?;
    }
}

/// Content from a byte on.
struct Reading<'a> {
    content: &'a Content,
    at: u64,
    piece: Bytes,
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let end = self.content.len().min(self.at + INFLATED_AT_ONCE as u64);
            self.piece = self.content.range(self.at..end)?;
            self.at = end;
        }
        let now = self.piece.split_to(self.piece.len().min(into.len()));
        into[..now.len()].copy_from_slice(&now);
        Ok(now.len())
    }
}
