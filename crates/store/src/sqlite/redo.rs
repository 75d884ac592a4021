//! Doing commits again onto a copy of the database: whole pages are put back in the order they were written.
//!
//! A copy taken at some commit may be given commits from before it too: each page ends as its newest commit left it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use kernel::Instant;
use rusqlite::Connection;
use serde::Deserialize;

use crate::StoreError;
use crate::backup::Reach;
use crate::backup::sealed::{SealedReader, read_error};
use crate::sql::{instant, unsigned};

/// Up to where commits are done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Latest,
    /// Every commit up to this time, this one included.
    At(Instant),
    /// Every commit up to this position, this one included. What was synced together with it comes too: it was
    /// acknowledged at the same moment.
    Position(u64),
}

impl Until {
    /// Whether what reaches this far is wanted.
    pub fn covers(self, reach: Reach) -> bool {
        match self {
            Self::Latest => true,
            Self::At(at) => reach.at <= at,
            Self::Position(position) => reach.position <= position,
        }
    }
}

/// A database file that is being brought forward. Nothing else may have it open.
pub(crate) struct Redo {
    file: File,
    /// How far the copy reached that everything is done onto.
    base: Reach,
    reach: Reach,
    /// Size of the file after the newest commit, bytes.
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    stream: String,
    seq: u64,
    page_bytes: u32,
}

fn disk(e: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the database cannot be written: {e}"))
}

impl Redo {
    /// `reach` is that of the copy in the file.
    pub fn open(path: &Path, reach: Reach) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|e| disk(&e))?;
        Ok(Self {
            file,
            base: reach,
            reach,
            size: None,
        })
    }

    /// Does the commits of one segment again, as far as they are wanted. False when one was not.
    pub fn apply<R: Read>(
        &mut self,
        segment: SealedReader<R>,
        (stream, seq): (&str, u64),
        until: Until,
    ) -> Result<bool, StoreError> {
        let mut input = BufReader::new(segment);
        let mut line = String::new();
        input.read_line(&mut line).map_err(read_error)?;
        let damaged =
            || StoreError::Damaged("a segment of the log is not what its name says".into());
        let head: Head = serde_json::from_str(&line).map_err(|_| damaged())?;
        if head.format != 1 || head.stream != stream || head.seq != seq {
            return Err(damaged());
        }
        let mut page = vec![0; head.page_bytes as usize];
        loop {
            let mut fixed = [0; 24];
            if !exact(&mut input, &mut fixed)? {
                return Ok(true);
            }
            let (position, rest) = split::<8>(&fixed);
            let (at, rest) = split::<8>(rest);
            let (db_pages, rest) = split::<4>(rest);
            let (count, _) = split::<4>(rest);
            let reach = Reach {
                position: u64::from_be_bytes(position),
                at: instant(i64::from_be_bytes(at)),
            };
            // What the copy holds must be done in full, or its pages would be of different commits.
            let wanted = match until {
                Until::Position(position) => {
                    self.reach.position < position || reach.position <= position
                }
                other => other.covers(reach),
            };
            if reach.position > self.base.position && !wanted {
                return Ok(false);
            }
            for _ in 0..u32::from_be_bytes(count) {
                let mut number = [0; 4];
                if !exact(&mut input, &mut number)? || !exact(&mut input, &mut page)? {
                    return Err(StoreError::Damaged(
                        "a segment of the log is cut off".into(),
                    ));
                }
                self.put(u32::from_be_bytes(number), &page)?;
            }
            self.reach = self.reach.max_of(reach);
            let bytes = u64::from(u32::from_be_bytes(db_pages)) * u64::from(head.page_bytes);
            self.size = Some(bytes);
        }
    }

    fn put(&mut self, number: u32, page: &[u8]) -> Result<(), StoreError> {
        let at = u64::from(number.saturating_sub(1)) * page.len() as u64;
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.write_all(page))
            .map_err(|e| disk(&e))
    }

    /// Cuts the file to its size and syncs it. Gives how far it reaches.
    pub fn finish(self) -> Result<Reach, StoreError> {
        if let Some(size) = self.size {
            self.file.set_len(size).map_err(|e| disk(&e))?;
        }
        self.file.sync_all().map_err(|e| disk(&e))?;
        Ok(self.reach)
    }
}

fn exact(input: &mut impl Read, out: &mut [u8]) -> Result<bool, StoreError> {
    let mut filled = 0;
    while filled < out.len() {
        match input.read(&mut out[filled..]).map_err(read_error)? {
            0 if filled == 0 => return Ok(false),
            0 => {
                return Err(StoreError::Damaged(
                    "a segment of the log is cut off".into(),
                ));
            }
            n => filled += n,
        }
    }
    Ok(true)
}

fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let mut out = [0; N];
    let (first, rest) = bytes.split_at(N);
    out.copy_from_slice(first);
    (out, rest)
}

/// How far the database in a file reaches, by its own words.
pub(crate) fn reach_of(conn: &Connection) -> Result<Reach, StoreError> {
    let mut reach = Reach {
        position: 0,
        at: Instant::UNIX_EPOCH,
    };
    let mut st = conn.prepare("SELECT name, value FROM counter")?;
    let mut rows = st.query([])?;
    while let Some(r) = rows.next()? {
        match r.get::<_, String>(0)?.as_str() {
            "position" => reach.position = unsigned(r.get(1)?),
            "at" => reach.at = instant(r.get(1)?),
            _ => {}
        }
    }
    Ok(reach)
}
