//! Stable public codes. Each crate has its own error enum; at the edge it becomes one of these, and from it an
//! HTTP status, an OperationOutcome or a message beside a form field.

use serde::{Deserialize, Serialize};

/// What went wrong, in a word that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The request cannot be understood (400).
    Malformed,
    /// Understood, but a rule of content refuses it (422).
    Invalid,
    /// No valid credentials (401).
    Unauthenticated,
    /// No agreement, consent, role or privilege permits it (403).
    Denied,
    /// Not there, or not to be known to this caller (404).
    NotFound,
    /// Was there and has been deleted (410).
    Gone,
    /// The state has moved on: version conflict or a duplicate (409).
    Conflict,
    /// `If-Match` named another version (412).
    PreconditionFailed,
    /// The interaction is not offered on this type (405).
    NotAllowed,
    /// A bound was met: body, entries, rate (413 or 429).
    TooMuch,
    /// Too many requests from one origin or account (429).
    RateLimited,
    /// A media type we do not speak (415 or 406).
    MediaType,
    /// The disk, database or a peer cannot serve now (503).
    Unavailable,
    /// There is no room to keep it (507).
    Full,
    /// A fault of ours (500).
    Internal,
}

impl ErrorCode {
    /// HTTP status (RFC 9110 §15).
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Invalid => 422,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Gone => 410,
            Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::NotAllowed => 405,
            Self::TooMuch => 413,
            Self::RateLimited => 429,
            Self::MediaType => 415,
            Self::Unavailable => 503,
            Self::Full => 507,
            Self::Internal => 500,
        }
    }

    /// After how many seconds it is worth trying again; none where waiting changes nothing.
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Unavailable => Some(5),
            Self::Full => Some(60),
            _ => None,
        }
    }

    /// FHIR R4 issue type (value set issue-type, §2.29.1).
    pub const fn fhir_issue(self) -> &'static str {
        match self {
            Self::Malformed => "structure",
            Self::Invalid => "invalid",
            Self::Unauthenticated => "login",
            Self::Denied => "forbidden",
            Self::NotFound => "not-found",
            Self::Gone => "deleted",
            Self::Conflict | Self::PreconditionFailed => "conflict",
            Self::NotAllowed | Self::MediaType => "not-supported",
            Self::TooMuch => "too-long",
            Self::RateLimited => "throttled",
            Self::Unavailable => "transient",
            Self::Full => "no-store",
            Self::Internal => "exception",
        }
    }
}
