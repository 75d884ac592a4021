//! Certificates of machine clients (RFC 8705): known by their thumbprint, whoever issued them.

use kernel::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::b64;
use crate::error::{Result, SealError};

/// What is kept of a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// `x5t#S256` (RFC 7515 §4.1.8).
    pub thumbprint: String,
    /// Distinguished name, for people to read.
    pub subject: String,
    pub not_before: Instant,
    pub not_after: Instant,
}

impl ClientCertificate {
    /// Reads the first certificate of a PEM text. A text that holds a private key is refused whole.
    pub fn from_pem(text: &str) -> Result<Self> {
        const BAD: SealError = SealError::Malformed("certificate");
        if text.contains("PRIVATE KEY") {
            return Err(SealError::Unsupported("private key".into()));
        }
        let (_, pem) = parse_x509_pem(text.as_bytes()).map_err(|_| BAD)?;
        if pem.label != "CERTIFICATE" {
            return Err(BAD);
        }
        let (rest, certificate) = X509Certificate::from_der(&pem.contents).map_err(|_| BAD)?;
        if !rest.is_empty() {
            return Err(BAD);
        }
        let at =
            |t: x509_parser::time::ASN1Time| Instant::from_second(t.timestamp()).map_err(|_| BAD);
        Ok(Self {
            thumbprint: thumbprint(&pem.contents),
            subject: certificate
                .subject()
                .to_string()
                .chars()
                .take(255)
                .collect(),
            not_before: at(certificate.validity().not_before)?,
            not_after: at(certificate.validity().not_after)?,
        })
    }

    /// Whether it holds at `at`.
    pub fn holds(&self, at: Instant) -> bool {
        self.not_before <= at && at <= self.not_after
    }
}

/// SHA-256 of a certificate in DER, base64url.
pub fn thumbprint(der: &[u8]) -> String {
    b64::encode(Sha256::digest(der))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_thumbprint_and_a_private_key_is_refused() {
        let made = rcgen::generate_simple_self_signed(vec!["lab.example".into()]).unwrap();
        let client = ClientCertificate::from_pem(&made.cert.pem()).unwrap();
        assert_eq!(client.thumbprint, thumbprint(made.cert.der()));
        assert!(client.holds(Instant::from_second(1_795_000_000).unwrap()));
        let both = made.cert.pem() + &made.signing_key.serialize_pem();
        assert!(ClientCertificate::from_pem(&both).is_err());
        assert!(ClientCertificate::from_pem("nothing").is_err());
    }
}
