//! The listener: who may connect, how many at once, and the end of all associations when the node stops.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dicom_ul::pdu::{AssociationRQ, Pdu};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::body::Room;
use super::host::{Host, Proof, Titles};
use super::line::{End, Line, Patience, Stream};
use super::negotiate::{self, Refusal};
use super::pdu::{self, Fault, Unit};
use super::service::{Association, Speaker};

/// How the network door is set up.
#[derive(Clone)]
pub struct Settings {
    /// Associations at once.
    pub associations_max: usize,
    /// Associations at once from one address.
    pub per_peer_max: usize,
    /// Bytes in one data unit that we take.
    pub unit_bytes: u32,
    pub patience: Patience,
    /// Bytes of one object.
    pub object_bytes_max: usize,
    /// Memory for objects on their way.
    pub room: Room,
    /// The encrypted line of this listener.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The encrypted line to entities that want one.
    pub tls_out: Option<Arc<rustls::ClientConfig>>,
}

/// Associations of each address.
type Peers = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// What all associations share.
pub struct Shared<H> {
    pub host: Arc<H>,
    pub settings: Settings,
    pub room: Room,
    peers: Peers,
    places: Arc<Semaphore>,
}

/// A peer that connects and asks for no association is cut after this time (ARTIM, PS3.8 §9.1.5).
const REQUEST_WAIT: Duration = Duration::from_secs(20);
/// Connections beyond the limit that are answered at once with a refusal; more are closed without a word.
const REFUSED_AT_ONCE_MAX: usize = 32;

/// Takes associations until `stop` says so, then gives those that are open `grace` to end.
pub async fn serve<H: Host>(
    listener: TcpListener,
    host: Arc<H>,
    settings: Settings,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let shared = Arc::new(Shared {
        room: settings.room.clone(),
        places: Arc::new(Semaphore::new(settings.associations_max)),
        peers: Arc::default(),
        host,
        settings,
    });
    let refusing = Arc::new(Semaphore::new(REFUSED_AT_ONCE_MAX));
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((connection, address)) => {
                    let place = place(&shared, &refusing, address.ip());
                    let Some(place) = place else { continue };
                    let shared = Arc::clone(&shared);
                    let stop = stop.clone();
                    open.spawn(Box::pin(connected(shared, connection, place, stop)));
                }
                Err(e) => {
                    // Out of file descriptors: others end and give theirs back.
                    tracing::warn!(error = %e, "a DICOM connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let ended = timeout(grace, async { while open.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(open = open.len(), "DICOM associations are cut");
        open.shutdown().await;
    }
}

/// A connection's place among all; whoever has none of the first kind hears a refusal.
enum Place {
    Served {
        _of_all: OwnedSemaphorePermit,
        of_peer: OfPeer,
    },
    Refused {
        _place: OwnedSemaphorePermit,
        address: IpAddr,
    },
}

/// One of a peer's associations; leaves the count when it is dropped.
struct OfPeer {
    peers: Peers,
    address: IpAddr,
}

impl Drop for OfPeer {
    fn drop(&mut self) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = peers.get_mut(&self.address) {
            *n -= 1;
            if *n == 0 {
                peers.remove(&self.address);
            }
        }
    }
}

fn place<H>(shared: &Shared<H>, refusing: &Arc<Semaphore>, address: IpAddr) -> Option<Place> {
    let of_all = Arc::clone(&shared.places).try_acquire_owned().ok();
    let of_peer = {
        let mut peers = shared.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let n = peers.entry(address).or_default();
        *n += 1;
        *n <= shared.settings.per_peer_max
    };
    // Takes itself out of the count again, also when it is over the limit.
    let counted = OfPeer {
        peers: Arc::clone(&shared.peers),
        address,
    };
    match of_all {
        Some(of_all) if of_peer => Some(Place::Served {
            _of_all: of_all,
            of_peer: counted,
        }),
        _ => Arc::clone(refusing)
            .try_acquire_owned()
            .ok()
            .map(|place| Place::Refused {
                _place: place,
                address,
            }),
    }
}

async fn connected<H: Host>(
    shared: Arc<Shared<H>>,
    connection: TcpStream,
    place: Place,
    stop: watch::Receiver<bool>,
) {
    // An answer of a few bytes must not wait for more to say (Nagle's algorithm).
    let _ = connection.set_nodelay(true);
    let (address, full) = match &place {
        Place::Served { of_peer, .. } => (of_peer.address, false),
        Place::Refused { address, .. } => (*address, true),
    };
    let mut proof = Proof {
        address,
        certificate: None,
    };
    match shared.settings.tls.clone() {
        None => associated(shared, connection, proof, full, stop).await,
        Some(tls) => {
            let hand_shake = TlsAcceptor::from(tls).accept(connection);
            let Ok(Ok(encrypted)) = timeout(REQUEST_WAIT, hand_shake).await else {
                metrics::counter!("karez_dicom_refused_total", "why" => "tls").increment(1);
                return;
            };
            proof.certificate = super::certificate(encrypted.get_ref().1);
            associated(shared, encrypted, proof, full, stop).await;
        }
    }
}

/// From the request of an association to its end.
async fn associated<H: Host, S: Stream>(
    shared: Arc<Shared<H>>,
    stream: S,
    proof: Proof,
    full: bool,
    stop: watch::Receiver<bool>,
) {
    let settings = &shared.settings;
    let mut line = Line::new(stream, settings.unit_bytes, settings.patience);
    let request = match timeout(REQUEST_WAIT, line.unit()).await {
        Ok(Ok(Unit::Request(request))) => request,
        Ok(Ok(Unit::Abort)) | Ok(Err(End::Lost)) => return,
        Ok(Ok(_)) => return line.close(End::Broke(Fault::Unexpected)).await,
        Ok(Err(end)) => return line.close(end).await,
        // PS3.8 §9.2: closed without a word.
        Err(_) => return,
    };
    match speaks_for(&shared, &request, proof, full).await {
        Err(refusal) => {
            metrics::counter!("karez_dicom_refused_total", "why" => refusal.word()).increment(1);
            tracing::info!(why = refusal.word(), "a DICOM association was refused");
            if let Ok(bytes) = pdu::association_bytes(&Pdu::AssociationRJ(refusal.answer()))
                && line.write(&bytes).await.is_ok()
            {
                line.drain().await;
            }
        }
        Ok(speaker) => {
            let (line, end) = accepted(&shared, line, &request, speaker, stop).await;
            tracing::debug!(end = end.word(), "a DICOM association ended");
            metrics::counter!("karez_dicom_associations_total", "end" => end.word()).increment(1);
            line.close(end).await;
        }
    }
}

/// Waits until the node stops.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that whoever stops us is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Whom the requestor speaks for, or why it is refused.
async fn speaks_for<H: Host>(
    shared: &Shared<H>,
    request: &AssociationRQ,
    proof: Proof,
    full: bool,
) -> Result<Speaker<H>, Refusal> {
    if full {
        return Err(Refusal::LimitReached);
    }
    negotiate::form(request)?;
    let titles = Titles {
        called: request.called_ae_title.clone(),
        calling: request.calling_ae_title.clone(),
    };
    Speaker::begin(&*shared.host, titles, proof).await
}

async fn accepted<H: Host, S: Stream>(
    shared: &Arc<Shared<H>>,
    mut line: Line<S>,
    request: &AssociationRQ,
    speaker: Speaker<H>,
    stop: watch::Receiver<bool>,
) -> (Line<S>, End) {
    let (agreed, answer) = match negotiate::answer(request, shared.settings.unit_bytes, |service| {
        shared.host.serves(service)
    }) {
        Ok(agreed) => agreed,
        Err(fault) => return (line, End::Broke(fault)),
    };
    line.peer_takes(agreed.peer_unit_bytes);
    let bytes = match pdu::association_bytes(&Pdu::AssociationAC(answer)) {
        Ok(bytes) => bytes,
        Err(fault) => return (line, End::Broke(fault)),
    };
    if let Err(end) = line.write(&bytes).await {
        return (line, end);
    }
    let open = metrics::gauge!("karez_dicom_associations_open");
    open.increment(1.0);
    let mut association = Association::new(Arc::clone(shared), line, agreed, speaker, stop);
    let end = association.run().await;
    open.decrement(1.0);
    (association.into_line(), end)
}
