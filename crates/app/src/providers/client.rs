//! The relying party (OpenID Connect Core 1.0, Discovery 1.0): provider metadata and keys are asked for each time, so
//! that a rotated key is known at once and nothing stale is trusted.

use kernel::HospitalId;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeVerifier, RedirectUrl, StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};

use super::Provider;
use crate::{App, AppError};

/// Difference of clocks that is forgiven, seconds.
const LEEWAY_S: i64 = 30;
/// Signatures that are accepted. Those by a shared secret or none are not.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims of a provider's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    #[serde(flatten)]
    all: serde_json::Map<String, serde_json::Value>,
}

impl AdditionalClaims for Others {}

type Claims = IdTokenClaims<Others, CoreGenderClaim>;
type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(super) type RelyingParty = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Who a provider says has signed in.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub subject: String,
    /// The claim that names the person.
    pub login: Option<String>,
    /// `acr` and `amr`: how they proved it there.
    pub methods: Vec<String>,
}

pub(super) fn down() -> AppError {
    AppError::rejected(
        "provider-down",
        "the sign-in of the hospital does not answer",
    )
}

fn refused(why: &'static str) -> AppError {
    tracing::warn!(why, "an answer of a sign-in provider was refused");
    AppError::rejected(
        "provider-refused",
        "the sign-in of the hospital answered wrongly",
    )
}

impl App {
    /// Metadata and keys of the provider as they are now.
    pub(super) async fn discover(
        &self,
        provider: &Provider,
    ) -> Result<CoreProviderMetadata, AppError> {
        let issuer = IssuerUrl::new(provider.issuer.clone())
            .map_err(|_| AppError::invalid("issuer", "issuer", "not an address"))?;
        CoreProviderMetadata::discover_async(issuer, &self.outbound)
            .await
            .map_err(|error| {
                tracing::warn!(kind = kind_of(&error), "a sign-in provider cannot be asked");
                down()
            })
    }

    pub(super) async fn provider_client(
        &self,
        hospital: &HospitalId,
        provider: &Provider,
    ) -> Result<RelyingParty, AppError> {
        let metadata = self.discover(provider).await?;
        let secret = self.secret_of(hospital, provider)?.map(ClientSecret::new);
        let back = RedirectUrl::new(self.provider_return_address())
            .map_err(|_| AppError::Internal("return address".into()))?;
        let client = ClientId::new(provider.client_id.clone());
        Ok(RelyingParty::from_provider_metadata(metadata, client, secret).set_redirect_uri(back))
    }

    /// Redeems the code (OpenID Connect Core §3.1.3) and verifies what the ID token says (§3.1.3.7).
    pub(super) async fn redeem(
        &self,
        client: &RelyingParty,
        provider: &Provider,
        code: &str,
        (verifier, nonce): (String, String),
    ) -> Result<Said, AppError> {
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| refused("no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&self.outbound)
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::Request(_) => down(),
                openidconnect::RequestTokenError::ServerResponse(_) => refused("the code"),
                _ => refused("the token answer"),
            })?;
        let token = answer.id_token().ok_or_else(|| refused("no ID token"))?;
        let now = self.now();
        let at = chrono::DateTime::from_timestamp(now.as_second(), 0)
            .ok_or_else(|| AppError::Internal("time".into()))?;
        let rules = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || at - chrono::TimeDelta::seconds(LEEWAY_S))
            .set_issue_time_verifier_fn(move |issued| {
                if issued <= at + chrono::TimeDelta::seconds(LEEWAY_S) {
                    Ok(())
                } else {
                    Err("issued in the future".into())
                }
            });
        let claims = token
            .claims(&rules, &Nonce::new(nonce))
            .map_err(|error| refused(why(&error)))?;
        Ok(said(claims, &provider.claim))
    }
}

fn said(claims: &Claims, name: &str) -> Said {
    let login = match name {
        "sub" => Some(claims.subject().to_string()),
        "email" if claims.email_verified() == Some(false) => None,
        "email" => claims.email().map(|e| e.to_string()),
        "preferred_username" => claims.preferred_username().map(|n| n.to_string()),
        own => claims
            .additional_claims()
            .all
            .get(own)
            .and_then(|v| v.as_str())
            .map(str::to_owned),
    };
    let methods = claims
        .auth_context_ref()
        .map(|acr| acr.to_string())
        .into_iter()
        .chain(
            claims
                .auth_method_refs()
                .into_iter()
                .flatten()
                .map(|amr| amr.to_string()),
        );
    Said {
        subject: claims.subject().to_string(),
        login,
        methods: methods.collect(),
    }
}

/// The rule that was broken, without what the token said.
fn why(error: &openidconnect::ClaimsVerificationError) -> &'static str {
    use openidconnect::ClaimsVerificationError as E;
    match error {
        E::Expired(_) => "expired",
        E::InvalidAudience(_) => "audience",
        E::InvalidIssuer(_) => "issuer",
        E::InvalidNonce(_) => "nonce",
        E::SignatureVerification(_) => "signature",
        _ => "claims",
    }
}

fn kind_of<E: std::error::Error>(error: &openidconnect::DiscoveryError<E>) -> &'static str {
    use openidconnect::DiscoveryError as E;
    match error {
        E::Request(_) => "unreachable",
        E::Response(..) => "status",
        E::Validation(_) => "issuer",
        _ => "malformed",
    }
}
