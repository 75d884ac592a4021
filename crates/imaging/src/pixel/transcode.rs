//! Writing an object in another transfer syntax (PS3.18 §8.7.3.5, PS3.5 Annex A).

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::description::{Description, Number, Photometric};
use super::image::Image;
use super::values::Frame;
use super::{decode_frame, frame_bytes, jpegls, rle};
use crate::dataset::{Data, Dataset, Element};
use crate::error::ImagingError;
use crate::file;
use crate::limits::Limits;
use crate::object::Object;
use crate::syntax::{self, Codec};

/// The object as a file in another transfer syntax: uncompressed little endian (implicit, explicit, deflated), RLE,
/// JPEG-LS without loss, JPEG baseline with loss (`quality`). Values stay as they are but for the last, which says so in
/// (0028,2110) and its companions; the SOP Instance UID stays too, so that a copy with loss is for showing, not keeping.
///
/// # Errors
/// A syntax that is not written here, or pixels that are not decoded.
pub fn transcode(object: &Object, to: &str, quality: u8) -> Result<Bytes, ImagingError> {
    if to == object.transfer_syntax() && !object.bytes().is_empty() {
        return Ok(object.bytes().clone());
    }
    let target = syntax::of(to);
    let written = matches!(
        target.uid,
        syntax::IMPLICIT_LITTLE
            | syntax::EXPLICIT_LITTLE
            | syntax::DEFLATED
            | syntax::RLE
            | syntax::JPEG_LS
            | syntax::JPEG_BASELINE
    );
    if !written {
        return Err(ImagingError::Unsupported(
            "a transfer syntax that is not written here".to_owned(),
        ));
    }
    let mut data = object.dataset().clone();
    let compressed = target.codec != Codec::Native;
    let pixels = object.pixel_element();
    if pixels.is_none() && compressed {
        return Err(ImagingError::Unsupported(
            "no pixels to compress".to_owned(),
        ));
    }
    if pixels.is_some() && (compressed || object.syntax().encapsulated()) {
        recode(object, &mut data, target.codec, quality)?;
    }
    Ok(file::of(&Object::made(data, target)))
}

/// A file with its pixels in JPEG-LS without loss, if they are uncompressed now, of whole numbers, and the file becomes
/// smaller by it; else as it came. Values, attributes and UIDs stay; what an edge sends over a thin line.
///
/// # Errors
/// A file that cannot be read. What cannot be compressed is no error.
pub fn squeeze(file: Bytes, limits: &Limits) -> Result<Bytes, ImagingError> {
    let object = Object::read(file.clone(), limits)?;
    let plain = !object.syntax().encapsulated() && object.pixel_element().is_some();
    let whole = Description::of(object.dataset()).is_ok_and(|d| {
        d.number == Number::Whole
            && matches!(d.allocated, 8 | 16)
            && only_values(object.dataset(), &d)
    });
    if !plain || !whole {
        return Ok(file);
    }
    match transcode(&object, syntax::JPEG_LS, 100) {
        Ok(smaller) if smaller.len() < file.len() => Ok(smaller),
        _ => Ok(file),
    }
}

/// Whether nothing but values is in the pixels' bits: an overlay in unused ones would be lost.
fn only_values(data: &Dataset, d: &Description) -> bool {
    let embedded = (0..16).any(|n| {
        let at = |element| data.get(dicom_core::Tag(0x6000 + 2 * n, element));
        at(0x0010).is_some() && at(0x3000).is_none()
    });
    d.photometric != Photometric::YbrFull422 && !embedded
}

fn recode(
    object: &Object,
    data: &mut Dataset,
    codec: Codec,
    quality: u8,
) -> Result<(), ImagingError> {
    let d = Description::of(object.dataset())?;
    let mut fragments = vec![Bytes::new()];
    let mut native = Vec::new();
    let mut last: Option<Photometric> = None;
    let mut before = 0_usize;
    for index in 0..d.frames {
        let (bytes, bit) = frame_bytes(object, index)?;
        let frame = decode_frame(&d, object.syntax(), &bytes, bit)?;
        last = Some(frame.photometric);
        if codec == Codec::Native {
            if d.allocated == 1 {
                return Err(ImagingError::Unsupported(
                    "compressed pixels of one bit".to_owned(),
                ));
            }
            native.extend(frame.to_native(&d));
            if native.len() > kernel::limits::IMAGE_BYTES_MAX {
                return Err(ImagingError::TooMuch("bytes of an object"));
            }
        } else {
            let bytes = frame.to_native(&d);
            before += bytes.len();
            fragments.push(Bytes::from(encoded(&frame, &bytes, &d, codec, quality)?));
        }
    }
    let photometric = last.unwrap_or(d.photometric);
    describe(data, &d, photometric, codec);
    let (vr, value) = if codec == Codec::Native {
        let vr = if d.allocated > 8 { VR::OW } else { VR::OB };
        (vr, Data::Bytes(Bytes::from(native)))
    } else {
        if codec == Codec::Jpeg {
            let after: usize = fragments.iter().map(Bytes::len).sum();
            lossy(data, before as f64 / after.max(1) as f64);
        }
        fragments[0] = offsets(&fragments[1..]);
        (VR::OB, Data::Fragments(fragments))
    };
    data.remove(tags::EXTENDED_OFFSET_TABLE);
    data.remove(tags::EXTENDED_OFFSET_TABLE_LENGTHS);
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr,
        data: value,
    });
    Ok(())
}

fn encoded(
    frame: &Frame,
    native: &[u8],
    d: &Description,
    codec: Codec,
    quality: u8,
) -> Result<Vec<u8>, ImagingError> {
    if d.number != Number::Whole || d.allocated == 1 {
        return Err(ImagingError::Unsupported(
            "pixels that this transfer syntax cannot hold".to_owned(),
        ));
    }
    match codec {
        Codec::Rle => Ok(rle::encode(native, d)),
        Codec::JpegLs if d.allocated <= 16 => {
            let (bytes, precision) = unsigned(native, d);
            jpegls::encode(&bytes, d, precision)
        }
        Codec::Jpeg
            if d.allocated == 8
                && d.stored == 8
                && !d.signed
                && frame.photometric != Photometric::Palette =>
        {
            let image = Image {
                width: d.columns,
                height: d.rows,
                channels: usize::from(d.samples),
                data: if d.samples == 3 {
                    super::colour::rgb(frame, d, None)?
                } else {
                    native.to_vec()
                },
            };
            image.jpeg(quality)
        }
        _ => Err(ImagingError::Unsupported(
            "pixels that this transfer syntax cannot hold".to_owned(),
        )),
    }
}

/// The bits that are stored, without the sign's repetition above them, and how many they are (PS3.5 §8.2.3).
fn unsigned(native: &[u8], d: &Description) -> (Vec<u8>, u8) {
    // CharLS takes at least two bits.
    let precision = d.stored.clamp(2, 16) as u8;
    if d.allocated == 8 {
        let mask = ((1_u16 << precision.min(8)) - 1) as u8;
        return (native.iter().map(|b| b & mask).collect(), precision);
    }
    let mask = ((1_u32 << precision) - 1) as u16;
    if precision <= 8 {
        // Samples of few bits go as bytes.
        let words = native.as_chunks::<2>().0.iter();
        return (
            words
                .map(|w| (u16::from_le_bytes(*w) & mask) as u8)
                .collect(),
            precision,
        );
    }
    let words = native.as_chunks::<2>().0.iter();
    (
        words
            .flat_map(|w| (u16::from_le_bytes(*w) & mask).to_ne_bytes())
            .collect(),
        precision,
    )
}

pub(super) fn describe(
    data: &mut Dataset,
    d: &Description,
    photometric: Photometric,
    codec: Codec,
) {
    let term = match (codec, photometric) {
        // The encoder writes luma at full and chroma at half density.
        (Codec::Jpeg, _) if d.samples == 3 => "YBR_FULL_422",
        (_, other) => other.term(),
    };
    data.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, term);
    data.put_u16(tags::HIGH_BIT, d.stored - 1);
    if d.samples > 1 {
        data.put_u16(tags::PLANAR_CONFIGURATION, 0);
    }
}

/// PS3.3 C.7.6.1.1.5.
fn lossy(data: &mut Dataset, ratio: f64) {
    let append = |data: &mut Dataset, tag, vr, value: String| {
        let mut values = data.texts(tag);
        values.push(value);
        data.put_text(tag, vr, &values.join("\\"));
    };
    data.put_text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01");
    append(
        data,
        tags::LOSSY_IMAGE_COMPRESSION_RATIO,
        VR::DS,
        format!("{ratio:.2}"),
    );
    append(
        data,
        tags::LOSSY_IMAGE_COMPRESSION_METHOD,
        VR::CS,
        "ISO_10918_1".to_owned(),
    );
}

/// The basic offset table (PS3.5 A.4); empty if an offset would not fit.
fn offsets(fragments: &[Bytes]) -> Bytes {
    let mut at = 0_usize;
    let mut out = Vec::with_capacity(fragments.len() * 4);
    for fragment in fragments {
        let Ok(offset) = u32::try_from(at) else {
            return Bytes::new();
        };
        out.extend_from_slice(&offset.to_le_bytes());
        at += fragment.len().next_multiple_of(2) + 8;
    }
    Bytes::from(out)
}
