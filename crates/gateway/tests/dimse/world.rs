//! A listener over a host in memory, and a client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::imaging::{Content, Incoming};
use async_trait::async_trait;
use bytes::Bytes;
use karez_gateway::dimse::classes::{EXPLICIT_LITTLE, Service};
use karez_gateway::dimse::host::{Answers, Host, Identifier, Outgoing, Proof, Sendable, Titles};
use karez_gateway::dimse::status::{self, Status};
use karez_gateway::dimse::{Patience, Refusal, Settings};
pub use testkit::dicom::{Client, command, number};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

/// Remembers files; knows SCANNER and READER, of which the latter may not store.
#[derive(Default)]
pub struct Memory {
    pub files: Mutex<Vec<Bytes>>,
    pub withdrawn: std::sync::atomic::AtomicBool,
    /// Where objects go that are too large to be held; none holds all.
    pub app: Option<app::App>,
}

#[async_trait]
impl Host for Memory {
    type Peer = String;
    type Line = Bytes;

    fn serves(&self, service: Service) -> bool {
        service != Service::Commitment
    }

    async fn peer(&self, titles: &Titles, _: &Proof) -> Result<String, Refusal> {
        let withdrawn = self.withdrawn.load(std::sync::atomic::Ordering::SeqCst);
        match (titles.called.as_str(), titles.calling.as_str()) {
            ("YARQUM", known @ ("SCANNER" | "READER")) if !withdrawn => Ok(known.to_owned()),
            _ => Err(Refusal::CallingTitle),
        }
    }

    fn may(&self, peer: &String, service: Service) -> bool {
        peer == "SCANNER" || service != Service::Storage
    }

    fn incoming(&self, head: Vec<u8>) -> Incoming {
        match &self.app {
            Some(app) => app.image_incoming(head),
            None => Incoming::new(head, None),
        }
    }

    async fn keep(&self, _: &String, _: &str, file: Content) -> Status {
        let whole = file.range(0..file.len()).unwrap();
        self.files.lock().unwrap().push(whole);
        (status::SUCCESS, "")
    }

    async fn find(&self, _: &String, _: &Identifier, from: u32) -> Result<Answers, Status> {
        // Ten pages of a hundred answers.
        Ok(Answers {
            data_sets: vec![b"\x10\x00\x20\x00LO\x02\x00P1".to_vec(); 100],
            more: from < 900,
        })
    }

    async fn locate(&self, _: &String, _: &Identifier) -> Result<Vec<Sendable<Bytes>>, Status> {
        let files = self.files.lock().unwrap();
        let of = |(n, file): (usize, &Bytes)| Sendable {
            class: MR.into(),
            instance: format!("1.2.{}", n + 1),
            transfer_syntax: EXPLICIT_LITTLE.into(),
            size: file.len() as u64,
            line: file.clone(),
        };
        Ok(files.iter().enumerate().map(of).collect())
    }

    async fn open(&self, _: &String, line: &Bytes) -> Result<Box<dyn Outgoing>, Status> {
        Ok(Box::new(line.clone()))
    }
}

pub struct World {
    pub host: Arc<Memory>,
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

pub fn settings() -> Settings {
    Settings {
        associations_max: 4,
        per_peer_max: 3,
        unit_bytes: 16_384,
        patience: Patience {
            idle: Duration::from_secs(5),
            message: Duration::from_secs(5),
        },
        object_bytes_max: 1 << 20,
        room: karez_gateway::dimse::Room::of_mib(8),
        tls: None,
        tls_out: None,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::of(Memory::default(), settings).await
    }

    pub async fn of(host: Memory, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = Arc::new(host);
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(karez_gateway::dimse::serve(
            listener,
            Arc::clone(&host),
            settings,
            stopped,
            Duration::from_secs(5),
        ));
        Self {
            host,
            address,
            stop,
            serving,
        }
    }

    pub async fn connect(&self, calling: &str) -> Result<Client, String> {
        self.connect_for(calling, &[(MR, &[EXPLICIT_LITTLE])]).await
    }

    pub async fn connect_for(
        &self,
        calling: &str,
        contexts: &[(&str, &[&str])],
    ) -> Result<Client, String> {
        Client::connect(self.address, "YARQUM", calling, contexts).await
    }

    pub async fn raw(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks the listener to stop and waits for it.
    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(20), self.serving)
            .await
            .unwrap()
            .unwrap();
    }
}
