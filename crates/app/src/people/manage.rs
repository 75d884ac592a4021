//! What a hospital's administrator changes: roles, privileges and licences with their dates, suspension, and the
//! way back in for somebody who lost theirs.

use agreements::{Privilege, Role};
use kernel::{AccountId, HospitalId};
use seal::Reason;

use crate::accounts::invite::check_roles;
use crate::accounts::model::{Account, Licence, Membership, PrivilegeGrant, RoleGrant};
use crate::docs::Versioned;
use crate::sessions::live::Ended;
use crate::{App, AppError, Cx};

/// What a member of the hospital is to be from now on.
#[derive(Debug, Clone)]
pub struct MemberChange {
    pub title: Option<String>,
    pub roles: Vec<RoleGrant>,
    pub privileges: Vec<PrivilegeGrant>,
    pub licences: Vec<Licence>,
    pub specialties: Vec<String>,
}

/// A member as the administrator sees them, with the version that a change must name.
#[derive(Debug, Clone)]
pub struct MemberState {
    pub account: Account,
    pub membership: Membership,
    pub version: u64,
    /// The person works in other hospitals of the node too; which ones is not shown.
    pub elsewhere: bool,
    pub sessions: usize,
}

impl App {
    /// One member of the administrator's hospital.
    pub async fn member(&self, cx: &Cx, account: &AccountId) -> Result<MemberState, AppError> {
        let (hospital, found) = self.managed(cx, account).await?;
        let sessions = self.sessions_of(account, cx.now).await?.len();
        let elsewhere = found.doc.memberships.len() > 1;
        let mut account = found.doc;
        account.memberships.retain(|m| m.hospital == hospital);
        let membership = account
            .memberships
            .first()
            .cloned()
            .ok_or(AppError::NotFound)?;
        Ok(MemberState {
            account,
            membership,
            version: found.version,
            elsewhere,
            sessions,
        })
    }

    /// Changes roles, privileges, licences and specialties. Nobody changes their own.
    pub async fn change_member(
        &self,
        cx: &Cx,
        account: &AccountId,
        version: u64,
        change: MemberChange,
    ) -> Result<(), AppError> {
        let (hospital, mut found) = self.managed(cx, account).await?;
        refuse_oneself(cx, account)?;
        if found.version != version {
            return Err(AppError::Conflict);
        }
        let given_by_operator: Vec<RoleGrant> = found
            .doc
            .membership(&hospital)
            .map(|m| m.roles.iter().filter(|g| g.role == Role::Operator))
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        if given_by_operator.is_empty() || !change.roles.is_empty() {
            check_roles(&change.roles)?;
        }
        check_dates(&change)?;
        check_specialties(&change.specialties)?;
        let signs = |p: &[PrivilegeGrant]| {
            p.iter()
                .any(|g| g.privilege == Privilege::SignOpinion && g.valid.holds(cx.now))
        };
        let membership = found
            .doc
            .membership_mut(&hospital)
            .ok_or(AppError::NotFound)?;
        let signs_no_more = signs(&membership.privileges) && !signs(&change.privileges);
        membership.title = change.title.filter(|t| !t.trim().is_empty());
        membership.roles = change.roles;
        // Who runs the node is not for a hospital's administrator to say.
        membership.roles.extend(given_by_operator);
        membership.privileges = change.privileges;
        membership.licences = change.licences;
        membership.specialties = change.specialties;
        let mut batch = self.account_batch(cx, &found, "member.changed", Some(&hospital))?;
        if signs_no_more {
            self.revoke_signer(&mut batch, &hospital, account, Reason::PrivilegeWithdrawn)
                .await?;
        }
        let ended = Ended::Seat(account.clone(), hospital);
        ended.announce(&mut batch, &found.key);
        self.store.commit(batch).await?;
        // Pages that are open were drawn with the roles of before.
        self.gate.tell(ended);
        Ok(())
    }

    /// Suspends a member at this hospital: sessions that act for it end at once, open pages too.
    pub async fn suspend_member(&self, cx: &Cx, account: &AccountId) -> Result<(), AppError> {
        let (hospital, mut found) = self.managed(cx, account).await?;
        refuse_oneself(cx, account)?;
        refuse_operator(&found.doc)?;
        let sessions = self.sessions_of(account, cx.now).await?;
        let membership = found
            .doc
            .membership_mut(&hospital)
            .ok_or(AppError::NotFound)?;
        membership.suspended.get_or_insert(cx.now);
        let mut batch = self.account_batch(cx, &found, "member.suspended", Some(&hospital))?;
        self.revoke_signer(&mut batch, &hospital, account, Reason::AffiliationChanged)
            .await?;
        for session in &sessions {
            if session.doc.acting.as_ref() == Some(&hospital) {
                Self::end_session(&mut batch, session);
            }
        }
        let ended = Ended::Seat(account.clone(), hospital);
        ended.announce(&mut batch, &found.key);
        self.store.commit(batch).await?;
        self.gate.tell(ended);
        Ok(())
    }

    /// Lets a suspended member back in.
    pub async fn restore_member(&self, cx: &Cx, account: &AccountId) -> Result<(), AppError> {
        let (hospital, mut found) = self.managed(cx, account).await?;
        refuse_oneself(cx, account)?;
        let membership = found
            .doc
            .membership_mut(&hospital)
            .ok_or(AppError::NotFound)?;
        membership.suspended = None;
        self.commit_managed(cx, &found, "member.restored", &hospital)
            .await
    }

    /// Takes a lost second factor away and ends every session. The person sets up another at the next sign-in.
    /// Somebody who works elsewhere too is reset by the operator.
    pub async fn reset_second_factor(&self, cx: &Cx, account: &AccountId) -> Result<(), AppError> {
        let (hospital, mut found) = self.managed(cx, account).await?;
        refuse_oneself(cx, account)?;
        self.refuse_elsewhere(&found.doc, &hospital)?;
        found.doc.totp = None;
        found.doc.totp_offered = None;
        found.doc.passkeys.clear();
        found.doc.outside.retain(|o| o.hospital != hospital);
        found.doc.recovery.clear();
        found.doc.locked_until = None;
        let sessions = self.sessions_of(account, cx.now).await?;
        let mut batch =
            self.account_batch(cx, &found, "member.second-factor-reset", Some(&hospital))?;
        for session in &sessions {
            Self::end_session(&mut batch, session);
        }
        let ended = Ended::Account(account.clone());
        ended.announce(&mut batch, &found.key);
        self.store.commit(batch).await?;
        self.gate.tell(ended);
        Ok(())
    }

    /// Suspends a whole account on every hospital, or lets it back in. The operator alone may.
    pub async fn suspend_account(
        &self,
        cx: &Cx,
        account: &AccountId,
        suspend: bool,
    ) -> Result<(), AppError> {
        cx.require(Role::Operator)?;
        refuse_oneself(cx, account)?;
        let mut found = self
            .load_account(account)
            .await?
            .ok_or(AppError::NotFound)?;
        found.doc.suspended = suspend.then_some(cx.now);
        let word = if suspend {
            "account.suspended"
        } else {
            "account.restored"
        };
        let network = HospitalId::network();
        let mut batch = self.account_batch(cx, &found, word, Some(&network))?;
        if suspend {
            for session in &self.sessions_of(account, cx.now).await? {
                Self::end_session(&mut batch, session);
            }
        }
        let ended = Ended::Account(account.clone());
        if suspend {
            ended.announce(&mut batch, &found.key);
        }
        self.store.commit(batch).await?;
        if suspend {
            self.gate.tell(ended);
        }
        Ok(())
    }

    /// The account, if it is a member of the hospital the administrator acts for.
    pub(crate) async fn managed(
        &self,
        cx: &Cx,
        account: &AccountId,
    ) -> Result<(HospitalId, Versioned<Account>), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let found = self
            .load_account(account)
            .await?
            .filter(|a| a.doc.membership(&hospital).is_some())
            .ok_or(AppError::NotFound)?;
        Ok((hospital, found))
    }

    /// One hospital alone does not decide over the way in to others, nor to the node.
    pub(crate) fn refuse_elsewhere(
        &self,
        account: &Account,
        hospital: &HospitalId,
    ) -> Result<(), AppError> {
        refuse_operator(account)?;
        if account.memberships.iter().any(|m| &m.hospital != hospital) {
            return Err(AppError::rejected(
                "works-elsewhere",
                "the person works in other hospitals too; the operator can do this",
            ));
        }
        Ok(())
    }

    pub(crate) async fn commit_managed(
        &self,
        cx: &Cx,
        account: &Versioned<Account>,
        action: &str,
        hospital: &HospitalId,
    ) -> Result<(), AppError> {
        let batch = self.account_batch(cx, account, action, Some(hospital))?;
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// Who could reset the operator's way in would be the operator.
fn refuse_operator(account: &Account) -> Result<(), AppError> {
    let mut roles = account.memberships.iter().flat_map(|m| &m.roles);
    if roles.any(|g| g.role == Role::Operator) {
        return Err(AppError::rejected(
            "operator-account",
            "the operator's account is not a hospital's to change",
        ));
    }
    Ok(())
}

pub(super) fn refuse_oneself(cx: &Cx, account: &AccountId) -> Result<(), AppError> {
    if &cx.actor.account == account {
        return Err(AppError::rejected(
            "own-account",
            "another administrator changes your own roles and access",
        ));
    }
    Ok(())
}

fn check_specialties(codes: &[String]) -> Result<(), AppError> {
    let good = codes.iter().all(|c| crate::hospitals::is_code(c));
    if codes.len() > 20 || !good {
        let text = "at most twenty codes of specialties";
        return Err(AppError::invalid("specialties", "specialties", text));
    }
    Ok(())
}

fn check_dates(change: &MemberChange) -> Result<(), AppError> {
    let backwards = |v: &crate::accounts::Validity| v.until.is_some_and(|until| until <= v.from);
    if change.privileges.iter().any(|p| backwards(&p.valid)) {
        return Err(AppError::invalid(
            "privileges",
            "dates",
            "ends before it begins",
        ));
    }
    for licence in &change.licences {
        if backwards(&licence.valid) {
            return Err(AppError::invalid(
                "licence-until",
                "dates",
                "ends before it begins",
            ));
        }
        let country =
            licence.country.len() == 2 && licence.country.bytes().all(|b| b.is_ascii_uppercase());
        if !country {
            return Err(AppError::invalid(
                "licence-country",
                "country",
                "two letters, as CN or KZ",
            ));
        }
        if licence.number.trim().is_empty() || licence.issuer.trim().is_empty() {
            return Err(AppError::invalid(
                "licence-number",
                "missing",
                "number and issuer",
            ));
        }
    }
    Ok(())
}
