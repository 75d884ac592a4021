//! The identifier of a C-FIND request as a query (PS3.4 C.4.1, K.4.1).

use dicom_core::VR;
use dicom_dictionary_std::tags;
use kernel::limits;

use super::value::{combine, key, refused, uids};
use super::{Include, Key, Level, Match, Model, Query};
use crate::dataset::{Data, Dataset, Element};
use crate::error::ImagingError;
use crate::limits::Limits;
use crate::object::Object;

/// Reads an identifier. Dates and times that belong together are matched as one moment (PS3.4 C.2.2.2.5.2) when
/// `combined` was negotiated.
///
/// # Errors
/// No level, a level the model does not have, unique keys that are missing above the level (PS3.4 C.4.1.2.1), or values
/// that cannot be matched; the error names the attribute.
pub fn from_identifier(
    model: Model,
    identifier: &[u8],
    transfer_syntax: &str,
    combined: bool,
) -> Result<Query, ImagingError> {
    let limits = Limits {
        bytes: 1 << 20,
        inflated_bytes: 1 << 20,
        elements: 4 * limits::IMAGE_QUERY_KEYS_MAX,
        ..Limits::default()
    };
    if identifier.is_empty() {
        return Err(ImagingError::Missing(tags::QUERY_RETRIEVE_LEVEL));
    }
    let object = Object::read_dataset(identifier.to_vec(), transfer_syntax, &limits)?;
    let data = object.dataset();
    let level = level(model, data)?;
    let mut query = Query {
        model,
        level,
        study: Vec::new(),
        series: Vec::new(),
        instance: Vec::new(),
        keys: Vec::new(),
        include: Include::default(),
        fuzzy: false,
        limit: None,
        offset: 0,
        charset: data.charset().terms().to_vec(),
        ignored: Vec::new(),
    };
    let keys = keys(data, 0)?;
    query.include.exactly = Some(keys.clone());
    for key in keys {
        let list = match (key.tag, model) {
            (_, Model::Worklist) => None,
            (tags::STUDY_INSTANCE_UID, _) => Some(&mut query.study),
            (tags::SERIES_INSTANCE_UID, _) => Some(&mut query.series),
            (tags::SOP_INSTANCE_UID, _) => Some(&mut query.instance),
            _ => None,
        };
        match (list, key.matching) {
            (_, Match::Universal) => {}
            (Some(list), Match::List(uids)) => *list = uids,
            (_, matching) => query.keys.push(Key { matching, ..key }),
        }
    }
    if combined {
        combine(&mut query.keys);
        for key in &mut query.keys {
            if let Match::Sequence(inner) = &mut key.matching {
                combine(inner);
            }
        }
    }
    above(&query)?;
    Ok(query)
}

fn level(model: Model, data: &Dataset) -> Result<Level, ImagingError> {
    if model == Model::Worklist {
        return Ok(Level::Study);
    }
    let word = data
        .plain(tags::QUERY_RETRIEVE_LEVEL)
        .ok_or(ImagingError::Missing(tags::QUERY_RETRIEVE_LEVEL))?;
    match word {
        "PATIENT" if model == Model::PatientRoot => Ok(Level::Patient),
        "STUDY" => Ok(Level::Study),
        "SERIES" => Ok(Level::Series),
        "IMAGE" => Ok(Level::Instance),
        _ => Err(refused(
            "QueryRetrieveLevel",
            "not of this information model",
        )),
    }
}

/// Hierarchical queries name the one entity of each level above (PS3.4 C.4.1.3.1.1).
fn above(query: &Query) -> Result<(), ImagingError> {
    if query.model == Model::Worklist {
        return Ok(());
    }
    if query.level >= Level::Series && query.study.is_empty() {
        return Err(ImagingError::Missing(tags::STUDY_INSTANCE_UID));
    }
    if query.level == Level::Instance && query.series.is_empty() {
        return Err(ImagingError::Missing(tags::SERIES_INSTANCE_UID));
    }
    Ok(())
}

fn keys(data: &Dataset, depth: usize) -> Result<Vec<Key>, ImagingError> {
    if depth > 4 {
        return Err(ImagingError::TooMuch("levels of a query"));
    }
    if data.elements().len() > limits::IMAGE_QUERY_KEYS_MAX {
        return Err(ImagingError::TooMuch("keys of a query"));
    }
    let mut out = Vec::new();
    for element in data.elements() {
        // The level and the repertoire speak of the query itself; private attributes are not matched (PS3.4 C.2.2.1).
        let about = matches!(
            element.tag,
            tags::SPECIFIC_CHARACTER_SET
                | tags::QUERY_RETRIEVE_LEVEL
                | tags::RETRIEVE_AE_TITLE
                | tags::INSTANCE_AVAILABILITY
                | tags::TIMEZONE_OFFSET_FROM_UTC
        );
        if about || element.tag.1 == 0 || element.tag.0 % 2 == 1 {
            continue;
        }
        out.push(of(element, data, depth)?);
    }
    Ok(out)
}

fn of(element: &Element, data: &Dataset, depth: usize) -> Result<Key, ImagingError> {
    let (tag, vr) = (element.tag, element.vr);
    let name = crate::json::hex(tag);
    match &element.data {
        Data::Items(items) => {
            let inner = match items.first() {
                Some(item) => keys(item, depth + 1)?,
                None => Vec::new(),
            };
            Ok(Key {
                tag,
                vr: VR::SQ,
                matching: Match::Sequence(inner),
            })
        }
        Data::Fragments(_) | Data::Away(_) => Err(refused(&name, "cannot be matched")),
        Data::Bytes(bytes) if bytes.is_empty() => Ok(Key {
            tag,
            vr,
            matching: Match::Universal,
        }),
        Data::Bytes(bytes) if vr == VR::UI => {
            let text = std::str::from_utf8(bytes).map_err(|_| refused(&name, "no UID"))?;
            // Some ask for everything with an asterisk.
            let matching = match text.trim_matches([' ', '\0']) {
                "*" | "" => Match::Universal,
                text => uids(text, &name)?,
            };
            Ok(Key { tag, vr, matching })
        }
        Data::Bytes(_) if crate::dataset::is_text(vr) => {
            key(tag, vr, &element.texts(data.charset()).0.join("\\"), &name)
        }
        Data::Bytes(_) => {
            let numbers: Vec<String> = element.floats().iter().map(f64::to_string).collect();
            key(tag, vr, &numbers.join("\\"), &name)
        }
    }
}
