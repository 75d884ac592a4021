"""Measurement reports and key image selections as others read them: highdicom (templates of PS3.16), pydicom and dcmtk."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import highdicom
import pydicom
from pydicom.data import get_testdata_file
from pydicom.sr.codedict import codes

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = os.environ.get("KAREZ_VALUES", str(ROOT / "target" / "debug" / "examples" / "values"))
DSRDUMP = shutil.which("dsrdump")
IMAGE = get_testdata_file("CT_small.dcm")


class Marks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="karez-marks-")
        cls.image = pydicom.dcmread(IMAGE)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def made(self, what):
        path = pathlib.Path(self.folder.name) / f"{what}.dcm"
        path.write_bytes(subprocess.run([VALUES, IMAGE, f"--{what}"], check=True, capture_output=True).stdout)
        return path

    def test_a_measurement_report_is_read_by_its_templates(self):
        data = pydicom.dcmread(self.made("report"))
        self.assertEqual(data.SOPClassUID, pydicom.uid.Comprehensive3DSRStorage)
        self.assertEqual(data.StudyInstanceUID, self.image.StudyInstanceUID)
        self.assertEqual(data.PatientID, self.image.PatientID)
        report = highdicom.sr.Comprehensive3DSR.from_dataset(data)
        content = report.content
        self.assertIsInstance(content, highdicom.sr.MeasurementReport)
        for n, name, value in ((1, codes.SCT.Length, 64.0), (2, codes.SCT.Angle, 90.0)):
            groups = content.get_image_measurement_groups(tracking_uid=f"2.25.{n}")
            self.assertEqual(len(groups), 1)
            (measured,) = groups[0].get_measurements(name=name)
            self.assertEqual(measured.value, value)
        (region,) = content.get_planar_roi_measurement_groups(tracking_uid="2.25.3")
        self.assertEqual(region.roi.graphic_type, highdicom.sr.GraphicTypeValues.ELLIPSE)
        self.assertEqual(region.roi.value.tolist(), [[0, 5], [10, 5], [5, 3], [5, 7]])
        (area,) = region.get_measurements(name=codes.SCT.Area)
        self.assertEqual((area.value, area.unit), (31.4, codes.UCUM.SquareMillimeter))
        attenuation = region.get_measurements(name=codes.DCM.AttenuationCoefficient)
        self.assertEqual(
            {m.derivation: round(float(m.value), 6) for m in attenuation},
            {codes.SCT.Mean: 40.5, codes.SCT.StandardDeviation: 0.333333, codes.SCT.Minimum: -3.0, codes.SCT.Maximum: 140.0},
        )
        (referenced,) = data.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        self.assertEqual(referenced.ReferencedSOPSequence[0].ReferencedSOPInstanceUID, self.image.SOPInstanceUID)

    def test_key_images_are_read(self):
        data = pydicom.dcmread(self.made("keys"))
        document = highdicom.ko.KeyObjectSelectionDocument.from_dataset(data)
        (item,) = document.content.get_references()
        self.assertEqual(item.referenced_sop_instance_uid, self.image.SOPInstanceUID)
        self.assertEqual(document.resolve_reference(self.image.SOPInstanceUID)[1], self.image.SeriesInstanceUID)

    @unittest.skipUnless(DSRDUMP, "dcmtk is not installed")
    def test_dcmtk_reads_both_without_a_complaint(self):
        for what, words in (("report", ["Imaging Measurement Report", "Length", "64", "Image Region"]), ("keys", ["Of Interest", "IMAGE"])):
            run = subprocess.run([DSRDUMP, str(self.made(what))], capture_output=True, text=True, check=True)
            for word in words:
                self.assertIn(word, run.stdout)
            # A warning says that its check of values knows no UTF-8.
            self.assertNotRegex(run.stderr, "(?m)^[EF]:")


if __name__ == "__main__":
    unittest.main()
