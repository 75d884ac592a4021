//! Finding patients by what people type: names in any script, pinyin in full or by initials, identifiers.

use std::collections::BTreeSet;

use fhir::text::fold;

use crate::matching::{Person, latin, name::is_han};

/// A word typed is compared up to this many characters through the index; longer ones are compared in full after it.
pub const PREFIX_CHARS_MAX: usize = 8;

/// The words a patient is found by, folded. Each is matched from its beginning.
pub fn keys(person: &Person) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for name in &person.names {
        let whole = name.whole();
        let native = fold(&whole);
        for word in native.split(|c: char| !c.is_alphanumeric()) {
            let letters: Vec<char> = word.chars().collect();
            let han = letters.iter().any(|c| is_han(*c));
            // A given name is asked for without its family name; in Han nothing parts the two.
            for from in 0..if han { letters.len() } else { 1 } {
                keys.insert(letters.get(from..).unwrap_or_default().iter().collect());
            }
        }
        for part in [&name.family, &name.given] {
            keys.insert(fold(part).replace(' ', ""));
        }
        let latin = latin(&whole);
        let syllables: Vec<&str> = latin.split(' ').filter(|s| !s.is_empty()).collect();
        for from in 0..syllables.len() {
            keys.insert(syllables[from..].concat());
        }
        if syllables.len() > 1 {
            keys.insert(syllables.iter().filter_map(|s| s.chars().next()).collect());
        }
    }
    for identifier in &person.identifiers {
        keys.insert(fold(&identifier.folded()));
        // The last four digits are what people read out.
        let digits: Vec<char> = identifier.folded().chars().collect();
        if digits.len() > 6 {
            keys.insert(fold(&digits[digits.len() - 4..].iter().collect::<String>()));
        }
    }
    if let Some(born) = &person.birth_date {
        keys.insert(born.replace('-', ""));
    }
    keys.remove("");
    keys
}

/// Every beginning of every key that the index holds, up to [`PREFIX_CHARS_MAX`] characters.
pub fn prefixes(keys: &BTreeSet<String>) -> BTreeSet<String> {
    keys.iter()
        .flat_map(|key| {
            let letters: Vec<char> = key.chars().take(PREFIX_CHARS_MAX).collect();
            (1..=letters.len())
                .map(|n| letters[..n].iter().collect::<String>())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What was typed, as words that each must begin some key.
pub fn words(typed: &str) -> Vec<String> {
    fold(typed)
        .split_whitespace()
        .map(|w| {
            w.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<String>()
        })
        .filter(|w| !w.is_empty())
        .collect()
}

/// The part of a word that is looked up in the index.
pub fn prefix(word: &str) -> String {
    word.chars().take(PREFIX_CHARS_MAX).collect()
}

/// Whether all words typed begin some key.
pub fn matches(keys: &BTreeSet<String>, words: &[String]) -> bool {
    words.iter().all(|w| {
        keys.range(w.clone()..)
            .next()
            .is_some_and(|k| k.starts_with(w))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(patient: serde_json::Value, typed: &str) -> bool {
        let keys = keys(&Person::read(&patient));
        let words = words(typed);
        let index = prefixes(&keys);
        matches(&keys, &words) && words.iter().all(|w| index.contains(&prefix(w)))
    }

    #[test]
    fn han_names_are_found_by_characters_pinyin_and_initials() {
        let wang = json!({"name": [{"text": "王小明"}], "birthDate": "1980-05-02",
            "identifier": [{"system": "urn:nid", "value": "65010119800502123X"}]});
        for typed in [
            "王",
            "王小明",
            "小明",
            "wang",
            "wangxiaoming",
            "xiaoming",
            "wang xiao",
            "wxm",
            "WANG",
            "650101",
            "65010119800502123x",
            "123X",
            "19800502",
            "ming",
        ] {
            assert!(found(wang.clone(), typed), "{typed}");
        }
        for typed in ["李", "xm9", "wangxiaohong", "wang li", "9999"] {
            assert!(!found(wang.clone(), typed), "{typed}");
        }
    }

    #[test]
    fn other_scripts_are_found_as_written_and_in_latin() {
        let p =
            json!({"name": [{"text": "پاتىگۈل مەمەت"}, {"family": "Memet", "given": ["Patigul"]}]});
        for typed in [
            "پاتى",
            "مەمەت",
            "patigul",
            "memet pat",
            "pm",
            "patigulmemet",
        ] {
            assert!(found(p.clone(), typed), "{typed}");
        }
        let s = json!({"name": [{"family": "Игнатьев", "given": ["Сергей"]}]});
        for typed in ["игн", "сергей", "ignatev", "serg ign"] {
            assert!(found(s.clone(), typed), "{typed}");
        }
        let t = json!({"name": [{"family": "Treviño", "given": ["Enrique"]}]});
        assert!(found(t, "trevino enr"));
    }
}
