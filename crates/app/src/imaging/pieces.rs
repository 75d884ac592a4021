//! Attributes of a study, series or object as they are kept and answered: sorted by tag, so that those of several levels
//! are joined into one DICOM JSON object (PS3.18 §F.2.2 orders it) without reading any of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use imaging::query::Level;
use imaging::{Object, json};
use serde_json::value::RawValue;

use crate::AppError;

/// Characters of a tag.
const TAG: usize = 8;

fn damaged() -> AppError {
    AppError::Internal("kept attributes of an image are not what they should be".into())
}

/// From a DICOM JSON object.
pub(super) fn pack(json: &[u8]) -> Result<Bytes, AppError> {
    let all: BTreeMap<&str, &RawValue> = serde_json::from_slice(json).map_err(|_| damaged())?;
    let mut out = Vec::with_capacity(json.len());
    for (tag, value) in all {
        if tag.len() != TAG {
            return Err(damaged());
        }
        add(&mut out, tag, value.get())?;
    }
    Ok(out.into())
}

/// The attributes of a level, of an object that has just come.
pub(super) fn of_level(object: &Object, level: Level) -> Result<Bytes, AppError> {
    let mut out = Vec::with_capacity(1 << 10);
    let (mut last, mut in_order, mut added) = ([0; TAG], true, Ok(()));
    json::attributes(object, level, |tag, value| {
        in_order &= tag > &last[..];
        last.copy_from_slice(tag);
        if added.is_ok() {
            added = add_bytes(&mut out, tag, value);
        }
    });
    if in_order {
        return added.map(|()| out.into());
    }
    // Some writers do not sort, or write an attribute twice.
    pack(&json::level(object, level))
}

/// Adds one attribute; tags come in order.
pub(super) fn add(out: &mut Vec<u8>, tag: &str, value: &str) -> Result<(), AppError> {
    add_bytes(out, tag.as_bytes(), value.as_bytes())
}

fn add_bytes(out: &mut Vec<u8>, tag: &[u8], value: &[u8]) -> Result<(), AppError> {
    let len = u32::try_from(value.len()).map_err(|_| damaged())?;
    out.extend_from_slice(tag);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// The attributes one after another.
struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    /// The next tag with its value, which stays.
    fn peek(&self) -> Option<&'a [u8]> {
        self.0.get(..TAG)
    }

    fn take(&mut self) -> Result<(&'a [u8], &'a [u8]), AppError> {
        let (tag, rest) = self.0.split_at_checked(TAG).ok_or_else(damaged)?;
        let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let len = u32::from_le_bytes(*len) as usize;
        let (value, rest) = rest.split_at_checked(len).ok_or_else(damaged)?;
        self.0 = rest;
        Ok((tag, value))
    }
}

/// One DICOM JSON object of all attributes. Where two lists name one attribute, the later list's stands.
pub(super) fn join(lists: &[&[u8]]) -> Result<Bytes, AppError> {
    let size: usize = lists.iter().map(|l| l.len()).sum();
    let mut all: Vec<Pieces<'_>> = lists.iter().map(|l| Pieces(l)).collect();
    let mut out = Vec::with_capacity(size + size / 4 + 2);
    out.push(b'{');
    while let Some(least) = all.iter().filter_map(Pieces::peek).min() {
        let mut value: &[u8] = &[];
        for pieces in all.iter_mut().filter(|p| p.peek() == Some(least)) {
            value = pieces.take()?.1;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(least);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value);
    }
    out.push(b'}');
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_several_levels_become_one_object_in_order_of_tags() {
        let study =
            pack(br#"{"00100020":{"vr":"LO"},"00080050":{"vr":"SH","Value":["A,\"1"]}}"#).unwrap();
        let series = pack(br#"{"00080060":{"vr":"CS","Value":["CT"]}}"#).unwrap();
        let joined = join(&[&study, &series, &[]]).unwrap();
        assert_eq!(
            joined,
            r#"{"00080050":{"vr":"SH","Value":["A,\"1"]},"00080060":{"vr":"CS","Value":["CT"]},"00100020":{"vr":"LO"}}"#
        );
        assert_eq!(join(&[]).unwrap(), "{}");
    }

    #[test]
    fn the_later_list_stands_where_two_name_one_attribute() {
        let a = pack(br#"{"00080060":1}"#).unwrap();
        let b = pack(br#"{"00080060":2}"#).unwrap();
        assert_eq!(join(&[&a, &b]).unwrap(), r#"{"00080060":2}"#);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let a = pack(br#"{"00080060":{"vr":"CS"}}"#).unwrap();
        for end in 8..a.len() {
            assert!(join(&[&a[..end]]).is_err(), "{end}");
        }
    }
}
