//! A DICOM network client for tests (PS3.7, PS3.8), of parts small enough to send what no client of others would.

#![allow(clippy::unwrap_used)] // a test whose line breaks where it may not stops

use std::net::SocketAddr;

use dicom_ul::ClientAssociationOptions;
use dicom_ul::association::client::AsyncClientAssociation;
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu};
use tokio::net::TcpStream;

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const VERIFICATION: &str = "1.2.840.10008.1.1";

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

/// A value in a command set.
fn value(command: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = command;
    while rest.len() >= 8 {
        let number = u16::from_le_bytes([rest[2], rest[3]]);
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        if number == wanted {
            return rest.get(8..8 + length);
        }
        rest = &rest[8 + length..];
    }
    None
}

/// A value of 16 bit in a command set.
pub fn number(command: &[u8], wanted: u16) -> Option<u16> {
    let value = value(command, wanted)?;
    Some(u16::from_le_bytes(value.try_into().unwrap()))
}

impl Client {
    /// Asks for an association with these classes and their transfer syntaxes.
    pub async fn connect(
        address: SocketAddr,
        called: &str,
        calling: &str,
        contexts: &[(&str, &[&str])],
    ) -> Result<Self, String> {
        Self::connect_as(address, called, calling, contexts, &[]).await
    }

    /// As [`Client::connect`]; objects of the classes in `taken` may be sent to us (PS3.7 §D.3.3.4).
    pub async fn connect_as(
        address: SocketAddr,
        called: &str,
        calling: &str,
        contexts: &[(&str, &[&str])],
        taken: &[&str],
    ) -> Result<Self, String> {
        let mut options = ClientAssociationOptions::new()
            .calling_ae_title(calling.to_owned())
            .called_ae_title(called.to_owned());
        for (class, syntaxes) in contexts {
            options = options.with_presentation_context(
                (*class).to_owned(),
                syntaxes.iter().map(|s| (*s).to_owned()).collect(),
            );
        }
        for class in taken {
            options = options.with_role_selection((*class).to_owned(), true, true);
        }
        let association = options.establish_async(address).await;
        association.map(Client).map_err(|e| e.to_string())
    }

    pub fn context(&self, class: &str) -> u8 {
        self.0
            .presentation_contexts()
            .iter()
            .find(|c| c.abstract_syntax == class)
            .unwrap()
            .id
    }

    pub async fn send(&mut self, context: u8, command: Vec<u8>, data: Option<Vec<u8>>) {
        self.try_send(context, command, data).await.unwrap();
    }

    /// As [`Client::send`]; none when the line broke meanwhile.
    async fn try_send(
        &mut self,
        context: u8,
        command: Vec<u8>,
        data: Option<Vec<u8>>,
    ) -> Option<()> {
        let value = |value_type, data| Pdu::PData {
            data: vec![PDataValue {
                presentation_context_id: context,
                value_type,
                is_last: true,
                data,
            }],
        };
        let command = value(PDataValueType::Command, command);
        self.0.send(&command).await.ok()?;
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
            self.0.send(&Pdu::PData { data: vec![data] }).await.ok()?;
        }
        Some(())
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
        self.store_as(MR, class, "1.2.3", data).await
    }

    /// C-STORE of this data set in the context of one class, under the name of another or the same; the status, or none
    /// when the line broke.
    pub async fn store_as(
        &mut self,
        context: &str,
        class: &str,
        instance: &str,
        data: Vec<u8>,
    ) -> Option<u16> {
        let context = self.context(context);
        let mut uid = instance.as_bytes().to_vec();
        if uid.len() % 2 == 1 {
            uid.push(0);
        }
        let store = command(0x0001, class, 1, true, &[(0x1000, &uid)]);
        self.try_send(context, store, Some(data)).await?;
        self.status().await
    }

    /// C-ECHO; the status.
    pub async fn echo(&mut self) -> Option<u16> {
        let context = self.context(VERIFICATION);
        self.send(context, command(0x0030, VERIFICATION, 1, false, &[]), None)
            .await;
        self.status().await
    }

    /// A request with an identifier (C-FIND 0x0020, C-MOVE 0x0021, C-GET 0x0010); how many answers were pending and how
    /// many objects came with it, and the last status. Objects that come are taken with success.
    pub async fn ask(
        &mut self,
        kind: u16,
        class: &str,
        identifier: Vec<u8>,
        more: &[(u16, &[u8])],
    ) -> Option<(usize, usize, u16)> {
        let context = self.context(class);
        self.send(
            context,
            command(kind, class, 1, true, more),
            Some(identifier),
        )
        .await;
        let (mut pending, mut objects) = (0, 0);
        loop {
            let (context, answer) = self.message().await?;
            if number(&answer, 0x0100) == Some(0x0001) {
                objects += 1;
                let message = number(&answer, 0x0110)?;
                self.send(context, taken(message, &answer), None).await;
                continue;
            }
            match number(&answer, 0x0900)? {
                0xff00 | 0xff01 => pending += 1,
                status => return Some((pending, objects, status)),
            }
        }
    }

    /// The next command set with its context, its data set behind it passed over.
    async fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut command: Option<(u8, Vec<u8>)> = None;
        loop {
            let Ok(Pdu::PData { data }) = self.0.receive().await else {
                return None;
            };
            for value in data {
                if value.value_type == PDataValueType::Command {
                    let all = &mut command
                        .get_or_insert((value.presentation_context_id, vec![]))
                        .1;
                    all.extend(value.data);
                    if value.is_last && number(all, 0x0800) == Some(0x0101) {
                        return command;
                    }
                } else if value.is_last {
                    return command;
                }
            }
        }
    }
}

/// The answer to a C-STORE request (PS3.7 §9.3.1.2): success.
fn taken(message: u16, request: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(class) = value(request, 0x0002) {
        out.extend(element(0x0002, class));
    }
    out.extend(element(0x0100, &0x8001_u16.to_le_bytes()));
    out.extend(element(0x0120, &message.to_le_bytes()));
    out.extend(element(0x0800, &0x0101_u16.to_le_bytes()));
    out.extend(element(0x0900, &0_u16.to_le_bytes()));
    if let Some(uid) = value(request, 0x1000) {
        out.extend(element(0x1000, uid));
    }
    out
}
