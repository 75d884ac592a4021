//! Record classes as small numbers. The numbers are stored: they never change, whatever order the enum has.

use agreements::{ClassSet, RecordClass};
use kernel::Kind;

/// The stored number of a class, 1..=62.
pub const fn number(class: RecordClass) -> i64 {
    match class {
        RecordClass::Unclassified => 1,
        RecordClass::Demographics => 2,
        RecordClass::Problems => 3,
        RecordClass::Allergies => 4,
        RecordClass::Medications => 5,
        RecordClass::Immunizations => 6,
        RecordClass::Vitals => 7,
        RecordClass::Laboratory => 8,
        RecordClass::Imaging => 9,
        RecordClass::Pathology => 10,
        RecordClass::Procedures => 11,
        RecordClass::Encounters => 12,
        RecordClass::Documents => 13,
        RecordClass::CarePlans => 14,
        RecordClass::FamilyHistory => 15,
        RecordClass::Devices => 16,
        RecordClass::Messages => 17,
        RecordClass::Cases => 18,
        RecordClass::Administrative => 19,
        RecordClass::Directory => 20,
        RecordClass::MentalHealth => 21,
        RecordClass::SexualHealth => 22,
        RecordClass::ReproductiveHealth => 23,
        RecordClass::SubstanceUse => 24,
        RecordClass::Genetics => 25,
        RecordClass::Safeguarding => 26,
        RecordClass::ImagesWithoutIdentity => 27,
    }
}

/// Set in the stored number of an entry that staff work with among themselves; the class is in the bits below, as
/// `sql::permit` reads it.
pub const AMONG_STAFF: i64 = 64;

/// What is stored of an entry's class and of whom it is for.
pub const fn stored(class: RecordClass, among_staff: bool) -> i64 {
    number(class) | if among_staff { AMONG_STAFF } else { 0 }
}

/// The class of a stored number; what is unknown is treated as unclassified, the narrowest.
pub fn from_number(n: i64) -> RecordClass {
    RecordClass::ALL
        .iter()
        .copied()
        .find(|c| number(*c) == n & !AMONG_STAFF)
        .unwrap_or(RecordClass::Unclassified)
}

/// Bit n is set when the class with number n is in the set.
pub fn mask(set: ClassSet) -> i64 {
    set.iter().fold(0, |m, c| m | (1 << number(c)))
}

/// The class of a document of our own. Those that hold clinical words are `cases`, so that an administrator's
/// permit does not open them; the rest is `administrative`.
pub fn of_document(kind: &Kind) -> RecordClass {
    match kind.as_str() {
        "case" | "draft" | "opinion" | "message" | "import" | "upload" | "file" | "outcome" => {
            RecordClass::Cases
        }
        "patient-index" | "patient-link" => RecordClass::Demographics,
        _ => RecordClass::Administrative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_number_of_its_own_that_fits_a_mask() {
        let mut seen = std::collections::BTreeSet::new();
        for c in RecordClass::ALL {
            let n = number(*c);
            assert!((1..=62).contains(&n) && seen.insert(n), "{c}");
            assert_eq!(from_number(n), *c);
            assert_eq!(from_number(stored(*c, true)), *c);
            assert_ne!(stored(*c, true), stored(*c, false));
        }
    }
}
