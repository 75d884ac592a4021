//! Machine clients of a hospital: registered by its administrator with their public keys.

use agreements::{ActorKind, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant};
use seal::client::ClientCertificate;
use store::Lookup;

use crate::accounts::invite::check_name;
use crate::accounts::model::MachineClient;
use crate::{App, AppError, Cx};

/// Keys a client may register.
const KEYS_MAX: usize = 8;

/// A client to register.
#[derive(Debug, Clone)]
pub struct NewMachine {
    pub name: String,
    /// A JSON Web Key Set (RFC 7517 §5) with public keys only, as text; empty for a client with a certificate alone.
    pub jwks: String,
    /// A certificate as PEM text (RFC 8705), or empty.
    pub certificate: String,
}

/// A client in the administrator's list.
#[derive(Debug, Clone)]
pub struct MachineLine {
    pub client: AccountId,
    pub name: String,
    pub keys: Vec<String>,
    pub certificates: Vec<ClientCertificate>,
    pub created: Instant,
    pub suspended: Option<Instant>,
}

impl App {
    /// Registers a machine client. Its id is the `client_id` of RFC 7523 §3.
    pub async fn register_machine(&self, cx: &Cx, new: NewMachine) -> Result<AccountId, AppError> {
        let hospital = administrator_or_operator(cx)?;
        self.register_machine_at(cx, &hospital, new).await
    }

    /// As [`App::register_machine`], for a hospital the operator names.
    pub async fn register_machine_at(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        new: NewMachine,
    ) -> Result<AccountId, AppError> {
        if !cx.actor.has(Role::Operator) && cx.actor.hospital.as_ref() != Some(hospital) {
            return Err(AppError::denied("other-hospital"));
        }
        administrator_or_operator(cx)?;
        check_name(&new.name)?;
        let certificates = check_certificate(&new.certificate, cx.now)?;
        let jwks = if new.jwks.trim().is_empty() && !certificates.is_empty() {
            serde_json::json!({"keys": []})
        } else {
            check_jwks(&new.jwks)?
        };
        let mut account = self.blank_account("", &new.name, cx.now)?;
        account.kind = ActorKind::Machine;
        account.login = format!("machine:{}", account.id);
        account.machine = Some(MachineClient {
            hospital: hospital.clone(),
            jwks,
            certificates,
            registered_by: cx.actor.account.clone(),
        });
        let id = account.id.clone();
        self.commit_new_account(cx, account, "machine.registered", Some(hospital))
            .await?;
        Ok(id)
    }

    /// The clients of the administrator's hospital.
    pub async fn machines(&self, cx: &Cx) -> Result<Vec<MachineLine>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::new("machine", hospital.as_str())];
        let network = HospitalId::network();
        let found = self
            .find::<crate::accounts::Account>(&permit, Some(&network), lookups, None, 1_000, false)
            .await?;
        Ok(found
            .into_iter()
            .map(|a| MachineLine {
                keys: a
                    .doc
                    .machine
                    .as_ref()
                    .map(|m| kids(&m.jwks))
                    .unwrap_or_default(),
                certificates: a.doc.machine.map(|m| m.certificates).unwrap_or_default(),
                client: a.doc.id,
                name: a.doc.name,
                created: a.doc.created,
                suspended: a.doc.suspended,
            })
            .collect())
    }

    /// Withdraws a client: its tokens stop at once.
    pub async fn withdraw_machine(&self, cx: &Cx, client: &AccountId) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut found = self
            .load_account(client)
            .await?
            .filter(|a| {
                a.doc
                    .machine
                    .as_ref()
                    .is_some_and(|m| m.hospital == hospital)
            })
            .ok_or(AppError::NotFound)?;
        found.doc.suspended = Some(cx.now);
        let batch = self.account_batch(cx, &found, "machine.withdrawn", Some(&hospital))?;
        self.store.commit(batch).await?;
        Ok(())
    }
}

fn administrator_or_operator(cx: &Cx) -> Result<HospitalId, AppError> {
    if cx.actor.has(Role::Operator) {
        Ok(cx.hospital()?.clone())
    } else {
        Ok(cx.require(Role::Administrator)?.clone())
    }
}

fn kids(jwks: &serde_json::Value) -> Vec<String> {
    jwks["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|k| k["kid"].as_str().unwrap_or("–").to_owned())
        .collect()
}

/// The certificate in a PEM text; none for an empty text.
fn check_certificate(text: &str, now: Instant) -> Result<Vec<ClientCertificate>, AppError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |code, text: &str| AppError::invalid("certificate", code, text);
    if text.len() > 16 * 1024 {
        return Err(wrong("certificate", "at most 16 kB"));
    }
    let certificate = ClientCertificate::from_pem(text).map_err(|e| match e {
        seal::SealError::Unsupported(_) => wrong("jwks-private", "a private key: never send it"),
        _ => wrong("certificate", "not a certificate in PEM"),
    })?;
    if !certificate.holds(now) {
        return Err(wrong("certificate-over", "it does not hold today"));
    }
    Ok(vec![certificate])
}

/// A set of public keys with ids; a private or symmetric member refuses the whole.
fn check_jwks(text: &str) -> Result<serde_json::Value, AppError> {
    let wrong = |why: &str| AppError::invalid("jwks", "jwks", why);
    if text.len() > 64 * 1024 {
        return Err(wrong("at most 64 kB"));
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong("not JSON"))?;
    let keys = value["keys"].as_array().ok_or_else(|| wrong("no keys"))?;
    if keys.is_empty() || keys.len() > KEYS_MAX {
        return Err(wrong("one to eight keys"));
    }
    for key in keys {
        if ["d", "p", "q", "k"].iter().any(|m| key.get(m).is_some()) {
            return Err(AppError::invalid(
                "jwks",
                "jwks-private",
                "a private key: never send it; make a new pair",
            ));
        }
        if key["kid"].as_str().is_none_or(str::is_empty) {
            return Err(wrong("each key needs a kid"));
        }
        super::assertion::decoding_key(key).map_err(|()| wrong("an EC or RSA key is expected"))?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_never_registered() {
        let jwks = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA","d":"AA"}]}"#;
        let AppError::Invalid(problems) = check_jwks(jwks).unwrap_err() else {
            panic!("refused as invalid");
        };
        assert_eq!(problems[0].code, "jwks-private");
        assert!(check_jwks(r#"{"keys":[]}"#).is_err());
        assert!(check_jwks("[]").is_err());
    }
}
