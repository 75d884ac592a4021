//! The right to do the node's common work, held by one of several equal nodes at a time.

use agreements::SystemPurpose;
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};

/// How long a lease lasts without being renewed, seconds. A dead node's work is taken up after this.
const LEASE_S: i64 = 90;
/// A lease with less than this left is renewed, seconds.
const RENEW_BELOW_S: i64 = 30;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LeaseDoc {
    node: String,
    until: Instant,
}

impl LeaseDoc {
    /// One that would hold for longer than any lease does was taken under a clock that was wrong.
    fn holds(&self, now: Instant) -> bool {
        self.until > now && now.duration_until(self.until).as_secs() <= LEASE_S
    }
}

impl Document for LeaseDoc {
    const KIND: &'static str = "lease";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

/// A held lease.
#[derive(Debug, Clone)]
pub struct Lease {
    key: RecordKey,
    version: u64,
    until: Instant,
}

impl Lease {
    fn holds(&self, now: Instant) -> bool {
        now.duration_until(self.until).as_secs() <= LEASE_S
    }
}

impl App {
    /// Keeps, renews or takes the lease; `None` when another node holds it.
    pub(super) async fn hold_lease(
        &self,
        node: &str,
        held: Option<Lease>,
    ) -> Result<Option<Lease>, AppError> {
        let now = self.now();
        let enough = now
            .saturating_add(SignedDuration::from_secs(RENEW_BELOW_S))
            .unwrap_or(now);
        if let Some(lease) = held.filter(|l| l.until > enough && l.holds(now)) {
            return Ok(Some(lease));
        }
        let permit = self.system(SystemPurpose::Job);
        let network = HospitalId::network();
        let id = ResourceId::new("jobs")?;
        let found = self.load::<LeaseDoc>(&permit, &network, &id).await?;
        if found
            .as_ref()
            .is_some_and(|f| f.doc.node != node && f.doc.holds(now))
        {
            return Ok(None);
        }
        let until = now
            .saturating_add(SignedDuration::from_secs(LEASE_S))
            .unwrap_or(now);
        let next = Versioned {
            key: self.doc_key::<LeaseDoc>(&network, &id),
            version: found.map_or(0, |f| f.version),
            doc: LeaseDoc {
                node: node.to_owned(),
                until,
            },
        };
        let mut batch = Batch::new(now);
        docs::put(&mut batch, &next)?;
        match self.store.commit(batch).await {
            Ok(done) => {
                let version = done.versions.first().copied().unwrap_or_default();
                Ok(Some(Lease {
                    key: next.key,
                    version,
                    until,
                }))
            }
            // Another node was quicker.
            Err(store::StoreError::Precondition { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the lease at once, so that another node need not wait for it.
    pub(super) async fn give_lease_back(&self, held: Option<Lease>) -> Result<(), AppError> {
        let Some(lease) = held else {
            return Ok(());
        };
        let now = self.now();
        let ended = Versioned {
            key: lease.key,
            version: lease.version,
            doc: LeaseDoc {
                node: String::new(),
                until: now,
            },
        };
        let mut batch = Batch::new(now);
        docs::put(&mut batch, &ended)?;
        self.store.commit(batch).await?;
        Ok(())
    }
}
