//! Builds the style sheet and the islands with Node.js and lists them for `assets.rs`, where they are embedded.
//!
//! `npm ci` runs when the lock file changed, Vite when a source changed; `--ignore-scripts` always.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

fn main() {
    for watched in [
        "islands/src",
        "islands/scripts",
        "islands/package-lock.json",
        "islands/vite.config.mjs",
        "styles",
        "locales",
        "build.rs",
    ] {
        println!("cargo:rerun-if-changed={watched}");
    }
    words_once();
    let islands = PathBuf::from("islands");
    let out = PathBuf::from(required("OUT_DIR"));
    let dist = out.join("dist");
    install(&islands, &out);
    npm(&islands, &["run", "--silent", "build"], &dist);
    let table = table(&dist);
    if let Err(e) = fs::write(out.join("assets_table.rs"), table) {
        stop(&format!("the table of assets cannot be written: {e}"));
    }
}

/// A message written in two files of one language would stop the first page that needs a word: stop here instead.
fn words_once() {
    for language in fs::read_dir("locales").into_iter().flatten().flatten() {
        let mut seen = std::collections::HashMap::new();
        for file in fs::read_dir(language.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let keys = text
                .lines()
                .filter_map(|l| l.split_once(" =").map(|(key, _)| key));
            for key in
                keys.filter(|k| k.starts_with(|c: char| c.is_ascii_lowercase()) && !k.contains(' '))
            {
                if let Some(other) = seen.insert(key.to_owned(), file.path()) {
                    stop(&format!(
                        "the message {key} stands in {} and in {}",
                        other.display(),
                        file.path().display()
                    ));
                }
            }
        }
    }
}

fn required(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| stop(&format!("{name} is not set; run this through cargo")))
}

/// Installs exactly what the lock file names, once per lock file.
fn install(islands: &Path, out: &Path) {
    let lock = fs::read(islands.join("package-lock.json"))
        .unwrap_or_else(|e| stop(&format!("islands/package-lock.json cannot be read: {e}")));
    let stamp = islands.join("node_modules/.karez-lock");
    if fs::read(&stamp).is_ok_and(|seen| seen == lock) {
        return;
    }
    npm(
        islands,
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        &out.join("dist"),
    );
    if let Err(e) = fs::write(&stamp, lock) {
        stop(&format!(
            "the mark of the installed lock file cannot be written: {e}"
        ));
    }
}

fn npm(islands: &Path, arguments: &[&str], dist: &Path) {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let ran = Command::new(npm)
        .args(arguments)
        .current_dir(islands)
        .env("KAREZ_ASSETS_OUT", dist)
        .output();
    match ran {
        Ok(done) if done.status.success() => {}
        Ok(done) => stop(&format!(
            "`npm {}` failed in crates/web/islands:\n{}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        )),
        Err(e) => stop(&format!(
            "the pages need Node.js 20 or later with npm to build their style sheet and scripts, \
             and `npm` cannot be started: {e}. On Debian: apt install nodejs npm"
        )),
    }
}

/// `Asset { name, file, kind, plain, br, gz }` for each line of assets.txt.
fn table(dist: &Path) -> String {
    let list = fs::read_to_string(dist.join("assets.txt"))
        .unwrap_or_else(|e| stop(&format!("the list of assets cannot be read: {e}")));
    let mut table = String::from("&[\n");
    for line in list.lines() {
        let Some((name, file)) = line.split_once('\t') else {
            continue;
        };
        let kind = match file.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("wasm") => "application/wasm",
            _ => "application/octet-stream",
        };
        let at = |ending: &str| dist.join(format!("{file}{ending}")).display().to_string();
        let _ = writeln!(
            table,
            "Asset {{ name: {name:?}, file: {file:?}, kind: {kind:?}, plain: include_bytes!({:?}), \
             br: include_bytes!({:?}), gz: include_bytes!({:?}) }},",
            at(""),
            at(".br"),
            at(".gz")
        );
    }
    table.push_str("]\n");
    table
}

fn stop(why: &str) -> ! {
    // `cargo:error` stands in cargo's own output without the noise of a panic.
    for line in why.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}
