//! A sealed file, from signing to verification, and every way it must be refused.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use karez_seal::file::{CheckId, Outcome, Signed};
use karez_seal::{
    HospitalKeys, NodeKey, Person, PersonKey, Reason, SealedFile, Trust, Verdict, verify,
};
use kernel::{HospitalId, Instant, SystemEntropy};
use proptest::prelude::*;

const DOCUMENT: &[u8] =
    r#"{"resourceType":"Bundle","type":"document","note":"血红蛋白 1.10"}"#.as_bytes();
const FHIR: &str = "application/fhir+json";

fn t(s: i64) -> Instant {
    Instant::from_second(1_795_000_000 + s).unwrap()
}

struct House {
    node: NodeKey,
    keys: HospitalKeys,
    author: PersonKey,
}

fn house(id: &str) -> House {
    let node = NodeKey::generate(&SystemEntropy);
    let hospital = HospitalId::new(id).unwrap();
    let keys = HospitalKeys::create(
        hospital,
        "Saryözen Clinical Hospital",
        &node,
        &SystemEntropy,
        t(0),
    )
    .unwrap();
    let person = Person {
        name: "阿依努尔·买买提".into(),
        licence: "110650000012345".into(),
        account: "ainur".into(),
    };
    let author = keys
        .signer(&node)
        .unwrap()
        .certify(&person, &node, &SystemEntropy, (t(1), t(10_000)))
        .unwrap();
    House { node, keys, author }
}

impl House {
    fn seal(&self, at: Instant) -> SealedFile {
        let signer = self.keys.signer(&self.node).unwrap();
        let list = self.keys.revocation_list(&signer, at).unwrap();
        let signed =
            Signed::sign(&self.author.open(&self.node).unwrap(), at, FHIR, DOCUMENT).unwrap();
        signed.seal(&signer, &list, None, at).unwrap()
    }
    fn trust(&self) -> Trust {
        Trust {
            keys: BTreeMap::from([(self.keys.hospital.clone(), self.keys.jwks())]),
            ..Trust::default()
        }
    }
}

fn failed(bytes: &[u8], trust: Option<&Trust>) -> CheckId {
    let report = verify(bytes, trust);
    assert_eq!(report.verdict, Verdict::Refused);
    assert!(report.facts.is_none());
    assert_eq!(report.checks.len(), 8);
    report.failed().unwrap().id
}

#[test]
fn a_sealed_file_is_genuine_to_who_holds_the_keys_and_unaltered_to_who_does_not() {
    let h = house("saryozen");
    let bytes = h.seal(t(5)).to_bytes().unwrap();
    let report = verify(&bytes, Some(&h.trust()));
    assert_eq!(report.verdict, Verdict::Genuine, "{report:#?}");
    assert!(report.checks.iter().all(|c| c.outcome == Outcome::Passed));
    let facts = report.facts.unwrap();
    assert_eq!(facts.signer, "阿依努尔·买买提");
    assert_eq!(facts.licence.as_deref(), Some("110650000012345"));
    assert_eq!(
        (facts.signed_at, facts.hospital.as_str()),
        (t(5), "saryozen")
    );
    assert_eq!(
        SealedFile::parse(&bytes).unwrap().document().unwrap(),
        DOCUMENT
    );

    let alone = verify(&bytes, None);
    assert_eq!(alone.verdict, Verdict::UnalteredOnly);
    assert!(
        alone
            .checks
            .iter()
            .any(|c| c.outcome == Outcome::Unanchored)
    );
}

#[test]
fn the_time_check_says_who_vouches_for_the_time() {
    let h = house("saryozen");
    let report = verify(&h.seal(t(5)).to_bytes().unwrap(), None);
    let time = report
        .checks
        .iter()
        .find(|c| c.id == CheckId::Time)
        .unwrap();
    assert!(time.words.contains("no independent"), "{}", time.words);
}

#[test]
fn a_file_sealed_by_somebody_else_in_the_hospitals_name_is_refused() {
    let (real, forger) = (house("saryozen"), house("saryozen"));
    let bytes = forger.seal(t(5)).to_bytes().unwrap();
    assert_eq!(verify(&bytes, None).verdict, Verdict::UnalteredOnly);
    assert_eq!(failed(&bytes, Some(&real.trust())), CheckId::HospitalKey);
    assert_eq!(
        failed(
            &real.seal(t(5)).to_bytes().unwrap(),
            Some(&house("other").trust())
        ),
        CheckId::HospitalKey
    );
}

#[test]
fn an_author_of_another_hospital_is_refused() {
    let (mut a, b) = (house("saryozen"), house("yarqum"));
    a.author = b.author;
    a.node = {
        // The author's key opens under b's node; sign there, seal here.
        let signed = Signed::sign(&a.author.open(&b.node).unwrap(), t(5), FHIR, DOCUMENT).unwrap();
        let signer = a.keys.signer(&a.node).unwrap();
        let list = a.keys.revocation_list(&signer, t(5)).unwrap();
        let bytes = signed
            .seal(&signer, &list, None, t(5))
            .unwrap()
            .to_bytes()
            .unwrap();
        assert_eq!(failed(&bytes, Some(&a.trust())), CheckId::Certificate);
        b.node
    };
}

#[test]
fn a_certificate_outside_its_dates_is_refused() {
    let h = house("saryozen");
    let bytes = h.seal(t(10_001)).to_bytes().unwrap();
    assert_eq!(failed(&bytes, Some(&h.trust())), CheckId::Certificate);
}

#[test]
fn a_revoked_certificate_is_refused_by_the_list_inside_or_by_a_newer_one() {
    let mut h = house("saryozen");
    let before = h.seal(t(5)).to_bytes().unwrap();
    h.keys
        .revoke_certificate(&h.author.serial.clone(), Reason::PrivilegeWithdrawn, t(8));
    assert_eq!(verify(&before, Some(&h.trust())).verdict, Verdict::Genuine);
    let after = h.seal(t(9)).to_bytes().unwrap();
    assert_eq!(failed(&after, Some(&h.trust())), CheckId::Revocation);

    h.keys.revoked[0].revoked.reason = Reason::KeyCompromise;
    let signer = h.keys.signer(&h.node).unwrap();
    let mut trust = h.trust();
    trust.revocations.insert(
        h.keys.hospital.clone(),
        h.keys.revocation_list(&signer, t(10)).unwrap(),
    );
    assert_eq!(failed(&before, Some(&trust)), CheckId::Revocation);
}

#[test]
fn rotation_keeps_old_files_genuine_and_compromise_does_not() {
    let mut h = house("saryozen");
    let bytes = h.seal(t(5)).to_bytes().unwrap();
    h.keys.rotate(&h.node, &SystemEntropy, t(50)).unwrap();
    assert_eq!(verify(&bytes, Some(&h.trust())).verdict, Verdict::Genuine);
    // A certificate issued by the earlier key serves on under the new one.
    assert_eq!(
        verify(&h.seal(t(60)).to_bytes().unwrap(), Some(&h.trust())).verdict,
        Verdict::Genuine
    );
    let first = h.keys.keys[0].jwk.kid.clone();
    h.keys
        .revoke_key(&first, Reason::KeyCompromise, None, t(70))
        .unwrap();
    assert_eq!(failed(&bytes, Some(&h.trust())), CheckId::HospitalKey);
    // Known to have been in other hands since later: whoever held it could write an earlier time, and nobody but the
    // hospital says that this was sealed before.
    let revoked = h.keys.keys[0].jwk.revoked.as_mut().unwrap();
    revoked.since = Some(t(40));
    assert_eq!(failed(&bytes, Some(&h.trust())), CheckId::Time);
    h.keys.keys[0].jwk.revoked.as_mut().unwrap().since = Some(t(3));
    assert_eq!(failed(&bytes, Some(&h.trust())), CheckId::HospitalKey);
}

#[test]
fn exchanged_parts_are_named() {
    let h = house("saryozen");
    let file = h.seal(t(5));
    let trust = h.trust();
    let check = |f: SealedFile| failed(&f.to_bytes().unwrap(), Some(&trust));
    let other = h.seal(t(6));
    assert_eq!(
        check(SealedFile {
            document: "e30".into(),
            ..file.clone()
        }),
        CheckId::Parts
    );
    assert_eq!(
        check(SealedFile {
            signature: other.signature.clone(),
            ..file.clone()
        }),
        CheckId::Parts
    );
    assert_eq!(
        check(SealedFile {
            revocations: other.revocations,
            ..file.clone()
        }),
        CheckId::Parts
    );
    assert_eq!(
        check(SealedFile {
            content_type: "text/plain".into(),
            ..file.clone()
        }),
        CheckId::Parts
    );
    assert_eq!(
        check(SealedFile {
            time_stamp: Some("AAAA".into()),
            ..file.clone()
        }),
        CheckId::Parts
    );
    assert_eq!(
        check(SealedFile {
            version: 2,
            ..file.clone()
        }),
        CheckId::Form
    );
    let spaced = [file.to_bytes().unwrap(), b" ".to_vec()].concat();
    assert_eq!(failed(&spaced, Some(&trust)), CheckId::Form);
}

#[test]
fn a_seal_long_after_or_before_the_signature_is_refused() {
    let h = house("saryozen");
    let signer = h.keys.signer(&h.node).unwrap();
    let list = h.keys.revocation_list(&signer, t(5)).unwrap();
    for sealed in [t(4), t(5 + 3601)] {
        let signed = Signed::sign(&h.author.open(&h.node).unwrap(), t(5), FHIR, DOCUMENT).unwrap();
        let bytes = signed
            .seal(&signer, &list, None, sealed)
            .unwrap()
            .to_bytes()
            .unwrap();
        assert_eq!(failed(&bytes, Some(&h.trust())), CheckId::Time);
    }
}

#[test]
fn every_single_byte_counts() {
    let h = house("saryozen");
    let bytes = h.seal(t(5)).to_bytes().unwrap();
    let trust = h.trust();
    for i in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[i] ^= 1;
        assert_eq!(
            verify(&altered, Some(&trust)).verdict,
            Verdict::Refused,
            "byte {i}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_change_is_refused_even_without_keys(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let h = house("saryozen");
        let mut bytes = h.seal(t(5)).to_bytes().unwrap();
        let i = at.index(bytes.len());
        prop_assume!(bytes[i] != to);
        bytes[i] = to;
        prop_assert_eq!(verify(&bytes, None).verdict, Verdict::Refused);
    }

    #[test]
    fn whatever_bytes_come_verification_answers(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(verify(&bytes, None).verdict, Verdict::Refused);
    }
}
