//! A sealed file of a backup: compressed, then encrypted in chunks under a key derived from the node key.
//!
//! Layout: `KAREZ-BACKUP-1\n`, the id of the node key (8 bytes), a random file id (32 bytes), then the chunks of
//! [`seal::BlobCipher`] with the file id in the place of an address. Cutting off, exchanging or altering a chunk is
//! noticed, so no further checksum is kept. Under the file id no key is ever used twice, because it is random.

use std::io::{self, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use kernel::Entropy;
use seal::blob::{CHUNK_BYTES, TAG_BYTES};
use seal::{BlobAddress, BlobCipher, NodeKey};

use crate::StoreError;

const MAGIC: &[u8; 15] = b"KAREZ-BACKUP-1\n";

fn cipher(key: &NodeKey, file_id: [u8; 32]) -> BlobCipher {
    BlobCipher::new(&key.derive(b"karez backup v1"), BlobAddress(file_id))
}

/// Writes a sealed file.
pub struct SealedWriter<W: Write>(ZlibEncoder<Chunks<W>>);

impl<W: Write> SealedWriter<W> {
    pub fn new(mut out: W, key: &NodeKey, entropy: &dyn Entropy) -> io::Result<Self> {
        let mut file_id = [0; 32];
        entropy.fill(&mut file_id);
        out.write_all(MAGIC)?;
        out.write_all(key.id())?;
        out.write_all(&file_id)?;
        let chunks = Chunks {
            out,
            cipher: cipher(key, file_id),
            number: 0,
            waiting: Vec::with_capacity(CHUNK_BYTES),
        };
        Ok(Self(ZlibEncoder::new(chunks, Compression::fast())))
    }

    /// Writes what is left; without this the file does not open. Gives the writer back, not yet synced.
    pub fn finish(self) -> io::Result<W> {
        let mut chunks = self.0.finish()?;
        let last = std::mem::take(&mut chunks.waiting);
        chunks.seal(&last, true)?;
        Ok(chunks.out)
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

struct Chunks<W> {
    out: W,
    cipher: BlobCipher,
    number: u64,
    waiting: Vec<u8>,
}

impl<W: Write> Chunks<W> {
    fn seal(&mut self, plain: &[u8], last: bool) -> io::Result<()> {
        let sealed = self
            .cipher
            .encrypt_chunk(self.number, last, plain)
            .map_err(io::Error::other)?;
        self.number += 1;
        self.out.write_all(&sealed)
    }
}

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is kept back until more comes: only then is it known not to be the last.
        if self.waiting.len() == CHUNK_BYTES {
            let full = std::mem::take(&mut self.waiting);
            self.seal(&full, false)?;
        }
        let take = bytes.len().min(CHUNK_BYTES - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..take]);
        Ok(take)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a sealed file. Content is given only after its chunk was verified.
pub struct SealedReader<R: Read>(ZlibDecoder<Opened<R>>);

impl<R: Read> SealedReader<R> {
    /// Reads the head. Refuses a file of another node key by its name.
    pub fn new(input: R, key: &NodeKey) -> Result<Self, StoreError> {
        let mut input = BufReader::with_capacity(CHUNK_BYTES + TAG_BYTES, input);
        let mut head = [0; MAGIC.len() + 8 + 32];
        input
            .read_exact(&mut head)
            .map_err(|_| StoreError::Damaged("a file of the backup is cut off".into()))?;
        let (magic, rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(StoreError::Damaged("not a file of a Karez backup".into()));
        }
        let (id, file_id) = rest.split_at(8);
        // What was sealed before the node key was succeeded by another opens with the one of then.
        let Some(opener) = key.all().find(|k| k.id() == id) else {
            return Err(StoreError::Invalid(format!(
                "the backup is sealed under node key {}; the key given is {}",
                hex::encode(id),
                hex::encode(key.id())
            )));
        };
        let mut name = [0; 32];
        name.copy_from_slice(file_id);
        let mut opened = Opened {
            input,
            cipher: cipher(opener, name),
            number: 0,
            ahead: Vec::new(),
            plain: Vec::new(),
            at: 0,
        };
        opened.ahead = opened.next_sealed().map_err(read_error)?;
        Ok(Self(ZlibDecoder::new(opened)))
    }

    /// Exactly so many bytes, or none at the end of the content.
    pub fn take_exact(&mut self, out: &mut [u8]) -> Result<bool, StoreError> {
        let mut filled = 0;
        while filled < out.len() {
            match self.read(&mut out[filled..]).map_err(read_error)? {
                0 if filled == 0 => return Ok(false),
                0 => {
                    return Err(StoreError::Damaged(
                        "a file of the backup is cut off".into(),
                    ));
                }
                n => filled += n,
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

/// Content that does not verify is damage; everything else is the disk.
pub(crate) fn read_error(e: io::Error) -> StoreError {
    match e.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            StoreError::Damaged(format!("a file of the backup does not verify: {e}"))
        }
        _ => StoreError::Unavailable(format!("backup: {e}")),
    }
}

struct Opened<R: Read> {
    input: BufReader<R>,
    cipher: BlobCipher,
    number: u64,
    /// The next sealed chunk: whether it is the last shows when there is none after it.
    ahead: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> Opened<R> {
    fn next_sealed(&mut self) -> io::Result<Vec<u8>> {
        let mut sealed = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        (&mut self.input)
            .take((CHUNK_BYTES + TAG_BYTES) as u64)
            .read_to_end(&mut sealed)?;
        Ok(sealed)
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if self.ahead.is_empty() {
                return Ok(0);
            }
            let after = self.next_sealed()?;
            let sealed = std::mem::replace(&mut self.ahead, after);
            self.plain = self
                .cipher
                .decrypt_chunk(self.number, self.ahead.is_empty(), &sealed)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            self.number += 1;
            self.at = 0;
        }
        let n = out.len().min(self.plain.len() - self.at);
        out[..n].copy_from_slice(&self.plain[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    fn key(n: u8) -> NodeKey {
        NodeKey::new(seal::Secret::from_bytes([n; 32]))
    }

    /// Bytes that do not compress, so that chunks are many.
    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        SystemEntropy.fill(&mut bytes);
        bytes
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut w = SealedWriter::new(Vec::new(), &key(1), &SystemEntropy).unwrap();
        w.write_all(content).unwrap();
        w.finish().unwrap()
    }

    fn opened(bytes: &[u8], k: &NodeKey) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::new();
        SealedReader::new(bytes, k)?
            .read_to_end(&mut out)
            .map_err(read_error)?;
        Ok(out)
    }

    #[test]
    fn content_reads_back_at_every_edge_of_a_chunk() {
        for len in [0, 1, CHUNK_BYTES - 20, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let content = noise(len);
            assert_eq!(opened(&sealed(&content), &key(1)).unwrap(), content);
        }
    }

    #[test]
    fn what_an_older_node_key_sealed_opens_after_it_was_succeeded() {
        let content = noise(1_000);
        let newer = NodeKey::succeeding(&key(1), &SystemEntropy);
        assert_eq!(opened(&sealed(&content), &newer).unwrap(), content);
    }

    #[test]
    fn another_key_is_refused_by_name_and_damage_is_noticed() {
        let bytes = sealed(&noise(200_000));
        let said = opened(&bytes, &key(2)).unwrap_err().to_string();
        assert!(said.contains(&hex::encode(key(1).id())), "{said}");
        assert!(said.contains(&hex::encode(key(2).id())), "{said}");
        for cut in [10, 60, bytes.len() / 2, bytes.len() - 1] {
            assert!(opened(&bytes[..cut], &key(1)).is_err(), "cut at {cut}");
        }
        // A whole chunk less: the new last one was not sealed as the last.
        let head = MAGIC.len() + 40;
        let whole = head + 2 * (CHUNK_BYTES + TAG_BYTES);
        assert!(opened(&bytes[..whole], &key(1)).is_err());
        for at in [20, 100, bytes.len() - 5] {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(opened(&altered, &key(1)).is_err(), "byte {at}");
        }
    }
}
