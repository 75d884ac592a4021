//! C-STORE (PS3.4 annex B): success is answered only after the object is kept.

use super::body::Body;
use super::classes::is_uid;
use super::host::Host;
use super::line::{End, Stream};
use super::service::{Asked, Association};
use super::status::{self, Status};

impl<H: Host, S: Stream> Association<H, S> {
    pub(super) async fn store(&mut self, asked: &Asked) -> Result<(), End> {
        let class = &asked.context.class;
        if asked.command.class() != Some(class) {
            return self.refuse(asked, (status::CLASS_NOT_SUPPORTED, "")).await;
        }
        let Some(instance) = asked.command.instance().filter(|uid| is_uid(uid)) else {
            return self.refuse(asked, (status::INVALID_INSTANCE, "")).await;
        };
        if !asked.command.has_data_set() {
            let status = (status::CANNOT_UNDERSTAND, "there is no data set");
            return self.answer(asked, status).await;
        }
        let peer = match self.may(asked).await {
            Ok(peer) => peer,
            Err(status) => return self.refuse(asked, status).await,
        };
        let syntax = &asked.context.transfer_syntax;
        let head = imaging::file::head(class, instance, syntax, Some(self.speaker.calling()));
        let most = head.len() + self.shared.settings.object_bytes_max;
        let incoming = self.shared.host.incoming(head);
        let mut body = Body::in_room(incoming, most, &self.shared.room);
        self.line.data_set(&mut body).await?;
        let status = self.keep(&peer, body).await;
        self.answer(asked, status).await
    }

    async fn keep(&self, peer: &H::Peer, body: Body) -> Status {
        // The room is taken until the object is kept.
        let (content, _room) = match body.end().await {
            Ok(whole) => whole,
            Err(over) => return over.status(),
        };
        let size = content.len();
        let exchange = &self.speaker.exchange;
        let status = self.shared.host.keep(peer, exchange, content).await;
        if matches!(status.0, status::SUCCESS | status::KEPT_ASIDE) {
            metrics::counter!("karez_dicom_stored_bytes_total").increment(size);
        }
        status
    }
}
