//! One DICOM object: the file as it came, its meta information and its data set (PS3.10).

use std::io::Read;

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::dataset::{Data, Dataset};
use crate::error::ImagingError;
use crate::facts::Facts;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::read::{Encoding, Oddity, Reader};
use crate::source::{Beginning, Input, Source, Window};
use crate::syntax::{self, TransferSyntax};

/// An object that was read. Values are slices of its bytes; nothing was copied but what is deflated or big endian.
#[derive(Debug, Clone)]
pub struct Object {
    bytes: Bytes,
    meta: Dataset,
    dataset: Dataset,
    dataset_offset: usize,
    transfer_syntax: String,
    syntax: &'static TransferSyntax,
    oddities: Vec<Oddity>,
    max_frames: usize,
    /// The number of the first frame that the pixel data hold: 0 but for an [`crate::layout::Excerpt`].
    first_frame: u32,
}

impl Object {
    /// Reads a PS3.10 file. A missing preamble or missing file meta information is forgiven where what follows is
    /// clearly a data set; whatever else is wrong is an error, and memory stays within a small multiple of the bytes.
    pub fn read(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Object, ImagingError> {
        let bytes = bytes.into();
        if bytes.len() > limits.bytes {
            return Err(ImagingError::TooMuch("bytes of an object"));
        }
        let start = Start::of(&bytes, bytes.len())?;
        let mut reader = Reader::new(&bytes, start.at, start.meta, limits);
        let begun = start.begin(&mut reader)?;
        Self::read_from(bytes, begun, limits)
    }

    /// Reads an object where it lies: its attributes, and of large values (which DICOM JSON names by a BulkDataURI) their
    /// places. All that is known of the object is known of its outline, in memory that does not grow with its pixels; what
    /// needs the values themselves is not done with it. `inflate` gives the data set of a deflated object, which begins at
    /// the byte it is asked for.
    ///
    /// # Errors
    /// As [`Object::read`], for more attributes than may be held, and for bytes that cannot be read.
    pub fn outline(
        source: &dyn Source,
        limits: &Limits,
        inflate: &dyn Fn(usize) -> Result<Box<dyn Source>, ImagingError>,
    ) -> Result<Object, ImagingError> {
        if source.size() > limits.bytes {
            return Err(ImagingError::TooMuch("bytes of an object"));
        }
        let start = Start::of(&source.read(0, HEAD_BYTES)?, source.size())?;
        let mut reader = Reader::new(Window::of(source), start.at, start.meta, limits);
        let begun = start.begin(&mut reader)?;
        let syntax = syntax::of(&begun.transfer_syntax);
        let inflated = syntax.deflated.then(|| inflate(begun.offset)).transpose()?;
        let (source, at) = match &inflated {
            Some(inflated) => (&**inflated, 0),
            None => (source, begun.offset),
        };
        Self::read_on(Bytes::new(), Window::of(source), at, begun, limits)
    }

    /// Whether bytes can be the beginning of an object of at most `limits.bytes`: what is refused here is refused whole.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn may_begin(bytes: &Bytes, limits: &Limits) -> Result<(), ImagingError> {
        let beginning = Beginning {
            bytes,
            size: limits.bytes,
        };
        match Self::outline(&beginning, limits, &|_| Err(ImagingError::Unread)) {
            Ok(_) | Err(ImagingError::Unread) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Reads a bare data set, as a network message carries it (PS3.7 §6.3).
    pub fn read_dataset(
        bytes: impl Into<Bytes>,
        transfer_syntax: &str,
        limits: &Limits,
    ) -> Result<Object, ImagingError> {
        let bytes = bytes.into();
        if bytes.len() > limits.bytes {
            return Err(ImagingError::TooMuch("bytes of an object"));
        }
        let begun = Begun {
            meta: Dataset::default(),
            offset: 0,
            transfer_syntax: transfer_syntax.to_owned(),
            oddities: Vec::new(),
        };
        Self::read_from(bytes, begun, limits)
    }

    fn read_from(bytes: Bytes, begun: Begun, limits: &Limits) -> Result<Object, ImagingError> {
        if !syntax::of(&begun.transfer_syntax).deflated {
            return Self::read_on(bytes.clone(), &bytes, begun.offset, begun, limits);
        }
        let inflated = inflate(&bytes[begun.offset..], limits.inflated_bytes)?;
        Self::read_on(bytes, &inflated, 0, begun, limits)
    }

    /// Reads the data set, which begins at a place of the input.
    fn read_on<I: Input>(
        bytes: Bytes,
        input: I,
        at: usize,
        begun: Begun,
        limits: &Limits,
    ) -> Result<Object, ImagingError> {
        let syntax = syntax::of(&begun.transfer_syntax);
        let encoding = Encoding {
            explicit: syntax.explicit,
            big: syntax.big,
        };
        let mut reader = Reader::new(input, at, encoding, limits);
        let dataset = reader.dataset()?;
        let mut oddities = begun.oddities;
        oddities.append(&mut reader.oddities);
        if dataset.elements().is_empty() {
            return Err(ImagingError::NotDicom);
        }
        Ok(Object {
            bytes,
            meta: begun.meta,
            dataset,
            dataset_offset: begun.offset,
            transfer_syntax: begun.transfer_syntax,
            syntax,
            oddities,
            max_frames: limits.frames,
            first_frame: 0,
        })
    }

    /// An object made here: a data set to be written with this transfer syntax.
    pub fn made(dataset: Dataset, transfer_syntax: &'static TransferSyntax) -> Object {
        Object {
            bytes: Bytes::new(),
            meta: Dataset::default(),
            dataset,
            dataset_offset: 0,
            transfer_syntax: transfer_syntax.uid.to_owned(),
            syntax: transfer_syntax,
            oddities: Vec::new(),
            max_frames: Limits::default().frames,
            first_frame: 0,
        }
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Where the data set begins in them.
    pub fn dataset_offset(&self) -> usize {
        self.dataset_offset
    }

    /// The data set's bytes as they came, in the object's transfer syntax (what C-STORE sends).
    pub fn dataset_bytes(&self) -> Bytes {
        self.bytes
            .slice(self.dataset_offset.min(self.bytes.len())..)
    }

    /// File meta information (PS3.10 §7.1); empty where there was none.
    pub fn meta(&self) -> &Dataset {
        &self.meta
    }

    /// The data set.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The UID of the transfer syntax, known or not.
    pub fn transfer_syntax(&self) -> &str {
        &self.transfer_syntax
    }

    /// What is known of the transfer syntax.
    pub fn syntax(&self) -> &'static TransferSyntax {
        self.syntax
    }

    /// What was not as the standard has it but could be read.
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    /// What the object says of patient, study, series, instance and pixels.
    ///
    /// # Errors
    /// An object without the UIDs that name it (PS3.3 C.7.2.1, C.7.3.1, C.12.1), or with ones that are no UIDs.
    pub fn facts(&self) -> Result<Facts, ImagingError> {
        Facts::of(self)
    }

    /// Where pixel data, frames and other bulk data lie in the bytes.
    pub fn layout(&self) -> Layout {
        Layout::of(self)
    }

    /// Says that the pixel data hold the frames from this one on.
    pub(crate) fn beginning_with(mut self, frame: u32) -> Object {
        self.first_frame = frame;
        self
    }

    pub(crate) fn first_frame(&self) -> u32 {
        self.first_frame
    }

    pub(crate) fn frames_max(&self) -> usize {
        self.max_frames
    }

    /// Where a value lies in the bytes as they came; nothing for what was inflated or swapped.
    pub fn offset_of(&self, value: &Bytes) -> Option<u64> {
        let base = self.bytes.as_ptr() as usize;
        let at = (value.as_ptr() as usize).checked_sub(base)?;
        (at + value.len() <= self.bytes.len() && !self.bytes.is_empty()).then_some(at as u64)
    }

    /// The value of pixel data, in any of its three attributes (PS3.3 C.7.6.3, C.7.6.24).
    pub fn pixel_element(&self) -> Option<&crate::Element> {
        [
            tags::PIXEL_DATA,
            tags::FLOAT_PIXEL_DATA,
            tags::DOUBLE_FLOAT_PIXEL_DATA,
        ]
        .into_iter()
        .find_map(|tag| self.dataset.get(tag))
        .filter(|e| !matches!(e.data, Data::Items(_)))
    }
}

/// As much of an object as says what it is.
const HEAD_BYTES: usize = 256;

/// Where the first element lies, and how the file meta information is written.
struct Start {
    at: usize,
    meta: Encoding,
}

/// What stands before the data set.
struct Begun {
    meta: Dataset,
    /// Where the data set begins.
    offset: usize,
    transfer_syntax: String,
    oddities: Vec<Oddity>,
}

impl Start {
    /// Of the first bytes of an object of `size` bytes.
    fn of(head: &[u8], size: usize) -> Result<Start, ImagingError> {
        let at = match head.get(128..132) {
            Some(b"DICM") => 132,
            _ if head.starts_with(b"DICM") => 4,
            _ => 0,
        };
        let has_meta = head.get(at..at + 2) == Some(&[2, 0]);
        if at == 0 && !has_meta && !looks_like_dataset(head, size) {
            return Err(ImagingError::NotDicom);
        }
        let meta = Encoding {
            // Some writers have written their file meta information implicitly.
            explicit: head.get(at + 4..at + 6).is_some_and(is_vr),
            big: false,
        };
        Ok(Start { at, meta })
    }

    /// Reads the file meta information; `reader` stands where it begins.
    fn begin<I: Input>(&self, reader: &mut Reader<'_, I>) -> Result<Begun, ImagingError> {
        let meta = reader.group(2)?;
        let offset = reader.position();
        let mut oddities = std::mem::take(&mut reader.oddities);
        if self.at != 132 {
            oddities.push(Oddity {
                code: "no-preamble",
                tag: tags::FILE_META_INFORMATION_VERSION,
            });
        }
        let transfer_syntax = match meta.plain(tags::TRANSFER_SYNTAX_UID) {
            Some(uid) => uid.to_owned(),
            None => {
                oddities.push(Oddity {
                    code: "no-transfer-syntax",
                    tag: tags::TRANSFER_SYNTAX_UID,
                });
                guess(&reader.beginning()?).to_owned()
            }
        };
        Ok(Begun {
            meta,
            offset,
            transfer_syntax,
            oddities,
        })
    }
}

fn is_vr(two: &[u8]) -> bool {
    <[u8; 2]>::try_from(two)
        .ok()
        .and_then(VR::from_binary)
        .is_some()
}

/// Whether bytes without preamble and meta information begin like a data set: a tag of group 8 with a length that fits.
fn looks_like_dataset(bytes: &[u8], size: usize) -> bool {
    let Some(head) = bytes.get(..8) else {
        return false;
    };
    match head {
        [8, 0, _, 0, a, b, ..] if is_vr(&[*a, *b]) => true,
        [0, 8, 0, _, a, b, ..] if is_vr(&[*a, *b]) => true,
        [8, 0, _, 0, length @ ..] => {
            let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes) as usize;
            length <= size
        }
        _ => false,
    }
}

/// The transfer syntax of a data set that does not say it.
fn guess(dataset: &[u8]) -> &'static str {
    match dataset.get(..6) {
        Some([0, group, _, _, a, b]) if *group != 0 && is_vr(&[*a, *b]) => syntax::EXPLICIT_BIG,
        Some([.., a, b]) if is_vr(&[*a, *b]) => syntax::EXPLICIT_LITTLE,
        _ => syntax::IMPLICIT_LITTLE,
    }
}

/// Inflates raw deflate (PS3.5 A.5), or zlib as some writers have it, up to a bound.
fn inflate(bytes: &[u8], most: usize) -> Result<Bytes, ImagingError> {
    let mut out = Vec::new();
    let limit = most as u64 + 1;
    let raw = flate2::read::DeflateDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut out);
    if raw.is_err() {
        out.clear();
        flate2::read::ZlibDecoder::new(bytes)
            .take(limit)
            .read_to_end(&mut out)
            .map_err(|_| ImagingError::Deflate)?;
    }
    if out.len() > most {
        return Err(ImagingError::TooMuch("bytes of an inflated data set"));
    }
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod outline_tests;
#[cfg(test)]
mod tests;
