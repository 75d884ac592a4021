"""The modality worklist as dcmtk's findscu and pynetdicom ask for it, from orders written on the page; and the study
that is made of one, which arrives with its patient and ends the order."""

import http.cookiejar
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from imaging import OWN, PASSWORD, Imaging
from pydicom import dcmread, examples
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, ModalityWorklistInformationFind

FINDSCU = shutil.which("findscu")
NUMBERS = "https://yarqum.example/id/patient"
DAY = "2030-11-23"
DOCTOR = "alimjan@yarqum.example"


class Worklist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="karez-worklist-"))
        cls.karez = Imaging(issuer=NUMBERS, people=[DOCTOR]).__enter__()
        cls.addClassCleanup(cls.karez.__exit__)
        cls.bearer = cls.karez.token()
        patient = cls.post(
            "yarqum",
            {
                "resourceType": "Patient",
                "identifier": [{"system": NUMBERS, "value": "YQ-0048213"}],
                "name": [{"family": "王", "given": ["小明"]}, {"family": "Wang", "given": ["Xiaoming"]}],
                "gender": "male",
                "birthDate": "1968-03-14",
            },
        )
        cls.patient = patient
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        cls.browser = urllib.request.build_opener(jar)
        cls.form("/sign-in", {"login": DOCTOR, "password": PASSWORD})
        cls.order("CT", "CT chest", f"{DAY}T09:30", "emergency")
        cls.order("MR", "MR head", "2030-11-24T14:00", "routine")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def request(cls, method, path, body=None):
        request = urllib.request.Request(
            f"{cls.karez.base}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {cls.bearer}", "Content-Type": "application/fhir+json", "Prefer": "return=representation"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    @classmethod
    def post(cls, hospital, resource):
        return cls.request("POST", f"/fhir/{hospital}/{resource['resourceType']}", resource)["id"]

    @classmethod
    def form(cls, path, fields):
        """Sends a form of a page as its own page would; gives where it led."""
        with cls.browser.open(f"{cls.karez.base}{fields.pop('page', path)}") as page:
            csrf = re.search(r'name="csrf" value="([^"]+)"', page.read().decode())
        given = {"csrf": csrf.group(1), **fields} if csrf else fields
        request = urllib.request.Request(f"{cls.karez.base}{path}", data=urllib.parse.urlencode(given).encode(), headers={"Origin": cls.karez.base})
        with cls.browser.open(request) as answer:
            return answer.url

    @classmethod
    def order(cls, modality, words, when, urgency):
        """As the page of imaging orders has it."""
        path = f"/patients/yarqum/{cls.patient}/imaging"
        cls.form(path, {"modality": modality, "procedure": words, "reason": "Cough", "urgency": urgency, "at": when, "body-part": ""})

    def findscu(self, *keys, title="SCANNER"):
        """What findscu gets, each answer as a data set."""
        out = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        asked = [argument for key in keys for argument in ("-k", key)]
        command = [FINDSCU, "-W", "-aet", title, "-aec", OWN, "-X", "-od", str(out), "127.0.0.1", str(self.karez.port), *asked]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done, [dcmread(p, force=True) for p in sorted(out.iterdir())]

    @unittest.skipUnless(FINDSCU, "dcmtk is not installed")
    def test_findscu_gets_the_steps_of_a_day(self):
        keys = ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureDescription")
        step = "(0040,0100)[0]"
        done, all_of_them = self.findscu(*keys, f"{step}.Modality", f"{step}.ScheduledProcedureStepStartDate")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(all_of_them), 2)
        for narrow in (f"{step}.Modality=CT", f"{step}.ScheduledProcedureStepStartDate={DAY.replace('-', '')}"):
            done, found = self.findscu(*keys, narrow, f"{step}.ScheduledProcedureStepStartTime")
            self.assertEqual([str(f.RequestedProcedureDescription) for f in found], ["CT chest"], narrow)
            self.assertEqual(str(found[0].PatientID), "YQ-0048213")
            self.assertEqual(found[0].PatientName.alphabetic, "Wang^Xiaoming")
            self.assertEqual(found[0].PatientName.ideographic, "王^小明")
        _, nobody = self.findscu(*keys, f"{step}.ScheduledProcedureStepStartDate=20301125-")
        self.assertEqual(nobody, [])

    @unittest.skipUnless(FINDSCU, "dcmtk is not installed")
    def test_an_entity_without_the_right_gets_nothing(self):
        done, found = self.findscu("PatientName", title="READER")
        self.assertEqual(found, [])
        self.assertNotIn("Wang", done.stdout + done.stderr)

    def ask(self, identifier, title="SCANNER"):
        ae = AE(ae_title=title)
        ae.add_requested_context(ModalityWorklistInformationFind)
        line = ae.associate("127.0.0.1", self.karez.port, ae_title=OWN)
        self.assertTrue(line.is_established)
        answers = list(line.send_c_find(identifier, ModalityWorklistInformationFind))
        line.release()
        self.assertEqual(answers[-1][0].Status, 0)
        return [data for status, data in answers if status.Status in (0xFF00, 0xFF01)]

    @staticmethod
    def identifier(**of_step):
        step = Dataset()
        for name in ("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime"):
            setattr(step, name, of_step.get(name, ""))
        asked = Dataset()
        for name in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedurePriority"):
            setattr(asked, name, "")
        asked.ScheduledProcedureStepSequence = [step]
        return asked

    def test_then_pynetdicom_gets_the_steps_and_the_study_made_of_one_arrives_with_its_patient(self):
        found = self.ask(self.identifier(Modality="CT"))
        self.assertEqual(len(found), 1)
        (order,) = found
        step = order.ScheduledProcedureStepSequence[0]
        self.assertEqual((step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime), ("20301123", "093000"))
        self.assertEqual((step.ScheduledStationAETitle, order.RequestedProcedurePriority), ("SCANNER", "STAT"))

        image = dcmread(examples.get_path("ct"))
        for name in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID"):
            setattr(image, name, getattr(order, name))
        image.SpecificCharacterSet = order.SpecificCharacterSet
        image.PatientBirthDate, image.PatientSex = "19680314", "M"
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(CTImageStorage, image.file_meta.TransferSyntaxUID)
        line = ae.associate("127.0.0.1", self.karez.port, ae_title=OWN)
        self.assertEqual(line.send_c_store(image).Status, 0)
        line.release()
        bundle = self.request("GET", f"/fhir/yarqum/ImagingStudy?identifier=urn:dicom:uid%7Curn:oid:{order.StudyInstanceUID}")
        (entry,) = bundle["entry"]
        self.assertEqual(entry["resource"]["subject"]["reference"], f"Patient/{self.patient}")
        numbers = [i["value"] for i in entry["resource"]["identifier"]]
        self.assertIn(str(order.AccessionNumber), numbers)
        # The study bears the order's number: the order is done, and leaves the list when the study is quiet.
        deadline = time.monotonic() + 60
        while self.ask(self.identifier(Modality="CT")):
            self.assertLess(time.monotonic(), deadline, "the order stays on the list")
            time.sleep(1)


if __name__ == "__main__":
    unittest.main()
