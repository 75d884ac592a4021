//! A small HTTP/1.1 client on one kept connection (RFC 9112): nothing between the clock and the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

/// One connection, with the cookies it was given.
pub struct Client {
    host: String,
    stream: BufReader<TcpStream>,
    cookies: Vec<(String, String)>,
    /// Sent with every request, for example `Authorization`.
    pub headers: Vec<(String, String)>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Client {
    /// Connects to a base address such as `http://127.0.0.1:8080`.
    pub fn connect(base: &str) -> Result<Self> {
        let host = base
            .strip_prefix("http://")
            .context("plain HTTP only")?
            .trim_end_matches('/');
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            host: host.to_owned(),
            stream: BufReader::new(stream),
            cookies: Vec::new(),
            headers: Vec::new(),
        })
    }

    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, "", &[])
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
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nOrigin: http://{}\r\n",
            self.host, self.host
        );
        if !content_type.is_empty() {
            head.push_str(&format!("Content-Type: {content_type}\r\n"));
        }
        if method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
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
        // In one piece: two would be two system calls here and two there.
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let first = self.head_line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .context("no status")?;
        let (mut length, mut chunked, mut location) = (None, false, None);
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
                "content-length" => length = value.parse::<usize>().ok(),
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep_cookie(value),
                _ => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(self.head_line()?.trim(), 16)?;
                let begin = body.len();
                body.resize(begin + size, 0);
                self.stream.read_exact(&mut body[begin..])?;
                self.head_line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            body.resize(length.unwrap_or(0), 0);
            self.stream.read_exact(&mut body)?;
        }
        Ok(Answer {
            status,
            location,
            body,
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
