//! Bodies of several parts (RFC 2046 §5.1, RFC 2387): read piece by piece as they come in, and written.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem::Finder;

/// Header fields of one part, bytes.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// RFC 2046 §5.1.1
const BOUNDARY_CHARS_MAX: usize = 70;

/// What comes next in a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins; its `Content-Type`, empty when it has none.
    Part(String),
    /// Some of the part's content.
    Content(Bytes),
    /// The part is whole.
    PartEnd,
    /// There are no more parts.
    End,
}

/// A body that is not made of parts as its boundary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a body of parts")]
pub struct Malformed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first boundary.
    Preamble,
    /// Just behind a boundary.
    Boundary,
    /// In a part's header fields.
    Head,
    Content,
    End,
}

/// A body of parts as it comes in.
pub struct Parts {
    delimiter: Finder<'static>,
    input: BytesMut,
    at: At,
}

impl Parts {
    pub fn new(boundary: &str) -> Result<Self, Malformed> {
        if boundary.is_empty() || boundary.len() > BOUNDARY_CHARS_MAX || !boundary.is_ascii() {
            return Err(Malformed);
        }
        // The first boundary may stand at the very beginning, without the line break that belongs to it.
        let input = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}");
        Ok(Self {
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            input,
            at: At::Preamble,
        })
    }

    /// Adds bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at != At::End {
            self.input.extend_from_slice(bytes);
        }
    }

    /// What comes next; none when more bytes are needed.
    pub fn next(&mut self) -> Result<Option<Event>, Malformed> {
        loop {
            match self.at {
                At::Preamble => {
                    if !self.skip_preamble() {
                        return Ok(None);
                    }
                }
                At::Boundary => match self.behind_boundary()? {
                    Some(At::End) => {
                        self.at = At::End;
                        self.input.clear();
                        return Ok(Some(Event::End));
                    }
                    Some(next) => self.at = next,
                    None => return Ok(None),
                },
                At::Head => return self.head(),
                At::Content => return Ok(self.content()),
                At::End => return Ok(Some(Event::End)),
            }
        }
    }

    fn skip_preamble(&mut self) -> bool {
        let delimiter = self.delimiter.needle().len();
        if let Some(at) = self.delimiter.find(&self.input) {
            self.input.advance(at + delimiter);
            self.at = At::Boundary;
            return true;
        }
        let keep = (delimiter - 1).min(self.input.len());
        self.input.advance(self.input.len() - keep);
        false
    }

    /// The end, or blanks and a line break before a part.
    fn behind_boundary(&mut self) -> Result<Option<At>, Malformed> {
        if self.input.starts_with(b"--") {
            return Ok(Some(At::End));
        }
        let blanks = self
            .input
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        match self.input.get(blanks..blanks + 2) {
            Some(b"\r\n") => {
                // The line break stays: with the next one it ends a head without fields.
                self.input.advance(blanks);
                Ok(Some(At::Head))
            }
            Some(_) => Err(Malformed),
            None if self.input.len() > HEAD_BYTES_MAX => Err(Malformed),
            None => Ok(None),
        }
    }

    fn head(&mut self) -> Result<Option<Event>, Malformed> {
        let Some(end) = memchr::memmem::find(&self.input, b"\r\n\r\n") else {
            return if self.input.len() > HEAD_BYTES_MAX {
                Err(Malformed)
            } else {
                Ok(None)
            };
        };
        if end > HEAD_BYTES_MAX {
            return Err(Malformed);
        }
        let head = self.input.split_to(end + 4);
        let head = std::str::from_utf8(&head[..end]).map_err(|_| Malformed)?;
        let kind = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.trim().to_owned());
        self.at = At::Content;
        Ok(Some(Event::Part(kind.unwrap_or_default())))
    }

    fn content(&mut self) -> Option<Event> {
        let delimiter = self.delimiter.needle().len();
        match self.delimiter.find(&self.input) {
            Some(0) => {
                self.input.advance(delimiter);
                self.at = At::Boundary;
                Some(Event::PartEnd)
            }
            Some(at) => Some(Event::Content(self.input.split_to(at).freeze())),
            None if self.input.len() >= delimiter => {
                let whole = self.input.len() + 1 - delimiter;
                Some(Event::Content(self.input.split_to(whole).freeze()))
            }
            None => None,
        }
    }
}

/// A boundary that no content has: it is random.
pub fn boundary() -> String {
    format!("karez{}", uuid::Uuid::new_v4().simple())
}

/// What stands before a part's content.
pub fn part_head(boundary: &str, content_type: &str, location: Option<&str>) -> String {
    let location = location.map_or_else(String::new, |l| format!("Content-Location: {l}\r\n"));
    format!("--{boundary}\r\nContent-Type: {content_type}\r\n{location}\r\n")
}

/// The same where the length of the content is told, so that who reads need not look for its end.
pub fn sized_head(boundary: &str, content_type: &str, location: &str, length: usize) -> String {
    let head = part_head(boundary, content_type, Some(location));
    let (fields, _) = head.split_at(head.len() - 2);
    format!("{fields}Content-Length: {length}\r\n\r\n")
}

/// What stands behind a part's content.
pub const PART_END: &str = "\r\n";

/// What stands behind the last part.
pub fn end(boundary: &str) -> String {
    format!("--{boundary}--\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a body that comes in pieces of `step` bytes.
    fn read(body: &[u8], step: usize) -> Result<Vec<(String, Vec<u8>)>, Malformed> {
        let mut parts = Parts::new("B")?;
        let mut read = Vec::new();
        for piece in body.chunks(step) {
            parts.push(piece);
            loop {
                match parts.next()? {
                    None => break,
                    Some(Event::Part(kind)) => read.push((kind, Vec::new())),
                    Some(Event::Content(bytes)) => {
                        read.last_mut().unwrap().1.extend_from_slice(&bytes);
                    }
                    Some(Event::PartEnd) => {}
                    Some(Event::End) => return Ok(read),
                }
            }
        }
        Err(Malformed)
    }

    #[test]
    fn parts_are_read_however_the_body_is_cut() {
        let body = b"preamble\r\n--B\r\nContent-Type: application/dicom\r\nX: y\r\n\r\none\r\n--not\r\n--B  \r\ncontent-type:a/b\r\n\r\n\r\n--B\r\n\r\ntwo\r\n--B--\r\nepilogue";
        let expected = vec![
            ("application/dicom".to_owned(), b"one\r\n--not".to_vec()),
            ("a/b".to_owned(), Vec::new()),
            (String::new(), b"two".to_vec()),
        ];
        for step in [1, 2, 3, 7, 64, 4096] {
            assert_eq!(read(body, step).as_ref(), Ok(&expected), "{step} at a time");
        }
    }

    #[test]
    fn a_body_may_begin_with_its_boundary_and_must_end_with_it() {
        assert_eq!(
            read(b"--B\r\n\r\nx\r\n--B--", 4).unwrap(),
            [(String::new(), b"x".to_vec())]
        );
        assert_eq!(read(b"--B--", 1).unwrap(), []);
        assert_eq!(read(b"--B\r\n\r\nx\r\n--B", 4), Err(Malformed));
        assert_eq!(read(b"--Bad\r\n\r\nx\r\n--B--", 40), Err(Malformed));
        assert!(Parts::new("").is_err() && Parts::new(&"b".repeat(71)).is_err());
    }

    #[test]
    fn a_head_without_end_is_refused_in_bounded_memory() {
        let mut parts = Parts::new("B").unwrap();
        parts.push(b"--B\r\nX: ");
        parts.push(&vec![b'a'; HEAD_BYTES_MAX + 1]);
        assert_eq!(parts.next(), Err(Malformed));
        let mut preamble = Parts::new("B").unwrap();
        preamble.push(&vec![b'a'; 1 << 20]);
        assert_eq!(preamble.next(), Ok(None));
        assert!(preamble.input.len() < 16);
    }

    #[test]
    fn what_is_written_is_read() {
        let body = [
            part_head("B", "application/dicom", None).as_bytes(),
            b"content",
            PART_END.as_bytes(),
            end("B").as_bytes(),
        ]
        .concat();
        assert_eq!(
            read(&body, 5).unwrap(),
            [("application/dicom".to_owned(), b"content".to_vec())]
        );
    }
}
