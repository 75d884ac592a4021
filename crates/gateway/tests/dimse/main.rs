//! The DICOM listener over real connections: what is agreed on, kept, refused and cut, by a host that remembers what it was
//! given. Requests are made by `dicom-ul`'s own client, hostile ones by hand.
#![allow(clippy::unwrap_used)]

mod hostile;
mod large;
mod services;
mod world;
