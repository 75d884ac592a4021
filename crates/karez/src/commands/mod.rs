//! What the command line does beside serving.

pub mod admin;
pub mod audit;
pub mod backup;
pub mod config;
pub mod conformance;
pub mod demo;
pub mod doctor;
mod entities;
pub mod erasures;
pub mod restore;
pub mod scrub;
pub mod verify;
