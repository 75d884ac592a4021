//! The DICOM network: each kind of application entity asks for each service at each archive. Every answer is compared with
//! what the use case gives the machine that the association speaks for, and with the decision on the study.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use agreements::decision::facts::Entry;
use agreements::{Action, RecordClass, Subject};
use app::imaging::{ImagingSettings, NewEntity, PeerProof, Service, Target};
use gateway::dimse::archive::Archive;
use gateway::dimse::{Patience, Room, Settings};
use imaging::query::{Level, Model, from_qido};
use imaging::{Dataset, VR, tags};
use testkit::dicom::Client;
use testkit::phantom::{MR, Phantom};
use testkit::records::{hospital_id, id};

use crate::images::source;
use crate::scene::Scene;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const VERIFICATION: &str = "1.2.840.10008.1.1";
const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
const GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
const WORKLIST: &str = "1.2.840.10008.5.1.4.31";
const NOT_AUTHORISED: u16 = 0x0124;

/// Title, hospital, and what it may.
const ENTITIES: [(&str, &str, &[Service]); 6] = [
    ("ALL", "qumtagh", Service::ALL),
    ("STORES", "qumtagh", &[Service::Store]),
    ("ASKS", "qumtagh", &[Service::Query]),
    ("RETRIEVES", "qumtagh", &[Service::Retrieve]),
    ("WORKS", "qumtagh", &[Service::Worklist]),
    ("THEIRS", "saryozen", Service::ALL),
];
const ARCHIVES: [(&str, &str); 2] = [("OWN", "qumtagh"), ("OTHER", "saryozen")];

impl Scene {
    /// Names archives and entities, orders an image, and listens.
    async fn listens(&self) -> SocketAddr {
        let app = self.w.app();
        for (title, hospital) in ARCHIVES {
            let settings = ImagingSettings {
                title: title.into(),
                ..ImagingSettings::default()
            };
            let admin = self.w.admin(hospital);
            app.change_imaging_settings(&admin, 0, settings)
                .await
                .unwrap();
        }
        for (title, hospital, may) in ENTITIES {
            let new = NewEntity {
                title: title.into(),
                name: title.into(),
                host: "127.0.0.1".into(),
                port: Some(testkit::free_port()),
                addresses: vec!["127.0.0.1".into()],
                may: may.iter().copied().collect(),
                ..NewEntity::default()
            };
            app.add_entity(&self.w.admin(hospital), new).await.unwrap();
        }
        let order = r#"{"resourceType":"ServiceRequest","id":"scan","status":"active","intent":"order","category":[{"coding":[{"system":"http://snomed.info/sct","code":"363679005"}]}],"code":{"text":"CT chest"},"subject":{"reference":"Patient/p1"}}"#;
        self.w.put("ServiceRequest", "scan", order.into()).await;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Settings {
            associations_max: 16,
            per_peer_max: 16,
            unit_bytes: 65_536,
            patience: Patience {
                idle: Duration::from_secs(20),
                message: Duration::from_secs(20),
            },
            object_bytes_max: 1 << 20,
            room: Room::of_mib(16),
            tls: None,
            tls_out: None,
        };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let host = Arc::new(Archive(Arc::new(app.clone())));
        tokio::spawn(async move {
            let _stop = stop;
            gateway::dimse::serve(listener, host, settings, stopped, Duration::ZERO).await;
        });
        address
    }

    /// One entity at one archive: what it may, by the network and by the use case.
    async fn at_archive(
        &self,
        address: SocketAddr,
        called: &str,
        calling: &str,
    ) -> Option<BTreeSet<&'static str>> {
        let proof = PeerProof {
            address: Ipv4Addr::LOCALHOST.into(),
            certificate: None,
        };
        let peer = self.w.app().dicom_peer(called, calling, &proof).await;
        let contexts: [(&str, &[&str]); 6] = [
            (VERIFICATION, &[EXPLICIT]),
            (MR, &[EXPLICIT]),
            (FIND, &[EXPLICIT]),
            (MOVE, &[EXPLICIT]),
            (GET, &[EXPLICIT]),
            (WORKLIST, &[EXPLICIT]),
        ];
        let line = Client::connect_as(address, called, calling, &contexts, &[MR]).await;
        assert_eq!(line.is_ok(), peer.is_ok(), "{calling} at {called}");
        let (mut line, peer) = (line.ok()?, peer.unwrap());
        let by_network = self.by_network(&mut line, called, calling).await;
        let _ = line.0.release().await;
        assert_eq!(
            by_network,
            self.by_use_case(&peer).await,
            "{calling} at {called}: network, then use case"
        );
        Some(by_network)
    }

    async fn by_network(
        &self,
        line: &mut Client,
        called: &str,
        calling: &str,
    ) -> BTreeSet<&'static str> {
        let mut may = BTreeSet::new();
        assert_eq!(line.echo().await, Some(0));
        may.insert("C-ECHO");
        let study = &self.studies.shared.phantom;
        let sent = Phantom::new(
            &format!("1.2.826.78.{}{}", called.len(), calling.len()),
            "18",
            16,
        );
        match line.store_as(MR, MR, &sent.uid(1), sent.bytes(1)).await {
            Some(0) => drop(may.insert("C-STORE")),
            status => assert_eq!(status, Some(NOT_AUTHORISED), "{calling}"),
        }
        let whole = identifier(&[
            (tags::QUERY_RETRIEVE_LEVEL, VR::CS, "STUDY"),
            (tags::STUDY_INSTANCE_UID, VR::UI, &study.study),
        ]);
        let (found, _, status) = line.ask(0x0020, FIND, whole.clone(), &[]).await.unwrap();
        note(&mut may, "C-FIND", found, status);
        let (_, got, status) = line.ask(0x0010, GET, whole.clone(), &[]).await.unwrap();
        note(&mut may, "C-GET", got, status);
        // Its own place, where nobody listens: what could not be sent had been found.
        let to = format!("{calling:<16}");
        let to: [(u16, &[u8]); 1] = [(0x0600, to.as_bytes())];
        match line.ask(0x0021, MOVE, whole, &to).await.unwrap().2 {
            NOT_AUTHORISED | 0 => {}
            _ => drop(may.insert("C-MOVE")),
        }
        let any = identifier(&[(tags::PATIENT_NAME, VR::PN, "")]);
        let (steps, _, status) = line.ask(0x0020, WORKLIST, any, &[]).await.unwrap();
        note(&mut may, "worklist", steps, status);
        may
    }

    /// The same through the use cases, as the machine that the association speaks for.
    async fn by_use_case(&self, peer: &app::imaging::Peer) -> BTreeSet<&'static str> {
        let app = self.w.app();
        let (cx, hospital) = (&peer.cx, &peer.hospital);
        let study = &self.studies.shared;
        let mut may = BTreeSet::from(["C-ECHO"]);
        let other = Phantom::new(&format!("1.2.826.79.{}", peer.title.len()), "18", 16);
        let source = source("direct");
        let kept = app.image_store(cx, hospital, other.file(1), &source);
        if kept.await.is_ok() && peer.may.contains(&Service::Store) {
            may.insert("C-STORE");
        }
        let uid = study.phantom.study.as_str();
        let query = from_qido(Level::Study, None, None, &[("StudyInstanceUID", uid)]).unwrap();
        let found = app.image_find(cx, hospital, &query).await.unwrap();
        let target = Target::study(uid);
        let located = app.image_locate(cx, hospital, &target).await.unwrap();
        let decided = app.decide(
            cx,
            Action::ReadRecord,
            Subject::Entry(Entry {
                custodian: study.key.hospital.clone(),
                kind: study.key.kind.clone(),
                id: study.key.id.clone(),
                class: RecordClass::Imaging,
                patient: Some(id("p1")),
                among_staff: false,
            }),
        );
        let decided = decided.await.unwrap().allowed && *hospital == hospital_id("qumtagh");
        assert_eq!(
            [!found.rows.is_empty(), !located.is_empty()],
            [decided; 2],
            "{} at {hospital}: found and located as decided",
            peer.title
        );
        if decided && peer.may.contains(&Service::Query) {
            may.insert("C-FIND");
        }
        if decided && peer.may.contains(&Service::Retrieve) {
            may.extend(["C-GET", "C-MOVE"]);
        }
        let mut any = from_qido::<&str, &str>(Level::Study, None, None, &[]).unwrap();
        any.model = Model::Worklist;
        let steps = app.image_worklist(cx, hospital, &any).await.unwrap();
        if !steps.rows.is_empty() && peer.may.contains(&Service::Worklist) {
            may.insert("worklist");
        }
        may
    }
}

/// Whether something was given; a refusal says so, and what is not there is no refusal.
fn note(may: &mut BTreeSet<&'static str>, service: &'static str, given: usize, status: u16) {
    match (given, status) {
        (0, NOT_AUTHORISED | 0) => {}
        (1, 0) => drop(may.insert(service)),
        other => panic!("{service}: {other:04x?}"),
    }
}

fn identifier(keys: &[(imaging::Tag, VR, &str)]) -> Vec<u8> {
    let mut d = Dataset::new();
    for (tag, vr, text) in keys {
        d.put_text(*tag, *vr, text);
    }
    imaging::write(&d, true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_dicom_network() {
    let mut table = String::new();
    for agreement in ["proposed", "active", "ended"] {
        let scene = Scene::new(agreement, "given").await;
        let address = scene.listens().await;
        let _ = writeln!(table, "## agreement {agreement}");
        for (called, _) in ARCHIVES {
            for (calling, ..) in ENTITIES {
                let may = scene.at_archive(address, called, calling).await;
                let may = match &may {
                    None => "no association".to_owned(),
                    Some(may) => may.iter().copied().collect::<Vec<_>>().join(", "),
                };
                let _ = writeln!(table, "{calling:<10} at {called:<6} {may}");
            }
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}
