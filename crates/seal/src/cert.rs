//! X.509 certificates (RFC 5280): the hospital's own, self-signed, and those it issues to the people who sign.

use kernel::{Entropy, Instant};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use x509_parser::asn1_rs::BitString;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

use crate::error::{Result, SealError};
use crate::keys::{KeyPair, PublicKey};

/// Attribute types of a distinguished name beyond the usual ones.
const ORGANIZATION_IDENTIFIER: &[u64] = &[2, 5, 4, 97]; // ITU-T X.520 §6.6.5
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5]; // X.520 §6.2.9
const USER_ID: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 1]; // RFC 4519 §2.39

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The person's name as on the licence; the hospital's name for a hospital (CN).
    pub name: String,
    /// The hospital's name (O).
    pub hospital_name: String,
    /// The hospital's id in this network (organizationIdentifier).
    pub hospital_id: String,
    /// The person's licence number (serialNumber); none for a hospital.
    pub licence: Option<String>,
    /// The person's account (UID); none for a hospital.
    pub account: Option<String>,
}

/// A certificate that was read: what signatures need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub der: Vec<u8>,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    pub subject: Subject,
    pub key: PublicKey,
    pub is_ca: bool,
    pub not_before: Instant,
    pub not_after: Instant,
}

pub(crate) struct Key<'a>(&'a KeyPair, Box<[u8]>);
struct Public(Box<[u8]>);

impl<'a> Key<'a> {
    fn new(pair: &'a KeyPair) -> Self {
        Self(pair, pair.public().to_sec1())
    }
}
impl PublicKeyData for Key<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.1
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}
impl rcgen::SigningKey for Key<'_> {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign_der(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// Why the library made nothing: the token did not sign, or a fault.
pub(crate) fn not_made(error: &rcgen::Error, what: &'static str) -> SealError {
    match error {
        rcgen::Error::RemoteKeyError => SealError::Token("it did not sign"),
        _ => SealError::Internal(what),
    }
}

/// Makes the hospital's own certificate, signed by itself.
pub fn self_signed(
    pair: &KeyPair,
    subject: &Subject,
    (not_before, not_after): (Instant, Instant),
    entropy: &dyn Entropy,
) -> Result<Vec<u8>> {
    let mut params = params(subject, not_before, not_after, entropy)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let cert = params
        .self_signed(&Key::new(pair))
        .map_err(|e| not_made(&e, "certificate"))?;
    Ok(cert.der().to_vec())
}

/// Makes a person's certificate, signed by the hospital.
pub fn issue(
    hospital: &KeyPair,
    hospital_certificate: &Certificate,
    subject: &Subject,
    key: &PublicKey,
    (not_before, not_after): (Instant, Instant),
    entropy: &dyn Entropy,
) -> Result<Vec<u8>> {
    let mut params = params(subject, not_before, not_after, entropy)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::ContentCommitment,
    ];
    params.use_authority_key_identifier_extension = true;
    let issuer = issuer(hospital, hospital_certificate);
    let cert = params
        .signed_by(&Public(key.to_sec1()), &issuer)
        .map_err(|e| not_made(&e, "certificate"))?;
    Ok(cert.der().to_vec())
}

pub(crate) fn issuer<'a>(
    hospital: &'a KeyPair,
    certificate: &Certificate,
) -> Issuer<'static, Key<'a>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&certificate.subject);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Issuer::new(params, Key::new(hospital))
}

fn params(
    subject: &Subject,
    from: Instant,
    to: Instant,
    entropy: &dyn Entropy,
) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(subject);
    params.not_before = civil(from)?;
    params.not_after = civil(to)?;
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    serial[0] = serial[0] & 0x3f | 0x40; // positive and of full length (RFC 5280 §4.1.2.2)
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn name(subject: &Subject) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subject.name.as_str());
    name.push(DnType::OrganizationName, subject.hospital_name.as_str());
    name.push(
        DnType::CustomDnType(ORGANIZATION_IDENTIFIER.into()),
        subject.hospital_id.as_str(),
    );
    if let Some(licence) = &subject.licence {
        name.push(DnType::CustomDnType(SERIAL_NUMBER.into()), licence.as_str());
    }
    if let Some(account) = &subject.account {
        name.push(DnType::CustomDnType(USER_ID.into()), account.as_str());
    }
    name
}

pub(crate) fn civil(at: Instant) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.as_second())
        .map_err(|_| SealError::Malformed("date of a certificate"))
}

pub(crate) fn instant(at: x509_parser::time::ASN1Time) -> Result<Instant> {
    Instant::from_second(at.timestamp()).map_err(|_| SealError::Malformed("date of a certificate"))
}

impl Certificate {
    /// Reads a certificate; nothing is verified yet.
    pub fn parse(der: &[u8]) -> Result<Self> {
        const BAD: SealError = SealError::Malformed("certificate");
        let (rest, cert) = X509Certificate::from_der(der).map_err(|_| BAD)?;
        if !rest.is_empty() {
            return Err(BAD);
        }
        Ok(Self {
            der: der.to_vec(),
            serial: hex(cert.raw_serial()),
            subject: subject(cert.subject())?,
            key: PublicKey::from_sec1(&cert.public_key().subject_public_key.data)?,
            is_ca: cert.is_ca(),
            not_before: instant(cert.validity().not_before)?,
            not_after: instant(cert.validity().not_after)?,
        })
    }

    /// Checks that `issuer`, which must be allowed to, signed this certificate.
    pub fn verify_issued_by(&self, issuer: &Self) -> Result<()> {
        let (_, cert) = X509Certificate::from_der(&self.der)
            .map_err(|_| SealError::Malformed("certificate"))?;
        let (_, ca) = X509Certificate::from_der(&issuer.der)
            .map_err(|_| SealError::Malformed("certificate"))?;
        let may_issue = ca
            .key_usage()
            .ok()
            .flatten()
            .is_some_and(|u| u.value.key_cert_sign());
        if !issuer.is_ca || !may_issue {
            return Err(SealError::Certificate(
                "its issuer may not issue certificates".into(),
            ));
        }
        if cert.issuer().as_raw() != ca.subject().as_raw() {
            return Err(SealError::Certificate("it names another issuer".into()));
        }
        verify_signed(
            &issuer.key,
            &self.der,
            cert.tbs_certificate.as_ref(),
            &cert.signature_value,
        )
    }

    pub fn check_time(&self, at: Instant) -> Result<()> {
        // Certificates count whole seconds.
        let second = at.as_second();
        if second < self.not_before.as_second() {
            return Err(SealError::Certificate("it was not yet valid".into()));
        }
        if second > self.not_after.as_second() {
            return Err(SealError::Certificate("it was no longer valid".into()));
        }
        Ok(())
    }
}

/// `ecdsa-with-SHA256` as AlgorithmIdentifier (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];

/// Verifies `SEQUENCE { to-be-signed, algorithm, BIT STRING }`. What surrounds the signed part is not signed itself,
/// so it must be exactly what DER makes of it.
pub(crate) fn verify_signed(
    key: &PublicKey,
    der: &[u8],
    signed: &[u8],
    signature: &BitString<'_>,
) -> Result<()> {
    let bits = tlv(0x03, &[&[0], &*signature.data].concat());
    if tlv(0x30, &[signed, ECDSA_WITH_SHA256, &bits].concat()) != der {
        return Err(SealError::Unsupported(
            "signature algorithm or encoding of a certificate".into(),
        ));
    }
    key.verify_der(signed, &signature.data)
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let len: Vec<u8> = len.into_iter().skip_while(|b| *b == 0).collect();
    let head = if content.len() < 0x80 {
        vec![tag, content.len() as u8]
    } else {
        [vec![tag, 0x80 | len.len() as u8], len].concat()
    };
    [head, content.to_vec()].concat()
}

fn subject(name: &X509Name<'_>) -> Result<Subject> {
    let find = |oid: &[u64]| {
        let dotted = oid.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        name.iter_attributes()
            .find(|a| a.attr_type().to_id_string() == dotted)
            .and_then(|a| a.as_str().ok())
    };
    let need = |oid: &[u64]| {
        find(oid)
            .map(str::to_owned)
            .ok_or(SealError::Malformed("name in a certificate"))
    };
    Ok(Subject {
        name: need(&[2, 5, 4, 3])?,
        hospital_name: need(&[2, 5, 4, 10])?,
        hospital_id: need(ORGANIZATION_IDENTIFIER)?,
        licence: find(SERIAL_NUMBER).map(str::to_owned),
        account: find(USER_ID).map(str::to_owned),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kernel::SystemEntropy;

    pub(crate) fn t(s: i64) -> Instant {
        Instant::from_second(1_800_000_000 + s).unwrap()
    }
    pub(crate) fn hospital() -> Subject {
        Subject {
            name: "Saryözen Clinical Hospital".into(),
            hospital_name: "Saryözen Clinical Hospital".into(),
            hospital_id: "saryozen".into(),
            licence: None,
            account: None,
        }
    }
    fn person() -> Subject {
        Subject {
            name: "阿依努尔·买买提".into(),
            licence: Some("110650000012345".into()),
            account: Some("ainur".into()),
            ..hospital()
        }
    }

    #[test]
    fn a_persons_certificate_names_them_and_chains_to_the_hospital() {
        let (h, p) = (
            KeyPair::generate(&SystemEntropy),
            KeyPair::generate(&SystemEntropy),
        );
        let ca = Certificate::parse(
            &self_signed(&h, &hospital(), (t(0), t(1000)), &SystemEntropy).unwrap(),
        )
        .unwrap();
        assert!(ca.is_ca);
        ca.verify_issued_by(&ca).unwrap();
        let der = issue(
            &h,
            &ca,
            &person(),
            p.public(),
            (t(0), t(100)),
            &SystemEntropy,
        )
        .unwrap();
        let cert = Certificate::parse(&der).unwrap();
        assert_eq!(cert.subject, person());
        assert_eq!(&cert.key, p.public());
        assert!(!cert.is_ca);
        cert.verify_issued_by(&ca).unwrap();
        assert!(cert.check_time(t(100)).is_ok());
        assert!(cert.check_time(t(101)).is_err());
        assert!(cert.check_time(t(-1)).is_err());
        // A person cannot issue, and another hospital of the same name is not the issuer.
        assert!(ca.verify_issued_by(&cert).is_err());
        let other = KeyPair::generate(&SystemEntropy);
        let fake = Certificate::parse(
            &self_signed(&other, &hospital(), (t(0), t(1000)), &SystemEntropy).unwrap(),
        )
        .unwrap();
        assert!(cert.verify_issued_by(&fake).is_err());
    }
}
