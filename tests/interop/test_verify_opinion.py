"""A sealed file made by Karez is verified by an implementation that shares no code with it, and refused when any
byte has changed."""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

import verify_opinion

ROOT = pathlib.Path(__file__).resolve().parents[2]


def verdict(path, keys=None):
    """Exit code of the verifier and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = verify_opinion.main([str(path)] + (["--keys", str(keys)] if keys else []))
    return code, out.getvalue()


def sample(folder):
    """Writes a sealed file and its keys; by the example the Rust suite has built, if it is there."""
    built = pathlib.Path(os.environ.get("KAREZ_BIN", "none")).parent / "examples" / "sealed_sample"
    run = [str(built)] if built.exists() else ["cargo", "run", "--quiet", "-p", "karez-seal", "--example", "sealed_sample", "--"]
    subprocess.run([*run, str(folder)], cwd=ROOT, check=True)


class SealedFileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.folder.name)
        sample(cls.folder.name)
        cls.file, cls.keys = cls.dir / "opinion.karez.json", cls.dir / "keys.json"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_genuine_with_the_hospitals_keys(self):
        code, words = verdict(self.file, self.keys)
        self.assertEqual(code, 0, words)
        self.assertIn("GENUINE", words)
        self.assertIn("阿依努尔·买买提", words)

    def test_unaltered_only_without_them(self):
        code, words = verdict(self.file)
        self.assertEqual(code, 0, words)
        self.assertIn("UNALTERED", words)

    def test_refused_under_another_hospitals_keys(self):
        other = self.dir / "other"
        sample(other)
        code, words = verdict(self.file, other / "keys.json")
        self.assertEqual(code, 1, words)
        self.assertIn("hospital key", words)

    def test_refused_when_one_byte_differs(self):
        raw = self.file.read_bytes()
        altered = self.dir / "altered.json"
        step = 1 if os.environ.get("KAREZ_TEST_FULL") else 17
        for i in range(0, len(raw), step):
            changed = bytearray(raw)
            changed[i] ^= 1
            altered.write_bytes(changed)
            code, words = verdict(altered, self.keys)
            self.assertEqual(code, 1, f"byte {i}: {words}")


if __name__ == "__main__":
    unittest.main()
