//! Accounts made with a password at once: by the command line, for the first administrator, and by the
//! demonstration. Everybody else is invited.

use agreements::{Actor, ActorKind, Role};
use kernel::{AccountId, HospitalId, Phi, ResourceId};

use super::factor;
use super::model::{Account, Membership, PatientLink, Totp, normal_login};
use super::password;
use crate::cx::{Channel, Language};
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// An account to be made, ready for use.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub login: String,
    pub email: Option<String>,
    pub name: String,
    pub latin_name: Option<String>,
    pub language: Language,
    pub zone: String,
    pub password: Phi<String>,
    /// A second factor that is set up already (20 bytes).
    pub totp_secret: Option<[u8; 20]>,
    pub memberships: Vec<Membership>,
    pub patients: Vec<PatientLink>,
}

impl App {
    /// The context of the one who works on the machine itself: command line and demonstration.
    pub fn operator_cx(&self) -> Cx {
        let account =
            AccountId::new("command-line").unwrap_or_else(|_| unreachable!("a valid account id"));
        Cx {
            actor: Actor {
                account,
                kind: ActorKind::Staff,
                hospital: Some(HospitalId::network()),
                roles: [Role::Operator].into(),
                privileges: Default::default(),
                linked: Vec::new(),
            },
            name: "Command line".into(),
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            channel: Channel::CommandLine,
            now: self.now(),
            request: self.new_id().to_string(),
            peer: None,
            second_factor: true,
        }
    }

    /// Makes an account that can sign in at once. The operator alone may.
    pub async fn create_account(&self, cx: &Cx, new: NewAccount) -> Result<AccountId, AppError> {
        cx.require(Role::Operator)?;
        let login = normal_login(&new.login);
        check_login(&login)?;
        check_zone(&new.zone)?;
        password::check_new("password", &new.password, &[&login, &new.name])?;
        let phc = self.gate.hash(new.password, self.entropy.clone()).await?;
        let mut account = self.blank_account(&login, &new.name, cx.now)?;
        if let Some(secret) = &new.totp_secret {
            account.totp = Some(Totp {
                secret: factor::wrap(&self.node_key, &*self.entropy, &account.id, secret)?,
                enrolled: cx.now,
                last_step: 0,
            });
        }
        account.kind = if new.patients.is_empty() {
            ActorKind::Staff
        } else {
            ActorKind::Patient
        };
        account.email = new.email;
        account.latin_name = new.latin_name;
        account.language = new.language;
        account.zone = new.zone;
        account.password = Some(phc);
        account.password_set = Some(cx.now);
        account.memberships = new.memberships;
        account.patients = new.patients;
        self.check_hospitals(&account)?;
        let id = account.id.clone();
        self.commit_new_account(cx, account, "account.created", None)
            .await?;
        Ok(id)
    }

    /// An account with nothing but a name.
    pub(crate) fn blank_account(
        &self,
        login: &str,
        name: &str,
        now: kernel::Instant,
    ) -> Result<Account, AppError> {
        Ok(Account {
            id: AccountId::new(self.new_id().as_str())?,
            kind: ActorKind::Staff,
            login: login.to_owned(),
            email: None,
            name: name.trim().to_owned(),
            latin_name: None,
            language: Language::English,
            zone: "UTC".into(),
            password: None,
            password_set: None,
            totp: None,
            totp_offered: None,
            passkeys: Vec::new(),
            outside: Vec::new(),
            recovery: Vec::new(),
            memberships: Vec::new(),
            patients: Vec::new(),
            machine: None,
            invitation: None,
            suspended: None,
            locked_until: None,
            created: now,
            theme: None,
        })
    }

    /// Refuses an account that names a hospital this node does not know.
    pub(crate) fn check_hospitals(&self, account: &Account) -> Result<(), AppError> {
        let member = account.memberships.iter().map(|m| &m.hospital);
        let linked = account.patients.iter().map(|l| &l.hospital);
        for hospital in member.chain(linked) {
            if !hospital.is_network() && self.hospital(hospital).is_none() {
                return Err(AppError::invalid(
                    "hospital",
                    "hospital",
                    "no such hospital",
                ));
            }
        }
        Ok(())
    }

    pub(crate) async fn commit_new_account(
        &self,
        cx: &Cx,
        account: Account,
        action: &str,
        hospital: Option<&HospitalId>,
    ) -> Result<(), AppError> {
        let id = account.id.clone();
        let key = self.doc_key::<Account>(&HospitalId::network(), &ResourceId::new(id.as_str())?);
        let new = Versioned {
            key,
            version: 0,
            doc: account,
        };
        let batch = self.account_batch(cx, &new, action, hospital)?;
        match self.store.commit(batch).await {
            Err(store::StoreError::Duplicate { .. }) => Err(AppError::invalid(
                "login",
                "login-taken",
                "this login is taken",
            )),
            other => Ok(other.map(|_| ())?),
        }
    }
}

/// An e-mail address or a staff number: 3 to 128 characters without spaces or control characters.
pub(crate) fn check_login(login: &str) -> Result<(), AppError> {
    let chars = login.chars().count();
    if !(3..=128).contains(&chars) || login.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AppError::invalid(
            "login",
            "login",
            "3 to 128 characters without spaces",
        ));
    }
    Ok(())
}

pub(crate) fn check_zone(zone: &str) -> Result<(), AppError> {
    jiff::tz::TimeZone::get(zone)
        .map(|_| ())
        .map_err(|_| AppError::invalid("zone", "zone", "not an IANA time zone"))
}
