//! A small time-stamping authority (RFC 3161 over HTTP) on this machine, with a root and a certificate of its own,
//! that tells the time of the test's clock and can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use app::settings::TimeStamping;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Clock;
use kernel::clock::ManualClock;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SigningKey as _,
};
use sha2::{Digest, Sha256};

const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE_V2: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f,
];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 2.999: the arc for examples.
const POLICY: &[u8] = &[0x88, 0x37, 0x01];

/// A running authority. It goes with the test's runtime.
pub struct TimeAuthority {
    url: String,
    root: Vec<u8>,
    desk: Arc<Desk>,
}

struct Desk {
    clock: ManualClock,
    key: KeyPair,
    certificate: Vec<u8>,
    up: AtomicBool,
    asked: AtomicU64,
}

impl TimeAuthority {
    /// Name in its certificate.
    pub const NAME: &'static str = "Test Time Stamping Authority";

    /// Starts on a free port, telling the time of `clock`.
    #[allow(clippy::expect_used)] // a test without its authority has nothing to test
    pub async fn start(clock: ManualClock) -> Self {
        let (root, key, certificate) = keys();
        let desk = Arc::new(Desk {
            clock,
            key,
            certificate,
            up: AtomicBool::new(true),
            asked: AtomicU64::new(0),
        });
        let router = axum::Router::new()
            .route("/", axum::routing::post(answer))
            .with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/"),
            root,
            desk,
        }
    }

    /// What a node must be told to use it.
    pub fn settings(&self) -> TimeStamping {
        TimeStamping {
            url: self.url.clone(),
            roots: vec![self.root.clone()],
            timeout: Duration::from_secs(5),
        }
    }

    /// From now on it answers, or says 503.
    pub fn set_up(&self, up: bool) {
        self.desk.up.store(up, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.desk.asked.load(Ordering::SeqCst)
    }
}

#[allow(clippy::expect_used)]
fn keys() -> (Vec<u8>, KeyPair, Vec<u8>) {
    let mut root = CertificateParams::new(Vec::<String>::new()).expect("no names");
    root.distinguished_name
        .push(DnType::CommonName, "Test Time Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_key = KeyPair::generate().expect("a key");
    let root_certificate = root.self_signed(&root_key).expect("a root");
    let mut own = CertificateParams::new(Vec::<String>::new()).expect("no names");
    own.distinguished_name
        .push(DnType::CommonName, TimeAuthority::NAME);
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
    own.serial_number = Some(7_u64.into());
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::new(root, root_key);
    let certificate = own.signed_by(&key, &issuer).expect("a certificate");
    (
        root_certificate.der().to_vec(),
        key,
        certificate.der().to_vec(),
    )
}

async fn answer(State(desk): State<Arc<Desk>>, request: axum::body::Bytes) -> Response {
    let nth = desk.asked.fetch_add(1, Ordering::SeqCst) + 1;
    if !desk.up.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match desk.stamp(&request, nth) {
        Some(response) => (
            [(header::CONTENT_TYPE, "application/timestamp-reply")],
            response,
        )
            .into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

impl Desk {
    /// TimeStampResp (RFC 3161 §2.4.2) to a request of version 1 with an imprint and a nonce.
    fn stamp(&self, request: &[u8], nth: u64) -> Option<Vec<u8>> {
        let (body, _) = element(request, 0x30)?;
        let (_, rest) = element(body.content, 0x02)?;
        let (imprint, rest) = element(rest, 0x30)?;
        let (nonce, _) = element(rest, 0x02)?;
        let at = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
        let tst = tlv(
            0x30,
            &[
                tlv(0x02, &[1]),
                tlv(0x06, POLICY),
                imprint.whole.to_vec(),
                tlv(0x02, &[&[0_u8][..], &nth.to_be_bytes()[6..]].concat()),
                tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes()),
                nonce.whole.to_vec(),
            ]
            .concat(),
        );
        let content = tlv(
            0x30,
            &[tlv(0x06, TST_INFO), tlv(0xa0, &tlv(0x04, &tst))].concat(),
        );
        let sha256 = tlv(0x30, &tlv(0x06, SHA256));
        let signed = tlv(
            0x30,
            &[
                tlv(0x02, &[3]),
                tlv(0x31, &sha256),
                content,
                tlv(0xa0, &self.certificate),
                tlv(0x31, &self.signer_info(&tst)?),
            ]
            .concat(),
        );
        let token = tlv(0x30, &[tlv(0x06, SIGNED_DATA), tlv(0xa0, &signed)].concat());
        let granted = tlv(0x30, &tlv(0x02, &[0]));
        Some(tlv(0x30, &[granted, token].concat()))
    }

    /// SignerInfo (RFC 5652 §5.3) over the stamped statement.
    fn signer_info(&self, tst: &[u8]) -> Option<Vec<u8>> {
        let (certificate, _) = element(&self.certificate, 0x30)?;
        let (body, _) = element(certificate.content, 0x30)?;
        let (_, rest) = element(body.content, 0xa0)?;
        let (serial, rest) = element(rest, 0x02)?;
        let (_, rest) = element(rest, 0x30)?;
        let (issuer, _) = element(rest, 0x30)?;
        let of = tlv(0x30, &tlv(0x04, &Sha256::digest(&self.certificate)));
        // In DER a set is sorted by its encoded members.
        let mut attributes = [
            attribute(CONTENT_TYPE, &tlv(0x06, TST_INFO)),
            attribute(MESSAGE_DIGEST, &tlv(0x04, &Sha256::digest(tst))),
            attribute(SIGNING_CERTIFICATE_V2, &tlv(0x30, &tlv(0x30, &of))),
        ];
        attributes.sort();
        let attributes = attributes.concat();
        let signature = self.key.sign(&tlv(0x31, &attributes)).ok()?;
        Some(tlv(
            0x30,
            &[
                tlv(0x02, &[1]),
                tlv(0x30, &[issuer.whole, serial.whole].concat()),
                tlv(0x30, &tlv(0x06, SHA256)),
                tlv(0xa0, &attributes),
                tlv(0x30, &tlv(0x06, ECDSA_SHA256)),
                tlv(0x04, &signature),
            ]
            .concat(),
        ))
    }
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(0x06, kind), tlv(0x31, value)].concat())
}

/// DER of one element (X.690 §8.1).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..0x80 => out.push(length[3]),
        0x80..0x100 => out.extend([0x81, length[3]]),
        _ => out.extend([0x82, length[2], length[3]]),
    }
    out.extend(content);
    out
}

struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

/// The first element, which must have this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (head, length) = match *bytes {
        [t, n, ..] if t == tag && n < 0x80 => (2, usize::from(n)),
        [t, 0x81, n, ..] if t == tag => (3, usize::from(n)),
        [t, 0x82, a, b, ..] if t == tag => (4, usize::from(a) << 8 | usize::from(b)),
        _ => return None,
    };
    let (whole, rest) = bytes.split_at_checked(head + length)?;
    let content = &whole[head..];
    Some((Element { whole, content }, rest))
}
