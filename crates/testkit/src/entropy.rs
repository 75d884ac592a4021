//! Randomness that repeats from a seed, so that a failing test fails again.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Entropy;

/// SplitMix64 from a seed. For tests alone: whoever knows the seed knows every byte.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededEntropy {
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
    /// The next 64 bits.
    pub fn next(&self) -> u64 {
        let mut z = self
            .0
            .fetch_add(GAMMA, Ordering::SeqCst)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let bytes = |seed| {
            let mut b = [0; 21];
            SeededEntropy::new(seed).fill(&mut b);
            b
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }
}
