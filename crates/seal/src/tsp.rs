//! Time stamps by an independent authority (RFC 3161): the request, and the verification of a token.
//!
//! Sending the request is the caller's work. A token is verified against the authority's certificate that it
//! carries, and that certificate against the roots the verifier holds, if any. Without roots, whether the authority
//! deserves trust is for the reader, who is told its name.

use kernel::Instant;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::prelude::{AlgorithmIdentifier, FromDer, X509Certificate};

use crate::error::{Result, SealError};

const BAD: SealError = SealError::Malformed("time-stamp token");

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// Longest response that is read, bytes.
pub const RESPONSE_BYTES_MAX: usize = 64 << 10;

/// A verified time stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStamp {
    /// The authority's time.
    pub at: Instant,
    /// Name in the authority's certificate.
    pub authority: String,
    /// The authority's certificate leads to one of the roots that were given.
    pub rooted: bool,
}

/// Links between an authority's certificate and a root.
const CHAIN_MAX: usize = 5;

/// Builds a `TimeStampReq` (RFC 3161 §2.4.1) for a SHA-256 `imprint`; asks for the authority's certificate.
/// Send it as `application/timestamp-query`.
pub fn request(imprint: &[u8; 32], nonce: u64) -> Vec<u8> {
    let algorithm = [&tlv(0x06, SHA256)[..], &[0x05, 0x00]].concat();
    let message = [tlv(0x30, &algorithm), tlv(0x04, imprint)].concat();
    // A leading zero keeps the number positive.
    let mut number = vec![0];
    number.extend(nonce.to_be_bytes());
    let start = (0..8)
        .find(|&i| number[i] != 0 || number[i + 1] & 0x80 != 0)
        .unwrap_or(8);
    tlv(
        0x30,
        &[
            tlv(0x02, &[1]),
            tlv(0x30, &message),
            tlv(0x02, &number[start..]),
            tlv(0x01, &[0xff]),
        ]
        .concat(),
    )
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    // Everything built here is shorter than 128 bytes.
    let mut out = vec![tag, content.len() as u8];
    out.extend(content);
    out
}

/// Takes the token out of a `TimeStampResp` (RFC 3161 §2.4.2) and verifies it for `stamped`, whose SHA-256 was
/// sent with `nonce`.
pub fn open_response(
    response: &[u8],
    stamped: &[u8],
    nonce: u64,
    roots: &[Vec<u8>],
) -> Result<(Vec<u8>, TimeStamp)> {
    if response.len() > RESPONSE_BYTES_MAX {
        return Err(BAD);
    }
    let mut body = Der(whole(response, 0x30)?);
    let status = Der(body.take(0x30)?).take(0x02)?;
    // 0 granted, 1 granted with modifications.
    if !matches!(status, [0 | 1]) {
        return Err(SealError::Unsupported(
            "a time stamp: the authority declined".into(),
        ));
    }
    let token = body.0;
    let (stamp, said) = verify(token, stamped, roots)?;
    let asked = nonce.to_be_bytes();
    let asked: Vec<u8> = asked.into_iter().skip_while(|b| *b == 0).collect();
    let said: Vec<u8> = said
        .unwrap_or_default()
        .iter()
        .copied()
        .skip_while(|b| *b == 0)
        .collect();
    if asked != said {
        return Err(SealError::NotAuthentic(
            "time stamp: it answers another request",
        ));
    }
    Ok((token.to_vec(), stamp))
}

/// Verifies a token for the bytes that were stamped. `roots` are certificates (DER) the verifier trusts for time.
pub fn open(token: &[u8], stamped: &[u8], roots: &[Vec<u8>]) -> Result<TimeStamp> {
    verify(token, stamped, roots).map(|(stamp, _)| stamp)
}

fn verify<'a>(
    token: &'a [u8],
    stamped: &[u8],
    roots: &[Vec<u8>],
) -> Result<(TimeStamp, Option<&'a [u8]>)> {
    // ContentInfo and SignedData (RFC 5652 §3, §5.1).
    let mut info = Der(whole(token, 0x30)?);
    expect(info.take(0x06)?, SIGNED_DATA)?;
    let mut signed = Der(whole(info.take(0xa0)?, 0x30)?);
    signed.take(0x02)?;
    signed.take(0x31)?;
    let mut content = Der(signed.take(0x30)?);
    expect(content.take(0x06)?, TST_INFO)?;
    let tst = whole(content.take(0xa0)?, 0x04)?;
    let certificates = signed.take(0xa0)?;
    if signed.peek() == Some(0xa1) {
        signed.take(0xa1)?;
    }
    let mut signers = Der(signed.take(0x31)?);

    let signer = Der(signers.take(0x30)?);
    let authority = verify_signer(signer, tst, certificates)?;
    let (at, nonce) = read_tst(tst, stamped)?;
    if !valid_at(&authority, at) {
        return Err(SealError::Certificate(
            "the authority's certificate was not valid then".into(),
        ));
    }
    let rooted = leads_to(&authority, certificates, roots, at)?;
    Ok((
        TimeStamp {
            at,
            authority: name_of(&authority),
            rooted,
        },
        nonce,
    ))
}

fn valid_at(cert: &X509Certificate<'_>, at: Instant) -> bool {
    let (from, until) = (cert.validity().not_before, cert.validity().not_after);
    (from.timestamp()..=until.timestamp()).contains(&at.as_second())
}

fn name_of(cert: &X509Certificate<'_>) -> String {
    let common = cert.subject().iter_common_name().next();
    let common = common.and_then(|n| n.as_str().ok());
    common.map_or_else(|| cert.subject().to_string(), str::to_owned)
}

/// Whether a certificate leads over those the token carries to a root (RFC 5280 §6.1: names, signatures, validity at
/// the stamped time and the right to issue; no policies, no revocation).
fn leads_to(
    authority: &X509Certificate<'_>,
    carried: &[u8],
    roots: &[Vec<u8>],
    at: Instant,
) -> Result<bool> {
    let roots: Vec<X509Certificate<'_>> = roots.iter().map(|r| read(r)).collect::<Result<_>>()?;
    let mut between = Vec::new();
    let mut rest = carried;
    while !rest.is_empty() {
        let (after, cert) = X509Certificate::from_der(rest).map_err(|_| BAD)?;
        rest = after;
        between.push(cert);
    }
    let issued = |by: &X509Certificate<'_>, cert: &X509Certificate<'_>| {
        by.subject().as_raw() == cert.issuer().as_raw()
            && by.is_ca()
            && valid_at(by, at)
            && cert.verify_signature(Some(by.public_key())).is_ok()
    };
    let mut cert = authority;
    for _ in 0..CHAIN_MAX {
        if roots
            .iter()
            .any(|r| r.as_raw() == cert.as_raw() || issued(r, cert))
        {
            return Ok(true);
        }
        match between.iter().find(|by| issued(by, cert)) {
            Some(by) if by.as_raw() != cert.as_raw() => cert = by,
            _ => return Ok(false),
        }
    }
    Ok(false)
}

fn read(der: &[u8]) -> Result<X509Certificate<'_>> {
    let (_, cert) = X509Certificate::from_der(der)
        .map_err(|_| SealError::Malformed("certificate of a time-stamping root"))?;
    Ok(cert)
}

/// TSTInfo (RFC 3161 §2.4.2): checks the imprint; returns time and nonce.
fn read_tst<'a>(tst: &'a [u8], stamped: &[u8]) -> Result<(Instant, Option<&'a [u8]>)> {
    let mut tst = Der(whole(tst, 0x30)?);
    expect(tst.take(0x02)?, &[1])?;
    tst.take(0x06)?;
    let mut imprint = Der(tst.take(0x30)?);
    expect(Der(imprint.take(0x30)?).take(0x06)?, SHA256)?;
    if imprint.take(0x04)? != Sha256::digest(stamped).as_slice() {
        return Err(SealError::NotAuthentic(
            "time stamp: it is of something else",
        ));
    }
    tst.take(0x02)?;
    let at = generalized_time(tst.take(0x18)?)?;
    let mut nonce = None;
    while let Some(tag) = tst.peek() {
        let value = tst.take(tag)?;
        if tag == 0x02 {
            nonce = Some(value);
        }
    }
    Ok((at, nonce))
}

/// SignerInfo (RFC 5652 §5.3). Returns the authority's certificate.
fn verify_signer<'a>(
    mut signer: Der<'_>,
    tst: &[u8],
    certificates: &'a [u8],
) -> Result<X509Certificate<'a>> {
    signer.take(0x02)?;
    let mut sid = Der(signer.take(0x30)?);
    let (issuer, serial) = (sid.element(0x30)?, sid.take(0x02)?);
    let digest_algorithm = Der(signer.take(0x30)?).take(0x06)?;
    let attributes = signer.element(0xa0)?;
    let signature_algorithm = signer.element(0x30)?;
    let signature = signer.take(0x04)?;

    check_attributes(attributes, digest_algorithm, tst)?;
    let mut rest = certificates;
    while !rest.is_empty() {
        let (after, cert) = X509Certificate::from_der(rest).map_err(|_| BAD)?;
        rest = after;
        if cert.issuer().as_raw() != issuer || cert.raw_serial() != serial {
            continue;
        }
        let purpose = cert.extended_key_usage().map_err(|_| BAD)?;
        if !purpose.is_some_and(|p| p.value.time_stamping) {
            return Err(SealError::Certificate(
                "the authority's certificate is not for time stamps".into(),
            ));
        }
        let algorithm = signature_algorithm_of(signature_algorithm, digest_algorithm)?;
        let (_, algorithm) = AlgorithmIdentifier::from_der(&algorithm).map_err(|_| BAD)?;
        // Signed as a SET OF, though written with a context tag (RFC 5652 §5.4).
        let mut message = attributes.to_vec();
        message[0] = 0x31;
        let signature = x509_parser::asn1_rs::BitString::new(0, signature);
        x509_parser::verify::verify_signature(cert.public_key(), &algorithm, &signature, &message)
            .map_err(|_| SealError::BadSignature("time stamp"))?;
        return Ok(cert);
    }
    Err(SealError::Certificate(
        "the token does not carry the authority's certificate".into(),
    ))
}

fn check_attributes(attributes: &[u8], digest_algorithm: &[u8], tst: &[u8]) -> Result<()> {
    let digest = match digest_algorithm {
        SHA256 => Sha256::digest(tst).to_vec(),
        SHA384 => Sha384::digest(tst).to_vec(),
        SHA512 => Sha512::digest(tst).to_vec(),
        _ => return Err(SealError::Unsupported("digest of a time stamp".into())),
    };
    let (mut of_content, mut of_type) = (false, false);
    let mut attributes = Der(whole(attributes, 0xa0)?);
    while attributes.peek().is_some() {
        let mut attribute = Der(attributes.take(0x30)?);
        let (kind, mut values) = (attribute.take(0x06)?, Der(attribute.take(0x31)?));
        match kind {
            MESSAGE_DIGEST => of_content = values.take(0x04)? == digest,
            CONTENT_TYPE => of_type = values.take(0x06)? == TST_INFO,
            _ => {}
        }
    }
    if of_content && of_type {
        Ok(())
    } else {
        Err(SealError::BadSignature("time stamp"))
    }
}

/// CMS may name plain RSA and leave the digest to another field (RFC 3370 §3.2): both are needed together.
fn signature_algorithm_of(written: &[u8], digest: &[u8]) -> Result<Vec<u8>> {
    let oid = Der(whole(written, 0x30)?).take(0x06)?;
    if oid != RSA {
        return Ok(written.to_vec());
    }
    let last = match digest {
        SHA256 => 0x0b,
        SHA384 => 0x0c,
        SHA512 => 0x0d,
        _ => return Err(SealError::Unsupported("digest of a time stamp".into())),
    };
    let mut with_digest = RSA.to_vec();
    with_digest[8] = last;
    Ok(tlv(
        0x30,
        &[&tlv(0x06, &with_digest)[..], &[0x05, 0x00]].concat(),
    ))
}

/// `YYYYMMDDHHMMSS[.f…]Z` (RFC 3161 §2.4.2).
fn generalized_time(text: &[u8]) -> Result<Instant> {
    let text = std::str::from_utf8(text).map_err(|_| BAD)?;
    if !text.is_ascii() || text.len() < 15 || !text.ends_with('Z') {
        return Err(BAD);
    }
    let (d, rest) = text.split_at(8);
    let (date, time) = (
        format!("{}-{}-{}", &d[..4], &d[4..6], &d[6..]),
        format!("{}:{}:{}", &rest[..2], &rest[2..4], &rest[4..]),
    );
    format!("{date}T{time}").parse().map_err(|_| BAD)
}

fn expect(found: &[u8], wanted: &[u8]) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(BAD) }
}

/// Reads definite-length DER one element at a time (X.690 §8.1).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }
    /// The next element, header included; it must have this tag.
    fn element(&mut self, tag: u8) -> Result<&'a [u8]> {
        let (head, len) = self.measure(tag)?;
        let (element, rest) = self.0.split_at_checked(head + len).ok_or(BAD)?;
        self.0 = rest;
        Ok(element)
    }
    /// The next element's content.
    fn take(&mut self, tag: u8) -> Result<&'a [u8]> {
        let (head, _) = self.measure(tag)?;
        Ok(&self.element(tag)?[head..])
    }
    fn measure(&self, tag: u8) -> Result<(usize, usize)> {
        match *self.0 {
            [t, len, ..] if t == tag && len < 0x80 => Ok((2, len.into())),
            [t, 0x81, len, ..] if t == tag => Ok((3, len.into())),
            [t, 0x82, a, b, ..] if t == tag => Ok((4, usize::from(a) << 8 | usize::from(b))),
            _ => Err(BAD),
        }
    }
}

/// The content of the one element that these bytes are.
fn whole(bytes: &[u8], tag: u8) -> Result<&[u8]> {
    let mut der = Der(bytes);
    let content = der.take(tag)?;
    if der.0.is_empty() {
        Ok(content)
    } else {
        Err(BAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMPED: &[u8] = b"a signature to be stamped";

    /// A response made by `openssl ts` for [`STAMPED`] with our own request (see the file's folder).
    fn response() -> &'static [u8] {
        include_bytes!("../tests/data/tsp-response.der")
    }

    #[test]
    fn a_request_is_what_openssl_reads() {
        let r = request(&Sha256::digest(STAMPED).into(), 0x0102_0304_0506_0708);
        assert_eq!(r, include_bytes!("../tests/data/tsp-request.der"));
        assert_eq!(request(&[0; 32], 0x80)[56..60], [0x02, 0x02, 0x00, 0x80]);
        assert_eq!(request(&[0; 32], 0)[56..59], [0x02, 0x01, 0x00]);
    }

    #[test]
    fn a_token_made_by_openssl_verifies_for_what_was_stamped() {
        let (token, stamp) =
            open_response(response(), STAMPED, 0x0102_0304_0506_0708, &[]).unwrap();
        assert_eq!(stamp.authority, "Example Time Stamping Authority");
        assert!(!stamp.rooted);
        assert_eq!(open(&token, STAMPED, &[]).unwrap(), stamp);
        assert!(open(&token, b"something else", &[]).is_err());
        assert!(open_response(response(), STAMPED, 1, &[]).is_err());
    }

    #[test]
    fn a_token_altered_in_its_time_is_refused() {
        let (token, _) = open_response(response(), STAMPED, 0x0102_0304_0506_0708, &[]).unwrap();
        let time = token
            .windows(3)
            .position(|w| w[0] == 0x18 && w[1] == 15)
            .unwrap()
            + 2;
        for i in time..time + 14 {
            let mut altered = token.clone();
            altered[i] ^= 1;
            assert!(open(&altered, STAMPED, &[]).is_err(), "byte {i}");
        }
        for i in 0..token.len() {
            assert!(open(&token[..i], STAMPED, &[]).is_err());
        }
    }
}
