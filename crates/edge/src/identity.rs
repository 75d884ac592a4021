//! Who this edge is: the secret that seals its spool, and the key by which the centre knows it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use kernel::{Entropy, Instant};
use seal::keys::KeyPair;
use seal::{Jwk, Jwks, NodeKey, Secret, Wrapped, b64};
use serde::{Deserialize, Serialize};

/// Keys of one edge.
pub struct Identity {
    node: NodeKey,
    pair: KeyPair,
    made_at: Instant,
}

/// The signing key as it is kept, wrapped under the secret of the key file.
#[derive(Serialize, Deserialize)]
struct Kept {
    kid: String,
    wrapped: String,
    made_at: Instant,
}

impl Identity {
    /// Reads the keys of the folder, or makes them on first use: `edge.key`, readable by the service alone, and
    /// `identity.json`, which is of no use without it.
    pub fn open(dir: &Path, entropy: &dyn Entropy, now: Instant) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let node = node_key(&dir.join("edge.key"), entropy)?;
        let path = dir.join("identity.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let kept: Kept = serde_json::from_slice(&bytes)?;
                let wrapped = Wrapped(b64::decode(&kept.wrapped, "identity").map_err(other)?);
                Ok(Self {
                    pair: KeyPair::unwrap(&node, &kept.kid, &wrapped).map_err(other)?,
                    node,
                    made_at: kept.made_at,
                })
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let pair = KeyPair::generate(entropy);
                let wrapped = pair.wrap(&node, entropy).map_err(other)?;
                let kept = Kept {
                    kid: pair.public().kid(),
                    wrapped: b64::encode(&wrapped.0),
                    made_at: now,
                };
                write_private(&path, &serde_json::to_vec(&kept)?)?;
                Ok(Self {
                    node,
                    pair,
                    made_at: now,
                })
            }
            Err(e) => Err(e),
        }
    }

    /// What seals the spool.
    pub fn spool_key(&self) -> Secret {
        self.node.derive(b"karez edge spool")
    }

    /// The public key as the centre registers it (RFC 7517 §5).
    pub fn jwks(&self) -> Jwks {
        Jwks {
            keys: vec![Jwk::new(self.pair.public(), self.made_at, None)],
        }
    }

    /// Proves the client to the centre's token address (RFC 7523 §3), for two minutes and once.
    pub fn assertion(
        &self,
        client: &str,
        audience: &str,
        now: Instant,
        entropy: &dyn Entropy,
    ) -> io::Result<String> {
        let head =
            serde_json::json!({"alg": "ES256", "typ": "JWT", "kid": self.pair.public().kid()});
        let claims = serde_json::json!({
            "iss": client, "sub": client, "aud": audience,
            "iat": now.as_second(), "exp": now.as_second() + 120, "jti": entropy.uuid_v7(now),
        });
        let signed = format!(
            "{}.{}",
            b64::encode(head.to_string().as_bytes()),
            b64::encode(claims.to_string().as_bytes())
        );
        let signature = self.pair.sign(signed.as_bytes()).map_err(other)?;
        Ok(format!("{signed}.{}", b64::encode(signature)))
    }
}

fn node_key(path: &Path, entropy: &dyn Entropy) -> io::Result<NodeKey> {
    match fs::read_to_string(path) {
        Ok(text) => NodeKey::from_text(&text).map_err(other),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let key = NodeKey::generate(entropy);
            write_private(path, key.to_text().as_bytes())?;
            Ok(key)
        }
        Err(e) => Err(e),
    }
}

/// Writes a new file that only the service's account can read, synced with its folder.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn other(e: impl std::fmt::Display) -> io::Error {
    io::Error::other(e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn an_edge_stays_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let now = Instant::UNIX_EPOCH;
        let first = Identity::open(dir.path(), &SystemEntropy, now).unwrap();
        let again = Identity::open(dir.path(), &SystemEntropy, now).unwrap();
        assert_eq!(first.jwks(), again.jwks());
        assert_eq!(first.spool_key().expose(), again.spool_key().expose());
        let assertion = again
            .assertion(
                "client-1",
                "https://centre/oauth/token",
                now,
                &SystemEntropy,
            )
            .unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let key = first.jwks().keys[0].key().unwrap();
        let signature = b64::decode(signature, "signature").unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_service_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let _made = Identity::open(dir.path(), &SystemEntropy, Instant::UNIX_EPOCH).unwrap();
        let mode = fs::metadata(dir.path().join("edge.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0);
    }
}
