//! Answers: what a query asks for of what is known.

use std::sync::Arc;

use super::{Key, Level, Match, Model, Query};
use crate::charset::Charset;
use crate::dataset::{Data, Dataset, Element};
use crate::error::ImagingError;
use crate::json;
use crate::syntax;
use crate::write::write;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// What QIDO-RS answers of a row: what the level always gives (PS3.18 tables 10.6.3-3 to 10.6.3-5), what was matched, and what
/// `includefield` names. Made once for all rows of an answer.
pub struct Answered {
    level: Level,
    /// None: everything.
    named: Option<Vec<Tag>>,
}

impl Answered {
    /// As a query asks.
    pub fn of(query: &Query) -> Self {
        Self {
            level: query.level,
            named: (!query.include.all).then(|| query.include.tags.clone()),
        }
    }

    /// Whether an attribute is answered.
    pub fn has(&self, tag: Tag) -> bool {
        match &self.named {
            None => true,
            Some(named) => always(self.level, tag) || named.contains(&tag),
        }
    }

    /// Appends the answer of one row in DICOM JSON. Its values are copied as they stand.
    ///
    /// # Errors
    /// A row that is no JSON object.
    pub fn put(&self, out: &mut Vec<u8>, row: &[u8]) -> Result<(), ImagingError> {
        if self.named.is_none() {
            out.extend_from_slice(row);
            return Ok(());
        }
        let damaged = || ImagingError::Json("a row".to_owned());
        let mut rest = row
            .strip_prefix(b"{")
            .and_then(|r| r.strip_suffix(b"}"))
            .ok_or_else(damaged)?;
        out.push(b'{');
        let begin = out.len();
        while !rest.is_empty() {
            // `"00080020":` and a value up to the comma behind it.
            let key = rest
                .strip_prefix(b"\"")
                .and_then(|r| r.get(..8))
                .and_then(|k| std::str::from_utf8(k).ok())
                .and_then(json::tag_of)
                .ok_or_else(damaged)?;
            if rest.get(9..11) != Some(b"\":") {
                return Err(damaged());
            }
            let end = 11 + value_bytes(&rest[11..]).ok_or_else(damaged)?;
            if self.has(key) {
                if out.len() > begin {
                    out.push(b',');
                }
                out.extend_from_slice(&rest[..end]);
            }
            rest = match rest.get(end) {
                None => &[],
                Some(b',') if rest.len() > end + 1 => &rest[end + 1..],
                Some(_) => return Err(damaged()),
            };
        }
        out.push(b'}');
        Ok(())
    }
}

/// The length of the JSON object that something begins with. Commas and braces within strings do not count.
fn value_bytes(json: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The answer of QIDO-RS of one row, see [`Answered`].
///
/// # Errors
/// A row that is no JSON object.
pub fn to_json(row: &[u8], query: &Query) -> Result<Vec<u8>, ImagingError> {
    let mut out = Vec::with_capacity(row.len());
    Answered::of(query).put(&mut out, row)?;
    Ok(out)
}

/// What the answers of a level contain without being asked. Below the study, the levels above come along, as clients
/// rely on when they ask for all series or instances.
fn always(level: Level, tag: Tag) -> bool {
    const OF_ALL: &[Tag] = &[
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_AVAILABILITY,
        tags::TIMEZONE_OFFSET_FROM_UTC,
        tags::RETRIEVE_URL,
        tags::STUDY_INSTANCE_UID,
    ];
    const OF_STUDY: &[Tag] = &[
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::MODALITIES_IN_STUDY,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::ISSUER_OF_PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_ID,
        tags::STUDY_DESCRIPTION,
        tags::NUMBER_OF_STUDY_RELATED_SERIES,
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    ];
    const OF_SERIES: &[Tag] = &[
        tags::MODALITY,
        tags::SERIES_DESCRIPTION,
        tags::SERIES_INSTANCE_UID,
        tags::SERIES_NUMBER,
        tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
        tags::PERFORMED_PROCEDURE_STEP_START_DATE,
        tags::PERFORMED_PROCEDURE_STEP_START_TIME,
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
    ];
    const OF_INSTANCE: &[Tag] = &[
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::INSTANCE_NUMBER,
        tags::ROWS,
        tags::COLUMNS,
        tags::BITS_ALLOCATED,
        tags::NUMBER_OF_FRAMES,
    ];
    OF_ALL.contains(&tag)
        || match level {
            Level::Patient | Level::Study => OF_STUDY.contains(&tag),
            Level::Series => OF_SERIES.contains(&tag),
            Level::Instance => OF_INSTANCE.contains(&tag),
        }
}

/// The answer of C-FIND: exactly the keys of the request, empty where nothing is known (PS3.4 C.4.1.1.3.2), with the
/// level; in the asker's repertoire if that can say it, else in UTF-8.
///
/// # Errors
/// A row that is no DICOM JSON, or a transfer syntax that is not written here (big endian).
pub fn to_dataset(
    row: &[u8],
    query: &Query,
    transfer_syntax: &str,
) -> Result<Vec<u8>, ImagingError> {
    // Bulk data are no part of an answer.
    let known = json::parse(row, &|_| Some(bytes::Bytes::new()))?;
    let keys = query.include.exactly.as_deref().unwrap_or_default();
    let mut answer = select(&known, keys, &Dataset::new());
    if query.model != Model::Worklist {
        answer.put_text(tags::QUERY_RETRIEVE_LEVEL, VR::CS, query.level.word());
    }
    for tag in [
        tags::RETRIEVE_AE_TITLE,
        tags::INSTANCE_AVAILABILITY,
        tags::TIMEZONE_OFFSET_FROM_UTC,
    ] {
        if let Some(element) = known.get(tag) {
            answer.put(element.clone());
        }
    }
    spell(&mut answer, &query.charset);
    let syntax = syntax::of(transfer_syntax);
    if syntax.big || syntax.encapsulated() {
        return Err(ImagingError::Unsupported(
            "answers are written in little endian".to_owned(),
        ));
    }
    let bytes = write(&answer, syntax.explicit);
    Ok(if syntax.deflated {
        crate::file::deflate(&bytes)
    } else {
        bytes
    })
}

fn select(known: &Dataset, keys: &[Key], like: &Dataset) -> Dataset {
    let mut out = Dataset::item_of(like);
    for key in keys {
        let data = match (&key.matching, known.get(key.tag)) {
            (Match::Sequence(inner), Some(_)) if !inner.is_empty() => {
                let items = known.items(key.tag).iter();
                Data::Items(items.map(|item| select(item, inner, like)).collect())
            }
            (_, Some(element)) => element.data.clone(),
            (Match::Sequence(_), None) => Data::Items(Vec::new()),
            (_, None) => Data::Bytes(bytes::Bytes::new()),
        };
        out.put(Element {
            tag: key.tag,
            vr: key.vr,
            data,
        });
    }
    out
}

/// Writes the text in the asker's repertoire if it can say all of it, and says which it is.
fn spell(answer: &mut Dataset, asked: &[String]) {
    let charset = Charset::of(asked);
    if says(answer, &charset) {
        answer.rewrite_text(&Arc::new(charset.clone()));
        if asked.iter().any(|t| !t.is_empty()) {
            answer.put_text(
                tags::SPECIFIC_CHARACTER_SET,
                VR::CS,
                &charset.terms().join("\\"),
            );
        }
    } else {
        answer.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    }
}

fn says(data: &Dataset, charset: &Charset) -> bool {
    data.elements().iter().all(|e| match &e.data {
        Data::Items(items) => items.iter().all(|i| says(i, charset)),
        Data::Bytes(bytes) if crate::dataset::has_repertoire(e.vr) => {
            bytes.is_ascii()
                || std::str::from_utf8(bytes).is_ok_and(|t| charset.encode(t).is_some())
        }
        _ => true,
    })
}
