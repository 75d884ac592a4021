//! What a use case refuses, and why. Turned into HTTP, OperationOutcome or a form message at the edge.

use agreements::Role;
use kernel::{ErrorCode, IdError};
use store::StoreError;

/// One thing wrong with one field of a form or element of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Name of the form field, or a FHIRPath expression (`Patient.birthDate`).
    pub field: String,
    /// Stable message key; the pages find its words in Fluent under `problem-{code}`.
    pub code: &'static str,
    /// English text for protocols that carry words. Never holds patient data.
    pub text: String,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            text: text.into(),
        }
    }
}

/// Why access was denied, as data that pages put into words (`denied-{reason}` with arguments).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    pub reason: String,
    pub args: Vec<(String, String)>,
}

/// A refusal or failure of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("not found")]
    NotFound,
    #[error("deleted")]
    Gone,
    #[error("denied: {}", .0.reason)]
    Denied(Denial),
    #[error("sign in first")]
    Unauthenticated,
    /// The second factor, or a fresh password and code before signing.
    #[error("authenticate again")]
    Reauthenticate,
    #[error("{} problems", .0.len())]
    Invalid(Vec<FieldProblem>),
    #[error("malformed: {0}")]
    Malformed(String),
    /// A domain rule says no; `code` is stable and has words under `rejected-{code}`.
    #[error("rejected: {code}")]
    Rejected { code: String, text: String },
    /// The state moved on since it was read.
    #[error("changed meanwhile")]
    Conflict,
    #[error("version does not match")]
    PreconditionFailed,
    #[error("not allowed: {0}")]
    NotAllowed(String),
    #[error("too much: {0}")]
    TooMuch(&'static str),
    #[error("too many requests")]
    RateLimited { retry_after_s: u32 },
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The disk is full.
    #[error("no room: {0}")]
    Full(String),
    /// Hospitals' signing keys lie in a token that is not there now.
    #[error("the token of the signing keys cannot be used: {0}")]
    KeyToken(&'static str),
    #[error("internal: {0}")]
    Internal(String),
}

impl AppError {
    pub fn denied(reason: impl Into<String>) -> Self {
        Self::Denied(Denial {
            reason: reason.into(),
            args: Vec::new(),
        })
    }
    pub fn denied_role(role: Role) -> Self {
        Self::Denied(Denial {
            reason: "role-missing".into(),
            args: vec![("role".into(), role.as_str().into())],
        })
    }
    pub fn invalid(field: impl Into<String>, code: &'static str, text: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, code, text)])
    }
    pub fn rejected(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Rejected {
            code: code.into(),
            text: text.into(),
        }
    }
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::NotFound,
            Self::Gone => ErrorCode::Gone,
            Self::Denied(_) => ErrorCode::Denied,
            Self::Unauthenticated | Self::Reauthenticate => ErrorCode::Unauthenticated,
            Self::Invalid(_) | Self::Rejected { .. } => ErrorCode::Invalid,
            Self::Malformed(_) => ErrorCode::Malformed,
            Self::Conflict => ErrorCode::Conflict,
            Self::PreconditionFailed => ErrorCode::PreconditionFailed,
            Self::NotAllowed(_) => ErrorCode::NotAllowed,
            Self::TooMuch(_) => ErrorCode::TooMuch,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_) | Self::KeyToken(_) => ErrorCode::Unavailable,
            Self::Full(_) => ErrorCode::Full,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl From<StoreError> for AppError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Precondition { .. } => Self::Conflict,
            StoreError::Duplicate { .. } => Self::Conflict,
            StoreError::TooMuch { what } => Self::TooMuch(what),
            StoreError::Search(text) => Self::invalid("search", "search", text),
            StoreError::Invalid(text) => Self::invalid("body", "invalid", text),
            StoreError::Cursor => Self::Malformed("cursor".into()),
            StoreError::Unavailable(text) => Self::Unavailable(text),
            StoreError::Full(text) => Self::Full(text),
            StoreError::Damaged(text) | StoreError::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<seal::SealError> for AppError {
    /// Of our own keys and signatures: a token that is away comes back, everything else is a fault.
    fn from(e: seal::SealError) -> Self {
        match e {
            seal::SealError::Token(why) => Self::KeyToken(why),
            e => Self::Internal(format!("keys: {e}")),
        }
    }
}

impl From<IdError> for AppError {
    fn from(e: IdError) -> Self {
        Self::Malformed(e.to_string())
    }
}
