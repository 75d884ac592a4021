//! Ends live pages: when a session is revoked, an account suspended, or the server closes, whoever holds a
//! [`SessionWatch`] hears of it at once, on whichever node it happened: each node follows the feed (`crate::feed`).

use std::time::Duration;

use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use store::{Batch, Event};
use tokio::sync::{broadcast, watch};

use super::SignedIn;
use crate::App;

/// Somebody ended the session.
pub(super) const SESSION_ENDED: &str = "session.ended";
/// The session ended itself: its own page is on its way elsewhere.
pub(super) const SIGNED_OUT: &str = "session.signed-out";
/// The session acts for another hospital now.
pub(crate) const SEAT_LEFT: &str = "session.seat-left";
const ACCOUNT_ENDED: &str = "account.ended";
const SEAT_ENDED: &str = "account.seat-ended";

/// What has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Session(ResourceId),
    /// Every session of the account.
    Account(AccountId),
    /// The account's sessions that act for this hospital.
    Seat(AccountId, HospitalId),
}

impl Ended {
    /// Puts word of it into the batch, for the other nodes. `account` is the key of the account's document.
    pub(crate) fn announce(&self, batch: &mut Batch, account: &RecordKey) {
        match self {
            Self::Session(_) => {}
            Self::Account(_) => {
                batch.event(ACCOUNT_ENDED, account, "{}");
            }
            Self::Seat(_, hospital) => {
                batch.event(SEAT_ENDED, account, format!(r#"{{"seat":"{hospital}"}}"#));
            }
        }
    }

    /// What an event says has ended.
    fn of(event: &Event) -> Option<Self> {
        let account = || AccountId::new(event.subject.id.as_str()).ok();
        match event.topic.as_str() {
            SESSION_ENDED | SEAT_LEFT => Some(Self::Session(event.subject.id.clone())),
            ACCOUNT_ENDED => account().map(Self::Account),
            SEAT_ENDED => {
                let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
                let hospital = HospitalId::new(data["seat"].as_str()?).ok()?;
                account().map(|a| Self::Seat(a, hospital))
            }
            _ => None,
        }
    }
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
    /// The store was asked once since the watch began: nothing falls between the request and the watch.
    asked: bool,
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
            asked: false,
        }
    }

    /// Tells this node's live pages if an event says that something has ended, on whichever node.
    pub(crate) fn tell_end(&self, event: &Event) {
        // Whoever begins to listen asks the store first.
        if !self.gate.is_listened_to() {
            return;
        }
        if event.topic == SIGNED_OUT {
            self.end_soon(event.subject.id.clone());
        } else if let Some(what) = Ended::of(event) {
            self.gate.tell(what);
        }
    }
}

impl SessionWatch {
    /// Returns when the session has ended or the server closes. May be dropped and called again.
    pub async fn ended(&mut self) {
        if !std::mem::replace(&mut self.asked, true) && !self.lives().await {
            return;
        }
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
