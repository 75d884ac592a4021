//! What the operator of the network watches: how the node stands, what each part of it says, who works beside it, and
//! when its own work was last done. Nothing here is about a patient, a person or a hospital.

mod facts;
mod nodes;

use std::collections::BTreeMap;

use agreements::Role;
use kernel::Instant;

pub(crate) use nodes::HERE_EVERY_S;
pub use nodes::{JobRun, ThisNode};

use crate::{App, AppError, Cx};

/// A part of the node that can stand well or badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Store,
    Schema,
    Disk,
    Clock,
    Files,
    Backup,
    Shipping,
    Scrub,
    Bus,
    Keys,
    TimeStamps,
    Mail,
}

impl Part {
    /// Every part, in the order they are shown.
    pub const ALL: &'static [Part] = &[
        Part::Store,
        Part::Schema,
        Part::Disk,
        Part::Clock,
        Part::Files,
        Part::Backup,
        Part::Shipping,
        Part::Scrub,
        Part::Bus,
        Part::Keys,
        Part::TimeStamps,
        Part::Mail,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Store => "store",
            Part::Schema => "schema",
            Part::Disk => "disk",
            Part::Clock => "clock",
            Part::Files => "files",
            Part::Backup => "backup",
            Part::Shipping => "shipping",
            Part::Scrub => "scrub",
            Part::Bus => "bus",
            Part::Keys => "keys",
            Part::TimeStamps => "time-stamps",
            Part::Mail => "mail",
        }
    }
}

/// How a part stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactState {
    Ok,
    /// Not configured: it does nothing, and nothing is wrong with it.
    Absent,
    Warn,
    /// Something cannot be done until somebody acts.
    Stop,
}

/// One thing that can be said of a part. Pages put it into words as `fact-{code}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub part: Part,
    pub state: FactState,
    pub code: &'static str,
    /// Arguments of the words: `*_bytes` are bytes, `*_at` instants (RFC 3339), the rest as it stands.
    pub numbers: BTreeMap<&'static str, String>,
}

impl Fact {
    pub fn new(part: Part, state: FactState, code: &'static str) -> Self {
        Self {
            part,
            state,
            code,
            numbers: BTreeMap::new(),
        }
    }
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.numbers.insert(name, value.to_string());
        self
    }
}

/// One of the equal nodes on this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLine {
    pub name: String,
    pub address: String,
    pub version: String,
    pub started: Instant,
    pub seen: Instant,
    /// It answers this request.
    pub here: bool,
    /// It holds the lease and does the common work.
    pub leads: bool,
    /// It has not been seen for longer than it may be silent.
    pub silent: bool,
}

/// A piece of work that nobody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    pub name: &'static str,
    pub every_s: i64,
    /// Done by one node at a time, the one that holds the lease.
    pub leased: bool,
    /// The last run on any node; none since they started.
    pub ran: Option<JobRun>,
    /// Which node ran it.
    pub node: Option<String>,
    pub next: Option<Instant>,
}

/// How the node stands.
#[derive(Debug, Clone)]
pub struct Status {
    pub version: &'static str,
    pub base_url: String,
    pub now: Instant,
    /// Position of the newest commit.
    pub commits: u64,
    pub facts: Vec<Fact>,
    pub nodes: Vec<NodeLine>,
    pub jobs: Vec<JobLine>,
}

impl Status {
    /// The worst state of any fact; a job that failed last time counts as a warning.
    pub fn worst(&self) -> FactState {
        let jobs = self.jobs.iter().filter_map(|j| j.ran.as_ref());
        let failed = jobs.filter(|r| r.error.is_some()).count() > 0;
        let facts = self.facts.iter().map(|f| f.state);
        facts
            .filter(|s| *s != FactState::Absent)
            .chain(failed.then_some(FactState::Warn))
            .max()
            .unwrap_or(FactState::Ok)
    }
}

impl App {
    /// How the node stands, for its operator.
    pub async fn status(&self, cx: &Cx) -> Result<Status, AppError> {
        cx.require(Role::Operator)?;
        let mut facts = self.part_facts().await;
        facts.sort_by_key(|f| f.part);
        let known = self.nodes().await.unwrap_or_default();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION"),
            base_url: self.settings.base_url.clone(),
            now: cx.now,
            commits: *self.watch().borrow(),
            facts,
            nodes: self.node_lines(&known, cx.now),
            jobs: self.job_lines(&known, cx.now),
        })
    }
}
