//! Three hospitals, their people, a patient with an observation, and ways to bring an agreement about.
#![allow(clippy::unwrap_used)] // a test that has no world has nothing to test

use std::collections::BTreeSet;

use agreements::agreement::{
    Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Terms,
};
use agreements::consent::Scope;
use agreements::decision::facts::Entry;
use agreements::{
    Actor, ActorKind, ClassSet, Projection, Reason, RecordClass, ShareItem, ShareRow,
};
use app::agreements::AgreementAct;
use app::consents::ConsentDraft;
use app::cx::Channel;
use app::{App, Cx, Language, Privilege, Role};
use kernel::{AccountId, Instant, ResourceId};
use store::{Batch, Precondition};

use crate::TestNode;
use crate::people::{given_by_patient, ordinary_for};
use crate::records::{hospital_id, id, key, kind};

pub struct World {
    pub node: TestNode,
}

impl World {
    pub async fn start() -> Self {
        Self::over(TestNode::start().await).await
    }

    /// The same in a node that is there.
    pub async fn over(node: TestNode) -> Self {
        for (slug, jurisdiction, zone) in [
            ("qumtagh", "CN", "Asia/Shanghai"),
            ("saryozen", "KZ", "Asia/Almaty"),
            ("northmere", "GB", "Europe/London"),
        ] {
            let hospital = crate::hospital(slug, jurisdiction, zone);
            node.app.found_hospital(hospital).await.unwrap();
        }
        let w = Self { node };
        for p in ["p1", "p2"] {
            let body =
                format!(r#"{{"resourceType":"Patient","id":"{p}","birthDate":"1980-05-01"}}"#);
            w.put("Patient", p, body).await;
        }
        w.put_observation("o1", "p1", None, "").await;
        w
    }

    pub fn app(&self) -> &App {
        &self.node.app
    }

    pub async fn put(&self, kind: &str, id: &str, body: String) {
        let mut batch = Batch::new(self.node.now());
        batch.put_fhir(key("qumtagh", kind, id), Precondition::Absent, body);
        self.node.store.commit(batch).await.unwrap();
    }

    /// A laboratory result; with a label it is of a sensitive class.
    pub async fn put_observation(&self, id: &str, patient: &str, label: Option<&str>, class: &str) {
        let security = match (label, class) {
            (Some(_), "genetics") => {
                r#","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"GDIS"}]}"#
            }
            _ => "",
        };
        let category = if class == "imaging" {
            "imaging"
        } else {
            "laboratory"
        };
        let body = format!(
            r#"{{"resourceType":"Observation","id":"{id}"{security},"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"{category}"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"2823-3"}}],"text":"Entry {id}"}},"subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":4.10,"unit":"mmol/L"}}}}"#
        );
        self.put("Observation", id, body).await;
    }

    pub fn staff(&self, account: &str, hospital: &str, roles: &[Role], more: &[Privilege]) -> Cx {
        self.cx(Actor {
            account: AccountId::new(account).unwrap(),
            kind: ActorKind::Staff,
            hospital: Some(hospital_id(hospital)),
            roles: roles.iter().copied().collect(),
            privileges: more.iter().copied().collect(),
            linked: Vec::new(),
        })
    }
    pub fn cx(&self, actor: Actor) -> Cx {
        Cx {
            name: actor.account.to_string(),
            actor,
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            channel: Channel::Page,
            now: self.node.now(),
            request: "r1".into(),
            peer: None,
            second_factor: true,
        }
    }
    pub fn admin(&self, hospital: &str) -> Cx {
        let account = format!("admin-{hospital}");
        let may = [Privilege::SignAgreement, Privilege::Audit];
        self.staff(&account, hospital, &[Role::Administrator], &may)
    }
    pub fn clinician(&self) -> Cx {
        self.staff("clinician", "qumtagh", &[Role::Clinician], &[])
    }
    pub fn consultant(&self) -> Cx {
        self.staff(
            "consultant",
            "saryozen",
            &[Role::Consultant],
            &[Privilege::SignOpinion],
        )
    }
    pub fn patient(&self) -> Cx {
        self.cx(Actor {
            account: AccountId::new("patient").unwrap(),
            kind: ActorKind::Patient,
            hospital: None,
            roles: BTreeSet::from([Role::Patient]),
            privileges: BTreeSet::new(),
            linked: vec![agreements::Linked::whole(hospital_id("qumtagh"), id("p1"))],
        })
    }

    pub fn terms(&self, first: &str, last: &str) -> Terms {
        let party = |slug: &str| Party {
            hospital: hospital_id(slug),
            name: String::new(),
            jurisdiction: String::new(),
        };
        Terms {
            number: format!("QS-{first}"),
            title: "Second opinions".into(),
            purpose: "Opinions".into(),
            language: "en".into(),
            parties: vec![party("qumtagh"), party("saryozen")],
            first_day: first.parse().unwrap(),
            last_day: last.parse().unwrap(),
            zone: "Asia/Shanghai".into(),
            notice_days: 30,
            clauses: vec![Clause {
                title: "Second opinions".into(),
                text: String::new(),
                services: BTreeSet::from(["second-opinion".to_owned()]),
                specialties: BTreeSet::new(),
                referring: hospital_id("qumtagh"),
                answering: hospital_id("saryozen"),
                scope: DataScope {
                    classes: ClassSet::ordinary(),
                    unclassified_one_by_one: true,
                },
                conditions: Conditions {
                    consent: true,
                    border_consent: true,
                    co_signature: false,
                    residency: Residency::StaysWithCustodian,
                    response: ResponseTimes::default(),
                    break_glass: false,
                    retention_days: 30,
                    images_without_identity: false,
                },
            }],
            continues: None,
        }
    }

    pub async fn agreement_from(&self, first: &str, last: &str) -> ResourceId {
        let terms = self.terms(first, last);
        let cx = self.admin("qumtagh");
        let agreement = self.app().draft_agreement(&cx, terms).await.unwrap();
        let app = self.app();
        app.agreement_act(&cx, &agreement, AgreementAct::Propose)
            .await
            .unwrap();
        for hospital in ["qumtagh", "saryozen"] {
            let signer = self.admin(hospital);
            app.sign_agreement(&signer, &agreement, "Director")
                .await
                .unwrap();
        }
        agreement
    }
    pub async fn active_agreement(&self) -> ResourceId {
        self.agreement_from("2026-01-01", "2027-12-31").await
    }

    pub async fn consent(&self, across_border: bool) -> ResourceId {
        self.consent_until(across_border, None).await
    }

    pub async fn consent_until(&self, across_border: bool, until: Option<Instant>) -> ResourceId {
        let scope = ordinary_for("saryozen", across_border);
        self.consent_to(&self.clinician(), scope, until).await
    }

    /// The patient consents, and this clinician records it.
    pub async fn consent_to(&self, by: &Cx, scope: Scope, until: Option<Instant>) -> ResourceId {
        let draft = ConsentDraft {
            custodian: hospital_id("qumtagh"),
            patient: id("p1"),
            basis: given_by_patient("en"),
            scope,
            from: None,
            until,
        };
        self.app().record_consent(by, draft).await.unwrap()
    }

    /// A case shares a class; only the row, as the case's own use case would write it.
    pub async fn share(&self, agreement: &ResourceId, class: RecordClass) {
        let mut batch = Batch::new(self.node.now());
        batch.projections.push(Projection::Shares {
            custodian: hospital_id("qumtagh"),
            case: id("k1"),
            rows: vec![ShareRow {
                case: id("k1"),
                agreement: agreement.clone(),
                custodian: hospital_id("qumtagh"),
                patient: id("p1"),
                grantee: hospital_id("saryozen"),
                item: ShareItem::Class(class),
                from: self.node.now(),
                until: Instant::MAX,
            }],
        });
        self.node.store.commit(batch).await.unwrap();
    }

    /// Through the store's predicate.
    pub async fn can_read(&self, cx: &Cx) -> bool {
        let observation = key("qumtagh", "Observation", "o1");
        let found = self.node.store.get(&cx.permit(), &observation, None).await;
        found.unwrap().is_some()
    }
    /// Through the one-thing decision.
    pub async fn why(&self, cx: &Cx) -> Vec<Reason> {
        let entry = Entry {
            custodian: hospital_id("qumtagh"),
            kind: kind("Observation"),
            id: id("o1"),
            class: RecordClass::Laboratory,
            patient: Some(id("p1")),
            among_staff: false,
        };
        let mut reasons = self.app().why_read(cx, entry).await.unwrap();
        // The share of these tests is a row without a case document, which decisions read.
        reasons.retain(|r| *r != Reason::NotShared);
        reasons
    }
}
