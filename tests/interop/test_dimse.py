"""The DICOM listener as dcmtk and pynetdicom see it, with the files that come with pydicom."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from imaging import OWN, Imaging, await_port, free_port
from pydicom import dcmread, examples
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, StoragePresentationContexts, _config, build_role, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

DCMTK = shutil.which("storescu")
# From a path, the bytes of the file are sent as they are; otherwise pynetdicom writes the data set anew.
_config.STORE_SEND_CHUNKED_DATASET = True


def data_set_bytes(path):
    """The bytes behind the file meta information."""
    raw = pathlib.Path(path).read_bytes()
    at = 132
    while raw[at : at + 2] == b"\x02\x00":
        if raw[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
            at += 12 + int.from_bytes(raw[at + 8 : at + 12], "little")
        else:
            at += 8 + int.from_bytes(raw[at + 6 : at + 8], "little")
    return raw[at:]


def objects():
    """Files of pydicom that are whole objects of their own, each SOP instance once."""
    seen, found = set(), []
    for path in sorted(get_testdata_files("*.dcm")):
        try:
            head = dcmread(path, stop_before_pixels=True)
            key = str(head.SOPInstanceUID)
            whole = head.StudyInstanceUID and head.SeriesInstanceUID and head.file_meta.TransferSyntaxUID
            storage = head.file_meta.MediaStorageSOPInstanceUID == key and UID(key).is_valid and head.SOPClassUID
        except Exception:  # pylint: disable=broad-except
            continue
        if whole and storage and key not in seen and head.SOPClassUID != "1.2.840.10008.1.3.10":
            seen.add(key)
            found.append((path, head))
    return found


class Dimse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="karez-dimse-"))
        cls.sink_port = free_port()
        cls.karez = Imaging(destinations=[("SINK", cls.sink_port)]).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.karez.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def associate(self, calling, contexts, called=OWN, **more):
        ae = AE(ae_title=calling)
        association = ae.associate("127.0.0.1", self.karez.port, contexts=contexts, ae_title=called, **more)
        self.addCleanup(lambda: association.is_established and association.release())
        return association

    def contexts(self, *classes):
        ae = AE()
        for sop_class in classes:
            ae.add_requested_context(sop_class)
        return ae.requested_contexts

    def store(self, path, head):
        """C-STORE of a file as it is, byte for byte."""
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", self.karez.port, ae_title=OWN)
        self.assertTrue(association.is_established)
        self.assertTrue(association.accepted_contexts, head.file_meta.TransferSyntaxUID)
        status = association.send_c_store(path)
        association.release()
        return status.Status

    def test_files_of_pydicom_come_back_byte_for_byte(self):
        kept = 0
        for path, head in objects():
            with self.subTest(pathlib.Path(path).name):
                raw = self.send_raw(path, head)
                if raw is None:
                    continue
                kept += 1
        # The rest wait for a decision: other patients or other content under names that were taken.
        self.assertGreater(kept, 50)

    def send_raw(self, path, head):
        """Stores a file and fetches it in the same association; compares the data sets."""
        status = self.store(path, head)
        self.assertIn(status, (0x0000, 0xB007, 0xB000), hex(status))
        if status:
            return None
        got = []
        ae = AE(ae_title="READER")
        ae.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
        ae.add_requested_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
        association = ae.associate(
            "127.0.0.1",
            self.karez.port,
            ae_title=OWN,
            ext_neg=[build_role(head.SOPClassUID, scp_role=True)],
            evt_handlers=[(evt.EVT_C_STORE, lambda event: got.append(event.request.DataSet.getvalue()) or 0x0000)],
        )
        query = Dataset()
        query.QueryRetrieveLevel = "IMAGE"
        query.StudyInstanceUID, query.SeriesInstanceUID = head.StudyInstanceUID, head.SeriesInstanceUID
        query.SOPInstanceUID = head.SOPInstanceUID
        last = [s.Status for s, _ in association.send_c_get(query, StudyRootQueryRetrieveInformationModelGet)][-1]
        association.release()
        self.assertEqual(last, 0x0000)
        self.assertEqual(got, [data_set_bytes(path)])
        return got

    def test_queries_of_every_level(self):
        for path, head in objects()[:1]:
            self.store(path, head)
            association = self.associate("READER", self.contexts(StudyRootQueryRetrieveInformationModelFind))
            for level, wanted in (
                ("STUDY", {"StudyInstanceUID": head.StudyInstanceUID}),
                ("SERIES", {"StudyInstanceUID": head.StudyInstanceUID, "SeriesInstanceUID": ""}),
            ):
                query = Dataset()
                query.QueryRetrieveLevel = level
                query.PatientName = ""
                for name, value in wanted.items():
                    setattr(query, name, value)
                answers = list(association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind))
                self.assertEqual(answers[-1][0].Status, 0x0000)
                found = [a for s, a in answers if s.Status in (0xFF00, 0xFF01)]
                self.assertTrue(found, level)
                self.assertEqual(found[0].StudyInstanceUID, head.StudyInstanceUID)

    def test_a_move_reaches_the_destination(self):
        path, head = next((p, h) for p, h in objects() if "CT_small" in p)
        self.store(path, head)
        got = []
        sink = AE(ae_title="SINK")
        sink.supported_contexts = StoragePresentationContexts
        server = sink.start_server(
            ("127.0.0.1", self.sink_port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, lambda e: got.append(e.request.DataSet.getvalue()) or 0x0000)],
        )
        self.addCleanup(server.shutdown)
        association = self.associate("READER", self.contexts(StudyRootQueryRetrieveInformationModelMove))
        query = Dataset()
        query.QueryRetrieveLevel = "STUDY"
        query.StudyInstanceUID = head.StudyInstanceUID
        model = StudyRootQueryRetrieveInformationModelMove
        answers = [s for s, _ in association.send_c_move(query, "SINK", model)]
        self.assertEqual(answers[-1].Status, 0x0000, answers[-1])
        self.assertEqual(got, [data_set_bytes(path)])
        answers = [s for s, _ in association.send_c_move(query, "NOBODY", model)]
        self.assertEqual(answers[-1].Status, 0xA801)

    def test_storage_is_committed_to(self):
        path, head = next((p, h) for p, h in objects() if "MR_small" in p)
        self.store(path, head)
        heard, told = threading.Event(), []

        def report(event):
            told.append((event.event_type, event.event_information))
            heard.set()
            return 0x0000

        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(StorageCommitmentPushModel)
        association = ae.associate(
            "127.0.0.1", self.karez.port, ae_title=OWN, evt_handlers=[(evt.EVT_N_EVENT_REPORT, report)]
        )
        asked = Dataset()
        asked.TransactionUID = "1.2.3.4.5"
        asked.ReferencedSOPSequence = []
        for instance in (head.SOPInstanceUID, "1.2.3.99"):
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = head.SOPClassUID, instance
            asked.ReferencedSOPSequence.append(item)
        status, _ = association.send_n_action(asked, 1, StorageCommitmentPushModel, "1.2.840.10008.1.20.1.1")
        self.assertEqual(status.Status, 0x0000)
        self.assertTrue(heard.wait(20))
        association.release()
        kind, said = told[0]
        self.assertEqual(kind, 2)
        self.assertEqual(said.ReferencedSOPSequence[0].ReferencedSOPInstanceUID, head.SOPInstanceUID)
        self.assertEqual(said.FailedSOPSequence[0].FailureReason, 0x0112)

    def test_strangers_and_other_hospitals_see_nothing(self):
        self.assertTrue(self.associate("NOBODY", self.contexts(Verification)).is_rejected)
        self.assertTrue(self.associate("SCANNER", self.contexts(Verification), called="NOWHERE").is_rejected)
        # READER is unknown to the other hospital.
        self.assertTrue(self.associate("READER", self.contexts(Verification), called="QUMTAGH").is_rejected)
        path, head = objects()[0]
        self.store(path, head)
        model = PatientRootQueryRetrieveInformationModelFind
        association = self.associate("SCANNER", self.contexts(model), called="QUMTAGH")
        query = Dataset()
        query.QueryRetrieveLevel = "PATIENT"
        query.PatientID = "*"
        answers = list(association.send_c_find(query, model))
        self.assertEqual([s.Status for s, _ in answers], [0x0000])

    def test_who_may_not_store_is_told_so(self):
        path, head = objects()[0]
        ae = AE(ae_title="READER")
        ae.add_requested_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", self.karez.port, ae_title=OWN)
        self.assertEqual(association.send_c_store(path).Status, 0x0124)
        association.release()

    @unittest.skipUnless(DCMTK, "dcmtk is not installed")
    def test_dcmtk(self):
        here = ["-aec", OWN, "127.0.0.1", str(self.karez.port)]
        path, head = next((p, h) for p, h in objects() if "CT_small" in p)
        study = f"StudyInstanceUID={head.StudyInstanceUID}"
        run = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        run("echoscu", "-aet", "SCANNER", *here)
        run("storescu", "-aet", "SCANNER", *here, path)
        out = run("findscu", "-aet", "READER", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", study, "-k", "PatientID", *here)
        self.assertIn(head.PatientID, out.stdout + out.stderr)
        folder = self.folder / "got"
        folder.mkdir()
        run("getscu", "-aet", "READER", "-S", "-od", str(folder), "-k", "QueryRetrieveLevel=STUDY", "-k", study, *here)
        got = list(folder.iterdir())
        self.assertEqual(len(got), 1)
        self.assertEqual(dcmread(got[0]).PixelData, dcmread(path).PixelData)


    @unittest.skipUnless(DCMTK, "dcmtk is not installed")
    def test_a_film_of_100_mb_comes_and_goes_by_dcmtk_in_bounded_memory(self):
        here = ["-aec", OWN, "127.0.0.1", str(self.karez.port)]
        run = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        film = examples.mr
        film.Rows, film.Columns, film.NumberOfFrames = 512, 512, 200
        film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 16, 15, 0
        line = bytes((n * n >> 5) & 0xFF for n in range(1024))
        film.PixelData = b"".join(line[n % 512 :] + line[: n % 512] for n in range(512 * 200))
        film.StudyInstanceUID, film.SeriesInstanceUID = "1.2.826.0.1.99", "1.2.826.0.1.99.1"
        self.karez.forget_peak()
        for number, compress in ((1, False), (2, True)):
            film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.1.{number}"
            path = self.folder / f"film{number}.dcm"
            film.save_as(path)
            if compress:
                run("dcmcrle", path, path)
            run("storescu", "-aet", "SCANNER", "-R", "-xr" if compress else "-xe", *here, path)
        folder = self.folder / "moved"
        folder.mkdir()
        # It takes uncompressed objects alone.
        sink = subprocess.Popen(["storescp", "-aet", "SINK", "-od", folder, "+xi", str(self.sink_port)])
        try:
            study = "StudyInstanceUID=1.2.826.0.1.99"
            move = ["movescu", "-aet", "READER", "-aem", "SINK", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", study]
            await_port(self.sink_port)
            run(*move, *here)
        finally:
            sink.terminate()
            sink.wait(20)
        got = sorted(folder.iterdir())
        self.assertEqual(len(got), 2)
        for path in got:
            self.assertTrue(dcmread(path).PixelData == film.PixelData, path)
        # Each of them is larger than everything the server ever held.
        self.assertLess(self.karez.peak_mib(), 200)


class Killed(unittest.TestCase):
    def test_what_was_acknowledged_before_a_kill_is_there(self):
        many = 1000 if os.environ.get("KAREZ_TEST_FULL") else 60
        karez = Imaging().__enter__()
        try:
            self.killed_in_the_middle(karez, many)
        finally:
            karez.__exit__()

    def killed_in_the_middle(self, karez, many):
        image = examples.ct
        sent = []
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", karez.port, ae_title=OWN)
        stop = threading.Timer(3600, lambda: None)
        for n in range(many * 2):
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.{n}"
            if len(sent) == many:
                stop = threading.Timer(0.01, karez.process.kill)
                stop.start()
            try:
                status = association.send_c_store(image)
            except Exception:  # pylint: disable=broad-except
                break
            if status and status.Status == 0x0000:
                sent.append(str(image.SOPInstanceUID))
            elif not status:
                break
        stop.cancel()
        self.assertGreaterEqual(len(sent), many)
        karez.kill()
        karez.start()
        ae = AE(ae_title="READER")
        ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
        association = ae.associate("127.0.0.1", karez.port, ae_title=OWN)
        query = Dataset()
        query.QueryRetrieveLevel = "IMAGE"
        query.StudyInstanceUID, query.SeriesInstanceUID = image.StudyInstanceUID, image.SeriesInstanceUID
        query.SOPInstanceUID = ""
        answers = association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind)
        there = {str(a.SOPInstanceUID) for s, a in answers if s.Status in (0xFF00, 0xFF01)}
        association.release()
        self.assertLessEqual(set(sent), there)


if __name__ == "__main__":
    unittest.main()
