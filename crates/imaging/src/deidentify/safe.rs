//! Private attributes that are known to be safe (PS3.15 E.3.10): physics of the acquisition, by creator and element.

use dicom_core::{Tag, VR};

use crate::dataset::{Dataset, Element};

/// Group, creator, the low byte of the element.
const SAFE: &[(u16, &str, u8)] = &[
    // Diffusion: b value, directionality, gradient direction, b matrix.
    (0x0019, "SIEMENS MR HEADER", 0x0c),
    (0x0019, "SIEMENS MR HEADER", 0x0d),
    (0x0019, "SIEMENS MR HEADER", 0x0e),
    (0x0019, "SIEMENS MR HEADER", 0x27),
    (0x2001, "Philips Imaging DD 001", 0x03),
    (0x2001, "Philips Imaging DD 001", 0x04),
    (0x0043, "GEMS_PARM_01", 0x39),
    // CT: table speed, mid-scan time, pitch.
    (0x0019, "GEMS_ACQU_01", 0x23),
    (0x0019, "GEMS_ACQU_01", 0x24),
    (0x0019, "GEMS_ACQU_01", 0x27),
    (0x0043, "GEMS_PARM_01", 0x27),
    (0x0045, "GEMS_HELIOS_01", 0x01),
    (0x0045, "GEMS_HELIOS_01", 0x02),
    (0x00e1, "ELSCINT1", 0x21),
    (0x01e1, "ELSCINT1", 0x26),
    (0x01f1, "ELSCINT1", 0x01),
    (0x01f1, "ELSCINT1", 0x07),
    (0x01f1, "ELSCINT1", 0x26),
    (0x01f1, "ELSCINT1", 0x27),
    // PET: factors of the standardised uptake value.
    (0x7053, "Philips PET Private Group", 0x00),
    (0x7053, "Philips PET Private Group", 0x09),
];

/// Which blocks of private groups are reserved by whom, in one data set (PS3.5 §7.8.1).
pub(super) struct Creators(Vec<(u16, u16, String)>);

pub(super) fn creators(data: &Dataset) -> Creators {
    let is_creator = |e: &&Element| e.tag.0 % 2 == 1 && (0x10..=0xff).contains(&e.tag.1);
    Creators(
        data.elements()
            .iter()
            .filter(is_creator)
            .filter_map(|e| {
                let as_text = Element {
                    vr: VR::LO,
                    ..e.clone()
                };
                let name = as_text.texts(data.charset()).0.into_iter().next()?;
                Some((e.tag.0, e.tag.1, name))
            })
            .collect(),
    )
}

impl Creators {
    /// Whether an attribute is known to be safe, or reserves a block in which one may be.
    pub fn is_safe(&self, tag: Tag) -> bool {
        let Tag(group, element) = tag;
        let block = if element <= 0xff {
            element
        } else {
            element >> 8
        };
        let owner = self.0.iter().find(|(g, b, _)| *g == group && *b == block);
        owner.is_some_and(|(_, _, name)| {
            SAFE.iter().any(|(g, n, e)| {
                *g == group && n == name && (element <= 0xff || u16::from(*e) == element & 0xff)
            })
        })
    }
}
