//! Signing in at the hospital's provider: sent there with state, nonce and PKCE, taken back once.

use agreements::ActorKind;
use kernel::{HospitalId, Instant};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use serde::{Deserialize, Serialize};
use store::Lookup;
use subtle::ConstantTimeEq as _;

use super::Provider;
use super::client::Said;
use crate::accounts::Begun;
use crate::accounts::ceremony::Purpose;
use crate::accounts::model::{Account, OutsideLogin, normal_login};
use crate::accounts::sign_in::{Opening, refuse_locked};
use crate::accounts::throttle::origin_of;
use crate::docs::Versioned;
use crate::sessions::{SessionAsk, Stage};
use crate::tokens::digest;
use crate::{App, AppError};

/// Where a browser is sent, and what it must bring back.
#[derive(Debug, Clone)]
pub struct ProviderStart {
    /// The provider's page.
    pub address: String,
    /// For a cookie of this browser: an answer that comes back by another browser is nobody's.
    pub browser: String,
}

/// What comes back with the browser (OpenID Connect Core §3.1.2.5, RFC 9207).
#[derive(Debug, Clone, Deserialize)]
pub struct ProviderAnswer {
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub iss: Option<String>,
}

/// What only we know of a sign-in under way.
#[derive(Debug, Serialize, Deserialize)]
struct Under {
    hospital: HospitalId,
    verifier: String,
    nonce: String,
    browser: String,
    next: String,
}

fn over() -> AppError {
    AppError::rejected("provider-over", "this sign-in was used or has expired")
}

fn unknown() -> AppError {
    AppError::rejected(
        "provider-unknown",
        "no account of this hospital belongs to it",
    )
}

impl App {
    /// Begins a sign-in at the provider of a hospital; `next` is the page to go on to.
    pub async fn begin_at_provider(
        &self,
        ask: &SessionAsk,
        hospital: &HospitalId,
        next: &str,
    ) -> Result<ProviderStart, AppError> {
        let now = self.now();
        let origin = origin_of(ask.peer.as_deref());
        self.admit("", &origin, now).await?;
        self.gate.may_begin(&origin, now)?;
        let provider = self.enabled_provider(hospital).await?;
        let client = self.provider_client(hospital, &provider).await?;
        let browser = self.random_text();
        let under = Under {
            hospital: hospital.clone(),
            verifier: self.random_text(),
            nonce: self.random_text(),
            browser: digest(&[&browser]),
            next: next.to_owned(),
        };
        let state = self.begin_ceremony(Purpose::Provider, None, &under).await?;
        let verifier = PkceCodeVerifier::new(under.verifier);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(under.nonce),
            )
            .set_pkce_challenge(challenge);
        for scope in scopes(&provider.claim) {
            request = request.add_scope(Scope::new((*scope).to_owned()));
        }
        let (address, _, _) = request.url();
        Ok(ProviderStart {
            address: address.into(),
            browser,
        })
    }

    /// Takes the browser back. Gives the session and the page to go on to.
    pub async fn finish_at_provider(
        &self,
        ask: SessionAsk,
        browser: &str,
        answer: &ProviderAnswer,
        device: Option<String>,
    ) -> Result<(Begun, String), AppError> {
        let now = self.now();
        let origin = origin_of(ask.peer.as_deref());
        self.admit("", &origin, now).await?;
        let under: Under = self
            .take_ceremony(&answer.state, Purpose::Provider, None)
            .await?
            .ok_or_else(over)?;
        let same: bool = digest(&[browser])
            .as_bytes()
            .ct_eq(under.browser.as_bytes())
            .into();
        if !same {
            return Err(over());
        }
        let provider = self.enabled_provider(&under.hospital).await?;
        if answer
            .iss
            .as_ref()
            .is_some_and(|iss| iss != &provider.issuer)
        {
            return Err(over());
        }
        let code = answer.code.as_deref().ok_or_else(|| {
            AppError::rejected("provider-denied", "the sign-in of the hospital said no")
        })?;
        let client = self.provider_client(&under.hospital, &provider).await?;
        let said = self
            .redeem(&client, &provider, code, (under.verifier, under.nonce))
            .await?;
        let Some(account) = self
            .account_said(&under.hospital, &provider, &said, now)
            .await?
        else {
            self.count_failure("", &origin, &ask, now).await?;
            return Err(unknown());
        };
        refuse_locked(&account.doc, now)?;
        let strong = said.methods.iter().any(|m| provider.strong.contains(m));
        let stage = if account.doc.has_second_factor() && !strong {
            Stage::Code
        } else {
            Stage::Open
        };
        let opening = Opening {
            stage,
            proof: None,
            device,
            provider: Some((under.hospital, strong)),
        };
        let begun = self.open(&ask, account, opening).await?;
        Ok((begun, under.next))
    }

    async fn enabled_provider(&self, hospital: &HospitalId) -> Result<Provider, AppError> {
        self.stored_provider(hospital)
            .await?
            .map(|p| p.doc)
            .filter(|p| p.enabled)
            .ok_or(AppError::NotFound)
    }

    /// The open account of a member of the hospital: the one linked to this subject, or the one that has the login said
    /// and no other subject yet; then it is linked for good. Nobody else's, and none is made.
    async fn account_said(
        &self,
        hospital: &HospitalId,
        provider: &Provider,
        said: &Said,
        now: Instant,
    ) -> Result<Option<Versioned<Account>>, AppError> {
        let link = OutsideLogin::new(hospital, &provider.issuer, &said.subject, now);
        let found = self.account_by(Lookup::new("outside", &link.id)).await?;
        let found = match (found, &said.login) {
            (Some(account), _) => Some(account),
            (None, Some(login)) => {
                let login = normal_login(login);
                let right_domain = provider.domain.is_empty()
                    || login
                        .rsplit_once('@')
                        .is_some_and(|(_, domain)| domain == provider.domain);
                let account = if right_domain {
                    self.account_by_login(&login).await?
                } else {
                    None
                };
                account
                    // A name given to somebody else later does not open the account of the one before.
                    .filter(|a| a.doc.outside.iter().all(|o| &o.hospital != hospital))
                    .map(|mut a| {
                        a.doc.outside.push(link);
                        a
                    })
            }
            (None, None) => None,
        };
        Ok(found.filter(|a| {
            a.doc.is_open()
                && a.doc.kind == ActorKind::Staff
                && a.doc
                    .membership(hospital)
                    .is_some_and(|m| m.roles_at(now).next().is_some())
        }))
    }

    fn random_text(&self) -> String {
        let mut bytes = [0u8; 32];
        self.entropy.fill(&mut bytes);
        seal::b64::encode(bytes)
    }
}

/// What is asked for beside `openid`, so that the claim comes.
fn scopes(claim: &str) -> &'static [&'static str] {
    match claim {
        "sub" => &[],
        "email" => &["email"],
        "preferred_username" => &["profile"],
        _ => &["profile", "email"],
    }
}
