//! JSON as bytes: strict reading that keeps where everything stands and how numbers were written, and edits that
//! change nothing else (`1.10` stays `1.10`).

mod edit;
mod parse;
mod scan;

use std::borrow::Cow;

pub use edit::{rewrite_references, splice_meta, subset};
pub use parse::parse;
pub use scan::{Peek, peek};

use crate::json::Json;

/// Why bytes are not JSON we accept (RFC 8259, with the bounds of `kernel::limits`). Never quotes the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct JsonError {
    pub what: &'static str,
    /// Counted from 0.
    pub offset: usize,
    /// The member names above the place, joined by dots.
    pub path: String,
}

/// What one value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Null,
    True,
    False,
    Number,
    /// Without escapes: the text stands between its quotes.
    Plain,
    /// With escapes: the text lies in `Doc::unescaped`.
    Escaped,
    Array,
    Object,
}

/// One value on the tape. A container is followed by its content; members are a key and a value.
#[derive(Debug, Clone, Copy)]
struct Cell {
    shape: Shape,
    /// Bytes `start..end` of the text, quotes and brackets included.
    start: u32,
    end: u32,
    /// The cell after this value. For [`Shape::Escaped`] the index of the unescaped text instead: strings hold nothing.
    next: u32,
}

/// A parsed JSON text that borrows the bytes it came from.
#[derive(Debug)]
pub struct Doc<'t> {
    text: &'t str,
    cells: Vec<Cell>,
    unescaped: Vec<Box<str>>,
}

impl<'t> Doc<'t> {
    pub fn root(&self) -> Node<'_> {
        Node {
            text: self.text,
            cells: &self.cells,
            unescaped: &self.unescaped,
            at: 0,
        }
    }
    /// The whole text.
    pub fn as_str(&self) -> &'t str {
        self.text
    }
}

/// A value within a [`Doc`].
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    cells: &'a [Cell],
    unescaped: &'a [Box<str>],
    at: u32,
}

impl std::fmt::Debug for Node<'_> {
    /// Where it stands, not what it says: resources are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cell = self.cell();
        write!(f, "Node({:?}, {}..{})", cell.shape, cell.start, cell.end)
    }
}

impl<'a> Node<'a> {
    fn cell(self) -> Cell {
        self.cells[self.at as usize]
    }
    fn with(self, at: u32) -> Self {
        Self { at, ..self }
    }
    /// The cell after this value.
    fn after(self) -> u32 {
        let cell = self.cell();
        if cell.shape == Shape::Escaped {
            self.at + 1
        } else {
            cell.next
        }
    }
    pub fn shape(self) -> Shape {
        self.cell().shape
    }
    /// The value as it stands in the text, quotes and brackets included.
    pub fn raw(self) -> &'a str {
        let cell = self.cell();
        &self.text[cell.start as usize..cell.end as usize]
    }
    /// Where it stands in the text.
    pub fn span(self) -> std::ops::Range<usize> {
        let cell = self.cell();
        cell.start as usize..cell.end as usize
    }
    fn walk(self, shape: Shape) -> Walk<'a> {
        let cell = self.cell();
        let range = if cell.shape == shape {
            (self.at + 1, cell.next)
        } else {
            (0, 0)
        };
        Walk {
            node: self,
            at: range.0,
            end: range.1,
        }
    }
}

/// The values directly inside a container, keys among them.
struct Walk<'a> {
    node: Node<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Node<'a>;
    fn next(&mut self) -> Option<Node<'a>> {
        if self.at >= self.end {
            return None;
        }
        let node = self.node.with(self.at);
        self.at = node.after();
        Some(node)
    }
}

impl<'a> Json<'a> for Node<'a> {
    fn get(self, key: &str) -> Option<Self> {
        self.members().find(|(k, _)| *k == key).map(|(_, v)| v)
    }
    fn text(self) -> Option<&'a str> {
        let cell = self.cell();
        match cell.shape {
            Shape::Plain => Some(&self.text[cell.start as usize + 1..cell.end as usize - 1]),
            Shape::Escaped => self.unescaped.get(cell.next as usize).map(|t| &**t),
            _ => None,
        }
    }
    fn boolean(self) -> Option<bool> {
        match self.shape() {
            Shape::True => Some(true),
            Shape::False => Some(false),
            _ => None,
        }
    }
    fn number(self) -> Option<Cow<'a, str>> {
        (self.shape() == Shape::Number).then(|| Cow::Borrowed(self.raw()))
    }
    fn items(self) -> impl Iterator<Item = Self> + 'a {
        self.walk(Shape::Array)
    }
    fn members(self) -> impl Iterator<Item = (&'a str, Self)> + 'a {
        let mut walk = self.walk(Shape::Object);
        std::iter::from_fn(move || {
            let key = walk.next()?;
            Some((key.text().unwrap_or_default(), walk.next()?))
        })
    }
    fn is_object(self) -> bool {
        self.shape() == Shape::Object
    }
    fn is_array(self) -> bool {
        self.shape() == Shape::Array
    }
}

#[cfg(test)]
mod tests;
