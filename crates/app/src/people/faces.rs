//! Names beside what people did, remembered for as long as nothing is written: a page names the same few people many
//! times. For showing only; who may do what is always read anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{AccountId, HospitalId};

use super::Person;

/// People that are remembered at once.
const FACES_MAX: usize = 2_000;

/// Whose name, as a member of which hospital.
pub(crate) type Asked = (AccountId, Option<HospitalId>);

/// The people known at one position of the feed.
#[derive(Debug, Default)]
pub(crate) struct Faces(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    position: u64,
    people: HashMap<Asked, Option<Arc<Person>>>,
}

impl Faces {
    fn at(&self, position: u64) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.position != position {
            known.people.clear();
            known.position = position;
        }
        known
    }

    /// The person, if they have been looked up since the last write; `Some(None)` for somebody who is not there.
    pub fn get(&self, position: u64, asked: &Asked) -> Option<Option<Arc<Person>>> {
        self.at(position).people.get(asked).cloned()
    }

    /// Remembers who was found. `position` is that from before the look-up.
    pub fn keep(&self, position: u64, asked: Asked, person: Option<Arc<Person>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.position == position && known.people.len() < FACES_MAX {
            known.people.insert(asked, person);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_makes_all_faces_forgotten() {
        let faces = Faces::default();
        let who = (AccountId::new("a1").unwrap(), None);
        assert!(faces.get(7, &who).is_none());
        faces.keep(7, who.clone(), None);
        assert!(faces.get(7, &who).is_some());
        assert!(faces.get(8, &who).is_none());
        // Looked up before the write: no longer to be trusted.
        faces.keep(7, who.clone(), None);
        assert!(faces.get(8, &who).is_none());
    }
}
