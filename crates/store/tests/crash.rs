//! Writers killed with SIGKILL in mid-write, again and again over one data folder; with the power cut besides, so that
//! what was not synced is gone. Every write that was acknowledged is there, whole; what was not is there whole or not at
//! all; audit chains verify; the feed has no gap; blobs that are referred to exist and decrypt; objects of studies stand
//! with their rows or not at all.
//!
//! 10 kills and 20 cuts; 200 and 1000 with `KAREZ_TEST_FULL=1`.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use agreements::{Permit, SystemPurpose};
use karez_store::{
    AuditDraft, Batch, ImageAsk, ImageOutcome, InstanceRow, Lookup, NewImage, Precondition,
    SeriesRow, Standing, Store, StoreConfig, StudyRow, Write, WriteBody,
};
use kernel::{HospitalId, Instant, RecordKey, SystemClock, SystemEntropy};
use testkit::SeededEntropy;
use testkit::powercut::{Lie, Lost, PowerCut};
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
    if !has_image(name) {
        return (store.commit(batch).await.unwrap().position, address);
    }
    let study = key("yarqum", "ImagingStudy", &format!("i-{name}"));
    let body = r#"{"resourceType":"ImagingStudy","status":"available","subject":{"display":"x"}}"#;
    batch.put_fhir(study.clone(), Precondition::Absent, body);
    let done = store.keep_images(batch, vec![image(study, name)]).await;
    let done = done.unwrap();
    assert_eq!(done.images, [ImageOutcome::Kept(Standing::Shown)]);
    (done.position, address)
}

/// Every fifth write begins a study with its first object.
fn has_image(name: &str) -> bool {
    let n: u64 = name.rsplit('-').next().unwrap().parse().unwrap();
    n % 5 == 3
}

fn image_content(name: &str) -> Vec<u8> {
    format!("object of {name} ").repeat(8_000).into_bytes()
}

fn image_uid(name: &str) -> String {
    format!("1.2.{}", name.replace('-', "."))
}

fn image(study: RecordKey, name: &str) -> NewImage {
    let uid = image_uid(name);
    NewImage {
        study,
        study_row: Arc::new(StudyRow {
            uid: uid.clone(),
            ..StudyRow::default()
        }),
        series_row: Arc::new(SeriesRow {
            uid: format!("{uid}.1"),
            ..SeriesRow::default()
        }),
        instance: InstanceRow {
            uid: format!("{uid}.1.1"),
            ..InstanceRow::default()
        },
        content: image_content(name).into(),
    }
}

/// Whether the object of a write is there; when it is, it is whole.
async fn image_there(store: &Store, name: &str) -> bool {
    let ask = ImageAsk {
        study: image_uid(name),
        series: None,
        instance: None,
        aside: false,
        meta: false,
        files: false,
        after: None,
        limit: 2,
    };
    let found = store.images().images(&system(), &chain(), &ask).await;
    let found = found.unwrap();
    let [line] = found.as_slice() else {
        assert!(found.is_empty(), "kept twice");
        return false;
    };
    let open = store
        .open_image(&system(), &line.study, line.place.instance.1)
        .await;
    let (blob, _) = open.unwrap().unwrap();
    assert_eq!(blob.all().await.unwrap(), image_content(name));
    true
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
#[derive(Debug, Clone)]
struct Acknowledged {
    name: String,
    position: u64,
    /// Of its file, if it had one.
    blob: Option<String>,
}

/// When a child is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// After so many acknowledgements.
    After(u64),
    /// When so much time has passed, whatever it has come to: also while the store is made or opened.
    AfterTime(Duration),
}

impl Kill {
    fn of(random: &SeededEntropy) -> Self {
        match random.next() % 8 {
            0 => Self::AfterTime(Duration::from_micros(random.next() % 150_000)),
            _ => Self::After(1 + random.next() % 60),
        }
    }
}

fn start(dir: &Path, round: u64, power: Option<&PowerCut>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "child_writes_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(power) = power {
        power.wrap(&mut command);
    }
    command
}

/// Starts a child, kills it, and gives all that it acknowledged.
fn killed(mut command: Command, kill: Kill) -> Vec<Acknowledged> {
    let mut child = command.spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n') {
            if let Some(acknowledged) = acknowledged(line.unwrap()) {
                tell.send(acknowledged).unwrap();
            }
        }
    });
    let mut all = Vec::new();
    match kill {
        Kill::After(count) => all.extend(told.iter().take(usize::try_from(count).unwrap())),
        Kill::AfterTime(time) => all.extend(told.recv_timeout(time)),
    }
    child.kill().unwrap();
    all.extend(told.iter());
    reader.join().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "the child ended before it was killed");
    all
}

/// The last line may be cut off; libtest prints lines of its own.
fn acknowledged(line: Vec<u8>) -> Option<Acknowledged> {
    let line = String::from_utf8(line).ok()?;
    let words: Vec<&str> = line.split(' ').collect();
    let ["ack", name, position, address] = words[..] else {
        return None;
    };
    if address != "-" && address.len() != 64 {
        return None;
    }
    Some(Acknowledged {
        name: name.to_owned(),
        position: position.parse().ok()?,
        blob: (address != "-").then(|| address.to_owned()),
    })
}

fn rounds(normally: u64, at_length: u64) -> u64 {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if full { at_length } else { normally }
}

/// Rounds over one folder; a new one is begun after these, so that databases are also made under cuts.
const ROUNDS_OF_A_FOLDER: u64 = 50;

#[derive(Debug, Default)]
struct Sum {
    rounds: u64,
    acknowledged: usize,
    writes_lost: usize,
    names_lost: usize,
}

impl Sum {
    fn add(&mut self, acknowledged: usize, lost: Lost) {
        self.rounds += 1;
        self.acknowledged += acknowledged;
        self.writes_lost += lost.writes;
        self.names_lost += lost.names;
    }
}

/// Kills, cuts if there is a layer, and verifies, so many times.
fn kill_and_verify(rounds: u64, cut: bool, seed: u64) -> Sum {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let random = SeededEntropy::new(seed);
    let mut sum = Sum::default();
    while sum.rounds < rounds {
        let dir = tempfile::tempdir().unwrap();
        let power = cut.then(|| PowerCut::over(dir.path()));
        let mut all: Vec<Acknowledged> = Vec::new();
        for _ in 0..ROUNDS_OF_A_FOLDER.min(rounds - sum.rounds) {
            let round = sum.rounds;
            let command = start(dir.path(), round, power.as_ref());
            let new = killed(command, Kill::of(&random));
            let lost = power.as_ref().map(|p| p.cut(seed + round));
            sum.add(new.len(), lost.unwrap_or_default());
            runtime.block_on(verify(dir.path().to_owned(), round, new.clone()));
            all.extend(new);
        }
        runtime.block_on(verify_everything(dir.path(), &all));
    }
    eprintln!("{sum:?}");
    sum
}

#[test]
fn acknowledged_writes_survive_kill_9() {
    let sum = kill_and_verify(rounds(10, 200), false, 9);
    assert!(sum.acknowledged > 0);
}

#[test]
fn acknowledged_writes_survive_power_cuts() {
    let sum = kill_and_verify(rounds(20, 1_000), true, 2_000);
    assert!(sum.acknowledged > 0);
    assert!(sum.writes_lost > 0, "cuts that take nothing prove nothing");
}

/// Whether the verification finds fault with a store under which syncs do nothing.
fn is_caught(lie: Lie) -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    (0..8).any(|round| {
        let dir = tempfile::tempdir().unwrap();
        let power = PowerCut::over(dir.path()).lying(lie);
        let command = start(dir.path(), round, Some(&power));
        let all = killed(command, Kill::After(20));
        // A seed that takes everything.
        power.cut(4 * round);
        let verified = verify(dir.path().to_owned(), round, all);
        runtime.block_on(async { tokio::spawn(verified).await.is_err() })
    })
}

#[test]
fn a_store_that_did_not_sync_its_files_would_be_caught() {
    assert!(is_caught(Lie::Files));
}

#[test]
fn a_store_that_did_not_sync_its_folders_would_be_caught() {
    assert!(is_caught(Lie::Folders));
}

/// All that was ever acknowledged in a folder, and the store's own check of itself.
async fn verify_everything(dir: &Path, all: &[Acknowledged]) {
    let positions: BTreeMap<u64, &str> = all.iter().map(|a| (a.position, &*a.name)).collect();
    assert_eq!(positions.len(), all.len(), "a position was given twice");
    let store = open(dir).await;
    for a in all {
        is_there(&store, a).await;
    }
    let mut events = BTreeSet::new();
    loop {
        let after = events.last().copied().unwrap_or(0);
        let more = store.events(&system(), after, 1_000).await.unwrap();
        if more.is_empty() {
            break;
        }
        events.extend(more.iter().map(|e| e.position));
    }
    let last = *store.watch().borrow();
    assert!(events.iter().copied().eq(1..=last), "the feed has a gap");
    for finding in store.diagnose().await {
        // How fast and how large this machine's disk is, is not what is tested.
        if !["sync", "space"].contains(&finding.check) {
            assert!(finding.ok, "{finding:?}");
        }
    }
    store.close().await;
}

async fn there(store: &Store, k: &RecordKey) -> bool {
    store.get(&system(), k, None).await.unwrap().is_some()
}

async fn is_there(store: &Store, a: &Acknowledged) {
    for k in keys(&a.name) {
        assert!(there(store, &k).await, "{k} was acknowledged");
    }
    assert!(*store.watch().borrow() >= a.position);
    if has_image(&a.name) {
        assert!(
            image_there(store, &a.name).await,
            "an object was acknowledged"
        );
    }
    if let Some(address) = &a.blob {
        let [.., note] = keys(&a.name);
        let open = store.open_blob(&system(), &note, address).await.unwrap();
        let content = format!("file of {} ", a.name).repeat(1_000);
        assert_eq!(open.unwrap().all().await.unwrap(), content.as_bytes());
    }
}

async fn verify(dir: PathBuf, round: u64, acknowledged: Vec<Acknowledged>) {
    let store = open(&dir).await;
    for a in &acknowledged {
        is_there(&store, a).await;
    }
    // What was under way and not acknowledged is whole or not there at all.
    for w in 0..WRITERS {
        let mine = format!("{round}-{w}-");
        let done = acknowledged
            .iter()
            .filter(|a| a.name.starts_with(&mine))
            .count();
        let [p, o, note] = keys(&format!("{mine}{done}"));
        let name = format!("{mine}{done}");
        if has_image(&name) {
            let (record, object) = (there(&store, &p).await, image_there(&store, &name).await);
            assert_eq!(record, object, "{name}");
        }
        let parts = (
            there(&store, &p).await,
            there(&store, &o).await,
            there(&store, &note).await,
        );
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
