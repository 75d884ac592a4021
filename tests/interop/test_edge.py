"""An edge at a remote hospital: scanners (pynetdicom) send to it while its line to the centre is cut again and again. In the
end the centre has every object once, byte for byte where nothing was compressed, and urgent studies came first. Then tus's
own client uploads an object in pieces."""

import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import pydicom
import requests
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE

from karez import BINARY

HOSPITAL = "yarqum"


class Line:
    """A line between an edge and the centre that can be cut: a relay of TCP connections."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open, self.to, self.pairs, self.sent = True, None, [], 0
        # A connection that is just being made must not outlive a cut.
        self.making = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.making:
                server = self._server() if self.open else None
                if server is None:
                    client.close()
                    continue
                self.pairs.append((client, server))
            for a, b, up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(a, b, up), daemon=True).start()

    def _server(self):
        try:
            return self.to and socket.create_connection(("127.0.0.1", self.to), timeout=5)
        except OSError:
            return None

    def _pump(self, a, b, up):
        try:
            while data := a.recv(16 << 10):
                b.sendall(data)
                if up:
                    self.sent += len(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.making:
            self.open = False
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()

    def mend(self):
        self.open = True


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def picture(study, number, size, urgent=False, noise=True):
    """A secondary capture of `size` × `size` pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = f"{study}.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.1"
    ds.PatientID, ds.PatientName = "P-100", "Test^Edge"
    ds.StudyDate, ds.StudyTime = "20261122", "101500"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "OT", 1, number
    if urgent:
        ds.add_new((0x0032, 0x000C), "CS", "HIGH")
    ds.Rows = ds.Columns = size
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    dice = random.Random(number)
    ds.PixelData = dice.randbytes(size * size) if noise else bytes(size * size)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


class Edge(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="karez-edge-"))
        self.data = self.folder / "data"
        self.line = Line()
        self.processes = []
        self.admin("hospital", "add", HOSPITAL, "--name", "Yarqum", "--country", "CN", "--zone", "Asia/Shanghai")
        self.config = self.folder / "edge.toml"
        self.write_config("not-yet")
        key = subprocess.run(
            [BINARY, "edge", "key", "--config", str(self.config)], check=True, capture_output=True, text=True
        ).stdout
        jwks = self.folder / "edge.jwks"
        jwks.write_text(key)
        self.client = self.admin("machine", "add", "--hospital", HOSPITAL, "--name", "Edge", "--jwks", str(jwks))
        self.write_config(self.client)
        self.centre_port = free_port()
        self.line.to = self.centre_port
        self.start_centre()

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=40)
            process.stdout.close()
        self.line.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, *words):
        done = subprocess.run([BINARY, "admin", "--data", str(self.data), *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def write_config(self, client, more=""):
        self.config.write_text(
            "[edge]\n"
            'name = "north-clinic"\n'
            f'folder = "{self.folder / "edge"}"\n'
            f'centre = "http://127.0.0.1:{self.line.port}"\n'
            f'hospital = "{HOSPITAL}"\nclient = "{client}"\n'
            'listen = "127.0.0.1:0"\nstatus = "127.0.0.1:0"\n' + more
        )

    def start(self, command, env=None):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **(env or {})}
        )
        self.processes.append(process)
        for line in process.stdout:
            if line.startswith("{"):
                return process, json.loads(line)
        self.fail("a process ended before it was ready")

    def start_centre(self):
        # Its public address is the far end of the line, for that is what the edge proves itself to.
        env = {"KAREZ_SERVER_PUBLIC_URL": f"http://127.0.0.1:{self.line.port}"}
        command = [BINARY, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.centre_port}", "--tls", "off"]
        self.centre, _ = self.start(command, env)

    def start_edge(self):
        self.edge, ready = self.start([BINARY, "edge", "imaging", "--config", str(self.config)])
        self.dicom = int(ready["dicom"].rsplit(":", 1)[1])
        self.status = ready["status"]

    def scan(self, objects):
        """Sends as a scanner does; success means that the edge has it on its disk."""
        ae = AE("CT1")
        ae.add_requested_context(SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
        assoc = ae.associate("127.0.0.1", self.dicom, ae_title="KAREZEDGE")
        self.assertTrue(assoc.is_established)
        for ds in objects:
            self.assertEqual(assoc.send_c_store(ds).Status, 0)
        assoc.release()

    def state(self):
        with urllib.request.urlopen(self.status + "/state.json") as answer:
            return json.load(answer)

    def wait(self, what, rule, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            state = self.state()
            if rule(state):
                return state
            time.sleep(0.2)
        self.fail(f"{what}: {self.state()}")

    def token(self, role="clinician"):
        return self.admin("token", "--hospital", HOSPITAL, "--role", role)

    def ask(self, path, role="clinician", **headers):
        headers = {"Authorization": f"Bearer {self.token(role)}", **headers}
        return requests.get(f"http://127.0.0.1:{self.centre_port}{path}", headers=headers, timeout=30)

    def at_centre(self, study):
        answer = self.ask(f"/dicomweb/{HOSPITAL}/studies/{study}/instances", Accept="application/dicom+json")
        if answer.status_code in (204, 404):
            return []
        self.assertEqual(answer.status_code, 200, answer.text)
        return [row["00080018"]["Value"][0] for row in answer.json()]

    def test_a_line_cut_at_random_loses_nothing_and_sends_nothing_twice(self):
        self.start_edge()
        study = "1.2.826.0.1.3680043.10.1"
        objects = [picture(study, n, 400) for n in range(1, 25)]
        dice, done = random.Random(20261122), threading.Event()

        def weather():
            while not done.is_set():
                time.sleep(dice.uniform(0.05, 0.5))
                self.line.cut()
                time.sleep(dice.uniform(0.05, 0.4))
                self.line.mend()

        storm = threading.Thread(target=weather)
        storm.start()
        self.scan(objects[:12])
        # The edge itself is killed too: what it acknowledged is on its disk.
        self.edge.kill()
        self.edge.wait()
        self.start_edge()
        self.scan(objects[12:])
        # A scanner that repeats itself costs the line nothing.
        self.scan(objects[:3])
        time.sleep(6)
        done.set()
        storm.join()
        self.line.mend()
        self.wait("all at the centre", lambda s: s["waiting"] == 0)
        found = self.at_centre(study)
        self.assertEqual(sorted(found), sorted(o.SOPInstanceUID for o in objects))
        # One at a time: what crossed the line is little more than the objects (what was on its way when it broke).
        pixels = sum(len(o.PixelData) for o in objects)
        self.assertLess(self.line.sent, 2.5 * pixels)

    def test_urgent_studies_leave_first_and_the_page_and_the_centre_say_how_it_stands(self):
        self.start_edge()
        self.line.cut()
        self.scan([picture("1.2.826.0.1.3680043.10.2", n, 64) for n in range(1, 4)])
        self.scan([picture("1.2.826.0.1.3680043.10.3", 1, 64, urgent=True)])
        state = self.wait("the cut is seen", lambda s: s["line"] == "away" and s["waiting"] == 4)
        self.assertEqual((state["studies"], state["urgent-studies"]), (2, 1))
        page = requests.get(self.status, headers={"Accept-Language": "zh-CN"}, timeout=10).text
        self.assertIn("线路中断", page)
        self.assertNotIn("Test^Edge", page)
        self.assertNotIn("P-100", page)
        # A person puts the other study first too; a form from elsewhere does nothing.
        token, key = (re.search(f'name="{n}" value="([0-9a-f]+)"', page).group(1) for n in ("token", "study"))
        wrong = requests.post(self.status + "/urgent", data={"token": "x", "study": key, "urgent": "no"}, timeout=10)
        self.assertEqual(wrong.status_code, 403)
        marked = requests.post(self.status + "/urgent", data={"token": token, "study": key, "urgent": "yes"}, timeout=10)
        self.assertEqual(marked.status_code, 200)
        self.line.mend()
        self.wait("all at the centre", lambda s: s["waiting"] == 0)
        self.assertEqual(len(self.at_centre("1.2.826.0.1.3680043.10.2")), 3)
        self.assertEqual(len(self.at_centre("1.2.826.0.1.3680043.10.3")), 1)

    def test_the_schedule_holds_back_what_is_not_urgent(self):
        self.write_config(self.client, 'windows = "00:00-24:00 closed"\n')
        self.start_edge()
        self.scan([picture("1.2.826.0.1.3680043.10.4", 1, 64)])
        self.scan([picture("1.2.826.0.1.3680043.10.5", 1, 64, urgent=True)])
        state = self.wait("the urgent one left", lambda s: s["waiting"] == 1 and s["line"] == "closed")
        self.assertEqual(state["urgent-studies"], 0)
        self.assertEqual(len(self.at_centre("1.2.826.0.1.3680043.10.5")), 1)
        self.assertEqual(self.at_centre("1.2.826.0.1.3680043.10.4"), [])

    def test_pixels_leave_smaller_and_arrive_equal(self):
        self.start_edge()
        sent = picture("1.2.826.0.1.3680043.10.6", 1, 512, noise=False)
        self.scan([sent])
        self.wait("at the centre", lambda s: s["waiting"] == 0)
        self.assertLess(self.line.sent, len(sent.PixelData) // 4)
        uid = sent.SOPInstanceUID
        path = f"/dicomweb/{HOSPITAL}/studies/{sent.StudyInstanceUID}/series/{sent.SeriesInstanceUID}/instances/{uid}/frames/1"
        answer = self.ask(path, Accept='multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1')
        self.assertEqual(answer.status_code, 200, answer.text[:200])
        self.assertIn(sent.PixelData, answer.content)

    def test_an_edge_that_nobody_registered_keeps_everything(self):
        self.write_config("somebody-else")
        self.start_edge()
        self.scan([picture("1.2.826.0.1.3680043.10.7", 1, 64)])
        state = self.wait("refused", lambda s: s["line"] == "unknown")
        self.assertEqual(state["waiting"], 1)

    def test_the_client_of_tus_uploads_in_pieces(self):
        from tusclient import client as tus

        ds = picture("1.2.826.0.1.3680043.10.8", 1, 300)
        path = self.folder / "one.dcm"
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
        token = self.token("machine")
        there = tus.TusClient(
            f"http://127.0.0.1:{self.centre_port}/dicomweb/{HOSPITAL}/uploads",
            headers={"Authorization": f"Bearer {token}"},
        )
        uploader = there.uploader(str(path), chunk_size=20_000)
        uploader.upload_chunk()
        resumed = there.uploader(str(path), chunk_size=20_000, url=uploader.url)
        self.assertEqual(resumed.offset, 20_000)
        resumed.upload()
        self.assertEqual(self.at_centre(ds.StudyInstanceUID), [ds.SOPInstanceUID])


if __name__ == "__main__":
    unittest.main()
