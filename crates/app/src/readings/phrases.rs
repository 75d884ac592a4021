//! A reader's own phrases, beside the hospital's: found by a short word that is typed after a slash.

use agreements::{Role, SystemPurpose};
use kernel::{AccountId, HospitalId, ResourceId, limits};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::view::Macro;
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx, FieldProblem};

/// Phrases of one reader.
pub const PHRASES_MAX: usize = 300;
const WORD_CHARS_MAX: usize = 32;

/// A phrase of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phrase {
    /// What is typed after the slash: letters and digits of any script, and hyphens.
    pub word: String,
    pub text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReaderPhrases {
    person: AccountId,
    phrases: Vec<Phrase>,
}

impl Document for ReaderPhrases {
    const KIND: &'static str = "reader-phrases";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique("person", self.person.as_str())]
    }
}

/// The word that a title gives: in small letters, with hyphens for what stands between.
pub(super) fn word_of(title: &str) -> String {
    let mut out = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-')
        .chars()
        .take(WORD_CHARS_MAX)
        .collect()
}

impl Phrase {
    /// As it is kept: a slash before the word is what is typed, not part of it.
    fn kept(self) -> Result<Self, AppError> {
        let word = self.word.trim().trim_start_matches('/').to_lowercase();
        let text = self.text.trim().to_owned();
        let mut problems = Vec::new();
        let fits = (1..=WORD_CHARS_MAX).contains(&word.chars().count())
            && word.chars().all(|c| c.is_alphanumeric() || c == '-');
        if !fits {
            problems.push(FieldProblem::new("word", "phrase-word", "not a word"));
        }
        if text.is_empty() {
            problems.push(FieldProblem::new("text", "missing", "a text is needed"));
        } else if text.chars().count() > limits::TEXT_CHARS_MAX {
            problems.push(FieldProblem::new(
                "text",
                "too-long",
                "the text is too long",
            ));
        }
        if problems.is_empty() {
            Ok(Self { word, text })
        } else {
            Err(AppError::Invalid(problems))
        }
    }
}

impl App {
    /// The caller's own phrases, by their words.
    pub async fn own_phrases(&self, cx: &Cx) -> Result<Vec<Phrase>, AppError> {
        Ok(self.phrases_doc(cx).await?.doc.phrases)
    }

    async fn phrases_doc(&self, cx: &Cx) -> Result<Versioned<ReaderPhrases>, AppError> {
        cx.require(Role::Consultant)?;
        let person = cx.actor.account.clone();
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let id = ResourceId::new(crate::tokens::digest(&["phrases", person.as_str()]))?;
        let found = self.load::<ReaderPhrases>(&permit, &network, &id).await?;
        Ok(found.unwrap_or_else(|| Versioned {
            key: self.doc_key::<ReaderPhrases>(&network, &id),
            version: 0,
            doc: ReaderPhrases {
                person,
                phrases: Vec::new(),
            },
        }))
    }

    /// Keeps a phrase; one with the same word gives way.
    pub async fn keep_phrase(&self, cx: &Cx, phrase: Phrase) -> Result<(), AppError> {
        let mut doc = self.phrases_doc(cx).await?;
        let phrase = phrase.kept()?;
        let all = &mut doc.doc.phrases;
        all.retain(|p| p.word != phrase.word);
        if all.len() >= PHRASES_MAX {
            return Err(AppError::TooMuch("phrases of one reader"));
        }
        all.push(phrase);
        all.sort_by(|a, b| a.word.cmp(&b.word));
        self.commit_phrases(cx, &doc).await
    }

    /// Lets a phrase go.
    pub async fn drop_phrase(&self, cx: &Cx, word: &str) -> Result<(), AppError> {
        let mut doc = self.phrases_doc(cx).await?;
        doc.doc.phrases.retain(|p| p.word != word);
        self.commit_phrases(cx, &doc).await
    }

    async fn commit_phrases(
        &self,
        cx: &Cx,
        doc: &Versioned<ReaderPhrases>,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, doc)?;
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// One's own before what others offer under the same word.
pub(super) fn with_own(own: Vec<Phrase>, offered: Vec<Macro>) -> Vec<Macro> {
    let mut all: Vec<Macro> = own
        .into_iter()
        .map(|p| Macro {
            title: format!("/{}", p.word),
            text: p.text,
            word: p.word,
            own: true,
        })
        .collect();
    for mut m in offered {
        if m.word.is_empty() || all.iter().any(|other| other.word == m.word) {
            m.word.clear();
        }
        all.push(m);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_gives_a_word_in_any_script() {
        assert_eq!(word_of("Normal chest"), "normal-chest");
        assert_eq!(word_of("Follow-up (CT)"), "follow-up-ct");
        assert_eq!(word_of("胸部正常"), "胸部正常");
        assert_eq!(word_of("…"), "");
    }

    #[test]
    fn ones_own_word_stands_before_the_hospitals() {
        let offered = |word: &str| Macro {
            title: word.into(),
            text: "theirs".into(),
            word: word.into(),
            own: false,
        };
        let own = vec![Phrase {
            word: "nodule".into(),
            text: "mine".into(),
        }];
        let all = with_own(own, vec![offered("nodule"), offered("normal")]);
        let by_word = |word: &str| {
            let found = all.iter().filter(|m| m.word == word);
            found.map(|m| m.text.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(by_word("nodule"), ["mine"]);
        assert_eq!(by_word("normal"), ["theirs"]);
        assert_eq!(all.len(), 3);
    }
}
