//! The node's archive behind the listener: every operation is a use case of the hospital that the peer speaks for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use app::imaging::{
    Content, ImageSource, Incoming, InstanceLine, OpenImage, Peer, PeerProof, Service as May,
    Target,
};
use app::{App, AppError};
use async_trait::async_trait;
use bytes::Bytes;
use imaging::query::{Include, Level, Model, Query};
use imaging::{Data, Dataset, Element, Limits, Object, VR, tags};
use kernel::limits;

use super::classes::{Root, Service};
use super::host::{
    Answers, Commitment, Destination, Host, Identifier, Outgoing, Proof, Sendable, Titles,
};
use super::negotiate::Refusal;
use super::status::{self, Status};
use super::unpacking;

/// Answers to a query that are fetched together.
const PAGE: u32 = 200;

/// The archive of one node.
pub struct Archive(pub Arc<App>);

fn refused(error: &AppError) -> Status {
    status::note(error);
    status::of_query(error)
}

#[async_trait]
impl Outgoing for OpenImage {
    fn size(&self) -> u64 {
        self.line.size
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, Status> {
        OpenImage::range(self, range).await.map_err(|e| refused(&e))
    }
}

#[async_trait]
impl Host for Archive {
    type Peer = Peer;
    type Line = InstanceLine;

    fn serves(&self, _: Service) -> bool {
        true
    }

    async fn peer(&self, titles: &Titles, proof: &Proof) -> Result<Peer, Refusal> {
        let shown = PeerProof {
            address: proof.address,
            certificate: proof.certificate.clone(),
        };
        let peer = self.0.dicom_peer(&titles.called, &titles.calling, &shown);
        peer.await.map_err(|e| match e {
            // Which of the titles is wrong is not told: a stranger learns no names.
            AppError::Denied(_) | AppError::NotFound => Refusal::CallingTitle,
            e => {
                status::note(&e);
                Refusal::Congestion
            }
        })
    }

    fn may(&self, peer: &Peer, service: Service) -> bool {
        let needed = match service {
            Service::Verification => return true,
            Service::Storage | Service::Commitment => May::Store,
            Service::Find(Root::Worklist) => May::Worklist,
            Service::Find(_) => May::Query,
            Service::Move(_) | Service::Get(_) => May::Retrieve,
        };
        peer.may.contains(&needed)
    }

    fn incoming(&self, head: Vec<u8>) -> Incoming {
        self.0.image_incoming(head)
    }

    async fn keep(&self, peer: &Peer, exchange: &str, file: Content) -> Status {
        let source = ImageSource {
            sender: peer.title.clone(),
            exchange: exchange.to_owned(),
            issuer: peer.issuer.clone(),
        };
        let kept = self.0.image_store(&peer.cx, &peer.hospital, file, &source);
        match kept.await {
            Ok(kept) if kept.outcome.waits() => (status::KEPT_ASIDE, "kept, waits for a decision"),
            Ok(_) => (status::SUCCESS, ""),
            Err(e) => {
                status::note(&e);
                status::of_store(&e)
            }
        }
    }

    async fn find(&self, peer: &Peer, asked: &Identifier, from: u32) -> Result<Answers, Status> {
        let mut query = read(asked)?;
        (query.offset, query.limit) = (from, Some(PAGE));
        let found = match asked.root {
            Root::Worklist => {
                self.0
                    .image_worklist(&peer.cx, &peer.hospital, &query)
                    .await
            }
            _ => self.0.image_find(&peer.cx, &peer.hospital, &query).await,
        };
        let found = found.map_err(|e| refused(&e))?;
        let data_sets = found
            .rows
            .iter()
            .map(|row| imaging::query::to_dataset(row, &query, &asked.transfer_syntax))
            .collect::<Result<_, _>>()
            .map_err(|_| (status::PROCESSING_FAILURE, "an answer could not be written"))?;
        Ok(Answers {
            data_sets,
            more: found.more,
        })
    }

    async fn locate(
        &self,
        peer: &Peer,
        asked: &Identifier,
    ) -> Result<Vec<Sendable<InstanceLine>>, Status> {
        let query = read(asked)?;
        let mut sendable = Vec::new();
        for target in self.targets(peer, query).await? {
            let lines = self.0.image_locate(&peer.cx, &peer.hospital, &target).await;
            match lines {
                Ok(lines) => sendable.extend(lines.into_iter().map(to_send)),
                // What is not there is not sent; the counts say so.
                Err(AppError::NotFound) => {}
                Err(e) => return Err(refused(&e)),
            }
        }
        Ok(sendable)
    }

    async fn open(&self, peer: &Peer, line: &InstanceLine) -> Result<Box<dyn Outgoing>, Status> {
        let opened = self.0.image_open(&peer.cx, line).await;
        Ok(Box::new(opened.map_err(|e| refused(&e))?))
    }

    async fn transcode(
        &self,
        peer: &Peer,
        line: &InstanceLine,
        transfer_syntax: &str,
    ) -> Option<Box<dyn Outgoing>> {
        let file = self.0.image_open(&peer.cx, line).await.ok()?;
        unpacking::transcoded(file, transfer_syntax).await
    }

    async fn destination(&self, peer: &Peer, title: &str) -> Result<Option<Destination>, Status> {
        let found = self.0.dicom_destination(&peer.cx, title).await;
        let found = found.map_err(|e| refused(&e))?;
        Ok(found.map(|d| Destination {
            title: d.title,
            host: d.host,
            port: d.port,
            tls: d.tls,
            our_title: d.our_title,
        }))
    }

    async fn commitment(&self, peer: &Peer, asked: &Identifier) -> Result<Commitment, Status> {
        let bad = (status::CANNOT_UNDERSTAND, "the request cannot be read");
        let small = Limits {
            bytes: limits::DICOM_IDENTIFIER_BYTES_MAX,
            inflated_bytes: limits::DICOM_IDENTIFIER_BYTES_MAX,
            ..Limits::default()
        };
        let object = Object::read_dataset(asked.bytes.clone(), &asked.transfer_syntax, &small);
        let object = object.map_err(|_| bad)?;
        let transaction = object.dataset().plain(tags::TRANSACTION_UID).ok_or(bad)?;
        let named = object.dataset().items(tags::REFERENCED_SOP_SEQUENCE);
        let named: Vec<(String, String)> = named
            .iter()
            .map(|item| {
                let class = item.plain(tags::REFERENCED_SOP_CLASS_UID)?;
                let instance = item.plain(tags::REFERENCED_SOP_INSTANCE_UID)?;
                Some((class.to_owned(), instance.to_owned()))
            })
            .collect::<Option<_>>()
            .ok_or(bad)?;
        let kept = self.kept(peer, &named).await?;
        Ok(report(transaction, &named, &kept, &asked.transfer_syntax))
    }
}

fn read(asked: &Identifier) -> Result<Query, Status> {
    let model = match asked.root {
        Root::Patient => Model::PatientRoot,
        Root::Study => Model::StudyRoot,
        Root::Worklist => Model::Worklist,
    };
    let read = imaging::query::from_identifier(model, &asked.bytes, &asked.transfer_syntax, false);
    let mut query = read.map_err(|e| {
        tracing::debug!(error = %e, "an identifier was refused");
        (status::DATA_SET_MISMATCH, "the identifier cannot be used")
    })?;
    query.fuzzy |= asked.fuzzy;
    Ok(query)
}

fn to_send(line: InstanceLine) -> Sendable<InstanceLine> {
    Sendable {
        class: line.sop_class.clone(),
        instance: line.uid.clone(),
        transfer_syntax: line.transfer_syntax.clone(),
        size: line.size,
        line,
    }
}

/// Asks for these objects, in whatever study.
fn of_instances(instances: &[(String, String)]) -> Query {
    Query {
        model: Model::StudyRoot,
        level: Level::Instance,
        study: Vec::new(),
        series: Vec::new(),
        instance: instances.iter().map(|(_, uid)| uid.clone()).collect(),
        keys: Vec::new(),
        include: Include {
            all: true,
            ..Include::default()
        },
        fuzzy: false,
        limit: None,
        offset: 0,
        charset: Vec::new(),
        ignored: Vec::new(),
    }
}

fn parsed(row: &Bytes) -> Result<Dataset, Status> {
    imaging::json::parse(row, &|_| None)
        .map_err(|_| (status::PROCESSING_FAILURE, "a row could not be read"))
}

impl Archive {
    /// What a retrieval means: the unique keys of its level (PS3.4 §C.4.2.2.1).
    async fn targets(&self, peer: &Peer, query: Query) -> Result<Vec<Target>, Status> {
        let missing = (status::DATA_SET_MISMATCH, "a unique key is missing");
        let targets: Vec<Target> = match (query.level, &query.study[..], &query.series[..]) {
            (Level::Patient, ..) => self
                .studies_of(peer, query)
                .await?
                .into_iter()
                .map(Target::study)
                .collect(),
            (Level::Study, studies, _) => studies.iter().map(Target::study).collect(),
            (Level::Series, [study], series) => series
                .iter()
                .map(|uid| Target::study(study).series(uid))
                .collect(),
            (Level::Instance, [study], [series]) => query
                .instance
                .iter()
                .map(|uid| Target::study(study).series(series).instance(uid))
                .collect(),
            _ => return Err(missing),
        };
        if targets.is_empty() {
            return Err(missing);
        }
        Ok(targets)
    }

    /// The studies of the patient that a query of the patient root names.
    async fn studies_of(&self, peer: &Peer, mut query: Query) -> Result<Vec<String>, Status> {
        let named = |k: &imaging::query::Key| {
            k.tag == tags::PATIENT_ID && matches!(k.matching, imaging::query::Match::Single(_))
        };
        if !query.keys.iter().any(named) {
            return Err((status::DATA_SET_MISMATCH, "a unique key is missing"));
        }
        query.level = Level::Study;
        query.include = Include {
            all: true,
            ..Include::default()
        };
        query.limit = Some(PAGE);
        let mut studies = Vec::new();
        loop {
            let found = self.0.image_find(&peer.cx, &peer.hospital, &query).await;
            let found = found.map_err(|e| refused(&e))?;
            for row in &found.rows {
                studies.extend(
                    parsed(row)?
                        .plain(tags::STUDY_INSTANCE_UID)
                        .map(str::to_owned),
                );
            }
            query.offset += PAGE;
            if !found.more || found.rows.is_empty() {
                return Ok(studies);
            }
        }
    }

    /// Which of these objects are kept, by instance with the class they have.
    async fn kept(
        &self,
        peer: &Peer,
        named: &[(String, String)],
    ) -> Result<HashMap<String, String>, Status> {
        let mut kept = HashMap::new();
        for some in named.chunks(PAGE as usize) {
            let mut query = of_instances(some);
            query.limit = Some(PAGE);
            let found = self.0.image_find(&peer.cx, &peer.hospital, &query).await;
            for row in &found.map_err(|e| refused(&e))?.rows {
                let row = parsed(row)?;
                let class = row.plain(tags::SOP_CLASS_UID).unwrap_or_default();
                if let Some(instance) = row.plain(tags::SOP_INSTANCE_UID) {
                    kept.insert(instance.to_owned(), class.to_owned());
                }
            }
        }
        Ok(kept)
    }
}

/// PS3.7 annex C.4.2, C.4.3: the reasons why an object is not committed to.
const NO_SUCH_INSTANCE: u16 = 0x0112;
const CLASS_DIFFERS: u16 = 0x0119;

/// The data set of N-EVENT-REPORT (PS3.4 table J.3-2).
fn report(
    transaction: &str,
    named: &[(String, String)],
    kept: &HashMap<String, String>,
    transfer_syntax: &str,
) -> Commitment {
    let (mut good, mut failed) = (Vec::new(), Vec::new());
    for (class, instance) in named {
        let mut item = Dataset::new();
        item.put_text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class);
        item.put_text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, instance);
        match kept.get(instance) {
            Some(has) if has == class => good.push(item),
            other => {
                let reason = if other.is_some() {
                    CLASS_DIFFERS
                } else {
                    NO_SUCH_INSTANCE
                };
                item.put(Element {
                    tag: tags::FAILURE_REASON,
                    vr: VR::US,
                    data: Data::Bytes(Bytes::copy_from_slice(&reason.to_le_bytes())),
                });
                failed.push(item);
            }
        }
    }
    let failures = !failed.is_empty();
    let mut said = Dataset::new();
    said.put_text(tags::TRANSACTION_UID, VR::UI, transaction);
    if !good.is_empty() {
        said.put_items(tags::REFERENCED_SOP_SEQUENCE, good);
    }
    if failures {
        said.put_items(tags::FAILED_SOP_SEQUENCE, failed);
    }
    let explicit = transfer_syntax == super::classes::EXPLICIT_LITTLE;
    Commitment {
        report: imaging::write(&said, explicit),
        failures,
    }
}
