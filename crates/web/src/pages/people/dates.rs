//! Civil dates of forms, in the hospital's zone, and the instants they stand for.

use app::accounts::Validity;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::Instant;

use crate::components::form::Errors;
use crate::frame::PageCx;
use crate::frame::form::Fields;

/// The first day of a validity as an input of type `date` wants it.
pub fn first_day(v: &Validity, zone: &TimeZone) -> String {
    v.from.to_zoned(zone.clone()).date().to_string()
}

/// The last day, which is the day before the instant it ends.
pub fn last_day(v: &Validity, zone: &TimeZone) -> String {
    v.until
        .and_then(|until| until.checked_sub(1.second()).ok())
        .map(|t| t.to_zoned(zone.clone()).date().to_string())
        .unwrap_or_default()
}

/// Reads `{name}-from` and `{name}-until`: from the start of the first day until the end of the last. A first day
/// that is left empty or unchanged keeps `before`.
pub fn read(
    cx: &PageCx,
    fields: &Fields,
    name: &str,
    before: Option<&Validity>,
    zone: &TimeZone,
    errors: &mut Errors,
) -> Validity {
    let mut day = |which: &str| -> Option<Date> {
        let field = format!("{name}-{which}");
        let text = fields.some(&field)?;
        match text.parse::<Date>() {
            Ok(date) => Some(date),
            Err(_) => {
                errors.add(field, cx.t("problem-date"));
                None
            }
        }
    };
    let (first, last) = (day("from"), day("until"));
    let unchanged = before.filter(|v| first.is_some_and(|d| d.to_string() == first_day(v, zone)));
    let from = match (first, unchanged, before) {
        (_, Some(v), _) | (None, None, Some(v)) => v.from,
        (Some(date), None, _) => start(date, zone).unwrap_or(cx.now),
        (None, None, None) => cx.now,
    };
    let until = last
        .and_then(|d| d.checked_add(1.day()).ok())
        .and_then(|d| start(d, zone));
    if until.is_some_and(|until| until <= from) {
        errors.add(format!("{name}-until"), cx.t("problem-dates"));
    }
    Validity { from, until }
}

fn start(date: Date, zone: &TimeZone) -> Option<Instant> {
    date.to_zoned(zone.clone()).ok().map(|z| z.timestamp())
}
