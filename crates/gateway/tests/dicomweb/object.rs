//! The phantom that these tests send.

use axum::body::Bytes;
use imaging::{Data, Element, VR, tags};
use testkit::phantom::Phantom;

pub const STUDY: &str = "1.2.826.0.1.7";
pub const SERIES: &str = "1.2.826.0.1.7.1";

pub fn phantom() -> Phantom {
    Phantom::new(STUDY, "17", 64)
}

pub fn uid(n: u32) -> String {
    phantom().uid(n)
}

pub fn pixels(n: u32) -> Bytes {
    phantom().pixels(n)
}

pub fn file(n: u32) -> Bytes {
    phantom().file(n)
}

/// Number 900 of the series, a film: as many frames as are named, each with the pixels of that slice.
pub fn film(slices: &[u32]) -> Bytes {
    let mut d = phantom().dataset(900);
    d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &slices.len().to_string());
    d.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: Data::Bytes(slices.iter().flat_map(|n| pixels(*n)).collect()),
    });
    let class = d.plain(tags::SOP_CLASS_UID).unwrap().to_owned();
    let bytes = imaging::write(&d, true);
    imaging::file::wrap(&bytes, &class, &uid(900), "1.2.840.10008.1.2.1", None)
}
