//! Short words between equal nodes, for what people do together at one moment. Nothing of it is stored; a word may be lost,
//! and what one node says arrives in its order alone. What must not be lost is committed, and the feed tells of it.

use std::sync::Arc;

use kernel::limits::TALK_BYTES_MAX;
use tokio::sync::{Mutex, broadcast, mpsc, watch};

/// Words that a slow listener may leave unheard before it misses some.
const BACKLOG: usize = 1024;
/// Words on their way to other nodes; what does not fit is lost.
const OUT_MAX: usize = 256;

/// What is said here is heard by every listener of every node of one database.
pub struct Talk {
    here: broadcast::Sender<Arc<str>>,
    out: mpsc::Sender<Arc<str>>,
    taken: Mutex<Option<mpsc::Receiver<Arc<str>>>>,
    wanted: watch::Sender<bool>,
}

impl Default for Talk {
    fn default() -> Self {
        let (out, taken) = mpsc::channel(OUT_MAX);
        Self {
            here: broadcast::Sender::new(BACKLOG),
            out,
            taken: Mutex::new(Some(taken)),
            wanted: watch::Sender::new(false),
        }
    }
}

impl Talk {
    /// Says a word of at most [`TALK_BYTES_MAX`] bytes; a longer one is said to nobody, which is told.
    pub fn say(&self, word: impl Into<Arc<str>>) -> bool {
        let word = word.into();
        if word.len() > TALK_BYTES_MAX {
            return false;
        }
        self.heard(&word);
        if *self.wanted.borrow() {
            let _lost = self.out.try_send(word);
        }
        true
    }

    /// Every word from now on. Nodes are connected to one another once somebody listens.
    pub fn hear(&self) -> broadcast::Receiver<Arc<str>> {
        self.wanted
            .send_if_modified(|w| !std::mem::replace(w, true));
        self.here.subscribe()
    }

    /// A word came from another node.
    pub(crate) fn heard(&self, word: &Arc<str>) {
        let _nobody = self.here.send(Arc::clone(word));
    }

    /// What is to go to other nodes, once somebody here listens. For the one task that carries it.
    pub(crate) async fn carried(&self) -> Option<mpsc::Receiver<Arc<str>>> {
        let mut wanted = self.wanted.subscribe();
        wanted.wait_for(|w| *w).await.ok()?;
        self.taken.lock().await.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_word_is_heard_by_all_and_one_too_long_by_nobody() {
        let talk = Talk::default();
        let (mut one, mut other) = (talk.hear(), talk.hear());
        assert!(talk.say("here"));
        assert_eq!(&*one.recv().await.unwrap(), "here");
        assert_eq!(&*other.recv().await.unwrap(), "here");
        assert!(!talk.say("x".repeat(TALK_BYTES_MAX + 1)));
        assert!(one.try_recv().is_err());
    }
}
