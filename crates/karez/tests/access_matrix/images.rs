//! Studies and their objects: by the use cases of the archive, the store's predicate, the decision on one thing, FHIR,
//! pages, and every transaction of DICOMweb.

use agreements::decision::facts::Entry;
use agreements::{Action, RecordClass, Subject};
use app::imaging::{ImageSource, Target};
use axum::http::StatusCode;
use imaging::query::{Level, from_qido};
use kernel::RecordKey;
use testkit::phantom::Phantom;
use testkit::records::{hospital_id, id};

use crate::acts::{Cell, done, shown};
use crate::scene::{Person, Scene, Setting};

/// A study of the patient at Qumtagh, of one object.
pub struct Study {
    pub key: RecordKey,
    pub phantom: Phantom,
}

impl Setting {
    /// Kept and filed with the patient by the own clinician.
    pub async fn study(&self, uid: &str) -> Study {
        let (app, clinician) = (self.w.app(), self.staff("own clinician"));
        let phantom = Phantom::new(uid, "17", 16);
        let kept = app
            .image_store(
                &clinician,
                &hospital_id("qumtagh"),
                phantom.file(1),
                &source("set"),
            )
            .await
            .unwrap();
        app.assign_study(&clinician, &kept.study.id, &id("p1"))
            .await
            .unwrap();
        let key = kept.study;
        Study { key, phantom }
    }
}

pub fn source(exchange: &str) -> ImageSource {
    ImageSource {
        sender: "TEST".into(),
        exchange: exchange.into(),
        issuer: None,
    }
}

impl Scene {
    fn study(&self, which: &str) -> &Study {
        match which {
            "shared" => &self.studies.shared,
            _ => &self.studies.unshared,
        }
    }

    /// QIDO-RS on all levels beside the use case; what is not found is not counted either.
    pub async fn find_study(&self, who: &Person, which: &str) -> Cell {
        let of = self.study(which);
        let uid = of.phantom.study.as_str();
        let mut by_use_case = Vec::new();
        let mut by_dicomweb = Vec::new();
        for (level, path) in [
            (Level::Study, "studies"),
            (Level::Series, "series"),
            (Level::Instance, "instances"),
        ] {
            let query = from_qido(level, None, None, &[("StudyInstanceUID", uid)]).unwrap();
            let hospital = hospital_id("qumtagh");
            let found = self.w.app().image_find(&who.cx, &hospital, &query).await;
            by_use_case.push(found.is_ok_and(|f| f.rows.len() == 1));
            let query = format!("{path}?StudyInstanceUID={uid}");
            let found = self.dicomweb(who, &query, "application/dicom+json").await;
            by_dicomweb.push(match found.status {
                StatusCode::OK => found.json().as_array().unwrap().len() == 1,
                StatusCode::NO_CONTENT => false,
                StatusCode::FORBIDDEN => false,
                other => panic!("{}: {other} {}", who.name, found.body),
            });
        }
        let alike = |all: &[bool]| {
            assert!(all.iter().all(|a| *a == all[0]), "{}: {all:?}", who.name);
            all[0]
        };
        Cell {
            by_use_case: alike(&by_use_case),
            by_fhir: None,
            by_page: None,
            by_dicomweb: Some(alike(&by_dicomweb)),
        }
    }

    /// The object and all that is made of it (WADO-RS), the ImagingStudy over FHIR, the viewer's page.
    pub async fn open_study(&self, who: &Person, which: &str) -> Cell {
        let app = self.w.app();
        let Study { key, phantom } = self.study(which);
        let by_store = self.w.node.store.get(&who.cx.permit(), key, None).await;
        let by_store = by_store.unwrap().is_some();
        let subject = Subject::Entry(Entry {
            custodian: key.hospital.clone(),
            kind: key.kind.clone(),
            id: key.id.clone(),
            class: RecordClass::Imaging,
            patient: Some(id("p1")),
            among_staff: false,
        });
        let decided = app.decide(&who.cx, Action::ReadRecord, subject).await;
        let hospital = hospital_id("qumtagh");
        let target = Target::study(&phantom.study);
        let lines = app.image_locate(&who.cx, &hospital, &target).await.unwrap();
        let opened = match lines.first() {
            Some(line) => {
                let open = app.image_open(&who.cx, line).await.unwrap();
                open.all().await.unwrap() == phantom.file(1)
            }
            None => false,
        };
        let inside = [decided.unwrap().allowed, opened];
        assert_eq!(inside, [by_store; 2], "{} {which}", who.name);
        let read = self
            .fhir(who, &format!("qumtagh/ImagingStudy/{}", key.id))
            .await;
        let place = if crate::acts::is_patient(who) {
            "/me/images"
        } else {
            "/images"
        };
        let page = self.page(who, &format!("{place}/qumtagh/{}", key.id)).await;
        Cell {
            by_use_case: by_store,
            by_fhir: Some(shown(&read)),
            by_page: page.map(|p| shown(&p)),
            by_dicomweb: Some(self.open_by_dicomweb(who, phantom).await),
        }
    }

    /// Every retrieve transaction answers alike; if not with the object, as if it were not there.
    async fn open_by_dicomweb(&self, who: &Person, phantom: &Phantom) -> bool {
        let address = |uid: &str, more: &str| {
            format!("studies/{uid}/series/{uid}.1/instances/{uid}.1.1{more}")
        };
        let mut all = Vec::new();
        for (more, accept) in [
            ("", "application/dicom; transfer-syntax=*"),
            ("/metadata", "application/dicom+json"),
            (
                "/frames/1",
                "multipart/related; type=\"application/octet-stream\"",
            ),
            ("/rendered", "image/png"),
            ("/thumbnail", "image/jpeg"),
        ] {
            let there = self
                .dicomweb(who, &address(&phantom.study, more), accept)
                .await;
            if !shown(&there) {
                let nothing = self.dicomweb(who, &address("1.2.999", more), accept).await;
                assert_eq!(
                    there.without(&phantom.study),
                    nothing.without("1.2.999"),
                    "{} learns of the study by {more}",
                    who.name
                );
            }
            all.push(shown(&there));
        }
        assert!(all.iter().all(|a| *a == all[0]), "{}: {all:?}", who.name);
        all[0]
    }

    /// A new object for the own hospital (STOW-RS); whoever may not leaves nothing behind.
    pub async fn send_image(&self, who: &Person) -> Cell {
        let n = self.people.iter().position(|p| p.name == who.name).unwrap();
        let app = self.w.app();
        let hospital = hospital_id("qumtagh");
        let one = Phantom::new(&format!("1.2.826.77.{n}.1"), "18", 16);
        let two = Phantom::new(&format!("1.2.826.77.{n}.2"), "18", 16);
        let source = source("sent");
        let kept = app.image_store(&who.cx, &hospital, one.file(1), &source);
        let by_use_case = done(kept.await);
        let answer = self.stow(who, &two.file(1)).await;
        let by_dicomweb = shown(&answer);
        for (phantom, kept) in [(one, by_use_case), (two, by_dicomweb)] {
            let known = self.w.node.store.images();
            let known = known
                .known_images(&hospital, &phantom.uid(1))
                .await
                .unwrap();
            assert_eq!(!known.is_empty(), kept, "{}", who.name);
        }
        Cell {
            by_use_case,
            by_fhir: None,
            by_page: None,
            by_dicomweb: Some(by_dicomweb),
        }
    }
}
