"""The FHIR API as SMART's own Python client sees it."""

import unittest

import requests
from fhirclient import client
from fhirclient.models import bundle, observation, patient
from karez import Karez


class FhirClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.karez = cls.enterClassContext(Karez())
        cls.server = cls.connect("yarqum", "yarqum")

    @classmethod
    def connect(cls, hospital, of):
        smart = client.FHIRClient(settings={"app_id": "karez-interop", "api_base": f"{cls.karez.base}/fhir/{of}"})
        smart.server.session.headers["Authorization"] = f"Bearer {cls.karez.token(hospital, 'clinician')}"
        return smart.server

    def test_the_capability_statement_is_r4(self):
        statement = self.server.request_json("metadata")
        self.assertEqual(statement["resourceType"], "CapabilityStatement")
        self.assertEqual(statement["fhirVersion"], "4.0.1")

    def test_a_patient_is_found_by_name_in_either_script(self):
        for name in ("Memet", "پاتىگۈل"):
            found = patient.Patient.where(struct={"name": name}).perform_resources(self.server)
            self.assertTrue(any(p.birthDate for p in found), name)

    def test_results_of_a_patient_parse_and_are_sorted(self):
        one = patient.Patient.where(struct={"family": "Memet", "given": "Patigul"}).perform_resources(self.server)[0]
        search = observation.Observation.where(struct={"patient": one.id, "code": "718-7", "_sort": "date"})
        results = search.perform_resources(self.server)
        self.assertGreaterEqual(len(results), 2)
        times = [r.effectiveDateTime.date for r in results]
        self.assertEqual(times, sorted(times))
        self.assertEqual(results[0].valueQuantity.code, "g/L")

    def test_what_is_created_is_read_back(self):
        new = patient.Patient({"name": [{"family": "Interop", "given": ["Test"]}], "birthDate": "1990-05-17"})
        created = new.create(self.server)
        again = patient.Patient.read(created["id"], self.server)
        self.assertEqual(again.name[0].family, "Interop")
        self.assertEqual(again.birthDate.isostring, "1990-05-17")

    def test_an_unknown_parameter_is_refused_with_its_place(self):
        answer = self.server.session.get(
            f"{self.karez.base}/fhir/yarqum/Patient?shoe-size=44", headers={"Accept": "application/fhir+json"}
        )
        self.assertEqual(answer.status_code, 400)
        issue = answer.json()["issue"][0]
        self.assertIn("shoe-size", str(issue))

    def test_pages_of_a_search_neither_repeat_nor_miss(self):
        seen = []
        page = self.server.request_json("Patient?_count=20&_sort=birthdate")
        while page:
            seen += [e["resource"]["id"] for e in page["entry"] if e["search"]["mode"] == "match"]
            bundle.Bundle(page)
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            page = self.server.session.get(following[0]).json() if following else None
        self.assertEqual(len(seen), len(set(seen)))
        self.assertGreater(len(seen), 100)

    def test_another_hospital_s_records_are_not_there(self):
        elsewhere = self.connect("aqtash", "yarqum")
        found = elsewhere.request_json("Patient?_count=5")
        self.assertEqual([e for e in found.get("entry", []) if e["search"]["mode"] == "match"], [])

    def test_without_a_token_nothing_is_told(self):
        answer = requests.get(f"{self.karez.base}/fhir/yarqum/Patient", timeout=10)
        self.assertEqual(answer.status_code, 401)


if __name__ == "__main__":
    unittest.main()
