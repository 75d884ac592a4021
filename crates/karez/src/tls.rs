//! The encrypted line: rustls with one's own certificate, or a self-signed one kept in the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::client_certificates::Asked;
use crate::config::{Config, TlsMode};
use crate::node::write_secret;

/// Chooses the cryptography of every TLS line in this process. Another provider is linked too, so the choice must
/// be made before the first use.
pub fn install_provider() {
    // An error says that it was installed before, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The server's certificate and key; none for plain HTTP.
pub fn server(config: &Config, host: &str) -> anyhow::Result<Option<RustlsConfig>> {
    let (certificate, key) = match config.tls.mode {
        TlsMode::Off => return Ok(None),
        TlsMode::Files => (
            config.tls.certificate_file.clone().unwrap_or_default(),
            config.tls.key_file.clone().unwrap_or_default(),
        ),
        TlsMode::SelfSigned => self_signed(&config.data.dir, host)?,
    };
    let loaded = load(&certificate, &key, config.tls.client_certificates)
        .with_context(|| format!("tls: {} with {}", certificate.display(), key.display()))?;
    Ok(Some(RustlsConfig::from_config(Arc::new(loaded))))
}

/// The encrypted line of the DICOM listener: its own certificate, or the one of HTTP. Every peer is asked for a certificate;
/// whom it belongs to is decided by its thumbprint.
pub fn dicom(config: &Config, host: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let files = match (&config.dicom.certificate_file, &config.dicom.key_file) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => match (&config.tls.certificate_file, &config.tls.key_file) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => self_signed(&config.data.dir, host)?,
        },
    };
    let mut loaded = load(&files.0, &files.1, true)
        .with_context(|| format!("dicom: {} with {}", files.0.display(), files.1.display()))?;
    loaded.alpn_protocols.clear();
    Ok(Arc::new(loaded))
}

/// The encrypted line to entities that images are sent to. None when no authority is known, which is told when one is
/// needed.
pub fn dicom_out(config: &Config) -> anyhow::Result<Option<Arc<ClientConfig>>> {
    let mut roots = RootCertStore::empty();
    match &config.dicom.authorities_file {
        Some(file) => {
            let name = || format!("dicom.authorities_file: {}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).with_context(name)? {
                roots
                    .add(certificate.with_context(name)?)
                    .with_context(name)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Ok(None);
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let own = match (&config.dicom.certificate_file, &config.dicom.key_file) {
        (Some(certificate), Some(key)) => {
            let chain =
                CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Some(Arc::new(own)))
}

/// The line as its files describe it; `ask`: clients are asked for a certificate of their own.
pub fn load(certificate: &Path, key: &Path, ask: bool) -> anyhow::Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let builder = ServerConfig::builder();
    let builder = if ask {
        let provider = CryptoProvider::get_default()
            .context("no cryptography was chosen")?
            .clone();
        builder.with_client_cert_verifier(Arc::new(Asked(provider)))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Paths of the self-signed certificate and its key, made when they are not there.
fn self_signed(dir: &Path, host: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    if !certificate.exists() || !key.exists() {
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        if !names.iter().any(|n| n == host) && host != "0.0.0.0" && host != "::" {
            names.push(host.to_owned());
        }
        let made = rcgen::generate_simple_self_signed(names).context("tls: self-signed")?;
        for path in [&certificate, &key] {
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        write_secret(&key, made.signing_key.serialize_pem().as_bytes())?;
        write_secret(&certificate, made.cert.pem().as_bytes())?;
        tracing::info!(
            file = %certificate.display(),
            "a self-signed certificate was made; browsers will ask whether to trust it"
        );
    }
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, _) = self_signed(dir.path(), "karez.example").unwrap();
        let first = std::fs::read(&certificate).unwrap();
        self_signed(dir.path(), "karez.example").unwrap();
        assert_eq!(std::fs::read(&certificate).unwrap(), first);
    }
}
