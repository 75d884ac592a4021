//! What all sign-ins of this process share: a bound on hashing at once, and word of what has ended.

use std::sync::{Arc, OnceLock};

use kernel::{Entropy, Instant, Phi, ResourceId};
use tokio::sync::{Mutex, MutexGuard, Semaphore, broadcast, watch};

use super::password;
use super::throttle::Begun;
use crate::AppError;
use crate::sessions::live::Ended;

/// Password hashes computed at once: each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 4;
/// Sign-ins that may wait for their hash before more are turned away.
const HASHES_WAITING_MAX: usize = 64;
/// Ends that a slow live page may leave unheard before it asks the store.
const ENDED_BACKLOG: usize = 256;

pub struct Gate {
    counting: Mutex<()>,
    begun: Begun,
    hashing: Arc<Semaphore>,
    waiting: Semaphore,
    nobody: OnceLock<String>,
    ended: broadcast::Sender<Ended>,
    closing: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            counting: Mutex::default(),
            begun: Begun::default(),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Semaphore::new(HASHES_WAITING_MAX),
            nobody: OnceLock::new(),
            ended: broadcast::Sender::new(ENDED_BACKLOG),
            closing: watch::Sender::new(false),
        }
    }
}

impl Gate {
    /// One's turn to write a count of failures.
    pub(super) async fn counting(&self) -> MutexGuard<'_, ()> {
        self.counting.lock().await
    }

    /// Refuses a stranger who begins more than an origin may.
    pub(crate) fn may_begin(&self, origin: &str, now: Instant) -> Result<(), AppError> {
        self.begun.one_more(origin, now)
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let busy = || AppError::RateLimited { retry_after_s: 2 };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let permit = self
            .hashing
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| busy())?;
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| AppError::Internal("password hash".into()))
    }

    /// Whether the password is the account's. Without an account the same work is done for nothing.
    pub async fn verify(
        &self,
        password: Phi<String>,
        phc: Option<String>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<bool, AppError> {
        let nobody = self.nobody.get().cloned();
        let (right, made) = self
            .on_a_thread(move || match (phc, nobody) {
                (Some(phc), _) => (password::verify(&password, &phc), None),
                (None, Some(dummy)) => {
                    password::verify(&password, &dummy);
                    (false, None)
                }
                (None, None) => (false, password::hash(&password, &*entropy).ok()),
            })
            .await?;
        if let Some(made) = made {
            let _ = self.nobody.set(made);
        }
        Ok(right)
    }

    pub async fn hash(
        &self,
        password: Phi<String>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<String, AppError> {
        self.on_a_thread(move || password::hash(&password, &*entropy))
            .await?
    }

    pub(crate) fn ended(&self) -> broadcast::Receiver<Ended> {
        self.ended.subscribe()
    }
    /// Whether any live page waits for word of an end.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.ended.receiver_count() > 0
    }
    pub(crate) fn tell(&self, what: Ended) {
        let _ = self.ended.send(what);
    }
    pub(crate) fn end_session(&self, session: ResourceId) {
        let _ = self.ended.send(Ended::Session(session));
    }

    pub fn close(&self) {
        self.closing.send_replace(true);
    }
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}
