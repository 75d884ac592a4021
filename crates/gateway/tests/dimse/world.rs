//! A listener over a host in memory, and a client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dicom_ul::ClientAssociationOptions;
use dicom_ul::association::client::AsyncClientAssociation;
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu};
use karez_gateway::dimse::classes::{EXPLICIT_LITTLE, Service};
use karez_gateway::dimse::host::{Answers, Host, Identifier, Proof, Sendable, Titles};
use karez_gateway::dimse::status::{self, Status};
use karez_gateway::dimse::{Patience, Refusal, Settings};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

/// Remembers files; knows SCANNER and READER, of which the latter may not store.
#[derive(Default)]
pub struct Memory {
    pub files: Mutex<Vec<Bytes>>,
    pub withdrawn: std::sync::atomic::AtomicBool,
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

    async fn keep(&self, _: &String, _: &str, file: Bytes) -> Status {
        self.files.lock().unwrap().push(file);
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

    async fn open(&self, _: &String, line: &Bytes) -> Result<Bytes, Status> {
        Ok(line.clone())
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = Arc::new(Memory::default());
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
        let mut options = ClientAssociationOptions::new()
            .calling_ae_title(calling.to_owned())
            .called_ae_title("YARQUM");
        for (class, syntaxes) in contexts {
            options = options.with_presentation_context(
                (*class).to_owned(),
                syntaxes.iter().map(|s| (*s).to_owned()).collect(),
            );
        }
        let association = options.establish_async(self.address).await;
        association.map(Client).map_err(|e| e.to_string())
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

pub struct Client(pub AsyncClientAssociation<TcpStream>);

/// An element of a command set in implicit VR little endian.
pub fn element(number: u16, value: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    out.extend_from_slice(value);
    out
}

/// A request's command set.
pub fn command(kind: u16, class: &str, message: u16, data: bool, more: &[(u16, &[u8])]) -> Vec<u8> {
    let mut text = class.as_bytes().to_vec();
    if text.len() % 2 == 1 {
        text.push(0);
    }
    let mut out = element(0x0002, &text);
    out.extend(element(0x0100, &kind.to_le_bytes()));
    out.extend(element(0x0110, &message.to_le_bytes()));
    let data_set: u16 = if data { 1 } else { 0x0101 };
    out.extend(element(0x0800, &data_set.to_le_bytes()));
    for (number, value) in more {
        out.extend(element(*number, value));
    }
    out
}

/// A value of 16 bit in a command set.
pub fn number(command: &[u8], wanted: u16) -> Option<u16> {
    let mut rest = command;
    while rest.len() >= 8 {
        let number = u16::from_le_bytes([rest[2], rest[3]]);
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        if number == wanted {
            return Some(u16::from_le_bytes(rest[8..10].try_into().unwrap()));
        }
        rest = &rest[8 + length..];
    }
    None
}

impl Client {
    pub fn context(&self, class: &str) -> u8 {
        self.0
            .presentation_contexts()
            .iter()
            .find(|c| c.abstract_syntax == class)
            .unwrap()
            .id
    }

    pub async fn send(&mut self, context: u8, command: Vec<u8>, data: Option<Vec<u8>>) {
        let value = |value_type, data| Pdu::PData {
            data: vec![PDataValue {
                presentation_context_id: context,
                value_type,
                is_last: true,
                data,
            }],
        };
        let command = value(PDataValueType::Command, command);
        self.0.send(&command).await.unwrap();
        for piece in data.iter().flat_map(|d| d.chunks(16_000)) {
            let whole = data.as_ref().unwrap();
            let last = std::ptr::eq(
                piece.as_ptr_range().end,
                whole.as_slice().as_ptr_range().end,
            );
            let data = PDataValue {
                presentation_context_id: context,
                value_type: PDataValueType::Data,
                is_last: last,
                data: piece.to_vec(),
            };
            self.0.send(&Pdu::PData { data: vec![data] }).await.unwrap();
        }
    }

    /// The next command set; none when the association ended.
    pub async fn answer(&mut self) -> Option<Vec<u8>> {
        loop {
            let Ok(Pdu::PData { data }) = self.0.receive().await else {
                return None;
            };
            for value in data {
                if value.value_type == PDataValueType::Command {
                    return Some(value.data);
                }
            }
        }
    }

    pub async fn status(&mut self) -> Option<u16> {
        number(&self.answer().await?, 0x0900)
    }

    /// C-STORE of this data set; the status.
    pub async fn store(&mut self, class: &str, data: Vec<u8>) -> Option<u16> {
        let context = self.context(MR);
        let store = command(0x0001, class, 1, true, &[(0x1000, b"1.2.3\0")]);
        self.send(context, store, Some(data)).await;
        self.status().await
    }
}
