"""Starts a Karez of its own with the demonstration network, for clients written by others."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("KAREZ_BIN", str(ROOT / "target" / "debug" / "karez"))


class Karez:
    """`karez demo` on a free port, until the block ends."""

    def __enter__(self):
        self.data = tempfile.mkdtemp(prefix="karez-interop-")
        self.process = subprocess.Popen(
            [BINARY, "demo", "--data", self.data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self.process.stdout:
            if line.startswith("{"):
                self.base = json.loads(line)["base"]
                return self
        raise RuntimeError("karez ended before it was ready")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def token(self, hospital, role):
        """A short-lived bearer token."""
        command = [BINARY, "admin", "token", "--data", self.data, "--hospital", hospital, "--role", role]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
