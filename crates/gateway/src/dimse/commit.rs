//! Storage commitment (PS3.4 annex J): the node says of each object named whether it is kept. It knows at once, so the
//! outcome is reported on the same association, or on one of ours when the peer has ended that.

use super::classes::{self, Root};
use super::command::{Command, Kind};
use super::host::{Commitment, Host};
use super::line::{End, Stream};
use super::scu::Sender;
use super::service::{Asked, Association};
use super::status;

/// Request Storage Commitment (PS3.4 §J.3.2.1.1).
const REQUEST: u16 = 1;
/// Everything is kept; something is not (PS3.4 §J.3.3.1.1).
const COMPLETE: u16 = 1;
const FAILURES_EXIST: u16 = 2;

impl<H: Host, S: Stream> Association<H, S> {
    pub(super) async fn commit(&mut self, asked: &Asked) -> Result<(), End> {
        if asked.command.action() != Some(REQUEST) {
            return self.refuse(asked, (status::NO_SUCH_ACTION, "")).await;
        }
        if asked.command.instance() != Some(classes::STORAGE_COMMITMENT_INSTANCE) {
            return self.refuse(asked, (status::INVALID_INSTANCE, "")).await;
        }
        // The model of the identifier does not matter here.
        let Some((peer, identifier)) = self.asked_of(asked, Root::Study).await? else {
            return Ok(());
        };
        let outcome = self.shared.host.commitment(&peer, &identifier).await;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(status) => return self.answer(asked, status).await,
        };
        self.answer(asked, (status::SUCCESS, "")).await?;
        match self.report_here(asked, &outcome).await {
            Err(end @ (End::Released | End::Lost | End::Aborted)) => {
                self.report_anew(asked, &peer, &outcome).await;
                Err(end)
            }
            other => other,
        }
    }

    async fn report_here(&mut self, asked: &Asked, outcome: &Commitment) -> Result<(), End> {
        let class = classes::STORAGE_COMMITMENT;
        let instance = classes::STORAGE_COMMITMENT_INSTANCE;
        let message = asked.command.message();
        let report = Command::event(message, class, instance, event(outcome));
        self.line
            .send(asked.id, &report, Some(&outcome.report))
            .await?;
        let (_, answer) = self.line.command().await?;
        if answer.answers() != Some(Kind::EventReport) {
            return Err(End::Broke(super::pdu::Fault::Unexpected));
        }
        self.skip(&answer).await
    }

    /// Reports over an association of ours. When that fails too the peer asks again, as it must when it hears nothing.
    async fn report_anew(&self, asked: &Asked, peer: &H::Peer, outcome: &Commitment) {
        let title = self.speaker.calling();
        let Ok(Some(destination)) = self.shared.host.destination(peer, title).await else {
            return;
        };
        let syntax = &asked.context.transfer_syntax;
        let settings = &self.shared.settings;
        let sent = match Sender::to_report(&destination, syntax, settings).await {
            Err(why) => Err(why),
            Ok(mut sender) => match sender.takes(classes::STORAGE_COMMITMENT, syntax) {
                None => Err("the report is not taken"),
                Some(context) => {
                    let status = sender
                        .report(context, event(outcome), &outcome.report)
                        .await;
                    sender.release().await;
                    status.map_err(End::word)
                }
            },
        };
        if let Err(why) = sent {
            tracing::info!(why, "a storage commitment was not reported");
        }
    }
}

const fn event(outcome: &Commitment) -> u16 {
    if outcome.failures {
        FAILURES_EXIST
    } else {
        COMPLETE
    }
}
