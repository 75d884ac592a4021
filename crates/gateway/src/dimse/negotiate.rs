//! What an association agrees on (PS3.8 §7.1.1, PS3.7 annex D.3): a pure answer to a request.

use std::collections::BTreeMap;

use dicom_ul::pdu::{
    AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderASCEReason,
    AssociationRJServiceProviderPresentationReason, AssociationRJServiceUserReason,
    AssociationRJSource, AssociationRQ, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, RequestorRoles, UserVariableItem,
};
use imaging::file::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION};
use kernel::limits;

use super::classes::{self, Root, Service};
use super::pdu::Fault;

pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// What the peer may send at most when it says that nothing bounds it.
const UNIT_BYTES_DEFAULT: u32 = 128 << 10;
/// Smaller units than this cannot carry a message sensibly.
const UNIT_BYTES_MIN: u32 = 128;

/// An accepted presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub class: String,
    pub transfer_syntax: String,
    pub service: Service,
    /// The requestor receives objects of this class (C-GET).
    pub requestor_stores: bool,
}

/// An association as both sides agreed on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreed {
    pub contexts: BTreeMap<u8, Context>,
    /// Bytes in one data unit that the peer takes.
    pub peer_unit_bytes: u32,
    /// Fuzzy matching of names was asked for and agreed on.
    pub fuzzy: bool,
}

impl Agreed {
    /// The context in which the peer takes an object of this class and transfer syntax from us.
    pub fn to_send(&self, class: &str, transfer_syntax: &str) -> Option<u8> {
        let fits = |c: &Context| {
            c.requestor_stores && c.class == class && c.transfer_syntax == transfer_syntax
        };
        self.contexts
            .iter()
            .find(|(_, c)| fits(c))
            .map(|(id, _)| *id)
    }

    /// The transfer syntaxes in which the peer takes objects of this class.
    pub fn syntaxes_of<'a>(&'a self, class: &'a str) -> impl Iterator<Item = (u8, &'a str)> {
        self.contexts
            .iter()
            .filter(move |(_, c)| c.requestor_stores && c.class == class)
            .map(|(id, c)| (*id, c.transfer_syntax.as_str()))
    }
}

/// Why an association is refused (PS3.8 table 9-21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Version,
    ApplicationContext,
    CallingTitle,
    CalledTitle,
    /// The node is closing or cannot ask its store.
    Congestion,
    /// As many associations as this node or this peer may have.
    LimitReached,
}

impl Refusal {
    pub fn answer(self) -> AssociationRJ {
        use AssociationRJServiceProviderPresentationReason as Local;
        use AssociationRJServiceUserReason as User;
        use AssociationRJSource as From;
        let source = match self {
            Self::Version => From::ServiceProviderASCE(
                AssociationRJServiceProviderASCEReason::ProtocolVersionNotSupported,
            ),
            Self::ApplicationContext => From::ServiceUser(User::ApplicationContextNameNotSupported),
            Self::CallingTitle => From::ServiceUser(User::CallingAETitleNotRecognized),
            Self::CalledTitle => From::ServiceUser(User::CalledAETitleNotRecognized),
            Self::Congestion => From::ServiceProviderPresentation(Local::TemporaryCongestion),
            Self::LimitReached => From::ServiceProviderPresentation(Local::LocalLimitExceeded),
        };
        let result = match self {
            Self::Congestion | Self::LimitReached => AssociationRJResult::Transient,
            _ => AssociationRJResult::Permanent,
        };
        AssociationRJ { result, source }
    }

    /// As measurements name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::ApplicationContext => "application-context",
            Self::CallingTitle => "calling-title",
            Self::CalledTitle => "called-title",
            Self::Congestion => "congestion",
            Self::LimitReached => "limit",
        }
    }
}

/// What can be said of a request before anybody is asked who the peer is.
pub fn form(request: &AssociationRQ) -> Result<(), Refusal> {
    if request.protocol_version & 1 == 0 {
        return Err(Refusal::Version);
    }
    if trimmed(&request.application_context_name) != APPLICATION_CONTEXT {
        return Err(Refusal::ApplicationContext);
    }
    if request.called_ae_title.is_empty() {
        return Err(Refusal::CalledTitle);
    }
    if request.calling_ae_title.is_empty() {
        return Err(Refusal::CallingTitle);
    }
    Ok(())
}

fn trimmed(uid: &str) -> &str {
    uid.trim_matches([' ', '\0'])
}

/// Answers a request whose peer is known. `unit_bytes` is what we take in one data unit, `serves` says what is offered.
pub fn answer(
    request: &AssociationRQ,
    unit_bytes: u32,
    serves: impl Fn(Service) -> bool,
) -> Result<(Agreed, AssociationAC), Fault> {
    let proposed = &request.presentation_contexts;
    if proposed.is_empty() || proposed.len() > limits::DICOM_CONTEXTS_MAX {
        return Err(Fault::Invalid);
    }
    let mut agreed = Agreed {
        peer_unit_bytes: peer_unit_bytes(&request.user_variables)?,
        ..Agreed::default()
    };
    let mut results = Vec::with_capacity(proposed.len());
    let mut seen = [false; 256];
    for context in proposed {
        if context.id % 2 == 0 || std::mem::replace(&mut seen[usize::from(context.id)], true) {
            return Err(Fault::Invalid);
        }
        let (result, accepted) = of_context(context, &request.user_variables, &serves);
        results.push(result);
        if let Some(accepted) = accepted {
            agreed.contexts.insert(context.id, accepted);
        }
    }
    let mut user_variables = vec![
        UserVariableItem::MaxLength(unit_bytes),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION.into()),
    ];
    for item in &request.user_variables {
        user_variables.extend(of_item(item, &mut agreed));
    }
    let accepted = AssociationAC {
        protocol_version: 1,
        calling_ae_title: request.calling_ae_title.clone(),
        called_ae_title: request.called_ae_title.clone(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: results,
        user_variables,
    };
    Ok((agreed, accepted))
}

/// The largest data unit the peer takes (PS3.8 annex D.1).
fn peer_unit_bytes(items: &[UserVariableItem]) -> Result<u32, Fault> {
    let said = items.iter().find_map(|item| match item {
        UserVariableItem::MaxLength(n) => Some(*n),
        _ => None,
    });
    match said {
        None | Some(0) => Ok(UNIT_BYTES_DEFAULT),
        Some(n) if n < UNIT_BYTES_MIN => Err(Fault::Invalid),
        Some(n) => Ok(n.min(UNIT_BYTES_DEFAULT)),
    }
}

fn of_context(
    proposed: &PresentationContextProposed,
    items: &[UserVariableItem],
    serves: impl Fn(Service) -> bool,
) -> (PresentationContextResult, Option<Context>) {
    use PresentationContextResultReason as Reason;
    let refuse = |reason| {
        let result = PresentationContextResult {
            id: proposed.id,
            reason,
            transfer_syntax: classes::IMPLICIT_LITTLE.into(),
        };
        (result, None)
    };
    let class = trimmed(&proposed.abstract_syntax);
    let Some(service) = classes::service(class).filter(|s| serves(*s)) else {
        return refuse(Reason::AbstractSyntaxNotSupported);
    };
    let speaks: fn(&str) -> bool = match service {
        Service::Storage => classes::is_transfer_syntax,
        _ => classes::is_for_identifiers,
    };
    // The requestor's order says what it would rather send.
    let chosen = proposed
        .transfer_syntaxes
        .iter()
        .map(|t| trimmed(t))
        .find(|t| speaks(t));
    let Some(chosen) = chosen else {
        return refuse(Reason::TransferSyntaxesNotSupported);
    };
    let result = PresentationContextResult {
        id: proposed.id,
        reason: Reason::Acceptance,
        transfer_syntax: chosen.to_owned(),
    };
    let requestor_stores = items.iter().any(|item| {
        matches!(item, UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles)
            if roles.scp && trimmed(uid) == class)
    });
    let context = Context {
        class: class.to_owned(),
        transfer_syntax: chosen.to_owned(),
        service,
        requestor_stores: service == Service::Storage && requestor_stores,
    };
    (result, Some(context))
}

/// The answer to an item of user information, if it has one.
fn of_item(item: &UserVariableItem, agreed: &mut Agreed) -> Option<UserVariableItem> {
    match item {
        // PS3.7 §D.3.3.4: both roles of storage, the usual one of everything else.
        UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles) => {
            let service = classes::service(trimmed(uid))?;
            let storage = service == Service::Storage;
            let answer = RequestorRoles {
                scu: roles.scu,
                scp: roles.scp && storage,
            };
            Some(UserVariableItem::ScuScpRoleSelectionSubItem(
                trimmed(uid).to_owned(),
                answer,
            ))
        }
        // PS3.4 §C.5.1.1 and §K.6.1.1: relational queries, dates with times, fuzzy matching.
        UserVariableItem::SopClassExtendedNegotiationSubItem(uid, asked) => {
            let flag = |n: usize| u8::from(asked.get(n) == Some(&1));
            let answer = match classes::service(trimmed(uid))? {
                Service::Find(Root::Worklist) => vec![1, 0, flag(2)],
                Service::Find(_) => vec![flag(0), 0, flag(2), 0],
                Service::Move(_) | Service::Get(_) => vec![flag(0)],
                _ => return None,
            };
            agreed.fuzzy |= answer.get(2) == Some(&1);
            Some(UserVariableItem::SopClassExtendedNegotiationSubItem(
                trimmed(uid).to_owned(),
                answer,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(contexts: &[(u8, &str, &[&str])], items: Vec<UserVariableItem>) -> AssociationRQ {
        AssociationRQ {
            protocol_version: 1,
            calling_ae_title: "SCANNER".into(),
            called_ae_title: "YARQUM".into(),
            application_context_name: APPLICATION_CONTEXT.into(),
            presentation_contexts: contexts
                .iter()
                .map(|(id, class, syntaxes)| PresentationContextProposed {
                    id: *id,
                    abstract_syntax: (*class).into(),
                    transfer_syntaxes: syntaxes.iter().map(|t| (*t).into()).collect(),
                })
                .collect(),
            user_variables: items,
        }
    }

    const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
    const J2K: &str = "1.2.840.10008.1.2.4.90";

    #[test]
    fn the_first_syntax_that_is_spoken_is_taken_in_the_requestors_order() {
        let rq = request(
            &[
                (1, MR, &["1.2.3.4", J2K, classes::EXPLICIT_LITTLE]),
                (3, MR, &["1.2.3.4"]),
                (5, "1.2.840.10008.5.1.1.9", &[classes::IMPLICIT_LITTLE]),
                (
                    7,
                    classes::STUDY_ROOT_FIND,
                    &[J2K, classes::IMPLICIT_LITTLE],
                ),
            ],
            vec![],
        );
        let (agreed, ac) = answer(&rq, 65_536, |_| true).unwrap();
        assert_eq!(agreed.contexts[&1].transfer_syntax, J2K);
        assert_eq!(
            agreed.contexts[&7].transfer_syntax,
            classes::IMPLICIT_LITTLE
        );
        assert_eq!(agreed.contexts.len(), 2);
        let reasons: Vec<_> = ac
            .presentation_contexts
            .iter()
            .map(|c| c.reason.clone() as u8)
            .collect();
        assert_eq!(reasons, [0, 4, 3, 0]);
    }

    #[test]
    fn a_requestor_that_wants_to_receive_says_so_by_its_role() {
        let roles = |scu, scp| RequestorRoles { scu, scp };
        let rq = request(
            &[
                (1, MR, &[classes::EXPLICIT_LITTLE]),
                (3, "1.2.840.10008.5.1.4.1.1.2", &[J2K]),
            ],
            vec![
                UserVariableItem::ScuScpRoleSelectionSubItem(MR.into(), roles(false, true)),
                UserVariableItem::ScuScpRoleSelectionSubItem(
                    classes::STUDY_ROOT_GET.into(),
                    roles(true, true),
                ),
            ],
        );
        let (agreed, ac) = answer(&rq, 65_536, |_| true).unwrap();
        assert_eq!(agreed.to_send(MR, classes::EXPLICIT_LITTLE), Some(1));
        assert_eq!(agreed.to_send("1.2.840.10008.5.1.4.1.1.2", J2K), None);
        assert!(
            ac.user_variables
                .contains(&UserVariableItem::ScuScpRoleSelectionSubItem(
                    classes::STUDY_ROOT_GET.into(),
                    roles(true, false)
                ))
        );
    }

    #[test]
    fn numbers_that_are_even_or_twice_there_are_an_invalid_unit() {
        for ids in [[1, 1], [2, 3]] {
            let contexts = ids.map(|id| (id, MR, &[J2K][..]));
            assert_eq!(
                answer(&request(&contexts, vec![]), 65_536, |_| true).unwrap_err(),
                Fault::Invalid
            );
        }
        assert!(answer(&request(&[], vec![]), 65_536, |_| true).is_err());
        let tiny = vec![UserVariableItem::MaxLength(7)];
        assert!(answer(&request(&[(1, MR, &[J2K])], tiny), 65_536, |_| true).is_err());
    }

    #[test]
    fn a_request_of_another_protocol_is_rejected_with_the_reason() {
        let mut rq = request(&[(1, MR, &[J2K])], vec![]);
        rq.protocol_version = 2;
        assert_eq!(form(&rq), Err(Refusal::Version));
        rq.protocol_version = 1;
        rq.application_context_name = "1.2.3".into();
        assert_eq!(form(&rq), Err(Refusal::ApplicationContext));
    }

    #[test]
    fn fuzzy_matching_is_agreed_on_when_asked_for() {
        let ask = UserVariableItem::SopClassExtendedNegotiationSubItem(
            classes::STUDY_ROOT_FIND.into(),
            vec![1, 0, 1],
        );
        let rq = request(
            &[(1, classes::STUDY_ROOT_FIND, &[classes::IMPLICIT_LITTLE])],
            vec![ask],
        );
        assert!(answer(&rq, 65_536, |_| true).unwrap().0.fuzzy);
    }
}
