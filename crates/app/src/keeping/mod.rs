//! Keeping and erasing: what must not go (holds), what may go (retention), and what goes for good (erasure).
//!
//! Nothing is destroyed by itself. A job proposes what its time is over; an administrator of the custodian decides;
//! what stands under a hold goes by no way at all.

pub mod erase;
pub mod hold;
mod remembered;
pub mod retention;

pub use erase::{ErasureDoc, Ground};
pub use hold::{Hold, HoldView};
pub(crate) use remembered::Remembered;
pub use retention::{Disposal, DisposalState, DisposalView, Subject};

use kernel::Phi;

use crate::AppError;

/// Longest reason, characters.
const REASON_MAX: usize = 2_000;

/// A reason that was given.
fn reason(text: &str) -> Result<Phi<String>, AppError> {
    let text: String = text.trim().chars().take(REASON_MAX).collect();
    if text.is_empty() {
        return Err(AppError::invalid(
            "reason",
            "required",
            "a reason is needed",
        ));
    }
    Ok(Phi::new(text))
}
