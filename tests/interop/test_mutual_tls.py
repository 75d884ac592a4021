"""A machine client with a certificate (RFC 8705), as `requests` and the TLS of Python see it."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from karez import BINARY


def certificate(folder, name):
    """A self-signed certificate and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tuple(str(p) for p in paths)


class MutualTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="karez-mtls-"))
        cls.data = cls.folder / "data"
        cls.own, cls.stranger = certificate(cls.folder, "laboratory"), certificate(cls.folder, "stranger")
        cls.run_admin("hospital", "add", "yarqum", "--name", "Yarqum", "--country", "CN", "--zone", "Asia/Shanghai")
        cls.client = cls.run_admin(
            "machine", "add", "--hospital", "yarqum", "--name", "Laboratory", "--certificate", cls.own[0]
        )
        cls.server = subprocess.Popen(
            [BINARY, "serve", "--data", str(cls.data), "--listen", "127.0.0.1:0", "--tls", "self-signed"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "KAREZ_TLS_CLIENT_CERTIFICATES": "ask"},
        )
        cls.base = json.loads(cls.server.stdout.readline())["base"]

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(timeout=30)
        cls.server.stdout.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def run_admin(cls, *arguments):
        command = [BINARY, "admin", "--data", str(cls.data), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def session(self, identity=None):
        session = requests.Session()
        # A bundle that the environment names would come before the one of this server.
        session.trust_env = False
        session.verify = str(self.data / "tls.crt")
        session.cert = identity
        self.addCleanup(session.close)
        return session

    def token(self, session):
        form = {"grant_type": "client_credentials", "client_id": self.client}
        return session.post(f"{self.base}/oauth/token", data=form)

    def test_a_bound_token_needs_its_certificate(self):
        own = self.session(self.own)
        answer = self.token(own)
        self.assertEqual(answer.status_code, 200, answer.text)
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        address = f"{self.base}/fhir/yarqum/Patient"
        self.assertEqual(own.get(address, headers=bearer).status_code, 200)
        for other in (self.session(self.stranger), self.session()):
            self.assertEqual(other.get(address, headers=bearer).status_code, 401)

    def test_another_certificate_or_none_gets_no_token(self):
        self.assertEqual(self.token(self.session(self.stranger)).status_code, 401)
        self.assertEqual(self.token(self.session()).status_code, 400)


if __name__ == "__main__":
    unittest.main()
