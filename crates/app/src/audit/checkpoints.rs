//! Signed checkpoints: where a hospital's chain stood, kept by its partners, so that nobody rewrites it unseen.

use agreements::SystemPurpose;
use agreements::agreement::Standing;
use kernel::{HospitalId, Instant, ResourceId};
use seal::Checkpoint;
use serde::{Deserialize, Serialize};
use store::{AuditFilter, Batch, ChainReport, Lookup};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// A checkpoint is made at least this often while there are new entries.
const EVERY_S: i64 = 3600;
/// And after this many entries.
const EVERY_ENTRIES: u64 = 1_000;

/// A checkpoint as one hospital keeps it: its own, or a partner's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckpointDoc {
    pub chain: HospitalId,
    pub number: u64,
    pub at: Instant,
    /// Attached JWS of the statement, by the chain's hospital.
    pub jws: String,
}

impl Document for CheckpointDoc {
    const KIND: &'static str = "checkpoint";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::new("chain", self.chain.as_str())]
    }
}

/// What verifying one chain found.
#[derive(Debug, Clone)]
pub struct ChainVerdict {
    pub report: ChainReport,
    /// Checkpoints looked at, with those of them that partners keep.
    pub checkpoints: usize,
    /// The first checkpoint the chain does not meet, or whose signature does not verify: (keeper, number).
    pub contradicts: Option<(HospitalId, u64)>,
}

impl ChainVerdict {
    pub fn is_sound(&self) -> bool {
        self.report.broken_at.is_none() && self.contradicts.is_none()
    }
}

impl App {
    /// Signs the heads of chains that have grown enough or long enough ago. Answers how many were signed.
    pub async fn checkpoint_audit(&self) -> Result<usize, AppError> {
        let cx = &self.job_cx();
        let mut made = 0;
        for hospital in self.all_hospitals() {
            made += usize::from(self.checkpoint_one(cx, &hospital.id).await?);
        }
        Ok(made)
    }

    async fn checkpoint_one(&self, cx: &Cx, chain: &HospitalId) -> Result<bool, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let Some(head) = self.store.chain_head(&permit, chain).await? else {
            return Ok(false);
        };
        let by = vec![Lookup::new("chain", chain.as_str())];
        let last = self
            .find::<CheckpointDoc>(&permit, Some(chain), by, None, 1, true)
            .await?
            .into_iter()
            .next();
        let due = match &last {
            None => head.number > 0,
            Some(last) => {
                let grown = head.number.saturating_sub(last.doc.number);
                let old = cx.now.duration_since(last.doc.at).as_secs() >= EVERY_S;
                grown >= EVERY_ENTRIES || (grown > 0 && old)
            }
        };
        if !due {
            return Ok(false);
        }
        let signer = self.hospital_signer(chain).await?;
        let jws = Checkpoint::new(chain.clone(), head.number, &head.hash, cx.now).sign(&signer)?;
        let doc = CheckpointDoc {
            chain: chain.clone(),
            number: head.number,
            at: cx.now,
            jws,
        };
        // The number in fixed width, so that the order of ids is the order of the chain.
        let id = ResourceId::new(format!("{chain}-{:019}", head.number))?;
        let mut keepers = vec![chain.clone()];
        keepers.extend(self.partners_of(chain, cx.now).await?);
        let mut batch = Batch::new(cx.now);
        for keeper in &keepers {
            let versioned = Versioned {
                key: self.doc_key::<CheckpointDoc>(keeper, &id),
                version: 0,
                doc: doc.clone(),
            };
            docs::put(&mut batch, &versioned)?;
        }
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // Another node made the same one.
            Err(store::StoreError::Precondition { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    async fn partners_of(
        &self,
        hospital: &HospitalId,
        now: Instant,
    ) -> Result<Vec<HospitalId>, AppError> {
        let mut partners: Vec<HospitalId> = self
            .agreements_with(hospital)
            .await?
            .iter()
            .filter(|a| matches!(a.standing(now), Standing::Active | Standing::Suspended))
            .flat_map(|a| {
                a.terms
                    .partners(hospital)
                    .map(|p| p.hospital.clone())
                    .collect::<Vec<_>>()
            })
            .collect();
        partners.sort();
        partners.dedup();
        Ok(partners)
    }

    /// Recomputes every hospital's chain and holds it against every checkpoint that anyone on this node keeps.
    pub async fn verify_audit(&self) -> Result<Vec<ChainVerdict>, AppError> {
        self.flush_reads().await?;
        let mut out = Vec::new();
        for hospital in self.all_hospitals() {
            out.push(self.verify_one(&hospital.id).await?);
        }
        Ok(out)
    }

    /// The own hospital's chain, for those who audit.
    pub async fn verify_own_audit(&self, cx: &Cx) -> Result<ChainVerdict, AppError> {
        let hospital = self.may_audit(cx).await?;
        self.flush_reads().await?;
        self.verify_one(&hospital).await
    }

    async fn verify_one(&self, chain: &HospitalId) -> Result<ChainVerdict, AppError> {
        let permit = self.system(SystemPurpose::Audit);
        let report = self.store.verify_chain(&permit, chain).await?;
        let keys = self.hospital_jwks(chain).await?;
        let mut checkpoints = 0;
        let mut contradicts = None;
        for keeper in self.all_hospitals() {
            let mut after = None;
            loop {
                let by = vec![Lookup::new("chain", chain.as_str())];
                let page = self
                    .find::<CheckpointDoc>(&permit, Some(&keeper.id), by, after.clone(), 500, false)
                    .await?;
                let Some(last) = page.last() else { break };
                after = Some(last.key.id.clone());
                for kept in &page {
                    checkpoints += 1;
                    if contradicts.is_none() && !self.meets(chain, &kept.doc, &keys).await? {
                        contradicts = Some((keeper.id.clone(), kept.doc.number));
                    }
                }
            }
        }
        Ok(ChainVerdict {
            report,
            checkpoints,
            contradicts,
        })
    }

    async fn meets(
        &self,
        chain: &HospitalId,
        kept: &CheckpointDoc,
        keys: &seal::Jwks,
    ) -> Result<bool, AppError> {
        let Ok(signed) = Checkpoint::open(&kept.jws, keys) else {
            return Ok(false);
        };
        if signed.hospital != *chain || signed.count != kept.number {
            return Ok(false);
        }
        let permit = self.system(SystemPurpose::Audit);
        let filter = AuditFilter {
            before: Some(kept.number + 1),
            limit: 1,
            ..AuditFilter::default()
        };
        let page = self.store.audit(&permit, chain, &filter).await?;
        Ok(page
            .records
            .first()
            .is_some_and(|r| r.number == kept.number && signed.matches(&r.hash)))
    }
}
