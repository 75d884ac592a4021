//! How fast the line may be used, and when: the hospital's other work shares it.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use kernel::Instant;

/// How fast objects may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As fast as the line takes it.
    Free,
    /// Bits in a second.
    Bits(u64),
    /// Nothing leaves but what is urgent.
    Closed,
}

/// Hours of some days with a rate of their own. When `from` is not before `until`, the window ends on the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub days: Vec<Weekday>,
    pub from: Time,
    pub until: Time,
    pub rate: Rate,
}

/// The windows of a week in the hospital's zone; the first that holds decides.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub zone: TimeZone,
    pub windows: Vec<Window>,
    /// Outside every window.
    pub otherwise: Rate,
    /// Whether the windows hold for urgent studies too. Without it, what is urgent leaves as fast as it can.
    pub urgent_too: bool,
}

/// Why a schedule could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ScheduleError(pub String);

impl Schedule {
    /// No limits at any time.
    pub fn free() -> Self {
        Self {
            zone: TimeZone::UTC,
            windows: Vec::new(),
            otherwise: Rate::Free,
            urgent_too: false,
        }
    }

    /// Reads windows as `mon-fri 08:00-18:30 2 Mbit/s; sat,sun 00:00-24:00 free; 12:00-13:00 closed`. A window
    /// without days holds every day.
    pub fn windows(text: &str) -> Result<Vec<Window>, ScheduleError> {
        text.split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(window)
            .collect()
    }

    /// The rate that holds at an instant.
    pub fn rate(&self, at: Instant, urgent: bool) -> Rate {
        if urgent && !self.urgent_too {
            return Rate::Free;
        }
        let civil = at.to_zoned(self.zone.clone()).datetime();
        let (day, time) = (civil.date().weekday(), civil.time());
        self.windows
            .iter()
            .find(|w| w.holds(day, time))
            .map_or(self.otherwise, |w| w.rate)
    }

    /// When the rate may change next: the nearest edge of a window after `at`, at most a day away.
    pub fn next_change(&self, at: Instant) -> Instant {
        let day_later = at
            .checked_add(SignedDuration::from_hours(24))
            .unwrap_or(Instant::MAX);
        let now = at.to_zoned(self.zone.clone());
        let mut next = day_later;
        for edge in self.windows.iter().flat_map(|w| [w.from, w.until]) {
            for days in 0..=1 {
                let when = now
                    .date()
                    .checked_add(days.days())
                    .ok()
                    .and_then(|d| d.to_datetime(edge).to_zoned(self.zone.clone()).ok());
                if let Some(when) = when.map(|z| z.timestamp())
                    && when > at
                    && when < next
                {
                    next = when;
                }
            }
        }
        next
    }
}

impl Window {
    fn holds(&self, day: Weekday, time: Time) -> bool {
        if self.from < self.until {
            return self.on(day) && self.from <= time && time < self.until;
        }
        (self.on(day) && self.from <= time) || (self.on(day.previous()) && time < self.until)
    }

    fn on(&self, day: Weekday) -> bool {
        self.days.is_empty() || self.days.contains(&day)
    }
}

fn window(text: &str) -> Result<Window, ScheduleError> {
    let bad = |what: &str| ScheduleError(format!("`{text}`: {what}"));
    let mut words = text.split_whitespace().peekable();
    let first = words.peek().copied().unwrap_or_default();
    let days = if first.starts_with(|c: char| c.is_ascii_digit()) {
        Vec::new()
    } else {
        let _days = words.next();
        days(first).ok_or_else(|| bad("days are written as mon-fri or sat,sun"))?
    };
    let hours = words.next().ok_or_else(|| bad("hours are missing"))?;
    let (from, until) = hours
        .split_once('-')
        .ok_or_else(|| bad("hours are written as 08:00-18:30"))?;
    let rate: String = words.collect::<Vec<_>>().join(" ");
    Ok(Window {
        days,
        from: time(from).ok_or_else(|| bad("the first hour cannot be read"))?,
        until: time(until).ok_or_else(|| bad("the last hour cannot be read"))?,
        rate: Rate::parse(&rate).ok_or_else(|| bad("a rate is `2 Mbit/s`, `free` or `closed`"))?,
    })
}

impl Rate {
    /// Reads `free`, `closed`, `512 kbit/s` or `2.5 Mbit/s`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "free" => return Some(Self::Free),
            "closed" => return Some(Self::Closed),
            _ => {}
        }
        let (number, unit) = text.trim().split_once(' ')?;
        let factor = match unit.trim() {
            "kbit/s" => 1e3,
            "Mbit/s" => 1e6,
            "Gbit/s" => 1e9,
            _ => return None,
        };
        let bits = number.parse::<f64>().ok()? * factor;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (1e3..=1e12)
            .contains(&bits)
            .then_some(Self::Bits(bits as u64))
    }
}

/// `24:00` is the midnight that ends the day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    if (hour, minute) == (24_i8, 0_i8) {
        return Some(Time::midnight());
    }
    Time::new(hour, minute, 0, 0).ok()
}

fn days(text: &str) -> Option<Vec<Weekday>> {
    let mut out = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => out.push(day(part)?),
            Some((first, last)) => {
                let (mut at, last) = (day(first)?, day(last)?);
                out.push(at);
                while at != last {
                    at = at.next();
                    out.push(at);
                }
            }
        }
    }
    Some(out)
}

fn day(text: &str) -> Option<Weekday> {
    Some(match text {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urumqi(windows: &str) -> Schedule {
        Schedule {
            zone: TimeZone::get("Asia/Urumqi").unwrap(),
            windows: Schedule::windows(windows).unwrap(),
            otherwise: Rate::Free,
            urgent_too: false,
        }
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_holds_in_the_hospitals_zone_and_not_in_utc() {
        let s = urumqi("mon-fri 08:00-18:30 2 Mbit/s");
        // Monday 2026-11-23, 08:00 in Ürümqi is 02:00 UTC.
        assert_eq!(s.rate(at("2026-11-23T01:59:59Z"), false), Rate::Free);
        assert_eq!(
            s.rate(at("2026-11-23T02:00:00Z"), false),
            Rate::Bits(2_000_000)
        );
        assert_eq!(s.rate(at("2026-11-23T12:30:00Z"), false), Rate::Free);
        // Saturday.
        assert_eq!(s.rate(at("2026-11-28T04:00:00Z"), false), Rate::Free);
    }

    #[test]
    fn a_window_may_end_on_the_next_day() {
        let s = urumqi("fri 22:00-06:00 closed");
        assert_eq!(s.rate(at("2026-11-27T16:00:00Z"), false), Rate::Closed);
        assert_eq!(s.rate(at("2026-11-27T23:59:00Z"), false), Rate::Closed);
        assert_eq!(s.rate(at("2026-11-28T00:00:00Z"), false), Rate::Free);
        assert_eq!(s.rate(at("2026-11-26T16:00:00Z"), false), Rate::Free);
    }

    #[test]
    fn what_is_urgent_leaves_at_once_unless_the_windows_hold_for_it_too() {
        let mut s = urumqi("00:00-24:00 closed");
        let now = at("2026-11-23T05:00:00Z");
        assert_eq!(s.rate(now, true), Rate::Free);
        s.urgent_too = true;
        assert_eq!(s.rate(now, true), Rate::Closed);
    }

    #[test]
    fn the_next_change_is_the_nearest_edge() {
        let s = urumqi("mon-fri 08:00-18:30 512 kbit/s");
        let edge = s.next_change(at("2026-11-23T03:00:00Z"));
        assert_eq!(edge, at("2026-11-23T12:30:00Z"));
        assert_eq!(
            Schedule::free().next_change(at("2026-11-23T03:00:00Z")),
            at("2026-11-24T03:00:00Z")
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for bad in [
            "noon 2 Mbit/s",
            "08:00-19 free",
            "08:00-25:00 free",
            "mon-xyz 08:00-09:00 free",
            "08:00-09:00 2 parsec",
        ] {
            let e = Schedule::windows(bad).unwrap_err();
            assert!(e.to_string().contains(bad), "{e}");
        }
    }
}
