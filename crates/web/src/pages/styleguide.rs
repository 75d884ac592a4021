//! `/styleguide`.
use crate::frame::RouteSpec;
pub fn routes() -> Vec<RouteSpec> {
    Vec::new()
}
