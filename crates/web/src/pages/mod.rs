//! The pages, one file per topic, each with its `routes()`.

pub mod look;
pub mod styleguide;

use crate::frame::{RouteSpec, live};

/// Every route of the site, in one list: what the router is built from and what the access test walks.
pub fn routes() -> Vec<RouteSpec> {
    [look::routes(), live::routes(), styleguide::routes()].concat()
}
