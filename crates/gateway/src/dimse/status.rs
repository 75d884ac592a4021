//! Status codes (PS3.7 annex C, PS3.4) of what use cases refuse. The words beside them name no patient and no record.

use app::AppError;

pub const SUCCESS: u16 = 0x0000;
pub const NOT_AUTHORISED: u16 = 0x0124;
pub const UNRECOGNISED_OPERATION: u16 = 0x0211;
pub const CLASS_NOT_SUPPORTED: u16 = 0x0122;
pub const INVALID_INSTANCE: u16 = 0x0117;
pub const NO_SUCH_ACTION: u16 = 0x0123;
pub const PROCESSING_FAILURE: u16 = 0x0110;
pub const OUT_OF_RESOURCES: u16 = 0xa700;
pub const SUB_OPERATIONS_IMPOSSIBLE: u16 = 0xa702;
pub const DESTINATION_UNKNOWN: u16 = 0xa801;
pub const DATA_SET_MISMATCH: u16 = 0xa900;
/// Kept, and waits beside its study for a person's decision.
pub const KEPT_ASIDE: u16 = 0xb000;
/// Some sub-operations failed.
pub const SOME_FAILED: u16 = 0xb000;
pub const CANNOT_UNDERSTAND: u16 = 0xc000;
pub const CANCELLED: u16 = 0xfe00;
pub const PENDING: u16 = 0xff00;

/// A status and a word on it.
pub type Status = (u16, &'static str);

/// An object that was not kept (PS3.4 §B.2.3).
pub fn of_store(error: &AppError) -> Status {
    match error {
        AppError::Rejected { code, .. } if code == "sop-class-mismatch" => (
            DATA_SET_MISMATCH,
            "class or instance differs from the command's",
        ),
        AppError::Invalid(_) | AppError::Malformed(_) | AppError::Rejected { .. } => {
            (CANNOT_UNDERSTAND, "not an object that can be kept")
        }
        other => of_any(other),
    }
}

/// A query or retrieval that was not begun (PS3.4 §C.4).
pub fn of_query(error: &AppError) -> Status {
    match error {
        AppError::Invalid(_) | AppError::Malformed(_) | AppError::Rejected { .. } => {
            (DATA_SET_MISMATCH, "the identifier cannot be used")
        }
        other => of_any(other),
    }
}

fn of_any(error: &AppError) -> Status {
    match error {
        AppError::Denied(_)
        | AppError::NotAllowed(_)
        | AppError::Unauthenticated
        | AppError::Reauthenticate
        | AppError::NotFound
        | AppError::Gone => (NOT_AUTHORISED, "not authorised"),
        AppError::TooMuch(_) => (OUT_OF_RESOURCES, "more than is taken at once"),
        AppError::Full(_) => (OUT_OF_RESOURCES, "no room"),
        AppError::Unavailable(_)
        | AppError::KeyToken(_)
        | AppError::RateLimited { .. }
        | AppError::Conflict
        | AppError::PreconditionFailed => (OUT_OF_RESOURCES, "try again later"),
        _ => (PROCESSING_FAILURE, "a fault of ours"),
    }
}

/// Notes what an operator should hear of; never what the peer sent.
pub fn note(error: &AppError) {
    if matches!(
        error,
        AppError::Internal(_)
            | AppError::Unavailable(_)
            | AppError::Full(_)
            | AppError::KeyToken(_)
    ) {
        tracing::error!(error = %error, "a DICOM operation failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_status_of_its_service() {
        assert_eq!(of_store(&AppError::denied("role")).0, NOT_AUTHORISED);
        assert_eq!(of_store(&AppError::Full("disk".into())).0, OUT_OF_RESOURCES);
        assert_eq!(
            of_store(&AppError::Malformed("x".into())).0,
            CANNOT_UNDERSTAND
        );
        assert_eq!(
            of_store(&AppError::rejected("sop-class-mismatch", "")).0,
            DATA_SET_MISMATCH
        );
        assert_eq!(
            of_query(&AppError::Malformed("x".into())).0,
            DATA_SET_MISMATCH
        );
        assert_eq!(
            of_query(&AppError::Internal("x".into())).0,
            PROCESSING_FAILURE
        );
    }
}
