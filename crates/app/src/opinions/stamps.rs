//! Time stamps by an independent authority (RFC 3161).
//!
//! The authority is asked while an opinion is signed, and its token becomes part of the sealed file. If it does not
//! answer in time, the opinion is sealed without: then the hospital's clock alone states the time, and a job asks
//! again. What is sealed cannot change any more, so a token got later stands beside the file and confirms only that
//! the signature existed by then.

use agreements::SystemPurpose;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, Phi};
use seal::tsp::{self, TimeStamp};
use sha2::{Digest, Sha256};
use store::{Batch, Lookup};

use super::doc::{Opinion, StampState, WAITING_FOR_STAMP};
use super::read::entry;
use super::sign::parse;
use crate::audit_entry::Verb;
use crate::docs::{self, Versioned};
use crate::readings::doc::SignedReport;
use crate::settings::TimeStamping;
use crate::{App, AppError};

/// Opinions looked at in one run.
const AT_ONCE: u32 = 50;

/// Carries a request to an authority.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// `TimeStampReq` in, `TimeStampResp` out, both DER. Words for the operator when there is no answer.
    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// The authority's HTTP transport (RFC 3161 §3.4).
pub struct HttpAuthority {
    client: reqwest::Client,
    url: String,
}

impl HttpAuthority {
    pub fn new(settings: &TimeStamping) -> Result<Self, AppError> {
        let client = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| AppError::Internal(format!("time-stamping authority: {e}")))?;
        Ok(Self {
            client,
            url: settings.url.clone(),
        })
    }
}

#[async_trait]
impl Authority for HttpAuthority {
    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String> {
        let ask = self
            .client
            .post(&self.url)
            .header("content-type", "application/timestamp-query")
            .body(request);
        let mut answer = ask
            .send()
            .await
            .map_err(|e| e.without_url().to_string())?
            .error_for_status()
            .map_err(|e| e.without_url().to_string())?;
        let mut body = Vec::new();
        while let Some(part) = answer
            .chunk()
            .await
            .map_err(|e| e.without_url().to_string())?
        {
            body.extend_from_slice(&part);
            if body.len() > tsp::RESPONSE_BYTES_MAX {
                return Err("its answer is too long".into());
            }
        }
        Ok(body)
    }
}

/// What asking came to.
pub(crate) enum Asked {
    /// No authority is configured.
    Nobody,
    Stamped(Vec<u8>, TimeStamp),
    /// It did not answer, or not with a token that verifies.
    Later,
}

impl App {
    /// Asks for a token over a signature's text.
    pub(crate) async fn ask_for_stamp(&self, signature: &str) -> Asked {
        let (Some(authority), Some(settings)) = (&self.authority, &self.settings.time_stamp) else {
            return Asked::Nobody;
        };
        let mut nonce = [0; 8];
        self.entropy.fill(&mut nonce);
        let nonce = u64::from_be_bytes(nonce);
        let imprint: [u8; 32] = Sha256::digest(signature).into();
        let why = match authority.ask(tsp::request(&imprint, nonce)).await {
            Ok(response) => {
                let roots = &settings.roots;
                match tsp::open_response(&response, signature.as_bytes(), nonce, roots) {
                    Ok((_, stamp)) if !roots.is_empty() && !stamp.rooted => {
                        "its certificate leads to none of seal.time_stamp_roots".into()
                    }
                    Ok((token, stamp)) => return Asked::Stamped(token, stamp),
                    Err(e) => e.to_string(),
                }
            }
            Err(why) => why,
        };
        tracing::warn!(
            why,
            "the time-stamping authority gave no stamp; it is asked again"
        );
        Asked::Later
    }

    /// Asks again for the opinions that were sealed without a stamp. Stops at the first failure: the next run goes on.
    /// Gives how many tokens came.
    pub async fn late_time_stamps(&self) -> Result<usize, AppError> {
        if self.authority.is_none() {
            return Ok(0);
        }
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("stamp", WAITING_FOR_STAMP)];
        let waiting = self
            .find::<Opinion>(&permit, None, lookups, None, AT_ONCE, false)
            .await?;
        let mut came = 0;
        // The answering hospital's copy leads; the referring hospital's follows in the same commit.
        for held in waiting
            .into_iter()
            .filter(|h| h.key.hospital == h.doc.hospital)
        {
            let Some(got) = self.stamp_later(held).await? else {
                break;
            };
            came += got;
        }
        Ok(came + self.late_report_stamps().await?)
    }

    /// The same for signed reports.
    async fn late_report_stamps(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("stamp", WAITING_FOR_STAMP)];
        let waiting = self
            .find::<SignedReport>(&permit, None, lookups, None, AT_ONCE, false)
            .await?;
        let mut came = 0;
        for mut held in waiting
            .into_iter()
            .filter(|h| h.key.hospital == h.doc.hospital)
        {
            let signature = parse(held.doc.file.reveal())?.signature;
            let Asked::Stamped(token, stamp) = self.ask_for_stamp(&signature).await else {
                break;
            };
            held.doc.stamp = StampState::later(&token, &stamp);
            let mut batch = Batch::new(self.now());
            docs::put(&mut batch, &held)?;
            let custodian = held.doc.study.hospital.clone();
            if custodian != held.doc.hospital
                && let Some(mut copy) = self
                    .load::<SignedReport>(&permit, &custodian, &held.key.id)
                    .await?
            {
                copy.doc.stamp = held.doc.stamp.clone();
                docs::put(&mut batch, &copy)?;
            }
            batch.event("report.time-stamped", &held.key, "{}");
            self.store.commit(batch).await?;
            came += 1;
        }
        Ok(came)
    }

    async fn stamp_later(&self, mut held: Versioned<Opinion>) -> Result<Option<usize>, AppError> {
        let mut came = 0;
        let files = [
            (Some(&held.doc.file), &mut held.doc.stamp),
            (held.doc.co_file.as_ref(), &mut held.doc.co_stamp),
        ];
        for (file, state) in files {
            if !matches!(state, StampState::Waiting) {
                continue;
            }
            let Some(file) = file else { continue };
            match self.ask_for_stamp(&parse(file.reveal())?.signature).await {
                Asked::Stamped(token, stamp) => {
                    *state = StampState::later(&token, &stamp);
                    came += 1;
                }
                Asked::Nobody | Asked::Later => break,
            }
        }
        if came == 0 {
            return Ok(None);
        }
        self.keep_late_stamp(held).await?;
        Ok(Some(came))
    }

    async fn keep_late_stamp(&self, held: Versioned<Opinion>) -> Result<(), AppError> {
        let cx = self.job_cx();
        let permit = self.system(SystemPurpose::Job);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &held)?;
        let mut chains = vec![held.doc.hospital.clone()];
        let referring: &HospitalId = &held.doc.case.hospital;
        if *referring != held.doc.hospital
            && let Some(mut copy) = self
                .load::<Opinion>(&permit, referring, &held.key.id)
                .await?
        {
            copy.doc.stamp = held.doc.stamp.clone();
            copy.doc.co_stamp = held.doc.co_stamp.clone();
            docs::put(&mut batch, &copy)?;
            chains.push(referring.clone());
        }
        for chain in &chains {
            let entry = entry(&held, "opinion.time-stamped", Verb::Update);
            batch.audit.push(cx.audit(chain, &entry));
        }
        batch.event("opinion.time-stamped", &held.doc.case, "{}");
        match self.store.commit(batch).await {
            // Somebody translated it meanwhile: it is still waiting and found again.
            Ok(_) | Err(store::StoreError::Precondition { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl StampState {
    fn later(token: &[u8], stamp: &TimeStamp) -> Self {
        Self::Later {
            token: Phi::new(seal::b64::encode(token)),
            at: stamp.at,
            authority: stamp.authority.clone(),
        }
    }

    /// The token that stands beside the sealed file.
    pub(crate) fn token(&self) -> Option<Vec<u8>> {
        match self {
            Self::Later { token, .. } => seal::b64::decode(token.reveal(), "time-stamp token").ok(),
            _ => None,
        }
    }
}

/// Whether a stamp is near enough to the signature to be sealed with it; a far one can only stand beside.
pub(crate) fn fits(stamp: &TimeStamp, signed: Instant) -> bool {
    (stamp.at.as_second() - signed.as_second()).abs() <= seal::verify::SEAL_DELAY_S_MAX
}
