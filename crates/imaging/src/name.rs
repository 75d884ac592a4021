//! Names of persons (PS3.5 §6.2.1): up to three component groups of five components each.

use serde::{Deserialize, Serialize};

/// A person's name: the same name in up to three writings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    /// In letters: `Wang^XiaoDong`.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        rename = "Alphabetic"
    )]
    pub alphabetic: String,
    /// In characters of meaning: `王^小东`.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        rename = "Ideographic"
    )]
    pub ideographic: String,
    /// As it is spoken: `やまだ^たろう`.
    #[serde(default, skip_serializing_if = "String::is_empty", rename = "Phonetic")]
    pub phonetic: String,
}

impl PersonName {
    /// From the value of a PN; empty components at the end go.
    pub fn parse(text: &str) -> PersonName {
        let mut groups = text
            .split('=')
            .map(|g| g.trim_matches(' ').trim_end_matches(['^', ' ']).to_owned());
        PersonName {
            alphabetic: groups.next().unwrap_or_default(),
            ideographic: groups.next().unwrap_or_default(),
            phonetic: groups.next().unwrap_or_default(),
        }
    }

    /// The value of a PN.
    pub fn to_text(&self) -> String {
        let all = format!("{}={}={}", self.alphabetic, self.ideographic, self.phonetic);
        all.trim_end_matches('=').to_owned()
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.groups().iter().all(|g| g.is_empty())
    }

    /// The three groups.
    pub fn groups(&self) -> [&str; 3] {
        [&self.alphabetic, &self.ideographic, &self.phonetic]
    }

    /// Components of a group: family, given, middle, prefix, suffix.
    pub fn components(group: &str) -> [&str; 5] {
        let mut parts = group.splitn(5, '^').map(str::trim);
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    /// For a person to read: given and family name as the first written group has them; characters without a blank.
    pub fn shown(&self) -> String {
        let Some(group) = [&self.ideographic, &self.alphabetic, &self.phonetic]
            .into_iter()
            .find(|g| !g.is_empty())
        else {
            return String::new();
        };
        let [family, given, middle, prefix, suffix] = Self::components(group);
        if family.chars().chain(given.chars()).all(is_east_asian) {
            return format!("{family}{given}");
        }
        let words = [prefix, given, middle, family, suffix];
        words
            .into_iter()
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Folded for comparison: each group's letters without case and accents, groups as in a PN. What a name is matched by.
    pub fn folded(&self) -> String {
        fold(&self.to_text())
    }

    /// The folded words of all groups, for matching that does not know the order (fuzzy).
    pub fn words(&self) -> Vec<String> {
        self.groups()
            .iter()
            .flat_map(|g| g.split(['^', ' ', '-', ',']))
            .map(fhir::text::fold)
            .filter(|w| !w.is_empty())
            .collect()
    }
}

/// Case and accents off, delimiters kept, empty components at the end of each group off.
pub fn fold(name: &str) -> String {
    let groups: Vec<String> = name
        .split('=')
        .map(|g| {
            let parts: Vec<String> = g.split('^').map(fhir::text::fold).collect();
            parts.join("^").trim_end_matches('^').to_owned()
        })
        .collect();
    groups.join("=").trim_end_matches('=').to_owned()
}

fn is_east_asian(c: char) -> bool {
    matches!(u32::from(c), 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_components() {
        let name = PersonName::parse("Zhang^XiaoDong^^=张^小东==");
        assert_eq!(name.alphabetic, "Zhang^XiaoDong");
        assert_eq!(name.ideographic, "张^小东");
        assert_eq!(name.to_text(), "Zhang^XiaoDong=张^小东");
        assert_eq!(name.shown(), "张小东");
        assert_eq!(PersonName::parse("Doe^Jane^M^Dr").shown(), "Dr Jane M Doe");
        assert_eq!(PersonName::parse("==").to_text(), "");
        assert!(PersonName::parse("").is_empty());
    }

    #[test]
    fn folding_keeps_the_delimiters() {
        assert_eq!(fold("Müller^Jörg^^="), "muller^jorg");
        assert_eq!(
            PersonName::parse("Memet^Patigül=").words(),
            ["memet", "patigul"]
        );
    }
}
