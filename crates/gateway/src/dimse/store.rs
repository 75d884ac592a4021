//! C-STORE (PS3.4 annex B): success is answered only after the object is kept.

use bytes::Bytes;

use super::classes::is_uid;
use super::host::Host;
use super::line::{Body, End, Over, Stream};
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
        let mut body = Body::in_room(head, most, &self.shared.room);
        self.line.data_set(&mut body).await?;
        let status = self.keep(&peer, body).await;
        self.answer(asked, status).await
    }

    async fn keep(&self, peer: &H::Peer, body: Body) -> Status {
        match body.over {
            Some(Over::Size) => return (status::OUT_OF_RESOURCES, "larger than is taken"),
            Some(Over::Room) => return (status::OUT_OF_RESOURCES, "no memory, try again later"),
            None => {}
        }
        // The room is taken until the object is kept.
        let (bytes, _room) = body.into_parts();
        let size = bytes.len() as u64;
        let exchange = &self.speaker.exchange;
        let status = self
            .shared
            .host
            .keep(peer, exchange, Bytes::from(bytes))
            .await;
        if matches!(status.0, status::SUCCESS | status::KEPT_ASIDE) {
            metrics::counter!("karez_dicom_stored_bytes_total").increment(size);
        }
        status
    }
}
