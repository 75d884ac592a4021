//! What the rest of Karez holds: a database and the blobs beside it.

use std::ops::Deref;
use std::sync::Arc;

use crate::Database;

/// The store of one node.
pub struct Store {
    database: Arc<dyn Database>,
}

impl Store {
    pub fn over(database: Arc<dyn Database>) -> Self {
        Self { database }
    }
}

impl Deref for Store {
    type Target = dyn Database;
    fn deref(&self) -> &Self::Target {
        &*self.database
    }
}
