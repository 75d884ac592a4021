//! One association's line: whole messages in, whole messages out, each within its time and its bounds.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::assemble::{Assembler, Piece};
use super::body::Body;
use super::command::{Command, Kind};
use super::outgoing::DataSet;
use super::pdu::{self, Fault, Unit, Value};

/// What an encrypted or plain connection is to us.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How an association ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Released,
    /// The peer aborted.
    Aborted,
    /// The connection went away.
    Lost,
    TimedOut,
    /// The node stops.
    Stopping,
    /// The peer broke the protocol.
    Broke(Fault),
}

impl End {
    /// As measurements and the log name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Aborted => "aborted",
            Self::Lost => "lost",
            Self::TimedOut => "timed-out",
            Self::Stopping => "stopping",
            Self::Broke(_) => "broke-protocol",
        }
    }
}

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between messages, and for anything we send to be taken.
    pub idle: Duration,
    /// From the command of a message to the last byte of its data set.
    pub message: Duration,
}

/// Bytes are written to the connection in pieces of about this size.
const WRITE_BYTES: usize = 256 << 10;

pub struct Line<S> {
    stream: S,
    input: BytesMut,
    /// What is to be written with what follows it.
    output: BytesMut,
    values: VecDeque<Value>,
    assembler: Assembler,
    patience: Patience,
    unit_bytes: u32,
    peer_unit_bytes: usize,
}

impl<S: Stream> Line<S> {
    /// `unit_bytes` is what we take in one data unit.
    pub fn new(stream: S, unit_bytes: u32, patience: Patience) -> Self {
        Self {
            stream,
            input: BytesMut::with_capacity(8 << 10),
            output: BytesMut::new(),
            values: VecDeque::new(),
            assembler: Assembler::default(),
            patience,
            unit_bytes,
            peer_unit_bytes: 16 << 10,
        }
    }

    /// What the peer takes in one data unit.
    pub const fn peer_takes(&mut self, unit_bytes: u32) {
        self.peer_unit_bytes = unit_bytes as usize;
    }

    /// The next whole unit. Nothing is lost when this is given up in between.
    pub async fn unit(&mut self) -> Result<Unit, End> {
        loop {
            if let Some(unit) = pdu::next(&mut self.input, self.unit_bytes).map_err(End::Broke)? {
                return Ok(unit);
            }
            self.input.reserve(32 << 10);
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Err(End::Lost),
                Ok(_) => {}
            }
        }
    }

    /// The next piece of a message. Nothing is lost when this is given up in between.
    async fn piece(&mut self) -> Result<Piece, End> {
        loop {
            while let Some(value) = self.values.pop_front() {
                if let Some(piece) = self.assembler.take(value).map_err(End::Broke)? {
                    return Ok(piece);
                }
            }
            match self.unit().await? {
                Unit::Data(values) => self.values.extend(values),
                Unit::Abort => return Err(End::Aborted),
                Unit::ReleaseRequest if self.assembler.is_between() => {
                    self.write(&pdu::RELEASE_REPLY).await?;
                    return Err(End::Released);
                }
                _ => return Err(End::Broke(Fault::Unexpected)),
            }
        }
    }

    /// The next command, waited for as long as the peer may be silent.
    pub async fn command(&mut self) -> Result<(u8, Command), End> {
        match timeout(self.patience.idle, self.piece()).await {
            Err(_) => Err(End::TimedOut),
            Ok(Err(end)) => Err(end),
            Ok(Ok(Piece::Command { context, command })) => Ok((context, command)),
            Ok(Ok(Piece::Data { .. })) => Err(End::Broke(Fault::Unexpected)),
        }
    }

    /// A command that has already come in; none when the peer is silent.
    pub async fn command_at_hand(&mut self) -> Result<Option<(u8, Command)>, End> {
        tokio::select! {
            biased;
            piece = self.piece() => match piece? {
                Piece::Command { context, command } => Ok(Some((context, command))),
                Piece::Data { .. } => Err(End::Broke(Fault::Unexpected)),
            },
            () = std::future::ready(()) => Ok(None),
        }
    }

    /// Whether the peer has asked to break off what it asked as `message`. Anything else it says now is out of turn.
    pub async fn cancelled(&mut self, message: u16) -> Result<bool, End> {
        let mut cancelled = false;
        while let Some((_, command)) = self.command_at_hand().await? {
            if command.asks() != Some(Kind::Cancel) {
                return Err(End::Broke(Fault::Unexpected));
            }
            cancelled |= command.responded_to() == Some(message);
        }
        Ok(cancelled)
    }

    /// Reads the data set that follows a command into `body`, to its end also when there is no room for it.
    pub async fn data_set(&mut self, body: &mut Body) -> Result<(), End> {
        let most = self.patience.message;
        let whole = async {
            loop {
                let Piece::Data { bytes, last } = self.piece().await? else {
                    return Err(End::Broke(Fault::Unexpected));
                };
                body.push(&bytes).await;
                if last {
                    return Ok(());
                }
            }
        };
        timeout(most, whole).await.map_err(|_| End::TimedOut)?
    }

    /// Sends a message, and what was put before it.
    pub async fn send(
        &mut self,
        context: u8,
        command: &Command,
        data_set: Option<&[u8]>,
    ) -> Result<(), End> {
        self.put(context, command, data_set).await?;
        self.flush().await
    }

    /// Sends a message with the data set of a file, which is read while it is sent.
    ///
    /// # Errors
    /// Besides what ends a line, [`Fault::Unspecified`] when the file could not be read to its end: the message cannot be
    /// ended then, so the association is.
    pub async fn send_file(
        &mut self,
        context: u8,
        command: &Command,
        mut data_set: DataSet,
    ) -> Result<(), End> {
        const UNREADABLE: End = End::Broke(Fault::Unspecified);
        self.put(context, command, None).await?;
        let mut now = data_set.next().await.map_err(|_| UNREADABLE)?;
        while let Some((piece, last)) = now {
            let (sent, next) = tokio::join!(self.put_piece(context, &piece, last), data_set.next());
            sent?;
            now = next.map_err(|_| UNREADABLE)?;
        }
        self.flush().await
    }

    /// Puts a message behind those that wait to be written; writes when that is much.
    pub async fn put(
        &mut self,
        context: u8,
        command: &Command,
        data_set: Option<&[u8]>,
    ) -> Result<(), End> {
        let most = self.peer_unit_bytes;
        pdu::put_part(&mut self.output, context, true, &command.bytes(), most);
        match data_set {
            Some(bytes) => self.put_piece(context, bytes, true).await,
            None => Ok(()),
        }
    }

    /// Puts some of a data set; the `last` piece ends it. All others are of even length.
    async fn put_piece(&mut self, context: u8, bytes: &[u8], last: bool) -> Result<(), End> {
        let most = self.peer_unit_bytes;
        let piece = most.saturating_sub(pdu::VALUE_HEADER_BYTES) & !1;
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at(rest.len().min(piece));
            let ends = last && later.is_empty();
            pdu::put_fragment(&mut self.output, context, false, ends, now);
            if self.output.len() >= WRITE_BYTES {
                self.flush().await?;
            }
            if later.is_empty() {
                return Ok(());
            }
            rest = later;
        }
    }

    /// Writes what waits.
    pub async fn flush(&mut self) -> Result<(), End> {
        let mut output = std::mem::take(&mut self.output);
        let written = self.write(&output).await;
        output.clear();
        self.output = output;
        written
    }

    /// Writes bytes of whole units.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        let most = self.patience.idle;
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(most, written).await {
            Err(_) => Err(End::TimedOut),
            Ok(Err(_)) => Err(End::Lost),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Says why the association ends, if the peer does not know, and closes. Whatever still comes is read away for a
    /// moment, so that the peer sees the reason rather than a reset connection (PS3.8 §9.2, state 13).
    pub async fn close(mut self, end: End) {
        let fault = match end {
            End::Released | End::Aborted | End::Lost => None,
            End::TimedOut | End::Stopping => Some(Fault::Unspecified),
            End::Broke(fault) => Some(fault),
        };
        if let Some(fault) = fault
            && self.write(&pdu::abort(fault)).await.is_err()
        {
            return;
        }
        self.drain().await;
    }

    /// Closes our side and waits a moment for the peer to close its own.
    pub async fn drain(mut self) {
        const LINGER: Duration = Duration::from_secs(2);
        let _ = timeout(LINGER, async {
            let _ = self.stream.shutdown().await;
            let mut sink = [0; 4096];
            while matches!(self.stream.read(&mut sink).await, Ok(n) if n > 0) {}
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimse::body::{Over, Room};
    use app::imaging::Incoming;

    const PATIENCE: Patience = Patience {
        idle: Duration::from_millis(300),
        message: Duration::from_millis(300),
    };

    fn pair() -> (Line<tokio::io::DuplexStream>, Line<tokio::io::DuplexStream>) {
        let (a, b) = tokio::io::duplex(1 << 20);
        (
            Line::new(a, 16_384, PATIENCE),
            Line::new(b, 16_384, PATIENCE),
        )
    }

    #[tokio::test]
    async fn a_message_goes_over_the_line_whole() {
        let (mut here, mut there) = pair();
        let data: Vec<u8> = vec![7; 100_001];
        let command = Command::store(1, "1.2", "1.3", None);
        here.send(5, &command, Some(&data)).await.unwrap();
        let (context, read) = there.command().await.unwrap();
        assert_eq!((context, read.class()), (5, Some("1.2")));
        let incoming = Incoming::new(b"head".to_vec(), None);
        let mut body = Body::in_room(incoming, 200_000, &Room::of_mib(1));
        there.data_set(&mut body).await.unwrap();
        assert_eq!(body.end().await.unwrap().0.len(), 100_005);
    }

    #[tokio::test]
    async fn an_object_too_large_is_read_to_its_end_and_not_kept() {
        let (mut here, mut there) = pair();
        let command = Command::store(1, "1.2", "1.3", None);
        here.send(1, &command, Some(&[1; 50_000])).await.unwrap();
        here.send(1, &Command::echo(2), None).await.unwrap();
        there.command().await.unwrap();
        let mut body = Body::bounded(40_000);
        there.data_set(&mut body).await.unwrap();
        assert_eq!(body.end().await.map(|_| ()), Err(Over::Size));
        assert_eq!(there.command().await.unwrap().1.asks(), Some(Kind::Echo));
    }

    #[tokio::test]
    async fn a_peer_that_stays_silent_is_given_up() {
        let (_here, mut there) = pair();
        assert_eq!(there.command().await.unwrap_err(), End::TimedOut);
    }

    #[tokio::test]
    async fn a_cancel_is_heard_and_anything_else_is_out_of_turn() {
        let (mut here, mut there) = pair();
        assert_eq!(there.cancelled(1).await, Ok(false));
        here.send(1, &Command::cancel(1), None).await.unwrap();
        assert_eq!(there.cancelled(1).await, Ok(true));
        here.send(1, &Command::echo(2), None).await.unwrap();
        assert_eq!(there.cancelled(1).await, Err(End::Broke(Fault::Unexpected)));
    }
}
