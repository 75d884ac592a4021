//! Reading SQLite's write-ahead log beside the connection that writes it (<https://www.sqlite.org/fileformat2.html>
//! §4): whole commits, verified by the log's own checksums, from where reading last ended.
//!
//! The log file carries no locks (those are on the database and its index), so that opening it here disturbs nobody.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Both bytes orders of the checksum's words.
const MAGIC_LITTLE: u32 = 0x377f_0682;
const MAGIC_BIG: u32 = 0x377f_0683;
const VERSION: u32 = 3_007_000;

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Names one filling of the log; the first counts up when SQLite begins it anew.
    pub salts: (u32, u32),
    pub offset: u64,
    checksum: (u32, u32),
}

/// What one commit changed: whole pages, in the order they were written, and how large the database then is.
pub(crate) struct Commit {
    pub db_pages: u32,
    pub pages: Vec<(u32, Vec<u8>)>,
}

/// A log that was begun anew since the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restarted {
    pub from: (u32, u32),
    pub to: (u32, u32),
}

/// What was read.
pub(crate) struct Read1 {
    pub page_bytes: u32,
    pub commits: Vec<Commit>,
    pub cursor: Option<Cursor>,
    /// The log is another one than the cursor's. Whether that is in order, the caller knows.
    pub restarted: Option<Restarted>,
}

struct Header {
    little: bool,
    page_bytes: u32,
    cursor: Cursor,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(four)
}

/// The log's running checksum over a multiple of 8 bytes.
fn checksum(little: bool, bytes: &[u8], (mut a, mut b): (u32, u32)) -> (u32, u32) {
    let read = |four: &[u8]| {
        let mut w = [0; 4];
        w.copy_from_slice(four);
        if little {
            u32::from_le_bytes(w)
        } else {
            u32::from_be_bytes(w)
        }
    };
    for eight in bytes.chunks_exact(8) {
        a = a.wrapping_add(read(&eight[..4])).wrapping_add(b);
        b = b.wrapping_add(read(&eight[4..])).wrapping_add(a);
    }
    (a, b)
}

/// The header, or none while it is not a whole one.
fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let little = match word(bytes, 0) {
        MAGIC_LITTLE => true,
        MAGIC_BIG => false,
        _ => return None,
    };
    let sum = checksum(little, &bytes[..24], (0, 0));
    if word(bytes, 4) != VERSION || (word(bytes, 24), word(bytes, 28)) != sum {
        return None;
    }
    Some(Header {
        little,
        page_bytes: word(bytes, 8),
        cursor: Cursor {
            salts: (word(bytes, 16), word(bytes, 20)),
            offset: HEADER_BYTES as u64,
            checksum: sum,
        },
    })
}

/// Reads the commits after `cursor`, and stops after the one that passes `bytes_max`. What is written but not
/// committed is left for the next time.
pub(crate) fn read(path: &Path, cursor: Option<Cursor>, bytes_max: usize) -> io::Result<Read1> {
    let mut out = Read1 {
        page_bytes: 0,
        commits: Vec::new(),
        cursor,
        restarted: None,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(out),
        Err(e) => return Err(e),
    };
    let mut input = BufReader::with_capacity(1 << 20, file);
    let mut bytes = [0; HEADER_BYTES];
    if !fill(&mut input, &mut bytes)? {
        return Ok(out);
    }
    let Some(header) = header(&bytes) else {
        return Ok(out);
    };
    out.page_bytes = header.page_bytes;
    let mut at = match cursor {
        Some(c) if c.salts == header.cursor.salts => c,
        Some(c) => {
            out.restarted = Some(Restarted {
                from: c.salts,
                to: header.cursor.salts,
            });
            header.cursor
        }
        None => header.cursor,
    };
    input.seek(SeekFrom::Start(at.offset))?;
    let mut taken = 0;
    let mut pages = Vec::new();
    while let Some((page, db_pages, data)) = frame(&mut input, &header, &mut at)? {
        taken += data.len();
        pages.push((page, data));
        if db_pages > 0 {
            out.commits.push(Commit {
                db_pages,
                pages: std::mem::take(&mut pages),
            });
            out.cursor = Some(at);
            if taken >= bytes_max {
                break;
            }
        }
    }
    Ok(out)
}

/// The next frame: page number, size of the database after it in pages when it ends a commit, and the page.
fn frame(
    input: &mut impl Read,
    header: &Header,
    at: &mut Cursor,
) -> io::Result<Option<(u32, u32, Vec<u8>)>> {
    let mut head = [0; FRAME_HEADER_BYTES];
    let mut data = vec![0; header.page_bytes as usize];
    if !fill(input, &mut head)? || !fill(input, &mut data)? {
        return Ok(None);
    }
    if (word(&head, 8), word(&head, 12)) != at.salts {
        return Ok(None);
    }
    let sum = checksum(header.little, &head[..8], at.checksum);
    let sum = checksum(header.little, &data, sum);
    if sum != (word(&head, 16), word(&head, 20)) {
        return Ok(None);
    }
    at.checksum = sum;
    at.offset += (FRAME_HEADER_BYTES + data.len()) as u64;
    Ok(Some((word(&head, 0), word(&head, 4), data)))
}

/// Fills the buffer; false when the file ends before.
fn fill(input: &mut impl Read, out: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(out) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// The rows of the table `counter` from its only page: names and numbers. None when the page is not a leaf of it.
///
/// The table has no rowid, so that the page is a leaf of an index b-tree (§1.6, §2.1): every commit rewrites it, and
/// it says how far the commit reaches.
pub(crate) fn counters(page: &[u8]) -> Option<Vec<(String, i64)>> {
    if *page.first()? != 0x0a {
        return None;
    }
    let short = |at: usize| {
        Some(usize::from(u16::from_be_bytes([
            *page.get(at)?,
            *page.get(at + 1)?,
        ])))
    };
    let mut rows = Vec::new();
    for cell in 0..short(3)? {
        let mut at = short(8 + 2 * cell)?;
        varint(page, &mut at)?;
        let record = at;
        let head_bytes = usize::try_from(varint(page, &mut at)?).ok()?;
        let name_type = varint(page, &mut at)?;
        let value_type = varint(page, &mut at)?;
        let name_bytes = usize::try_from(name_type.checked_sub(13)? / 2).ok()?;
        let name_at = record + head_bytes;
        let name = std::str::from_utf8(page.get(name_at..name_at + name_bytes)?).ok()?;
        let value = integer(page, name_at + name_bytes, value_type)?;
        rows.push((name.to_owned(), value));
    }
    Some(rows)
}

/// A variable-length integer: 7 bits a byte, the ninth byte whole.
fn varint(page: &[u8], at: &mut usize) -> Option<u64> {
    let mut n = 0;
    for i in 0..9 {
        let byte = *page.get(*at)?;
        *at += 1;
        if i == 8 {
            return Some((n << 8) | u64::from(byte));
        }
        n = (n << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

/// A signed integer of a record's serial type.
fn integer(page: &[u8], at: usize, serial_type: u64) -> Option<i64> {
    let bytes = match serial_type {
        8 => return Some(0),
        9 => return Some(1),
        n @ 1..=4 => n as usize,
        5 => 6,
        6 => 8,
        _ => return None,
    };
    let raw = page.get(at..at + bytes)?;
    let sign = if *raw.first()? & 0x80 == 0 { 0 } else { -1 };
    Some(raw.iter().fold(sign, |n: i64, b| (n << 8) | i64::from(*b)))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn database(dir: &Path) -> Connection {
        let conn = Connection::open(dir.join("db")).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        conn.execute_batch(
            "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID; \
             CREATE TABLE t (x BLOB)",
        )
        .unwrap();
        conn
    }

    fn root(conn: &Connection) -> u32 {
        conn.query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'counter'",
            [],
            |r| r.get(0),
        )
        .unwrap()
    }

    #[test]
    fn commits_are_read_once_each_and_uncommitted_pages_never() {
        let dir = tempfile::tempdir().unwrap();
        let conn = database(dir.path());
        let wal = dir.path().join("db-wal");
        let begin = read(&wal, None, usize::MAX).unwrap();
        assert_eq!(begin.commits.len(), 2);
        let mut cursor = begin.cursor;
        conn.execute_batch("PRAGMA cache_size = 5; BEGIN; INSERT INTO t VALUES (zeroblob(400000))")
            .unwrap();
        let none = read(&wal, cursor, usize::MAX).unwrap();
        assert!(none.commits.is_empty() && none.cursor == cursor);
        conn.execute_batch("COMMIT; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
            .unwrap();
        // One at a time.
        for _ in 0..3 {
            let one = read(&wal, cursor, 1).unwrap();
            assert_eq!(one.commits.len(), 1);
            cursor = one.cursor;
        }
        assert!(read(&wal, cursor, 1).unwrap().commits.is_empty());
    }

    #[test]
    fn a_log_begun_anew_is_told_and_its_first_salt_counts_up() {
        let dir = tempfile::tempdir().unwrap();
        let conn = database(dir.path());
        let wal = dir.path().join("db-wal");
        let cursor = read(&wal, None, usize::MAX).unwrap().cursor.unwrap();
        for mode in ["PASSIVE", "TRUNCATE"] {
            conn.pragma_update_and_check(None, "wal_checkpoint", mode, |_| Ok(()))
                .unwrap();
            conn.execute("INSERT INTO t VALUES (3)", []).unwrap();
            let after = read(&wal, Some(cursor), usize::MAX).unwrap();
            assert_eq!(after.commits.len(), 1, "{mode}");
            let restarted = after.restarted.unwrap();
            assert_eq!(restarted.from, cursor.salts);
            let more = if mode == "PASSIVE" { 1 } else { 2 };
            assert_eq!(restarted.to.0, cursor.salts.0.wrapping_add(more));
        }
    }

    #[test]
    fn the_counters_are_read_from_their_page() {
        let dir = tempfile::tempdir().unwrap();
        let conn = database(dir.path());
        let root = root(&conn);
        for value in [
            0_i64,
            1,
            -1,
            127,
            300,
            70_000,
            1 << 40,
            1_795_334_400_000_000,
            i64::MIN,
        ] {
            conn.execute(
                "INSERT INTO counter VALUES ('position', ?1), ('at', 7) \
                 ON CONFLICT DO UPDATE SET value = excluded.value",
                [value],
            )
            .unwrap();
            let all = read(&dir.path().join("db-wal"), None, usize::MAX).unwrap();
            let (_, page) = all
                .commits
                .last()
                .unwrap()
                .pages
                .iter()
                .rfind(|(n, _)| *n == root)
                .unwrap();
            let expected = vec![("at".to_owned(), 7), ("position".to_owned(), value)];
            assert_eq!(counters(page), Some(expected));
        }
    }
}
