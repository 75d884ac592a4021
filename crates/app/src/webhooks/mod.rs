//! Webhooks of a hospital: its administrator names an address, and the events of the hospital are sent there, signed, at
//! least once, in the order in which they were committed. They name things and states; nothing in them is patient data.

mod deliver;
mod manage;

use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Event, Lookup};

use crate::docs::Document;

pub use deliver::Hooks;
pub use manage::{DeliveryLine, NewWebhook, WebhookLine, WebhookView};

/// What may be asked for: events whose topic begins with the word and a dot.
pub const TOPICS: [&str; 9] = [
    "agreement",
    "break-glass",
    "case",
    "consent",
    "hospital",
    "imaging",
    "opinion",
    "reading",
    "record",
];
/// Webhooks one hospital may have.
pub const WEBHOOKS_MAX: usize = 20;
/// How long the secret before the last still signs, seconds.
pub const SECRET_OVERLAP_S: i64 = 24 * 3600;

/// Where an event stands in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    position: u64,
    ordinal: u32,
}

/// A secret of a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HookSecret {
    /// 32 bytes under the node key, base64url.
    pub(crate) wrapped: String,
    /// Set when a newer one took its place: it signs beside the newer one until then.
    until: Option<Instant>,
}

/// Whether a webhook is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum HookState {
    Active,
    /// By the administrator.
    Paused,
    /// By us, after it failed for days.
    Failed {
        at: Instant,
    },
    /// By the receiver, which answered 410.
    Gone {
        at: Instant,
    },
}

impl HookState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Failed { .. } => "failed",
            Self::Gone { .. } => "gone",
        }
    }
}

/// A webhook as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    name: String,
    url: String,
    topics: Vec<String>,
    /// Newest last; one or two.
    pub(crate) secrets: Vec<HookSecret>,
    created: Instant,
    #[serde(flatten)]
    state: HookState,
    /// Everything up to here was sent or does not concern it.
    done: Place,
    /// Tries of the event that is next.
    tries: u32,
    /// Not before.
    next: Instant,
    failing_since: Option<Instant>,
}

impl Document for Webhook {
    const KIND: &'static str = "webhook";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::new("state", self.state.code())]
    }
}

impl Webhook {
    /// Whether an event is to be sent: it is of the hospital, of a case the hospital answers or of the reading of a study
    /// the hospital keeps, and was asked for.
    fn wants(&self, hospital: &HospitalId, event: &Event) -> bool {
        #[derive(Deserialize, Default)]
        struct Data {
            answering: Option<HospitalId>,
            /// Of a reading: who keeps the study.
            reading: Option<HospitalId>,
        }
        let topic = event.topic.split('.').next().unwrap_or_default();
        if !self.topics.iter().any(|t| t == topic) {
            return false;
        }
        let data: Data = serde_json::from_str(&event.data).unwrap_or_default();
        let parties = [
            Some(&event.hospital),
            data.answering.as_ref(),
            data.reading.as_ref(),
        ];
        parties.contains(&Some(hospital))
    }
}

/// What became of one event at one webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    hook: ResourceId,
    place: Place,
    topic: String,
    subject: RecordKey,
    /// When it happened.
    at: Instant,
    tries: u32,
    last: Instant,
    /// The status that was answered, or why none was.
    answer: Answer,
}

/// How a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Status(u16),
    /// No answer: a word for people (`hook-failure-{word}`).
    None(String),
}

impl Answer {
    /// A 2xx answer (Standard Webhooks, "Deliverability and reliability").
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

impl Document for Delivery {
    const KIND: &'static str = "webhook-delivery";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::new("hook", self.hook.as_str())]
    }
}

/// What the wrapped secret belongs to.
pub(crate) fn secret_context(key: &RecordKey) -> String {
    format!("webhook-secret/{}/{}", key.hospital, key.id)
}
