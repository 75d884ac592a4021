//! Reading DICOM JSON (PS3.18 Annex F) into a data set whose text is UTF-8.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kernel::limits;
use serde_json::{Map, Value};

use crate::dataset::{Data, Dataset, Element, is_text, padded};
use crate::error::ImagingError;
use crate::name::PersonName;

/// Gives the bytes behind a BulkDataURI; nothing where there are none.
pub type Bulk<'a> = &'a dyn Fn(&str) -> Option<Bytes>;

/// Reads one JSON object.
///
/// # Errors
/// What is no DICOM JSON, is nested too deep, or names bulk data that are not there.
pub fn parse(json: &[u8], bulk: Bulk<'_>) -> Result<Dataset, ImagingError> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(map)) => dataset(&map, bulk, 0, None),
        Ok(_) => Err(wrong("an object is expected")),
        Err(error) => Err(wrong(&format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

/// Reads an array of objects, or one object.
///
/// # Errors
/// As [`parse`].
pub fn parse_many(json: &[u8], bulk: Bulk<'_>) -> Result<Vec<Dataset>, ImagingError> {
    match serde_json::from_slice(json) {
        Ok(Value::Array(list)) => list
            .iter()
            .map(|one| match one {
                Value::Object(map) => dataset(map, bulk, 0, None),
                _ => Err(wrong("an object is expected")),
            })
            .collect(),
        Ok(Value::Object(map)) => Ok(vec![dataset(&map, bulk, 0, None)?]),
        Ok(_) => Err(wrong("an array of objects is expected")),
        Err(error) => Err(wrong(&format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

fn wrong(what: &str) -> ImagingError {
    ImagingError::Json(what.to_owned())
}

fn dataset(
    map: &Map<String, Value>,
    bulk: Bulk<'_>,
    depth: usize,
    parent: Option<&Dataset>,
) -> Result<Dataset, ImagingError> {
    if depth > limits::IMAGE_DEPTH_MAX {
        return Err(ImagingError::TooMuch("levels of sequences"));
    }
    let mut out = match parent {
        Some(parent) => Dataset::item_of(parent),
        None => Dataset::new(),
    };
    for (key, value) in map {
        let tag = tag_of(key).ok_or_else(|| wrong("a key that is no tag"))?;
        let Value::Object(value) = value else {
            return Err(wrong(&format!("{key}: an object is expected")));
        };
        if tag.0 <= 2 || tag.1 == 0 {
            continue;
        }
        let vr = match value.get("vr").and_then(Value::as_str) {
            Some(vr) => vr
                .parse()
                .map_err(|_| wrong(&format!("{key}: unknown vr")))?,
            None => return Err(wrong(&format!("{key}: no vr"))),
        };
        if tag == tags::SPECIFIC_CHARACTER_SET {
            continue;
        }
        let data = data(key, vr, value, bulk, depth, &out)?;
        out.put(Element { tag, vr, data });
    }
    Ok(out)
}

/// `00100020` as a tag.
pub(crate) fn tag_of(key: &str) -> Option<Tag> {
    if key.len() != 8 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(key, 16).ok()?;
    Some(Tag((number >> 16) as u16, number as u16))
}

fn data(
    key: &str,
    vr: VR,
    value: &Map<String, Value>,
    bulk: Bulk<'_>,
    depth: usize,
    parent: &Dataset,
) -> Result<Data, ImagingError> {
    if let Some(uri) = value.get("BulkDataURI") {
        let uri = uri
            .as_str()
            .ok_or_else(|| wrong(&format!("{key}: BulkDataURI")))?;
        return bulk(uri)
            .map(Data::Bytes)
            .ok_or_else(|| wrong(&format!("{key}: bulk data that are not there")));
    }
    if let Some(text) = value.get("InlineBinary") {
        let text = text
            .as_str()
            .ok_or_else(|| wrong(&format!("{key}: InlineBinary")))?;
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| wrong(&format!("{key}: InlineBinary is no base64")))?;
        return Ok(Data::Bytes(padded(bytes, VR::OB)));
    }
    let values = match value.get("Value") {
        None => &Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(wrong(&format!("{key}: Value is no array"))),
    };
    if vr == VR::SQ {
        let items = values.iter().map(|item| match item {
            Value::Object(map) => dataset(map, bulk, depth + 1, Some(parent)),
            Value::Null => Ok(Dataset::item_of(parent)),
            _ => Err(wrong(&format!("{key}: an item is no object"))),
        });
        return Ok(Data::Items(items.collect::<Result<_, _>>()?));
    }
    let bytes = if is_text(vr) {
        let texts: Option<Vec<String>> = values.iter().map(|v| text(vr, v)).collect();
        texts.map(|t| padded(t.join("\\").into_bytes(), vr))
    } else {
        binary(vr, values).map(Bytes::from)
    };
    bytes
        .map(Data::Bytes)
        .ok_or_else(|| wrong(&format!("{key}: a value that is no {}", vr.to_string())))
}

fn text(vr: VR, value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if matches!(vr, VR::DS | VR::IS) => Some(decimal(number, vr)),
        Value::Object(_) if vr == VR::PN => {
            let name: PersonName = serde_json::from_value(value.clone()).ok()?;
            Some(name.to_text())
        }
        _ => None,
    }
}

/// Digits of a number within the sixteen characters of DS (PS3.5 §6.2).
fn decimal(number: &serde_json::Number, vr: VR) -> String {
    let text = number.to_string();
    if vr == VR::IS || text.len() <= 16 {
        return text.strip_suffix(".0").unwrap_or(&text).to_owned();
    }
    let value = number.as_f64().unwrap_or_default();
    (0..=14)
        .rev()
        .map(|digits| format!("{value:.digits$e}"))
        .find(|t| t.len() <= 16)
        .unwrap_or_default()
}

fn binary(vr: VR, values: &[Value]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for value in values {
        let int = || match value {
            Value::String(text) => text.parse::<i64>().ok(),
            Value::Number(n) => n.as_i64(),
            _ => None,
        };
        match vr {
            VR::US | VR::OW => out.extend(u16::try_from(int()?).ok()?.to_le_bytes()),
            VR::SS => out.extend(i16::try_from(int()?).ok()?.to_le_bytes()),
            VR::UL => out.extend(u32::try_from(int()?).ok()?.to_le_bytes()),
            VR::SL => out.extend(i32::try_from(int()?).ok()?.to_le_bytes()),
            VR::SV => out.extend(int()?.to_le_bytes()),
            VR::UV => {
                let number = match value {
                    Value::String(text) => text.parse::<u64>().ok()?,
                    other => other.as_u64()?,
                };
                out.extend(number.to_le_bytes());
            }
            VR::FL => out.extend((float(value)? as f32).to_le_bytes()),
            VR::FD => out.extend(float(value)?.to_le_bytes()),
            VR::AT => {
                let tag = tag_of(value.as_str()?)?;
                out.extend(tag.0.to_le_bytes());
                out.extend(tag.1.to_le_bytes());
            }
            _ => return None,
        }
    }
    Some(out)
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "inf" | "Infinity" => Some(f64::INFINITY),
            "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
            other => other.parse().ok(),
        },
        _ => None,
    }
}
