//! Who is to be hidden: pseudonym, UIDs and days of shift from a keyed hash, and the words that would say who.

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Dates, Profile};
use crate::dataset::{Data, Dataset};
use crate::name::PersonName;

/// Days by which dates go back, at most: about ten years.
const SHIFT_DAYS_MAX: u64 = 3_650;

pub(super) struct Subject {
    secret: Vec<u8>,
    /// What stands for the patient's name and identifier.
    pub pseudonym: String,
    /// Days by which the patient's dates go back.
    pub days: i64,
    words: BTreeSet<String>,
}

impl Subject {
    pub fn of(data: &Dataset, secret: &[u8], profile: &Profile) -> Subject {
        let id = data.text(tags::PATIENT_ID).unwrap_or_default();
        let issuer = data.text(tags::ISSUER_OF_PATIENT_ID).unwrap_or_default();
        // A patient without an identifier is told apart by the study.
        let who = if id.is_empty() {
            data.plain(tags::STUDY_INSTANCE_UID)
                .unwrap_or_default()
                .to_owned()
        } else {
            format!("{issuer}\u{1f}{id}")
        };
        let mut words = BTreeSet::new();
        gather(data, profile, &mut words);
        let hash = keyed(secret, "patient", &who);
        let days = match profile.dates {
            Dates::Shift => 1 + (keyed(secret, "days", &who) % u128::from(SHIFT_DAYS_MAX)) as i64,
            Dates::Remove | Dates::Keep => 0,
        };
        Subject {
            secret: secret.to_vec(),
            pseudonym: format!("ANON-{:012X}", hash & 0xffff_ffff_ffff),
            days,
            words,
        }
    }

    /// The UID in place of another: of the form of PS3.5 §B.2, the same for the same UID and secret.
    pub fn uid(&self, uid: &str) -> String {
        // A UUID of version 8: its own bits but for those that say so (RFC 9562 §5.8).
        let hash = keyed(&self.secret, "uid", uid);
        let hash = hash & !(0xf << 76) & !(0b11 << 62) | (8 << 76) | (0b10 << 62);
        format!("2.25.{hash}")
    }

    /// The text without words that say who: names, identifiers, places of this object, and anything that has the shape of
    /// a date or a number that identifies.
    pub fn cleaned(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for part in pieces(text) {
            if self.says_who(part) {
                out.push('…');
            } else {
                out.push_str(part);
            }
        }
        // Scripts without blanks have no words: whatever of a name is left within others goes.
        for word in self.words.iter().filter(|w| !w.is_ascii()) {
            if fhir::text::fold(&out).contains(word.as_str()) {
                out = replaced(&out, word);
            }
        }
        out
    }

    fn says_who(&self, word: &str) -> bool {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        digits >= 5 || self.words.contains(&fhir::text::fold(word))
    }

    /// Whether a text has any of the words.
    pub fn is_told_by(&self, text: &str) -> bool {
        let folded = fhir::text::fold(text);
        pieces(text).any(|w| self.words.contains(&fhir::text::fold(w)))
            || self
                .words
                .iter()
                .any(|w| !w.is_ascii() && folded.contains(w.as_str()))
    }
}

fn keyed(secret: &[u8], what: &str, text: &str) -> u128 {
    // A key of any length is taken (RFC 2104 §2); the constructor cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return 0;
    };
    mac.update(what.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes
        .iter()
        .take(16)
        .fold(0, |sum, b| (sum << 8) | u128::from(*b))
}

/// Words and what is between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric();
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest
            .find(|c: char| is_word(c) != is_word(first))
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// The text without a folded word, character by character.
fn replaced(text: &str, word: &str) -> String {
    let chars: Vec<(String, char)> = text
        .chars()
        .map(|c| (fhir::text::fold(&c.to_string()), c))
        .collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let mut folded = String::new();
        let mut end = at;
        while end < chars.len() && folded.len() < word.len() {
            folded.push_str(&chars[end].0);
            end += 1;
        }
        if folded == word {
            out.push('…');
            at = end;
        } else {
            out.push(chars[at].1);
            at += 1;
        }
    }
    out
}

/// Words of everything in the object that names a person, an identifier or a place.
fn gather(data: &Dataset, profile: &Profile, words: &mut BTreeSet<String>) {
    const NAMING: &[Tag] = &[
        tags::PATIENT_ID,
        crate::OTHER_PATIENT_IDS,
        tags::ACCESSION_NUMBER,
        tags::STUDY_ID,
        tags::PATIENT_ADDRESS,
        tags::PATIENT_TELEPHONE_NUMBERS,
        tags::MILITARY_RANK,
        tags::ADMISSION_ID,
        tags::PATIENT_MOTHER_BIRTH_NAME,
        tags::PATIENT_BIRTH_NAME,
    ];
    const PLACES: &[Tag] = &[
        tags::INSTITUTION_NAME,
        tags::INSTITUTION_ADDRESS,
        tags::INSTITUTIONAL_DEPARTMENT_NAME,
        tags::ISSUER_OF_PATIENT_ID,
    ];
    for element in data.elements() {
        match &element.data {
            Data::Items(items) => items.iter().for_each(|i| gather(i, profile, words)),
            Data::Bytes(_) if element.vr == VR::PN => {
                for value in element.texts(data.charset()).0 {
                    words.extend(
                        PersonName::parse(&value)
                            .words()
                            .into_iter()
                            .filter(|w| long_enough(w)),
                    );
                }
            }
            Data::Bytes(_)
                if NAMING.contains(&element.tag)
                    || PLACES.contains(&element.tag) && !profile.retain_institution =>
            {
                for value in element.texts(data.charset()).0 {
                    let parts = pieces(&value).map(fhir::text::fold);
                    words.extend(
                        parts.filter(|w| long_enough(w) && w.chars().any(char::is_alphanumeric)),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Initials and particles are too common to be told by.
fn long_enough(word: &str) -> bool {
    let count = word.chars().count();
    count >= 3 || !word.is_ascii() && count >= 1
}
