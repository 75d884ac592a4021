//! The kinds of act, each through its doors.

use agreements::consent::Relation;
use agreements::decision::facts::Entry;
use agreements::{Action, RecordClass, Subject};
use app::AppError;
use app::agreements::AgreementAct;
use app::cases::act::CaseAct;
use axum::http::StatusCode;
use kernel::RecordKey;
use serde_json::{Value, json};
use testkit::records::{hospital_id, id, key, kind};

use crate::doors::Answer;
use crate::scene::{Person, Scene, Way};

pub const ACTS: [&str; 17] = [
    "read shared result",
    "read unshared image",
    "read genetics",
    "find shared study",
    "find unshared study",
    "open shared study",
    "open unshared study",
    "send an image",
    "open the case",
    "send a case",
    "accept a case",
    "write the answer",
    "withdraw consent",
    "break the glass",
    "who read it",
    "read own audit",
    "edit an agreement",
];

/// What each door said; none where the act has no such door for this person.
#[derive(Debug)]
pub struct Cell {
    pub by_use_case: bool,
    pub by_fhir: Option<bool>,
    pub by_page: Option<bool>,
    pub by_dicomweb: Option<bool>,
}

impl Cell {
    pub fn agrees(&self) -> bool {
        [self.by_fhir, self.by_page, self.by_dicomweb]
            .into_iter()
            .flatten()
            .all(|door| door == self.by_use_case)
    }

    /// Which doors there were beside the use case.
    pub fn doors(&self) -> &'static str {
        match (self.by_fhir, self.by_page, self.by_dicomweb) {
            (Some(_), Some(_), _) => "",
            (Some(_), None, None) => " (FHIR)",
            (Some(_), None, Some(_)) => " (FHIR, DICOMweb)",
            (None, Some(_), _) => " (page)",
            (None, None, Some(_)) => " (DICOMweb)",
            (None, None, None) => " (neither)",
        }
    }
}

pub fn shown(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
}

/// A form that did what it is for leads on to another page.
fn led_on(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER
}

pub fn is_patient(who: &Person) -> bool {
    matches!(who.way, Way::Patient { .. })
}

/// Whether the use case was permitted and possible. Anything but a refusal is a fault of the test.
pub fn done<T>(result: Result<T, AppError>) -> bool {
    match result {
        Ok(_) => true,
        Err(
            AppError::Denied(_)
            | AppError::NotFound
            | AppError::Rejected { .. }
            | AppError::Invalid(_)
            | AppError::Conflict,
        ) => false,
        Err(other) => panic!("{other}"),
    }
}

impl Scene {
    pub async fn cell(&self, act: &str, who: &Person) -> Cell {
        match act {
            "read shared result" => self.read(who, "o1", RecordClass::Laboratory).await,
            "read unshared image" => self.read(who, "o-img", RecordClass::Imaging).await,
            "read genetics" => self.read(who, "o-gen", RecordClass::Genetics).await,
            "find shared study" => self.find_study(who, "shared").await,
            "find unshared study" => self.find_study(who, "unshared").await,
            "open shared study" => self.open_study(who, "shared").await,
            "open unshared study" => self.open_study(who, "unshared").await,
            "send an image" => self.send_image(who).await,
            "open the case" => self.open_case(who).await,
            "send a case" => self.send_case(who).await,
            "accept a case" => self.accept_case(who).await,
            "write the answer" => self.write_answer(who).await,
            "withdraw consent" => self.withdraw(who).await,
            "break the glass" => self.break_glass(who).await,
            "who read it" => self.who_read(who).await,
            "read own audit" => self.own_audit(who).await,
            "edit an agreement" => self.edit_agreement(who).await,
            other => panic!("no such act: {other}"),
        }
    }

    /// One entry: by the store's predicate, the decision on one thing, two use cases, FHIR read, history and search, page.
    async fn read(&self, who: &Person, entry: &str, class: RecordClass) -> Cell {
        let app = self.w.app();
        let observation = key("qumtagh", "Observation", entry);
        let permit = who.cx.permit();
        let by_store = self.w.node.store.get(&permit, &observation, None).await;
        let by_store = by_store.unwrap().is_some();
        let subject = Subject::Entry(Entry {
            custodian: hospital_id("qumtagh"),
            kind: kind("Observation"),
            id: id(entry),
            class,
            patient: Some(id("p1")),
            among_staff: false,
        });
        let decided = app.decide(&who.cx, Action::ReadRecord, subject).await;
        let inside = [
            decided.unwrap().allowed,
            done(app.fhir_read(&who.cx, &observation, None).await),
            done(app.entry(&who.cx, &observation).await),
        ];
        assert_eq!(inside, [by_store; 3], "{} {entry}", who.name);
        Cell {
            by_use_case: by_store,
            by_fhir: Some(self.read_by_fhir(who, entry).await),
            by_page: self.read_by_page(who, entry).await,
            by_dicomweb: None,
        }
    }

    async fn read_by_fhir(&self, who: &Person, entry: &str) -> bool {
        let read = self.read_or_nothing(who, "", entry).await;
        let history = self.read_or_nothing(who, "/_history", entry).await;
        let version = self.read_or_nothing(who, "/_history/1", entry).await;
        let search = format!("qumtagh/Observation?_id={entry}&_total=accurate");
        let found = self.fhir(who, &search).await;
        assert_eq!(found.status, StatusCode::OK, "{}", who.name);
        let found = found.json();
        let (total, entries) = (&found["total"], found["entry"].as_array());
        let is_found = *total == json!(1) && entries.is_some_and(|e| e.len() == 1);
        let is_nothing = *total == json!(0) && entries.is_none_or(Vec::is_empty);
        assert!(is_found != is_nothing, "{}: {found}", who.name);
        assert_eq!(
            [history, version, is_found],
            [read; 3],
            "{} {entry}: history, version and search are as the read",
            who.name
        );
        read
    }

    /// Whether it is shown; if not, it is as if it were not there.
    async fn read_or_nothing(&self, who: &Person, more: &str, entry: &str) -> bool {
        let at = async |id: &str| {
            let path = format!("qumtagh/Observation/{id}{more}");
            self.fhir(who, &path).await
        };
        let there = at(entry).await;
        if !shown(&there) {
            let nothing = at("never-was").await;
            assert_eq!(
                there.without(entry),
                nothing.without("never-was"),
                "{} learns that {entry} exists",
                who.name
            );
        }
        shown(&there)
    }

    async fn read_by_page(&self, who: &Person, entry: &str) -> Option<bool> {
        if is_patient(who) {
            let record = self.page(who, "/me/record").await?;
            assert!(shown(&record), "{}", who.name);
            return Some(record.body.contains(&format!("Entry {entry}<")));
        }
        let at = async |id: &str| {
            let path = format!("/records/qumtagh/Observation/{id}");
            self.page(who, &path).await
        };
        let there = at(entry).await?;
        if !shown(&there) {
            let nothing = at("never-was").await?;
            assert_eq!(
                there.without(entry),
                nothing.without("never-was"),
                "{} learns that {entry} exists",
                who.name
            );
        }
        Some(shown(&there))
    }

    async fn open_case(&self, who: &Person) -> Cell {
        let case = &self.cases.sent;
        let resource = |kind: &str| format!("qumtagh/{kind}/{}", case.id);
        let request = self.fhir(who, &resource("ServiceRequest")).await;
        let task = self.fhir(who, &resource("Task")).await;
        assert_eq!(shown(&request), shown(&task), "{}", who.name);
        let place = if is_patient(who) {
            "/me/cases"
        } else {
            "/cases"
        };
        let address = format!("{place}/qumtagh/{}", case.id);
        let page = self.page(who, &address).await;
        // A draft is opened where it is written on.
        let draft = |p: &Answer| {
            p.location
                .as_ref()
                .is_some_and(|l| l.starts_with(&format!("{address}/edit/")))
        };
        Cell {
            by_use_case: done(self.w.app().case(&who.cx, case).await),
            by_fhir: Some(shown(&request)),
            by_page: page.map(|p| shown(&p) || draft(&p)),
            by_dicomweb: None,
        }
    }

    /// A resource of the case as the own clinician reads it, with another status.
    async fn with_status(&self, kind: &str, id: &str, status: &str) -> Value {
        let clinician = self.person("own clinician");
        let read = self.fhir(clinician, &format!("qumtagh/{kind}/{id}")).await;
        assert!(shown(&read), "{kind}/{id}: {}", read.body);
        let mut resource = read.json();
        resource["status"] = json!(status);
        resource
    }

    async fn send_case(&self, who: &Person) -> Cell {
        let draft = &self.cases.draft;
        let sent = done(self.act(who, draft, CaseAct::Send).await);
        self.take_back(sent).await;
        let path = format!("qumtagh/ServiceRequest/{}", draft.id);
        let body = self
            .with_status("ServiceRequest", draft.id.as_str(), "active")
            .await;
        let by_fhir = self.put(who, &path, &body).await.map(|a| shown(&a));
        self.take_back(by_fhir == Some(true)).await;
        let path = format!("/cases/qumtagh/{}/send", draft.id);
        let by_page = self.form(who, &path, "").await.map(|a| led_on(&a));
        self.take_back(by_page == Some(true)).await;
        Cell {
            by_use_case: sent,
            by_fhir,
            by_page,
            by_dicomweb: None,
        }
    }

    async fn act(&self, who: &Person, case: &RecordKey, act: CaseAct) -> Result<(), AppError> {
        self.w.app().case_act(&who.cx, case, act).await.map(|_| ())
    }

    /// The case that was sent is a draft again.
    async fn take_back(&self, was_sent: bool) {
        if was_sent {
            let clinician = self.person("own clinician");
            self.act(clinician, &self.cases.draft, CaseAct::TakeBack)
                .await
                .unwrap();
        }
    }

    /// Each door has a case of its own, since nothing undoes an acceptance.
    async fn accept_case(&self, who: &Person) -> Cell {
        let [one, two, three] = &self.cases.waiting;
        let body = self.with_status("Task", two.id.as_str(), "accepted").await;
        let path = format!("qumtagh/Task/{}", two.id);
        let form = format!("/cases/qumtagh/{}/accept", three.id);
        let is_accepted = async || {
            let as_it_is = self.with_status("Task", two.id.as_str(), "").await;
            as_it_is["businessStatus"]["coding"][0]["code"] == json!("accepted")
        };
        // Who writes what stands there already changes nothing and is told so: only the change counts.
        let before = is_accepted().await;
        let put = self.put(who, &path, &body).await;
        let by_fhir = match put {
            Some(answer) => Some(shown(&answer) && !before && is_accepted().await),
            None => None,
        };
        Cell {
            by_use_case: done(self.act(who, one, CaseAct::Accept).await),
            by_fhir,
            by_page: self.form(who, &form, "").await.map(|a| led_on(&a)),
            by_dicomweb: None,
        }
    }

    /// Opinions are written and signed on pages alone.
    async fn write_answer(&self, who: &Person) -> Cell {
        let case = &self.cases.allocated;
        let desk = self.w.app().opinion_desk(&who.cx, case).await;
        let path = format!("/cases/qumtagh/{}/opinion", case.id);
        Cell {
            by_use_case: done(desk),
            by_fhir: None,
            by_page: self.page(who, &path).await.map(|a| shown(&a)),
            by_dicomweb: None,
        }
    }

    async fn withdraw(&self, who: &Person) -> Cell {
        let custodian = hospital_id("qumtagh");
        let consent = self.spare_consent().await;
        let withdrawn = self
            .w
            .app()
            .withdraw_consent(&who.cx, &custodian, &consent, Relation::Patient, None)
            .await;
        let consent = self.spare_consent().await;
        let body = self
            .with_status("Consent", consent.as_str(), "inactive")
            .await;
        let path = format!("qumtagh/Consent/{consent}");
        let by_fhir = self.put(who, &path, &body).await.map(|a| shown(&a));
        let consent = self.spare_consent().await;
        let path = if is_patient(who) {
            format!("/me/consents/qumtagh/{consent}/withdraw")
        } else {
            format!("/patients/qumtagh/p1/consents/{consent}/withdraw")
        };
        let by_page = self.form(who, &path, "relation=patient").await;
        Cell {
            by_use_case: done(withdrawn),
            by_fhir,
            by_page: by_page.map(|a| led_on(&a)),
            by_dicomweb: None,
        }
    }

    /// Asked without a reason: whoever may open it is asked for one, and nothing is opened.
    async fn break_glass(&self, who: &Person) -> Cell {
        let subject = Subject::Record {
            hospital: hospital_id("qumtagh"),
            patient: id("p1"),
        };
        let decided = self.w.app().decide(&who.cx, Action::BreakGlass, subject);
        let path = "/patients/qumtagh/p1/break-glass";
        let asked = self.form(who, path, "reason=").await;
        Cell {
            by_use_case: decided.await.unwrap().allowed,
            by_fhir: None,
            by_page: asked.map(|a| a.status == StatusCode::UNPROCESSABLE_ENTITY || shown(&a)),
            by_dicomweb: None,
        }
    }

    /// That the own clinician has read the patient's record.
    async fn who_read(&self, who: &Person) -> Cell {
        self.w.app().flush_reads().await.unwrap();
        let custodian = hospital_id("qumtagh");
        let readers = self.w.app().readers(&who.cx, &custodian, &id("p1")).await;
        let clinician = self.person("own clinician");
        let (path, mark) = if is_patient(who) {
            ("/me/readers", clinician.name)
        } else {
            let account = clinician.cx.actor.account.as_str();
            ("/audit/export?format=csv&patient=p1", account)
        };
        let page = self.page(who, path).await;
        Cell {
            by_use_case: done(readers),
            by_fhir: None,
            by_page: page.map(|p| shown(&p) && p.body.contains(mark)),
            by_dicomweb: None,
        }
    }

    async fn own_audit(&self, who: &Person) -> Cell {
        let ask = app::audit::AuditAsk::default();
        let page = self.page(who, "/audit").await;
        Cell {
            by_use_case: done(self.w.app().audit_page(&who.cx, &ask).await),
            by_fhir: None,
            by_page: page.map(|p| shown(&p)),
            by_dicomweb: None,
        }
    }

    /// A draft that its other party has; saved as it is.
    async fn edit_agreement(&self, who: &Person) -> Cell {
        let drafted = &self.drafted;
        let terms = self.w.terms("2026-02-01", "2027-12-31");
        let edit = AgreementAct::Edit(Box::new(terms));
        let edited = match who.cx.hospital() {
            Ok(_) => done(self.w.app().agreement_act(&who.cx, drafted, edit).await),
            Err(_) => false,
        };
        let body = self
            .with_status("Contract", drafted.as_str(), "negotiable")
            .await;
        let by_fhir = match who.cx.hospital() {
            Ok(own) => {
                let path = format!("{own}/Contract/{drafted}");
                self.put(who, &path, &body).await.map(|a| shown(&a))
            }
            Err(_) => None,
        };
        let page = self.page(who, &format!("/agreements/{drafted}/edit")).await;
        Cell {
            by_use_case: edited,
            by_fhir,
            by_page: page.map(|p| shown(&p)),
            by_dicomweb: None,
        }
    }
}
