//! Pictures that were drawn of late: lists of studies show the same ones again and again, and drawing one takes ten times as long
//! as finding it. Whoever asks has shown by then that the permit opens the object.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use lru::LruCache;

/// All of them together, bytes.
const BYTES_MAX: usize = 32 << 20;
/// One of them, bytes.
const PICTURE_BYTES_MAX: usize = 1 << 20;
/// How many, however small.
const COUNT_MAX: usize = 8_192;
/// For this long one is given again.
const KEPT: Duration = Duration::from_secs(300);

/// What a picture is of and how it was drawn: the content of an object, its frame, and all that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Drawing {
    pub digest: String,
    pub frame: u32,
    pub media: &'static str,
    pub thumbnail: bool,
    pub parameters: Vec<(String, String)>,
}

/// Bounded by what they take in memory; the one that was longest not asked for goes first.
#[derive(Clone)]
pub struct Pictures(Arc<Mutex<Kept>>);

struct Kept {
    all: LruCache<Drawing, (Bytes, Instant)>,
    bytes: usize,
    /// How often all were forgotten.
    forgotten: u64,
}

/// A time between two erasures: what was opened then may be kept as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(u64);

impl Drawing {
    /// What it takes in memory with its picture, about.
    fn bytes(&self, picture: &Bytes) -> usize {
        let parameters = self.parameters.iter();
        let asked: usize = parameters
            .map(|(name, value)| name.len() + value.len() + 64)
            .sum();
        picture.len() + asked + 256
    }
}

impl Default for Pictures {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Kept {
            all: LruCache::new(NonZeroUsize::new(COUNT_MAX).unwrap_or(NonZeroUsize::MIN)),
            bytes: 0,
            forgotten: 0,
        })))
    }
}

impl Pictures {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asked before the object is opened.
    pub fn since(&self) -> Since {
        Since(self.kept().forgotten)
    }

    /// Forgets all: a patient was erased.
    pub fn forget(&self) {
        let mut kept = self.kept();
        kept.all.clear();
        kept.bytes = 0;
        kept.forgotten += 1;
    }

    pub fn get(&self, drawing: &Drawing) -> Option<Bytes> {
        let mut kept = self.kept();
        let (picture, since) = kept.all.get(drawing)?;
        if since.elapsed() < KEPT {
            return Some(picture.clone());
        }
        if let Some((old, _)) = kept.all.pop(drawing) {
            kept.bytes -= drawing.bytes(&old);
        }
        None
    }

    /// Keeps it, unless something was erased since the object was opened.
    pub fn put(&self, drawing: Drawing, picture: &Bytes, since: Since) {
        let mut kept = self.kept();
        if picture.len() > PICTURE_BYTES_MAX || since.0 != kept.forgotten {
            return;
        }
        kept.bytes += drawing.bytes(picture);
        let entry = (picture.clone(), Instant::now());
        // Either the one that was there, or the oldest of too many.
        if let Some((gone, (old, _))) = kept.all.push(drawing, entry) {
            kept.bytes -= gone.bytes(&old);
        }
        while kept.bytes > BYTES_MAX {
            match kept.all.pop_lru() {
                Some((gone, (old, _))) => kept.bytes -= gone.bytes(&old),
                None => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(n: u32) -> Drawing {
        Drawing {
            digest: "d".into(),
            frame: n,
            media: "image/jpeg",
            thumbnail: false,
            parameters: Vec::new(),
        }
    }

    #[test]
    fn pictures_are_found_again_by_all_that_was_asked() {
        let pictures = Pictures::default();
        let one = Bytes::from_static(b"one");
        pictures.put(drawing(1), &one, pictures.since());
        assert_eq!(pictures.get(&drawing(1)), Some(one));
        assert_eq!(pictures.get(&drawing(2)), None);
        let small = Drawing {
            thumbnail: true,
            ..drawing(1)
        };
        assert_eq!(pictures.get(&small), None);
    }

    #[test]
    fn what_they_take_is_bounded_and_the_oldest_go() {
        let pictures = Pictures::default();
        let large = Bytes::from(vec![0; PICTURE_BYTES_MAX]);
        for n in 0..40 {
            pictures.put(drawing(n), &large, pictures.since());
            pictures.put(drawing(n), &large, pictures.since());
        }
        let kept = pictures.0.lock().unwrap().bytes;
        assert!(kept <= BYTES_MAX && kept > BYTES_MAX / 2, "{kept}");
        assert_eq!(pictures.get(&drawing(0)), None);
        assert!(pictures.get(&drawing(39)).is_some());
        let larger = Bytes::from(vec![0; PICTURE_BYTES_MAX + 1]);
        pictures.put(drawing(99), &larger, pictures.since());
        assert_eq!(pictures.get(&drawing(99)), None);
    }

    #[test]
    fn an_erasure_takes_them_all_and_those_being_drawn() {
        let pictures = Pictures::default();
        let (one, before) = (Bytes::from_static(b"one"), pictures.since());
        pictures.put(drawing(1), &one, before);
        pictures.forget();
        assert_eq!(pictures.get(&drawing(1)), None);
        pictures.put(drawing(2), &one, before);
        assert_eq!(pictures.get(&drawing(2)), None);
        pictures.put(drawing(3), &one, pictures.since());
        assert_eq!(pictures.get(&drawing(3)), Some(one));
    }
}
