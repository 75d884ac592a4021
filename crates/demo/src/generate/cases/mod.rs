//! Cases written by hand, each with the record it is told from. Patients, doctors and hospitals are invented;
//! the medicine is meant to read like the real thing and is not advice.

mod belly;
mod chest;
mod family;
mod nerves;
pub mod story;

use story::Story;

/// Every story, in the order in which they were written.
pub fn stories() -> impl Iterator<Item = &'static Story> {
    [
        chest::STORIES,
        family::STORIES,
        belly::STORIES,
        nerves::STORIES,
    ]
    .into_iter()
    .flatten()
}
