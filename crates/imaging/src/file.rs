//! Files (PS3.10 §7): the preamble and file meta information that make a file of a data set.

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::dataset::{Data, Dataset, Element};
use crate::object::Object;
use crate::write::{write, write_into};

/// Implementation Class UID of files that are written here: derived from a UUID (PS3.5 §B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.289117401352209457210583674911280447231";
/// Implementation Version Name.
pub const IMPLEMENTATION_VERSION: &str = "KAREZ_1";

/// A file of a data set as it was received: preamble, our file meta information, then the data set's bytes unchanged.
pub fn wrap(
    dataset: &[u8],
    sop_class: &str,
    sop_instance: &str,
    transfer_syntax: &str,
    calling_ae: Option<&str>,
) -> Bytes {
    let mut out = head(sop_class, sop_instance, transfer_syntax, calling_ae);
    out.extend_from_slice(dataset);
    Bytes::from(out)
}

/// Preamble and file meta information.
pub fn head(
    sop_class: &str,
    sop_instance: &str,
    transfer_syntax: &str,
    calling_ae: Option<&str>,
) -> Vec<u8> {
    let mut meta = Dataset::default();
    meta.put(Element {
        tag: tags::FILE_META_INFORMATION_VERSION,
        vr: VR::OB,
        data: Data::Bytes(Bytes::from_static(&[0, 1])),
    });
    for (tag, vr, text) in [
        (tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI, sop_class),
        (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI, sop_instance),
        (tags::TRANSFER_SYNTAX_UID, VR::UI, transfer_syntax),
        (
            tags::IMPLEMENTATION_CLASS_UID,
            VR::UI,
            IMPLEMENTATION_CLASS_UID,
        ),
        (
            tags::IMPLEMENTATION_VERSION_NAME,
            VR::SH,
            IMPLEMENTATION_VERSION,
        ),
    ] {
        meta.put_text(tag, vr, text);
    }
    if let Some(ae) = calling_ae {
        meta.put_text(tags::SOURCE_APPLICATION_ENTITY_TITLE, VR::AE, ae);
    }
    let body = write(&meta, true);
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    let mut length = Dataset::default();
    length.put(Element {
        tag: tags::FILE_META_INFORMATION_GROUP_LENGTH,
        vr: VR::UL,
        data: Data::Bytes(Bytes::copy_from_slice(&(body.len() as u32).to_le_bytes())),
    });
    write_into(&mut out, &length, true);
    out.extend_from_slice(&body);
    out
}

/// A file of a data set made here, in explicit VR little endian, implicit VR or deflated, as the object's syntax says.
/// The data set must have its SOP Class and Instance UID.
pub fn of(object: &Object) -> Bytes {
    let data = object.dataset();
    let syntax = object.syntax();
    let class = data.plain(tags::SOP_CLASS_UID).unwrap_or_default();
    let instance = data.plain(tags::SOP_INSTANCE_UID).unwrap_or_default();
    let body = write(data, syntax.explicit);
    let body = if syntax.deflated {
        deflate(&body)
    } else {
        body
    };
    wrap(&body, class, instance, syntax.uid, None)
}

/// Raw deflate, padded to an even length (PS3.5 A.5).
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    let mut encoder = flate2::read::DeflateEncoder::new(bytes, flate2::Compression::default());
    // Reading from memory into memory does not fail.
    let _ = encoder.read_to_end(&mut out);
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out
}
