//! The equal nodes on one database and the runs of their jobs.
//!
//! A node keeps what its jobs did in memory and writes one document about itself each minute, so that the operator
//! sees every node from any of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use agreements::SystemPurpose;
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition};

use super::{JobLine, NodeLine};
use crate::docs::{self, Document, Versioned};
use crate::jobs::{JOBS, Ran};
use crate::{App, AppError};

/// How often a node writes that it is there, seconds.
pub(crate) const HERE_EVERY_S: i64 = 60;
/// A node that was not seen for longer is silent, seconds.
const SILENT_AFTER_S: i64 = 150;
/// A silent node is forgotten after this, hours.
const FORGOTTEN_AFTER_H: i64 = 24;
const NODES_MAX: u32 = 200;

/// The last run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    pub at: Instant,
    /// How many things were done.
    pub done: usize,
    /// What went wrong, in words for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
}

/// This process, as far as the operator wants to know it.
#[derive(Debug, Default)]
pub struct ThisNode(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    name: String,
    started: Option<Instant>,
    leads: bool,
    runs: BTreeMap<String, JobRun>,
}

impl ThisNode {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Named by the loop that runs its jobs.
    pub(crate) fn named(&self, name: &str, started: Instant) {
        let mut inner = self.inner();
        name.clone_into(&mut inner.name);
        inner.started.get_or_insert(started);
    }

    pub(crate) fn leads(&self, leads: bool) {
        self.inner().leads = leads;
    }

    pub(crate) fn ran(&self, ran: &Ran) {
        let mut inner = self.inner();
        let run = inner.runs.entry(ran.name.to_owned()).or_insert(JobRun {
            at: ran.at,
            done: 0,
            error: None,
            failures: 0,
        });
        run.at = ran.at;
        match &ran.outcome {
            Ok(done) => {
                run.done = *done;
                run.error = None;
                run.failures = 0;
            }
            Err(error) => {
                run.error = Some(error.to_string());
                run.failures = run.failures.saturating_add(1);
            }
        }
    }
}

/// What a node writes about itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodeDoc {
    name: String,
    address: String,
    version: String,
    started: Instant,
    seen: Instant,
    leads: bool,
    runs: BTreeMap<String, JobRun>,
}

impl Document for NodeDoc {
    const KIND: &'static str = "node";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// Writes that this node is there and what its jobs did; forgets nodes that have been silent for a day.
    pub async fn node_here(&self) -> Result<usize, AppError> {
        let Some(doc) = self.own_line(self.now()) else {
            return Ok(0);
        };
        let id = ResourceId::new(doc.name.as_str())?;
        let key = self.doc_key::<NodeDoc>(&HospitalId::network(), &id);
        let permit = self.system(SystemPurpose::Job);
        let held = self
            .load::<NodeDoc>(&permit, &key.hospital, &key.id)
            .await?;
        let now = doc.seen;
        let mut batch = Batch::new(now);
        docs::put(
            &mut batch,
            &Versioned {
                key,
                version: held.map_or(0, |h| h.version),
                doc,
            },
        )?;
        for gone in self.nodes().await? {
            let silent = now.duration_since(gone.doc.seen);
            if silent > SignedDuration::from_hours(FORGOTTEN_AFTER_H) {
                batch.delete(gone.key, Precondition::Version(gone.version));
            }
        }
        self.store.commit(batch).await?;
        Ok(1)
    }

    /// This node as it stands; none before its jobs run.
    fn own_line(&self, now: Instant) -> Option<NodeDoc> {
        let inner = self.this_node.inner();
        Some(NodeDoc {
            started: inner.started?,
            name: inner.name.clone(),
            address: self.settings.base_url.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seen: now,
            leads: inner.leads,
            runs: inner.runs.clone(),
        })
    }

    pub(super) async fn nodes(&self) -> Result<Vec<Versioned<NodeDoc>>, AppError> {
        let permit = self.system(SystemPurpose::Operator);
        let network = HospitalId::network();
        self.find::<NodeDoc>(&permit, Some(&network), Vec::new(), None, NODES_MAX, false)
            .await
    }

    /// Every node, this one as it stands now and first.
    fn all_nodes(&self, known: &[Versioned<NodeDoc>], now: Instant) -> Vec<NodeDoc> {
        let own = self.own_line(now);
        let others = known
            .iter()
            .map(|k| &k.doc)
            .filter(|d| own.as_ref().is_none_or(|o| o.name != d.name))
            .cloned();
        let mut all: Vec<NodeDoc> = others.collect();
        all.sort_by_key(|d| std::cmp::Reverse(d.seen));
        own.into_iter().chain(all).collect()
    }

    pub(super) fn node_lines(&self, known: &[Versioned<NodeDoc>], now: Instant) -> Vec<NodeLine> {
        let here = self.this_node.inner().name.clone();
        let silent = SignedDuration::from_secs(SILENT_AFTER_S);
        self.all_nodes(known, now)
            .into_iter()
            .map(|d| {
                let is_silent = now.duration_since(d.seen) > silent;
                NodeLine {
                    here: d.name == here,
                    leads: d.leads && !is_silent,
                    silent: is_silent,
                    name: d.name,
                    address: d.address,
                    version: d.version,
                    started: d.started,
                    seen: d.seen,
                }
            })
            .collect()
    }

    /// Every job with its last run on any node. What each node does for itself is told of this one.
    pub(super) fn job_lines(&self, known: &[Versioned<NodeDoc>], now: Instant) -> Vec<JobLine> {
        let nodes = self.all_nodes(known, now);
        JOBS.iter()
            .map(|job| {
                let runs = nodes
                    .iter()
                    .take(if job.leased { usize::MAX } else { 1 })
                    .filter_map(|n| Some((n.name.clone(), n.runs.get(job.name)?.clone())));
                let last = runs.max_by_key(|(_, run)| run.at);
                let next = last.as_ref().and_then(|(_, run)| {
                    run.at
                        .checked_add(SignedDuration::from_secs(job.every_s))
                        .ok()
                });
                let (node, ran) = last.unzip();
                JobLine {
                    name: job.name,
                    every_s: job.every_s,
                    leased: job.leased,
                    ran,
                    node,
                    next,
                }
            })
            .collect()
    }
}
