//! Objects on their way to a peer that does not take them as they are kept: small ones are written anew at once, large ones
//! a frame at a time while they are sent.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use app::imaging::OpenImage;
use async_trait::async_trait;
use bytes::Bytes;
use imaging::pixel::Unpacked;
use imaging::{Layout, Limits};
use kernel::limits;

use super::host::Outgoing;
use super::status::{self, Status};

const UNREADABLE: Status = (status::PROCESSING_FAILURE, "pixels could not be read");
/// Attributes behind the pixels, bytes.
const TAIL_BYTES_MAX: u64 = 1 << 20;

/// The file in another transfer syntax; none when it cannot be brought into it.
pub async fn transcoded(file: OpenImage, transfer_syntax: &str) -> Option<Box<dyn Outgoing>> {
    let size = usize::try_from(file.line.size).ok()?;
    if size > limits::IMAGE_HELD_BYTES_MAX {
        let layout = Layout::from_bytes(file.layout_bytes()).ok()?;
        if let Some(layout) = Some(layout).filter(|l| l.excerpt(0).is_some()) {
            return Some(Box::new(
                Unpacking::of(file, layout, transfer_syntax).await?,
            ));
        }
    }
    if size > limits::IMAGE_RECODED_BYTES_MAX {
        tracing::info!(
            size,
            "an object is too large to be sent in another transfer syntax"
        );
        return None;
    }
    let (whole, to) = (file.all().await.ok()?, transfer_syntax.to_owned());
    let transcoded = working(move || crate::pixels::transcoded(&whole, &to)).await;
    Some(Box::new(transcoded.flatten()?))
}

/// Work that takes a while, on a thread for that.
async fn working<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

struct Unpacking {
    file: OpenImage,
    layout: Layout,
    unpacked: Arc<Unpacked>,
    /// The frame that was decoded last: it is sent in several pieces.
    last: Mutex<Option<(u32, Bytes)>>,
}

impl Unpacking {
    async fn of(file: OpenImage, layout: Layout, to: &str) -> Option<Self> {
        let excerpt = layout.excerpt(0)?;
        let size = file.line.size;
        let tail = layout.tail().filter(|at| *at < size).unwrap_or(size);
        if excerpt.head > limits::IMAGE_ATTRIBUTE_BYTES_MAX as u64 || size - tail > TAIL_BYTES_MAX {
            return None;
        }
        let head = file.range(0..excerpt.head).await.ok()?;
        let tail = file.range(tail..size).await.ok()?;
        let frame = read(&file, &layout, 0).await?;
        let to = to.to_owned();
        let unpacked = working(move || {
            let object = excerpt.object_with(&head, &frame, &tail, &Limits::default());
            Unpacked::of(&object.ok()?, &to).ok()
        });
        Some(Self {
            unpacked: Arc::new(unpacked.await.flatten()?),
            file,
            layout,
            last: Mutex::default(),
        })
    }

    /// What holds a byte of the file, and where it begins.
    async fn part(&self, at: u64) -> Option<(Bytes, u64)> {
        let unpacked = &self.unpacked;
        let Some(within) = at.checked_sub(unpacked.head.len() as u64) else {
            return Some((unpacked.head.clone(), 0));
        };
        let frame = within / unpacked.frame_bytes;
        let begins = |frame| unpacked.head.len() as u64 + frame * unpacked.frame_bytes;
        if frame >= u64::from(unpacked.frames) {
            return Some((unpacked.tail.clone(), begins(u64::from(unpacked.frames))));
        }
        let number = u32::try_from(frame).ok()?;
        Some((self.frame(number).await?, begins(frame)))
    }

    async fn frame(&self, number: u32) -> Option<Bytes> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = last().as_ref().filter(|(n, _)| *n == number) {
            return Some(frame.clone());
        }
        let bytes = read(&self.file, &self.layout, number).await?;
        let unpacked = Arc::clone(&self.unpacked);
        let frame = working(move || unpacked.frame(bytes).ok())
            .await
            .flatten()?;
        *last() = Some((number, frame.clone()));
        Some(frame)
    }
}

/// The bytes of a frame as they lie in the file.
async fn read(file: &OpenImage, layout: &Layout, frame: u32) -> Option<Bytes> {
    let spans = layout.frame(frame)?;
    let length: u64 = spans.iter().map(|s| s.length).sum();
    if length > limits::IMAGE_FRAME_BYTES_MAX as u64 {
        return None;
    }
    let mut bytes = Vec::new();
    for span in spans {
        let part = file.range(span.offset..span.offset + span.length).await;
        bytes.extend_from_slice(&part.ok()?);
    }
    Some(bytes.into())
}

#[async_trait]
impl Outgoing for Unpacking {
    fn size(&self) -> u64 {
        self.unpacked.size()
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, Status> {
        let mut out = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or(0));
        let mut at = range.start;
        while at < range.end {
            let (part, begins) = self.part(at).await.ok_or(UNREADABLE)?;
            let within = |n: u64| usize::try_from(n - begins).unwrap_or(usize::MAX);
            let end = range.end.min(begins + part.len() as u64);
            let some = part.get(within(at)..within(end)).ok_or(UNREADABLE)?;
            if some.is_empty() {
                return Err(UNREADABLE);
            }
            out.extend_from_slice(some);
            at = end;
        }
        Ok(out.into())
    }
}
