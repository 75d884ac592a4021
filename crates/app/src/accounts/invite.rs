//! Invitations: an administrator names a person; a single-use link that expires lets them set their password.

use agreements::{ActorKind, Role};
use kernel::{AccountId, HospitalId, Instant, Phi};
use seal::token::{new_token, token_hash};
use store::Lookup;

use super::create::{check_login, check_zone};
use super::factor::hex;
use super::model::{Account, Invitation, Membership, PatientLink, RoleGrant, normal_login};
use super::password;
use super::sign_in::Begun;
use crate::cx::Language;
use crate::docs;
use crate::notices::mail::{Mail, Mailer as _, SmtpMailer};
use crate::sessions::{self, Session, SessionAsk, Stage};
use crate::{App, AppError, Cx};

/// How long an invitation can be accepted, seconds.
const INVITATION_S: i64 = 7 * 24 * 3600;
/// How long the page waits for the relay to take the mail.
const MAIL_WAIT: std::time::Duration = std::time::Duration::from_secs(8);

/// As what somebody is invited.
#[derive(Debug, Clone)]
pub enum InviteAs {
    /// Staff of the administrator's hospital.
    Staff {
        title: Option<String>,
        roles: Vec<RoleGrant>,
        specialties: Vec<String>,
    },
    /// A patient, or someone who acts for one.
    Patient(PatientLink),
}

/// Whom to invite.
#[derive(Debug, Clone)]
pub struct Invite {
    pub email: String,
    pub name: String,
    pub latin_name: Option<String>,
    pub language: Language,
    pub zone: String,
    pub invite_as: InviteAs,
}

/// An invitation that was made.
#[derive(Debug, Clone)]
pub struct Invited {
    pub account: AccountId,
    /// The link to hand over; it cannot be shown again. None when the person had an account already and only
    /// gained a hospital.
    pub link: Option<Phi<String>>,
    pub until: Instant,
    /// The relay took the link by mail too.
    pub mailed: bool,
}

/// What an invitation's page shows.
#[derive(Debug, Clone)]
pub struct InvitationView {
    pub login: String,
    pub name: String,
    pub language: Language,
    pub hospital: Option<HospitalId>,
    pub until: Instant,
    pub renewal: bool,
}

/// How an invited person begins.
#[derive(Debug, Clone)]
pub struct NewWayIn {
    pub password: Phi<String>,
    pub language: Language,
    pub device: Option<String>,
}

impl App {
    /// Invites a person. Staff are invited by their hospital's administrator; a patient by the clinical staff of
    /// the hospital that keeps the record too. Who has an account already gains the membership or link at once.
    pub async fn invite(&self, cx: &Cx, mut invite: Invite) -> Result<Invited, AppError> {
        let hospital = match &mut invite.invite_as {
            InviteAs::Staff { roles, .. } => {
                let hospital = cx.require(Role::Administrator)?.clone();
                check_roles(roles)?;
                hospital
            }
            InviteAs::Patient(link) => {
                let hospital = if cx.actor.has(Role::Administrator) {
                    cx.hospital()?
                } else {
                    cx.require_clinical()?
                };
                if &link.hospital != hospital {
                    return Err(AppError::denied("other-hospital"));
                }
                self.check_patient(link).await?;
                *link = self.proxy_link(cx, link.clone()).await?;
                hospital.clone()
            }
        };
        let login = normal_login(&invite.email);
        check_login(&login)?;
        check_zone(&invite.zone)?;
        check_name(&invite.name)?;
        if let Some(existing) = self.account_by_login(&login).await? {
            return self.extend(cx, existing, invite.invite_as, hospital).await;
        }
        let mut account = self.blank_account(&login, &invite.name, cx.now)?;
        account.email = Some(login.clone()).filter(|l| l.contains('@'));
        account.latin_name = invite.latin_name.filter(|n| !n.trim().is_empty());
        account.language = invite.language;
        account.zone = invite.zone;
        add(&mut account, invite.invite_as, &hospital);
        self.check_hospitals(&account)?;
        let (invitation, link) = self.new_invitation(cx, false)?;
        let until = invitation.until;
        account.invitation = Some(invitation);
        let invited = account.clone();
        self.commit_new_account(cx, account, "account.invited", Some(&hospital))
            .await?;
        Ok(Invited {
            mailed: self.mail_link(&invited, &link).await,
            account: invited.id,
            link: Some(link),
            until,
        })
    }

    /// Adds a membership or link to an account that exists.
    async fn extend(
        &self,
        cx: &Cx,
        mut account: docs::Versioned<Account>,
        invite_as: InviteAs,
        hospital: HospitalId,
    ) -> Result<Invited, AppError> {
        let fits = match &invite_as {
            InviteAs::Staff { .. } => account.doc.kind == ActorKind::Staff,
            InviteAs::Patient(_) => account.doc.kind == ActorKind::Patient,
        };
        if !fits || account.doc.membership(&hospital).is_some() {
            return Err(AppError::invalid(
                "email",
                "login-taken",
                "this person has an account",
            ));
        }
        add(&mut account.doc, invite_as, &hospital);
        self.check_hospitals(&account.doc)?;
        let batch = self.account_batch(cx, &account, "account.extended", Some(&hospital))?;
        self.store.commit(batch).await?;
        Ok(Invited {
            account: account.doc.id,
            link: None,
            until: cx.now,
            mailed: false,
        })
    }

    pub(crate) fn new_invitation(
        &self,
        cx: &Cx,
        renewal: bool,
    ) -> Result<(Invitation, Phi<String>), AppError> {
        let token = new_token(&*self.entropy);
        let until = cx
            .now
            .checked_add(jiff::SignedDuration::from_secs(INVITATION_S))
            .map_err(|_| AppError::Internal("end of invitation".into()))?;
        let invitation = Invitation {
            hash: hex(&token_hash(&token)),
            until,
            by: cx.actor.account.clone(),
            renewal,
        };
        let link = format!("{}/invitation/{token}", self.settings.base_url);
        Ok((invitation, Phi::new(link)))
    }

    async fn invited(&self, token: &str) -> Result<docs::Versioned<Account>, AppError> {
        if token.len() > 128 {
            return Err(AppError::NotFound);
        }
        let hash = hex(&token_hash(token));
        let now = self.now();
        self.account_by(Lookup::new("invitation", hash))
            .await?
            .filter(|a| {
                a.doc.suspended.is_none()
                    && a.doc.invitation.as_ref().is_some_and(|i| now < i.until)
            })
            .ok_or(AppError::NotFound)
    }

    /// What the page of an invitation shows; `NotFound` when it was used, has expired or never was.
    pub async fn invitation(&self, token: &str) -> Result<InvitationView, AppError> {
        let account = self.invited(token).await?.doc;
        let invitation = account.invitation.as_ref().ok_or(AppError::NotFound)?;
        Ok(InvitationView {
            hospital: account
                .memberships
                .first()
                .map(|m| m.hospital.clone())
                .or_else(|| account.patients.first().map(|l| l.hospital.clone())),
            until: invitation.until,
            renewal: invitation.renewal,
            login: account.login,
            name: account.name,
            language: account.language,
        })
    }

    /// Accepts: the password is set, the link is spent, and a session begins.
    pub async fn accept_invitation(
        &self,
        token: &str,
        ask: SessionAsk,
        way_in: NewWayIn,
    ) -> Result<Begun, AppError> {
        let mut account = self.invited(token).await?;
        let now = self.now();
        password::check_new(
            "password",
            &way_in.password,
            &[&account.doc.login, &account.doc.name],
        )?;
        let phc = self
            .gate
            .hash(way_in.password, self.entropy.clone())
            .await?;
        account.doc.password = Some(phc);
        account.doc.password_set = Some(now);
        account.doc.language = way_in.language;
        account.doc.invitation = None;
        let seats = sessions::seats(&account.doc, now);
        let acting = match seats.as_slice() {
            [only] => Some(only.hospital.clone()),
            _ => None,
        };
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(
                kernel::limits::SESSION_MAX_S,
            ))
            .map_err(|_| AppError::Internal("end of session".into()))?;
        // Who renews a lost password still owes the code of a second factor that was kept.
        let code_owed = account.doc.has_second_factor();
        let session = Session {
            account: account.doc.id.clone(),
            created: now,
            used: now,
            until,
            stage: if code_owed { Stage::Code } else { Stage::Open },
            acting: acting.clone(),
            role: None,
            second_factor: false,
            proved: Some(now),
            only: None,
            peer: ask.peer.clone(),
            device: way_in.device,
        };
        let cx = self.cx_of(&account.doc, &ask, now);
        let what = "account.invitation-accepted";
        let mut batch = self.account_batch(&cx, &account, what, acting.as_ref())?;
        let token = self.begin_session(&mut batch, session).await?;
        self.store.commit(batch).await?;
        Ok(Begun { token, code_owed })
    }

    /// A new link for somebody who cannot sign in any more, or let the first one expire.
    pub async fn renew_invitation(
        &self,
        cx: &Cx,
        account: &AccountId,
    ) -> Result<Invited, AppError> {
        let (hospital, mut account) = self.managed(cx, account).await?;
        self.refuse_elsewhere(&account.doc, &hospital)?;
        let renewal = account.doc.password.is_some();
        let (invitation, link) = self.new_invitation(cx, renewal)?;
        let until = invitation.until;
        account.doc.invitation = Some(invitation);
        self.commit_managed(cx, &account, "account.invited", &hospital)
            .await?;
        Ok(Invited {
            mailed: self.mail_link(&account.doc, &link).await,
            account: account.doc.id,
            link: Some(link),
            until,
        })
    }

    /// Sends the link if there is a relay and an address. It is kept nowhere, so there is one try; the
    /// administrator has it on the page too.
    pub(crate) async fn mail_link(&self, account: &Account, link: &Phi<String>) -> bool {
        let (Some(smtp), Some(to)) = (&self.settings.smtp, &account.email) else {
            return false;
        };
        let link = link.reveal();
        let (subject, body) = match account.language {
            Language::English => (
                "Your account in Karez".to_owned(),
                format!(
                    "Set a password for your account: {link}\n\nThe link works once, for seven days. \
                     If you did not expect this, do nothing.\n"
                ),
            ),
            Language::Chinese => (
                "您的 Karez 账号".to_owned(),
                format!(
                    "请为您的账号设置密码：{link}\n\n链接七天内有效，只能使用一次。如非您本人所需，请忽略。\n"
                ),
            ),
        };
        let mail = Mail {
            to: Phi::new(to.clone()),
            subject,
            body,
        };
        let Ok(mailer) = SmtpMailer::new(smtp) else {
            return false;
        };
        let sent = tokio::time::timeout(MAIL_WAIT, mailer.send(&mail)).await;
        let mailed = matches!(sent, Ok(Ok(())));
        if !mailed {
            tracing::warn!("an invitation was not taken by the mail relay");
        }
        mailed
    }
}

fn add(account: &mut Account, invite_as: InviteAs, hospital: &HospitalId) {
    match invite_as {
        InviteAs::Staff {
            title,
            roles,
            specialties,
        } => {
            let mut membership = Membership::new(hospital.clone());
            membership.title = title.filter(|t| !t.trim().is_empty());
            membership.roles = roles;
            membership.specialties = specialties;
            account.memberships.push(membership);
        }
        InviteAs::Patient(link) => {
            account.kind = ActorKind::Patient;
            account
                .patients
                .retain(|l| (&l.hospital, &l.patient) != (&link.hospital, &link.patient));
            account.patients.push(link);
        }
    }
}

/// An administrator gives the roles of a hospital's staff; running the node, being a patient or a machine are
/// given in other ways.
pub(crate) fn check_roles(roles: &[RoleGrant]) -> Result<(), AppError> {
    if roles.is_empty() {
        return Err(AppError::invalid("roles", "missing", "at least one role"));
    }
    let staff = |r: Role| {
        matches!(
            r,
            Role::Clinician | Role::Coordinator | Role::Consultant | Role::Administrator
        )
    };
    if roles.iter().any(|g| !staff(g.role)) {
        return Err(AppError::invalid(
            "roles",
            "role",
            "not a role of a hospital's staff",
        ));
    }
    if roles
        .iter()
        .any(|g| g.valid.until.is_some_and(|until| until <= g.valid.from))
    {
        return Err(AppError::invalid("roles", "dates", "ends before it begins"));
    }
    Ok(())
}

pub(crate) fn check_name(name: &str) -> Result<(), AppError> {
    let chars = name.trim().chars().count();
    if (1..=120).contains(&chars) && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(AppError::invalid("name", "name", "1 to 120 characters"))
    }
}
