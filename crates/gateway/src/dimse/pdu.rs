//! Protocol data units (PS3.8 §9.3): cut out of what a peer sends within bounds, and written.
//!
//! Units of an association are read and written by `dicom-ul`. Data units are read here, so that what they carry is
//! neither copied nor trusted: no length that a peer claims is ever allocated.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use dicom_ul::pdu::{AssociationAC, AssociationRJ, AssociationRQ, Pdu, read_pdu, write_pdu};
use kernel::limits;

/// Type, reserved byte and length.
const HEADER_BYTES: usize = 6;
/// Length, context and control byte of one presentation data value (PS3.8 §9.3.5.1).
pub const VALUE_HEADER_BYTES: usize = 6;

/// What is wrong with a unit, by the reason an A-ABORT gives (PS3.8 table 9-26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a unit of unknown type")]
    Unrecognised,
    #[error("a unit that does not belong here")]
    Unexpected,
    #[error("a value in a unit is wrong")]
    Invalid,
    /// Nothing in the peer's units is wrong; we cannot go on.
    #[error("no reason given")]
    Unspecified,
}

impl Fault {
    const fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::Unrecognised => 1,
            Self::Unexpected => 2,
            Self::Invalid => 6,
        }
    }
}

/// A whole unit as it came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    Request(Box<AssociationRQ>),
    Accepted(Box<AssociationAC>),
    Rejected(AssociationRJ),
    /// The values of a P-DATA-TF.
    Data(Vec<Value>),
    ReleaseRequest,
    ReleaseReply,
    Abort,
}

/// A presentation data value: a fragment of a command or data set (PS3.8 annex E).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub context: u8,
    pub command: bool,
    pub last: bool,
    pub bytes: Bytes,
}

/// Takes the next whole unit off `input`; none when more bytes are needed. `data_bytes_max` bounds data units.
pub fn next(input: &mut BytesMut, data_bytes_max: u32) -> Result<Option<Unit>, Fault> {
    let Some((kind, length)) = head(input) else {
        return Ok(None);
    };
    let most = match kind {
        1..=3 => limits::DICOM_ASSOCIATE_BYTES_MAX,
        4 => data_bytes_max as usize,
        5..=7 => 4,
        _ => return Err(Fault::Unrecognised),
    };
    if length > most {
        return Err(Fault::Invalid);
    }
    if input.len() < HEADER_BYTES + length {
        input.reserve(HEADER_BYTES + length - input.len());
        return Ok(None);
    }
    let unit = input.split_to(HEADER_BYTES + length).freeze();
    match kind {
        4 => values(unit.slice(HEADER_BYTES..)).map(|v| Some(Unit::Data(v))),
        1 | 2 => association(unit, length).map(Some),
        _ if length != 4 => Err(Fault::Invalid),
        3 => association(unit, length).map(Some),
        5 => Ok(Some(Unit::ReleaseRequest)),
        6 => Ok(Some(Unit::ReleaseReply)),
        _ => Ok(Some(Unit::Abort)),
    }
}

fn head(input: &BytesMut) -> Option<(u8, usize)> {
    let head = input.first_chunk::<HEADER_BYTES>()?;
    let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
    Some((head[0], usize::try_from(length).unwrap_or(usize::MAX)))
}

/// The values in the body of a P-DATA-TF; their lengths must fill it exactly.
fn values(mut body: Bytes) -> Result<Vec<Value>, Fault> {
    let mut values = Vec::with_capacity(1);
    while body.has_remaining() {
        if body.len() < VALUE_HEADER_BYTES {
            return Err(Fault::Invalid);
        }
        let length = body.get_u32() as usize;
        if length < 2 || length > body.len() {
            return Err(Fault::Invalid);
        }
        let context = body.get_u8();
        let control = body.get_u8();
        values.push(Value {
            context,
            command: control & 1 == 1,
            last: control & 2 == 2,
            bytes: body.split_to(length - 2),
        });
    }
    if values.is_empty() {
        return Err(Fault::Invalid);
    }
    Ok(values)
}

fn association(unit: Bytes, length: usize) -> Result<Unit, Fault> {
    if matches!(unit.first(), Some(1 | 2)) && !items_nest(&unit[HEADER_BYTES..]) {
        return Err(Fault::Invalid);
    }
    let most = u32::try_from(length.max(2048)).map_err(|_| Fault::Invalid)?;
    match read_pdu(&unit[..], most, true) {
        Ok(Some(Pdu::AssociationRQ(request))) => Ok(Unit::Request(Box::new(request))),
        Ok(Some(Pdu::AssociationAC(accepted))) => Ok(Unit::Accepted(Box::new(accepted))),
        Ok(Some(Pdu::AssociationRJ(rejected))) => Ok(Unit::Rejected(rejected)),
        _ => Err(Fault::Invalid),
    }
}

/// Version, titles and reserved bytes before the items of A-ASSOCIATE (PS3.8 §9.3.2).
const FIXED_BYTES: usize = 68;

/// Whether items and the items in them end where their parents do, so that a reader never meets a length that lies.
fn items_nest(body: &[u8]) -> bool {
    let Some(items) = body.get(FIXED_BYTES..) else {
        return false;
    };
    every_item(items, |kind, item| match kind {
        // Presentation contexts begin with four bytes of their own.
        0x20 | 0x21 => item
            .get(4..)
            .is_some_and(|subs| every_item(subs, |_, _| true)),
        0x50 => every_item(item, user_item_fits),
        _ => true,
    })
}

fn every_item(mut items: &[u8], fits: impl Fn(u8, &[u8]) -> bool) -> bool {
    while !items.is_empty() {
        let Some((head, rest)) = items.split_first_chunk::<4>() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some((item, rest)) = rest.split_at_checked(length) else {
            return false;
        };
        if !fits(head[0], item) {
            return false;
        }
        items = rest;
    }
    true
}

/// Items of user information with lengths within (PS3.7 annex D.3.3).
fn user_item_fits(kind: u8, item: &[u8]) -> bool {
    let length_at = |at: usize| {
        let bytes = item.get(at..at + 2)?;
        Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    };
    match kind {
        0x51 => item.len() == 4,
        0x54 => length_at(0).is_some_and(|uid| item.len() == 2 + uid + 2),
        0x56 => length_at(0).is_some_and(|uid| item.len() >= 2 + uid),
        0x58 => length_at(2)
            .and_then(|first| Some(4 + first + 2 + length_at(4 + first)?))
            .is_some_and(|whole| item.len() == whole),
        _ => true,
    }
}

/// The bytes of an association's unit.
pub fn association_bytes(pdu: &Pdu) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(512);
    write_pdu(&mut bytes, pdu).map_err(|_| Fault::Unspecified)?;
    Ok(bytes)
}

pub const RELEASE_REQUEST: [u8; 10] = [5, 0, 0, 0, 0, 4, 0, 0, 0, 0];
pub const RELEASE_REPLY: [u8; 10] = [6, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// A-ABORT by the provider (PS3.8 §9.3.8).
pub const fn abort(fault: Fault) -> [u8; 10] {
    [7, 0, 0, 0, 0, 4, 0, 0, 2, fault.code()]
}

/// Appends a part of a message as data units of at most `unit_bytes_max` each; an empty part is one empty fragment.
pub fn put_part(
    out: &mut BytesMut,
    context: u8,
    command: bool,
    part: &[u8],
    unit_bytes_max: usize,
) {
    let piece = unit_bytes_max.saturating_sub(VALUE_HEADER_BYTES).max(2);
    // Fragments are of even length but for the last (PS3.8 annex E.1).
    let piece = piece - piece % 2;
    let mut rest = part;
    loop {
        let (now, later) = rest.split_at(rest.len().min(piece));
        put_fragment(out, context, command, later.is_empty(), now);
        rest = later;
        if rest.is_empty() {
            return;
        }
    }
}

/// Appends one data unit with one fragment.
#[allow(clippy::cast_possible_truncation)] // a fragment is smaller than a unit, whose length is 32 bit
pub fn put_fragment(out: &mut BytesMut, context: u8, command: bool, last: bool, bytes: &[u8]) {
    out.reserve(HEADER_BYTES + VALUE_HEADER_BYTES + bytes.len());
    out.put_u8(4);
    out.put_u8(0);
    out.put_u32((VALUE_HEADER_BYTES + bytes.len()) as u32);
    out.put_u32((2 + bytes.len()) as u32);
    out.put_u8(context);
    out.put_u8(u8::from(command) | u8::from(last) << 1);
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use dicom_ul::pdu::{PresentationContextProposed, UserVariableItem};

    use super::*;

    fn request() -> Vec<u8> {
        association_bytes(&Pdu::AssociationRQ(AssociationRQ {
            protocol_version: 1,
            calling_ae_title: "SCANNER".into(),
            called_ae_title: "YARQUM".into(),
            application_context_name: "1.2.840.10008.3.1.1.1".into(),
            presentation_contexts: vec![PresentationContextProposed {
                id: 1,
                abstract_syntax: "1.2.840.10008.1.1".into(),
                transfer_syntaxes: vec!["1.2.840.10008.1.2".into()],
            }],
            user_variables: vec![UserVariableItem::MaxLength(16384)],
        }))
        .unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Option<Unit>, Fault> {
        next(&mut BytesMut::from(bytes), 16_384)
    }

    #[test]
    fn a_unit_is_read_only_when_it_is_whole() {
        let bytes = request();
        for n in 0..bytes.len() {
            assert_eq!(read(&bytes[..n]), Ok(None), "{n} bytes");
        }
        let Ok(Some(Unit::Request(read))) = read(&bytes) else {
            panic!("a request");
        };
        assert_eq!(read.calling_ae_title, "SCANNER");
    }

    #[test]
    fn a_length_that_lies_is_refused_before_anything_is_allocated() {
        for kind in 1..=7 {
            let claimed = [kind, 0, 0xff, 0xff, 0xff, 0xff];
            assert_eq!(read(&claimed), Err(Fault::Invalid), "type {kind}");
        }
        assert_eq!(read(&[9, 0, 0, 0, 0, 0]), Err(Fault::Unrecognised));
        let mut value = BytesMut::new();
        put_fragment(&mut value, 1, true, true, b"abcd");
        value[9] = 200;
        assert_eq!(read(&value), Err(Fault::Invalid));
    }

    #[test]
    fn a_changed_request_is_read_or_refused_and_never_a_fault_of_ours() {
        let bytes = request();
        for at in 6..bytes.len() {
            for byte in [0, 1, 0x56, 0x58, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let _ = read(&changed);
            }
        }
    }

    #[test]
    fn a_part_is_cut_into_units_and_put_together_again() {
        let part: Vec<u8> = (0..10_001u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut out = BytesMut::new();
        put_part(&mut out, 3, false, &part, 1_024);
        let mut whole = Vec::new();
        let mut last = false;
        while let Some(Unit::Data(values)) = next(&mut out, 1_024).unwrap() {
            for value in values {
                assert!(!last && value.context == 3 && !value.command);
                whole.extend_from_slice(&value.bytes);
                last = value.last;
            }
        }
        assert!(last && whole == part);
    }
}
