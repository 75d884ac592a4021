//! Ends live pages: when a session is revoked, an account suspended, or the server closes, whoever holds a
//! [`SessionWatch`] hears of it at once.

use std::time::Duration;

use kernel::{AccountId, HospitalId, Instant, ResourceId};
use tokio::sync::{broadcast, watch};

use super::SignedIn;
use crate::App;

/// What has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Session(ResourceId),
    /// Every session of the account.
    Account(AccountId),
    /// The account's sessions that act for this hospital.
    Seat(AccountId, HospitalId),
}

/// Waits for the end of one session.
#[derive(Debug)]
pub struct SessionWatch {
    app: App,
    session: ResourceId,
    account: AccountId,
    hospital: Option<HospitalId>,
    ends: Instant,
    ended: broadcast::Receiver<Ended>,
    closing: watch::Receiver<bool>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// Begins to watch the session behind a request. Take it before reading what the page shows.
    pub fn session_watch(&self, signed: &SignedIn) -> SessionWatch {
        SessionWatch {
            app: self.clone(),
            session: signed.session.clone(),
            account: signed.cx.actor.account.clone(),
            hospital: signed.cx.actor.hospital.clone(),
            ends: signed.ends,
            ended: self.gate.ended(),
            closing: self.closing(),
        }
    }
}

impl SessionWatch {
    /// Returns when the session has ended or the server closes. May be dropped and called again.
    pub async fn ended(&mut self) {
        loop {
            let left = self.app.now().duration_until(self.ends);
            let left = Duration::try_from(left).unwrap_or_default();
            let heard = tokio::select! {
                heard = self.ended.recv() => Some(heard),
                _ = self.closing.wait_for(|closing| *closing) => return,
                () = tokio::time::sleep(left.max(Duration::from_secs(1))) => None,
            };
            let over = match heard {
                Some(Ok(what)) => self.concerns(&what),
                Some(Err(broadcast::error::RecvError::Closed)) => true,
                // Too much was said to hear it all, or use elsewhere may have moved the end: ask the store.
                Some(Err(broadcast::error::RecvError::Lagged(_))) | None => !self.lives().await,
            };
            if over {
                return;
            }
        }
    }

    fn concerns(&self, what: &Ended) -> bool {
        match what {
            Ended::Session(id) => id == &self.session,
            Ended::Account(id) => id == &self.account,
            Ended::Seat(id, hospital) => {
                id == &self.account && self.hospital.as_ref() == Some(hospital)
            }
        }
    }

    async fn lives(&mut self) -> bool {
        match self.app.load_session(&self.session, self.app.now()).await {
            Ok(Some(session)) => {
                self.ends = session.doc.ends();
                true
            }
            _ => false,
        }
    }
}
