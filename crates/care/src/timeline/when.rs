//! Clinical times with the precision they were given in (FHIR R4 §2.24.0.1 `dateTime`).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::Instant;
use serde::{Deserialize, Serialize};

/// How exactly a time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    Year,
    Month,
    Day,
    /// A full time with its zone.
    Time,
}

/// A time as the source gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The text of the source: `2009`, `2009-01`, `2026-11-19`, `2026-11-19T09:04:00+08:00`.
    pub text: String,
    pub precision: Precision,
    /// Its first moment; a date without a time begins at midnight of the custodian's zone.
    pub start: Instant,
}

impl When {
    /// Reads a FHIR date, dateTime or instant; `zone` is the custodian's, for texts without a time.
    pub fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        let midnight = |date: Date| {
            zone.to_zoned(date.at(0, 0, 0, 0))
                .ok()
                .map(|z| z.timestamp())
        };
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
        let (precision, start) = match text.len() {
            4 => (
                Precision::Year,
                midnight(Date::new(number(0..4)?, 1, 1).ok()?)?,
            ),
            7 => {
                let month = i8::try_from(number(5..7)?).ok()?;
                let date = Date::new(number(0..4)?, month, 1).ok()?;
                (Precision::Month, midnight(date)?)
            }
            10 => (Precision::Day, midnight(text.parse().ok()?)?),
            _ => (Precision::Time, text.parse().ok()?),
        };
        Some(Self {
            text: text.to_owned(),
            precision,
            start,
        })
    }

    /// The year as the source wrote it.
    pub fn year(&self) -> Option<i16> {
        self.text.get(0..4)?.parse().ok()
    }
}
