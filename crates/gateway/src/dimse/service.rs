//! What an association is asked, one message after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::body::Body;
use super::classes::Service;
use super::command::{Command, Kind};
use super::host::{Host, Proof, Titles};
use super::line::{End, Line, Stream};
use super::negotiate::{Agreed, Context, Refusal};
use super::server::{Shared, stopped};
use super::status::{self, Status};

/// For this long what is known of the peer holds; then it is asked anew, so that an entity that was withdrawn is cut.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Whom an association speaks for.
pub struct Speaker<H: Host> {
    titles: Titles,
    proof: Proof,
    peer: H::Peer,
    asked: Instant,
    /// Random name of the association.
    pub exchange: String,
}

impl<H: Host> Speaker<H> {
    pub async fn begin(host: &H, titles: Titles, proof: Proof) -> Result<Self, Refusal> {
        let peer = host.peer(&titles, &proof).await?;
        Ok(Self {
            titles,
            proof,
            exchange: uuid::Uuid::new_v4().to_string(),
            peer,
            asked: Instant::now(),
        })
    }

    /// The peer as it is now; none when it may not speak any more.
    pub async fn peer(&mut self, host: &H) -> Option<&H::Peer> {
        if self.asked.elapsed() >= KNOWN_FOR {
            self.peer = host.peer(&self.titles, &self.proof).await.ok()?;
            self.asked = Instant::now();
        }
        Some(&self.peer)
    }

    pub fn calling(&self) -> &str {
        &self.titles.calling
    }
}

pub struct Association<H: Host, S> {
    pub(super) shared: Arc<Shared<H>>,
    pub(super) line: Line<S>,
    pub(super) agreed: Agreed,
    pub(super) speaker: Speaker<H>,
    stop: watch::Receiver<bool>,
}

/// One request with the context it came in.
pub struct Asked {
    pub id: u8,
    pub context: Context,
    pub command: Command,
}

impl<H: Host, S: Stream> Association<H, S> {
    pub fn new(
        shared: Arc<Shared<H>>,
        line: Line<S>,
        agreed: Agreed,
        speaker: Speaker<H>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            shared,
            line,
            agreed,
            speaker,
            stop,
        }
    }

    pub fn into_line(self) -> Line<S> {
        self.line
    }

    /// Answers messages until the association ends.
    pub async fn run(&mut self) -> End {
        loop {
            let next = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => Err(End::Stopping),
                next = self.line.command() => next,
            };
            let answered = match next {
                Ok((id, command)) => self.message(id, command).await,
                Err(end) => Err(end),
            };
            if let Err(end) = answered {
                return end;
            }
        }
    }

    async fn message(&mut self, id: u8, command: Command) -> Result<(), End> {
        let Some(context) = self.agreed.contexts.get(&id).cloned() else {
            return Err(End::Broke(super::pdu::Fault::Invalid));
        };
        let Some(kind) = command.asks() else {
            // An answer that comes late, to what was given up.
            return self.skip(&command).await;
        };
        if kind == Kind::Cancel {
            return Ok(());
        }
        let began = Instant::now();
        let asked = Asked {
            id,
            context,
            command,
        };
        let done = match (kind, asked.context.service) {
            (Kind::Echo, Service::Verification) => self.echo(&asked).await,
            (Kind::Store, Service::Storage) => Box::pin(self.store(&asked)).await,
            (Kind::Find, Service::Find(root)) => Box::pin(self.find(&asked, root)).await,
            (Kind::Move, Service::Move(root)) => Box::pin(self.send_away(&asked, root)).await,
            (Kind::Get, Service::Get(root)) => Box::pin(self.send_back(&asked, root)).await,
            (Kind::Action, Service::Commitment) => Box::pin(self.commit(&asked)).await,
            _ => {
                self.refuse(&asked, (status::UNRECOGNISED_OPERATION, ""))
                    .await
            }
        };
        metrics::histogram!("karez_dicom_operation_seconds", "operation" => kind.word())
            .record(began.elapsed());
        done
    }

    async fn echo(&mut self, asked: &Asked) -> Result<(), End> {
        self.skip(&asked.command).await?;
        self.answer(asked, (status::SUCCESS, "")).await
    }

    /// Reads the data set that follows, if one does, and forgets it.
    pub(super) async fn skip(&mut self, command: &Command) -> Result<(), End> {
        if command.has_data_set() {
            self.line.data_set(&mut Body::bounded(0)).await?;
        }
        Ok(())
    }

    /// Answers with a status after reading away what came with the request.
    pub(super) async fn refuse(&mut self, asked: &Asked, status: Status) -> Result<(), End> {
        self.skip(&asked.command).await?;
        self.answer(asked, status).await
    }

    pub(super) async fn answer(&mut self, asked: &Asked, status: Status) -> Result<(), End> {
        count(asked.command.asks(), status.0);
        let answer = asked.command.answer(status.0, false).because(status.1);
        self.line.send(asked.id, &answer, None).await
    }

    /// The peer, when it may use what this context is for.
    pub(super) async fn may(&mut self, asked: &Asked) -> Result<H::Peer, Status> {
        let host = &*self.shared.host;
        match self.speaker.peer(host).await {
            Some(peer) if host.may(peer, asked.context.service) => Ok(peer.clone()),
            _ => Err((status::NOT_AUTHORISED, "not authorised")),
        }
    }
}

/// Counts what was answered.
pub fn count(kind: Option<Kind>, status: u16) {
    let operation = kind.map_or("unknown", Kind::word);
    metrics::counter!("karez_dicom_operations_total", "operation" => operation,
        "status" => format!("{status:04x}"))
    .increment(1);
}
