//! One block of the matrix: two hospitals with an agreement in some state, a patient with a consent in some state, cases
//! that were begun while both permitted them, and everybody who might try something, signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use agreements::Role;
use agreements::consent::Relation;
use app::accounts::model::{PatientLink, Relation as Link};
use app::accounts::{NewAccount, SignIn, Validity};
use app::agreements::AgreementAct;
use app::cases::act::CaseAct;
use app::cx::Channel;
use app::sessions::SessionAsk;
use app::{Cx, Language, Privilege, Settings};
use axum::Router;
use care::case::{Edit, RecordItem, Urgency};
use jiff::SignedDuration;
use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId};
use testkit::TestNode;
use testkit::people::{membership, ordinary_for};
use testkit::records::{hospital_id, id};
use testkit::world::World;

use crate::images::Study;

const PASSWORD: &str = "seven poplars by the well";

/// How somebody reaches the node.
#[derive(Debug, Clone)]
pub enum Way {
    /// A session of the pages, which FHIR takes for safe requests; writes go with a token of the same role.
    Staff { cookie: String, bearer: String },
    /// A session without a role: no token is given to patients.
    Patient { cookie: String },
    /// A token alone: no pages.
    Machine { bearer: String },
}

/// Somebody who tries.
pub struct Person {
    pub name: &'static str,
    pub cx: Cx,
    pub way: Way,
}

/// Name, hospital, role and privileges of staff, in the order of the table.
const STAFF: [(&str, &str, Role, &[Privilege]); 8] = [
    ("own clinician", "qumtagh", Role::Clinician, &[]),
    (
        "own sensitive",
        "qumtagh",
        Role::Clinician,
        &[Privilege::Sensitive],
    ),
    (
        "own admin",
        "qumtagh",
        Role::Administrator,
        &[Privilege::SignAgreement, Privilege::Audit],
    ),
    ("their coordinator", "saryozen", Role::Coordinator, &[]),
    (
        "their consultant",
        "saryozen",
        Role::Consultant,
        &[Privilege::SignOpinion],
    ),
    (
        "their admin",
        "saryozen",
        Role::Administrator,
        &[Privilege::SignAgreement, Privilege::Audit],
    ),
    (
        "third consultant",
        "northmere",
        Role::Consultant,
        &[Privilege::SignOpinion],
    ),
    ("operator", "qumtagh", Role::Operator, &[]),
];
const PATIENTS: [(&str, &str); 2] = [("the patient", "p1"), ("other patient", "p2")];

/// Cases of the patient, each in its state before the block's own change.
pub struct Cases {
    /// Sent and waiting; also what is read.
    pub sent: RecordKey,
    /// Not sent yet, complete.
    pub draft: RecordKey,
    /// Sent and waiting, one for each door through which it may be accepted.
    pub waiting: [RecordKey; 3],
    /// Accepted and allocated to their consultant.
    pub allocated: RecordKey,
}

/// Studies of the patient; one goes with every case.
pub struct Studies {
    pub shared: Study,
    pub unshared: Study,
}

pub struct Scene {
    pub w: World,
    pub cases: Cases,
    pub studies: Studies,
    /// Drafted by the own administrator and never proposed.
    pub drafted: ResourceId,
    pub router: Router,
    pub people: Vec<Person>,
}

impl Scene {
    pub async fn new(agreement: &str, consent: &str) -> Self {
        let settings = Settings {
            second_factor_for: Vec::new(),
            ..Settings::default()
        };
        let w = World::over(TestNode::start_with(settings).await).await;
        w.put_observation("o-img", "p1", None, "imaging").await;
        w.put_observation("o-gen", "p1", Some("R"), "genetics")
            .await;
        let accounts = accounts(&w).await;
        let set = Setting { w, accounts };
        let in_force = set.agreement(agreement).await;
        let given = set.consent(consent).await;
        let studies = Studies {
            shared: set.study("1.2.826.71").await,
            unshared: set.study("1.2.826.72").await,
        };
        let asked = edit(&in_force, &given, &studies.shared);
        let cases = set.cases(agreement != "proposed", &asked).await;
        let drafted = set.drafted().await;
        set.change_consent(consent, &given).await;
        set.change_agreement(agreement, &in_force, &cases).await;
        let people = set.people().await;
        let app = Arc::new(set.w.app().clone());
        let router =
            gateway::router(app.clone(), gateway::Scrape::new(String::new)).merge(web::router(app));
        Self {
            w: set.w,
            cases,
            studies,
            drafted,
            router,
            people,
        }
    }

    pub fn person(&self, name: &str) -> &Person {
        self.people.iter().find(|p| p.name == name).unwrap()
    }

    /// One more consent that opens nothing, so that it can be withdrawn.
    pub async fn spare_consent(&self) -> ResourceId {
        let clinician = &self.person("own clinician").cx;
        let scope = ordinary_for("northmere", false);
        self.w.consent_to(clinician, scope, None).await
    }
}

async fn accounts(w: &World) -> BTreeMap<&'static str, AccountId> {
    let always = Validity::since(Instant::UNIX_EPOCH);
    let mut all = BTreeMap::new();
    let mut new = Vec::new();
    for (name, hospital, role, privileges) in STAFF {
        let membership = membership(name, hospital, &[role], privileges);
        new.push((name, vec![membership], Vec::new()));
    }
    for (name, patient) in PATIENTS {
        let link = PatientLink {
            hospital: hospital_id("qumtagh"),
            patient: id(patient),
            relation: Link::Oneself,
            limits: Vec::new(),
            valid: always,
        };
        new.push((name, Vec::new(), vec![link]));
    }
    for (name, memberships, patients) in new {
        let account = NewAccount {
            login: login(name),
            email: None,
            name: name.into(),
            latin_name: None,
            language: Language::English,
            zone: "UTC".into(),
            password: Phi::new(PASSWORD.into()),
            totp_secret: None,
            memberships,
            patients,
        };
        let operator = w.app().operator_cx();
        let made = w.app().create_account(&operator, account).await.unwrap();
        all.insert(name, made);
    }
    all
}

fn login(name: &str) -> String {
    format!("{}@hospital.example", name.replace(' ', "."))
}

fn ask(channel: Channel) -> SessionAsk {
    SessionAsk {
        request: "matrix".into(),
        peer: None,
        channel,
    }
}

/// A scene while it is being set.
pub struct Setting {
    pub w: World,
    accounts: BTreeMap<&'static str, AccountId>,
}

impl Setting {
    /// Staff before anybody signs in: the table's sessions begin when the scene is set, whatever time has passed.
    pub fn staff(&self, name: &str) -> Cx {
        let (_, hospital, role, privileges) = STAFF.iter().find(|s| s.0 == name).unwrap();
        let account = self.accounts[name].as_str();
        self.w.staff(account, hospital, &[*role], privileges)
    }

    /// The agreement, signed unless it is only proposed; it runs out on the third day where it is to expire.
    async fn agreement(&self, state: &str) -> ResourceId {
        let last = if state == "expired" {
            "2026-11-23"
        } else {
            "2027-12-31"
        };
        if state != "proposed" {
            return self.w.agreement_from("2026-01-01", last).await;
        }
        let (app, admin) = (self.w.app(), self.staff("own admin"));
        let terms = self.w.terms("2026-01-01", last);
        let drafted = app.draft_agreement(&admin, terms).await.unwrap();
        app.agreement_act(&admin, &drafted, AgreementAct::Propose)
            .await
            .unwrap();
        drafted
    }

    /// An agreement nobody has been shown.
    async fn drafted(&self) -> ResourceId {
        let terms = self.w.terms("2026-02-01", "2027-12-31");
        let admin = self.staff("own admin");
        self.w.app().draft_agreement(&admin, terms).await.unwrap()
    }

    async fn consent(&self, state: &str) -> ResourceId {
        let hour = SignedDuration::from_hours(1);
        let until = (state == "run-out").then(|| self.w.node.now().checked_add(hour).unwrap());
        self.w.consent_until(true, until).await
    }

    async fn cases(&self, send: bool, asked: &Edit) -> Cases {
        let case = async |sent: bool| {
            let (app, clinician) = (self.w.app(), self.staff("own clinician"));
            let case = app.start_case(&clinician, &id("p1")).await.unwrap();
            let edit = CaseAct::Edit(Box::new(asked.clone()));
            app.case_act(&clinician, &case, edit).await.unwrap();
            if sent {
                app.case_act(&clinician, &case, CaseAct::Send)
                    .await
                    .unwrap();
            }
            case
        };
        let cases = Cases {
            sent: case(send).await,
            draft: case(false).await,
            waiting: [case(send).await, case(send).await, case(send).await],
            allocated: case(send).await,
        };
        if send {
            let coordinator = self.staff("their coordinator");
            let allocate = CaseAct::Allocate {
                consultant: self.accounts["their consultant"].clone(),
            };
            for act in [CaseAct::Accept, allocate] {
                let done = self.w.app().case_act(&coordinator, &cases.allocated, act);
                done.await.unwrap();
            }
        }
        cases
    }

    async fn change_consent(&self, to: &str, given: &ResourceId) {
        let w = &self.w;
        if to == "not-abroad" {
            w.consent(false).await;
        }
        if matches!(to, "not-abroad" | "withdrawn") {
            let custodian = hospital_id("qumtagh");
            w.app()
                .withdraw_consent(&w.patient(), &custodian, given, Relation::Patient, None)
                .await
                .unwrap();
        }
        if to == "run-out" {
            w.node.clock.advance(SignedDuration::from_hours(2));
        }
    }

    async fn change_agreement(&self, to: &str, agreement: &ResourceId, cases: &Cases) {
        let w = &self.w;
        let act = async |act| {
            let admin = self.staff("own admin");
            w.app().agreement_act(&admin, agreement, act).await.unwrap();
        };
        let reason = || "for the table".to_owned();
        match to {
            "suspended" => act(AgreementAct::Suspend { reason: reason() }).await,
            "ended" => {
                act(AgreementAct::GiveNotice { reason: reason() }).await;
                for case in cases.all_sent() {
                    let clinician = self.staff("own clinician");
                    w.app()
                        .case_act(&clinician, case, CaseAct::Cancel)
                        .await
                        .unwrap();
                }
                w.node.clock.advance(SignedDuration::from_hours(24 * 31));
                act(AgreementAct::End { reason: reason() }).await;
            }
            "expired" => {
                w.node.clock.advance(SignedDuration::from_hours(72));
                w.app().agreement_clock().await.unwrap();
            }
            _ => {}
        }
    }

    /// Everybody signs in, now.
    async fn people(&self) -> Vec<Person> {
        let mut people = Vec::new();
        for (name, hospital, role, _) in STAFF {
            let (cookie, cx) = self.sign_in(name).await;
            let bearer = self.w.node.token(hospital, role);
            let way = Way::Staff { cookie, bearer };
            people.push(Person { name, cx, way });
        }
        let bearer = self.w.node.token("qumtagh", Role::Machine);
        let cx = self.w.app().bearer(&bearer, ask(Channel::Fhir)).await;
        people.push(Person {
            name: "own machine",
            cx: cx.unwrap(),
            way: Way::Machine { bearer },
        });
        for (name, _) in PATIENTS {
            let (cookie, cx) = self.sign_in(name).await;
            let way = Way::Patient { cookie };
            people.push(Person { name, cx, way });
        }
        people
    }

    async fn sign_in(&self, name: &str) -> (String, Cx) {
        let given = SignIn {
            login: login(name),
            password: Phi::new(PASSWORD.into()),
            code: None,
            device: None,
        };
        let app = self.w.app();
        let token = app.sign_in(ask(Channel::Page), given).await.unwrap().token;
        let signed = app.session(&token, ask(Channel::Page)).await.unwrap();
        assert_eq!(signed.pending, None, "{name} owes nothing more");
        (token, signed.cx)
    }
}

impl Cases {
    fn all_sent(&self) -> impl Iterator<Item = &RecordKey> {
        [&self.sent, &self.allocated]
            .into_iter()
            .chain(&self.waiting)
    }
}

fn edit(agreement: &ResourceId, consent: &ResourceId, study: &Study) -> Edit {
    Edit {
        question: Some(Phi::new("Is it operable?".into())),
        background: Some(Phi::new("Cough for two months.".into())),
        urgency: Some(Urgency::Routine),
        service: Some("second-opinion".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("saryozen"), agreement.clone())),
        classes: Some(["laboratory".to_owned()].into()),
        items: Some(vec![RecordItem {
            kind: study.key.kind.clone(),
            id: study.key.id.clone(),
        }]),
        consent: Some(consent.clone()),
        language: Some("en".into()),
        ..Edit::default()
    }
}
