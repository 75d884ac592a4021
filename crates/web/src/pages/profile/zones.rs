//! Time zones to choose from: those of the node's hospitals, and a few of each part of the world.

use app::App;

use crate::frame::PageCx;

const MORE: &[&str] = &[
    "Asia/Shanghai",
    "Asia/Urumqi",
    "Asia/Almaty",
    "Asia/Bishkek",
    "Asia/Tashkent",
    "Asia/Dushanbe",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Ulaanbaatar",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Europe/Berlin",
    "Europe/London",
    "Africa/Nairobi",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
];

/// (IANA name, words), sorted by their offset now; `current` is always among them.
pub fn zones(app: &App, cx: &PageCx, current: &str) -> Vec<(String, String)> {
    let show = cx.show();
    let hospitals = app.all_hospitals();
    let mut names: Vec<&str> = hospitals
        .iter()
        .map(|h| h.zone.as_str())
        .chain(MORE.iter().copied())
        .chain([current])
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut zones: Vec<(i32, String, String)> = names
        .into_iter()
        .filter_map(|name| {
            let zone = jiff::tz::TimeZone::get(name).ok()?;
            let offset = cx.now.to_zoned(zone.clone()).offset().seconds();
            let words = format!(
                "{} ({})",
                name.replace('_', " "),
                show.offset(cx.now, &zone)
            );
            Some((offset, name.to_owned(), words))
        })
        .collect();
    zones.sort();
    zones
        .into_iter()
        .map(|(_, name, words)| (name, words))
        .collect()
}
