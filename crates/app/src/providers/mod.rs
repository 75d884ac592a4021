//! A hospital's own sign-in: an OpenID provider that its administrator names. It says who somebody is; what they may do
//! stands in their account alone, and a session begun this way acts for this hospital and no other.

mod client;
mod sign_in;

use agreements::{Role, SystemPurpose};
use kernel::{HospitalId, Instant, Phi, ResourceId};
use seal::{Wrapped, b64};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};
use url::Url;

use crate::accounts::Reauth;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

pub use sign_in::{ProviderAnswer, ProviderStart};

/// Values of `acr` and `amr` that may count as a second factor.
const STRONG_MAX: usize = 16;

/// What an administrator sets.
#[derive(Debug, Clone)]
pub struct ProviderForm {
    /// Exactly as the provider writes it in its tokens.
    pub issuer: String,
    pub client_id: String,
    /// None keeps the one that is there.
    pub secret: Option<Phi<String>>,
    /// The claim that holds the login of the account: `email`, `preferred_username` or one of the provider's own.
    pub claim: String,
    /// Only logins of this domain; empty for any.
    pub domain: String,
    /// Values of `acr` or `amr` after which no second factor of ours is asked, separated by spaces.
    pub strong: String,
    pub enabled: bool,
}

/// A provider as an administrator sees it.
#[derive(Debug, Clone)]
pub struct ProviderView {
    pub issuer: String,
    pub client_id: String,
    pub has_secret: bool,
    pub claim: String,
    pub domain: String,
    pub strong: String,
    pub enabled: bool,
    pub changed: Instant,
}

/// The provider of one hospital as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provider {
    issuer: String,
    client_id: String,
    /// Under the node key, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    claim: String,
    domain: String,
    strong: Vec<String>,
    enabled: bool,
    changed: Instant,
}

impl Document for Provider {
    const KIND: &'static str = "sign-in-provider";
    fn lookups(&self) -> Vec<Lookup> {
        let state = if self.enabled { "yes" } else { "no" };
        vec![Lookup::new("enabled", state)]
    }
}

/// What the wrapped secret belongs to.
pub(crate) fn secret_context(hospital: &HospitalId) -> String {
    format!("provider-secret/{hospital}")
}

fn own_id() -> ResourceId {
    ResourceId::new("own").unwrap_or_else(|_| unreachable!("a valid id"))
}

impl App {
    /// The address the provider sends people back to; the administrator registers it there.
    pub fn provider_return_address(&self) -> String {
        format!("{}/sign-in/back", self.settings.base_url)
    }

    /// Hospitals whose own sign-in is offered to strangers.
    pub async fn hospitals_with_provider(&self) -> Result<Vec<HospitalId>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let lookups = vec![Lookup::new("enabled", "yes")];
        let found = self
            .find::<Provider>(&permit, None, lookups, None, 1_000, false)
            .await?;
        Ok(found.into_iter().map(|p| p.key.hospital).collect())
    }

    /// The provider of the administrator's hospital.
    pub async fn provider(&self, cx: &Cx) -> Result<Option<ProviderView>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        Ok(self.stored_provider(hospital).await?.map(|p| ProviderView {
            issuer: p.doc.issuer,
            client_id: p.doc.client_id,
            has_secret: p.doc.secret.is_some(),
            claim: p.doc.claim,
            domain: p.doc.domain,
            strong: p.doc.strong.join(" "),
            enabled: p.doc.enabled,
            changed: p.doc.changed,
        }))
    }

    /// Sets the provider after the administrator has proved again who they are. The provider is asked at once: one that
    /// does not answer is not set.
    pub async fn set_provider(
        &self,
        cx: &Cx,
        given: &Reauth,
        form: ProviderForm,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let before = self.stored_provider(&hospital).await?;
        let (mut doc, secret) = self.checked(form, cx.now)?;
        doc.secret = match secret {
            Some(secret) => Some(self.wrapped(&hospital, &secret)?),
            None => before.as_ref().and_then(|b| b.doc.secret.clone()),
        };
        if doc.enabled {
            self.discover(&doc).await?;
        }
        self.reauthenticate(cx, given).await?;
        let stored = Versioned {
            key: self.doc_key::<Provider>(&hospital, &own_id()),
            version: before.map_or(0, |b| b.version),
            doc,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &stored)?;
        cx.note(
            &mut batch,
            &hospital,
            &Entry::of(Verb::Update, "hospital.sign-in-provider", &stored.key),
        );
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn stored_provider(
        &self,
        hospital: &HospitalId,
    ) -> Result<Option<Versioned<Provider>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        self.load::<Provider>(&permit, hospital, &own_id()).await
    }

    fn wrapped(&self, hospital: &HospitalId, secret: &Phi<String>) -> Result<String, AppError> {
        let wrapped = self
            .node_key
            .wrap(
                &secret_context(hospital),
                secret.reveal().as_bytes(),
                &*self.entropy,
            )
            .map_err(|_| AppError::Internal("secret of a provider".into()))?;
        Ok(b64::encode(wrapped.0))
    }

    fn secret_of(
        &self,
        hospital: &HospitalId,
        provider: &Provider,
    ) -> Result<Option<String>, AppError> {
        let fault = || AppError::Internal("secret of a provider".into());
        let Some(text) = &provider.secret else {
            return Ok(None);
        };
        let bytes = b64::decode(text, "secret").map_err(|_| fault())?;
        let plain = self
            .node_key
            .unwrap(&secret_context(hospital), &Wrapped(bytes))
            .map_err(|_| fault())?;
        String::from_utf8(plain).map(Some).map_err(|_| fault())
    }

    /// The document without its secret, and the secret that was given.
    fn checked(
        &self,
        form: ProviderForm,
        now: Instant,
    ) -> Result<(Provider, Option<Phi<String>>), AppError> {
        let issuer = form.issuer.trim().to_owned();
        let wrong =
            |text: &str| AppError::invalid("issuer", "issuer", format!("the issuer: {text}"));
        let url = Url::parse(&issuer).map_err(|_| wrong("not an address"))?;
        self.outbound
            .check(&url)
            .map_err(|e| wrong(&e.to_string()))?;
        if url.query().is_some() {
            return Err(wrong("without a query"));
        }
        let short = |field: &'static str, text: &str, least: usize| {
            let text = text.trim().to_owned();
            let chars = text.chars().count();
            if chars < least || chars > 255 || text.chars().any(char::is_control) {
                return Err(AppError::invalid(field, "missing", "1 to 255 characters"));
            }
            Ok(text)
        };
        let strong: Vec<String> = form.strong.split_whitespace().map(str::to_owned).collect();
        if strong.len() > STRONG_MAX {
            return Err(AppError::invalid("strong", "too-long", "at most 16 values"));
        }
        let doc = Provider {
            issuer,
            client_id: short("client-id", &form.client_id, 1)?,
            secret: None,
            claim: short("claim", &form.claim, 1)?,
            domain: short("domain", &form.domain, 0)?
                .trim_start_matches('@')
                .to_lowercase(),
            strong,
            enabled: form.enabled,
            changed: now,
        };
        let secret = form.secret.filter(|s| !s.reveal().trim().is_empty());
        Ok((doc, secret))
    }
}
