//! Which SOP classes and transfer syntaxes are served. The negotiation and the conformance statement both come from here.

use dicom_core::dictionary::UidDictionary as _;
use dicom_dictionary_std::StandardSopClassDictionary;
use dicom_transfer_syntax_registry::{TransferSyntaxIndex as _, TransferSyntaxRegistry};

pub const VERIFICATION: &str = "1.2.840.10008.1.1";
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The one instance storage commitment is asked of (PS3.4 §J.3.5).
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
pub const PATIENT_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
pub const PATIENT_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
pub const PATIENT_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";
pub const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
pub const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
pub const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
pub const WORKLIST_FIND: &str = "1.2.840.10008.5.1.4.31";

pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// Query and retrieve models (PS3.4 §C.3), and the worklist (§K).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Patient,
    Study,
    Worklist,
}

/// What a presentation context is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Verification,
    Storage,
    Find(Root),
    Move(Root),
    Get(Root),
    Commitment,
}

/// Services other than storage, with their classes.
pub const SERVICES: &[(&str, Service)] = &[
    (VERIFICATION, Service::Verification),
    (PATIENT_ROOT_FIND, Service::Find(Root::Patient)),
    (STUDY_ROOT_FIND, Service::Find(Root::Study)),
    (WORKLIST_FIND, Service::Find(Root::Worklist)),
    (PATIENT_ROOT_MOVE, Service::Move(Root::Patient)),
    (STUDY_ROOT_MOVE, Service::Move(Root::Study)),
    (PATIENT_ROOT_GET, Service::Get(Root::Patient)),
    (STUDY_ROOT_GET, Service::Get(Root::Study)),
    (STORAGE_COMMITMENT, Service::Commitment),
];

/// Everything the standard has registered begins with this.
const STANDARD: &str = "1.2.840.10008.";

/// What a class is for; none when it is not served. Classes outside the standard are taken as private storage
/// (PS3.4 §B.6): a hospital's devices keep what they make.
pub fn service(class: &str) -> Option<Service> {
    if let Some((_, service)) = SERVICES.iter().find(|(uid, _)| *uid == class) {
        return Some(*service);
    }
    (is_uid(class) && (!class.starts_with(STANDARD) || is_standard_storage(class)))
        .then_some(Service::Storage)
}

/// Storage classes of the standard: those below the image storage root, and the few elsewhere that the dictionary calls so.
fn is_standard_storage(class: &str) -> bool {
    if class.starts_with("1.2.840.10008.5.1.4.1.1.") {
        return true;
    }
    // Media storage directories travel on discs alone; a service class is none of its classes.
    let no_storage = ["Commitment", "Media Storage Directory", "Service Class"];
    StandardSopClassDictionary
        .by_uid(class)
        .is_some_and(|entry| {
            entry.name.contains("Storage") && !no_storage.iter().any(|n| entry.name.contains(n))
        })
}

/// PS3.5 §9.1
pub fn is_uid(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Name of a class or transfer syntax of the standard.
pub fn name(uid: &str) -> Option<&'static str> {
    StandardSopClassDictionary.by_uid(uid).map(|e| e.name)
}

/// Whether objects of a transfer syntax are kept: all that the standard has.
pub fn is_transfer_syntax(uid: &str) -> bool {
    TransferSyntaxRegistry.get(uid).is_some()
}

/// Transfer syntaxes of queries, commitments and verification.
pub fn is_for_identifiers(uid: &str) -> bool {
    matches!(uid, IMPLICIT_LITTLE | EXPLICIT_LITTLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storage_class_is_served_and_other_classes_only_by_name() {
        for storage in [
            "1.2.840.10008.5.1.4.1.1.4",
            "1.2.840.10008.5.1.4.1.1.77.1.6",
            "1.2.840.10008.5.1.4.34.7",
            "1.2.840.10008.5.1.4.38.1",
            "1.3.12.2.1107.5.9.1",
        ] {
            assert_eq!(service(storage), Some(Service::Storage), "{storage}");
        }
        for other in [
            "1.2.840.10008.4.2",
            "1.2.840.10008.1.3.10",
            "1.2.840.10008.5.1.1.9",
            "1.2.840.10008.3.1.2.3.3",
            "nothing",
            "",
            "1..2",
        ] {
            assert_eq!(service(other), None, "{other}");
        }
        assert_eq!(service(STORAGE_COMMITMENT), Some(Service::Commitment));
    }
}
