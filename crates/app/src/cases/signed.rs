//! Signed opinions entering a case. The opinion's own documents are made and signed by `app::opinions`; the case decides
//! whether they may be, and commits both together.

use care::case::{self, Command};
use kernel::{AccountId, RecordKey, ResourceId};
use store::Batch;

use super::doc::{CaseDoc, by};
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signed document at the answering hospital.
    pub opinion: ResourceId,
    pub kind: SignedKind,
}

/// How it enters the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedKind {
    Opinion { co_signer: Option<AccountId> },
    CoSignature,
    Addendum { to: ResourceId },
}

impl Signed {
    fn command(&self) -> Command {
        let opinion = self.opinion.clone();
        match &self.kind {
            SignedKind::Opinion { co_signer } => Command::Answer {
                opinion,
                co_signer: co_signer.clone(),
            },
            SignedKind::CoSignature => Command::CoSign { opinion },
            SignedKind::Addendum { to } => Command::Addendum {
                opinion,
                to: to.clone(),
            },
        }
    }
}

impl App {
    /// Whether this could be signed into the case now, before anything is signed. An addendum is the author's duty even
    /// after the agreement ended; a new opinion needs it active.
    pub async fn may_answer(
        &self,
        cx: &Cx,
        key: &RecordKey,
        signed: &Signed,
    ) -> Result<Versioned<CaseDoc>, AppError> {
        let doc = self.case_doc(cx, key).await?;
        case::decide(&doc.doc.case, &signed.command(), &by(cx), cx.now)?;
        if !matches!(signed.kind, SignedKind::Addendum { .. }) {
            self.terms_now(&doc.doc.case, cx.now).await?;
        }
        Ok(doc)
    }

    /// Commits a signed opinion, second signature or addendum with `batch`, which holds the opinion's own writes, audit
    /// entries and events: all of it or nothing. `Conflict` when the case changed since it was looked at.
    pub async fn record_answer(
        &self,
        cx: &Cx,
        key: &RecordKey,
        signed: &Signed,
        batch: Batch,
    ) -> Result<(), AppError> {
        let doc = self.may_answer(cx, key, signed).await?;
        let events = case::decide(&doc.doc.case, &signed.command(), &by(cx), cx.now)?;
        self.commit_case(cx, doc, &events, batch, None).await?;
        Ok(())
    }
}
