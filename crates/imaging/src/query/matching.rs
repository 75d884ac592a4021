//! Whether a data set matches a query: the reference for every index that answers queries.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::{Key, Match, Query, complete_moment, complete_time, fold, is_folded};
use crate::dataset::{Dataset, Element};
use crate::facts::{is_date, is_time};
use crate::name::PersonName;

/// Whether what a data set says matches all of a query. The data set has the attributes of its own level and of those
/// above, or is one of a worklist.
pub fn matches(query: &Query, data: &Dataset) -> bool {
    let among = |wanted: &[String], tag| {
        wanted.is_empty()
            || data
                .plain(tag)
                .is_some_and(|u| wanted.iter().any(|w| w == u))
    };
    among(&query.study, tags::STUDY_INSTANCE_UID)
        && among(&query.series, tags::SERIES_INSTANCE_UID)
        && among(&query.instance, tags::SOP_INSTANCE_UID)
        && all(&query.keys, data, query.fuzzy)
}

fn all(keys: &[Key], data: &Dataset, fuzzy: bool) -> bool {
    keys.iter().all(|key| one(key, data, fuzzy))
}

fn one(key: &Key, data: &Dataset, fuzzy: bool) -> bool {
    let element = data.get(key.tag);
    let values = || match element {
        Some(element) => values_of(element, data),
        None => Vec::new(),
    };
    match &key.matching {
        Match::Universal => true,
        Match::Empty => {
            element.is_none_or(|e| e.is_empty() || values().iter().all(String::is_empty))
        }
        Match::Sequence(inner) => {
            // An empty list of keys, or universal ones, match a sequence that is absent as well (PS3.4 C.2.2.2.6).
            inner.iter().all(|k| matches!(k.matching, Match::Universal))
                || data
                    .items(key.tag)
                    .iter()
                    .any(|item| all(inner, item, fuzzy))
        }
        Match::Single(wanted) => values().iter().any(|v| text_matches(key, v, wanted, fuzzy)),
        Match::List(wanted) => values()
            .iter()
            .any(|v| wanted.iter().any(|w| text_matches(key, v, w, fuzzy))),
        Match::Wildcard(pattern) => values()
            .iter()
            .any(|v| text_matches(key, v, pattern, fuzzy)),
        Match::Range(from, to) => values()
            .iter()
            .any(|v| within(key.vr, v, from.as_deref(), to.as_deref())),
        Match::Moment { time, from, to } => {
            let Some(date) = data.plain(key.tag).filter(|d| is_date(d)) else {
                return false;
            };
            let time = data.plain(*time).filter(|t| is_time(t));
            let (low, high) = match time {
                Some(time) => (complete_time(time, false), complete_time(time, true)),
                // A study without a time may have been at any time of its day.
                None => ("000000.000000".to_owned(), "235959.999999".to_owned()),
            };
            let (low, high) = (format!("{date}{low}"), format!("{date}{high}"));
            from.as_ref().is_none_or(|f| high >= *f) && to.as_ref().is_none_or(|t| low <= *t)
        }
    }
}

fn values_of(element: &Element, data: &Dataset) -> Vec<String> {
    match element.vr {
        VR::AT => element
            .tags()
            .iter()
            .map(|t| crate::json::hex(*t))
            .collect(),
        VR::FL | VR::FD => element.floats().iter().map(f64::to_string).collect(),
        vr if crate::dataset::is_text(vr) => element.texts(data.charset()).0,
        _ => element.ints().iter().map(i64::to_string).collect(),
    }
}

fn within(vr: VR, value: &str, from: Option<&str>, to: Option<&str>) -> bool {
    let (low, high) = match vr {
        VR::TM if is_time(value) => (complete_time(value, false), complete_time(value, true)),
        VR::DT => match (complete_moment(value, false), complete_moment(value, true)) {
            (Some(low), Some(high)) => (low, high),
            _ => return false,
        },
        VR::DA if is_date(value) => (value.to_owned(), value.to_owned()),
        _ => return false,
    };
    from.is_none_or(|f| high.as_str() >= f) && to.is_none_or(|t| low.as_str() <= t)
}

/// Whether one value matches a wanted value or pattern.
///
/// A name matches if any of its groups does, or all of them together; a wanted name with groups of its own (`=王*`)
/// must match group by group. Fuzzy, each word of the wanted name begins one of the name's words.
pub fn text_matches(key: &Key, value: &str, wanted: &str, fuzzy: bool) -> bool {
    if matches!(
        key.vr,
        VR::DS | VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::FL | VR::FD | VR::UV | VR::SV
    ) {
        return matches!((value.parse::<f64>(), wanted.parse::<f64>()), (Ok(a), Ok(b)) if a == b);
    }
    if !is_folded(key.tag, key.vr) {
        return wildcard(wanted, value);
    }
    let (pattern, folded) = (fold(wanted), fold(value));
    if key.vr != VR::PN {
        return wildcard(&pattern, &folded);
    }
    if fuzzy && name_begins(wanted, value) {
        return true;
    }
    if pattern.contains('=') {
        let mut groups = folded.split('=');
        return pattern.split('=').all(|p| {
            let group = groups.next().unwrap_or_default();
            p.is_empty() || wildcard(p, group)
        });
    }
    folded.split('=').any(|group| wildcard(&pattern, group)) || wildcard(&pattern, &folded)
}

fn name_begins(wanted: &str, value: &str) -> bool {
    let words = PersonName::parse(value).words();
    let plain: String = wanted.chars().filter(|c| !matches!(c, '*' | '?')).collect();
    let wanted = PersonName::parse(&plain).words();
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|w| words.iter().any(|v| v.starts_with(w.as_str())))
}

/// Whether a text matches a pattern of `*` (any characters) and `?` (one character), in time that grows with the product
/// of their lengths at most.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The pattern as SQL's LIKE has it, with a backslash as the escape.
pub fn like(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 4);
    for c in pattern.chars() {
        match c {
            '*' => out.push('%'),
            '?' => out.push('_'),
            '%' | '_' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
