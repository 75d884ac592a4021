//! The requesting side: an association of ours to an entity that the hospital named.

use std::sync::Arc;
use std::time::Duration;

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, Pdu, PresentationContextProposed,
    PresentationContextResultReason, RequestorRoles, UserVariableItem,
};
use imaging::file::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION};
use kernel::limits;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::body::Body;
use super::classes;
use super::command::{Command, Kind};
use super::host::{Destination, Sendable};
use super::line::{End, Line, Stream};
use super::negotiate::APPLICATION_CONTEXT;
use super::outgoing::DataSet;
use super::pdu::{self, Fault, Unit};
use super::server::Settings;

/// A connection, its encryption and the answer to our request each come within this.
const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// An association that we asked for.
pub struct Sender {
    line: Line<Box<dyn Stream>>,
    /// Accepted contexts: number, class, transfer syntax.
    accepted: Vec<(u8, String, String)>,
    message: u16,
}

/// What is proposed: class and transfer syntaxes of each context.
type Proposed = Vec<(String, Vec<String>)>;

/// A context for each class and transfer syntax as kept, and one for each class uncompressed.
fn to_propose<L>(objects: &[Sendable<L>]) -> Proposed {
    let mut proposed = Proposed::new();
    let mut add = |class: &str, syntaxes: Vec<String>| {
        let context = (class.to_owned(), syntaxes);
        if !proposed.contains(&context) && proposed.len() < limits::DICOM_CONTEXTS_MAX {
            proposed.push(context);
        }
    };
    for object in objects {
        add(&object.class, vec![object.transfer_syntax.clone()]);
    }
    for object in objects {
        for syntax in [classes::EXPLICIT_LITTLE, classes::IMPLICIT_LITTLE] {
            add(&object.class, vec![syntax.to_owned()]);
        }
    }
    proposed
}

impl Sender {
    /// An association in which these objects can be sent. The error says what failed, without naming anybody.
    pub async fn to_store<L>(
        destination: &Destination,
        objects: &[Sendable<L>],
        settings: &Settings,
    ) -> Result<Self, &'static str> {
        Self::connect(destination, to_propose(objects), vec![], settings).await
    }

    /// An association in which the outcome of a commitment can be reported (PS3.4 §J.3.3): the roles are those of the
    /// association in which it was asked for.
    pub async fn to_report(
        destination: &Destination,
        transfer_syntax: &str,
        settings: &Settings,
    ) -> Result<Self, &'static str> {
        let class = classes::STORAGE_COMMITMENT.to_owned();
        let roles = RequestorRoles {
            scu: false,
            scp: true,
        };
        let role = UserVariableItem::ScuScpRoleSelectionSubItem(class.clone(), roles);
        let proposed = vec![(class, vec![transfer_syntax.to_owned()])];
        Self::connect(destination, proposed, vec![role], settings).await
    }

    async fn connect(
        destination: &Destination,
        proposed: Proposed,
        more: Vec<UserVariableItem>,
        settings: &Settings,
    ) -> Result<Self, &'static str> {
        let stream = timeout(CONNECT_WAIT, dial(destination, settings))
            .await
            .map_err(|_| "no connection in time")??;
        let mut line = Line::new(stream, settings.unit_bytes, settings.patience);
        let request = request(destination, &proposed, more, settings.unit_bytes);
        let bytes = pdu::association_bytes(&Pdu::AssociationRQ(request));
        let bytes = bytes.map_err(|_| "a title that cannot be sent")?;
        line.write(&bytes).await.map_err(End::word)?;
        match timeout(CONNECT_WAIT, line.unit()).await {
            Ok(Ok(Unit::Accepted(answer))) => Self::accepted(line, &answer, proposed),
            Ok(Ok(Unit::Rejected(_))) => Err("refused"),
            Ok(Ok(_)) => {
                line.close(End::Broke(Fault::Unexpected)).await;
                Err("an answer out of turn")
            }
            Ok(Err(end)) => Err(end.word()),
            Err(_) => Err("no answer in time"),
        }
    }

    fn accepted(
        mut line: Line<Box<dyn Stream>>,
        answer: &AssociationAC,
        proposed: Proposed,
    ) -> Result<Self, &'static str> {
        let takes = answer.user_variables.iter().find_map(|item| match item {
            UserVariableItem::MaxLength(n) => Some(*n),
            _ => None,
        });
        line.peer_takes(match takes {
            None | Some(0) => 128 << 10,
            Some(n) => n.clamp(128, 128 << 10),
        });
        let mut accepted = Vec::new();
        for (n, (class, syntaxes)) in proposed.into_iter().enumerate() {
            let taken = answer.presentation_contexts.iter().find(|c| {
                usize::from(c.id) == 2 * n + 1
                    && c.reason == PresentationContextResultReason::Acceptance
            });
            let Some(taken) = taken else { continue };
            let syntax = taken.transfer_syntax.trim_matches([' ', '\0']);
            if syntaxes.iter().any(|s| s == syntax) {
                accepted.push((taken.id, class, syntax.to_owned()));
            }
        }
        Ok(Self {
            line,
            accepted,
            message: 0,
        })
    }

    /// The context in which a class is taken in a transfer syntax.
    pub fn takes(&self, class: &str, transfer_syntax: &str) -> Option<u8> {
        self.accepted
            .iter()
            .find(|(_, c, t)| c == class && t == transfer_syntax)
            .map(|(id, ..)| *id)
    }

    /// The transfer syntaxes in which a class is taken.
    pub fn syntaxes_of(&self, class: &str) -> Vec<(u8, String)> {
        self.accepted
            .iter()
            .filter(|(_, c, _)| c == class)
            .map(|(id, _, syntax)| (*id, syntax.clone()))
            .collect()
    }

    /// Sends an object on behalf of an entity that asked for it, and returns the status of the answer.
    pub async fn store(
        &mut self,
        context: u8,
        class: &str,
        instance: &str,
        data_set: DataSet,
        on_behalf_of: (&str, u16),
    ) -> Result<u16, End> {
        let message = self.next_message();
        let store = Command::store(message, class, instance, Some(on_behalf_of));
        self.line.send_file(context, &store, data_set).await?;
        self.answer(message, Kind::Store).await
    }

    /// Reports the outcome of a commitment (PS3.4 §J.3.3).
    pub async fn report(&mut self, context: u8, event: u16, data_set: &[u8]) -> Result<u16, End> {
        let message = self.next_message();
        let instance = classes::STORAGE_COMMITMENT_INSTANCE;
        let report = Command::event(message, classes::STORAGE_COMMITMENT, instance, event);
        self.line.send(context, &report, Some(data_set)).await?;
        self.answer(message, Kind::EventReport).await
    }

    const fn next_message(&mut self) -> u16 {
        self.message = self.message.wrapping_add(1);
        self.message
    }

    /// The status of the answer to a message.
    async fn answer(&mut self, message: u16, kind: Kind) -> Result<u16, End> {
        let (_, answer) = self.line.command().await?;
        if answer.answers() != Some(kind) || answer.responded_to() != Some(message) {
            return Err(End::Broke(Fault::Unexpected));
        }
        if answer.has_data_set() {
            self.line.data_set(&mut Body::bounded(0)).await?;
        }
        answer.status().ok_or(End::Broke(Fault::Invalid))
    }

    /// Ends the association within a message.
    pub async fn abort(self) {
        self.line.close(End::Broke(Fault::Unspecified)).await;
    }

    /// Ends the association in order.
    pub async fn release(mut self) {
        if self.line.write(&pdu::RELEASE_REQUEST).await.is_ok() {
            let _ = timeout(CONNECT_WAIT, self.line.unit()).await;
            self.line.drain().await;
        }
    }
}

fn request(
    destination: &Destination,
    proposed: &Proposed,
    more: Vec<UserVariableItem>,
    unit_bytes: u32,
) -> AssociationRQ {
    let mut user_variables = vec![
        UserVariableItem::MaxLength(unit_bytes),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION.into()),
    ];
    user_variables.extend(more);
    let contexts = proposed.iter().zip((1..=255).step_by(2));
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: destination.our_title.clone(),
        called_ae_title: destination.title.clone(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: contexts
            .map(|((class, syntaxes), id)| PresentationContextProposed {
                id,
                abstract_syntax: class.clone(),
                transfer_syntaxes: syntaxes.clone(),
            })
            .collect(),
        user_variables,
    }
}

async fn dial(
    destination: &Destination,
    settings: &Settings,
) -> Result<Box<dyn Stream>, &'static str> {
    let connection = TcpStream::connect((destination.host.as_str(), destination.port))
        .await
        .map_err(|_| "no connection")?;
    let _ = connection.set_nodelay(true);
    if !destination.tls {
        return Ok(Box::new(connection));
    }
    let tls = settings.tls_out.clone().ok_or("no encryption is set up")?;
    let name = ServerName::try_from(destination.host.clone()).map_err(|_| "no name for TLS")?;
    let encrypted = TlsConnector::from(Arc::clone(&tls))
        .connect(name, connection)
        .await
        .map_err(|_| "the encrypted line was refused")?;
    Ok(Box::new(encrypted))
}
