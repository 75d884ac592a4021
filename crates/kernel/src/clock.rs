//! Time and randomness as arguments. The only places that touch the ambient ones are [`SystemClock`] and
//! [`SystemEntropy`]; everything else is handed a [`Clock`] or an instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// An instant in UTC. Civil times are kept with their zone ([`jiff::Zoned`]).
pub type Instant = jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Instant;
}

/// The machine's clock, cut to microseconds so that what is written reads back equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place
    fn now(&self) -> Instant {
        let t = Instant::now();
        Instant::from_microsecond(t.as_microsecond()).unwrap_or(t)
    }
}

/// A clock for tests: stands still until moved.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(start: Instant) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_microsecond())))
    }
    pub fn advance(&self, by: jiff::SignedDuration) {
        let us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(us, Ordering::SeqCst);
    }
    pub fn set(&self, to: Instant) {
        self.0.store(to.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Instant::UNIX_EPOCH)
    }
}

/// A source of random bytes.
pub trait Entropy: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);

    /// A UUID version 7 (RFC 9562 §5.7) as 36 characters; ids made later sort later.
    fn uuid_v7(&self, now: Instant) -> String {
        let mut b = [0u8; 16];
        self.fill(&mut b);
        let ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
        b[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
        b[6] = (b[6] & 0x0f) | 0x70;
        b[8] = (b[8] & 0x3f) | 0x80;
        let h: String = b.iter().map(|x| format!("{x:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &h[..8],
            &h[8..12],
            &h[12..16],
            &h[16..20],
            &h[20..]
        )
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::expect_used)]
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no key or token is safe: stopping is the only right answer.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later() {
        let a = SystemEntropy.uuid_v7(Instant::from_millisecond(1_000).unwrap());
        let b = SystemEntropy.uuid_v7(Instant::from_millisecond(2_000).unwrap());
        assert!(a < b);
        assert_eq!(a.len(), 36);
        assert_eq!(&a[14..15], "7");
    }
}
