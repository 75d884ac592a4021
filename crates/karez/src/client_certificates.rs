//! Certificates that machine clients may show on the encrypted line (RFC 8705). The line proves that whoever shows one
//! holds its key; whom it belongs to is decided by its thumbprint in the register of machine clients, so that neither an
//! issuer nor a name in it is trusted.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use gateway::auth::ClientThumbprint;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tokio::net::TcpStream;
use tower::Layer as _;

/// Asks for a certificate and lets in who shows none.
#[derive(Debug)]
pub struct Asked(pub Arc<CryptoProvider>);

impl ClientCertVerifier for Asked {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Self-signed ones are as good as others (RFC 8705 §2.2): the register knows the key or it does not.
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a connection and notes the certificate that was shown on it, for every request that comes over it.
#[derive(Clone)]
pub struct Noting(pub RustlsAcceptor);

type Accepted<S> = (
    <RustlsAcceptor as Accept<TcpStream, S>>::Stream,
    AddExtension<S, Option<ClientThumbprint>>,
);

impl<S: Send + 'static> Accept<TcpStream, S> for Noting {
    type Stream = <RustlsAcceptor as Accept<TcpStream, S>>::Stream;
    type Service = AddExtension<S, Option<ClientThumbprint>>;
    type Future = Pin<Box<dyn Future<Output = io::Result<Accepted<S>>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // As of lines without encryption: the end of an answer does not wait for the peer.
        let undelayed = stream.set_nodelay(true);
        let accepted = self.0.accept(stream, service);
        Box::pin(async move {
            undelayed?;
            let (stream, service) = accepted.await?;
            let shown = stream
                .get_ref()
                .1
                .peer_certificates()
                .and_then(|chain| chain.first())
                .map(|certificate| ClientThumbprint(seal::client::thumbprint(certificate)));
            Ok((stream, Extension(shown).layer(service)))
        })
    }
}
