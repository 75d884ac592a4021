//! A large object in an uncompressed transfer syntax, a frame at a time: what a peer is sent that takes no other.

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::description::Description;
use super::transcode::describe;
use super::{decode, decode_frame};
use crate::dataset::{Data, Dataset, Element};
use crate::error::ImagingError;
use crate::file;
use crate::object::Object;
use crate::syntax::{self, Codec, TransferSyntax};
use crate::write::{write_element, write_into};

/// All of an object but its pixels, written in little endian without compression.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The file up to its pixels.
    pub head: Bytes,
    /// What follows them.
    pub tail: Bytes,
    /// Bytes of each frame.
    pub frame_bytes: u64,
    /// How many frames follow one another.
    pub frames: u32,
    description: Description,
    syntax: &'static TransferSyntax,
}

impl Unpacked {
    /// Of an object with its first frame alone ([`crate::layout::Excerpt`]) and all its attributes; `to` is Explicit or
    /// Implicit VR Little Endian.
    ///
    /// # Errors
    /// Pixels that are not decoded, are of one bit, or are too many for one value.
    pub fn of(object: &Object, to: &str) -> Result<Unpacked, ImagingError> {
        let target = syntax::of(to);
        if !matches!(
            target.uid,
            syntax::EXPLICIT_LITTLE | syntax::IMPLICIT_LITTLE
        ) {
            return Err(ImagingError::Unsupported(
                "a transfer syntax that is not written here".to_owned(),
            ));
        }
        let d = Description::of(object.dataset())?;
        if d.allocated < 8 {
            return Err(ImagingError::Unsupported("pixels of one bit".to_owned()));
        }
        let pixel = object
            .pixel_element()
            .ok_or(ImagingError::Missing(tags::PIXEL_DATA))?;
        let mut data = object.dataset().clone();
        let mut vr = pixel.vr;
        let frame_bytes = if object.syntax().encapsulated() {
            let first = decode(object, object.first_frame())?;
            describe(&mut data, &d, first.photometric, Codec::Native);
            vr = if d.allocated > 8 { VR::OW } else { VR::OB };
            first.to_native(&d).len() as u64
        } else {
            crate::layout::frame_bits(object.dataset()).unwrap_or_default() / 8
        };
        let all = frame_bytes.checked_mul(u64::from(d.frames));
        let length = all.and_then(|n| u32::try_from(n.next_multiple_of(2)).ok());
        let length = length
            .filter(|n| *n > 0 && *n != u32::MAX)
            .ok_or(ImagingError::TooMuch("bytes of pixel data"))?;
        for table in [
            tags::EXTENDED_OFFSET_TABLE,
            tags::EXTENDED_OFFSET_TABLE_LENGTHS,
        ] {
            data.remove(table);
        }
        let (mut before, mut after) = (data.clone(), data);
        before.retain_mut(|e| e.tag < pixel.tag);
        after.retain_mut(|e| e.tag > pixel.tag);
        let empty = Element {
            tag: pixel.tag,
            vr,
            data: Data::Bytes(Bytes::new()),
        };
        let mut head = head_of(&before, target);
        write_into(&mut head, &before, target.explicit);
        write_element(&mut head, &empty, target.explicit);
        // The length of the value is what stands last.
        let at = head.len() - 4;
        head[at..].copy_from_slice(&length.to_le_bytes());
        let mut tail = vec![0; (frame_bytes * u64::from(d.frames) % 2) as usize];
        write_into(&mut tail, &after, target.explicit);
        Ok(Unpacked {
            head: head.into(),
            tail: tail.into(),
            frame_bytes,
            frames: d.frames,
            description: d,
            syntax: object.syntax(),
        })
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        let around = (self.head.len() + self.tail.len()) as u64;
        around + self.frame_bytes * u64::from(self.frames)
    }

    /// The bytes of a frame as they lie in the object, as they are to be sent. Works hard.
    ///
    /// # Errors
    /// As [`decode_frame`]; a frame of another size.
    pub fn frame(&self, bytes: Bytes) -> Result<Bytes, ImagingError> {
        let native = if self.syntax.encapsulated() {
            let frame = decode_frame(&self.description, self.syntax, &bytes, 0)?;
            Bytes::from(frame.to_native(&self.description))
        } else {
            bytes
        };
        if native.len() as u64 == self.frame_bytes {
            Ok(native)
        } else {
            Err(ImagingError::Pixels("a frame of another size".to_owned()))
        }
    }
}

fn head_of(data: &Dataset, target: &TransferSyntax) -> Vec<u8> {
    let class = data.plain(tags::SOP_CLASS_UID).unwrap_or_default();
    let instance = data.plain(tags::SOP_INSTANCE_UID).unwrap_or_default();
    file::head(class, instance, target.uid, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Span;
    use crate::pixel::transcode;
    use crate::{Limits, VR};

    fn film(frames: u16) -> Object {
        let mut d = Dataset::new();
        for (tag, text) in [
            (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
            (tags::SOP_INSTANCE_UID, "1.2.3"),
            (tags::STUDY_INSTANCE_UID, "1.2"),
            (tags::SERIES_INSTANCE_UID, "1.2.1"),
        ] {
            d.put_text(tag, VR::UI, text);
        }
        d.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.to_string());
        for (tag, n) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, 13),
            (tags::COLUMNS, 17),
            (tags::BITS_ALLOCATED, 8),
            (tags::BITS_STORED, 8),
            (tags::HIGH_BIT, 7),
            (tags::PIXEL_REPRESENTATION, 0),
        ] {
            d.put_u16(tag, n);
        }
        let pixels: Vec<u8> = (0..u32::from(frames) * 13 * 17)
            .map(|n| (n * 7 % 251) as u8)
            .collect();
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OB,
            data: Data::Bytes(pixels.into()),
        });
        d.put_text(dicom_core::Tag(0xfffa, 0x0010), VR::LO, "AFTER");
        let made = Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE));
        Object::read(file::of(&made), &Limits::default()).unwrap()
    }

    /// Put together from what is read of it.
    fn unpacked(object: &Object, to: &str) -> Result<Bytes, ImagingError> {
        let (bytes, layout) = (object.bytes(), object.layout());
        let some = |s: &Span| &bytes[s.offset as usize..(s.offset + s.length) as usize];
        let whole = |n| {
            let spans = layout.frame(n).unwrap_or_default();
            Bytes::from(spans.iter().map(some).collect::<Vec<_>>().concat())
        };
        let excerpt = layout.excerpt(0).unwrap();
        let tail = &bytes[layout.tail().unwrap() as usize..];
        let first = excerpt.object_with(
            &bytes[..excerpt.head as usize],
            &whole(0),
            tail,
            &Limits::default(),
        )?;
        let unpacked = Unpacked::of(&first, to)?;
        let mut out = unpacked.head.to_vec();
        for n in 0..unpacked.frames {
            out.extend_from_slice(&unpacked.frame(whole(n))?);
        }
        out.extend_from_slice(&unpacked.tail);
        assert_eq!(out.len() as u64, unpacked.size());
        Ok(out.into())
    }

    #[test]
    fn frame_by_frame_it_becomes_what_it_becomes_at_once() {
        for frames in [2, 3, 20] {
            let plain = film(frames);
            for from in [
                syntax::EXPLICIT_LITTLE,
                syntax::IMPLICIT_LITTLE,
                syntax::RLE,
                syntax::JPEG_LS,
            ] {
                let there = transcode(&plain, from, 100).unwrap();
                let there = Object::read(there, &Limits::default()).unwrap();
                for to in [syntax::EXPLICIT_LITTLE, syntax::IMPLICIT_LITTLE] {
                    let read = |bytes| Object::read(bytes, &Limits::default()).unwrap();
                    let (now, then) = (
                        read(unpacked(&there, to).unwrap()),
                        read(transcode(&there, to, 100).unwrap()),
                    );
                    assert_eq!(now.transfer_syntax(), to);
                    assert_eq!(now.dataset(), then.dataset(), "{frames}, {from} to {to}");
                }
            }
        }
    }
}
