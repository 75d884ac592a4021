"""Stored values of pydicom's test files as pydicom and as Karez decode them: equal where the transfer syntax is lossless,
close where it is not. The files come with the packages `pydicom` and `pydicom-data`."""

import json
import os
import pathlib
import subprocess
import unittest
import warnings

import numpy
import pydicom
from pydicom import config
from pydicom.data import get_testdata_file
from pydicom.pixels import get_decoder

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = os.environ.get("KAREZ_VALUES", str(ROOT / "target" / "debug" / "examples" / "values"))

LOSSY = {
    "1.2.840.10008.1.2.4.50": 3,
    "1.2.840.10008.1.2.4.51": 3,
    "1.2.840.10008.1.2.4.81": 0,
    "1.2.840.10008.1.2.4.91": 1,
    "1.2.840.10008.1.2.4.203": 1,
}

# What neither can be decoded nor should be, with the reason.
REFUSED = {
    "MR_truncated.dcm": "its pixel data end early",
    "badVR.dcm": "no pixels",
}


def files():
    folders = [pathlib.Path(pydicom.__file__).parent / "data" / "test_files"]
    try:
        import data_store

        folders.append(pathlib.Path(data_store.__file__).parent / "data")
    except ImportError:
        pass
    for folder in folders:
        yield from sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".json", ".zip"))


def images():
    """Every file that pydicom reads and that has pixels, with its data set."""
    for path in files():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = pydicom.dcmread(path, force=True)
                if "PixelData" in data and "TransferSyntaxUID" in data.file_meta:
                    yield path, data
        except Exception:
            continue


def karez(path, *arguments):
    """Values as Karez decodes them, frames × rows × columns × samples; or the words with which it refuses."""
    done = subprocess.run([VALUES, str(path), *arguments], capture_output=True, timeout=120)
    if done.returncode != 0:
        return done.stderr.decode().strip()
    head, body = done.stdout.split(b"\n", 1)
    head = json.loads(head)
    shape = (head["frames"], head["rows"], head["columns"], head["samples"])
    return numpy.frombuffer(body, dtype=head["type"]).reshape(shape)


def reference(data):
    """The same as pydicom decodes them, without any change of colour."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = get_decoder(data.file_meta.TransferSyntaxUID)
        array, meta = decoder.as_array(data, raw=True)
    frames = int(meta["number_of_frames"])
    return array.reshape(frames, meta["rows"], meta["columns"], meta["samples_per_pixel"])


def stored(array, data):
    """Only the bits that are stored, extended by their sign: what the values are (PS3.5 §8.1.1)."""
    if data.BitsAllocated < 8 or array.dtype.kind not in "iu":
        return array.astype(numpy.float64)
    low = data.HighBit + 1 - data.BitsStored
    bits = array.astype(numpy.int64)
    bits = (bits >> low) & ((1 << data.BitsStored) - 1)
    if data.PixelRepresentation == 1:
        bits = numpy.where(bits >> (data.BitsStored - 1), bits - (1 << data.BitsStored), bits)
    return bits.astype(numpy.float64)


class Pixels(unittest.TestCase):
    def test_values_are_those_of_pydicom(self):
        compared = set()
        for path, data in images():
            syntax = str(data.file_meta.TransferSyntaxUID)
            with self.subTest(path.name, syntax=syntax):
                try:
                    expected = reference(data)
                except Exception as error:
                    # What pydicom cannot decode proves nothing; Karez may do better, but must end in order.
                    karez(path)
                    self.skipTest(f"pydicom: {error}")
                found = karez(path)
                if path.name in REFUSED:
                    self.assertIsInstance(found, str)
                    continue
                self.assertNotIsInstance(found, str, found)
                self.assertEqual(found.shape, expected.shape)
                native = not data.file_meta.TransferSyntaxUID.is_encapsulated
                wanted = stored(expected, data) if native or syntax not in LOSSY else expected.astype(numpy.float64)
                off = numpy.abs(found.astype(numpy.float64) - wanted).max()
                self.assertLessEqual(off, LOSSY.get(syntax, 0))
                compared.add(syntax)
        # The test is worth something only while the packages bring such files.
        self.assertGreaterEqual(len(compared), 11, compared)

    def test_values_survive_being_written_in_another_syntax(self):
        targets = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"]
        targets.append("1.2.840.10008.1.2.4.80")
        count = 0
        for name in [
            "CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb.dcm", "SC_rgb_2frame.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm",
            "SC_rgb_16bit.dcm", "MR_small_bigendian.dcm", "J2K_pixelrep_mismatch.dcm", "examples_palette.dcm", "SC_rgb_jls_lossy_sample.dcm",
        ]:  # fmt: skip
            path = get_testdata_file(name, download=False)
            if path is None:
                continue
            before = karez(path)
            self.assertNotIsInstance(before, str, (name, before))
            for target in targets:
                with self.subTest(name, target=target):
                    after = karez(path, "--as", target)
                    self.assertNotIsInstance(after, str, after)
                    numpy.testing.assert_array_equal(before, after)
                    count += 1
        self.assertGreaterEqual(count, 40)


if __name__ == "__main__":
    config.settings.reading_validation_mode = config.IGNORE
    unittest.main()
