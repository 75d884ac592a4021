//! Makes the demonstration network up: hospitals, staff, patients with records, agreements and cases.
//!
//! Pure: the same seed and time give the same bytes. Nothing here reads or writes anything.

mod agreements;
pub mod arriving;
mod cases;
mod codes;
mod dice;
mod hospitals;
mod letters;
pub mod model;
mod names;
mod pdf;
mod phantom;
mod population;
mod record;
pub mod services;
mod staff;
mod storied;
pub mod studies;

pub use model::Network;

use jiff::tz::TimeZone;
use kernel::Instant;

use dice::Dice;

/// The seed of `karez demo`.
pub const SEED: u64 = 20_261_122;

/// A network as it stands at `now`.
pub fn network(seed: u64, now: Instant) -> Network {
    let mut dice = Dice::new(seed);
    let today = now.to_zoned(TimeZone::UTC).date();
    let (mut people, cases) =
        storied::people_and_cases(hospitals::HOSPITALS, &mut dice, now, today);
    people.extend(population::people(
        hospitals::HOSPITALS,
        &mut dice,
        now,
        today,
    ));
    let studies = studies::studies(seed, hospitals::HOSPITALS, &people, &cases, now);
    Network {
        seed,
        now,
        hospitals: hospitals::HOSPITALS,
        staff: staff::STAFF,
        people,
        agreements: agreements::agreements(today),
        cases,
        studies,
    }
}

#[cfg(test)]
mod tests;
