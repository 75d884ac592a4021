//! Edges: the small nodes at remote hospitals that take images from scanners and send them on over a bad line. Each tells
//! the centre how it stands; one that falls silent is seen.

use agreements::{ActorKind, Role, SystemPurpose};
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// An edge that said nothing for longer is silent, seconds. It reports every half minute.
pub const SILENT_AFTER_S: i64 = 150;
/// Edges one hospital may have.
const EDGES_MAX: u32 = 200;

/// How the line of an edge stands, as the edge sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeLine {
    Idle,
    Sending,
    Closed,
    Away,
    Unknown,
}

impl EdgeLine {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Sending => "sending",
            Self::Closed => "closed",
            Self::Away => "away",
            Self::Unknown => "unknown",
        }
    }
}

/// What an edge says of itself. Nothing in it names a patient or a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EdgeReport {
    pub version: String,
    pub line: EdgeLine,
    /// Since when the line is cut, if it is.
    #[serde(default)]
    pub away_since: Option<Instant>,
    #[serde(default)]
    pub last_sent: Option<Instant>,
    /// Objects that wait, their bytes, and the studies they belong to.
    pub waiting: u64,
    pub waiting_bytes: u64,
    pub studies: u64,
    pub urgent_studies: u64,
    /// When the oldest of them came.
    #[serde(default)]
    pub oldest: Option<Instant>,
    /// Objects that the centre refused and that lie aside.
    pub refused: u64,
    /// As measured with the last pieces, bits in a second.
    #[serde(default)]
    pub rate_bps: Option<u64>,
    /// Free room on the spool's disk, bytes.
    #[serde(default)]
    pub free_bytes: Option<u64>,
}

/// An edge as the centre remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub name: String,
    pub seen: Instant,
    pub report: EdgeReport,
}

impl Document for Edge {
    const KIND: &'static str = "edge";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl Edge {
    pub fn is_silent(&self, now: Instant) -> bool {
        now.duration_since(self.seen).as_secs() > SILENT_AFTER_S
    }
}

impl App {
    /// Takes down how an edge of the machine's own hospital stands. `Denied` for everybody else.
    pub async fn report_edge(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        name: &str,
        report: EdgeReport,
    ) -> Result<(), AppError> {
        if cx.actor.kind != ActorKind::Machine || cx.actor.hospital.as_ref() != Some(hospital) {
            return Err(AppError::denied("other-hospital"));
        }
        let id = ResourceId::new(name)?;
        let key = self.doc_key::<Edge>(hospital, &id);
        let edge = Versioned {
            key,
            version: 0,
            doc: Edge {
                name: name.to_owned(),
                seen: cx.now,
                report,
            },
        };
        let known = self.edges_of(hospital).await?;
        if known.len() >= EDGES_MAX as usize && known.iter().all(|e| e.name != edge.doc.name) {
            return Err(AppError::TooMuch("edges of one hospital"));
        }
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &edge)?;
        if let Some(write) = batch.writes.last_mut() {
            // The newest word of an edge counts, whatever it said before.
            write.expect = Precondition::Any;
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The edges of the administrator's hospital, by name.
    pub async fn edges(&self, cx: &Cx) -> Result<Vec<Edge>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        self.edges_of(&hospital).await
    }

    async fn edges_of(&self, hospital: &HospitalId) -> Result<Vec<Edge>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Edge>(
                &permit,
                Some(hospital),
                Vec::new(),
                None,
                EDGES_MAX + 1,
                false,
            )
            .await?;
        Ok(found.into_iter().map(|e| e.doc).collect())
    }
}
