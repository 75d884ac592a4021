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
        let start = match bytes.get(128..132) {
            Some(b"DICM") => 132,
            _ if bytes.starts_with(b"DICM") => 4,
            _ => 0,
        };
        let has_meta = bytes.get(start..start + 2) == Some(&[2, 0]);
        if start == 0 && !has_meta && !looks_like_dataset(&bytes) {
            return Err(ImagingError::NotDicom);
        }
        let meta_encoding = Encoding {
            // Some writers have written their file meta information implicitly.
            explicit: bytes.get(start + 4..start + 6).is_some_and(is_vr),
            big: false,
        };
        let mut reader = Reader::new(&bytes, start, meta_encoding, limits);
        let meta = reader.group(2)?;
        let (offset, mut oddities) = (reader.position(), reader.oddities);
        if start != 132 {
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
                guess(bytes.get(offset..).unwrap_or_default()).to_owned()
            }
        };
        Self::read_from(bytes, meta, offset, transfer_syntax, oddities, limits)
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
        Self::read_from(
            bytes,
            Dataset::default(),
            0,
            transfer_syntax.to_owned(),
            Vec::new(),
            limits,
        )
    }

    fn read_from(
        bytes: Bytes,
        meta: Dataset,
        dataset_offset: usize,
        transfer_syntax: String,
        mut oddities: Vec<Oddity>,
        limits: &Limits,
    ) -> Result<Object, ImagingError> {
        let syntax = syntax::of(&transfer_syntax);
        let encoding = Encoding {
            explicit: syntax.explicit,
            big: syntax.big,
        };
        let inflated = syntax
            .deflated
            .then(|| inflate(&bytes[dataset_offset..], limits.inflated_bytes))
            .transpose()?;
        let (source, at) = match &inflated {
            Some(inflated) => (inflated, 0),
            None => (&bytes, dataset_offset),
        };
        let mut reader = Reader::new(source, at, encoding, limits);
        let dataset = reader.dataset()?;
        oddities.append(&mut reader.oddities);
        if dataset.elements().is_empty() {
            return Err(ImagingError::NotDicom);
        }
        Ok(Object {
            bytes,
            meta,
            dataset,
            dataset_offset,
            transfer_syntax,
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

fn is_vr(two: &[u8]) -> bool {
    <[u8; 2]>::try_from(two)
        .ok()
        .and_then(VR::from_binary)
        .is_some()
}

/// Whether bytes without preamble and meta information begin like a data set: a tag of group 8 with a length that fits.
fn looks_like_dataset(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..8) else {
        return false;
    };
    match head {
        [8, 0, _, 0, a, b, ..] if is_vr(&[*a, *b]) => true,
        [0, 8, 0, _, a, b, ..] if is_vr(&[*a, *b]) => true,
        [8, 0, _, 0, length @ ..] => {
            let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes) as usize;
            length <= bytes.len()
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
mod tests;
