//! Opinions: the draft a consultant keeps, the signed document it becomes, and what readers do with that.
//!
//! Signing freezes a FHIR document Bundle (`frozen`) with everything the opinion rests on at its exact versions, signs
//! those bytes with the author's certificate and seals them for the hospital ([`seal::SealedFile`]). The answering
//! hospital keeps Bundle, Composition and Provenance; once issued, the referring hospital holds a sealed copy of its
//! own. What pages and prints show is read from the frozen bytes (`thaw`), never from anything kept beside them.

mod desk;
pub(crate) mod doc;
pub(crate) mod frozen;
pub(crate) mod paper;
mod read;
mod record;
pub(crate) mod sign;
pub mod stamps;
pub mod templates;
pub(crate) mod thaw;
pub mod view;

pub use doc::DraftText;
pub(crate) use doc::WAITING_FOR_STAMP;
pub use paper::PRINT_LANGUAGES;
pub(crate) use read::sha256_hex;
pub use seal::Report;
pub use sign::SignAsk;
pub use view::{
    Changed, CoSigner, Desk, Legal, OpinionView, RestedOn, SectionView, Template, TranslationAsk,
    TranslationView,
};

/// Parts of an opinion in order, by their codes.
pub const PARTS: [&str; 4] = ["see", "think", "advise", "orders"];
/// Orders proposed in one opinion.
pub const ORDERS_MAX: usize = 20;
/// Entries of a record one opinion can rest on.
pub const RESTED_ON_MAX: u32 = 2_000;
/// Translations of one opinion.
pub const TRANSLATIONS_MAX: usize = 12;
