//! Where everything is kept: FHIR resources as the bytes that came in, documents of our own, the search index,
//! the policy relations, the audit chains, the event feed and the blobs.
//!
//! [`Database`] is the seam between back ends (SQLite and PostgreSQL); [`Store`] is what the rest
//! of Karez uses. Nothing is read without a [`agreements::Permit`].

pub mod backup;
pub mod batch;
pub mod blob_index;
mod blobs;
mod chained;
mod classes;
pub mod database;
pub mod diagnose;
pub mod error;
pub mod facade;
mod image_files;
pub mod images;
mod local_files;
mod measure;
pub mod model;
mod objects;
pub mod postgres;
mod prepare;
mod present;
mod scratch;
mod scrub;
mod spanning;
pub mod sql;
pub mod sqlite;
mod staging;
mod strays;
mod talk;

pub use backup::Durable;
pub use batch::{AuditDraft, Batch, Committed, EventDraft, Lookup, Precondition, Write, WriteBody};
pub use blob_index::{Backend, BlobIndex, Erased, ToErase, WrappedKey};
pub use blobs::OpenBlob;
pub use database::{Bus, Database, Schema};
pub use diagnose::Finding;
pub use error::StoreError;
pub use facade::{DatabaseKind, Room, Store, StoreConfig};
pub use image_files::{ImageRows, NewImage};
pub use images::{
    ImageAsk, ImageChange, ImageColumn, ImageFile, ImageIndex, ImageLevel, ImageLine, ImageOutcome,
    ImagePlace, ImageQuery, ImageRow, ImageTest, ImageWrite, InstanceFound, InstanceRow,
    KnownStudy, SeriesFound, SeriesRow, Standing, StudyRow,
};
pub use model::{
    AuditFilter, AuditPage, AuditRecord, BlobRef, ChainReport, Checkpoint, DocQuery, Event,
    HistoryPage, SearchPage, Stored,
};
pub use objects::{Bucket, Place};
pub use scratch::{Content, ScratchFolder, ScratchWriter};
pub use scrub::{Fault, Faulty, Scrubbed};
pub use staging::{Piece, Staging};
pub use strays::Strays;
pub use talk::Talk;
