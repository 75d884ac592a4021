//! Writing a data set: explicit or implicit VR little endian, sequences of defined length.

use dicom_core::{Tag, VR};

use crate::dataset::{Data, Dataset, Element};

/// The bytes of a data set in explicit or implicit VR little endian (PS3.5 §7.1). Group lengths are left out (PS3.5 §7.2).
pub fn write(dataset: &Dataset, explicit: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write_into(&mut out, dataset, explicit);
    out
}

pub(crate) fn write_into(out: &mut Vec<u8>, dataset: &Dataset, explicit: bool) {
    for element in dataset.elements() {
        if element.tag.1 != 0 || element.tag.0 == 2 {
            write_element(out, element, explicit);
        }
    }
}

pub(crate) fn write_element(out: &mut Vec<u8>, element: &Element, explicit: bool) {
    put_tag(out, element.tag);
    match &element.data {
        Data::Bytes(bytes) => {
            let odd = bytes.len() % 2;
            let mut vr = element.vr;
            if is_short(vr) && bytes.len() + odd > usize::from(u16::MAX) {
                // PS3.5 §6.2.2: what is too long for its representation's length field goes as UN.
                vr = VR::UN;
            }
            put_length(out, vr, (bytes.len() + odd) as u32, explicit);
            out.extend_from_slice(bytes);
            if odd == 1 {
                out.push(if matches!(vr, VR::UI | VR::OB | VR::UN | VR::OW) {
                    0
                } else {
                    b' '
                });
            }
        }
        Data::Items(items) => {
            put_length(out, VR::SQ, 0, explicit);
            let start = out.len();
            for item in items {
                put_tag(out, Tag(0xfffe, 0xe000));
                let length_at = out.len();
                out.extend_from_slice(&[0; 4]);
                let item_start = out.len();
                write_into(out, item, explicit);
                let length = (out.len() - item_start) as u32;
                out[length_at..item_start].copy_from_slice(&length.to_le_bytes());
            }
            let length = (out.len() - start) as u32;
            out[start - 4..start].copy_from_slice(&length.to_le_bytes());
        }
        Data::Fragments(fragments) => {
            put_length(out, VR::OB, u32::MAX, true);
            for fragment in fragments {
                put_tag(out, Tag(0xfffe, 0xe000));
                let odd = fragment.len() % 2;
                out.extend_from_slice(&((fragment.len() + odd) as u32).to_le_bytes());
                out.extend_from_slice(fragment);
                out.extend(std::iter::repeat_n(0, odd));
            }
            put_tag(out, Tag(0xfffe, 0xe0dd));
            out.extend_from_slice(&[0; 4]);
        }
        // An outline is not written: it is not the object.
        Data::Away(_) => put_length(out, element.vr, 0, explicit),
    }
}

fn put_tag(out: &mut Vec<u8>, tag: Tag) {
    out.extend_from_slice(&tag.0.to_le_bytes());
    out.extend_from_slice(&tag.1.to_le_bytes());
}

fn put_length(out: &mut Vec<u8>, vr: VR, length: u32, explicit: bool) {
    if !explicit {
        out.extend_from_slice(&length.to_le_bytes());
        return;
    }
    out.extend_from_slice(&vr.to_bytes());
    if is_short(vr) {
        out.extend_from_slice(&(length as u16).to_le_bytes());
    } else {
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&length.to_le_bytes());
    }
}

/// Whether the explicit form has a length of 16 bits (PS3.5 §7.1.2).
pub(crate) fn is_short(vr: VR) -> bool {
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
}
