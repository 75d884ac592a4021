//! Writers killed with SIGKILL in mid-write, again and again over one data folder. Every write that was acknowledged is
//! there, whole; what was not is there whole or not at all; audit chains verify; blobs that are referred to exist.
//!
//! 30 kills; 1000 with `KAREZ_TEST_FULL=1`.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use karez_store::{AuditDraft, Batch, Lookup, Precondition, Store, StoreConfig, Write, WriteBody};
use kernel::{HospitalId, Instant, RecordKey, SystemClock, SystemEntropy};
use testkit::SeededEntropy;
use testkit::records::{hospital_id, id, key, patient, potassium};

const DIR: &str = "KAREZ_CRASH_DIR";
const ROUND: &str = "KAREZ_CRASH_ROUND";
const WRITERS: u64 = 6;

fn now() -> Instant {
    testkit::START
}
fn system() -> Permit {
    Permit::system(SystemPurpose::Job, now())
}
fn chain() -> HospitalId {
    hospital_id("yarqum")
}

async fn open(dir: &Path) -> Store {
    let key = seal::NodeKey::new(seal::Secret::from_bytes([3; 32]));
    let config = StoreConfig::new(dir, key, Arc::new(SystemClock), Arc::new(SystemEntropy));
    Store::open(config).await.unwrap()
}

/// The three records of one batch.
fn keys(name: &str) -> [RecordKey; 3] {
    [
        key("yarqum", "Patient", &format!("p-{name}")),
        key("yarqum", "Observation", &format!("o-{name}")),
        key("yarqum", "note", &format!("n-{name}")),
    ]
}

async fn write(store: &Store, name: &str, n: u64) -> (u64, String) {
    let [p, o, note] = keys(name);
    let mut batch = Batch::new(now());
    batch.put_fhir(p.clone(), Precondition::Absent, patient(n));
    batch.put_fhir(o, Precondition::Absent, potassium(p.id.as_str(), n));
    let mut blobs = Vec::new();
    let mut address = "-".to_owned();
    if n.is_multiple_of(5) {
        let content = format!("file of {name} ").repeat(1_000);
        let blob = store
            .put_blob(&chain(), Some(&id("p1")), "text/plain", content)
            .await
            .unwrap();
        address.clone_from(&blob.address);
        blobs.push(blob);
    }
    batch.writes.push(Write {
        key: note,
        expect: Precondition::Absent,
        body: WriteBody::Document {
            json: format!("\"{name}\"").into(),
            lookups: vec![Lookup::unique("name", name)],
        },
        blobs,
    });
    batch.audit.push(AuditDraft {
        chain: chain(),
        account: None,
        patient: Some(p.id.clone()),
        action: "write".into(),
        body: bytes::Bytes::from(format!("{{\"name\":\"{name}\"}}")).into(),
    });
    batch.event("record.written", &p, "{}");
    (store.commit(batch).await.unwrap().position, address)
}

/// Not a test of its own: what the parent starts and kills. Prints each acknowledged write.
#[test]
#[ignore = "started by the crash test"]
fn child_writes_until_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let round = std::env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let store = Arc::new(open(Path::new(&dir)).await);
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let (store, round) = (Arc::clone(&store), round.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let name = format!("{round}-{w}-{n}");
                        let (position, address) = write(&store, &name, n).await;
                        let line = format!("ack {name} {position} {address}\n");
                        let mut out = std::io::stdout().lock();
                        // The parent has gone: nobody to write for.
                        if out
                            .write_all(line.as_bytes())
                            .and_then(|()| out.flush())
                            .is_err()
                        {
                            return;
                        }
                    }
                })
            })
            .collect();
        for w in writers {
            w.await.unwrap();
        }
    });
}

/// What the child said was kept.
struct Acknowledged {
    name: String,
    position: u64,
    /// Of its file, if it had one.
    blob: Option<String>,
}

/// Starts a child, kills it after `after` acknowledgements, and gives all that it acknowledged.
fn killed(dir: &Path, round: u64, after: u64) -> Vec<Acknowledged> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_writes_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(out).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        // The last line may be cut off; libtest prints lines of its own.
        let ["ack", name, position, address] = words[..] else {
            continue;
        };
        if address != "-" && address.len() != 64 {
            continue;
        }
        let Ok(position) = position.parse() else {
            continue;
        };
        acknowledged.push(Acknowledged {
            name: name.to_owned(),
            position,
            blob: (address != "-").then(|| address.to_owned()),
        });
        if acknowledged.len() as u64 == after {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "the child ended before it was killed");
    acknowledged
}

#[test]
fn acknowledged_writes_survive_kill_9() {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    let rounds: u64 = if full { 1_000 } else { 30 };
    let dir = tempfile::tempdir().unwrap();
    let random = SeededEntropy::new(9);
    let mut positions = BTreeMap::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for round in 0..rounds {
        let acknowledged = killed(dir.path(), round, 1 + random.next() % 60);
        assert!(!acknowledged.is_empty());
        for a in &acknowledged {
            let before = positions.insert(a.position, a.name.clone());
            assert_eq!(before, None, "position {} was given twice", a.position);
        }
        runtime.block_on(verify(dir.path(), round, &acknowledged));
    }
    runtime.block_on(async {
        let store = open(dir.path()).await;
        for finding in store.diagnose().await {
            // How fast and how large this machine's disk is, is not what is tested.
            if !["sync", "space"].contains(&finding.check) {
                assert!(finding.ok, "{finding:?}");
            }
        }
        store.close().await;
    });
}

async fn verify(dir: &Path, round: u64, acknowledged: &[Acknowledged]) {
    let store = open(dir).await;
    let there = async |k: &RecordKey| store.get(&system(), k, None).await.unwrap().is_some();
    for a in acknowledged {
        for k in keys(&a.name) {
            assert!(there(&k).await, "{k} was acknowledged");
        }
        assert!(*store.watch().borrow() >= a.position);
        if let Some(address) = &a.blob {
            let [.., note] = keys(&a.name);
            let open = store.open_blob(&system(), &note, address).await.unwrap();
            let content = format!("file of {} ", a.name).repeat(1_000);
            assert_eq!(open.unwrap().all().await.unwrap(), content.as_bytes());
        }
    }
    // What was under way and not acknowledged is whole or not there at all.
    for w in 0..WRITERS {
        let mine = format!("{round}-{w}-");
        let done = acknowledged
            .iter()
            .filter(|a| a.name.starts_with(&mine))
            .count();
        let [p, o, note] = keys(&format!("{mine}{done}"));
        let parts = (there(&p).await, there(&o).await, there(&note).await);
        assert!(
            matches!(parts, (true, true, true) | (false, false, false)),
            "{mine}{done}: {parts:?}"
        );
    }
    let report = store.verify_chain(&system(), &chain()).await.unwrap();
    assert_eq!(report.broken_at, None);
    // One audit entry for each batch that is there.
    assert_eq!(report.entries, *store.watch().borrow());
    store.close().await;
}
