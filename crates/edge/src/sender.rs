//! Sends what waits, one object at a time: the line is the bottleneck, and one object whole is worth more than two halves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kernel::{Clock, Instant};
use reqwest::Body;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, watch};

use crate::centre::{Centre, LineError, Upload};
use crate::schedule::{Rate, Schedule};
use crate::spool::{Entry, Spool, SpoolError};

/// Pieces begin small, grow with the line and shrink when it breaks, bytes.
const PIECE_MIN: u64 = 64 << 10;
const PIECE_MAX: u64 = 8 << 20;
/// A piece is sized to take about this long.
const PIECE_S: f64 = 15.0;
/// What is given to the line at once when its rate is limited, bytes.
const DROP_BYTES: usize = 4 << 10;
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// An edge that is not registered asks this often.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(30);

/// How the line stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Line {
    /// Nothing waits that may leave now.
    Idle,
    Sending,
    /// The schedule lets nothing leave but what is urgent.
    Closed,
    /// The line is cut or the centre does not serve: tried again by itself.
    Away {
        since: Instant,
        reason: String,
    },
    /// The centre does not accept this edge.
    Unknown {
        since: Instant,
        reason: String,
    },
}

/// What changes while objects are sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    #[serde(flatten)]
    pub line: Line,
    /// When the centre last took a whole object.
    pub last_sent: Option<Instant>,
    /// Of the object on its way: its study, bytes there and bytes in all.
    pub current: Option<(String, u64, u64)>,
    /// As measured with the last pieces, bits in a second.
    pub rate_bps: Option<u64>,
    /// Since this process started.
    pub sent: u64,
    pub sent_bytes: u64,
}

/// What the centre made of one object.
enum End {
    Sent,
    Refused,
    /// Something urgent came: this one is gone on with later, from where it is.
    GaveWay,
}

/// Sends the spool to the centre until it is told to stop.
pub struct Sender {
    pub spool: Arc<Mutex<Spool>>,
    pub centre: Arc<Centre>,
    pub schedule: Schedule,
    pub clock: Arc<dyn Clock>,
    /// Called when something was added to the spool or marked urgent.
    pub wake: Arc<Notify>,
    pub progress: watch::Sender<Progress>,
    /// Makes an object smaller without losing anything; gives it back as it is where it cannot.
    pub squeeze: fn(Bytes) -> Bytes,
}

impl Progress {
    pub fn start() -> Self {
        Self {
            line: Line::Idle,
            last_sent: None,
            current: None,
            rate_bps: None,
            sent: 0,
            sent_bytes: 0,
        }
    }
}

impl Sender {
    /// Runs until `stop` says so. What is on its way then goes on at the next start.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.send_all() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn send_all(&self) {
        let mut backoff = BACKOFF_MIN;
        let mut piece = 256 << 10;
        loop {
            let closed = self.schedule.rate(self.clock.now(), false) == Rate::Closed;
            let Some(entry) = self.spool().next(closed).cloned() else {
                self.rest(closed).await;
                continue;
            };
            match self.send(&entry, &mut piece).await {
                Ok(end) => {
                    backoff = BACKOFF_MIN;
                    if let Err(e) = self.settle(&entry, &end) {
                        tracing::error!(error = %e, "the spool cannot be tidied");
                        tokio::time::sleep(BACKOFF_MAX).await;
                    }
                }
                Err(e) => {
                    piece = (piece / 2).max(PIECE_MIN);
                    self.pause(&e, &mut backoff).await;
                }
            }
        }
    }

    /// Waits for something to come, or for the schedule to open.
    async fn rest(&self, closed: bool) {
        let waits = self.spool().waiting().next().is_some();
        self.note(|p| {
            p.line = if closed && waits {
                Line::Closed
            } else {
                Line::Idle
            };
            p.current = None;
        });
        let now = self.clock.now();
        let until = self.schedule.next_change(now);
        let pause = Duration::try_from(now.duration_until(until)).unwrap_or(BACKOFF_MAX);
        let _changed = tokio::time::timeout(pause.min(BACKOFF_MAX), self.wake.notified()).await;
    }

    fn settle(&self, entry: &Entry, end: &End) -> Result<(), SpoolError> {
        match end {
            End::Sent => {
                let now = self.clock.now();
                self.spool().sent(entry.number)?;
                self.note(|p| {
                    p.last_sent = Some(now);
                    p.sent += 1;
                    p.sent_bytes += entry.about.bytes;
                });
            }
            End::Refused => {
                tracing::error!(
                    sop_class = %entry.about.sop_class,
                    "the centre refuses an object; it lies aside in the spool"
                );
                self.spool().refused(entry.number)?;
            }
            End::GaveWay => {}
        }
        Ok(())
    }

    async fn pause(&self, error: &LineError, backoff: &mut Duration) {
        let now = self.clock.now();
        let wait = match error {
            LineError::Elsewhere => return,
            LineError::Later(wait) => *wait,
            LineError::Unknown(_) => UNKNOWN_PAUSE,
            LineError::Away(_) | LineError::Refused(_) => *backoff,
        };
        tracing::warn!(error = %error, wait_s = wait.as_secs(), "waiting for the line");
        self.note(|p| {
            let reason = error.to_string();
            let since = match &p.line {
                Line::Away { since, .. } | Line::Unknown { since, .. } => *since,
                _ => now,
            };
            p.line = match error {
                LineError::Unknown(_) => Line::Unknown { since, reason },
                _ => Line::Away { since, reason },
            };
        });
        *backoff = (*backoff * 2).min(BACKOFF_MAX);
        tokio::time::sleep(wait).await;
    }

    async fn send(&self, entry: &Entry, piece: &mut u64) -> Result<End, LineError> {
        let (spool, number, squeeze) = (Arc::clone(&self.spool), entry.number, self.squeeze);
        let read = tokio::task::spawn_blocking(move || {
            let object = lock(&spool).read(number)?;
            let object = squeeze(object);
            let digest = hex::encode(Sha256::digest(&object));
            Ok::<_, SpoolError>((object, digest))
        })
        .await;
        let (object, digest) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(SpoolError::Damaged(_))) => return Ok(End::Refused),
            Ok(Err(e)) => return Err(LineError::Away(e.to_string())),
            Err(_) => return Err(LineError::Away("reading the spool was broken off".into())),
        };
        let length = object.len() as u64;
        let about = &entry.about;
        let mut upload = match self.centre.begin(&digest, length, &about.sender).await {
            Err(LineError::Refused(_)) => return Ok(End::Refused),
            other => other?,
        };
        loop {
            self.note(|p| {
                p.line = Line::Sending;
                p.current = Some((about.study.clone(), upload.offset, length));
            });
            if upload.outcome.is_some() {
                return Ok(End::Sent);
            }
            if self.gives_way(entry) {
                return Ok(End::GaveWay);
            }
            upload = match self.send_piece(entry, &object, &upload, piece).await {
                Err(LineError::Refused(_)) => return Ok(End::Refused),
                other => other?,
            };
        }
    }

    async fn send_piece(
        &self,
        entry: &Entry,
        object: &Bytes,
        upload: &Upload,
        piece: &mut u64,
    ) -> Result<Upload, LineError> {
        let urgent = self.spool().is_urgent(&entry.about.study);
        let rate = self.schedule.rate(self.clock.now(), urgent);
        let mut most = *piece;
        if let Rate::Bits(bits) = rate {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let in_time = (bits as f64 / 8.0 * PIECE_S) as u64;
            most = most.min(in_time.max(PIECE_MIN));
        }
        let end = (object.len() as u64).min(upload.offset + most);
        let part = slice(object, upload.offset, end);
        let begun = tokio::time::Instant::now();
        let sent = part.len() as u64;
        let next = self.centre.piece(upload, paced(part, rate)).await?;
        let took = begun.elapsed().as_secs_f64().max(0.001);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        {
            let bytes_s = sent as f64 / took;
            self.note(|p| p.rate_bps = Some((bytes_s * 8.0) as u64));
            if sent == most && matches!(rate, Rate::Free) {
                *piece = ((bytes_s * PIECE_S) as u64)
                    .min(*piece * 2)
                    .clamp(PIECE_MIN, PIECE_MAX);
            }
        }
        Ok(next)
    }

    /// Whether an urgent study came while this one, which is not, is on its way.
    fn gives_way(&self, entry: &Entry) -> bool {
        let spool = self.spool();
        !spool.is_urgent(&entry.about.study) && spool.next(true).is_some()
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        lock(&self.spool)
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_if_modified(|p| {
            let before = p.clone();
            change(p);
            *p != before
        });
    }
}

pub(crate) fn lock(spool: &Mutex<Spool>) -> MutexGuard<'_, Spool> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slice(object: &Bytes, from: u64, to: u64) -> Bytes {
    let at = |n: u64| usize::try_from(n).unwrap_or(object.len()).min(object.len());
    object.slice(at(from)..at(to).max(at(from)))
}

/// A body that leaves no faster than the rate.
fn paced(part: Bytes, rate: Rate) -> Body {
    let Rate::Bits(bits) = rate else {
        return Body::from(part);
    };
    let begun = tokio::time::Instant::now();
    let stream = futures::stream::unfold((part, 0_u64), move |(mut rest, given)| async move {
        if rest.is_empty() {
            return None;
        }
        #[allow(clippy::cast_precision_loss)]
        let due = Duration::from_secs_f64(given as f64 * 8.0 / bits as f64);
        tokio::time::sleep_until(begun + due).await;
        let drop = rest.split_to(rest.len().min(DROP_BYTES));
        let given = given + drop.len() as u64;
        Some((Ok::<_, std::io::Error>(drop), (rest, given)))
    });
    Body::wrap_stream(stream)
}
