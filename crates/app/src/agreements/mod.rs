//! Agreements: drafted, proposed, signed by both parties, in force, suspended, ended.
//!
//! The truth is one document of the node, found by each party. A Contract of the same id lies in every party's own
//! records, written in the same commit, with the grant rows that follow and an entry in every party's audit chain.

mod clock;
mod commit;
mod from_fhir;
mod moving;
mod paper;
pub mod view;

use agreements::agreement::{Agreement, Command, OpenCase, PartySignature, SettledBy, Terms};
use agreements::{Privilege, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, ResourceId};
use store::Lookup;

use crate::docs::{Document, Versioned};
use crate::{App, AppError, Cx};
pub(crate) use from_fhir::unreadable;
pub use moving::MoveChoice;
pub use paper::ClauseInWords;
pub use view::{AgreementRow, AgreementView, SignatureView};

/// Agreements of one hospital shown at once.
const LIST_MAX: u32 = 1_000;

impl Document for Agreement {
    const KIND: &'static str = "agreement";
    fn lookups(&self) -> Vec<Lookup> {
        let mut all: Vec<_> = self
            .terms
            .parties
            .iter()
            .map(|p| Lookup::new("party", p.hospital.as_str()))
            .collect();
        all.push(Lookup::unique("number", self.terms.number.as_str()));
        let stage = serde_json::to_value(self.stage);
        if let Some(stage) = stage.ok().as_ref().and_then(|s| s.as_str()) {
            all.push(Lookup::new("stage", stage));
        }
        all
    }
}

/// What a party's staff asks of an agreement.
#[derive(Debug, Clone)]
pub enum AgreementAct {
    Edit(Box<Terms>),
    Propose,
    Suspend {
        reason: String,
    },
    Resume,
    GiveNotice {
        reason: String,
    },
    SettleCase {
        custodian: HospitalId,
        case: ResourceId,
        owner: AccountId,
        how: SettledBy,
    },
    End {
        reason: String,
    },
    Withdraw {
        reason: String,
    },
}

impl App {
    pub(crate) async fn load_agreement(
        &self,
        id: &ResourceId,
    ) -> Result<Option<Versioned<Agreement>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        self.load(&permit, &HospitalId::network(), id).await
    }

    /// Days after a case has closed during which it may still be read, by the clause it rests on.
    pub(crate) async fn retention_days(
        &self,
        agreement: &ResourceId,
        clause: u16,
    ) -> Result<Option<u16>, AppError> {
        let found = self.load_agreement(agreement).await?;
        Ok(found.and_then(|a| {
            let at = usize::from(clause).checked_sub(1)?;
            Some(a.doc.terms.clauses.get(at)?.conditions.retention_days)
        }))
    }

    /// Every agreement this hospital is a party to, newest first.
    pub(crate) async fn agreements_with(
        &self,
        party: &HospitalId,
    ) -> Result<Vec<Agreement>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let by = vec![Lookup::new("party", party.as_str())];
        let found = self
            .find::<Agreement>(&permit, Some(&network), by, None, LIST_MAX, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }

    /// Agreements that both are party to.
    pub(crate) async fn agreements_between(
        &self,
        one: &HospitalId,
        other: &HospitalId,
    ) -> Result<Vec<Agreement>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let by = vec![
            Lookup::new("party", one.as_str()),
            Lookup::new("party", other.as_str()),
        ];
        let found = self
            .find::<Agreement>(&permit, Some(&network), by, None, LIST_MAX, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }

    /// Begins an agreement. The hospital acted for must be one of the parties.
    pub async fn draft_agreement(&self, cx: &Cx, terms: Terms) -> Result<ResourceId, AppError> {
        let id = self.new_id();
        let terms = self.with_known_parties(terms)?;
        let command = Command::Draft {
            id: id.clone(),
            terms,
        };
        self.agreement_command(cx, &id, None, &command).await?;
        Ok(id)
    }

    /// One step in an agreement's life. Signing has its own use case.
    pub async fn agreement_act(
        &self,
        cx: &Cx,
        id: &ResourceId,
        act: AgreementAct,
    ) -> Result<(), AppError> {
        let current = self.own_agreement(cx, id).await?;
        let mut moving = None;
        let command = match act {
            AgreementAct::Edit(terms) => Command::Edit {
                terms: self.with_known_parties(*terms)?,
            },
            AgreementAct::Propose => Command::Propose,
            AgreementAct::Suspend { reason } => Command::Suspend { reason },
            AgreementAct::Resume => Command::Resume,
            AgreementAct::GiveNotice { reason } => Command::GiveNotice { reason },
            AgreementAct::Withdraw { reason } => Command::Withdraw { reason },
            AgreementAct::SettleCase {
                custodian,
                case,
                owner,
                how,
            } => {
                let case = self
                    .case_to_settle(cx, id, &custodian, &case, owner, &how)
                    .await?;
                if let SettledBy::Moved { agreement } = &how {
                    moving = Some((case.clone(), agreement.clone()));
                }
                Command::SettleCase { case, how }
            }
            AgreementAct::End { reason } => Command::End {
                reason,
                open: self.open_cases_under(id).await?,
            },
        };
        self.agreement_command(cx, id, Some(current), &command)
            .await?;
        if let Some((case, to)) = moving {
            self.move_case(cx, &case, &to).await?;
        }
        Ok(())
    }

    /// Signs for the hospital acted for, with its key, over the exact bytes of the text. The caller has just
    /// authenticated the signer again.
    pub async fn sign_agreement(
        &self,
        cx: &Cx,
        id: &ResourceId,
        office: &str,
    ) -> Result<(), AppError> {
        let hospital = cx.hospital()?.clone();
        if !cx.actor.may(Privilege::SignAgreement) {
            return Err(AppError::denied("privilege-missing"));
        }
        let office = office.trim();
        if office.is_empty() || office.chars().count() > 200 {
            return Err(AppError::invalid("office", "required", "the office held"));
        }
        let current = self.own_agreement(cx, id).await?;
        let text = current.doc.text.clone().ok_or_else(|| {
            AppError::rejected("agreement-standing", "only a proposed agreement is signed")
        })?;
        let signer = self.hospital_signer(&hospital).await?;
        let jws = signer.sign_detached(
            cx.now,
            agreements::agreement::terms::TEXT_FORMAT,
            text.as_bytes(),
        )?;
        let signature = PartySignature {
            party: hospital,
            account: cx.actor.account.clone(),
            name: cx.name.clone(),
            office: office.to_owned(),
            key: jws_key(&jws).unwrap_or_default(),
            jws,
            at: cx.now,
        };
        let command = Command::Sign { signature };
        self.agreement_command(cx, id, Some(current), &command)
            .await?;
        Ok(())
    }

    /// The agreement, if the hospital acted for is a party to it; else it is not known to the caller.
    async fn own_agreement(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<Versioned<Agreement>, AppError> {
        let hospital = cx.hospital()?;
        self.load_agreement(id)
            .await?
            .filter(|v| v.doc.terms.is_party(hospital))
            .ok_or(AppError::NotFound)
    }

    /// Name and jurisdiction of a party come from the hospital's own document, whatever the form said.
    fn with_known_parties(&self, mut terms: Terms) -> Result<Terms, AppError> {
        for party in &mut terms.parties {
            let hospital = self.hospital(&party.hospital).ok_or_else(|| {
                AppError::invalid(
                    "party",
                    "hospital-unknown",
                    "not a hospital of this network",
                )
            })?;
            party.name = hospital.name(&terms.language).to_owned();
            party.jurisdiction = hospital.jurisdiction.clone();
        }
        Ok(terms)
    }

    async fn case_to_settle(
        &self,
        cx: &Cx,
        agreement: &ResourceId,
        custodian: &HospitalId,
        case: &ResourceId,
        owner: AccountId,
        how: &SettledBy,
    ) -> Result<OpenCase, AppError> {
        let open = self.open_cases_under(agreement).await?;
        let mut found = open
            .into_iter()
            .find(|c| c.custodian == *custodian && c.case == *case)
            .ok_or(AppError::NotFound)?;
        let known = self
            .person_at(&owner, custodian)
            .await?
            .is_some_and(|p| p.roles.contains(&Role::Clinician));
        if !known {
            let text = "the owner must be a clinician of the referring hospital";
            return Err(AppError::invalid("owner", "owner", text));
        }
        if let SettledBy::Moved { agreement } = how {
            if cx.hospital()? != custodian {
                return Err(AppError::denied("other-hospital"));
            }
            let case = self.case_to_move(&found).await?.doc.case;
            self.terms_to_move(cx, &case, agreement).await?;
        }
        found.owner = Some(owner);
        Ok(found)
    }
}

/// The key id in the header of a JWS (RFC 7515 §4.1.4).
fn jws_key(jws: &str) -> Option<String> {
    use base64::Engine as _;
    let header = jws.split('.').next()?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .ok()?;
    let header: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}
