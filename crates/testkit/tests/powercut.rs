//! The layer that throws away what was not synced does so, and keeps what was.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use karez_testkit::powercut::{Lie, Lost, PowerCut};

const STEP: &str = "KAREZ_POWERCUT_STEP";
const DIR: &str = "KAREZ_POWERCUT_DIR";

/// A seed that keeps nothing that was not synced.
const ALL: u64 = 4;

/// Not a test of its own: what the tests start, let come to its end, and kill.
#[test]
#[ignore = "started by the tests of the layer"]
fn child() {
    let (Ok(step), Ok(dir)) = (std::env::var(STEP), std::env::var(DIR)) else {
        return;
    };
    let dir = Path::new(&dir);
    step_of(&step, dir);
    let mut out = std::io::stdout().lock();
    out.write_all(b"\ndone\n").unwrap();
    out.flush().unwrap();
    loop {
        std::thread::park();
    }
}

fn step_of(step: &str, dir: &Path) {
    let data = dir.join("data");
    let sync_folder = || File::open(dir).unwrap().sync_all().unwrap();
    match step {
        "overwrite" => fs::write(&data, "new").unwrap(),
        "overwrite and sync" => {
            let mut f = OpenOptions::new().write(true).open(&data).unwrap();
            f.write_all(b"new").unwrap();
            f.sync_data().unwrap();
        }
        "append" => {
            let mut f = OpenOptions::new().append(true).open(&data).unwrap();
            f.write_all(b"synced").unwrap();
            f.sync_all().unwrap();
            f.write_all(b"not synced").unwrap();
        }
        "shorten" => OpenOptions::new()
            .write(true)
            .open(&data)
            .unwrap()
            .set_len(1)
            .unwrap(),
        "create" | "create and sync" => {
            let mut f = File::create(dir.join("created")).unwrap();
            f.write_all(b"content").unwrap();
            f.sync_all().unwrap();
            if step == "create and sync" {
                sync_folder();
            }
        }
        "replace" | "replace and sync" => {
            let staged = dir.join("staged");
            let mut f = File::create(&staged).unwrap();
            f.write_all(b"replaced").unwrap();
            f.sync_all().unwrap();
            fs::rename(&staged, &data).unwrap();
            if step == "replace and sync" {
                sync_folder();
            }
        }
        "remove" => fs::remove_file(&data).unwrap(),
        "folder" => {
            let inner = dir.join("folder");
            fs::create_dir(&inner).unwrap();
            let f = File::create(inner.join("f")).unwrap();
            f.sync_all().unwrap();
            File::open(&inner).unwrap().sync_all().unwrap();
        }
        "copy" => {
            fs::copy(&data, dir.join("copied")).unwrap();
        }
        "many sectors" => {
            let f = OpenOptions::new().write(true).open(&data).unwrap();
            f.write_all_at(&[b'n'; 64 * 512], 0).unwrap();
        }
        "read-only" => read_only(dir),
        other => panic!("{other}"),
    }
}

/// Reads go on while the folder is read-only, changes fail, and afterwards everything is as before.
fn read_only(dir: &Path) {
    let data = dir.join("data");
    let mut open = OpenOptions::new().write(true).open(&data).unwrap();
    let mark = Path::new(&std::env::var_os("POWERCUT_SIDE").unwrap()).join("read-only");
    fs::write(&mark, []).unwrap();
    let refused = [
        open.write_all(b"new"),
        open.write_all_at(b"new", 1),
        open.set_len(1),
        open.sync_all(),
        File::open(dir).unwrap().sync_all(),
        OpenOptions::new().write(true).open(&data).map(drop),
        File::create(dir.join("created")).map(drop),
        fs::rename(&data, dir.join("renamed")),
        fs::hard_link(&data, dir.join("linked")),
        fs::remove_file(&data),
        fs::create_dir(dir.join("folder")),
    ];
    for (n, done) in refused.into_iter().enumerate() {
        let kind = done.expect_err(&format!("change {n}")).kind();
        assert_eq!(kind, ErrorKind::ReadOnlyFilesystem, "change {n}");
    }
    assert_eq!(fs::read(&data).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    fs::remove_file(&mark).unwrap();
    open.write_all(b"new").unwrap();
    open.sync_all().unwrap();
}

/// Lets a child do one step in a folder that holds `data`, kills it, cuts the power.
fn after(step: &str, data: &[u8], seed: u64, lie: Option<Lie>) -> (tempfile::TempDir, Lost) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data"), data).unwrap();
    let mut power = PowerCut::over(dir.path());
    if let Some(lie) = lie {
        power = power.lying(lie);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(STEP, step)
        .env(DIR, dir.path().canonicalize().unwrap())
        .stdout(Stdio::piped());
    power.wrap(&mut command);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|l| l.unwrap() == "done"),
        "the step came to its end"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let lost = power.cut(seed);
    (dir, lost)
}

fn text(dir: &tempfile::TempDir, name: &str) -> Option<String> {
    fs::read_to_string(dir.path().join(name)).ok()
}

fn data_after(step: &str, lie: Option<Lie>) -> String {
    let (dir, _) = after(step, b"old", ALL, lie);
    text(&dir, "data").unwrap()
}

#[test]
fn a_folder_can_be_read_only_for_a_while() {
    assert_eq!(data_after("read-only", None), "new");
}

#[test]
fn a_folder_stays_read_only_over_a_cut() {
    let dir = tempfile::tempdir().unwrap();
    let power = PowerCut::over(dir.path());
    power.read_only(true);
    power.cut(ALL);
    let mut touch = Command::new("touch");
    touch.arg(dir.path().join("data")).stderr(Stdio::null());
    power.wrap(&mut touch);
    assert!(!touch.status().unwrap().success());
    power.read_only(false);
    assert!(touch.status().unwrap().success());
}

#[test]
fn what_was_not_synced_is_gone() {
    assert_eq!(data_after("overwrite", None), "old");
    assert_eq!(data_after("append", None), "oldsynced");
    assert_eq!(data_after("shorten", None), "old");
}

#[test]
fn what_was_synced_is_kept() {
    assert_eq!(data_after("overwrite and sync", None), "new");
    assert_eq!(data_after("replace and sync", None), "replaced");
}

#[test]
fn a_name_is_kept_once_its_folder_is_synced() {
    let (dir, lost) = after("create", b"", ALL, None);
    assert_eq!(text(&dir, "created"), None);
    assert_eq!(lost.names, 1);
    let (dir, lost) = after("create and sync", b"", ALL, None);
    assert_eq!(text(&dir, "created").as_deref(), Some("content"));
    assert_eq!(lost, Lost::default());
    assert_eq!(data_after("replace", None), "old");
    assert_eq!(data_after("remove", None), "old");
    let (dir, _) = after("folder", b"", ALL, None);
    assert_eq!(text(&dir, "folder/f"), None);
    assert!(!dir.path().join("folder").exists());
}

#[test]
fn a_copy_does_not_pass_by_the_layer() {
    let (dir, lost) = after("copy", b"old", ALL, None);
    assert_eq!(text(&dir, "copied"), None);
    assert!(lost.names > 0);
}

#[test]
fn syncs_that_lie_keep_nothing() {
    let old = data_after("overwrite and sync", Some(Lie::Files));
    assert_eq!(old, "old");
    let (dir, _) = after("create and sync", b"", ALL, Some(Lie::Folders));
    assert_eq!(text(&dir, "created"), None);
}

#[test]
fn a_write_may_last_in_part_sector_by_sector() {
    let (dir, _) = after("many sectors", &[b'o'; 64 * 512], 2, None);
    let bytes = fs::read(dir.path().join("data")).unwrap();
    let sectors: Vec<u8> = bytes.chunks(512).map(|s| s[0]).collect();
    assert!(bytes.chunks(512).all(|s| s.iter().all(|b| *b == s[0])));
    assert!(sectors.contains(&b'o') && sectors.contains(&b'n'));
}
