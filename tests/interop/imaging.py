"""A Karez with one hospital that listens for DICOM, and entities that may use it."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from karez import BINARY

OWN = "YARQUM"
PASSWORD = "seven poplars by the well"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port):
    """Waits until something listens."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


class Imaging:
    """`karez serve` with a DICOM listener, until the block ends. `destinations`: titles and ports of C-MOVE.
    `issuer`: whose patient numbers come to Yarqum without an issuer. `people`: sign-in names of clinicians there."""

    def __init__(self, destinations=(), issuer="", people=()):
        self.destinations = destinations
        self.issuer = issuer
        self.people = people

    def __enter__(self):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="karez-imaging-"))
        self.admin("hospital", "add", "yarqum", "--name", "Yarqum", "--country", "CN", "--zone", "Asia/Shanghai")
        self.admin("hospital", "add", "qumtagh", "--name", "Qumtagh", "--country", "CN", "--zone", "Asia/Shanghai")
        for hospital, own in (("yarqum", OWN), ("qumtagh", "QUMTAGH")):
            issuer = self.issuer if hospital == "yarqum" else ""
            self.admin("ae", "title", "--hospital", hospital, "--title", own, "--issuer", issuer)
        self.entity("yarqum", "SCANNER", "store,query,retrieve,worklist")
        self.entity("yarqum", "READER", "query,retrieve")
        self.entity("qumtagh", "SCANNER", "store,query,retrieve")
        for login in self.people:
            user = ("user", "add", login, "--name", login, "--hospital", "yarqum", "--roles", "clinician", "--password-stdin")
            self.admin(*user, stdin=PASSWORD)
        for title, port in self.destinations:
            self.entity("yarqum", title, "retrieve", "--host", "127.0.0.1", "--port", str(port))
        self.start()
        return self

    def forget_peak(self):
        """Begins to watch anew how much memory the server takes."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_mib(self):
        """The most memory it has taken since."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) >> 10

    def start(self):
        self.log = open(self.data / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**os.environ, "KAREZ_DICOM_LISTEN": "127.0.0.1:0", "KAREZ_ACCOUNTS_SECOND_FACTOR_FOR": "none"},
        )
        ready = json.loads(self.process.stdout.readline())
        self.base = ready["base"]
        self.port = int(ready["dicom"].rsplit(":", 1)[1])

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.log.close()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def entity(self, hospital, title, may, *more):
        self.admin(
            *("ae", "add", "--hospital", hospital, "--title", title, "--name", title),
            *("--addresses", "127.0.0.1", "--may", may, *more),
        )

    def admin(self, *arguments, stdin=None):
        command = [BINARY, "admin", "--data", str(self.data), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout.strip()

    def token(self, hospital="yarqum", role="clinician"):
        return self.admin("token", "--hospital", hospital, "--role", role)
