//! The strict parser: RFC 8259, valid UTF-8, no name twice in an object, nesting and size bounded.

use std::collections::HashSet;

use kernel::limits::{BUNDLE_BYTES_MAX, JSON_DEPTH_MAX};

use super::{Cell, Doc, JsonError, Shape};

/// Objects with more members than this are checked for repeated names with a set.
const FEW_MEMBERS: usize = 16;

/// Reads one JSON text. Refused: anything but exactly one value, invalid UTF-8, a name given twice, nesting deeper than
/// `limits::JSON_DEPTH_MAX`, more bytes than `limits::BUNDLE_BYTES_MAX`, escapes that are no character.
pub fn parse(bytes: &[u8]) -> Result<Doc<'_>, JsonError> {
    let fail = |what, offset| JsonError {
        what,
        offset,
        path: String::new(),
    };
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(fail("too many bytes", BUNDLE_BYTES_MAX));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| fail("not valid UTF-8", e.valid_up_to()))?;
    let mut p = Parser {
        text,
        bytes,
        at: 0,
        cells: Vec::with_capacity(bytes.len() / 16 + 8),
        unescaped: Vec::new(),
        path: Vec::new(),
    };
    let done = p.value(0).and_then(|()| {
        p.space();
        if p.at == bytes.len() {
            Ok(())
        } else {
            Err("text after the end")
        }
    });
    match done {
        Ok(()) => Ok(Doc {
            text,
            cells: p.cells,
            unescaped: p.unescaped,
        }),
        Err(what) => Err(JsonError {
            what,
            offset: p.at,
            path: p.path.join("."),
        }),
    }
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    cells: Vec<Cell>,
    unescaped: Vec<Box<str>>,
    /// Names above the present place.
    path: Vec<&'t str>,
}

type Outcome = Result<(), &'static str>;

#[allow(clippy::cast_possible_truncation)] // sizes are bounded by BUNDLE_BYTES_MAX
impl<'t> Parser<'t> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }
    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }
    fn push(&mut self, shape: Shape, start: usize) {
        let next = self.cells.len() as u32 + 1;
        self.cells.push(Cell {
            shape,
            start: start as u32,
            end: self.at as u32,
            next,
        });
    }

    fn value(&mut self, depth: usize) -> Outcome {
        self.space();
        match self.peek() {
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'"' => self.string(),
            b't' => self.word(b"true", Shape::True),
            b'f' => self.word(b"false", Shape::False),
            b'n' => self.word(b"null", Shape::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err("a value is expected"),
        }
    }

    fn word(&mut self, word: &[u8], shape: Shape) -> Outcome {
        if !self.bytes[self.at..].starts_with(word) {
            return Err("a value is expected");
        }
        let start = self.at;
        self.at += word.len();
        self.push(shape, start);
        Ok(())
    }

    fn digits(&mut self) -> Outcome {
        if !self.peek().is_ascii_digit() {
            return Err("a digit is expected");
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Outcome {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
            if self.peek().is_ascii_digit() {
                return Err("a number begins with zero");
            }
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Shape::Number, start);
        Ok(())
    }

    fn string(&mut self) -> Outcome {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => return Err("a string does not end"),
                Some(b'"') => {
                    self.at += 1;
                    self.push(Shape::Plain, start);
                    return Ok(());
                }
                Some(b'\\') => return self.escaped(start),
                Some(0..0x20) => return Err("a control character in a string"),
                Some(_) => self.at += 1,
            }
        }
    }

    /// The rest of a string from its first escape on.
    fn escaped(&mut self, start: usize) -> Outcome {
        let mut out = String::from(&self.text[start + 1..self.at]);
        let mut from = self.at;
        loop {
            match self.bytes.get(self.at) {
                None => return Err("a string does not end"),
                Some(b'"') => {
                    out.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    let next = self.unescaped.len() as u32;
                    self.unescaped.push(out.into());
                    self.cells.push(Cell {
                        shape: Shape::Escaped,
                        start: start as u32,
                        end: self.at as u32,
                        next,
                    });
                    return Ok(());
                }
                Some(b'\\') => {
                    out.push_str(&self.text[from..self.at]);
                    out.push(self.escape()?);
                    from = self.at;
                }
                Some(0..0x20) => return Err("a control character in a string"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        let letter = self.bytes.get(self.at + 1).copied().unwrap_or(0);
        self.at += 2;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                let code = match unit {
                    0xD800..=0xDBFF => {
                        if !self.bytes[self.at..].starts_with(b"\\u") {
                            return Err("half of a surrogate pair");
                        }
                        self.at += 2;
                        let low = self.hex4()?;
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return Err("half of a surrogate pair");
                        }
                        0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    other => other,
                };
                char::from_u32(code).ok_or("half of a surrogate pair")?
            }
            _ => return Err("an unknown escape"),
        })
    }

    fn hex4(&mut self) -> Result<u32, &'static str> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .ok_or("four hexadecimal digits are expected")?;
        let mut code = 0;
        for d in digits {
            code = code * 16
                + char::from(*d)
                    .to_digit(16)
                    .ok_or("four hexadecimal digits are expected")?;
        }
        self.at += 4;
        Ok(code)
    }

    fn open(&mut self, shape: Shape, depth: usize) -> Result<usize, &'static str> {
        if depth > JSON_DEPTH_MAX {
            return Err("nested too deep");
        }
        let cell = self.cells.len();
        self.cells.push(Cell {
            shape,
            start: self.at as u32,
            end: 0,
            next: 0,
        });
        self.at += 1;
        self.space();
        Ok(cell)
    }
    fn close(&mut self, cell: usize) {
        self.at += 1;
        let next = self.cells.len() as u32;
        let c = &mut self.cells[cell];
        (c.end, c.next) = (self.at as u32, next);
    }

    fn array(&mut self, depth: usize) -> Outcome {
        let cell = self.open(Shape::Array, depth)?;
        if self.peek() != b']' {
            loop {
                self.value(depth)?;
                self.space();
                match self.peek() {
                    b',' => self.at += 1,
                    b']' => break,
                    _ => return Err("a comma or the end of the array is expected"),
                }
            }
        }
        self.close(cell);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Outcome {
        let cell = self.open(Shape::Object, depth)?;
        let mut members = 0;
        if self.peek() != b'}' {
            loop {
                self.space();
                if self.peek() != b'"' {
                    return Err("a member name is expected");
                }
                let start = self.at;
                self.string()?;
                // No name of FHIR needs an escape; refusing them keeps one spelling for each name.
                if self.cells.last().is_some_and(|c| c.shape == Shape::Escaped) {
                    return Err("an escape in a member name");
                }
                members += 1;
                self.path.push(&self.text[start + 1..self.at - 1]);
                self.space();
                if self.peek() != b':' {
                    return Err("a colon is expected");
                }
                self.at += 1;
                self.value(depth)?;
                self.path.pop();
                self.space();
                match self.peek() {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return Err("a comma or the end of the object is expected"),
                }
            }
        }
        self.close(cell);
        self.names_differ(cell, members)
    }

    fn names_differ(&self, cell: usize, members: usize) -> Outcome {
        const TWICE: Outcome = Err("a name is given twice");
        if members < 2 {
            return Ok(());
        }
        let mut names = Vec::with_capacity(members);
        let mut at = cell + 1;
        let end = self.cells[cell].next as usize;
        while at < end {
            names.push(self.name(self.cells[at]));
            let value = self.cells[at + 1];
            at = if value.shape == Shape::Escaped {
                at + 2
            } else {
                value.next as usize
            };
        }
        if members <= FEW_MEMBERS {
            for (i, name) in names.iter().enumerate() {
                if names[..i].contains(name) {
                    return TWICE;
                }
            }
        } else {
            let mut seen = HashSet::with_capacity(members);
            if !names.iter().all(|n| seen.insert(*n)) {
                return TWICE;
            }
        }
        Ok(())
    }

    fn name(&self, cell: Cell) -> &str {
        &self.text[cell.start as usize + 1..cell.end as usize - 1]
    }
}
