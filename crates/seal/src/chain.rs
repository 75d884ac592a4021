//! The audit chain of a hospital: each entry's hash covers the one before it, and from time to time the hospital
//! signs where the chain stands. Partners keep those checkpoints, so that a chain rewritten from some entry on no
//! longer meets a checkpoint somebody else holds.

use sha2::{Digest, Sha256};

/// The hash before the first entry.
pub const CHAIN_START: [u8; 32] = [0; 32];

/// The chain's head after `entry`: SHA-256 over a label, the head before, and the entry's bytes.
pub fn chain_next(prev: [u8; 32], entry: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(b"karez audit chain v1\0")
        .chain_update(prev)
        .chain_update(entry)
        .finalize()
        .into()
}

/// The head after all `entries`, from `start`.
pub fn chain_over<'a>(start: [u8; 32], entries: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    entries.into_iter().fold(start, chain_next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answer() {
        // printf 'karez audit chain v1\0' with 32 zero bytes and "entry", through sha256sum.
        let hex: String = chain_next(CHAIN_START, b"entry")
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            hex,
            "c186f45d70f5e20c52029cb79e1a3346bcaa35e2f96607849831a23cb903e082"
        );
    }

    proptest! {
        #[test]
        fn any_change_moves_the_head(
            mut entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..20),
            which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let head = chain_over(CHAIN_START, entries.iter().map(Vec::as_slice));
            let w = which.index(entries.len());
            let i = at.index(entries[w].len());
            entries[w][i] ^= 1 << bit;
            prop_assert_ne!(head, chain_over(CHAIN_START, entries.iter().map(Vec::as_slice)));
        }

        #[test]
        fn order_and_absence_matter(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..10), 2..10)) {
            let head = chain_over(CHAIN_START, entries.iter().map(Vec::as_slice));
            prop_assert_ne!(head, chain_over(CHAIN_START, entries[1..].iter().map(Vec::as_slice)));
            let mut turned = entries.clone();
            turned.reverse();
            if turned != entries {
                prop_assert_ne!(head, chain_over(CHAIN_START, turned.iter().map(Vec::as_slice)));
            }
        }
    }
}
