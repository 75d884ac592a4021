//! Work that nobody asks for: clocks, mail, ends of agreements, checkpoints, sweeping.
//!
//! One node of several holds the lease and does the work; a dead node's lease runs out and another takes it up.
//! Every job is idempotent, so that a run cut short is simply run again.

mod case_clocks;
mod clock;
mod lease;
mod outbox;
mod scrub;

use futures::future::BoxFuture;
use kernel::Instant;

pub use clock::{ClockWatch, Jump};
pub use lease::Lease;
pub use scrub::{Pass, ScrubState};

use crate::{App, AppError};

/// Folders of files that are looked through for strays at once.
const STRAY_FOLDERS: usize = 16;

/// One kind of work.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) every_s: i64,
    /// Done by the node that holds the lease; others are every node's own housekeeping.
    pub(crate) leased: bool,
    run: for<'a> fn(&'a App) -> BoxFuture<'a, Result<usize, AppError>>,
}

impl Job {
    /// Whether it waits for `at`. No job waits longer than its own pause: a clock that went back does not stop it.
    fn waits(&self, at: Instant, now: Instant) -> bool {
        at > now && now.duration_until(at).as_secs() <= self.every_s
    }
}

pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "mail",
        every_s: 5,
        leased: true,
        run: |app| Box::pin(app.send_mail()),
    },
    Job {
        name: "webhooks",
        every_s: 1,
        leased: true,
        run: |app| Box::pin(app.begin_webhooks()),
    },
    Job {
        name: "case-clocks",
        every_s: 15,
        leased: true,
        run: |app| Box::pin(app.case_clocks()),
    },
    Job {
        name: "readings",
        every_s: 2,
        leased: true,
        run: |app| Box::pin(app.follow_studies()),
    },
    Job {
        name: "critical-clocks",
        every_s: 15,
        leased: true,
        run: |app| Box::pin(app.critical_clocks()),
    },
    Job {
        name: "case-round",
        every_s: 5 * 60,
        leased: true,
        run: |app| Box::pin(app.case_round()),
    },
    Job {
        name: "audit-reads",
        every_s: 1,
        leased: false,
        run: |app| Box::pin(app.flush_reads()),
    },
    Job {
        name: "agreement-clock",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.agreement_clock()),
    },
    Job {
        name: "audit-checkpoints",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.checkpoint_audit()),
    },
    Job {
        name: "downtime-packs",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.downtime_packs()),
    },
    Job {
        name: "node-here",
        every_s: crate::operate::HERE_EVERY_S,
        leased: false,
        run: |app| Box::pin(app.node_here()),
    },
    Job {
        name: "time-stamps",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.late_time_stamps()),
    },
    Job {
        name: "clock",
        every_s: 5,
        leased: false,
        run: |app| Box::pin(app.watch_clock()),
    },
    Job {
        name: "quiet-studies",
        every_s: 2,
        leased: true,
        run: |app| Box::pin(app.quiet_studies()),
    },
    Job {
        name: "copies",
        every_s: 1,
        leased: true,
        run: |app| Box::pin(app.make_copies()),
    },
    Job {
        name: "copy-sweep",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.sweep_copies()),
    },
    Job {
        name: "scrub",
        every_s: 60,
        leased: true,
        run: |app| Box::pin(app.scrub_stretch()),
    },
    Job {
        name: "retention",
        every_s: 3600,
        leased: true,
        run: |app| Box::pin(app.retention_round()),
    },
    Job {
        name: "blob-sweep",
        every_s: 3600,
        leased: true,
        run: |app| Box::pin(app.sweep_blobs()),
    },
    Job {
        name: "stray-sweep",
        every_s: 5 * 60,
        leased: true,
        run: |app| Box::pin(app.sweep_strays()),
    },
    Job {
        name: "upload-sweep",
        every_s: 3600,
        leased: true,
        run: |app| Box::pin(app.sweep_uploads()),
    },
    Job {
        name: "spent-proofs",
        every_s: 15 * 60,
        leased: true,
        run: |app| {
            Box::pin(async {
                app.forget_used_assertions().await?;
                app.forget_ceremonies().await?;
                app.forget_failures().await?;
                app.forget_deliveries().await?;
                Ok(0)
            })
        },
    },
];

/// What one run did.
#[derive(Debug)]
pub struct Ran {
    pub name: &'static str,
    pub at: Instant,
    /// How many things were done, or what went wrong.
    pub outcome: Result<usize, AppError>,
}

/// When each job of this node is due. Starts with everything due.
#[derive(Debug)]
pub struct Schedule {
    node: String,
    next: Vec<Option<Instant>>,
    lease: Option<Lease>,
}

impl Schedule {
    /// `node` names this process among equal ones.
    pub fn new(node: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            next: vec![None; JOBS.len()],
            lease: None,
        }
    }
}

impl App {
    /// Runs every job that is due now. A failure of one does not keep the others from running.
    pub async fn run_due(&self, schedule: &mut Schedule) -> Vec<Ran> {
        let now = self.now();
        let leads = match self.hold_lease(&schedule.node, schedule.lease.take()).await {
            Ok(lease) => {
                schedule.lease = lease;
                schedule.lease.is_some()
            }
            Err(error) => {
                tracing::warn!(error = %error, "the lease of the jobs cannot be asked for");
                false
            }
        };
        self.this_node.named(&schedule.node, now);
        self.this_node.leads(leads);
        let mut ran = Vec::new();
        for (job, next) in JOBS.iter().zip(&mut schedule.next) {
            if next.is_some_and(|at| job.waits(at, now)) || (job.leased && !leads) {
                continue;
            }
            *next = now
                .saturating_add(jiff::SignedDuration::from_secs(job.every_s))
                .ok();
            let outcome = (job.run)(self).await;
            if let Err(error) = &outcome {
                tracing::error!(job = job.name, error = %error, "job failed");
            }
            let done = Ran {
                name: job.name,
                at: now,
                outcome,
            };
            self.this_node.ran(&done);
            ran.push(done);
        }
        ran
    }

    /// Looks through a few folders of files; goes on with the next ones the next time.
    async fn sweep_strays(&self) -> Result<usize, AppError> {
        let mut deleted = 0;
        for _ in 0..STRAY_FOLDERS {
            let after = self.arriving.stray_folder(None);
            let done = self.store.sweep_strays(after).await?;
            deleted += usize::try_from(done.deleted).unwrap_or(usize::MAX);
            let over = done.next.is_none();
            self.arriving.stray_folder(Some(done.next));
            if over {
                break;
            }
        }
        Ok(deleted)
    }

    async fn sweep_blobs(&self) -> Result<usize, AppError> {
        Ok(usize::try_from(self.store.sweep_blobs().await?).unwrap_or(usize::MAX))
    }

    /// Runs the jobs until the server closes.
    pub async fn run_jobs(&self, node: String) {
        let mut schedule = Schedule::new(node);
        let closing = self.until_closing();
        tokio::pin!(closing);
        let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => { self.run_due(&mut schedule).await; }
                () = &mut closing => break,
            }
        }
        if let Err(error) = self.give_lease_back(schedule.lease.take()).await {
            tracing::warn!(error = %error, "the lease of the jobs runs out by itself");
        }
    }
}
