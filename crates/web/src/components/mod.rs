//! Every part a page is made of, each a function from values to markup. `/styleguide` shows them all.

pub mod banner;
pub mod basic;
pub mod clock;
pub mod form;
pub mod icon;
pub mod list;
pub mod permit;
pub mod plot;
pub mod record;
pub mod state;

pub use banner::{Banner, Identifier};
pub use basic::{
    Kind, avatar, chip, chip_icon, count, crumbs, facts, note, org, org_named, urgency,
};
pub use clock::{Deadline, clock};
pub use icon::{icon, mark};
pub use permit::{Permitted, permit};
