//! What stands behind the listener: who a peer is, what it may, who keeps objects and finds them. A node's archive is one
//! ([`super::archive`]); the spool of a remote hospital is another, which serves less.

use std::net::IpAddr;
use std::ops::Range;

use app::imaging::{Content, Incoming};
use async_trait::async_trait;
use bytes::Bytes;

use super::classes::{Root, Service};
use super::negotiate::Refusal;
use super::status::{self, Status};

/// What a peer shows of itself, beside the titles it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub address: IpAddr,
    /// Thumbprint (RFC 8705: base64url of SHA-256) of the certificate it showed; none without TLS.
    pub certificate: Option<String>,
}

/// The titles of an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Titles {
    pub called: String,
    pub calling: String,
}

/// The identifier of a query or retrieval as it came in.
#[derive(Debug, Clone)]
pub struct Identifier {
    pub root: Root,
    pub bytes: Bytes,
    pub transfer_syntax: String,
    /// Fuzzy matching of names was agreed on.
    pub fuzzy: bool,
}

/// Some of the answers to a query, each a data set in the identifier's transfer syntax.
#[derive(Debug, Default)]
pub struct Answers {
    pub data_sets: Vec<Vec<u8>>,
    pub more: bool,
}

/// An object that may be sent.
#[derive(Debug, Clone)]
pub struct Sendable<L> {
    pub class: String,
    pub instance: String,
    pub transfer_syntax: String,
    /// Bytes of its file.
    pub size: u64,
    pub line: L,
}

/// The file of an object on its way out, read as it is sent.
#[async_trait]
pub trait Outgoing: Send + Sync {
    /// Bytes of the file.
    fn size(&self) -> u64;

    /// Some of its bytes; the range lies within it.
    async fn range(&self, range: Range<u64>) -> Result<Bytes, Status>;
}

#[async_trait]
impl Outgoing for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, Status> {
        let at = |n| usize::try_from(n).unwrap_or(usize::MAX).min(self.len());
        Ok(self.slice(at(range.start)..at(range.end)))
    }
}

/// Where objects are sent (C-MOVE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub title: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// The title they are sent from.
    pub our_title: String,
}

/// What is asked of storage commitment (PS3.4 §J.3.2), and what is said.
#[derive(Debug, Default)]
pub struct Commitment {
    /// The data set of N-EVENT-REPORT.
    pub report: Vec<u8>,
    /// Whether anything is not kept.
    pub failures: bool,
}

/// What a listener serves. What is not said otherwise is refused.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// A peer that is known, with all that its operations need.
    type Peer: Clone + Send + Sync;
    /// How an object that may be sent is opened.
    type Line: Clone + Send + Sync;

    /// Whether a service is offered at all; contexts of others are refused (PS3.8 §9.3.3.2).
    fn serves(&self, service: Service) -> bool;

    /// Whom an association speaks for. Asked again during it, so that a peer that was withdrawn is cut.
    async fn peer(&self, titles: &Titles, proof: &Proof) -> Result<Self::Peer, Refusal>;

    /// Whether the peer may use a service: asked before what it sends is taken.
    fn may(&self, peer: &Self::Peer, service: Service) -> bool;

    /// Where an object comes in, behind its preamble and file meta information: here all of it is held.
    fn incoming(&self, head: Vec<u8>) -> Incoming {
        Incoming::new(head, None)
    }

    /// Keeps an object (a PS3.10 file) that came in one exchange with others. A status of success or warning promises
    /// that it is on disk.
    async fn keep(&self, peer: &Self::Peer, exchange: &str, file: Content) -> Status;

    /// The answers to a query from the one numbered `from`.
    async fn find(&self, _: &Self::Peer, _: &Identifier, _from: u32) -> Result<Answers, Status> {
        Err((status::UNRECOGNISED_OPERATION, ""))
    }

    /// The objects that a retrieval means.
    async fn locate(
        &self,
        _: &Self::Peer,
        _: &Identifier,
    ) -> Result<Vec<Sendable<Self::Line>>, Status> {
        Err((status::UNRECOGNISED_OPERATION, ""))
    }

    /// The file of an object that was located.
    async fn open(&self, _: &Self::Peer, _: &Self::Line) -> Result<Box<dyn Outgoing>, Status> {
        Err((status::UNRECOGNISED_OPERATION, ""))
    }

    /// The file of an object that was located in another transfer syntax; none when it cannot be brought into it.
    async fn transcode(
        &self,
        _: &Self::Peer,
        _: &Self::Line,
        _transfer_syntax: &str,
    ) -> Option<Box<dyn Outgoing>> {
        None
    }

    /// Where an entity with this title is reached.
    async fn destination(
        &self,
        _: &Self::Peer,
        _title: &str,
    ) -> Result<Option<Destination>, Status> {
        Ok(None)
    }

    /// Says of each object that was asked for whether it is kept.
    async fn commitment(&self, _: &Self::Peer, _: &Identifier) -> Result<Commitment, Status> {
        Err((status::NO_SUCH_ACTION, ""))
    }
}
