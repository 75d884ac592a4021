//! How instants, dates, ages, spans and numbers are written for a reader.
//!
//! Instants are shown in the reader's zone; where another party is concerned, their zone stands beside it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::args;
use crate::words::{Lang, Words};

/// Writes values for one reader: their language and their zone.
#[derive(Debug, Clone)]
pub struct Show {
    pub words: Words,
    pub zone: TimeZone,
    pub now: Timestamp,
}

impl Show {
    pub fn new(words: Words, zone: TimeZone, now: Timestamp) -> Self {
        Self { words, zone, now }
    }

    /// `14:38`.
    pub fn clock(&self, at: Timestamp) -> String {
        hm(&at.to_zoned(self.zone.clone()))
    }

    /// `14:38:06`, for what was kept a moment ago.
    pub fn clock_s(&self, at: Timestamp) -> String {
        let z = at.to_zoned(self.zone.clone());
        format!("{:02}:{:02}:{:02}", z.hour(), z.minute(), z.second())
    }

    /// `14 March 1968`, `1968年3月14日`.
    pub fn date(&self, d: Date) -> String {
        self.words.f(
            "date-long",
            args!["day" => d.day().to_string(), "month" => self.month(d), "year" => d.year().to_string()],
        )
    }

    /// `23 Nov` this year, `23 Nov 2025` otherwise.
    pub fn day(&self, d: Date) -> String {
        let month = self.words.word("month-short", &d.month().to_string());
        let day = d.day().to_string();
        if d.year() == self.now.to_zoned(self.zone.clone()).year() {
            self.words
                .f("date-day", args!["day" => day, "month" => month])
        } else {
            self.words.f(
                "date-day-year",
                args!["day" => day, "month" => month, "year" => d.year().to_string()],
            )
        }
    }

    /// `23 Nov`, where the year stands above.
    pub fn day_in_year(&self, d: Date) -> String {
        let month = self.words.word("month-short", &d.month().to_string());
        self.words.f(
            "date-day",
            args!["day" => d.day().to_string(), "month" => month],
        )
    }

    /// The civil date of an instant in the reader's zone.
    pub fn date_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Today: `14:38`; else `23 Nov, 14:38`.
    pub fn at(&self, at: Timestamp) -> String {
        self.at_in(at, &self.zone)
    }

    fn at_in(&self, at: Timestamp, zone: &TimeZone) -> String {
        let z = at.to_zoned(zone.clone());
        if z.date() == self.now.to_zoned(zone.clone()).date() {
            hm(&z)
        } else {
            self.words.f(
                "date-and-time",
                args!["date" => self.day(z.date()), "time" => hm(&z)],
            )
        }
    }

    /// Always with its date: `23 Nov, 14:38`.
    pub fn day_at(&self, at: Timestamp) -> String {
        let z = at.to_zoned(self.zone.clone());
        self.words.f(
            "date-and-time",
            args!["date" => self.day(z.date()), "time" => hm(&z)],
        )
    }

    /// Like [`Show::day_at`], with the other party's time beside it where their clock differs.
    pub fn day_at_both(&self, at: Timestamp, party: &str, zone: &TimeZone) -> String {
        let own = self.day_at(at);
        if at.to_zoned(self.zone.clone()).offset() == at.to_zoned(zone.clone()).offset() {
            return own;
        }
        let theirs = Self::new(self.words, zone.clone(), self.now).day_at(at);
        self.words.f(
            "time-both",
            args!["own" => own, "party" => party, "theirs" => theirs],
        )
    }

    /// Reader's time, and beside it the other party's where their clock differs: `13:04, at Yarqum 16:04`.
    pub fn at_both(&self, at: Timestamp, party: &str, zone: &TimeZone) -> String {
        let own = self.at(at);
        let theirs = self.at_in(at, zone);
        if at.to_zoned(self.zone.clone()).offset() == at.to_zoned(zone.clone()).offset() {
            own
        } else {
            self.words.f(
                "time-both",
                args!["own" => own, "party" => party, "theirs" => theirs],
            )
        }
    }

    /// Time of day alone, the other party's beside it where their clock differs.
    pub fn clock_both(&self, at: Timestamp, party: &str, zone: &TimeZone) -> String {
        let (own, theirs) = (at.to_zoned(self.zone.clone()), at.to_zoned(zone.clone()));
        if own.offset() == theirs.offset() {
            hm(&own)
        } else {
            self.words.f(
                "time-both",
                args!["own" => hm(&own), "party" => party, "theirs" => hm(&theirs)],
            )
        }
    }

    /// `Monday 23 November, 14:38`.
    pub fn today(&self) -> String {
        let z = self.now.to_zoned(self.zone.clone());
        self.words.f(
            "date-today",
            args![
                "weekday" => self.words.word("weekday", &z.weekday().to_monday_one_offset().to_string()),
                "day" => z.day().to_string(),
                "month" => self.month(z.date()),
                "time" => hm(&z),
            ],
        )
    }

    /// `UTC+8`, `UTC+5:30`, as it stands at `at`.
    pub fn offset(&self, at: Timestamp, zone: &TimeZone) -> String {
        let seconds = at.to_zoned(zone.clone()).offset().seconds();
        let (sign, s) = if seconds < 0 {
            ('−', -seconds)
        } else {
            ('+', seconds)
        };
        match (s / 3600, s % 3600 / 60) {
            (h, 0) => format!("UTC{sign}{h}"),
            (h, m) => format!("UTC{sign}{h}:{m:02}"),
        }
    }

    /// A FHIR date or dateTime (R4 §2.24.0.1) as precisely as it was given, in the reader's zone when it has one.
    pub fn fhir_date(&self, text: &str) -> String {
        if let Ok(at) = text.parse::<Timestamp>() {
            return self.day_at(at);
        }
        match text.split('-').collect::<Vec<_>>().as_slice() {
            [year] => (*year).to_owned(),
            [year, month] => match month.parse::<i8>() {
                Ok(m @ 1..=12) => self.words.f(
                    "date-month",
                    args!["month" => self.words.word("month-short", &m.to_string()), "year" => *year],
                ),
                _ => text.to_owned(),
            },
            _ => text.parse::<Date>().map_or_else(|_| text.to_owned(), |d| self.day(d)),
        }
    }

    /// A span in the two largest units that matter: `58 min`, `3 h 38 min`, `21 h`, `4 d`.
    pub fn span(&self, span: SignedDuration) -> String {
        let minutes = span.as_secs().unsigned_abs().div_ceil(60);
        let hours = minutes / 60;
        let w = &self.words;
        if minutes < 60 {
            w.f("span-min", args!["n" => minutes.to_string()])
        } else if hours < 10 && !minutes.is_multiple_of(60) {
            w.f(
                "span-h-min",
                args!["h" => hours.to_string(), "m" => (minutes % 60).to_string()],
            )
        } else if hours < 48 {
            w.f("span-h", args!["n" => hours.to_string()])
        } else {
            w.f("span-d", args!["n" => (hours / 24).to_string()])
        }
    }

    /// How long ago: `3 h 38 min ago`, `just now`.
    pub fn ago(&self, at: Timestamp) -> String {
        let span = self.now.duration_since(at);
        if span.as_secs() < 60 {
            self.words.t("time-just-now")
        } else {
            self.words.f("time-ago", args!["span" => self.span(span)])
        }
    }

    /// Age at `self.now` from a FHIR date of birth, which may name only a year or a month: days under a month,
    /// months under two years, then years.
    pub fn age(&self, born: &str) -> Option<String> {
        let today = self.now.to_zoned(self.zone.clone()).date();
        let parts: Vec<&str> = born.split('-').collect();
        let year: i16 = parts.first()?.parse().ok()?;
        let Some(month) = parts.get(1).and_then(|m| m.parse::<i8>().ok()) else {
            return Some(self.words.f(
                "age-years-about",
                args!["n" => (today.year() - year).to_string()],
            ));
        };
        let day = parts
            .get(2)
            .and_then(|d| d.get(..2))
            .and_then(|d| d.parse::<i8>().ok())
            .unwrap_or(1);
        let born = Date::new(year, month, day).ok()?;
        if born > today {
            return None;
        }
        let mut months = i32::from(today.year() - born.year()) * 12 + i32::from(today.month())
            - i32::from(born.month());
        if today.day() < born.day() {
            months -= 1;
        }
        Some(match months {
            0 => {
                let days = born.until(today).map_or(0, |s| s.get_days());
                self.words.f("age-days", args!["n" => days.to_string()])
            }
            1..24 => self.words.f("age-months", args!["n" => months.to_string()]),
            _ => self
                .words
                .f("age-years", args!["n" => (months / 12).to_string()]),
        })
    }

    /// A count with thin groups: `12 408`.
    pub fn number(&self, n: u64) -> String {
        let digits = n.to_string();
        if digits.len() < 5 {
            return digits;
        }
        let gap = match self.words.lang {
            Lang::En => '\u{202f}',
            Lang::ZhCn => ',',
        };
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(gap);
            }
            out.push(c);
        }
        out
    }

    /// A size in bytes: `1.2 MB`.
    pub fn bytes(&self, n: u64) -> String {
        const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
        let (mut value, mut unit) = (n, 0);
        let mut tenths = 0;
        while value >= 1000 && unit < UNITS.len() - 1 {
            tenths = value % 1000 / 100;
            value /= 1000;
            unit += 1;
        }
        if unit > 0 && value < 10 {
            format!("{value}.{tenths}\u{a0}{}", UNITS[unit])
        } else {
            format!("{value}\u{a0}{}", UNITS[unit])
        }
    }

    fn month(&self, d: Date) -> String {
        self.words.word("month", &d.month().to_string())
    }
}

fn hm(z: &Zoned) -> String {
    format!("{:02}:{:02}", z.hour(), z.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(lang: Lang, zone: &str) -> Show {
        Show::new(
            Words::new(lang),
            TimeZone::get(zone).unwrap(),
            "2026-11-23T06:38:06Z".parse().unwrap(),
        )
    }

    #[test]
    fn the_other_partys_time_stands_beside_only_where_it_differs() {
        let s = show(Lang::En, "Asia/Almaty");
        let at = "2026-11-23T08:04:00Z".parse().unwrap();
        assert_eq!(
            s.at_both(at, "Yarqum", &TimeZone::get("Asia/Shanghai").unwrap()),
            "13:04, at Yarqum 16:04"
        );
        assert_eq!(
            s.at_both(at, "Saryözen", &TimeZone::get("Asia/Almaty").unwrap()),
            "13:04"
        );
    }

    #[test]
    fn near_midnight_the_other_party_has_its_own_date() {
        let s = show(Lang::En, "Europe/London");
        let at = "2026-11-23T17:30:00Z".parse().unwrap();
        assert_eq!(
            s.at_both(at, "Yarqum", &TimeZone::get("Asia/Shanghai").unwrap()),
            "17:30, at Yarqum 24 Nov, 01:30"
        );
    }

    #[test]
    fn ages_follow_how_paediatricians_say_them() {
        let s = show(Lang::En, "Asia/Shanghai");
        assert_eq!(s.age("2026-11-21").as_deref(), Some("2 d"));
        assert_eq!(s.age("2025-11-24").as_deref(), Some("11 mo"));
        assert_eq!(s.age("1968-03-14").as_deref(), Some("58"));
        assert_eq!(s.age("1968").as_deref(), Some("about 58"));
        assert_eq!(s.age("2027-01-01"), None);
    }

    #[test]
    fn a_partial_date_is_not_made_more_precise() {
        let s = show(Lang::En, "Asia/Shanghai");
        assert_eq!(s.fhir_date("2009"), "2009");
        assert_eq!(s.fhir_date("2009-01"), "Jan 2009");
        assert_eq!(s.fhir_date("2026-11-12"), "12 Nov");
        assert_eq!(
            show(Lang::ZhCn, "Asia/Shanghai").date(jiff::civil::date(1968, 3, 14)),
            "1968年3月14日"
        );
    }

    #[test]
    fn spans_round_up_so_that_a_minute_left_is_never_none() {
        let s = show(Lang::En, "Asia/Shanghai");
        assert_eq!(s.span(SignedDuration::from_secs(20)), "1 min");
        assert_eq!(s.span(SignedDuration::from_mins(218)), "3 h 38 min");
        assert_eq!(s.span(SignedDuration::from_hours(21)), "21 h");
        assert_eq!(s.span(SignedDuration::from_hours(99)), "4 d");
    }

    #[test]
    fn large_numbers_and_sizes_are_grouped() {
        let s = show(Lang::En, "Asia/Shanghai");
        assert_eq!(s.number(12408), "12\u{202f}408");
        assert_eq!(s.bytes(1_234_567), "1.2\u{a0}MB");
        assert_eq!(s.bytes(318_000_000), "318\u{a0}MB");
    }
}
