//! C-MOVE and C-GET (PS3.4 §C.4.2, §C.4.3): objects sent to an entity the hospital knows, or back over the same line.

use std::time::Duration;

use kernel::limits;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::body::Room;
use super::classes::{self, Root};
use super::command::{Command, Counts, Kind};
use super::host::{Destination, Host, Sendable};
use super::line::{End, Stream};
use super::outgoing::DataSet;
use super::pdu::Fault;
use super::scu::Sender;
use super::server::Shared;
use super::service::{Asked, Association, count};
use super::status;

/// Between two words on how far it is.
const PROGRESS: Duration = Duration::from_millis(500);
/// Names of objects that were not sent, in one answer: more do not fit into the length of one value.
const FAILED_NAMED_MAX: usize = 900;

/// How far a retrieval has come.
struct Progress {
    counts: Counts,
    failed: Vec<String>,
    said: Instant,
}

/// What became of one object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Completed,
    Warned,
    Failed,
}

impl Sent {
    /// PS3.4 table B.2-1, PS3.7 annex C.
    const fn of(status: u16) -> Self {
        match status {
            status::SUCCESS => Self::Completed,
            0x0001 | 0x0107 | 0x0116 | 0xb000..=0xbfff => Self::Warned,
            _ => Self::Failed,
        }
    }
}

impl Progress {
    fn of(objects: usize) -> Self {
        Self {
            counts: Counts {
                remaining: number(objects),
                ..Counts::default()
            },
            failed: Vec::new(),
            said: Instant::now(),
        }
    }

    fn note(&mut self, sent: Sent, instance: &str) {
        let counts = &mut self.counts;
        counts.remaining = counts.remaining.saturating_sub(1);
        let kind = match sent {
            Sent::Completed => &mut counts.completed,
            Sent::Warned => &mut counts.warned,
            Sent::Failed => &mut counts.failed,
        };
        *kind = kind.saturating_add(1);
        if sent == Sent::Failed {
            self.failed.push(instance.to_owned());
        }
    }

    /// Everything that is left has failed.
    fn give_up(&mut self, rest: &[impl AsRef<str>]) {
        for instance in rest {
            self.note(Sent::Failed, instance.as_ref());
        }
    }

    fn status(&self) -> u16 {
        let Counts {
            completed,
            failed,
            warned,
            ..
        } = self.counts;
        match (completed, failed, warned) {
            (_, 0, 0) => status::SUCCESS,
            (0, _, 0) => status::SUB_OPERATIONS_IMPOSSIBLE,
            _ => status::SOME_FAILED,
        }
    }
}

/// Counts in messages have 16 bits.
fn number(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

impl<H: Host, S: Stream> Association<H, S> {
    /// C-MOVE
    pub(super) async fn send_away(&mut self, asked: &Asked, root: Root) -> Result<(), End> {
        let Some((peer, identifier)) = self.asked_of(asked, root).await? else {
            return Ok(());
        };
        let host = std::sync::Arc::clone(&self.shared);
        let host = &*host.host;
        let title = asked.command.destination().unwrap_or_default();
        let destination = match host.destination(&peer, title).await {
            Ok(Some(destination)) => destination,
            Ok(None) => {
                let status = (status::DESTINATION_UNKNOWN, "the destination is not known");
                return self.answer(asked, status).await;
            }
            Err(status) => return self.answer(asked, status).await,
        };
        let objects = match host.locate(&peer, &identifier).await {
            Ok(objects) => objects,
            Err(status) => return self.answer(asked, status).await,
        };
        let mut progress = Progress::of(objects.len());
        if objects.is_empty() {
            return self.retrieved(asked, &progress, false).await;
        }
        let mut sender = match Sender::to_store(&destination, &objects, &self.shared.settings).await
        {
            Ok(sender) => sender,
            Err(why) => {
                tracing::info!(why, "a DICOM destination was not reached");
                let instances: Vec<&str> = objects.iter().map(|o| o.instance.as_str()).collect();
                progress.give_up(&instances);
                return self.retrieved(asked, &progress, false).await;
            }
        };
        let mut rest = objects.as_slice();
        while let Some((object, later)) = rest.split_first() {
            if self.line.cancelled(asked.command.message()).await? {
                sender.release().await;
                return self.retrieved(asked, &progress, true).await;
            }
            let by = (self.speaker.calling(), asked.command.message());
            let sent = forward(host, &peer, &mut sender, object, by, &self.shared.room).await;
            let sent = match sent {
                Ok(sent) => sent,
                Err(end) => match anew(end, sender, &destination, later, &self.shared).await {
                    Some(new) => {
                        sender = new;
                        Sent::Failed
                    }
                    None => {
                        let rest: Vec<&str> = rest.iter().map(|o| o.instance.as_str()).collect();
                        progress.give_up(&rest);
                        return self.retrieved(asked, &progress, false).await;
                    }
                },
            };
            progress.note(sent, &object.instance);
            self.say_progress(asked, &mut progress).await?;
            rest = later;
        }
        sender.release().await;
        self.retrieved(asked, &progress, false).await
    }

    /// C-GET
    pub(super) async fn send_back(&mut self, asked: &Asked, root: Root) -> Result<(), End> {
        let Some((peer, identifier)) = self.asked_of(asked, root).await? else {
            return Ok(());
        };
        let located = self.shared.host.locate(&peer, &identifier).await;
        let objects = match located {
            Ok(objects) => objects,
            Err(status) => return self.answer(asked, status).await,
        };
        let mut progress = Progress::of(objects.len());
        for (n, object) in objects.iter().enumerate() {
            if self.line.cancelled(asked.command.message()).await? {
                return self.retrieved(asked, &progress, true).await;
            }
            let message = number(n % usize::from(u16::MAX)) + 1;
            let (sent, cancelled) = self.hand_back(&peer, object, message, asked).await?;
            progress.note(sent, &object.instance);
            if cancelled {
                return self.retrieved(asked, &progress, true).await;
            }
            self.say_progress(asked, &mut progress).await?;
        }
        self.retrieved(asked, &progress, false).await
    }

    /// Sends one object over this line; and whether the peer asked to break off.
    async fn hand_back(
        &mut self,
        peer: &H::Peer,
        object: &Sendable<H::Line>,
        message: u16,
        asked: &Asked,
    ) -> Result<(Sent, bool), End> {
        let shared = std::sync::Arc::clone(&self.shared);
        let taken = self.agreed.syntaxes_of(&object.class);
        let taken = taken.map(|(id, syntax)| (id, syntax.to_owned())).collect();
        let direct = self.agreed.to_send(&object.class, &object.transfer_syntax);
        let ready = ready(&*shared.host, peer, object, direct, taken, &shared.room).await;
        let Some(Ready {
            context,
            data_set,
            _room,
        }) = ready
        else {
            return Ok((Sent::Failed, false));
        };
        let store = Command::store(message, &object.class, &object.instance, None);
        self.line.send_file(context, &store, data_set).await?;
        let mut cancelled = false;
        loop {
            let (_, answer) = self.line.command().await?;
            if answer.answers() == Some(Kind::Store) && answer.responded_to() == Some(message) {
                self.skip(&answer).await?;
                return Ok((Sent::of(answer.status().unwrap_or(u16::MAX)), cancelled));
            }
            if answer.asks() != Some(Kind::Cancel) {
                return Err(End::Broke(Fault::Unexpected));
            }
            cancelled |= answer.responded_to() == Some(asked.command.message());
        }
    }

    async fn say_progress(&mut self, asked: &Asked, progress: &mut Progress) -> Result<(), End> {
        if progress.said.elapsed() < PROGRESS || progress.counts.remaining == 0 {
            return Ok(());
        }
        progress.said = Instant::now();
        let pending = asked.command.answer(status::PENDING, false);
        let pending = pending.with_counts(progress.counts, true);
        self.line.send(asked.id, &pending, None).await
    }

    /// The last answer, which names what was not sent.
    async fn retrieved(
        &mut self,
        asked: &Asked,
        progress: &Progress,
        cancelled: bool,
    ) -> Result<(), End> {
        let status = if cancelled {
            status::CANCELLED
        } else {
            progress.status()
        };
        count(asked.command.asks(), status);
        let failed = failed_instances(&progress.failed, &asked.context.transfer_syntax);
        let answer = asked.command.answer(status, failed.is_some());
        let answer = answer.with_counts(progress.counts, cancelled);
        self.line.send(asked.id, &answer, failed.as_deref()).await
    }
}

/// A new association for what is left, when an object could not be read to its end and the message that carried it could
/// not be ended; none when it is the other side that is gone.
async fn anew<H: Host>(
    end: End,
    broken: Sender,
    destination: &Destination,
    later: &[Sendable<H::Line>],
    shared: &Shared<H>,
) -> Option<Sender> {
    if end != End::Broke(Fault::Unspecified) {
        return None;
    }
    broken.abort().await;
    let sender = Sender::to_store(destination, later, &shared.settings).await;
    sender.ok()
}

/// Sends one object to a destination; an error says that the association cannot go on.
async fn forward<H: Host>(
    host: &H,
    peer: &H::Peer,
    sender: &mut Sender,
    object: &Sendable<H::Line>,
    by: (&str, u16),
    room: &Room,
) -> Result<Sent, End> {
    let direct = sender.takes(&object.class, &object.transfer_syntax);
    let taken = sender.syntaxes_of(&object.class);
    let Some(Ready {
        context,
        data_set,
        _room,
    }) = ready(host, peer, object, direct, taken, room).await
    else {
        return Ok(Sent::Failed);
    };
    let status = sender
        .store(context, &object.class, &object.instance, data_set, by)
        .await?;
    Ok(Sent::of(status))
}

/// An object that is about to be sent, with the room it takes meanwhile.
struct Ready {
    context: u8,
    data_set: DataSet,
    _room: Option<OwnedSemaphorePermit>,
}

/// Opens an object for the context that takes it as it is, or in one of the syntaxes that are `taken`; none when it cannot
/// be read, brought into any of them, or finds no room.
async fn ready<H: Host>(
    host: &H,
    peer: &H::Peer,
    object: &Sendable<H::Line>,
    direct: Option<u8>,
    taken: Vec<(u8, String)>,
    room: &Room,
) -> Option<Ready> {
    if let Some(context) = direct {
        let room = room.take(DataSet::room(object.size)).await;
        let file = host.open(peer, &object.line).await.ok()?;
        return Some(Ready {
            context,
            data_set: DataSet::of(file).await?,
            _room: room,
        });
    }
    let size = usize::try_from(object.size).unwrap_or(usize::MAX);
    let room = room.take(size.min(limits::IMAGE_RECODED_BYTES_MAX)).await?;
    // Uncompressed syntaxes first: those lose nothing.
    for wanted in [classes::EXPLICIT_LITTLE, classes::IMPLICIT_LITTLE] {
        let Some((context, syntax)) = taken.iter().find(|(_, syntax)| syntax == wanted) else {
            continue;
        };
        if let Some(file) = host.transcode(peer, &object.line, syntax).await {
            return Some(Ready {
                context: *context,
                data_set: DataSet::of(file).await?,
                _room: Some(room),
            });
        }
    }
    None
}

/// A data set with Failed SOP Instance UID List (0008,0058) alone; none when nothing failed.
fn failed_instances(failed: &[String], transfer_syntax: &str) -> Option<Vec<u8>> {
    if failed.is_empty() {
        return None;
    }
    let mut value = failed[..failed.len().min(FAILED_NAMED_MAX)]
        .join("\\")
        .into_bytes();
    if value.len() % 2 == 1 {
        value.push(0);
    }
    let length = u16::try_from(value.len()).ok()?;
    let mut out = Vec::with_capacity(value.len() + 8);
    match transfer_syntax {
        classes::EXPLICIT_BIG => {
            out.extend_from_slice(&[0, 0x08, 0, 0x58]);
            out.extend_from_slice(b"UI");
            out.extend_from_slice(&length.to_be_bytes());
        }
        classes::EXPLICIT_LITTLE => {
            out.extend_from_slice(&[0x08, 0, 0x58, 0]);
            out.extend_from_slice(b"UI");
            out.extend_from_slice(&length.to_le_bytes());
        }
        _ => {
            out.extend_from_slice(&[0x08, 0, 0x58, 0]);
            out.extend_from_slice(&u32::from(length).to_le_bytes());
        }
    }
    out.extend_from_slice(&value);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_status_says_whether_all_some_or_none_were_sent() {
        let of = |sent: &[Sent]| {
            let mut progress = Progress::of(sent.len());
            for s in sent {
                progress.note(*s, "1.2");
            }
            assert_eq!(progress.counts.remaining, 0);
            progress.status()
        };
        assert_eq!(of(&[]), status::SUCCESS);
        assert_eq!(of(&[Sent::Completed, Sent::Completed]), status::SUCCESS);
        assert_eq!(of(&[Sent::Completed, Sent::Failed]), status::SOME_FAILED);
        assert_eq!(of(&[Sent::Completed, Sent::Warned]), status::SOME_FAILED);
        assert_eq!(of(&[Sent::Failed]), status::SUB_OPERATIONS_IMPOSSIBLE);
    }

    #[test]
    fn names_of_what_failed_fit_into_one_value() {
        let many =
            vec!["1.2.840.10008.1234567890.1234567890.1234567890.123456789012345678".into(); 2_000];
        for syntax in [
            classes::EXPLICIT_LITTLE,
            classes::IMPLICIT_LITTLE,
            classes::EXPLICIT_BIG,
        ] {
            let data_set = failed_instances(&many, syntax).unwrap();
            assert!(data_set.len().is_multiple_of(2) && data_set.len() < 65_536);
        }
        assert_eq!(failed_instances(&[], classes::EXPLICIT_LITTLE), None);
    }
}
