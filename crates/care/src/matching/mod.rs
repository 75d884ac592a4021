//! Whether two patient records may be of one person.
//!
//! Identifiers count only with their issuer. A match is a suggestion with its reasons; a person decides, and nothing
//! here merges anything.

pub mod name;
pub mod person;

use serde::{Deserialize, Serialize};

pub use name::{NameMatch, latin};
pub use person::{Identifier, Name, Person};

/// How likely it is one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    No,
    Possible,
    Probable,
    /// Two identifiers of two issuers agree and nothing speaks against it.
    Certain,
}

impl Grade {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certain",
        }
    }
}

/// What speaks for or against.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason", content = "issuer")]
pub enum Reason {
    /// The same value from the same issuer.
    SameIdentifier(String),
    /// Different values from one issuer.
    OtherIdentifier(String),
    SameName,
    SimilarName,
    OtherName,
    SameBirthDate,
    /// One knows only the year or month, or day and month are swapped.
    CloseBirthDate,
    OtherBirthDate,
    SameSex,
    OtherSex,
}

impl Reason {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SameIdentifier(_) => "same-identifier",
            Self::OtherIdentifier(_) => "other-identifier",
            Self::SameName => "same-name",
            Self::SimilarName => "similar-name",
            Self::OtherName => "other-name",
            Self::SameBirthDate => "same-birth-date",
            Self::CloseBirthDate => "close-birth-date",
            Self::OtherBirthDate => "other-birth-date",
            Self::SameSex => "same-sex",
            Self::OtherSex => "other-sex",
        }
    }
    /// Speaks against one person.
    pub const fn is_against(&self) -> bool {
        matches!(
            self,
            Self::OtherIdentifier(_) | Self::OtherName | Self::OtherBirthDate | Self::OtherSex
        )
    }
}

/// The comparison of two records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    pub grade: Grade,
    pub reasons: Vec<Reason>,
}

/// Compares two records.
pub fn compare(a: &Person, b: &Person) -> Match {
    let mut reasons = identifiers(a, b);
    let same_ids = reasons
        .iter()
        .filter(|r| matches!(r, Reason::SameIdentifier(_)))
        .count();
    let name = name::compare(&a.names, &b.names);
    let birth = birth_date(a.birth_date.as_deref(), b.birth_date.as_deref());
    reasons.extend(name.map(|n| match n {
        NameMatch::Same => Reason::SameName,
        NameMatch::Similar => Reason::SimilarName,
        NameMatch::Other => Reason::OtherName,
    }));
    reasons.extend(birth.clone());
    if let (Some(x), Some(y)) = (known_sex(a), known_sex(b)) {
        reasons.push(if x == y {
            Reason::SameSex
        } else {
            Reason::OtherSex
        });
    }
    let against = reasons.iter().filter(|r| r.is_against()).count();
    let named = matches!(name, Some(NameMatch::Same | NameMatch::Similar));
    let same_name = name == Some(NameMatch::Same);
    let born = birth == Some(Reason::SameBirthDate);
    let nearly = matches!(birth, Some(Reason::SameBirthDate | Reason::CloseBirthDate));
    let grade = match same_ids {
        2.. if against == 0 => Grade::Certain,
        2.. if against == 1 => Grade::Probable,
        1 if against == 0 && named && born => Grade::Probable,
        0 if against == 0 && same_name && born => Grade::Possible,
        0 if against == 0 && named && nearly => Grade::Possible,
        1.. => Grade::Possible,
        _ => Grade::No,
    };
    Match { grade, reasons }
}

fn known_sex(p: &Person) -> Option<&str> {
    p.sex.as_deref().filter(|s| matches!(*s, "female" | "male"))
}

/// One reason per issuer both know.
fn identifiers(a: &Person, b: &Person) -> Vec<Reason> {
    let mut reasons: Vec<_> = a
        .identifiers
        .iter()
        .filter_map(|x| {
            let theirs: Vec<_> = b
                .identifiers
                .iter()
                .filter(|y| y.system == x.system)
                .collect();
            if theirs.is_empty() {
                None
            } else if theirs.iter().any(|y| y.folded() == x.folded()) {
                Some(Reason::SameIdentifier(x.system.clone()))
            } else {
                Some(Reason::OtherIdentifier(x.system.clone()))
            }
        })
        .collect();
    reasons.sort();
    reasons.dedup();
    // An issuer that gave several numbers to one person agrees when one of them does.
    let agreed: Vec<_> = reasons
        .iter()
        .filter_map(|r| match r {
            Reason::SameIdentifier(s) => Some(s.clone()),
            _ => None,
        })
        .collect();
    reasons.retain(|r| !matches!(r, Reason::OtherIdentifier(s) if agreed.contains(s)));
    reasons
}

fn birth_date(a: Option<&str>, b: Option<&str>) -> Option<Reason> {
    let (a, b) = (a?, b?);
    Some(if a == b {
        Reason::SameBirthDate
    } else if a.starts_with(b) || b.starts_with(a) || swapped(a).as_deref() == Some(b) {
        Reason::CloseBirthDate
    } else {
        Reason::OtherBirthDate
    })
}

/// The date with day and month exchanged.
fn swapped(date: &str) -> Option<String> {
    let (year, month, day) = (date.get(0..4)?, date.get(5..7)?, date.get(8..10)?);
    Some(format!("{year}-{day}-{month}"))
}

#[cfg(test)]
mod tests;
