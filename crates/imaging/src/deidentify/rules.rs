//! What the profile does with each attribute, and which kinds of objects it knows.

use std::collections::HashMap;
use std::sync::OnceLock;

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::{Dates, Profile};

/// What is done with an attribute (PS3.15 table E.1-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// X.
    Remove,
    /// Z.
    Empty,
    /// D.
    Dummy,
    /// U.
    Uid,
    /// C, free text: words that say who go.
    Clean,
    /// C, dates: shifted.
    Shift,
    /// K.
    Keep,
}

/// A line of the table: the basic action and letters of the options that speak of the attribute.
#[derive(Debug, Clone, Copy)]
struct Rule {
    basic: Action,
    options: &'static str,
}

fn table() -> &'static HashMap<Tag, Rule> {
    static TABLE: OnceLock<HashMap<Tag, Rule>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("actions.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split(' ');
                let tag = crate::json::tag_of(words.next()?)?;
                let basic = basic(words.next()?)?;
                Some((
                    tag,
                    Rule {
                        basic,
                        options: words.next().unwrap_or_default(),
                    },
                ))
            })
            .collect()
    })
}

/// Where an action depends on what the object's definition demands, the one that keeps the object valid is taken.
fn basic(code: &str) -> Option<Action> {
    Some(match code {
        "X" => Action::Remove,
        "Z" | "X/Z" => Action::Empty,
        "D" | "X/D" | "Z/D" | "X/Z/D" => Action::Dummy,
        // `X/Z/U*`: the sequence stays, the UIDs in it are replaced.
        "U" | "X/Z/U*" => Action::Uid,
        "C" => Action::Clean,
        "K" => Action::Keep,
        _ => return None,
    })
}

/// The action for an attribute of the standard under a profile; nothing if the table does not name it.
pub(super) fn action(tag: Tag, profile: &Profile) -> Option<Action> {
    let rule = table().get(&tag)?;
    let has = |letter| rule.options.contains(letter);
    Some(if has('f') && profile.dates == Dates::Keep {
        Action::Keep
    } else if has('m') && profile.dates == Dates::Shift {
        Action::Shift
    } else if has('u') && profile.retain_uids
        || has('e') && profile.retain_device
        || has('p') && profile.retain_characteristics
        || has('i') && profile.retain_institution
    {
        Action::Keep
    } else if has('d') && profile.clean_descriptions
        || has('E') && profile.retain_device
        || has('P') && profile.retain_characteristics
        || has('s') && profile.clean_structured
        || has('g') && profile.clean_graphics
    {
        Action::Clean
    } else if matches!(tag, tags::PATIENT_NAME | tags::PATIENT_ID) {
        // Z lets a dummy value stand (PS3.15 table E.1-1a): a pseudonym keeps a patient's studies together.
        Action::Dummy
    } else {
        rule.basic
    })
}

/// How many attributes the table names.
#[cfg(test)]
pub(super) fn count() -> usize {
    table().len()
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pixels.
    Image,
    /// Presentation states, waveforms, segmentations, plans, registrations: attributes only.
    Other,
    /// Structured reports and key object selections.
    Report,
    /// Encapsulated documents.
    Document,
    /// Raw data, private classes, and what is newer than this list.
    Unknown,
}

/// The kind of a SOP class (PS3.4 table B.5-1), by what follows `1.2.840.10008.5.1.4.1.1.`.
pub(super) fn kind(class: &str) -> Kind {
    let Some(rest) = class.strip_prefix("1.2.840.10008.5.1.4.1.1.") else {
        return Kind::Unknown;
    };
    let below = |list: &[&str]| {
        list.iter().any(|p| {
            rest == *p
                || rest
                    .strip_prefix(p)
                    .is_some_and(|more| more.starts_with('.'))
        })
    };
    if rest == "66" || below(&["104"]) {
        return if rest == "66" {
            Kind::Unknown
        } else {
            Kind::Document
        };
    }
    if below(&["88"]) {
        return Kind::Report;
    }
    // CR and its kin, CT, US, MR, NM, SC, XA and RF, parametric maps, PET, RT image and dose, visible light.
    if below(&[
        "1", "2", "3", "4", "6", "7", "12", "13", "14", "20", "30", "77", "128", "130", "481.1",
        "481.2",
    ]) {
        return Kind::Image;
    }
    // Waveforms, presentation states, registration, segmentation, RT structure sets and plans.
    if below(&["9", "11", "66", "481"]) {
        return Kind::Other;
    }
    Kind::Unknown
}
