//! What is remembered of patients beside the store (pictures that were drawn): it goes when a record is erased, on every
//! node.

use std::sync::{Arc, Mutex, PoisonError};

use crate::App;

type Forget = Arc<dyn Fn() + Send + Sync>;

/// Whoever remembers something.
#[derive(Default)]
pub struct Remembered(Mutex<Vec<Forget>>);

impl App {
    /// Has this called after each erasure, on whichever node it was asked for.
    pub fn when_erased(&self, forget: impl Fn() + Send + Sync + 'static) {
        let all = self.remembered.0.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(forget));
    }

    /// Something was erased.
    pub(crate) fn forget_erased(&self) {
        let all = self.remembered.0.lock();
        let all = all.unwrap_or_else(PoisonError::into_inner).clone();
        for forget in all {
            forget();
        }
    }
}
