//! Parameters of QIDO-RS as a query (PS3.18 §8.3.4, §10.6.1).

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use kernel::limits;

use super::value::{combine, key, refused};
use super::{Include, Key, Level, Match, Model, Query};
use crate::error::ImagingError;
use crate::facts::is_uid;

/// Reads the parameters of a search at a level, below a study and a series if the path names them. Parameters that are
/// no attributes and none of the standard's are noted in [`Query::ignored`] (PS3.18 §8.3.1).
///
/// # Errors
/// A value that cannot be matched, a limit that is no number, too much of anything; the error names the parameter.
pub fn from_qido<K: AsRef<str>, V: AsRef<str>>(
    level: Level,
    study: Option<&str>,
    series: Option<&str>,
    parameters: &[(K, V)],
) -> Result<Query, ImagingError> {
    let mut query = Query {
        model: Model::StudyRoot,
        level,
        study: named(study, "StudyInstanceUID")?,
        series: named(series, "SeriesInstanceUID")?,
        instance: Vec::new(),
        keys: Vec::new(),
        include: Include::default(),
        fuzzy: false,
        limit: None,
        offset: 0,
        charset: Vec::new(),
        ignored: Vec::new(),
    };
    if parameters.len() > limits::IMAGE_QUERY_KEYS_MAX {
        return Err(ImagingError::TooMuch("parameters"));
    }
    for (name, value) in parameters {
        parameter(&mut query, name.as_ref(), value.as_ref())?;
    }
    combine(&mut query.keys);
    Ok(query)
}

fn named(uid: Option<&str>, name: &str) -> Result<Vec<String>, ImagingError> {
    match uid {
        None => Ok(Vec::new()),
        Some(uid) if is_uid(uid) => Ok(vec![uid.to_owned()]),
        Some(_) => Err(refused(name, "no UID")),
    }
}

fn parameter(query: &mut Query, name: &str, value: &str) -> Result<(), ImagingError> {
    match name {
        "fuzzymatching" => {
            query.fuzzy = match value {
                "true" => true,
                "false" => false,
                _ => return Err(refused(name, "true or false")),
            };
        }
        "limit" => {
            let limit: u32 = value.parse().map_err(|_| refused(name, "a whole number"))?;
            query.limit = Some(limit.min(limits::IMAGE_QUERY_LIMIT_MAX));
        }
        "offset" => query.offset = value.parse().map_err(|_| refused(name, "a whole number"))?,
        "includefield" => include(query, value)?,
        // How the answer is to be written: the edge's business.
        "accept" | "charset" => {}
        "emptyvaluematching" | "multiplevaluematching" => {
            if !matches!(value, "true" | "false") {
                return Err(refused(name, "true or false"));
            }
        }
        _ => match path(name) {
            Some(path) => matching(query, &path, name, value)?,
            None => query.ignored.push(name.chars().take(64).collect()),
        },
    }
    Ok(())
}

fn include(query: &mut Query, value: &str) -> Result<(), ImagingError> {
    for field in value.split(',').map(str::trim).filter(|f| !f.is_empty()) {
        if field == "all" {
            query.include.all = true;
            continue;
        }
        match path(field).as_deref() {
            Some([first, ..]) => {
                if query.include.tags.len() >= limits::IMAGE_QUERY_KEYS_MAX {
                    return Err(refused("includefield", "too many values"));
                }
                // An attribute within a sequence brings the sequence.
                if !query.include.tags.contains(&first.0) {
                    query.include.tags.push(first.0);
                }
            }
            _ => query.ignored.push(format!(
                "includefield={}",
                field.chars().take(48).collect::<String>()
            )),
        }
    }
    Ok(())
}

/// `PatientID`, `00100020` or a dotted path of them, each with its value representation.
fn path(name: &str) -> Option<Vec<(Tag, VR)>> {
    let parts: Option<Vec<(Tag, VR)>> = name.split('.').take(6).map(attribute).collect();
    let parts = parts?;
    let (last, before) = parts.split_last()?;
    let nested = before.iter().all(|(_, vr)| *vr == VR::SQ);
    (nested && (name.matches('.').count() < 5)).then(|| [before, &[*last]].concat())
}

fn attribute(name: &str) -> Option<(Tag, VR)> {
    let dictionary = StandardDataDictionary;
    let by_number = crate::json::tag_of(name).map(|tag| {
        let vr = dictionary.by_tag(tag).map_or(VR::UN, |e| e.vr().relaxed());
        (tag, vr)
    });
    by_number.or_else(|| {
        let entry = dictionary.by_name(name)?;
        Some((entry.tag(), entry.vr().relaxed()))
    })
}

fn matching(
    query: &mut Query,
    path: &[(Tag, VR)],
    name: &str,
    value: &str,
) -> Result<(), ImagingError> {
    let Some(((tag, vr), before)) = path.split_last() else {
        return Ok(());
    };
    let top = path.first().map_or(*tag, |p| p.0);
    if !query.include.tags.contains(&top) {
        query.include.tags.push(top);
    }
    if *vr == VR::SQ {
        return match value {
            "" => Ok(()),
            _ => Err(refused(name, "name an attribute of the sequence")),
        };
    }
    let found = key(*tag, *vr, value, name)?;
    if matches!(found.matching, Match::Universal) {
        return Ok(());
    }
    if before.is_empty() {
        let list = match *tag {
            tags::STUDY_INSTANCE_UID => Some(&mut query.study),
            tags::SERIES_INSTANCE_UID => Some(&mut query.series),
            tags::SOP_INSTANCE_UID => Some(&mut query.instance),
            _ => None,
        };
        if let (Some(list), Match::List(uids)) = (list, &found.matching) {
            // Below a study of the path, only that one can be meant.
            let both: Vec<String> = uids.iter().filter(|u| list.contains(u)).cloned().collect();
            let was_empty = list.is_empty();
            *list = if was_empty { uids.clone() } else { both };
            if list.is_empty() {
                return Err(refused(name, "not what the path names"));
            }
            return Ok(());
        }
    }
    nest(&mut query.keys, before, found);
    Ok(())
}

/// Puts a key below its sequences; keys of one sequence belong to one item.
fn nest(keys: &mut Vec<Key>, before: &[(Tag, VR)], found: Key) {
    let Some(((tag, _), rest)) = before.split_first() else {
        keys.push(found);
        return;
    };
    let at = keys.iter().position(|k| k.tag == *tag).unwrap_or_else(|| {
        keys.push(Key {
            tag: *tag,
            vr: VR::SQ,
            matching: Match::Sequence(Vec::new()),
        });
        keys.len() - 1
    });
    if let Match::Sequence(inner) = &mut keys[at].matching {
        nest(inner, rest, found);
    }
}
