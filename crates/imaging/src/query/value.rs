//! The value of a key as a way to match (PS3.4 C.2.2.2).

use dicom_core::{Tag, VR};
use kernel::limits;

use super::{Key, Match};
use crate::error::ImagingError;
use crate::facts::{is_date, is_time, is_uid};

/// A key of its value as text. `name` is what an error calls it.
pub(super) fn key(tag: Tag, vr: VR, text: &str, name: &str) -> Result<Key, ImagingError> {
    let matching = matching(vr, text, name)?;
    Ok(Key { tag, vr, matching })
}

pub(super) fn refused(name: &str, reason: &'static str) -> ImagingError {
    ImagingError::Query {
        parameter: name.chars().take(64).collect(),
        reason,
    }
}

fn matching(vr: VR, text: &str, name: &str) -> Result<Match, ImagingError> {
    let list_of_uids = vr == VR::UI;
    let most = limits::IMAGE_QUERY_VALUE_CHARS_MAX * if list_of_uids { 64 } else { 1 };
    if text.len() > most {
        return Err(refused(name, "too long"));
    }
    let text = text.trim_matches([' ', '\0']);
    if text.is_empty() || (text == "*" && vr != VR::UI) {
        return Ok(Match::Universal);
    }
    if text == "\"\"" {
        return Ok(Match::Empty);
    }
    match vr {
        VR::UI => uids(text, name),
        VR::DA => range(text, name, "a date is YYYYMMDD", whole_date),
        VR::TM => range(text, name, "a time is HHMMSS", |t, upper| {
            let plain: String = t.chars().filter(|c| *c != ':').collect();
            is_time(&plain).then(|| complete_time(&plain, upper))
        }),
        VR::DT => range(text, name, "a moment is YYYYMMDDHHMMSS", complete_moment),
        VR::SQ | VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
            Err(refused(name, "cannot be matched"))
        }
        VR::FL | VR::FD | VR::SL | VR::SS | VR::SV | VR::UL | VR::US | VR::UV | VR::AT => {
            numbers(text, name)
        }
        VR::DS | VR::IS if text.contains(['*', '?']) => Err(refused(name, "a number is expected")),
        VR::DS | VR::IS => numbers(text, name),
        _ if text.contains('\\') => {
            let values: Vec<String> = text
                .split('\\')
                .map(|t| t.trim().to_owned())
                .filter(|t| !t.is_empty())
                .collect();
            if values.len() > limits::IMAGE_QUERY_VALUES_MAX {
                return Err(refused(name, "too many values"));
            }
            Ok(Match::List(values))
        }
        _ if text.contains(['*', '?']) => Ok(Match::Wildcard(text.to_owned())),
        _ => Ok(Match::Single(text.to_owned())),
    }
}

pub(super) fn uids(text: &str, name: &str) -> Result<Match, ImagingError> {
    // QIDO-RS separates UIDs by commas or backslashes (PS3.18 §8.3.4.1).
    let list: Vec<String> = text
        .split(['\\', ','])
        .map(|t| t.trim_matches([' ', '\0']).to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    if list.len() > limits::IMAGE_QUERY_VALUES_MAX {
        return Err(refused(name, "too many values"));
    }
    if !list.iter().all(|u| is_uid(u)) {
        return Err(refused(name, "no UID"));
    }
    Ok(Match::List(list))
}

fn numbers(text: &str, name: &str) -> Result<Match, ImagingError> {
    let values: Vec<String> = text.split('\\').map(|t| t.trim().to_owned()).collect();
    if values.len() > limits::IMAGE_QUERY_VALUES_MAX {
        return Err(refused(name, "too many values"));
    }
    if values
        .iter()
        .any(|v| !v.parse::<f64>().is_ok_and(f64::is_finite))
    {
        return Err(refused(name, "a number is expected"));
    }
    Ok(match <[String; 1]>::try_from(values) {
        Ok([one]) => Match::Single(one),
        Err(values) => Match::List(values),
    })
}

fn whole_date(text: &str, _: bool) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    is_date(&digits).then_some(digits)
}

/// Completes both ends of a range; a single value is a range of its own precision (PS3.4 C.2.2.2.5).
fn range(
    text: &str,
    name: &str,
    reason: &'static str,
    complete: impl Fn(&str, bool) -> Option<String>,
) -> Result<Match, ImagingError> {
    if let (Some(from), Some(to)) = (complete(text, false), complete(text, true)) {
        return Ok(Match::Range(Some(from), Some(to)));
    }
    // A moment may contain a hyphen itself (its offset from UTC), so every hyphen is tried.
    for (at, _) in text.match_indices('-') {
        let (low, high) = (text[..at].trim(), text[at + 1..].trim());
        if low.is_empty() && high.is_empty() {
            continue;
        }
        let from = (!low.is_empty()).then(|| complete(low, false));
        let to = (!high.is_empty()).then(|| complete(high, true));
        if from.as_ref().is_some_and(Option::is_none) || to.as_ref().is_some_and(Option::is_none) {
            continue;
        }
        let (from, to) = (from.flatten(), to.flatten());
        // A range of times may pass midnight where it is joined to one of dates.
        if let (Some(from), Some(to)) = (&from, &to)
            && from > to
            && from.len() != "HHMMSS.FFFFFF".len()
        {
            return Err(refused(name, "the range ends before it begins"));
        }
        return Ok(Match::Range(from, to));
    }
    Err(refused(name, reason))
}

/// A time of day with all its digits, `HHMMSS.FFFFFF`: what is not said is the first or, for the end of a range, the last.
/// The time must be one ([`is_time`]).
pub fn complete_time(time: &str, upper: bool) -> String {
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let fill = if upper { "995959" } else { "000000" };
    let fraction_fill = if upper { "999999" } else { "000000" };
    let mut out = whole.to_owned();
    out.push_str(fill.get(whole.len()..).unwrap_or_default());
    out.push('.');
    out.push_str(fraction);
    out.push_str(fraction_fill.get(fraction.len()..).unwrap_or_default());
    out
}

/// A moment (DT) with all its digits, `YYYYMMDDHHMMSS.FFFFFF`; its offset from UTC, if it has one, is taken off (moments
/// are compared as they are written). Nothing if it is no moment.
pub fn complete_moment(text: &str, upper: bool) -> Option<String> {
    let bare = match text.len().checked_sub(5).and_then(|at| text.get(at..)) {
        Some(zone)
            if zone.starts_with(['+', '-'])
                && zone[1..].bytes().all(|b| b.is_ascii_digit())
                && zone[1..3].parse::<u8>().is_ok_and(|h| h <= 14)
                && text.len() >= 9 =>
        {
            &text[..text.len() - 5]
        }
        _ => text,
    };
    let digits = bare.split('.').next().unwrap_or_default();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let date = match digits.len() {
        4 => format!("{digits}{}", if upper { "1231" } else { "0101" }),
        6 if upper => (28..=31)
            .rev()
            .map(|d| format!("{digits}{d}"))
            .find(|d| is_date(d))?,
        6 => format!("{digits}01"),
        8.. => digits.get(..8)?.to_owned(),
        _ => return None,
    };
    if !is_date(&date) {
        return None;
    }
    let time = bare.get(8..).filter(|t| !t.is_empty());
    let time = match time {
        Some(time) if is_time(time) => complete_time(time, upper),
        Some(_) => return None,
        None if upper => "235959.999999".to_owned(),
        None => "000000.000000".to_owned(),
    };
    Some(date + &time)
}

/// Joins a range of dates and one of times to a range of moments (PS3.4 C.2.2.2.5.2): for each pair of the date and time
/// attributes that belong together, if both are ranges.
pub(super) fn combine(keys: &mut Vec<Key>) {
    for (date, time) in PAIRS {
        let of = |tag: &Tag| {
            keys.iter().find_map(|k| match &k.matching {
                Match::Range(from, to) if k.tag == *tag => Some((from.clone(), to.clone())),
                _ => None,
            })
        };
        let (Some((from, to)), Some((early, late))) = (of(date), of(time)) else {
            continue;
        };
        let from = from.map(|d| d + early.as_deref().unwrap_or("000000.000000"));
        let to = to.map(|d| d + late.as_deref().unwrap_or("235959.999999"));
        keys.retain(|k| k.tag != *time);
        if let Some(key) = keys.iter_mut().find(|k| k.tag == *date) {
            key.matching = Match::Moment {
                time: *time,
                from,
                to,
            };
        }
    }
}

const PAIRS: &[(Tag, Tag)] = {
    use dicom_dictionary_std::tags as t;
    &[
        (t::STUDY_DATE, t::STUDY_TIME),
        (t::SERIES_DATE, t::SERIES_TIME),
        (t::ACQUISITION_DATE, t::ACQUISITION_TIME),
        (t::CONTENT_DATE, t::CONTENT_TIME),
        (
            t::PERFORMED_PROCEDURE_STEP_START_DATE,
            t::PERFORMED_PROCEDURE_STEP_START_TIME,
        ),
        (
            t::SCHEDULED_PROCEDURE_STEP_START_DATE,
            t::SCHEDULED_PROCEDURE_STEP_START_TIME,
        ),
    ]
};
