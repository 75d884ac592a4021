//! The pages, one file per topic, each with its `routes()`.

pub mod look;
pub mod sign_in;
pub mod styleguide;

use crate::frame::{RouteSpec, live};

/// Every route of the site, in one list: what the router is built from and what the access test walks.
pub fn routes() -> Vec<RouteSpec> {
    [
        look::routes(),
        live::routes(),
        sign_in::routes(),
        styleguide::routes(),
    ]
    .concat()
}
