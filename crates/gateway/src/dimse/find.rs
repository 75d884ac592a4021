//! C-FIND (PS3.4 §C.4.1, §K.4): answers as they are found, until all are said or the peer has enough.

use kernel::limits;

use super::body::Body;
use super::classes::Root;
use super::host::{Host, Identifier};
use super::line::{End, Stream};
use super::service::{Asked, Association};
use super::status;

impl<H: Host, S: Stream> Association<H, S> {
    pub(super) async fn find(&mut self, asked: &Asked, root: Root) -> Result<(), End> {
        let Some((peer, identifier)) = self.asked_of(asked, root).await? else {
            return Ok(());
        };
        let pending = asked.command.answer(status::PENDING, true);
        let mut from = 0;
        loop {
            let found = self.shared.host.find(&peer, &identifier, from).await;
            let answers = match found {
                Ok(answers) => answers,
                Err(status) => return self.answer(asked, status).await,
            };
            for data_set in &answers.data_sets {
                if self.line.cancelled(asked.command.message()).await? {
                    return self.answer(asked, (status::CANCELLED, "")).await;
                }
                self.line.put(asked.id, &pending, Some(data_set)).await?;
                from += 1;
            }
            self.line.flush().await?;
            if !answers.more || answers.data_sets.is_empty() {
                return self.answer(asked, (status::SUCCESS, "")).await;
            }
        }
    }

    /// The peer and what it asks for; none when that was answered with a refusal.
    pub(super) async fn asked_of(
        &mut self,
        asked: &Asked,
        root: Root,
    ) -> Result<Option<(H::Peer, Identifier)>, End> {
        let peer = match self.may(asked).await {
            Ok(peer) => peer,
            Err(status) => {
                self.refuse(asked, status).await?;
                return Ok(None);
            }
        };
        if !asked.command.has_data_set() {
            let status = (status::DATA_SET_MISMATCH, "there is no identifier");
            self.answer(asked, status).await?;
            return Ok(None);
        }
        let mut body = Body::bounded(limits::DICOM_IDENTIFIER_BYTES_MAX);
        self.line.data_set(&mut body).await?;
        let whole = body.end().await.ok();
        let Some(bytes) = whole.and_then(|(content, _)| content.held().cloned()) else {
            let status = (status::OUT_OF_RESOURCES, "the identifier is too long");
            self.answer(asked, status).await?;
            return Ok(None);
        };
        let identifier = Identifier {
            root,
            bytes,
            transfer_syntax: asked.context.transfer_syntax.clone(),
            fuzzy: self.agreed.fuzzy,
        };
        Ok(Some((peer, identifier)))
    }
}
