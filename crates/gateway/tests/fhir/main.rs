//! The FHIR interactions over HTTP: a real server on a free port, a real client.

mod bundles;
mod crud;
mod forgery;
mod refusals;
mod search;
mod world;
