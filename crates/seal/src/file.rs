//! A sealed file: a frozen document, its author's signature and the hospital's seal, in one file that can be
//! verified years later without the system that made it. `docs/` describes the format for others to implement.
//!
//! The author signs the document's exact bytes. The hospital then seals a statement that holds the digest of every
//! part of the file, so that no part can be changed or exchanged. The form of the file is fixed: reading and writing
//! it again must give the same bytes.

use kernel::{HospitalId, Instant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::b64;
use crate::error::{Result, SealError};
use crate::hospital::{HospitalSigner, PersonSigner};

pub use crate::verify::{
    Check, CheckId, Facts, Outcome, Report, Trust, Verdict, verify, verify_with,
};

const FORMAT: &str = "karez-sealed-file";
const VERSION: u32 = 1;
/// Type of the hospital's seal statement.
pub(crate) const SEAL: &str = "karez-seal";

/// The file. Members named `…` in base64url hold exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// `karez-sealed-file`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// Media type of the document.
    pub content_type: String,
    /// The document's exact bytes, base64url.
    pub document: String,
    /// The author's detached JWS over the document.
    pub signature: String,
    /// RFC 3161 time-stamp token over the signature's text, DER in base64url; none if no authority was asked.
    pub time_stamp: Option<String>,
    /// The sealing hospital's public keys when it sealed: a JSON web key set, base64url.
    pub keys: String,
    /// The sealing hospital's revocation list when it sealed: X.509 CRL, DER in base64url.
    pub revocations: String,
    /// The hospital's seal: an attached JWS over a [`Statement`].
    pub seal: String,
}

/// What the hospital's seal says. Digests are SHA-256 in base64url, over the decoded bytes of base64url members and
/// over the text of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub version: u32,
    pub hospital: HospitalId,
    pub content_type: String,
    pub document: String,
    pub signature: String,
    pub time_stamp: Option<String>,
    pub keys: String,
    pub revocations: String,
}

pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> String {
    b64::encode(Sha256::digest(bytes))
}

/// A document with its author's signature, not yet sealed.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    document: &'a [u8],
    content_type: &'a str,
    jws: String,
}

impl<'a> Signed<'a> {
    /// The author signs the document's exact bytes.
    pub fn sign(
        signer: &PersonSigner,
        now: Instant,
        content_type: &'a str,
        document: &'a [u8],
    ) -> Result<Self> {
        Ok(Self {
            document,
            content_type,
            jws: signer.sign_detached(now, content_type, document)?,
        })
    }
    /// The author's detached JWS.
    pub fn jws(&self) -> &str {
        &self.jws
    }
    /// SHA-256 over the signature's text: what a time-stamping authority is asked to stamp.
    pub fn imprint(&self) -> [u8; 32] {
        Sha256::digest(&self.jws).into()
    }
    /// The hospital seals document and signature. `revocations` is its revocation list as of now
    /// ([`crate::HospitalKeys::revocation_list`]).
    pub fn seal(
        self,
        hospital: &HospitalSigner,
        revocations: &[u8],
        time_stamp: Option<&[u8]>,
        now: Instant,
    ) -> Result<SealedFile> {
        let keys =
            serde_json::to_vec(&hospital.jwks).map_err(|_| SealError::Internal("key set"))?;
        let statement = Statement {
            version: VERSION,
            hospital: hospital.hospital.clone(),
            content_type: self.content_type.into(),
            document: digest(self.document),
            signature: digest(&self.jws),
            time_stamp: time_stamp.map(digest),
            keys: digest(&keys),
            revocations: digest(revocations),
        };
        let statement = serde_json::to_vec(&statement).map_err(|_| SealError::Internal("seal"))?;
        Ok(SealedFile {
            format: FORMAT.into(),
            version: VERSION,
            content_type: self.content_type.into(),
            document: b64::encode(self.document),
            signature: self.jws,
            time_stamp: time_stamp.map(b64::encode),
            keys: b64::encode(keys),
            revocations: b64::encode(revocations),
            seal: hospital.sign_statement(now, SEAL, &statement)?,
        })
    }
}

impl SealedFile {
    /// The one text of this file: indented JSON, members in fixed order, a line feed at the end.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|_| SealError::Internal("sealed file"))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
    /// Reads a file in exactly that text; verifies nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        const BAD: SealError = SealError::Malformed("sealed file");
        let file: Self = serde_json::from_slice(bytes).map_err(|_| BAD)?;
        if file.format != FORMAT || file.version != VERSION || file.to_bytes()? != bytes {
            return Err(BAD);
        }
        Ok(file)
    }
    /// The document's exact bytes. Verify first.
    pub fn document(&self) -> Result<Vec<u8>> {
        b64::decode(&self.document, "document")
    }
    /// Which hospital the seal says it is of; nothing is verified. Tells whose keys to fetch.
    pub fn claimed_hospital(&self) -> Result<HospitalId> {
        let payload = crate::jws::read(&self.seal)?.unverified_payload()?;
        let statement: Statement =
            serde_json::from_slice(&payload).map_err(|_| SealError::Malformed("seal statement"))?;
        Ok(statement.hospital)
    }
}
