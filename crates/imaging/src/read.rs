//! Reading a data set in one bounded pass: nothing is allocated by what a length field claims, values are slices.

mod fragments;

use std::sync::Arc;

use bytes::Bytes;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use crate::charset::Charset;
use crate::dataset::{Away, Data, Dataset, Element};
use crate::error::ImagingError;
use crate::json::{inline_bytes_max, is_pixels};
use crate::layout::Span;
use crate::limits::Limits;
use crate::source::{Input, WINDOW_BYTES};
use fragments::Fragments;

const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);
const TRAILING_PADDING: Tag = Tag(0xfffc, 0xfffc);

/// Something that was not as the standard has it, but could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oddity {
    /// A stable code.
    pub code: &'static str,
    /// Where.
    pub tag: Tag,
}

/// How a data set is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding {
    pub explicit: bool,
    pub big: bool,
}

/// Reads elements.
pub(crate) struct Reader<'a, I> {
    input: I,
    at: usize,
    encoding: Encoding,
    limits: &'a Limits,
    left: usize,
    /// Bytes of values that may still be held, where large ones are left where they lie.
    room: usize,
    signed: bool,
    wide: bool,
    pub oddities: Vec<Oddity>,
}

struct Header {
    tag: Tag,
    vr: VR,
    length: u32,
}

impl<'a, I: Input> Reader<'a, I> {
    pub fn new(input: I, at: usize, encoding: Encoding, limits: &'a Limits) -> Reader<'a, I> {
        Reader {
            input,
            at,
            encoding,
            limits,
            left: limits.elements,
            room: limits.attribute_bytes,
            signed: false,
            wide: false,
            oddities: Vec::new(),
        }
    }

    /// Where the next element begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The few bytes that the next element begins with.
    pub fn beginning(&mut self) -> Result<Bytes, ImagingError> {
        let length = 8.min(self.input.len() - self.at);
        self.input.slice(self.at, length)
    }

    /// Reads the whole data set.
    pub fn dataset(&mut self) -> Result<Dataset, ImagingError> {
        self.elements(self.input.len(), 0, false, Arc::new(Charset::default()))
    }

    /// Reads the elements of one group at the current place (file meta information).
    pub fn group(&mut self, group: u16) -> Result<Dataset, ImagingError> {
        let mut elements = Vec::new();
        while self.input.len() - self.at >= 8 && self.peek()?.0 == group {
            let element = self.element(self.input.len(), 0, &Arc::default())?;
            elements.push(element);
        }
        Ok(Dataset::from_parts(elements, Arc::default()))
    }

    fn odd(&mut self, code: &'static str, tag: Tag) {
        if self.oddities.len() < 16 && !self.oddities.iter().any(|o| o.code == code) {
            self.oddities.push(Oddity { code, tag });
        }
    }

    fn elements(
        &mut self,
        end: usize,
        depth: usize,
        delimited: bool,
        mut charset: Arc<Charset>,
    ) -> Result<Dataset, ImagingError> {
        let mut elements: Vec<Element> = Vec::new();
        while self.at < end {
            if end - self.at < 8 {
                if depth == 0 && self.zeros(end)? {
                    self.odd("trailing-zeros", TRAILING_PADDING);
                    self.at = end;
                    break;
                }
                return Err(ImagingError::Truncated(
                    elements.last().map_or(Tag(0, 0), |e| e.tag),
                ));
            }
            let next = self.peek()?;
            if next == ITEM_END {
                self.at += 8;
                if delimited {
                    return Ok(Dataset::from_parts(elements, charset));
                }
                self.odd("stray-delimiter", next);
                continue;
            }
            if next == TRAILING_PADDING && depth == 0 {
                self.at = end;
                break;
            }
            if depth == 0 && next == Tag(0, 0) && self.zeros(end)? {
                self.odd("trailing-zeros", next);
                self.at = end;
                break;
            }
            let element = self.element(end, depth, &charset)?;
            match element.tag {
                tags::SPECIFIC_CHARACTER_SET => {
                    let terms = element.texts(&charset).0;
                    charset = Arc::new(Charset::of(&terms));
                    if charset.is_unknown() {
                        self.odd("unknown-charset", element.tag);
                    }
                }
                tags::BITS_ALLOCATED => self.wide = element.ints().first() == Some(&32),
                tags::PIXEL_REPRESENTATION => self.signed = element.ints().first() == Some(&1),
                _ => {}
            }
            if elements.last().is_some_and(|last| last.tag >= element.tag) {
                self.odd("order", element.tag);
            }
            elements.push(element);
        }
        if delimited {
            return Err(ImagingError::Truncated(
                elements.last().map_or(ITEM, |e| e.tag),
            ));
        }
        Ok(Dataset::from_parts(elements, charset))
    }

    fn element(
        &mut self,
        end: usize,
        depth: usize,
        charset: &Arc<Charset>,
    ) -> Result<Element, ImagingError> {
        self.spend(1)?;
        let Header { tag, vr, length } = self.header(end)?;
        let data = if length == UNDEFINED {
            self.undefined(tag, vr, end, depth, charset)?
        } else {
            let length = length as usize;
            if vr == VR::SQ {
                if length > end - self.at {
                    return Err(ImagingError::Truncated(tag));
                }
                Data::Items(self.items(tag, Some(self.at + length), end, depth, charset)?)
            } else {
                self.value(tag, vr, length, end, depth)?
            }
        };
        let vr = if matches!(data, Data::Items(_)) {
            VR::SQ
        } else {
            vr
        };
        Ok(Element { tag, vr, data })
    }

    fn value(
        &mut self,
        tag: Tag,
        vr: VR,
        length: usize,
        end: usize,
        depth: usize,
    ) -> Result<Data, ImagingError> {
        let mut length = length;
        if length > end - self.at {
            if tag != tags::PIXEL_DATA || depth > 0 {
                return Err(ImagingError::Truncated(tag));
            }
            self.odd("pixel-data-short", tag);
            length = end - self.at;
        }
        let at = self.at;
        self.at += length;
        let pixels = depth == 0 && is_pixels(tag);
        if I::LEAVES && (pixels || length > inline_bytes_max(vr)) {
            return Ok(Data::Away(Box::new(self.leave(tag, at, length)?)));
        }
        let bytes = self.held(at, length)?;
        if !self.encoding.big {
            return Ok(Data::Bytes(bytes));
        }
        // Pixels of 32 bits are written as such, whatever their representation's words.
        let vr = if tag == tags::PIXEL_DATA && self.wide {
            VR::OL
        } else {
            vr
        };
        Ok(Data::Bytes(swapped(bytes, vr)))
    }

    /// A value that is left where it lies; the extended offset table is read too, if it may be one.
    fn leave(&mut self, tag: Tag, at: usize, length: usize) -> Result<Away, ImagingError> {
        let table = tag == tags::EXTENDED_OFFSET_TABLE && length / 8 <= self.limits.frames;
        let held = if table {
            self.held(at, length)?
        } else {
            Bytes::new()
        };
        let span = Span {
            offset: at as u64,
            length: length as u64,
        };
        Ok(Away::Value { span, held })
    }

    fn held(&mut self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        if I::LEAVES {
            self.room = self
                .room
                .checked_sub(length)
                .ok_or(ImagingError::TooMuch("bytes of attributes"))?;
        }
        self.input.slice(at, length)
    }

    /// Whether all that is left is zero.
    fn zeros(&mut self, end: usize) -> Result<bool, ImagingError> {
        let mut at = self.at;
        while at < end {
            let length = (end - at).min(WINDOW_BYTES);
            if self.input.slice(at, length)?.iter().any(|b| *b != 0) {
                return Ok(false);
            }
            at += length;
        }
        Ok(true)
    }

    /// A value of undefined length: a sequence, or encapsulated pixel data (PS3.5 §7.5, A.4).
    fn undefined(
        &mut self,
        tag: Tag,
        vr: VR,
        end: usize,
        depth: usize,
        charset: &Arc<Charset>,
    ) -> Result<Data, ImagingError> {
        match vr {
            VR::SQ => Ok(Data::Items(self.items(tag, None, end, depth, charset)?)),
            VR::OB | VR::OW if tag == tags::PIXEL_DATA => self.fragments(tag, end),
            VR::UN => {
                // PS3.5 §6.2.2 note 3: such a value is a sequence in implicit VR little endian.
                let before = self.encoding;
                self.encoding.explicit = false;
                let items = self.items(tag, None, end, depth, charset);
                self.encoding = before;
                Ok(Data::Items(items?))
            }
            _ => Err(ImagingError::Malformed(tag, "undefined length")),
        }
    }

    fn items(
        &mut self,
        tag: Tag,
        until: Option<usize>,
        end: usize,
        depth: usize,
        charset: &Arc<Charset>,
    ) -> Result<Vec<Dataset>, ImagingError> {
        if depth >= self.limits.depth {
            return Err(ImagingError::TooMuch("levels of sequences"));
        }
        let end = until.unwrap_or(end);
        let mut items = Vec::new();
        loop {
            if self.at == end && until.is_some() {
                return Ok(items);
            }
            if end - self.at < 8 {
                return Err(ImagingError::Truncated(tag));
            }
            self.spend(1)?;
            let (next, length) = (self.peek()?, self.u32_at(self.at + 4)?);
            self.at += 8;
            match next {
                ITEM if length == UNDEFINED => {
                    items.push(self.elements(end, depth + 1, true, charset.clone())?)
                }
                ITEM => {
                    let length = length as usize;
                    if length > end - self.at {
                        return Err(ImagingError::Truncated(tag));
                    }
                    items.push(self.elements(
                        self.at + length,
                        depth + 1,
                        false,
                        charset.clone(),
                    )?);
                }
                SEQUENCE_END if until.is_none() => return Ok(items),
                SEQUENCE_END => self.odd("stray-delimiter", tag),
                _ => return Err(ImagingError::Malformed(tag, "no item in a sequence")),
            }
        }
    }

    fn fragments(&mut self, tag: Tag, end: usize) -> Result<Data, ImagingError> {
        let mut fragments = Fragments::<I>::default();
        loop {
            if self.at == end && fragments.count > 0 {
                self.odd("pixel-data-short", tag);
                return Ok(fragments.data());
            }
            if end - self.at < 8 {
                return Err(ImagingError::Truncated(tag));
            }
            let (next, length) = (self.peek()?, self.u32_at(self.at + 4)?);
            self.at += 8;
            match next {
                SEQUENCE_END => return Ok(fragments.data()),
                ITEM if length as usize <= end - self.at => {
                    fragments.add(self, length as usize)?;
                }
                ITEM if length != UNDEFINED => {
                    self.odd("pixel-data-short", tag);
                    fragments.add(self, end - self.at)?;
                    return Ok(fragments.data());
                }
                _ => return Err(ImagingError::Malformed(tag, "no item in pixel data")),
            }
            if fragments.count > self.limits.fragments {
                return Err(ImagingError::TooMuch("fragments of pixel data"));
            }
        }
    }

    fn header(&mut self, end: usize) -> Result<Header, ImagingError> {
        let tag = self.peek()?;
        if tag.0 == 0xfffe {
            return Err(ImagingError::Malformed(tag, "item outside a sequence"));
        }
        let behind: [u8; 4] = self.input.few(self.at + 4)?;
        let code = [behind[0], behind[1]];
        let claimed = self.u32_at(self.at + 4)?;
        if !self.encoding.explicit || (!code.iter().all(u8::is_ascii_uppercase)) {
            if self.encoding.explicit {
                // Items written implicitly within an explicit data set are met with in the field.
                self.odd("implicit-element", tag);
            }
            self.at += 8;
            let vr = self.implied(tag, claimed);
            return Ok(Header {
                tag,
                vr,
                length: claimed,
            });
        }
        let known = VR::from_binary(code);
        let short = known.is_some_and(|vr| {
            !matches!(
                vr,
                VR::OB
                    | VR::OD
                    | VR::OF
                    | VR::OL
                    | VR::OV
                    | VR::OW
                    | VR::SQ
                    | VR::SV
                    | VR::UC
                    | VR::UN
                    | VR::UR
                    | VR::UT
                    | VR::UV
            )
        });
        if short {
            let length = self.u16_at(self.at + 6)?;
            self.at += 8;
            let vr = known.unwrap_or(VR::UN);
            return Ok(Header {
                tag,
                vr,
                length: u32::from(length),
            });
        }
        if end - self.at < 12 {
            return Err(ImagingError::Truncated(tag));
        }
        if known.is_none() {
            self.odd("unknown-vr", tag);
        }
        let length = self.u32_at(self.at + 8)?;
        self.at += 12;
        let mut vr = known.unwrap_or(VR::UN);
        if vr == VR::UN && length != UNDEFINED && tag.0.is_multiple_of(2) {
            // A relay that did not know the attribute wrote UN; its value is as in implicit VR (PS3.5 §6.2.2 note 2).
            match self.implied(tag, length) {
                VR::SQ => {}
                implied => vr = implied,
            }
        }
        Ok(Header { tag, vr, length })
    }

    /// The value representation of an attribute that does not say it (PS3.5 §6.2.2, PS3.6).
    fn implied(&self, tag: Tag, length: u32) -> VR {
        let Some(entry) = StandardDataDictionary.by_tag(tag) else {
            return if length == UNDEFINED { VR::SQ } else { VR::UN };
        };
        match entry.vr() {
            VirtualVr::Xs if self.signed => VR::SS,
            VirtualVr::Lt if length <= 6 => VR::US,
            other => other.relaxed(),
        }
    }

    fn spend(&mut self, elements: usize) -> Result<(), ImagingError> {
        self.left = self
            .left
            .checked_sub(elements)
            .ok_or(ImagingError::TooMuch("elements"))?;
        Ok(())
    }

    fn peek(&mut self) -> Result<Tag, ImagingError> {
        if self.input.len() - self.at < 8 {
            return Err(ImagingError::Truncated(Tag(0, 0)));
        }
        Ok(Tag(self.u16_at(self.at)?, self.u16_at(self.at + 2)?))
    }

    fn u16_at(&mut self, at: usize) -> Result<u16, ImagingError> {
        let two = self.input.few(at)?;
        Ok(if self.encoding.big {
            u16::from_be_bytes(two)
        } else {
            u16::from_le_bytes(two)
        })
    }

    fn u32_at(&mut self, at: usize) -> Result<u32, ImagingError> {
        let four = self.input.few(at)?;
        Ok(if self.encoding.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    }
}

/// Numbers of a big-endian value as little endian.
pub(crate) fn swapped(bytes: Bytes, vr: VR) -> Bytes {
    let width = match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => return bytes,
    };
    let mut out = bytes.to_vec();
    out.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    Bytes::from(out)
}
