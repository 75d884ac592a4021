pub mod case;
pub mod timeline;
pub mod units;
