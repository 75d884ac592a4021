//! Patients and their records: lists, the banner, the time line, single entries, files and import.

pub mod view;
