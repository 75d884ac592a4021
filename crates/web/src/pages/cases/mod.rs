//! Cases on screen: lists, the case itself, a new case in six steps, the opinion, the answer and what came of it.

pub mod acts;
pub mod answer;
pub mod case;
pub mod consent;
pub mod inbox;
pub mod list;
pub mod new;
pub mod opinion;
pub mod parts;
pub mod steps;
mod studies;

use kernel::RecordKey;

use crate::frame::{PageError, RouteSpec};

pub fn routes() -> Vec<RouteSpec> {
    [
        list::routes(),
        inbox::routes(),
        new::routes(),
        case::routes(),
        acts::routes(),
        opinion::routes(),
        answer::routes(),
        studies::routes(),
    ]
    .concat()
}

/// The key of the case in an address.
pub(super) fn key(hospital: &str, id: &str) -> Result<RecordKey, PageError> {
    Ok(RecordKey::parse(hospital, "case", id)?)
}
