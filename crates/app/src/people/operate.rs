//! What the operator of the node does for people whom no single hospital may decide over, and how many each hospital has.

use agreements::Role;
use kernel::{AccountId, HospitalId, Instant};
use store::Batch;

use crate::accounts::model::{Account, normal_login};
use crate::accounts::{Invited, Membership};
use crate::docs::{self, Versioned};
use crate::sessions::live::Ended;
use crate::{App, AppError, Cx};

/// An account as the operator sees it: no licence, no privilege, nothing of a patient.
#[derive(Debug, Clone)]
pub struct AccountView {
    pub id: AccountId,
    pub name: String,
    pub login: String,
    pub hospitals: Vec<HospitalId>,
    pub second_factor: bool,
    pub suspended: Option<Instant>,
    pub sessions: usize,
}

impl App {
    /// People with a role now, by hospital.
    pub async fn people_by_hospital(&self, cx: &Cx) -> Result<Vec<(HospitalId, usize)>, AppError> {
        cx.require(Role::Operator)?;
        let mut people = Vec::new();
        for hospital in self.all_hospitals() {
            let count = self.people_at(&hospital.id, None).await?.len();
            people.push((hospital.id.clone(), count));
        }
        Ok(people)
    }

    /// The staff account with this login.
    pub async fn operator_find(&self, cx: &Cx, login: &str) -> Result<AccountView, AppError> {
        cx.require(Role::Operator)?;
        let found = self.account_by_login(&normal_login(login)).await?;
        self.operator_view(cx, found).await
    }

    pub async fn operator_account(
        &self,
        cx: &Cx,
        account: &AccountId,
    ) -> Result<AccountView, AppError> {
        cx.require(Role::Operator)?;
        let found = self.load_account(account).await?;
        self.operator_view(cx, found).await
    }

    async fn operator_view(
        &self,
        cx: &Cx,
        found: Option<Versioned<Account>>,
    ) -> Result<AccountView, AppError> {
        // A patient's account says where somebody is treated: not for the operator.
        let account = found
            .map(|f| f.doc)
            .filter(|a| a.kind == agreements::ActorKind::Staff)
            .ok_or(AppError::NotFound)?;
        let sessions = self.sessions_of(&account.id, cx.now).await?.len();
        let hospital = |m: &Membership| m.hospital.clone();
        Ok(AccountView {
            hospitals: account.memberships.iter().map(hospital).collect(),
            second_factor: account.has_second_factor(),
            suspended: account.suspended,
            id: account.id,
            name: account.name,
            login: account.login,
            sessions,
        })
    }

    /// Takes a second factor away that was lost, whatever hospitals the person works in. Ends every session.
    pub async fn operator_reset(&self, cx: &Cx, account: &AccountId) -> Result<(), AppError> {
        let mut found = self.operated(cx, account).await?;
        found.doc.totp = None;
        found.doc.totp_offered = None;
        found.doc.passkeys.clear();
        found.doc.outside.clear();
        found.doc.recovery.clear();
        found.doc.locked_until = None;
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        for session in &self.sessions_of(account, cx.now).await? {
            Self::end_session(&mut batch, session);
        }
        self.operated_audit(cx, &mut batch, &found.doc, "account.second-factor-reset")?;
        let ended = Ended::Account(account.clone());
        ended.announce(&mut batch, &found.key);
        self.store.commit(batch).await?;
        self.gate.tell(ended);
        Ok(())
    }

    /// A new link for somebody who works in several hospitals.
    pub async fn operator_link(&self, cx: &Cx, account: &AccountId) -> Result<Invited, AppError> {
        let mut found = self.operated(cx, account).await?;
        let renewal = found.doc.password.is_some();
        let (invitation, link) = self.new_invitation(cx, renewal)?;
        let until = invitation.until;
        found.doc.invitation = Some(invitation);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.operated_audit(cx, &mut batch, &found.doc, "account.invited")?;
        self.store.commit(batch).await?;
        Ok(Invited {
            mailed: self.mail_link(&found.doc, &link).await,
            account: found.doc.id,
            link: Some(link),
            until,
        })
    }

    async fn operated(&self, cx: &Cx, account: &AccountId) -> Result<Versioned<Account>, AppError> {
        cx.require(Role::Operator)?;
        super::manage::refuse_oneself(cx, account)?;
        self.load_account(account)
            .await?
            .filter(|a| a.doc.kind == agreements::ActorKind::Staff)
            .ok_or(AppError::NotFound)
    }

    /// One entry in the node's chain and one in each hospital's that the person works at: they all should know.
    fn operated_audit(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        account: &Account,
        action: &str,
    ) -> Result<(), AppError> {
        let chains = account.memberships.iter().map(|m| Some(&m.hospital));
        for chain in chains.chain([None]) {
            batch
                .audit
                .push(self.account_audit(cx, action, &account.id, chain)?);
        }
        Ok(())
    }
}
