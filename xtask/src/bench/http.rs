//! A small HTTP/1.1 client on one kept connection (RFC 9112): nothing between the clock and the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

/// One connection, with the cookies it was given.
pub struct Client {
    host: String,
    stream: BufReader<TcpStream>,
    /// The server has closed the connection; the next request opens another.
    closed: bool,
    cookies: Vec<(String, String)>,
    /// Sent with every request, for example `Authorization`.
    pub headers: Vec<(String, String)>,
    /// Bodies are read and forgotten; their length is told.
    pub forgets: bool,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    /// Empty for a client that forgets.
    pub body: Vec<u8>,
    /// Bytes of the body.
    pub length: u64,
}

impl Client {
    /// Connects to a base address such as `http://127.0.0.1:8080`.
    pub fn connect(base: &str) -> Result<Self> {
        let host = base
            .strip_prefix("http://")
            .context("plain HTTP only")?
            .trim_end_matches('/');
        Ok(Self {
            host: host.to_owned(),
            stream: open(host)?,
            closed: false,
            cookies: Vec::new(),
            headers: Vec::new(),
            forgets: false,
        })
    }

    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, "", &[])
    }

    /// Asks as [`Self::get`] does; [`Self::answer`] is to be called before anything else is asked.
    pub fn ask(&mut self, path: &str) -> Result<()> {
        self.write("GET", path, "", &[])
    }

    /// A form, already encoded.
    pub fn post_form(&mut self, path: &str, form: &str) -> Result<Answer> {
        self.send(
            "POST",
            path,
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Answer> {
        self.send_pieces(method, path, content_type, &[body])
    }

    /// As [`Self::send`], the body in pieces.
    pub fn send_pieces(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[&[u8]],
    ) -> Result<Answer> {
        self.write(method, path, content_type, body)?;
        self.answer()
    }

    fn write(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[&[u8]],
    ) -> Result<()> {
        if std::mem::take(&mut self.closed) {
            self.stream = open(&self.host)?;
        }
        let length: usize = body.iter().map(|piece| piece.len()).sum();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\n",
            self.host, self.host
        );
        if !content_type.is_empty() {
            head.push_str(&format!("Content-Type: {content_type}\r\n"));
        }
        if method != "GET" {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            head.push_str(&format!("Cookie: {}\r\n", all.join("; ")));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // In one piece, if it is small: two would be two system calls here and two there.
        let mut request = head.into_bytes();
        for piece in body {
            if request.len() + piece.len() > WRITE_BYTES && !request.is_empty() {
                self.stream.get_mut().write_all(&request)?;
                request.clear();
            }
            request.extend_from_slice(piece);
        }
        self.stream.get_mut().write_all(&request)?;
        Ok(())
    }

    /// The answer to what was asked last.
    pub fn answer(&mut self) -> Result<Answer> {
        let first = self.head_line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .context("no status")?;
        let (mut length, mut chunked, mut location) = (None, false, None);
        let mut closes = false;
        loop {
            let line = self.head_line()?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                bail!("a header without a colon")
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse::<u64>().ok(),
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => closes = value.eq_ignore_ascii_case("close"),
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep_cookie(value),
                _ => {}
            }
        }
        let mut body = Body::new(self.forgets);
        if chunked {
            loop {
                let size = u64::from_str_radix(self.head_line()?.trim(), 16)?;
                body.read(&mut self.stream, size)?;
                self.head_line()?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = length {
            body.read(&mut self.stream, length)?;
        } else if !matches!(status, 100..=199 | 204 | 304) {
            // It ends with the connection (RFC 9112 §6.3).
            body.read_to_end(&mut self.stream)?;
            self.closed = true;
        }
        self.closed |= closes;
        Ok(Answer {
            status,
            location,
            body: body.bytes,
            length: body.length,
        })
    }

    fn head_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }

    fn keep_cookie(&mut self, header: &str) {
        let pair = header.split(';').next().unwrap_or(header);
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        self.cookies.retain(|(n, _)| n != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// Bodies of more bytes are written as they are.
const WRITE_BYTES: usize = 1 << 20;

fn open(host: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    // As much as most answers hold: more system calls would be time taken from the server on the same processors.
    Ok(BufReader::with_capacity(256 << 10, stream))
}

/// A body as it is read.
struct Body {
    forgets: bool,
    bytes: Vec<u8>,
    length: u64,
}

impl Body {
    const fn new(forgets: bool) -> Self {
        Self {
            forgets,
            bytes: Vec::new(),
            length: 0,
        }
    }

    fn read(&mut self, from: &mut impl BufRead, length: u64) -> Result<()> {
        let read = self.take(from.take(length))?;
        if read != length {
            bail!("a body of {length} bytes ended after {read}");
        }
        Ok(())
    }

    fn read_to_end(&mut self, from: &mut impl BufRead) -> Result<()> {
        self.take(from).map(drop)
    }

    fn take(&mut self, mut from: impl BufRead) -> Result<u64> {
        let mut read = 0;
        if self.forgets {
            loop {
                let there = from.fill_buf()?.len();
                if there == 0 {
                    break;
                }
                from.consume(there);
                read += there as u64;
            }
        } else {
            read = from.read_to_end(&mut self.bytes)? as u64;
        }
        self.length += read;
        Ok(read)
    }
}
