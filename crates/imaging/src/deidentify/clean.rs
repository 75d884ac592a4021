//! The walk over a data set and all items in it (PS3.15 E.2).

use bytes::Bytes;
use dicom_core::dictionary::DataDictionary;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::rules::{Action, action};
use super::safe;
use super::subject::Subject;
use super::{Dates, Profile};
use crate::dataset::{Data, Dataset, Element, has_repertoire, is_text, padded};
use crate::facts::is_date;

/// Text of an annotation or a report that is not to be kept.
const TEXT_OF_GRAPHICS: &[Tag] = &[tags::TEXT_OBJECT_SEQUENCE];

pub(super) fn dataset(data: &mut Dataset, profile: &Profile, subject: &Subject, depth: usize) {
    let creators = safe::creators(data);
    let charset = data.charset().clone();
    data.retain_mut(|element| {
        let Tag(group, number) = element.tag;
        if number == 0 {
            return false;
        }
        if group % 2 == 1 {
            return profile.retain_safe_private && private(element, &creators, subject, &charset);
        }
        // Curves and overlays go (E.3.3): what is drawn cannot be judged.
        if matches!(group & 0xff00, 0x5000 | 0x6000) || TEXT_OF_GRAPHICS.contains(&element.tag) {
            return false;
        }
        let Some(rule) = action(element.tag, profile).or_else(|| unnamed(element)) else {
            return rest(element, profile, subject, depth, &charset);
        };
        apply(rule, element, profile, subject, depth, &charset)
    });
}

/// What the table does not name: attributes of the standard stay, but for those no dictionary knows, and UIDs that are
/// somebody's.
fn unnamed(element: &Element) -> Option<Action> {
    if StandardDataDictionary.by_tag(element.tag).is_none() {
        return Some(Action::Remove);
    }
    match element.vr {
        VR::PN => Some(Action::Empty),
        _ => None,
    }
}

fn rest(
    element: &mut Element,
    profile: &Profile,
    subject: &Subject,
    depth: usize,
    charset: &crate::charset::Charset,
) -> bool {
    match &mut element.data {
        Data::Items(items) => {
            for item in items {
                dataset(item, profile, subject, depth + 1);
            }
        }
        Data::Bytes(_) if element.vr == VR::UI && !profile.retain_uids => uids(element, subject),
        Data::Bytes(_) if has_repertoire(element.vr) => {
            // Belt and braces: no word that says who, wherever somebody typed it.
            let (values, _) = element.texts(charset);
            if values.iter().any(|v| subject.is_told_by(v)) {
                let cleaned: Vec<String> = values.iter().map(|v| subject.cleaned(v)).collect();
                set(element, &cleaned.join("\\"));
            }
        }
        _ => {}
    }
    true
}

fn apply(
    rule: Action,
    element: &mut Element,
    profile: &Profile,
    subject: &Subject,
    depth: usize,
    charset: &crate::charset::Charset,
) -> bool {
    if let Data::Items(items) = &mut element.data {
        return match rule {
            Action::Remove => false,
            Action::Empty | Action::Dummy => {
                items.clear();
                true
            }
            Action::Uid | Action::Keep | Action::Clean | Action::Shift => {
                for item in items {
                    dataset(item, profile, subject, depth + 1);
                }
                true
            }
        };
    }
    match rule {
        Action::Remove => return false,
        Action::Empty => element.data = Data::Bytes(Bytes::new()),
        Action::Dummy => dummy(element, subject),
        Action::Uid => uids(element, subject),
        Action::Keep => {}
        Action::Shift => shift(element, profile, subject, charset),
        Action::Clean if is_text(element.vr) => {
            let (values, _) = element.texts(charset);
            let cleaned: Vec<String> = values.iter().map(|v| subject.cleaned(v)).collect();
            set(element, &cleaned.join("\\"));
        }
        Action::Clean => return false,
    }
    true
}

fn set(element: &mut Element, text: &str) {
    element.data = Data::Bytes(padded(text.as_bytes().to_vec(), element.vr));
}

/// A value that says nothing but is one (E.2 step 3).
fn dummy(element: &mut Element, subject: &Subject) {
    let text = match element.vr {
        _ if matches!(element.tag, tags::PATIENT_ID | tags::PATIENT_NAME) => {
            subject.pseudonym.as_str()
        }
        VR::DA => "19000101",
        VR::TM => "000000",
        VR::DT => "19000101000000",
        VR::AS => "000Y",
        VR::DS | VR::IS => "0",
        VR::CS | VR::SH | VR::AE => "REMOVED",
        VR::UI => return uids(element, subject),
        VR::UR => "urn:removed",
        vr if is_text(vr) => "REMOVED",
        _ => {
            let length = match &element.data {
                Data::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            element.data = Data::Bytes(Bytes::from(vec![0; length]));
            return;
        }
    };
    set(element, text);
}

/// New UIDs in place of somebody's; those of the standard name no one.
fn uids(element: &mut Element, subject: &Subject) {
    let Data::Bytes(bytes) = &element.data else {
        return;
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let new: Vec<String> = text
        .split('\\')
        .map(|uid| uid.trim_matches(['\0', ' ']))
        .map(|uid| {
            if uid.is_empty() || uid.starts_with("1.2.840.10008.") {
                uid.to_owned()
            } else {
                subject.uid(uid)
            }
        })
        .collect();
    set(element, &new.join("\\"));
}

/// Days go back; times of day stay. What is no date goes.
fn shift(
    element: &mut Element,
    profile: &Profile,
    subject: &Subject,
    charset: &crate::charset::Charset,
) {
    debug_assert_eq!(profile.dates, Dates::Shift);
    if element.vr == VR::TM {
        return;
    }
    let (values, _) = element.texts(charset);
    let moved: Option<Vec<String>> = values
        .iter()
        .map(|value| {
            if value.is_empty() {
                return Some(String::new());
            }
            let (date, rest) = value.split_at_checked(8)?;
            is_date(date).then(|| earlier(date, subject.days) + rest)
        })
        .collect();
    match (element.vr, moved) {
        (VR::DA | VR::DT, Some(moved)) => set(element, &moved.join("\\")),
        // Offsets from UTC and their like say where, not when.
        _ => element.data = Data::Bytes(Bytes::new()),
    }
}

/// A date some days earlier (proleptic Gregorian calendar).
fn earlier(date: &str, days: i64) -> String {
    let number = |range: std::ops::Range<usize>| {
        date.get(range)
            .and_then(|t| t.parse::<i64>().ok())
            .unwrap_or(1)
    };
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    // Days are counted in years that begin in March, so that the leap day is the last.
    let y = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + of_year;
    let target = of_era - days;
    let era = target.div_euclid(146_097);
    let in_era = target.rem_euclid(146_097);
    let years = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * years + years / 4 - years / 100);
    let m = (5 * in_year + 2) / 153;
    let day = in_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = years + era * 400 + i64::from(month <= 2);
    format!("{:04}{month:02}{day:02}", year.max(0))
}

fn private(
    element: &mut Element,
    creators: &safe::Creators,
    subject: &Subject,
    charset: &crate::charset::Charset,
) -> bool {
    // Only values; whatever is nested in private sequences is not known to be safe.
    if !creators.is_safe(element.tag) || !matches!(element.data, Data::Bytes(_)) {
        return false;
    }
    let (values, _) = element.texts(charset);
    !values.iter().any(|v| subject.is_told_by(v))
}

#[cfg(test)]
mod tests {
    use super::earlier;

    #[test]
    fn days_go_back_over_months_and_leap_years() {
        assert_eq!(earlier("20240301", 1), "20240229");
        assert_eq!(earlier("20230301", 1), "20230228");
        assert_eq!(earlier("20240101", 1), "20231231");
        assert_eq!(earlier("20240131", 365), "20230131");
        assert_eq!(earlier("20000301", 366), "19990301");
        assert_eq!(earlier("19000301", 1), "19000228");
    }
}
