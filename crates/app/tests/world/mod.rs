//! Two hospitals with staff, a patient, an agreement and a consent.

#![allow(dead_code)] // each test file uses its own part

pub mod images;

use std::collections::{BTreeMap, BTreeSet};

use agreements::agreement::{
    Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Stage, Terms, compile,
};
use agreements::consent::ConsentRecord;
use agreements::{Agreement, ClassSet, Linked, Projection, RecordClass};
use app::accounts::{NewAccount, PatientLink};
use app::cases::CaseAct;
use app::cx::Channel;
use app::{Actor, ActorKind, Cx, Language, Privilege, Role, Settings};
use care::case::{Edit, RecordItem, Urgency};
use kernel::{AccountId, Instant, Phi, RecordKey};
use store::{Batch, Precondition};
use testkit::TestNode;
use testkit::people::{given_by_patient, membership, ordinary_for};
use testkit::records::{hospital_id, id, key};

pub struct World {
    pub node: TestNode,
    pub people: BTreeMap<&'static str, (AccountId, &'static str, Vec<Role>)>,
}

const STAFF: [(&str, &str, &[Role]); 8] = [
    ("alimjan", "yarqum", &[Role::Clinician]),
    ("rena", "yarqum", &[Role::Clinician]),
    ("yq-admin", "yarqum", &[Role::Administrator]),
    ("gulnar", "qumtagh", &[Role::Coordinator]),
    ("li", "qumtagh", &[Role::Consultant]),
    ("ma", "qumtagh", &[Role::Consultant]),
    ("qr-admin", "qumtagh", &[Role::Administrator]),
    (
        "outsider",
        "aqtash",
        &[Role::Clinician, Role::Coordinator, Role::Consultant],
    ),
];

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// Under settings of the test's own.
    pub async fn with(settings: Settings) -> Self {
        let node = TestNode::start_with(settings).await;
        for slug in ["yarqum", "qumtagh", "aqtash"] {
            let hospital = testkit::hospital(slug, "CN", "Asia/Shanghai");
            node.app.found_hospital(hospital).await.unwrap();
        }
        let mut people = BTreeMap::new();
        for (name, hospital, roles) in STAFF {
            let mut membership = membership(name, hospital, roles, &[Privilege::SignOpinion]);
            membership.specialties = vec!["thoracic-surgery".into()];
            let account = node
                .app
                .create_account(
                    &node.app.operator_cx(),
                    NewAccount {
                        login: format!("{name}.staff"),
                        email: None,
                        name: name.into(),
                        latin_name: None,
                        language: Language::English,
                        zone: "Asia/Shanghai".into(),
                        password: Phi::new("correct horse battery staple".into()),
                        totp_secret: None,
                        memberships: vec![membership],
                        patients: Vec::new(),
                    },
                )
                .await
                .unwrap();
            people.insert(name, (account, hospital, roles.to_vec()));
        }
        Self { node, people }
    }

    pub fn account(&self, name: &str) -> AccountId {
        self.people[name].0.clone()
    }

    /// A request of this person now.
    pub fn cx(&self, name: &str) -> Cx {
        let (account, hospital, roles) = &self.people[name];
        Cx {
            actor: Actor {
                account: account.clone(),
                kind: ActorKind::Staff,
                hospital: Some(hospital_id(hospital)),
                roles: roles.iter().copied().collect(),
                privileges: [Privilege::SignOpinion].into(),
                linked: Vec::new(),
            },
            name: name.into(),
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            channel: Channel::Page,
            now: self.node.now(),
            request: "test".into(),
            peer: None,
            second_factor: true,
        }
    }

    pub fn minutes(&self, n: i64) {
        self.node.clock.advance(jiff::SignedDuration::from_mins(n));
    }

    /// A patient of Yarqum with a potassium, an allergy and a psychiatric diagnosis.
    pub async fn patient(&self) -> RecordKey {
        let mut batch = Batch::new(self.node.now());
        let patient = key("yarqum", "Patient", "p1");
        let person = r#"{"resourceType":"Patient","identifier":[{"system":"https://yarqum.example/id/patient","value":"YQ-0048213","type":{"coding":[{"code":"MR"}]}}],
            "name":[{"text":"王小明"},{"family":"Wang","given":["Xiaoming"]}],"gender":"male","birthDate":"1968-03-14"}"#;
        batch.put_fhir(patient.clone(), Precondition::Absent, person);
        batch.put_fhir(
            key("yarqum", "Observation", "k1"),
            Precondition::Absent,
            testkit::records::potassium("p1", 1),
        );
        let allergy = r#"{"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p1"},"recordedDate":"2014-03-02"}"#;
        batch.put_fhir(
            key("yarqum", "AllergyIntolerance", "a1"),
            Precondition::Absent,
            allergy,
        );
        let psychiatry = r#"{"resourceType":"Condition","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},"code":{"text":"Depression"},"subject":{"reference":"Patient/p1"},"onsetDateTime":"2016"}"#;
        batch.put_fhir(
            key("yarqum", "Condition", "c1"),
            Precondition::Absent,
            psychiatry,
        );
        self.node.app.index_patients(&mut batch).unwrap();
        self.node.store.commit(batch).await.unwrap();
        patient
    }

    pub fn agreement_at_stage(&self, stage: Stage, co_signature: bool) -> Agreement {
        let party = |h: &str| Party {
            hospital: hospital_id(h),
            name: h.into(),
            jurisdiction: "CN".into(),
        };
        Agreement {
            id: id("qr-2024-003"),
            terms: Terms {
                number: "QR-2024-003".into(),
                title: "Opinions".into(),
                purpose: "care".into(),
                language: "en".into(),
                parties: vec![party("yarqum"), party("qumtagh")],
                first_day: "2024-01-01".parse().unwrap(),
                last_day: "2027-12-31".parse().unwrap(),
                zone: "Asia/Shanghai".into(),
                notice_days: 30,
                clauses: vec![Clause {
                    title: "Thoracic surgery".into(),
                    text: String::new(),
                    services: BTreeSet::from(["thoracic-surgery".into()]),
                    specialties: BTreeSet::new(),
                    referring: hospital_id("yarqum"),
                    answering: hospital_id("qumtagh"),
                    scope: DataScope {
                        classes: ClassSet::ordinary().without(RecordClass::Unclassified),
                        unclassified_one_by_one: true,
                    },
                    conditions: Conditions {
                        consent: true,
                        border_consent: false,
                        co_signature,
                        residency: Residency::StaysWithCustodian,
                        response: ResponseTimes::default(),
                        break_glass: false,
                        retention_days: 0,
                        images_without_identity: false,
                    },
                }],
                continues: None,
            },
            revision: 1,
            stage,
            text: None,
            signatures: Vec::new(),
            active_since: Some("2024-01-01T00:00:00Z".parse().unwrap()),
            suspensions: Vec::new(),
            notice: None,
            ended_at: None,
            settlements: BTreeMap::new(),
            history: Vec::new(),
        }
    }

    /// Writes the agreement as it stands, with its grants.
    pub async fn put_agreement(&self, agreement: &Agreement) {
        let mut batch = Batch::new(self.node.now());
        batch.put_doc(
            key("network", "agreement", agreement.id.as_str()),
            Precondition::Any,
            serde_json::to_vec(agreement).unwrap(),
            app::Document::lookups(agreement),
        );
        batch.projections.push(Projection::Grants {
            agreement: agreement.id.clone(),
            rows: compile(agreement),
        });
        self.node.store.commit(batch).await.unwrap();
    }

    /// A case of the patient that shares one entry and one class, and lies with `li` of Qumtagh.
    pub async fn allocated(&self, kind: &str, entry: &str, class: &str) -> RecordKey {
        let app = &self.node.app;
        let doctor = self.cx("alimjan");
        let case = app.start_case(&doctor, &id("p1")).await.unwrap();
        let edit = Edit {
            question: Some(text("Biopsy now, or treat for TB first?")),
            background: Some(text("Six weeks of dry cough.")),
            urgency: Some(Urgency::Urgent),
            service: Some("thoracic-surgery".into()),
            specialty: Some("thoracic-surgery".into()),
            partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
            items: Some(vec![RecordItem {
                kind: kernel::Kind::new(kind).unwrap(),
                id: id(entry),
            }]),
            classes: Some(BTreeSet::from([class.to_owned()])),
            consent: Some(id("consent-1")),
            ..Edit::default()
        };
        for act in [CaseAct::Edit(Box::new(edit)), CaseAct::Send] {
            app.case_act(&doctor, &case, act).await.unwrap();
        }
        let consultant = self.account("li");
        let act = CaseAct::Allocate { consultant };
        app.case_act(&self.cx("gulnar"), &case, act).await.unwrap();
        case
    }

    pub async fn agreement(&self) -> Agreement {
        let agreement = self.agreement_at_stage(Stage::Active, false);
        self.put_agreement(&agreement).await;
        agreement
    }

    /// A consent of the patient for Qumtagh.
    pub async fn consent(&self) -> ConsentRecord {
        let consent = ConsentRecord {
            id: id("consent-1"),
            custodian: hospital_id("yarqum"),
            patient: id("p1"),
            basis: given_by_patient("ug"),
            scope: ordinary_for("qumtagh", false),
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            until: None,
            withdrawn: None,
            recorded_by: self.account("alimjan"),
            recorded_at: self.node.now(),
        };
        self.put_consent(&consent).await;
        consent
    }

    /// A consent of the patient for whoever treats them, naming no hospital.
    pub async fn open_consent(&self) -> ConsentRecord {
        let mut consent = self.consent().await;
        consent.id = id("consent-2");
        consent.scope.hospitals = None;
        self.put_consent(&consent).await;
        consent
    }

    /// The account of the patient p1, or of someone who acts for them.
    pub async fn patient_account(&self, login: &str, link: PatientLink) -> AccountId {
        let new = NewAccount {
            login: login.into(),
            email: None,
            name: "Wang Xiaoming".into(),
            latin_name: None,
            language: Language::English,
            zone: "Asia/Shanghai".into(),
            password: Phi::new("correct horse battery staple".into()),
            totp_secret: None,
            memberships: Vec::new(),
            patients: vec![link],
        };
        let operator = self.node.app.operator_cx();
        self.node.app.create_account(&operator, new).await.unwrap()
    }

    /// A request of a patient's account.
    pub fn patient_cx(&self, account: &AccountId, linked: Linked) -> Cx {
        Cx {
            actor: Actor {
                account: account.clone(),
                kind: ActorKind::Patient,
                hospital: None,
                roles: [Role::Patient].into(),
                privileges: Default::default(),
                linked: vec![linked],
            },
            name: "Wang Xiaoming".into(),
            ..self.cx("alimjan")
        }
    }

    pub async fn put_consent(&self, consent: &ConsentRecord) {
        let mut batch = Batch::new(self.node.now());
        batch.put_doc(
            key("yarqum", "consent", consent.id.as_str()),
            Precondition::Any,
            serde_json::to_vec(consent).unwrap(),
            app::Document::lookups(consent),
        );
        batch.projections.push(Projection::Consents {
            custodian: consent.custodian.clone(),
            consent: consent.id.clone(),
            rows: agreements::consent::compile(consent),
        });
        self.node.store.commit(batch).await.unwrap();
    }
}

pub fn text(s: &str) -> Phi<String> {
    Phi::new(s.into())
}

pub fn at(s: &str) -> Instant {
    s.parse().unwrap()
}
