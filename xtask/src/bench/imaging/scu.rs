//! A sender of objects (C-STORE, PS3.7 §9.1.1; PS3.8 §9.3): nothing but the bytes it must write stands between the clock and
//! the server.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

use super::object::{CT, EXPLICIT_LITTLE, MULTI_FRAME, Object};

const CALLING: &str = "SCANNER";
/// Context numbers of the classes that are sent.
const CONTEXTS: [(u8, &str); 2] = [(1, CT), (3, MULTI_FRAME)];
/// Written at once, of what is longer.
const WRITE_BYTES: usize = 512 << 10;
/// Where a value begins in a data unit with one value: six bytes each for unit and value.
const VALUE_HEAD: usize = 12;

/// One association.
pub struct Scu {
    stream: TcpStream,
    /// Bytes of a value in one data unit.
    piece: usize,
    message: u16,
    out: Vec<u8>,
}

impl Scu {
    /// Asks for an association; `address` such as `127.0.0.1:11112`.
    pub fn open(address: &str, called: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&request(called))?;
        let (kind, body) = unit(&mut stream)?;
        ensure!(kind == 2, "the association was refused");
        let most = unit_bytes_max(&body).context("no maximum length")?;
        let most = if most == 0 {
            128 << 10
        } else {
            most.clamp(4 << 10, 128 << 10)
        };
        Ok(Self {
            stream,
            piece: (most - 6) & !1,
            message: 0,
            out: Vec::with_capacity(WRITE_BYTES + most),
        })
    }

    /// Sends one object and waits for the answer.
    pub fn store(&mut self, object: &Object) -> Result<()> {
        self.message = self.message.wrapping_add(1);
        let context = CONTEXTS.iter().find(|(_, c)| *c == object.class);
        let context = context.context("a class that was not asked for")?.0;
        self.out.clear();
        let command = command(object.class, &object.uid, self.message);
        put(&mut self.out, context, 3, &command);
        let mut left = object.len();
        let mut value = Vec::with_capacity(self.piece);
        for mut bytes in object.pieces() {
            while !bytes.is_empty() {
                let take = bytes.len().min(self.piece - value.len());
                value.extend_from_slice(&bytes[..take]);
                bytes = &bytes[take..];
                left -= take;
                if value.len() == self.piece || left == 0 {
                    put(
                        &mut self.out,
                        context,
                        if left == 0 { 2 } else { 0 },
                        &value,
                    );
                    value.clear();
                }
                if self.out.len() >= WRITE_BYTES {
                    self.stream.write_all(&self.out)?;
                    self.out.clear();
                }
            }
        }
        self.stream.write_all(&self.out)?;
        let (kind, body) = unit(&mut self.stream)?;
        ensure!(kind == 4, "a unit of type {kind} instead of an answer");
        let status = status(body.get(6..).unwrap_or_default()).context("no status")?;
        ensure!(status == 0, "status {status:04x}");
        Ok(())
    }

    pub fn release(mut self) -> Result<()> {
        self.stream.write_all(&[5, 0, 0, 0, 0, 4, 0, 0, 0, 0])?;
        let (kind, _) = unit(&mut self.stream)?;
        ensure!(kind == 6, "a unit of type {kind} instead of a release");
        Ok(())
    }
}

/// The next unit: its type and body.
fn unit(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
    if length > 1 << 20 {
        bail!("a unit of {length} bytes");
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head[0], body))
}

/// Appends one data unit with one value (PS3.8 §9.3.5); `control`: 1 a command, 2 the last of its part.
fn put(out: &mut Vec<u8>, context: u8, control: u8, bytes: &[u8]) {
    let length = |more: usize| {
        u32::try_from(bytes.len() + more)
            .unwrap_or_default()
            .to_be_bytes()
    };
    out.reserve(VALUE_HEAD + bytes.len());
    out.extend_from_slice(&[4, 0]);
    out.extend_from_slice(&length(6));
    out.extend_from_slice(&length(2));
    out.extend_from_slice(&[context, control]);
    out.extend_from_slice(bytes);
}

/// A-ASSOCIATE-RQ (PS3.8 §9.3.2).
fn request(called: &str) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend_from_slice(format!("{called:16}{CALLING:16}").as_bytes());
    body.extend_from_slice(&[0; 32]);
    item(&mut body, 0x10, b"1.2.840.10008.3.1.1.1");
    for (number, class) in CONTEXTS {
        let mut context = vec![number, 0, 0, 0];
        item(&mut context, 0x30, class.as_bytes());
        item(&mut context, 0x40, EXPLICIT_LITTLE.as_bytes());
        item(&mut body, 0x20, &context);
    }
    let mut user = Vec::new();
    item(&mut user, 0x51, &(128_u32 << 10).to_be_bytes());
    item(&mut user, 0x52, b"2.25.1");
    item(&mut body, 0x50, &user);
    let mut out = vec![1, 0];
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or_default().to_be_bytes());
    out.extend(body);
    out
}

fn item(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.extend_from_slice(&[kind, 0]);
    out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(bytes);
}

/// What the acceptor takes in one data unit (PS3.8 annex D.1).
fn unit_bytes_max(accepted: &[u8]) -> Option<usize> {
    let items = accepted.get(68..)?;
    let user = items_of(items).find(|(kind, _)| *kind == 0x50)?.1;
    let most = items_of(user).find(|(kind, _)| *kind == 0x51)?.1;
    Some(u32::from_be_bytes(most.try_into().ok()?) as usize)
}

fn items_of(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (value, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some((head[0], value))
    })
}

/// C-STORE-RQ (PS3.7 §9.3.1.1) in implicit VR little endian.
fn command(class: &str, instance: &str, message: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(160);
    let mut element = |number: u16, value: &[u8]| {
        let odd = value.len() % 2;
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&number.to_le_bytes());
        body.extend_from_slice(
            &u32::try_from(value.len() + odd)
                .unwrap_or_default()
                .to_le_bytes(),
        );
        body.extend_from_slice(value);
        body.extend_from_slice(&[0][..odd]);
    };
    element(0x0002, class.as_bytes());
    element(0x0100, &1_u16.to_le_bytes());
    element(0x0110, &message.to_le_bytes());
    element(0x0700, &0_u16.to_le_bytes());
    element(0x0800, &0_u16.to_le_bytes());
    element(0x1000, instance.as_bytes());
    let mut whole = vec![0, 0, 0, 0, 4, 0, 0, 0];
    whole.extend_from_slice(&u32::try_from(body.len()).unwrap_or_default().to_le_bytes());
    whole.extend(body);
    whole
}

/// The status (0000,0900) of a command set.
fn status(mut command: &[u8]) -> Option<u16> {
    while let Some((head, rest)) = command.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (value, rest) = rest.split_at_checked(length)?;
        if head[..4] == [0, 0, 0, 9] {
            return Some(u16::from_le_bytes(value.try_into().ok()?));
        }
        command = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_behind_other_elements() {
        let mut answer = command("1.2", "1.3", 7);
        answer.extend_from_slice(&[0, 0, 0, 9, 2, 0, 0, 0, 0x00, 0xa7]);
        assert_eq!(status(&answer), Some(0xa700));
        assert_eq!(status(&command("1.2", "1.3", 7)), None);
    }

    #[test]
    fn what_the_acceptor_takes_is_read_from_the_user_information() {
        let asked = request("A");
        assert_eq!(unit_bytes_max(&asked[6..]), Some(128 << 10));
        assert_eq!(unit_bytes_max(&asked[6..90]), None);
    }
}
