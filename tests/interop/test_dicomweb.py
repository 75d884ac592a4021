"""DICOMweb as `dicomweb-client` sees it."""

import unittest

import requests
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session
from imaging import Imaging
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

FILES = ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "US1_J2KR.dcm", "emri_small.dcm"]


class DicomWeb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.karez = Imaging().__enter__()
        cls.url = f"{cls.karez.base}/dicomweb/yarqum"
        cls.client = cls.client_of(cls.karez.token())
        cls.images = [dcmread(get_testdata_file(name)) for name in FILES]
        for image in cls.images:
            # Some of these files are one object in several syntaxes.
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        cls.answer = cls.client.store_instances(datasets=cls.images)

    @classmethod
    def tearDownClass(cls):
        cls.karez.__exit__()

    @classmethod
    def client_of(cls, token):
        session = create_session()
        session.headers["Authorization"] = f"Bearer {token}"
        return DICOMwebClient(url=cls.url, session=session)

    def names(self, image):
        return image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID

    def test_all_were_kept(self):
        self.assertEqual(len(self.answer.ReferencedSOPSequence), len(FILES))
        self.assertNotIn("FailedSOPSequence", self.answer)

    def test_searches(self):
        ct = self.images[0]
        studies = self.client.search_for_studies(search_filters={"PatientID": ct.PatientID})
        self.assertIn(ct.StudyInstanceUID, [s["0020000D"]["Value"][0] for s in studies])
        series = self.client.search_for_series(ct.StudyInstanceUID)
        self.assertEqual(series[0]["0020000E"]["Value"][0], ct.SeriesInstanceUID)
        found = self.client.search_for_instances(ct.StudyInstanceUID, ct.SeriesInstanceUID)
        self.assertEqual(found[0]["00080018"]["Value"][0], ct.SOPInstanceUID)
        self.assertEqual(self.client.search_for_studies(search_filters={"PatientID": "nobody at all"}), [])

    def test_objects_metadata_and_pixels(self):
        for image in self.images:
            with self.subTest(image.file_meta.TransferSyntaxUID.name):
                syntax = image.file_meta.TransferSyntaxUID
                got = self.client.retrieve_instance(*self.names(image), media_types=(("application/dicom", syntax),))
                self.assertEqual(got.PixelData, image.PixelData)
                metadata = self.client.retrieve_instance_metadata(*self.names(image))
                self.assertEqual(metadata["00280010"]["Value"][0], image.Rows)
                uncompressed = (("application/dicom", ExplicitVRLittleEndian),)
                plain = self.client.retrieve_instance(*self.names(image), media_types=uncompressed)
                self.assertEqual(plain.file_meta.TransferSyntaxUID, ExplicitVRLittleEndian)
                self.assertTrue((plain.pixel_array == image.pixel_array).all())

    def test_frames(self):
        image = self.images[-1]
        size = image.Rows * image.Columns * 2
        frames = self.client.retrieve_instance_frames(*self.names(image), frame_numbers=[1, 3])
        self.assertEqual(frames[0], image.PixelData[:size])
        self.assertEqual(frames[1], image.PixelData[2 * size : 3 * size])

    def test_rendered(self):
        drawn = self.client.retrieve_instance_rendered(*self.names(self.images[0]), media_types=("image/png",))
        self.assertTrue(drawn.startswith(b"\x89PNG"))

    def test_nobody_else_reads(self):
        study = self.images[0].StudyInstanceUID
        for headers in ({}, {"Authorization": f"Bearer {self.karez.token('qumtagh')}"}):
            for path in ("studies", f"studies/{study}", f"studies/{study}/metadata", f"studies/{study}/series"):
                answer = requests.get(f"{self.url}/{path}", headers=headers, timeout=30)
                self.assertIn(answer.status_code, (204, 401, 403, 404), path)


if __name__ == "__main__":
    unittest.main()
