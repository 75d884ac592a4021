//! The numbers that names of hospitals, kinds and parameters are stored under, as far as they are known. A number
//! once given never changes, so that what is known stays true on every node.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

#[derive(Debug, Default)]
pub(crate) struct Names {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    hospitals: HashMap<String, i64>,
    kinds: HashMap<String, i64>,
    params: HashMap<String, i64>,
}

/// Which table a name stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Table {
    Hospital,
    Kind,
    Param,
}

impl Names {
    pub fn get(&self, table: Table, name: &str) -> Option<i64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.of(table).get(name).copied()
    }
    pub fn hospital(&self, name: &str) -> Option<i64> {
        self.get(Table::Hospital, name)
    }
    pub fn kind(&self, name: &str) -> Option<i64> {
        self.get(Table::Kind, name)
    }
    pub fn param(&self, code: &str) -> Option<i64> {
        self.get(Table::Param, code)
    }
    pub fn learn(&self, table: Table, name: String, number: i64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.of_mut(table).insert(name, number);
    }
}

impl Known {
    const fn of(&self, table: Table) -> &HashMap<String, i64> {
        match table {
            Table::Hospital => &self.hospitals,
            Table::Kind => &self.kinds,
            Table::Param => &self.params,
        }
    }
    const fn of_mut(&mut self, table: Table) -> &mut HashMap<String, i64> {
        match table {
            Table::Hospital => &mut self.hospitals,
            Table::Kind => &mut self.kinds,
            Table::Param => &mut self.params,
        }
    }
}
