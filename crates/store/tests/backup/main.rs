//! Backups: what was acknowledged at a point in time is what a restore to that point gives, whatever went on then.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

mod drill;
mod erasing;
mod postgres;
mod stream;
mod world;
