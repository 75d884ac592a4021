//! Slows guessing: failures are counted per account name and per origin, in bounded memory.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use kernel::{Instant, limits};
use lru::LruCache;

/// Names and origins remembered at once; the least recently seen are forgotten first.
const REMEMBERED: NonZeroUsize = match NonZeroUsize::new(20_000) {
    Some(n) => n,
    None => NonZeroUsize::MIN,
};
/// Failures from one origin within the window before it has to wait.
const ORIGIN_FAILURES_MAX: u32 = 60;
/// Length of the window and of the wait of an origin, seconds.
const ORIGIN_WINDOW_S: i64 = 10 * 60;

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    since: Instant,
    closed_until: Option<Instant>,
}

impl Count {
    const fn new(since: Instant) -> Self {
        Self {
            failures: 0,
            since,
            closed_until: None,
        }
    }
}

/// Counts of failures. Unknown names are counted like known ones, so that a lock tells nothing.
#[derive(Debug)]
pub struct Throttle {
    names: LruCache<String, Count>,
    origins: LruCache<String, Count>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            names: LruCache::new(REMEMBERED),
            origins: LruCache::new(REMEMBERED),
        }
    }
}

/// An origin as it is counted: an IPv4 address, or the /64 an IPv6 address lies in.
pub fn origin_of(peer: Option<&str>) -> String {
    match peer.and_then(|p| p.parse::<IpAddr>().ok()) {
        Some(IpAddr::V6(v6)) => {
            let s = v6.segments();
            format!("{:x}:{:x}:{:x}:{:x}::/64", s[0], s[1], s[2], s[3])
        }
        Some(IpAddr::V4(v4)) => v4.to_string(),
        None => peer.unwrap_or("unknown").to_owned(),
    }
}

impl Throttle {
    /// Seconds to wait, when the name or the origin is closed.
    pub fn wait(&mut self, name: &str, origin: &str, now: Instant) -> Option<u32> {
        let closed =
            |c: Option<&Count>| c.and_then(|c| c.closed_until).filter(|until| now < *until);
        let until = closed(self.names.get(name)).max(closed(self.origins.get(origin)))?;
        u32::try_from(now.duration_until(until).as_secs().max(1)).ok()
    }

    /// Counts a failure. True when it was the one that closed the name.
    pub fn failed(&mut self, name: &str, origin: &str, now: Instant) -> bool {
        let by_origin = self
            .origins
            .get_or_insert_mut(origin.to_owned(), || Count::new(now));
        bump(by_origin, now, ORIGIN_WINDOW_S, ORIGIN_FAILURES_MAX);
        let by_name = self
            .names
            .get_or_insert_mut(name.to_owned(), || Count::new(now));
        bump(
            by_name,
            now,
            limits::SIGN_IN_LOCK_S,
            limits::SIGN_IN_ATTEMPTS_MAX,
        )
    }

    /// A success clears the name; the origin keeps its count, or one good account would buy endless guesses.
    pub fn succeeded(&mut self, name: &str) {
        self.names.pop(name);
    }
}

/// Counts within a window that starts with the first failure. True when this one closed it.
fn bump(count: &mut Count, now: Instant, window_s: i64, most: u32) -> bool {
    let over = count.closed_until.is_some_and(|until| until <= now);
    if over || count.since.duration_until(now).as_secs() > window_s {
        *count = Count::new(now);
    }
    count.failures = count.failures.saturating_add(1);
    if count.failures >= most && count.closed_until.is_none() {
        count.closed_until = now
            .checked_add(jiff::SignedDuration::from_secs(window_s))
            .ok();
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Instant {
        Instant::from_second(1_800_000_000 + s).unwrap()
    }

    #[test]
    fn a_name_closes_at_the_eighth_failure_and_opens_again() {
        let mut t = Throttle::default();
        for n in 1..limits::SIGN_IN_ATTEMPTS_MAX {
            assert!(!t.failed("li", "10.0.0.1", at(0)), "failure {n}");
            assert_eq!(t.wait("li", "10.0.0.1", at(0)), None);
        }
        assert!(t.failed("li", "10.0.0.1", at(1)));
        assert_eq!(t.wait("li", "10.9.9.9", at(1)), Some(15 * 60));
        assert_eq!(t.wait("other", "10.0.0.1", at(1)), None);
        assert_eq!(
            t.wait("li", "10.0.0.1", at(1 + limits::SIGN_IN_LOCK_S)),
            None
        );
    }

    #[test]
    fn success_forgives_the_name_but_not_the_origin() {
        let mut t = Throttle::default();
        for n in 0..ORIGIN_FAILURES_MAX {
            t.failed(&format!("name{n}"), "10.0.0.1", at(0));
            t.succeeded(&format!("name{n}"));
        }
        assert!(t.wait("anybody", "10.0.0.1", at(1)).is_some());
        assert_eq!(t.wait("anybody", "10.0.0.2", at(1)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut t = Throttle::default();
        for n in 0..REMEMBERED.get() + 500 {
            t.failed(&format!("name{n}"), &format!("o{n}"), at(0));
        }
        assert!(t.names.len() <= REMEMBERED.get() && t.origins.len() <= REMEMBERED.get());
    }

    #[test]
    fn one_ipv6_network_is_one_origin() {
        assert_eq!(
            origin_of(Some("2001:db8:1:2:3:4:5:6")),
            origin_of(Some("2001:db8:1:2::9"))
        );
        assert_ne!(
            origin_of(Some("2001:db8:1:2::9")),
            origin_of(Some("2001:db8:1:3::9"))
        );
    }
}
