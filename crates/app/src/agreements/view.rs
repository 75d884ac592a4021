//! What pages show of agreements.

use agreements::agreement::{Agreement, OpenCase, PartySignature, Standing};
use agreements::{Privilege, Role};
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use store::AuditFilter;

use crate::{App, AppError, Cx};

/// One line of the list.
#[derive(Debug, Clone)]
pub struct AgreementRow {
    pub id: ResourceId,
    pub number: String,
    pub title: String,
    pub partners: Vec<HospitalId>,
    /// The hospital acted for refers under it.
    pub refers: bool,
    /// The hospital acted for answers under it.
    pub answers: bool,
    pub standing: Standing,
    pub ends: Option<Instant>,
    /// Notice was given: it ends then.
    pub notice_until: Option<Instant>,
    /// The own signature is missing.
    pub to_sign: bool,
}

/// An agreement as a party sees it.
#[derive(Debug, Clone)]
pub struct AgreementView {
    pub agreement: Agreement,
    pub standing: Standing,
    pub signatures: Vec<SignatureView>,
    /// Cases still open under it, with their settlement if there is one.
    pub open: Vec<OpenCase>,
    pub names: Vec<(AccountId, String)>,
    pub may: May,
}

/// What the reader may do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct May {
    pub edit: bool,
    pub propose: bool,
    pub sign: bool,
    pub suspend: bool,
    pub resume: bool,
    pub give_notice: bool,
    pub end: bool,
    pub withdraw: bool,
}

/// A signature and whether it verifies now.
#[derive(Debug, Clone)]
pub struct SignatureView {
    pub signature: PartySignature,
    pub genuine: bool,
}

impl App {
    /// Agreements of the hospital acted for, newest first.
    pub async fn agreements_of(&self, cx: &Cx) -> Result<Vec<AgreementRow>, AppError> {
        let hospital = cx.hospital()?;
        let all = self.agreements_with(hospital).await?;
        Ok(all
            .into_iter()
            .map(|a| {
                let clauses = &a.terms.clauses;
                let standing = a.standing(cx.now);
                AgreementRow {
                    number: a.terms.number.clone(),
                    title: a.terms.title.clone(),
                    partners: a
                        .terms
                        .partners(hospital)
                        .map(|p| p.hospital.clone())
                        .collect(),
                    refers: clauses.iter().any(|c| c.referring == *hospital),
                    answers: clauses.iter().any(|c| c.answering == *hospital),
                    standing,
                    ends: a.terms.runs_out(),
                    notice_until: a.notice.as_ref().map(|n| n.ends_at),
                    to_sign: standing == Standing::Proposed && a.signature_of(hospital).is_none(),
                    id: a.id,
                }
            })
            .collect())
    }

    /// One agreement in full, for staff of a party.
    pub async fn agreement(&self, cx: &Cx, id: &ResourceId) -> Result<AgreementView, AppError> {
        let a = self.own_agreement(cx, id).await?.doc;
        let hospital = cx.hospital()?;
        let standing = a.standing(cx.now);
        let mut signatures = Vec::with_capacity(a.signatures.len());
        for signature in &a.signatures {
            let text = a.text.as_deref().unwrap_or_default();
            let keys = self.hospital_jwks(&signature.party).await?;
            let genuine =
                seal::verify_hospital_signature(&signature.jws, text.as_bytes(), &keys).is_ok();
            signatures.push(SignatureView {
                signature: signature.clone(),
                genuine,
            });
        }
        let open = if matches!(standing, Standing::Active | Standing::Suspended) {
            self.open_cases_under(id).await?
        } else {
            Vec::new()
        };
        let mut names = Vec::new();
        for line in &a.history {
            if let Some(account) = &line.account
                && !names.iter().any(|(known, _)| known == account)
                && let Some(person) = self.person(account).await?
            {
                names.push((account.clone(), person.name_for(cx.language).to_owned()));
            }
        }
        let may = may(&a, standing, cx, hospital);
        Ok(AgreementView {
            agreement: a,
            standing,
            signatures,
            open,
            names,
            may,
        })
    }

    /// How often each clause was used for reading since `since`, by clause number; and how often it was refused.
    pub async fn agreement_use(
        &self,
        cx: &Cx,
        id: &ResourceId,
        since: Instant,
    ) -> Result<Vec<(u16, u64)>, AppError> {
        self.own_agreement(cx, id).await?;
        let hospital = cx.hospital()?;
        let permit = self.system(agreements::SystemPurpose::Audit);
        let mut used = std::collections::BTreeMap::<u16, u64>::new();
        let filter = AuditFilter {
            from: Some(since),
            limit: 2_000,
            ..AuditFilter::default()
        };
        let page = self.store.audit(&permit, hospital, &filter).await?;
        for record in page.records {
            let ground = crate::audit::ground_of(record.body.reveal());
            if let Some(clause) = ground
                .as_deref()
                .and_then(|g| crate::access::clause_in(g, id))
            {
                *used.entry(clause).or_default() += 1;
            }
        }
        Ok(used.into_iter().collect())
    }
}

fn may(a: &Agreement, standing: Standing, cx: &Cx, hospital: &HospitalId) -> May {
    let signs = cx.actor.may(Privilege::SignAgreement);
    let sign = signs && standing == Standing::Proposed && a.signature_of(hospital).is_none();
    if !cx.actor.has(Role::Administrator) {
        return May {
            sign,
            ..May::default()
        };
    }
    let before = matches!(
        standing,
        Standing::Draft | Standing::Proposed | Standing::Signed
    );
    let running = matches!(standing, Standing::Active | Standing::Suspended);
    let suspended_here = a.suspensions.iter().any(|s| s.party == *hospital);
    May {
        edit: before,
        propose: standing == Standing::Draft,
        sign,
        suspend: running && !suspended_here,
        resume: suspended_here,
        give_notice: running && a.notice.is_none(),
        end: running && a.notice.as_ref().is_some_and(|n| cx.now >= n.ends_at),
        withdraw: before,
    }
}
