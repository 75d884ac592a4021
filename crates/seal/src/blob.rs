//! Content at rest: addresses that reveal nothing, and encryption that can be read by ranges and destroyed.
//!
//! - The address of a blob is an HMAC-SHA256 under the hospital's key over the scope (the patient) and the content.
//!   Equal files of one patient share an address; nobody without the key can test whether a known file is stored.
//! - A patient's blobs are encrypted under a random [`Secret`] of that patient, stored wrapped by the node key.
//!   Destroying the wrapped key erases every copy of the content, backups included.
//! - Each blob has its own AES-256-GCM key, derived from the patient's key and the blob's address, so a chunk's
//!   number can serve as nonce. The last chunk is marked (as in the STREAM construction), hence cutting off the
//!   tail or exchanging chunks is noticed even when only a range is read.
//!
//! Layout: chunks of [`CHUNK_BYTES`] plaintext, each followed by its tag of [`TAG_BYTES`]; an empty blob is one
//! empty chunk. Same content, same key: same ciphertext, so writing twice is harmless.

use std::io::IoSliceMut;
use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::{Result, SealError};
use crate::secret::{Secret, hmac_start};

/// Plaintext bytes in every chunk but the last.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Bytes each chunk grows by.
pub const TAG_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: u64 = (CHUNK_BYTES + TAG_BYTES) as u64;

/// Where a blob is kept: 32 bytes, written as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobAddress(pub [u8; 32]);

impl std::fmt::Display for BlobAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
impl std::str::FromStr for BlobAddress {
    type Err = SealError;
    fn from_str(text: &str) -> Result<Self> {
        const BAD: SealError = SealError::Malformed("blob address");
        let digits = text.as_bytes();
        if digits.len() != 64
            || !digits
                .iter()
                .all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(BAD);
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| BAD)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BAD)?;
        }
        Ok(Self(out))
    }
}

/// Computes a [`BlobAddress`] while the content streams by.
pub struct Addresser(Hmac<Sha256>);

impl Addresser {
    /// `hospital` is the hospital's blob secret; `scope` names whose content it is (the patient's record key), so
    /// that the same file of two patients is stored twice and each copy can be erased alone.
    pub fn new(hospital: &Secret, scope: &str) -> Self {
        let mut mac = hmac_start(hospital.derive(b"karez blob address v1").expose());
        mac.update(&(scope.len() as u64).to_be_bytes());
        mac.update(scope.as_bytes());
        Self(mac)
    }
    pub fn update(&mut self, content: &[u8]) {
        self.0.update(content);
    }
    pub fn finish(self) -> BlobAddress {
        BlobAddress(self.0.finalize().into_bytes().into())
    }
}

/// [`Addresser`] for content that is in memory.
pub fn blob_address(hospital: &Secret, scope: &str, content: &[u8]) -> BlobAddress {
    let mut a = Addresser::new(hospital, scope);
    a.update(content);
    a.finish()
}

/// Encrypts and decrypts the chunks of one blob.
pub struct BlobCipher {
    /// None never: a key of 32 bytes is one.
    key: Option<LessSafeKey>,
    address: BlobAddress,
}

/// Which stored bytes answer a range of plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRange {
    /// Number of the first chunk.
    pub first: u64,
    /// Stored bytes to fetch: whole chunks with their tags.
    pub stored: Range<u64>,
    /// Plaintext bytes to drop from the first chunk.
    pub skip: usize,
    /// Plaintext bytes wanted.
    pub take: usize,
}

/// Room for the chunks of a [`ChunkRange`]: their content in one piece, so that nothing has to be moved once it is open, and
/// their tags apart.
pub struct Room {
    plain: Vec<u8>,
    tags: Vec<u8>,
}

impl Room {
    /// Where the stored bytes belong, in their order.
    pub fn parts(&mut self) -> Vec<IoSliceMut<'_>> {
        let mut parts = Vec::with_capacity(self.tags.len() / TAG_BYTES * 2);
        let mut chunks = self.plain.chunks_mut(CHUNK_BYTES);
        for tag in self.tags.chunks_mut(TAG_BYTES) {
            parts.push(IoSliceMut::new(chunks.next().unwrap_or_default()));
            parts.push(IoSliceMut::new(tag));
        }
        parts
    }
}

impl ChunkRange {
    /// Room for all of it.
    pub fn room(&self) -> Room {
        let stored = self.stored.end.saturating_sub(self.stored.start);
        let chunks = stored.div_ceil(SEALED_CHUNK_BYTES);
        let tags = usize::try_from(chunks).unwrap_or_default() * TAG_BYTES;
        let stored = usize::try_from(stored).unwrap_or_default();
        Room {
            plain: vec![0; stored.saturating_sub(tags)],
            tags: vec![0; tags],
        }
    }

    /// What was asked for, within the content of the chunks.
    pub fn within(&self) -> Range<usize> {
        self.skip..self.skip + self.take
    }
}

impl BlobCipher {
    /// `patient` is the patient's data key.
    pub fn new(patient: &Secret, address: BlobAddress) -> Self {
        let key = patient.derive(&[b"karez blob content v1".as_slice(), &address.0].concat());
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).ok();
        Self {
            key: key.map(LessSafeKey::new),
            address,
        }
    }

    fn key(&self) -> Result<&LessSafeKey> {
        self.key
            .as_ref()
            .ok_or(SealError::Internal("the key of a blob"))
    }

    /// Encrypts chunk `number`; every chunk but the last holds exactly [`CHUNK_BYTES`].
    pub fn encrypt_chunk(&self, number: u64, last: bool, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(plain.len() + TAG_BYTES);
        self.put_chunk(&mut out, number, last, plain)?;
        Ok(out)
    }

    /// Appends chunk `number`, encrypted.
    fn put_chunk(&self, out: &mut Vec<u8>, number: u64, last: bool, plain: &[u8]) -> Result<()> {
        if plain.len() > CHUNK_BYTES || (!last && plain.len() < CHUNK_BYTES) {
            return Err(SealError::Internal("size of a chunk"));
        }
        let begin = out.len();
        out.extend_from_slice(plain);
        let (nonce, aad) = (nonce(number, last), self.aad(number, last));
        let tag = self
            .key()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut out[begin..],
            )
            .map_err(|_| SealError::Internal("encrypting a chunk"))?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens chunk `number`. Fails if it was altered, moved, belongs to another blob, or if `last` is not true of it.
    pub fn decrypt_chunk(&self, number: u64, last: bool, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut chunk = sealed.to_vec();
        let plain = self.open_chunk(number, last, &mut chunk)?;
        chunk.truncate(plain);
        Ok(chunk)
    }

    /// Opens chunk `number` where it lies; gives how many bytes of it are plaintext.
    fn open_chunk(&self, number: u64, last: bool, chunk: &mut [u8]) -> Result<usize> {
        let (nonce, aad) = (nonce(number, last), self.aad(number, last));
        let opened =
            self.key()?
                .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), chunk);
        let plain = opened.map_err(|_| SealError::NotAuthentic("content"))?;
        Ok(plain.len())
    }

    /// Encrypts content that is in memory.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>> {
        self.encrypt_part(0, true, plain)
    }

    /// Encrypts the chunks from number `first` on. A part that is not the `last` holds whole chunks only.
    pub fn encrypt_part(&self, first: u64, last: bool, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out =
            Vec::with_capacity(usize::try_from(sealed_len(plain.len() as u64)).unwrap_or(0));
        let count = chunk_count(plain.len() as u64);
        for number in 0..count {
            let start = number as usize * CHUNK_BYTES;
            let end = plain.len().min(start + CHUNK_BYTES);
            let ends = last && number + 1 == count;
            self.put_chunk(&mut out, first + number, ends, &plain[start..end])?;
        }
        Ok(out)
    }

    /// Opens a whole blob.
    pub fn decrypt(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let len = plain_len(sealed.len() as u64)?;
        self.decrypt_range(len, &chunk_range(len, 0..len)?, sealed)
    }

    /// Opens what was read into `room` where it lies, and cuts nothing off: [`ChunkRange::within`] says where what was asked for
    /// begins and ends.
    pub fn open(&self, plain_len: u64, range: &ChunkRange, room: Room) -> Result<Vec<u8>> {
        let Room { mut plain, tags } = room;
        let count = chunk_count(plain_len);
        // An empty blob is one empty chunk.
        let mut chunks = plain.chunks_mut(CHUNK_BYTES);
        for (number, tag) in (range.first..).zip(tags.as_chunks::<TAG_BYTES>().0) {
            let last = number + 1 == count;
            let (nonce, aad) = (nonce(number, last), self.aad(number, last));
            self.key()?
                .open_in_place_separate_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(aad),
                    tag,
                    chunks.next().unwrap_or_default(),
                )
                .map_err(|_| SealError::NotAuthentic("content"))?;
        }
        Ok(plain)
    }

    /// Opens the bytes at `range.stored` of a blob of `plain_len` bytes and cuts out what was asked for.
    pub fn decrypt_range(
        &self,
        plain_len: u64,
        range: &ChunkRange,
        stored: &[u8],
    ) -> Result<Vec<u8>> {
        const CHANGED: SealError = SealError::NotAuthentic("content: its length has changed");
        let mut room = range.room();
        let mut rest = stored;
        for part in &mut room.parts() {
            let taken = rest.split_off(..part.len()).ok_or(CHANGED)?;
            part.copy_from_slice(taken);
        }
        if !rest.is_empty() {
            return Err(CHANGED);
        }
        let mut plain = self.open(plain_len, range, room)?;
        let within = range.within();
        plain.truncate(within.end);
        plain.drain(..within.start);
        Ok(plain)
    }

    fn aad(&self, number: u64, last: bool) -> [u8; 41] {
        let mut aad = [0; 41];
        aad[..32].copy_from_slice(&self.address.0);
        aad[32..40].copy_from_slice(&number.to_be_bytes());
        aad[40] = u8::from(last);
        aad
    }
}

/// Encrypts content that comes piece by piece, whatever its pieces are.
pub struct Sealing {
    cipher: BlobCipher,
    next: u64,
    /// At most one chunk: whether it is the last is known only when more comes, or no more.
    waiting: Vec<u8>,
}

impl Sealing {
    pub fn new(cipher: BlobCipher) -> Self {
        Self {
            cipher,
            next: 0,
            waiting: Vec::with_capacity(CHUNK_BYTES),
        }
    }

    /// Appends the chunks that more content completes.
    pub fn push(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = content;
        while !rest.is_empty() {
            if self.waiting.len() == CHUNK_BYTES {
                self.cipher
                    .put_chunk(out, self.next, false, &self.waiting)?;
                self.next += 1;
                self.waiting.clear();
            }
            if self.waiting.is_empty() && rest.len() > CHUNK_BYTES {
                let (now, later) = rest.split_at(CHUNK_BYTES);
                self.cipher.put_chunk(out, self.next, false, now)?;
                self.next += 1;
                rest = later;
                continue;
            }
            let room = CHUNK_BYTES - self.waiting.len();
            let (now, later) = rest.split_at(rest.len().min(room));
            self.waiting.extend_from_slice(now);
            rest = later;
        }
        Ok(())
    }

    /// Appends the last chunk. Gives back what opens them all.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<BlobCipher> {
        self.cipher.put_chunk(out, self.next, true, &self.waiting)?;
        Ok(self.cipher)
    }
}

fn nonce(number: u64, last: bool) -> [u8; 12] {
    let mut n = [0; 12];
    n[3..11].copy_from_slice(&number.to_be_bytes());
    n[11] = u8::from(last);
    n
}

const fn chunk_count(plain_len: u64) -> u64 {
    let n = plain_len.div_ceil(CHUNK_BYTES as u64);
    if n == 0 { 1 } else { n }
}

/// Stored bytes for so many bytes of plaintext.
pub const fn sealed_len(plain_len: u64) -> u64 {
    plain_len + chunk_count(plain_len) * TAG_BYTES as u64
}

/// Plaintext bytes of a blob with so many stored bytes; fails for a length no blob can have.
pub fn plain_len(sealed_len: u64) -> Result<u64> {
    let chunks = sealed_len.div_ceil(SEALED_CHUNK_BYTES);
    let len = sealed_len
        .checked_sub(chunks * TAG_BYTES as u64)
        .filter(|_| chunks > 0)
        .ok_or(SealError::Malformed("blob length"))?;
    // A second or later chunk is never empty.
    if self::sealed_len(len) == sealed_len {
        Ok(len)
    } else {
        Err(SealError::Malformed("blob length"))
    }
}

/// The chunks that hold `range` of a blob of `plain_len` bytes; the range must lie within it.
pub fn chunk_range(plain_len: u64, range: Range<u64>) -> Result<ChunkRange> {
    if range.start > range.end || range.end > plain_len {
        return Err(SealError::Malformed("range"));
    }
    let size = CHUNK_BYTES as u64;
    let last = chunk_count(plain_len) - 1;
    let first = (range.start / size).min(last);
    let end = if range.end > range.start {
        (range.end - 1) / size
    } else {
        first
    };
    Ok(ChunkRange {
        first,
        stored: first * SEALED_CHUNK_BYTES
            ..((end + 1) * SEALED_CHUNK_BYTES).min(sealed_len(plain_len)),
        skip: usize::try_from(range.start - first * size)
            .map_err(|_| SealError::Malformed("range"))?,
        take: usize::try_from(range.end - range.start)
            .map_err(|_| SealError::Malformed("range"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cipher() -> BlobCipher {
        BlobCipher::new(&Secret::from_bytes([1; 32]), BlobAddress([2; 32]))
    }

    #[test]
    fn an_address_needs_the_key_and_the_scope() {
        let key = Secret::from_bytes([3; 32]);
        let a = blob_address(&key, "yarqum/Patient/1", b"x");
        assert_eq!(a, blob_address(&key, "yarqum/Patient/1", b"x"));
        assert_ne!(a, blob_address(&key, "yarqum/Patient/2", b"x"));
        assert_ne!(
            a,
            blob_address(&Secret::from_bytes([4; 32]), "yarqum/Patient/1", b"x")
        );
        assert_ne!(
            blob_address(&key, "ab", b"c"),
            blob_address(&key, "a", b"bc")
        );
        assert_eq!(a.to_string().parse::<BlobAddress>().unwrap(), a);
        assert!("zz".parse::<BlobAddress>().is_err());
    }

    #[test]
    fn lengths_at_the_edges() {
        for n in [
            0,
            1,
            CHUNK_BYTES as u64 - 1,
            CHUNK_BYTES as u64,
            CHUNK_BYTES as u64 + 1,
            10 * CHUNK_BYTES as u64,
        ] {
            assert_eq!(plain_len(sealed_len(n)).unwrap(), n);
        }
        assert!(plain_len(0).is_err());
        assert!(plain_len(15).is_err());
        assert!(plain_len(SEALED_CHUNK_BYTES + 16).is_err());
    }

    #[test]
    fn cutting_at_a_chunk_boundary_is_noticed() {
        let sealed = cipher().encrypt(&vec![9; 3 * CHUNK_BYTES]).unwrap();
        assert!(
            cipher()
                .decrypt(&sealed[..2 * (CHUNK_BYTES + TAG_BYTES)])
                .is_err()
        );
    }

    #[test]
    fn exchanged_chunks_are_noticed() {
        let mut sealed = cipher().encrypt(&vec![9; 3 * CHUNK_BYTES]).unwrap();
        let (a, b) = sealed.split_at_mut(CHUNK_BYTES + TAG_BYTES);
        a.swap_with_slice(&mut b[..CHUNK_BYTES + TAG_BYTES]);
        assert!(cipher().decrypt(&sealed).is_err());
    }

    #[test]
    fn another_blob_of_the_same_patient_does_not_open() {
        let sealed = cipher().encrypt(b"x").unwrap();
        let other = BlobCipher::new(&Secret::from_bytes([1; 32]), BlobAddress([3; 32]));
        assert!(other.decrypt(&sealed).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_range_reads_back(len in 0usize..200_000, a in 0usize..200_000, b in 0usize..200_000) {
            let plain: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            let sealed = cipher().encrypt(&plain).unwrap();
            prop_assert_eq!(sealed.len() as u64, sealed_len(len as u64));
            let (a, b) = (a.min(b).min(len), a.max(b).min(len));
            let r = chunk_range(len as u64, a as u64..b as u64).unwrap();
            let stored = &sealed[r.stored.start as usize..r.stored.end as usize];
            prop_assert_eq!(cipher().decrypt_range(len as u64, &r, stored).unwrap(), &plain[a..b]);
        }

        #[test]
        fn content_in_any_pieces_is_sealed_as_the_whole(
            len in 0usize..200_000,
            cuts in prop::collection::vec(0usize..200_000, 0..8),
        ) {
            let plain: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(len)).collect();
            cuts.extend([0, len]);
            cuts.sort_unstable();
            let (mut sealing, mut out) = (Sealing::new(cipher()), Vec::new());
            for cut in cuts.windows(2) {
                sealing.push(&plain[cut[0]..cut[1]], &mut out).unwrap();
            }
            sealing.finish(&mut out).unwrap();
            prop_assert_eq!(out, cipher().encrypt(&plain).unwrap());
        }

        #[test]
        fn any_flipped_bit_is_refused(len in 0usize..70_000, at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut sealed = cipher().encrypt(&vec![7; len]).unwrap();
            let i = at.index(sealed.len());
            sealed[i] ^= 1 << bit;
            prop_assert!(cipher().decrypt(&sealed).is_err());
        }
    }
}
