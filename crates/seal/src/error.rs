use kernel::ErrorCode;

/// What can go wrong with keys, signatures and sealed content. The texts carry no patient data and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are not of the form that was expected.
    #[error("not a well-formed {0}")]
    Malformed(&'static str),
    /// A ciphertext, tag or wrapped key does not open under this key and context.
    #[error("cannot be opened: wrong key, or altered {0}")]
    NotAuthentic(&'static str),
    /// A signature does not verify.
    #[error("the signature does not match: {0}")]
    BadSignature(&'static str),
    /// The algorithm is known by name but not offered.
    #[error("the algorithm {0} is not offered")]
    Unsupported(String),
    /// No key with this id, or none that was valid at the time.
    #[error("no key {kid} that is valid then")]
    NoKey { kid: String },
    /// A certificate does not chain, has another subject, or is outside its dates.
    #[error("the certificate is refused: {0}")]
    Certificate(String),
    /// The token that holds the private keys cannot be used now.
    #[error("the token of the signing keys cannot be used: {0}")]
    Token(&'static str),
    /// A library refused; never caused by input from outside.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl SealError {
    /// The stable public code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) => ErrorCode::Malformed,
            Self::NotAuthentic(_)
            | Self::BadSignature(_)
            | Self::Unsupported(_)
            | Self::NoKey { .. }
            | Self::Certificate(_) => ErrorCode::Invalid,
            Self::Token(_) => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

pub type Result<T, E = SealError> = std::result::Result<T, E>;
