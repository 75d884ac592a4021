//! Revocation lists (CRL, RFC 5280 §5): which of the hospital's certificates no longer count.

use kernel::Instant;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::cert::{Certificate, civil, hex, instant, issuer, not_made, verify_signed};
use crate::error::{Result, SealError};
use crate::keys::{KeyPair, PublicKey, Reason, Revoked};

/// A person's certificate that no longer counts, by its serial number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedCertificate {
    /// Lower-case hexadecimal.
    pub serial: String,
    #[serde(flatten)]
    pub revoked: Revoked,
}

/// Signs the list of revoked certificates (CRL, RFC 5280 §5) with the hospital's key.
pub fn revocation_list(
    hospital: &KeyPair,
    certificate: &Certificate,
    number: u64,
    (this_update, next_update): (Instant, Instant),
    revoked: &[RevokedCertificate],
) -> Result<Vec<u8>> {
    let revoked_certs = revoked
        .iter()
        .map(|r| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&unhex(&r.serial)?),
                revocation_time: civil(r.revoked.revoked_at)?,
                reason_code: Some(to_x509(r.revoked.reason)),
                invalidity_date: None,
            })
        })
        .collect::<Result<_>>()?;
    let params = CertificateRevocationListParams {
        this_update: civil(this_update)?,
        next_update: civil(next_update)?,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = params
        .signed_by(&issuer(hospital, certificate))
        .map_err(|e| not_made(&e, "revocation list"))?;
    Ok(list.der().to_vec())
}

/// A revocation list whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    pub this_update: Instant,
    pub entries: Vec<RevokedCertificate>,
}

impl RevocationList {
    /// Reads a list and checks that the holder of `issuer` signed it.
    pub fn open(der: &[u8], issuer: &PublicKey) -> Result<Self> {
        const BAD: SealError = SealError::Malformed("revocation list");
        let (rest, list) = CertificateRevocationList::from_der(der).map_err(|_| BAD)?;
        if !rest.is_empty() {
            return Err(BAD);
        }
        verify_signed(
            issuer,
            der,
            list.tbs_cert_list.as_ref(),
            &list.signature_value,
        )?;
        let entries = list
            .iter_revoked_certificates()
            .map(|r| {
                let reason = r
                    .reason_code()
                    .map_or(Reason::Unspecified, |(_, code)| from_x509(code.0));
                let revoked = Revoked::new(instant(r.revocation_date)?, reason);
                Ok(RevokedCertificate {
                    serial: hex(r.raw_serial()),
                    revoked,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            this_update: instant(list.last_update())?,
            entries,
        })
    }

    /// Whether a signature made at `at` with the certificate of this serial number may count.
    pub fn check(&self, serial: &str, at: Instant) -> Result<()> {
        match self.entries.iter().find(|e| e.serial == serial) {
            Some(e) if e.revoked.reason == Reason::KeyCompromise => Err(SealError::Certificate(
                "its key is reported compromised".into(),
            )),
            Some(e) if at >= e.revoked.revoked_at => {
                Err(SealError::Certificate("it had been revoked by then".into()))
            }
            _ => Ok(()),
        }
    }
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    const BAD: SealError = SealError::Malformed("serial number");
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(BAD);
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).map_err(|_| BAD))
        .collect()
}

const fn to_x509(reason: Reason) -> RevocationReason {
    match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
    }
}

const fn from_x509(code: u8) -> Reason {
    match code {
        // An issuer's or attribute authority's compromise is one too.
        1 | 2 | 10 => Reason::KeyCompromise,
        3 => Reason::AffiliationChanged,
        4 => Reason::Superseded,
        5 => Reason::CessationOfOperation,
        9 => Reason::PrivilegeWithdrawn,
        _ => Reason::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cert::self_signed;
    use crate::cert::tests::{hospital, t};
    use kernel::SystemEntropy;

    #[test]
    fn a_revoked_certificate_counts_only_before_and_a_compromised_one_never() {
        let h = KeyPair::generate(&SystemEntropy);
        let ca = Certificate::parse(
            &self_signed(&h, &hospital(), (t(0), t(1000)), &SystemEntropy).unwrap(),
        )
        .unwrap();
        let entry = |serial: &str, reason| RevokedCertificate {
            serial: serial.into(),
            revoked: Revoked::new(t(50), reason),
        };
        let entries = [
            entry("4a01", Reason::AffiliationChanged),
            entry("4a02", Reason::KeyCompromise),
        ];
        let der = revocation_list(&h, &ca, 7, (t(60), t(90)), &entries).unwrap();
        let list = RevocationList::open(&der, h.public()).unwrap();
        assert_eq!(list.entries, entries);
        assert!(list.check("4a01", t(49)).is_ok());
        assert!(list.check("4a01", t(50)).is_err());
        assert!(list.check("4a02", t(1)).is_err());
        assert!(list.check("4a03", t(99)).is_ok());
        assert!(RevocationList::open(&der, KeyPair::generate(&SystemEntropy).public()).is_err());
        for i in 0..der.len() {
            let mut altered = der.clone();
            altered[i] ^= 1;
            assert!(
                RevocationList::open(&altered, h.public()).is_err(),
                "byte {i}"
            );
        }
    }
}
