//! Use cases: authorise, load, let a domain rule decide, commit. Pages, FHIR, jobs and the command line all come
//! in here; there is no other way to change anything.

pub mod access;
pub mod accounts;
pub mod agreements;
pub mod audit;
pub mod audit_entry;
pub mod border;
pub mod break_glass;
pub mod cases;
pub mod consents;
pub mod corrections;
pub mod cx;
pub mod deidentify;
pub mod docs;
pub mod downtime;
pub mod durability;
pub mod edges;
pub mod error;
mod feed;
pub mod fhir;
pub mod hospital_keys;
pub mod hospitals;
pub mod imaging;
pub mod jobs;
pub mod keeping;
pub mod live;
pub mod node_key;
pub mod notices;
pub mod operate;
pub mod opinions;
pub mod outbound;
pub mod package;
pub mod people;
pub mod providers;
pub mod readings;
pub mod records;
pub mod sessions;
pub mod settings;
pub mod sharing;
pub mod tokens;
pub mod uploads;
pub mod viewing;
pub mod webhooks;

use std::sync::Arc;

use kernel::{Clock, Entropy, Instant, ResourceId};
use store::Store;

pub use ::agreements::{Actor, ActorKind, Permit, Privilege, RecordClass, Role, SystemPurpose};
pub use cx::{Cx, Language};
pub use docs::{Document, Versioned};
pub use error::{AppError, Denial, FieldProblem};
pub use settings::Settings;

/// Everything a use case needs. Cheap to clone; equal nodes differ in nothing.
#[derive(Clone)]
pub struct App {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) hospitals: Arc<hospitals::Registry>,
    /// Opens the keys and secrets that the store holds wrapped.
    pub(crate) node_key: Arc<seal::NodeKey>,
    pub(crate) gate: Arc<accounts::Gate>,
    /// For requests that leave the node at a hospital's wish.
    pub(crate) outbound: outbound::Outbound,
    /// Webhooks this process is sending to.
    pub(crate) hooks: Arc<webhooks::Hooks>,
    /// For passkeys; none where the public address is no domain.
    pub(crate) relying_party: Option<Arc<webauthn_rs::Webauthn>>,
    pub(crate) reads: Arc<audit::reads::Reads>,
    pub(crate) clock_watch: Arc<jobs::ClockWatch>,
    /// When this process began, by the clock that only goes forward.
    pub(crate) started: std::time::Instant,
    /// Stamps the time of signatures; none: the hospital's clock alone states it.
    pub(crate) authority: Option<Arc<dyn opinions::stamps::Authority>>,
    /// What this process says of itself to the operator.
    pub(crate) this_node: Arc<operate::ThisNode>,
    pub(crate) faces: Arc<people::faces::Faces>,
    /// Studies that come in.
    pub(crate) arriving: Arc<imaging::Arriving>,
    /// Studies that several look at together.
    pub(crate) rooms: Arc<viewing::together::Rooms>,
    pub(crate) remembered: Arc<keeping::Remembered>,
}

impl App {
    /// Builds the application over an open store. Loads the hospitals once; later changes come by the feed.
    pub async fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
        node_key: Arc<seal::NodeKey>,
    ) -> Result<Self, AppError> {
        let authority = match &settings.time_stamp {
            Some(time_stamp) => Some(Arc::new(opinions::stamps::HttpAuthority::new(time_stamp)?)
                as Arc<dyn opinions::stamps::Authority>),
            None => None,
        };
        let app = Self {
            store,
            clock,
            entropy,
            hooks: Arc::default(),
            outbound: outbound::Outbound::new(settings.outbound_private),
            relying_party: accounts::passkeys::relying_party(&settings.base_url).map(Arc::new),
            settings: Arc::new(settings),
            hospitals: Arc::new(hospitals::Registry::default()),
            node_key,
            gate: Arc::default(),
            reads: Arc::default(),
            clock_watch: Arc::default(),
            started: std::time::Instant::now(),
            authority,
            this_node: Arc::default(),
            faces: Arc::default(),
            arriving: Arc::default(),
            rooms: Arc::default(),
            remembered: Arc::default(),
        };
        app.reload_hospitals().await?;
        Ok(app)
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A new id that sorts after earlier ones.
    pub fn new_id(&self) -> ResourceId {
        let text = self.entropy.uuid_v7(self.now());
        // A UUID is always within the id rule of FHIR.
        ResourceId::new(text).unwrap_or_else(|_| unreachable!("a UUID is a valid id"))
    }

    pub(crate) fn system(&self, purpose: SystemPurpose) -> Permit {
        Permit::system(purpose, self.now())
    }

    /// The position of the newest commit; changes wake the receiver.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.store.watch()
    }

    /// Tells live pages and jobs that the server closes. Requests under way are finished.
    pub fn begin_closing(&self) {
        self.gate.close();
    }

    /// True once the server closes.
    pub fn closing(&self) -> tokio::sync::watch::Receiver<bool> {
        self.gate.closing()
    }

    /// Returns once the server closes.
    pub async fn until_closing(&self) {
        let mut closing = self.closing();
        // An error says that the gate is gone, which is as closed as it gets.
        let _ = closing.wait_for(|closed| *closed).await;
    }

    /// Finishes accepted writes and closes the store. Nothing may be asked afterwards.
    pub async fn close(&self) {
        self.gate.close();
        if let Err(error) = self.flush_reads().await {
            tracing::error!(error = %error, "the last reads were not written to the audit");
        }
        self.store.close().await;
    }

    /// Whether the store can serve, in words for the operator.
    pub async fn health(&self) -> Result<(), AppError> {
        Ok(self.store.health().await?)
    }
}
