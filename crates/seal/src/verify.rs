//! Verification of a [`SealedFile`](crate::file::SealedFile), check by check, in words.

use std::collections::BTreeMap;

use kernel::{HospitalId, Instant};
use serde::Serialize;

use crate::b64;
use crate::cert::Certificate;
use crate::crl::RevocationList;
use crate::error::{Result, SealError};
use crate::file::{SEAL, SealedFile, Statement, digest};
use crate::hospital::open_revocation_list;
use crate::jws;
use crate::keys::{Jwk, Jwks};
use crate::tsp::TimeStamp;

/// How long after the author's signature the hospital may seal, seconds.
pub const SEAL_DELAY_S_MAX: i64 = 3600;

/// Keys and revocation lists that the verifier had beforehand, by hospital.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub keys: BTreeMap<HospitalId, Jwks>,
    /// Newer revocation lists (DER) than the one in the file.
    pub revocations: BTreeMap<HospitalId, Vec<u8>>,
    /// Roots (DER) of the time-stamping authorities that are trusted here.
    pub time_roots: Vec<Vec<u8>>,
}

/// What was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckId {
    /// The file has the one form it may have.
    Form,
    /// The hospital's key is one we hold, and was in use when it sealed.
    HospitalKey,
    /// The hospital's seal is genuine.
    Seal,
    /// Every part of the file is the one that was sealed.
    Parts,
    /// The author's certificate was issued by the hospital and valid when they signed.
    Certificate,
    /// The author's certificate had not been revoked.
    Revocation,
    /// The author's signature covers these exact bytes.
    Signature,
    /// When it was signed and sealed, and who says so.
    Time,
}

impl CheckId {
    /// The stable word, as serialised.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::HospitalKey => "hospital-key",
            Self::Seal => "seal",
            Self::Parts => "parts",
            Self::Certificate => "certificate",
            Self::Revocation => "revocation",
            Self::Signature => "signature",
            Self::Time => "time",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    /// Held, but on the file's own word.
    Unanchored,
    Failed,
    /// An earlier check failed, so this one could not be made.
    NotReached,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub id: CheckId,
    pub outcome: Outcome,
    /// One English sentence.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every check passed against keys held beforehand.
    Genuine,
    /// Unaltered since it was sealed; that the sealing key is the hospital's rests on the file alone.
    UnalteredOnly,
    /// At least one check failed.
    Refused,
}

/// Who signed and sealed what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub hospital: HospitalId,
    pub hospital_name: String,
    pub signer: String,
    pub licence: Option<String>,
    pub account: Option<String>,
    pub signer_kid: String,
    pub hospital_kid: String,
    pub signed_at: Instant,
    pub sealed_at: Instant,
    /// The independent authority that confirmed the time; none: the hospital alone states it.
    pub time_authority: Option<String>,
    /// The authority's time.
    pub stamped_at: Option<Instant>,
    /// The authority was asked only after sealing: it confirms that the signature existed by `stamped_at`, no more.
    pub stamped_later: bool,
    pub content_type: String,
    /// SHA-256 of the document, base64url.
    pub document_digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    /// Present unless refused.
    pub facts: Option<Facts>,
}

impl Report {
    /// The first check that failed.
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|c| c.outcome == Outcome::Failed)
    }
}

const ORDER: [CheckId; 8] = [
    CheckId::Form,
    CheckId::HospitalKey,
    CheckId::Seal,
    CheckId::Parts,
    CheckId::Certificate,
    CheckId::Revocation,
    CheckId::Signature,
    CheckId::Time,
];

/// Verifies a sealed file's bytes. Without `trust` the keys inside the file are used and the verdict is at best
/// [`Verdict::UnalteredOnly`].
pub fn verify(bytes: &[u8], trust: Option<&Trust>) -> Report {
    verify_with(bytes, trust, None)
}

/// Like [`verify`], with a time-stamp token over the signature that was got after sealing and is kept beside the file.
/// It is looked at where the file holds none of its own.
pub fn verify_with(bytes: &[u8], trust: Option<&Trust>, later: Option<&[u8]>) -> Report {
    let mut run = Run {
        checks: vec![],
        anchored: trust.is_some(),
    };
    let facts = run.all(bytes, trust, later);
    if let Err((id, words)) = &facts {
        run.checks.push(Check {
            id: *id,
            outcome: Outcome::Failed,
            words: words.clone(),
        });
        for id in ORDER {
            if !run.checks.iter().any(|c| c.id == id) {
                let words = "Not examined, because an earlier check failed.".into();
                run.checks.push(Check {
                    id,
                    outcome: Outcome::NotReached,
                    words,
                });
            }
        }
    }
    let verdict = match (&facts, run.anchored) {
        (Err(_), _) => Verdict::Refused,
        (Ok(_), true) => Verdict::Genuine,
        (Ok(_), false) => Verdict::UnalteredOnly,
    };
    Report {
        verdict,
        checks: run.checks,
        facts: facts.ok(),
    }
}

struct Run {
    checks: Vec<Check>,
    anchored: bool,
}

type Step<T> = std::result::Result<T, (CheckId, String)>;

fn at<T>(id: CheckId, result: Result<T>) -> Step<T> {
    result.map_err(|e| (id, format!("Refused: {e}.")))
}
fn refuse<T>(id: CheckId, words: impl Into<String>) -> Step<T> {
    Err((id, words.into()))
}

impl Run {
    fn pass(&mut self, id: CheckId, words: impl Into<String>) {
        self.checks.push(Check {
            id,
            outcome: Outcome::Passed,
            words: words.into(),
        });
    }

    fn all(&mut self, bytes: &[u8], trust: Option<&Trust>, later: Option<&[u8]>) -> Step<Facts> {
        let file = at(CheckId::Form, SealedFile::parse(bytes))?;
        let keys_bytes = at(CheckId::Form, b64::decode(&file.keys, "key set"))?;
        let own_keys: Jwks = at(
            CheckId::Form,
            serde_json::from_slice(&keys_bytes).map_err(|_| SealError::Malformed("key set")),
        )?;
        let document = at(CheckId::Form, file.document())?;
        let revocations = at(
            CheckId::Form,
            b64::decode(&file.revocations, "revocation list"),
        )?;
        let time_stamp = at(
            CheckId::Form,
            file.time_stamp
                .as_deref()
                .map(|t| b64::decode(t, "time-stamp token"))
                .transpose(),
        )?;
        self.pass(
            CheckId::Form,
            "The file has the form of a sealed file, version 1.",
        );

        let (statement, keys, sealed_at, hospital_kid) = self.seal(&file, &own_keys, trust)?;
        let digests = [
            ("document", &statement.document, digest(&document)),
            ("signature", &statement.signature, digest(&file.signature)),
            ("key set", &statement.keys, digest(&keys_bytes)),
            (
                "revocation list",
                &statement.revocations,
                digest(&revocations),
            ),
            (
                "content type",
                &statement.content_type,
                file.content_type.clone(),
            ),
        ];
        if let Some((part, ..)) = digests.iter().find(|(_, said, is)| *said != is) {
            return refuse(
                CheckId::Parts,
                format!("The {part} is not the one that was sealed."),
            );
        }
        if statement.time_stamp != time_stamp.as_ref().map(digest) {
            return refuse(
                CheckId::Parts,
                "The time-stamp token is not the one that was sealed.",
            );
        }
        self.pass(
            CheckId::Parts,
            "Document, signature, keys and revocation list are those that were sealed.",
        );

        let (certificate, signed_at) =
            self.author(&file, &statement, &keys, trust, &document, &revocations)?;
        let token = match (&time_stamp, later) {
            (Some(own), _) => Some((own.as_slice(), false)),
            (None, later) => later.map(|token| (token, true)),
        };
        let stamp = self.time(signed_at, sealed_at, token, &file, trust)?;
        self.before_compromise(&keys, &hospital_kid, stamp.as_ref())?;
        Ok(Facts {
            hospital: statement.hospital,
            hospital_name: certificate.subject.hospital_name.clone(),
            signer_kid: certificate.key.kid(),
            signer: certificate.subject.name,
            licence: certificate.subject.licence,
            account: certificate.subject.account,
            hospital_kid,
            signed_at,
            sealed_at,
            stamped_at: stamp.as_ref().map(|s| s.at),
            time_authority: stamp.map(|s| s.authority),
            stamped_later: token.is_some_and(|(_, later)| later),
            content_type: statement.content_type,
            document_digest: statement.document,
        })
    }

    /// The hospital's key and seal. Returns what was sealed and the keys to go on with.
    fn seal(
        &mut self,
        file: &SealedFile,
        own_keys: &Jwks,
        trust: Option<&Trust>,
    ) -> Step<(Statement, Jwks, Instant, String)> {
        let parts = at(CheckId::Seal, jws::read(&file.seal))?;
        let hospital = at(CheckId::Seal, file.claimed_hospital())?;
        let keys = match trust {
            None => own_keys,
            Some(trust) => match trust.keys.get(&hospital) {
                Some(keys) => keys,
                None => {
                    return refuse(
                        CheckId::HospitalKey,
                        format!("No keys are held for hospital {hospital}."),
                    );
                }
            },
        };
        let kid = parts.header.kid.clone();
        let Some(jwk) = keys.find(&kid) else {
            return refuse(
                CheckId::HospitalKey,
                format!("Hospital {hospital} has no key {kid}."),
            );
        };
        let sealed_at = at(CheckId::Seal, parts.header.signed_at())?;
        if let Err(why) = jwk.check_time(sealed_at) {
            return refuse(CheckId::HospitalKey, format!("When it was sealed, {why}."));
        }
        let key = at(CheckId::HospitalKey, jwk.key())?;
        let (outcome, words) = if trust.is_some() {
            (
                Outcome::Passed,
                format!("Key {kid} is hospital {hospital}'s and was in use then."),
            )
        } else {
            let words = format!(
                "Key {kid} was in use then; that it is hospital {hospital}'s, only the file says."
            );
            (Outcome::Unanchored, words)
        };
        self.checks.push(Check {
            id: CheckId::HospitalKey,
            outcome,
            words,
        });
        let payload = at(CheckId::Seal, parts.verify(&key, SEAL))?;
        let statement: Statement = at(
            CheckId::Seal,
            serde_json::from_slice(&payload).map_err(|_| SealError::Malformed("seal statement")),
        )?;
        self.pass(CheckId::Seal, "The hospital's seal is genuine.");
        Ok((statement, keys.clone(), sealed_at, kid))
    }

    /// The author's certificate and signature.
    fn author(
        &mut self,
        file: &SealedFile,
        statement: &Statement,
        keys: &Jwks,
        trust: Option<&Trust>,
        document: &[u8],
        revocations: &[u8],
    ) -> Step<(Certificate, Instant)> {
        let parts = at(CheckId::Signature, jws::read(&file.signature))?;
        let signed_at = at(CheckId::Signature, parts.header.signed_at())?;
        let chain = at(CheckId::Certificate, parts.header.certificates())?;
        let [own, issuer] = chain.as_slice() else {
            return refuse(
                CheckId::Certificate,
                "The signature does not carry its certificate and its issuer's.",
            );
        };
        let own = at(CheckId::Certificate, Certificate::parse(own))?;
        let issuer = at(CheckId::Certificate, Certificate::parse(issuer))?;
        at(CheckId::Certificate, issuer_is_known(&issuer, &own, keys))?;
        at(CheckId::Certificate, own.verify_issued_by(&issuer))?;
        at(CheckId::Certificate, own.check_time(signed_at))?;
        for c in [&own, &issuer] {
            if c.subject.hospital_id != statement.hospital.as_str() {
                return refuse(
                    CheckId::Certificate,
                    "The certificate is of another hospital than the seal.",
                );
            }
        }
        let words = format!(
            "{}, licence {}, is certified by {} and the certificate was valid.",
            own.subject.name,
            own.subject.licence.as_deref().unwrap_or("not stated"),
            own.subject.hospital_name
        );
        self.pass(CheckId::Certificate, words);

        let list = at(CheckId::Revocation, open_revocation_list(revocations, keys))?;
        at(CheckId::Revocation, list.check(&own.serial, signed_at))?;
        if let Some(newer) = trust.and_then(|t| t.revocations.get(&statement.hospital)) {
            let newer: RevocationList = at(CheckId::Revocation, open_revocation_list(newer, keys))?;
            at(CheckId::Revocation, newer.check(&own.serial, signed_at))?;
        }
        self.pass(CheckId::Revocation, "The certificate had not been revoked.");

        at(
            CheckId::Signature,
            parts.verify_detached(&own.key, document),
        )?;
        if parts.header.cty.as_deref() != Some(statement.content_type.as_str()) {
            return refuse(
                CheckId::Signature,
                "The signature is over another media type.",
            );
        }
        self.pass(
            CheckId::Signature,
            "The author's signature covers these exact bytes.",
        );
        Ok((own, signed_at))
    }

    /// A key that was in other hands later can have sealed anything with an earlier time: only an authority that is
    /// trusted here can say that it was sealed before.
    fn before_compromise(&mut self, keys: &Jwks, kid: &str, stamp: Option<&TimeStamp>) -> Step<()> {
        let Some(since) = keys.find(kid).and_then(Jwk::doubtful_since) else {
            return Ok(());
        };
        let witness = stamp.filter(|s| s.rooted && s.at < since);
        let Some(witness) = witness else {
            // Each check is told once.
            self.checks.retain(|c| c.id != CheckId::Time);
            return refuse(
                CheckId::Time,
                format!(
                    "The hospital's key is reported compromised since {since}, and no time-stamping authority that is \
                     trusted here confirms that this was sealed before."
                ),
            );
        };
        let more = format!(
            " The hospital's key is reported compromised since {since}; {} confirms that this existed before.",
            witness.authority
        );
        if let Some(time) = self.checks.iter_mut().find(|c| c.id == CheckId::Time) {
            time.words += &more;
        }
        Ok(())
    }

    /// `token` and whether it was got after sealing.
    fn time(
        &mut self,
        signed_at: Instant,
        sealed_at: Instant,
        token: Option<(&[u8], bool)>,
        file: &SealedFile,
        trust: Option<&Trust>,
    ) -> Step<Option<TimeStamp>> {
        let delay = sealed_at.as_second() - signed_at.as_second();
        if !(0..=SEAL_DELAY_S_MAX).contains(&delay) {
            return refuse(
                CheckId::Time,
                "The times of signature and seal do not fit each other.",
            );
        }
        let Some((token, later)) = token else {
            let words = format!(
                "Signed {signed_at}, sealed {sealed_at}. The hospital itself states these times; no independent \
                 time-stamping authority confirmed them."
            );
            self.pass(CheckId::Time, words);
            return Ok(None);
        };
        let roots = trust.map_or(&[][..], |t| &t.time_roots);
        let stamp = at(
            CheckId::Time,
            crate::tsp::open(token, file.signature.as_bytes(), roots),
        )?;
        let after = stamp.at.as_second() - signed_at.as_second();
        let fits = if later {
            after >= -SEAL_DELAY_S_MAX
        } else {
            after.abs() <= SEAL_DELAY_S_MAX
        };
        if !fits {
            return refuse(
                CheckId::Time,
                "The time stamp is of another time than the signature.",
            );
        }
        let mut words = if later {
            format!(
                "Signed {signed_at} by the hospital's own word; {} confirms that the signature existed on {}.",
                stamp.authority, stamp.at
            )
        } else {
            format!(
                "Signed {signed_at}; {} stamped it {}.",
                stamp.authority, stamp.at
            )
        };
        if !stamp.rooted {
            words += " That the authority deserves trust, only its own certificate says.";
        }
        self.checks.push(Check {
            id: CheckId::Time,
            outcome: if stamp.rooted {
                Outcome::Passed
            } else {
                Outcome::Unanchored
            },
            words,
        });
        Ok(Some(stamp))
    }
}

/// The issuer must be one of the hospital's keys, in use when it issued.
fn issuer_is_known(issuer: &Certificate, issued: &Certificate, keys: &Jwks) -> Result<()> {
    issuer.verify_issued_by(issuer)?;
    let known = keys.find(&issuer.key.kid()).ok_or(SealError::NoKey {
        kid: issuer.key.kid(),
    })?;
    known
        .check_time(issued.not_before)
        .map_err(|why| SealError::Certificate(why.into()))
}
