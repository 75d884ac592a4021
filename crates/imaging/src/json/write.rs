//! Writing DICOM JSON (PS3.18 F.2): by hand, since it is done once for every object that arrives.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::{BULK_HEAD, bulk_path};
use crate::charset::Charset;
use crate::dataset::{Data, Dataset, Element, is_text};
use crate::name::PersonName;

/// Writes a data set as a JSON object.
pub fn dataset(
    out: &mut Vec<u8>,
    data: &Dataset,
    path: &mut String,
    wanted: &dyn Fn(&Element) -> bool,
) {
    out.push(b'{');
    let mut first = true;
    for e in data.elements() {
        // Group lengths and file meta information are no part of the model (PS3.18 F.2.1).
        if e.tag.1 == 0 || e.tag.0 <= 2 || !wanted(e) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        element(out, e, data.charset(), path);
    }
    out.push(b'}');
}

fn element(out: &mut Vec<u8>, e: &Element, charset: &Charset, path: &mut String) {
    out.push(b'"');
    tag(out, e.tag);
    out.extend_from_slice(b"\":");
    attribute(out, e, charset, path);
}

/// What stands behind a tag.
pub fn attribute(out: &mut Vec<u8>, e: &Element, charset: &Charset, path: &mut String) {
    out.extend_from_slice(b"{\"vr\":\"");
    out.extend_from_slice(&e.vr.to_bytes());
    out.push(b'"');
    if bulk_path(e, path.is_empty()) {
        if !e.is_empty() {
            out.extend_from_slice(b",\"BulkDataURI\":\"");
            out.extend_from_slice(BULK_HEAD.as_bytes());
            out.extend_from_slice(path.as_bytes());
            tag(out, e.tag);
            out.push(b'"');
        }
    } else if !e.is_empty() {
        value(out, e, charset, path);
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, e: &Element, charset: &Charset, path: &mut String) {
    match &e.data {
        Data::Items(items) => {
            out.extend_from_slice(b",\"Value\":[");
            let length = path.len();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let _ = write!(path, "{:04X}{:04X}/{index}/", e.tag.0, e.tag.1);
                dataset(out, item, path, &|_| true);
                path.truncate(length);
            }
            out.push(b']');
        }
        // These are bulk data, whose address is written.
        Data::Fragments(_) | Data::Away(_) => {}
        Data::Bytes(bytes) => match e.vr {
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
                out.extend_from_slice(b",\"InlineBinary\":\"");
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                out.push(b'"');
            }
            VR::AT => list(out, e.tags(), |out, t| {
                out.push(b'"');
                tag(out, t);
                out.push(b'"');
            }),
            VR::FL => list(out, e.floats(), |out, f| number(out, f, true)),
            VR::FD => list(out, e.floats(), |out, f| number(out, f, false)),
            VR::UV => {
                let words = bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|w| u64::from_le_bytes(*w));
                list(out, words, |out, n| {
                    let _ = write!(out, "{n}");
                });
            }
            _ if is_text(e.vr) => texts(out, e, charset),
            _ => list(out, e.ints(), |out, n| {
                let _ = write!(out, "{n}");
            }),
        },
    }
}

fn texts(out: &mut Vec<u8>, e: &Element, charset: &Charset) {
    if e.tag == tags::SPECIFIC_CHARACTER_SET {
        // JSON is UTF-8, and the attribute says so (PS3.18 F.2.2).
        out.extend_from_slice(b",\"Value\":[\"ISO_IR 192\"]");
        return;
    }
    let (values, _) = e.texts(charset);
    if values.iter().all(String::is_empty) {
        return;
    }
    list(out, values, |out, text| match e.vr {
        _ if text.is_empty() => out.extend_from_slice(b"null"),
        VR::PN => name(out, &PersonName::parse(&text)),
        VR::DS | VR::IS => decimal(out, &text),
        _ => string(out, &text),
    });
}

fn list<T>(
    out: &mut Vec<u8>,
    values: impl IntoIterator<Item = T>,
    mut one: impl FnMut(&mut Vec<u8>, T),
) {
    out.extend_from_slice(b",\"Value\":[");
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        one(out, value);
    }
    out.push(b']');
}

fn name(out: &mut Vec<u8>, name: &PersonName) {
    out.push(b'{');
    let mut first = true;
    for (key, group) in ["Alphabetic", "Ideographic", "Phonetic"]
        .iter()
        .zip(name.groups())
    {
        if group.is_empty() {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        let _ = write!(out, "\"{key}\":");
        string(out, group);
    }
    out.push(b'}');
}

/// A number where it is one (with its digits as they were), else the text as it stands (PS3.18 F.2.3).
fn decimal(out: &mut Vec<u8>, text: &str) {
    if is_json_number(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = plain.parse::<i64>() {
        let _ = write!(out, "{whole}");
        return;
    }
    let shaped = plain
        .bytes()
        .all(|b| b.is_ascii_digit() || b".+-eE".contains(&b));
    match plain.parse::<f64>() {
        Ok(value) if shaped && value.is_finite() => number(out, value, false),
        _ => string(out, text),
    }
}

/// RFC 8259 §6, and not so large that a reader would make infinity of it.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn number(out: &mut Vec<u8>, value: f64, single: bool) {
    if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"\"inf\"" } else { b"\"-inf\"" });
    } else if single {
        // Shortest digits that give the same value in single precision.
        let _ = write!(out, "{:?}", value as f32);
    } else {
        let _ = write!(out, "{value:?}");
    }
}

pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[from..]);
    out.push(b'"');
}

pub fn tag(out: &mut Vec<u8>, tag: Tag) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for half in [tag.0, tag.1] {
        for shift in [12, 8, 4, 0] {
            out.push(DIGITS[usize::from((half >> shift) & 15)]);
        }
    }
}
