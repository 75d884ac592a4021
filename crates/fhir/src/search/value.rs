//! Reading dates and numbers with their precision (FHIR R4 §3.1.1.4.5, §3.1.1.4.6).

use rust_decimal::Decimal;

/// `low <= t < high` in microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub low_us: i64,
    pub high_us: i64,
}

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// The time a date, dateTime or instant covers: a year, a month, a day (in UTC, for it has no zone), a minute, a second
/// or the fraction that was written. A time without a zone is taken as UTC. `None` when it is no date.
pub fn date_span(text: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    let year = digits(bytes.get(..4)?)?;
    let day_span = |from: i64, to: i64| {
        Some(Span {
            low_us: from * DAY_US,
            high_us: to * DAY_US,
        })
    };
    let rest = match bytes.get(4..)? {
        [] => return day_span(days(year, 1, 1)?, days(year + 1, 1, 1)?),
        [b'-', rest @ ..] => rest,
        _ => return None,
    };
    let month = digits(rest.get(..2)?)?;
    let rest = match rest.get(2..)? {
        [] => {
            let (y, m) = if month == 12 {
                (year + 1, 1)
            } else {
                (year, month + 1)
            };
            return day_span(days(year, month, 1)?, days(y, m, 1)?);
        }
        [b'-', rest @ ..] => rest,
        _ => return None,
    };
    let day = days(year, month, digits(rest.get(..2)?)?)?;
    match rest.get(2..)? {
        [] => day_span(day, day + 1),
        [b'T', time @ ..] => time_span(day, time),
        _ => None,
    }
}

/// `hh:mm[:ss[.fraction]][zone]` on a day.
fn time_span(day: i64, time: &[u8]) -> Option<Span> {
    let (hour, minute) = (digits(time.get(..2)?)?, digits(time.get(3..5)?)?);
    if time.get(2) != Some(&b':') || hour > 24 || minute > 59 {
        return None;
    }
    let mut low = day * DAY_US + (hour * 3600 + minute * 60) * SECOND_US;
    let mut length = 60 * SECOND_US;
    let mut rest = &time[5..];
    if let [b':', seconds @ ..] = rest {
        let second = digits(seconds.get(..2)?)?;
        if second > 60 {
            return None;
        }
        low += second * SECOND_US;
        length = SECOND_US;
        rest = &seconds[2..];
        if let [b'.', fraction @ ..] = rest {
            let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if len == 0 {
                return None;
            }
            for d in &fraction[..len.min(6)] {
                length /= 10;
                low += i64::from(d - b'0') * length;
            }
            rest = &fraction[len..];
        }
    }
    low -= zone_us(rest)?;
    Some(Span {
        low_us: low,
        high_us: low + length,
    })
}

/// The offset of a zone: nothing, `Z`, or `+08:00`.
fn zone_us(zone: &[u8]) -> Option<i64> {
    match zone {
        [] | [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 14 || minutes > 59 {
                return None;
            }
            let us = (hours * 3600 + minutes * 60) * SECOND_US;
            Some(if *sign == b'-' { -us } else { us })
        }
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |n, b| {
        b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
    })
}

/// Days from 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    // The year after 9999 is only ever the end of a span.
    if date.is_err() && year != 10_000 {
        return None;
    }
    // Days since 1970-01-01, counting years from March so that a leap day is the last of its year.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era_days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    Some(era_days + (153 * m + 2) / 5 + day - 1 - 719_468)
}

/// A number with the interval its digits leave open: `5.4` stands for 5.35..=5.45 (§3.1.1.4.5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precise {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Reads a decimal as JSON writes it. Half a unit of the last digit given is left open on either side; an exponent moves
/// that unit with the digits (`1e2` has one significant digit). `None` when it is no number or too large.
pub fn precise(text: &str) -> Option<Precise> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || text.len() > 64 {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let Ok(exact) = mantissa.parse::<Decimal>() else {
        // More digits than a Decimal holds: what is left open is below what f64 can tell apart.
        return Some(Precise {
            value,
            low: value,
            high: value,
        });
    };
    let half = Decimal::try_new(5, exact.scale() + 1).ok();
    let end = |d: Option<Decimal>| {
        d.and_then(|d| format!("{d}e{exponent}").parse::<f64>().ok())
            .unwrap_or(value)
    };
    Some(Precise {
        value,
        low: end(half.and_then(|h| exact.checked_sub(h))),
        high: end(half.and_then(|h| exact.checked_add(h))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> (i64, i64) {
        let s = date_span(text).unwrap();
        (s.low_us, s.high_us)
    }
    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn a_date_covers_what_it_does_not_say() {
        assert_eq!(
            span("2020"),
            (at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"))
        );
        assert_eq!(
            span("2020-12"),
            (at("2020-12-01T00:00:00Z"), at("2021-01-01T00:00:00Z"))
        );
        assert_eq!(
            span("2020-02-29"),
            (at("2020-02-29T00:00:00Z"), at("2020-03-01T00:00:00Z"))
        );
        assert_eq!(
            span("2020-02-29T10:00+08:00"),
            (at("2020-02-29T02:00:00Z"), at("2020-02-29T02:01:00Z"))
        );
        assert_eq!(
            span("2020-02-29T10:00:01.5Z"),
            (at("2020-02-29T10:00:01.5Z"), at("2020-02-29T10:00:01.6Z"))
        );
        assert_eq!(span("1969-12-31T23:59:59Z"), (-1_000_000, 0));
        assert_eq!(
            span("9999").1,
            at("9999-12-30T00:00:00Z") + 2 * 86_400_000_000
        );
    }

    #[test]
    fn days_are_counted_as_the_calendar_counts_them() {
        for text in [
            "0001-01-01",
            "1600-02-29",
            "1899-12-31",
            "1900-03-01",
            "1970-01-01",
            "2000-02-29",
            "2026-11-22",
            "9999-12-30",
        ] {
            assert_eq!(span(text).0, at(&format!("{text}T00:00:00Z")), "{text}");
        }
        assert_eq!(span("9999-12-31").1, span("9999").1);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "20",
            "2020-13",
            "2020-02-30",
            "2021-02-29",
            "2020-1-1",
            "2020-01-01T",
            "2020-01-01T25:00",
            "2020-01-01T10:00:00+8",
            "x",
        ] {
            assert_eq!(date_span(bad), None, "{bad}");
        }
    }

    #[test]
    fn digits_say_how_exact_a_number_is() {
        let p = |t| precise(t).map(|p| (p.low, p.value, p.high)).unwrap();
        assert_eq!(p("100"), (99.5, 100.0, 100.5));
        assert_eq!(p("100.00"), (99.995, 100.0, 100.005));
        assert_eq!(p("1.10"), (1.095, 1.1, 1.105));
        assert_eq!(p("-5.4"), (-5.45, -5.4, -5.35));
        assert_eq!(p("1e2"), (50.0, 100.0, 150.0));
        assert_eq!(p("5.40e-3"), (0.005395, 0.0054, 0.005405));
        assert_eq!(precise("abc"), None);
        assert_eq!(precise("1e999"), None);
        assert_eq!(precise("+1"), None);
    }
}
