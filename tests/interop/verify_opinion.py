#!/usr/bin/env python3
"""Verifies a sealed opinion with `jwcrypto` and `cryptography` alone; no code of Karez takes part.

    verify_opinion.py FILE [--keys JWKS]

JWKS is the sealing hospital's key set, fetched beforehand from a place that is trusted; without it the keys inside
the file are used and the result says so. Exit code: 0 genuine or unaltered, 1 refused, 2 wrong use.
The format is described in docs/formats/sealed-file.md.
"""

import argparse
import base64
import datetime
import hashlib
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from jwcrypto import jwk, jws

SEAL_DELAY_S_MAX = 3600


class Refused(Exception):
    """A check failed; the text says which."""


def need(condition, words):
    if not condition:
        raise Refused(words)


def unbase64url(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "form: base64url is not canonical")
    return data


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def read_file(path):
    with open(path, "rb") as f:
        raw = f.read()
    file = json.loads(raw)
    names = "format version content_type document signature time_stamp keys revocations seal".split()
    need(list(file) == names, "form: not the members of a sealed file")
    need((file["format"], file["version"]) == ("karez-sealed-file", 1), "form: another format or version")
    again = json.dumps(file, indent=2, ensure_ascii=False) + "\n"
    need(again.encode() == raw, "form: not the one text of this file")
    return file


def key_at(keys, kid, at):
    """The published key, if a signature made at `at` (seconds) may count."""
    found = [k for k in keys["keys"] if k["kid"] == kid]
    need(found, f"hospital key: {kid} is not in the key set")
    entry = found[0]
    need(jwk.JWK(**{m: entry[m] for m in ("kty", "crv", "x", "y")}).thumbprint() == kid, "hospital key: thumbprint")
    need(entry["nbf"] <= at and not ("exp" in entry and at >= entry["exp"]), "hospital key: not in use then")
    revoked = entry.get("revoked")
    if revoked:
        when = datetime.datetime.fromisoformat(revoked["revoked_at"].replace("Z", "+00:00")).timestamp()
        need(revoked["reason"] != "key-compromise" and at < when, "hospital key: revoked")
    return jwk.JWK(**{m: entry[m] for m in ("kty", "crv", "x", "y")})


def verify_seal(file, trusted):
    for part in file["seal"].split("."):
        unbase64url(part)
    token = jws.JWS()
    token.deserialize(file["seal"])
    header = token.jose_header
    need(header.get("alg") == "ES256" and header.get("typ") == "karez-seal", "seal: not a seal")
    keys = trusted or json.loads(unbase64url(file["keys"]))
    token.verify(key_at(keys, header["kid"], header["iat"]), alg="ES256")
    statement = json.loads(token.payload)
    for part in ("document", "keys", "revocations"):
        need(digest(unbase64url(file[part])) == statement[part], f"parts: the {part} is not the one sealed")
    need(digest(file["signature"].encode()) == statement["signature"], "parts: the signature is not the one sealed")
    stamp = file["time_stamp"]
    stamp = stamp and digest(unbase64url(stamp))
    need(stamp == statement["time_stamp"], "parts: the time stamp is not the one sealed")
    need(file["content_type"] == statement["content_type"], "parts: the content type is not the one sealed")
    return statement, keys, header["iat"]


def verify_author(file, statement, keys):
    """RFC 7515 Appendix F with RFC 7797: put the payload back, then let jwcrypto verify."""
    protected, empty, signature = file["signature"].split(".")
    need(empty == "", "signature: not detached")
    unbase64url(signature)
    header = json.loads(unbase64url(protected))
    need(header["alg"] == "ES256" and header["b64"] is False and header["crit"] == ["b64"], "signature: header")
    need(header["cty"] == statement["content_type"], "signature: another media type")
    chain = [base64.b64decode(c) for c in header["x5c"]]
    need(digest(chain[0]) == header["x5t#S256"], "certificate: x5t#S256")
    own, issuer = (x509.load_der_x509_certificate(c) for c in chain)

    def public(certificate):
        return jwk.JWK.from_pyca(certificate.public_key())

    key_at(keys, public(issuer).thumbprint(), own.not_valid_before_utc.timestamp())
    need(issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "certificate: issuer is no CA")
    own.verify_directly_issued_by(issuer)
    need(public(own).thumbprint() == header["kid"], "certificate: kid")
    signed_at = datetime.datetime.fromtimestamp(header["iat"], datetime.timezone.utc)
    need(own.not_valid_before_utc <= signed_at <= own.not_valid_after_utc, "certificate: not valid then")
    for certificate in (own, issuer):
        named = certificate.subject.get_attributes_for_oid(x509.ObjectIdentifier("2.5.4.97"))[0].value
        need(named == statement["hospital"], "certificate: of another hospital")

    verify_revocation(file, keys, own, signed_at)
    token = jws.JWS()
    payload = unbase64url(file["document"])
    token.deserialize(json.dumps({"protected": protected, "payload": payload.decode(), "signature": signature}))
    token.verify(public(own), alg="ES256")
    return own, header["iat"]


def verify_revocation(file, keys, own, signed_at):
    crl = x509.load_der_x509_crl(unbase64url(file["revocations"]))

    def made_by(entry):
        key = jwk.JWK(**{m: entry[m] for m in ("kty", "crv", "x", "y")}).get_op_key("verify")
        try:
            key.verify(crl.signature, crl.tbs_certlist_bytes, ECDSA(SHA256()))
            return True
        except Exception:  # pylint: disable=broad-except
            return False

    need(any(made_by(k) for k in keys["keys"]), "revocation: the list is not the hospital's")
    entry = crl.get_revoked_certificate_by_serial_number(own.serial_number)
    if entry is not None:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        need(reason != x509.ReasonFlags.key_compromise, "revocation: key compromised")
        need(signed_at < entry.revocation_date_utc, "revocation: revoked by then")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verifies a sealed opinion independently of Karez.")
    parser.add_argument("file")
    parser.add_argument("--keys", help="the hospital's JSON web key set, from a trusted place")
    args = parser.parse_args(arguments)
    trusted = None
    if args.keys:
        with open(args.keys, encoding="utf-8") as f:
            trusted = json.load(f)
    try:
        file = read_file(args.file)
        statement, keys, sealed_at = verify_seal(file, trusted)
        own, signed_at = verify_author(file, statement, keys)
        need(0 <= sealed_at - signed_at <= SEAL_DELAY_S_MAX, "time: signature and seal do not fit")
    except Exception as refused:  # pylint: disable=broad-except
        # Whatever does not read or verify is refused; the kind of failure is for the reader alone.
        print(f"REFUSED {refused or type(refused).__name__}", file=sys.stderr)
        return 1
    name = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    licence = own.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value
    when = datetime.datetime.fromtimestamp(signed_at, datetime.timezone.utc).isoformat()
    word = "GENUINE" if trusted else "UNALTERED (keys from the file itself)"
    print(f"{word}: signed {when} by {name}, licence {licence}, sealed by {statement['hospital']}")
    print(f"document: {file['content_type']}, SHA-256 {statement['document']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
