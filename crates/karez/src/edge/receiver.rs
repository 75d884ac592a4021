//! What stands behind the edge's DICOM listener: the spool. It keeps objects and answers an echo; nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use app::imaging::Content;
use async_trait::async_trait;
use bytes::Bytes;

use edge::{About, Spool, SpoolError};
use gateway::dimse::Refusal;
use gateway::dimse::classes::Service;
use gateway::dimse::host::{Host, Proof, Titles};
use gateway::dimse::status::{self, Status};
use imaging::{Limits, Object, Tag};
use kernel::{Clock, Entropy};
use tokio::sync::Notify;

/// Study Priority ID (0032,000C) and Requested Procedure Priority (0040,1003): `HIGH` and `STAT` go first (PS3.3 C.4.11).
const PRIORITIES: [Tag; 2] = [Tag(0x0032, 0x000c), Tag(0x0040, 0x1003)];
/// Request Attributes Sequence: what the order said (PS3.3 10.6).
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);

pub struct Receiver {
    pub spool: Arc<Mutex<Spool>>,
    pub wake: Arc<Notify>,
    pub title: String,
    pub peers: Vec<String>,
    pub urgent_peers: Vec<String>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

#[async_trait]
impl Host for Receiver {
    /// The calling title.
    type Peer = String;
    type Line = ();

    fn serves(&self, service: Service) -> bool {
        matches!(service, Service::Verification | Service::Storage)
    }

    async fn peer(&self, titles: &Titles, _: &Proof) -> Result<String, Refusal> {
        if titles.called != self.title {
            return Err(Refusal::CalledTitle);
        }
        if !self.peers.is_empty() && !self.peers.contains(&titles.calling) {
            return Err(Refusal::CallingTitle);
        }
        Ok(titles.calling.clone())
    }

    fn may(&self, _: &String, service: Service) -> bool {
        self.serves(service)
    }

    async fn keep(&self, peer: &String, _exchange: &str, file: Content) -> Status {
        // An edge takes no larger object than it can hold.
        let Some(file) = file.held().cloned() else {
            return (status::OUT_OF_RESOURCES, "larger than is taken");
        };
        let (spool, clock, entropy) = (
            Arc::clone(&self.spool),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        );
        let (sender, always) = (peer.clone(), self.urgent_peers.contains(peer));
        let kept = tokio::task::spawn_blocking(move || {
            let about = about(&file, sender, always, &*clock)?;
            let mut spool = spool.lock().unwrap_or_else(PoisonError::into_inner);
            spool.keep(about, &file, &*entropy).map_err(|e| {
                tracing::error!(error = %e, "an object could not be kept in the spool");
                match e {
                    SpoolError::Full { .. } => (status::OUT_OF_RESOURCES, "no room"),
                    _ => (status::OUT_OF_RESOURCES, "try again later"),
                }
            })
        })
        .await;
        match kept {
            Ok(Ok(_)) => {
                self.wake.notify_one();
                (status::SUCCESS, "")
            }
            Ok(Err(refused)) => refused,
            Err(_) => (status::PROCESSING_FAILURE, "a fault of ours"),
        }
    }
}

fn about(
    file: &Bytes,
    sender: String,
    always_urgent: bool,
    clock: &dyn Clock,
) -> Result<About, Status> {
    let unreadable = |_| (status::CANNOT_UNDERSTAND, "not an object that can be kept");
    let object = Object::read(file.clone(), &Limits::default()).map_err(unreadable)?;
    let facts = object.facts().map_err(unreadable)?;
    Ok(About {
        received_at: clock.now(),
        sender,
        study: facts.study.uid,
        sop_class: facts.instance.class,
        sop_instance: facts.instance.uid,
        transfer_syntax: object.transfer_syntax().to_owned(),
        modality: facts.series.modality.unwrap_or_default(),
        urgent: always_urgent || is_urgent(&object),
        sha256: String::new(),
        bytes: 0,
    })
}

fn is_urgent(object: &Object) -> bool {
    let data = object.dataset();
    std::iter::once(data)
        .chain(data.items(REQUEST_ATTRIBUTES))
        .flat_map(|set| PRIORITIES.iter().filter_map(|tag| set.text(*tag)))
        .any(|priority| matches!(priority.trim(), "HIGH" | "STAT"))
}
