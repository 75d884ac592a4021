"""Frames that other people's encoders wrote without loss (OpenJPH, libjxl, libjpeg-turbo, OpenJPEG, CharLS, by the package
`imagecodecs`), as Karez decodes them: equal value for value. pydicom's own files have none of most of these."""

import pathlib
import tempfile
import unittest

import imagecodecs
import numpy
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from test_pixels import karez

LOSSLESS_JPEG = "1.2.840.10008.1.2.4.57"
FIRST_ORDER = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
JPEG_XL = "1.2.840.10008.1.2.4.110"
HTJ2K = "1.2.840.10008.1.2.4.201"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"

# Younger than this pydicom, which writes only what it knows.
UID_dictionary.setdefault(JPEG_XL, ("JPEG XL Lossless", "Transfer Syntax", "", "", "JPEGXLLossless"))


def phantoms():
    """Name, bits stored, values: smooth with noise in it, and every bit in use."""
    noise = numpy.random.default_rng(7)
    rows, columns = numpy.mgrid[0:75, 0:101]
    for bits in (8, 12, 16):
        kind = "u1" if bits == 8 else "u2"
        smooth = (rows * 31 + columns * 17 + noise.integers(0, 9, rows.shape)) % (1 << bits)
        yield f"smooth {bits}", bits, smooth.astype(kind)
        yield f"noise {bits}", bits, noise.integers(0, 1 << bits, rows.shape).astype(kind)
    yield "one value", 8, numpy.full((75, 101), 200, "u1")
    yield "colour", 8, noise.integers(0, 256, (75, 101, 3)).astype("u1")


def written(folder, syntax, bits, frames, code):
    """A secondary capture with these frames."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    multi_frame = "1.2.840.10008.5.1.4.1.1.7.4" if frames[0].ndim == 3 else "1.2.840.10008.5.1.4.1.1.7.3"
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = UID(multi_frame)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.Modality, data.PatientID = "OT", "1"
    first = frames[0]
    data.Rows, data.Columns = first.shape[:2]
    data.SamplesPerPixel = 3 if first.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if first.ndim == 3 else "MONOCHROME2"
    if first.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = first.dtype.itemsize * 8
    data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits - 1, 0
    data.NumberOfFrames = len(frames)
    data.PixelData = encapsulate([code(f) for f in frames])
    data["PixelData"].VR = "OB"
    path = pathlib.Path(folder) / f"{data.SOPInstanceUID}.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


class Encoders(unittest.TestCase):
    def compare(self, syntax, encode, fits=lambda bits, values: True):
        count = 0
        with tempfile.TemporaryDirectory() as folder:
            for name, bits, values in phantoms():
                if not fits(bits, values):
                    continue
                with self.subTest(name, syntax=syntax):
                    frames = [values, numpy.ascontiguousarray(values[::-1])]
                    path = written(folder, syntax, bits, frames, lambda f, bits=bits: bytes(encode(f, bits)))
                    found = karez(path)
                    self.assertNotIsInstance(found, str, found)
                    numpy.testing.assert_array_equal(found, numpy.stack(frames).reshape(found.shape))
                    count += 1
        self.assertGreaterEqual(count, 6)

    def test_lossless_jpeg_with_every_predictor(self):
        def encode(frame, bits, predictor):
            colour = "RGB" if frame.ndim == 3 else None
            options = {"bitspersample": bits, "colorspace": colour, "outcolorspace": colour}
            return imagecodecs.jpeg8_encode(frame, lossless=True, predictor=predictor, **options)

        for predictor in range(1, 8):
            with self.subTest(predictor=predictor):
                syntax = FIRST_ORDER if predictor == 1 else LOSSLESS_JPEG
                self.compare(syntax, lambda f, bits, p=predictor: encode(f, bits, p))

    def test_high_throughput_jpeg_2000(self):
        for syntax in (HTJ2K, HTJ2K_RPCL):
            self.compare(syntax, lambda f, _: imagecodecs.htj2k_encode(f))

    def test_jpeg_xl(self):
        self.compare(JPEG_XL, lambda f, _: imagecodecs.jpegxl_encode(f, lossless=True))

    def test_jpeg_2000(self):
        self.compare(JPEG_2000, lambda f, _: imagecodecs.jpeg2k_encode(f, level=0, codecformat="j2k", reversible=True))

    def test_jpeg_ls(self):
        self.compare(JPEG_LS, lambda f, _: imagecodecs.jpegls_encode(f, level=0, out=2 * f.nbytes + 4096))


if __name__ == "__main__":
    unittest.main()
