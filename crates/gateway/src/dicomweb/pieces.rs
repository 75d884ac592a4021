//! Answers that are too long to be held in memory: read from the object, and opened, piece by piece as they are sent.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use app::imaging::{InstanceLine, OpenImage};
use axum::body::{Body, Bytes};
use futures::{Stream, stream};
use imaging::layout::{Excerpt, Span};
use imaging::{ImagingError, Layout, Limits, Object};

use super::reply::Refusal;
use super::wado::broken;

/// Answers up to this size are made whole before they are sent, bytes.
pub const HELD_BYTES_MAX: u64 = 4 << 20;
/// Bytes of an object that are read at once; whole chunks of its encryption.
const PIECE_BYTES: u64 = 1 << 20;

/// A part of an answer.
#[derive(Debug)]
pub enum Piece {
    Bytes(Bytes),
    /// Bytes of the object.
    Of(Range<u64>),
}

impl Piece {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Of(range) => range.end - range.start,
        }
    }
}

impl From<&Span> for Piece {
    fn from(span: &Span) -> Self {
        Self::Of(span.offset..span.offset + span.length)
    }
}

/// The bytes of all pieces, one after the other.
pub fn stream(
    open: OpenImage,
    pieces: impl IntoIterator<Item = Piece>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let pieces: VecDeque<Piece> = pieces.into_iter().collect();
    stream::try_unfold((open, pieces), |(open, mut pieces)| async {
        let bytes = match pieces.pop_front() {
            None => return Ok(None),
            Some(Piece::Bytes(bytes)) => bytes,
            Some(Piece::Of(range)) => {
                // Up to where a chunk ends, so that none is opened twice.
                let end = (range.start / PIECE_BYTES + 1) * PIECE_BYTES;
                let now = range.start..end.min(range.end);
                if now.end < range.end {
                    pieces.push_front(Piece::Of(now.end..range.end));
                }
                let read = open.range(now).await;
                read.map_err(|e| io::Error::other(e.to_string()))?
            }
        };
        Ok(Some((bytes, (open, pieces))))
    })
}

/// As the body of an answer.
pub fn body(open: OpenImage, pieces: impl IntoIterator<Item = Piece> + 'static) -> Body {
    Body::from_stream(stream(open, pieces))
}

/// What was read of an object to decode or show one of its frames: all of a small one, else what belongs to the frame.
pub enum Reading {
    All(Bytes),
    Part {
        excerpt: Excerpt,
        head: Bytes,
        frame: Vec<u8>,
    },
}

impl Reading {
    /// `frame` is counted from 0.
    pub async fn of(line: &InstanceLine, open: &OpenImage, frame: u32) -> Result<Self, Refusal> {
        let small = line.size <= HELD_BYTES_MAX || line.frames < 2;
        let layout = Layout::from_bytes(open.layout_bytes()).map_err(broken)?;
        let Some(excerpt) = layout.excerpt(frame).filter(|_| !small) else {
            return Ok(Self::All(open.all().await?));
        };
        let head = open.range(0..excerpt.head).await?;
        let mut bytes = Vec::new();
        for span in &excerpt.frame {
            let part = open.range(span.offset..span.offset + span.length).await?;
            bytes.extend_from_slice(&part);
        }
        Ok(Self::Part {
            excerpt,
            head,
            frame: bytes,
        })
    }

    /// Works hard: not for threads that serve others.
    pub fn object(self) -> Result<Object, ImagingError> {
        let limits = Limits::default();
        match self {
            Self::All(file) => Object::read(file, &limits),
            Self::Part {
                excerpt,
                head,
                frame,
            } => excerpt.object(&head, &frame, &limits),
        }
    }
}
