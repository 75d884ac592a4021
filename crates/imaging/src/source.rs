//! Where a reader takes an object's bytes from: memory, or wherever a large one lies.

use bytes::Bytes;

use crate::error::ImagingError;

/// An object that is too large to be held, where it lies. It does not change while it is read.
pub trait Source {
    /// Its bytes.
    fn size(&self) -> usize;

    /// `length` bytes from `at` on; fewer only where fewer are there.
    ///
    /// # Errors
    /// [`ImagingError::Unread`] when they cannot be read.
    fn read(&self, at: usize, length: usize) -> Result<Bytes, ImagingError>;
}

/// What a [`crate::read::Reader`] reads.
pub(crate) trait Input {
    /// Whether large values are left where they lie.
    const LEAVES: bool;

    fn len(&self) -> usize;

    /// Bytes that lie within.
    fn slice(&mut self, at: usize, length: usize) -> Result<Bytes, ImagingError>;

    /// A few bytes that lie within.
    fn few<const N: usize>(&mut self, at: usize) -> Result<[u8; N], ImagingError>;
}

impl Input for &Bytes {
    const LEAVES: bool = false;

    fn len(&self) -> usize {
        Bytes::len(self)
    }

    fn slice(&mut self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        Ok(Bytes::slice(self, at..at + length))
    }

    fn few<const N: usize>(&mut self, at: usize) -> Result<[u8; N], ImagingError> {
        let rest = self.get(at..).and_then(|rest| rest.first_chunk());
        rest.copied().ok_or(ImagingError::Unread)
    }
}

/// Bytes of a source that are at hand at a time.
pub(crate) const WINDOW_BYTES: usize = 64 << 10;

/// A source with the bytes at hand that are read now.
pub(crate) struct Window<'a> {
    source: &'a dyn Source,
    at: usize,
    bytes: Bytes,
}

impl<'a> Window<'a> {
    pub fn of(source: &'a dyn Source) -> Self {
        Self {
            source,
            at: 0,
            bytes: Bytes::new(),
        }
    }

    /// Bytes that are at hand, after they were read where they were not.
    fn at_hand(&mut self, at: usize, length: usize) -> Result<&[u8], ImagingError> {
        let within = at
            .checked_sub(self.at)
            .is_some_and(|from| from + length <= self.bytes.len());
        if !within {
            self.bytes = self.source.read(at, length.max(WINDOW_BYTES))?;
            self.at = at;
        }
        let from = at - self.at;
        let bytes = self.bytes.get(from..from + length);
        bytes.ok_or(ImagingError::Unread)
    }
}

impl Input for Window<'_> {
    const LEAVES: bool = true;

    fn len(&self) -> usize {
        self.source.size()
    }

    fn slice(&mut self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        // A copy: a small value would hold the whole window.
        self.at_hand(at, length).map(Bytes::copy_from_slice)
    }

    fn few<const N: usize>(&mut self, at: usize) -> Result<[u8; N], ImagingError> {
        let few = self.at_hand(at, N)?.first_chunk();
        few.copied().ok_or(ImagingError::Unread)
    }
}

/// The beginning of an object of which more is to come.
pub(crate) struct Beginning<'a> {
    pub bytes: &'a Bytes,
    /// What the whole may have.
    pub size: usize,
}

impl Source for Beginning<'_> {
    fn size(&self) -> usize {
        self.size
    }

    fn read(&self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        let end = self.bytes.len().min(at.saturating_add(length));
        Ok(self.bytes.slice(at.min(end)..end))
    }
}
