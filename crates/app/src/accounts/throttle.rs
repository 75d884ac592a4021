//! Slows guessing: failures are counted per account name and per origin. The counts lie in the store, so that whoever
//! is turned away by one node is turned away by all.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use agreements::SystemPurpose;
use kernel::{HospitalId, Instant, ResourceId, limits};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition, StoreError};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};

/// Failures from one origin within the window before it has to wait.
const ORIGIN_FAILURES_MAX: u32 = 60;
/// Length of the window and of the wait of an origin, seconds.
const ORIGIN_WINDOW_S: i64 = 10 * 60;
/// How often a count is tried to be written while other nodes write it too.
const TRIES_MAX: u32 = 16;
/// Ceremonies that strangers of one origin may begin within its window, on one node.
const BEGUN_MAX: u32 = 60;
/// Origins remembered at once; the least recently seen are forgotten first.
const REMEMBERED: NonZeroUsize = match NonZeroUsize::new(20_000) {
    Some(n) => n,
    None => NonZeroUsize::MIN,
};

/// Failures of one name or origin. Unknown names are counted like known ones, so that a lock tells nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Count {
    failures: u32,
    since: Instant,
    closed_until: Option<Instant>,
}

impl Document for Count {
    const KIND: &'static str = "sign-in-failures";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl Count {
    const fn new(since: Instant) -> Self {
        Self {
            failures: 0,
            since,
            closed_until: None,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let window = ORIGIN_WINDOW_S.max(limits::SIGN_IN_LOCK_S);
        self.closed_until.is_none_or(|until| until <= now)
            && self.since.duration_until(now).as_secs() > window
    }
}

/// What is counted, and under which bounds.
#[derive(Clone, Copy)]
enum Whose<'a> {
    Name(&'a str),
    Origin(&'a str),
}

impl Whose<'_> {
    /// The text itself is not kept: a name may be a person's.
    fn id(self) -> Result<ResourceId, AppError> {
        let digest = match self {
            Self::Name(text) => crate::tokens::digest(&["name", text]),
            Self::Origin(text) => crate::tokens::digest(&["origin", text]),
        };
        Ok(ResourceId::new(digest)?)
    }

    fn bump(self, count: &mut Count, now: Instant) -> bool {
        match self {
            Self::Name(_) => bump(
                count,
                now,
                limits::SIGN_IN_LOCK_S,
                limits::SIGN_IN_ATTEMPTS_MAX,
            ),
            Self::Origin(_) => bump(count, now, ORIGIN_WINDOW_S, ORIGIN_FAILURES_MAX),
        }
    }
}

/// What strangers begin without having proved anything, in bounded memory of this node.
#[derive(Debug)]
pub struct Begun(Mutex<LruCache<String, Count>>);

impl Default for Begun {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Begun {
    /// Counts one more; refuses when the origin has begun too many.
    pub fn one_more(&self, origin: &str, now: Instant) -> Result<(), AppError> {
        let mut all = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = all.get_or_insert_mut(origin.to_owned(), || Count::new(now));
        bump(count, now, ORIGIN_WINDOW_S, BEGUN_MAX);
        refuse_closed(Some(count), now)
    }
}

fn refuse_closed(count: Option<&Count>, now: Instant) -> Result<(), AppError> {
    let until = count
        .and_then(|c| c.closed_until)
        .filter(|until| now < *until);
    match until {
        None => Ok(()),
        Some(until) => Err(AppError::RateLimited {
            retry_after_s: u32::try_from(now.duration_until(until).as_secs().max(1))
                .unwrap_or(u32::MAX),
        }),
    }
}

impl App {
    /// Refuses while the name or the origin is closed. A name that is not known yet is empty.
    pub(crate) async fn admit(
        &self,
        name: &str,
        origin: &str,
        now: Instant,
    ) -> Result<(), AppError> {
        for whose in [Whose::Origin(origin), Whose::Name(name)] {
            let count = self.failures_of(whose).await?;
            refuse_closed(count.as_ref().map(|c| &c.doc), now)?;
        }
        Ok(())
    }

    /// Counts a failure on every node. True when it was the one that closed the name.
    pub(crate) async fn failed(
        &self,
        name: &str,
        origin: &str,
        now: Instant,
    ) -> Result<bool, AppError> {
        // Failures of this node are written one after the other; only other nodes can be in the way.
        let _turn = self.gate.counting().await;
        for _ in 0..TRIES_MAX {
            let mut batch = Batch::new(now);
            let mut closed = false;
            for whose in [Whose::Origin(origin), Whose::Name(name)] {
                if matches!(whose, Whose::Name("")) {
                    continue;
                }
                let mut count = match self.failures_of(whose).await? {
                    Some(count) => count,
                    None => Versioned {
                        key: self.doc_key::<Count>(&HospitalId::network(), &whose.id()?),
                        version: 0,
                        doc: Count::new(now),
                    },
                };
                closed = whose.bump(&mut count.doc, now);
                docs::put(&mut batch, &count)?;
            }
            match self.store.commit(batch).await {
                Ok(_) => return Ok(closed),
                Err(StoreError::Precondition { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(AppError::RateLimited { retry_after_s: 2 })
    }

    /// A success clears the name; the origin keeps its count, or one good account would buy endless guesses.
    pub(crate) async fn forgive(&self, name: &str) -> Result<(), AppError> {
        let Some(count) = self.failures_of(Whose::Name(name)).await? else {
            return Ok(());
        };
        let mut batch = Batch::new(self.now());
        batch.delete(count.key, Precondition::Any);
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn failures_of(&self, whose: Whose<'_>) -> Result<Option<Versioned<Count>>, AppError> {
        if matches!(whose, Whose::Name("")) {
            return Ok(None);
        }
        let permit = self.system(SystemPurpose::Authentication);
        self.load::<Count>(&permit, &HospitalId::network(), &whose.id()?)
            .await
    }

    /// Forgets counts whose window has passed.
    pub async fn forget_failures(&self) -> Result<usize, AppError> {
        let now = self.now();
        self.sweep::<Count>(now, |c| c.is_over(now)).await
    }

    /// Deletes the node's own documents of one kind that are over. Gives how many.
    pub(crate) async fn sweep<T: Document>(
        &self,
        now: Instant,
        over: impl Fn(&T) -> bool,
    ) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let network = HospitalId::network();
        let all = self
            .find::<T>(&permit, Some(&network), Vec::new(), None, 1_000, false)
            .await?;
        let mut batch = Batch::new(now);
        for old in all.into_iter().filter(|d| over(&d.doc)) {
            batch.delete(old.key, Precondition::Any);
        }
        let count = batch.writes.len();
        if count > 0 {
            self.store.commit(batch).await?;
        }
        Ok(count)
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
        let mut count = Count::new(at(0));
        for n in 1..limits::SIGN_IN_ATTEMPTS_MAX {
            assert!(!Whose::Name("li").bump(&mut count, at(0)), "failure {n}");
            assert!(refuse_closed(Some(&count), at(0)).is_ok());
        }
        assert!(Whose::Name("li").bump(&mut count, at(1)));
        assert!(matches!(
            refuse_closed(Some(&count), at(1)),
            Err(AppError::RateLimited { retry_after_s: 900 })
        ));
        assert!(refuse_closed(Some(&count), at(1 + limits::SIGN_IN_LOCK_S)).is_ok());
        assert!(!count.is_over(at(2)) && count.is_over(at(3_600)));
    }

    #[test]
    fn strangers_begin_a_bounded_number_of_ceremonies() {
        let begun = Begun::default();
        let allowed = (0..BEGUN_MAX * 2)
            .filter(|_| begun.one_more("10.0.0.1", at(0)).is_ok())
            .count();
        assert_eq!(allowed, (BEGUN_MAX - 1) as usize);
        assert!(begun.one_more("10.0.0.2", at(0)).is_ok());
        assert!(begun.one_more("10.0.0.1", at(ORIGIN_WINDOW_S + 1)).is_ok());
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
