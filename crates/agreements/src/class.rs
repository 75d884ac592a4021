//! Record classes: the words in which an agreement says what part of a record it shares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! classes {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// One class of a patient's record. Every stored resource has exactly one; a sensitivity label
        /// (v3-ActCode) outranks the class its type would give it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum RecordClass { $(#[serde(rename = $text)] $name),+ }

        impl RecordClass {
            pub const ALL: &'static [RecordClass] = &[$(RecordClass::$name),+];
            pub const fn as_str(self) -> &'static str {
                match self { $(RecordClass::$name => $text),+ }
            }
        }
        impl FromStr for RecordClass {
            type Err = UnknownClass;
            fn from_str(s: &str) -> Result<Self, UnknownClass> {
                match s { $($text => Ok(RecordClass::$name),)+ _ => Err(UnknownClass) }
            }
        }
    };
}

/// The text names no record class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record class")]
pub struct UnknownClass;

classes! {
    Demographics = "demographics",
    Problems = "problems",
    Allergies = "allergies",
    Medications = "medications",
    Immunizations = "immunizations",
    Vitals = "vitals",
    Laboratory = "laboratory",
    Imaging = "imaging",
    Pathology = "pathology",
    Procedures = "procedures",
    Encounters = "encounters",
    Documents = "documents",
    CarePlans = "care-plans",
    FamilyHistory = "family-history",
    Devices = "devices",
    Messages = "messages",
    Cases = "cases",
    Administrative = "administrative",
    Directory = "directory",
    MentalHealth = "mental-health",
    SexualHealth = "sexual-health",
    ReproductiveHealth = "reproductive-health",
    SubstanceUse = "substance-use",
    Genetics = "genetics",
    Safeguarding = "safeguarding",
    Unclassified = "unclassified",
    ImagesWithoutIdentity = "images-without-identity",
}

impl RecordClass {
    /// Sensitive classes are excluded from an agreement unless it names them.
    pub const fn is_sensitive(self) -> bool {
        matches!(
            self,
            Self::MentalHealth
                | Self::SexualHealth
                | Self::ReproductiveHealth
                | Self::SubstanceUse
                | Self::Genetics
                | Self::Safeguarding
        )
    }
    /// Not about one patient: readable without a case or consent.
    pub const fn is_impersonal(self) -> bool {
        matches!(self, Self::Directory)
    }
    /// Copies that Karez makes for those who may have images without identity alone. A clause that says so grants them in the
    /// place of [`RecordClass::Imaging`]; nobody chooses them, and no role opens them in the house they were made in.
    pub const fn is_copy(self) -> bool {
        matches!(self, Self::ImagesWithoutIdentity)
    }
    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for RecordClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of record classes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ClassSet(u64);

impl ClassSet {
    pub const EMPTY: Self = Self(0);
    /// Every class of a record; what is made of it for others is none.
    pub fn all() -> Self {
        RecordClass::ALL
            .iter()
            .copied()
            .filter(|c| !c.is_copy())
            .collect()
    }
    /// Every class of a record that is not sensitive.
    pub fn ordinary() -> Self {
        Self::all().iter().filter(|c| !c.is_sensitive()).collect()
    }
    pub const fn contains(self, class: RecordClass) -> bool {
        self.0 & class.bit() != 0
    }
    pub const fn with(self, class: RecordClass) -> Self {
        Self(self.0 | class.bit())
    }
    pub const fn without(self, class: RecordClass) -> Self {
        Self(self.0 & !class.bit())
    }
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn iter(self) -> impl Iterator<Item = RecordClass> {
        RecordClass::ALL
            .iter()
            .copied()
            .filter(move |c| self.contains(*c))
    }
}

impl FromIterator<RecordClass> for ClassSet {
    fn from_iter<T: IntoIterator<Item = RecordClass>>(iter: T) -> Self {
        iter.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for ClassSet {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ClassSet {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Vec::<RecordClass>::deserialize(d)?.into_iter().collect())
    }
}
