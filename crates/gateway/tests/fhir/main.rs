//! The FHIR interactions over HTTP: a real server on a free port, a real client.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod bundles;
mod crud;
mod forgery;
mod refusals;
mod search;
mod world;
