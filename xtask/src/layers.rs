//! `cargo xtask check-layers`: dependencies point up the table of ARCHITECTURE.md, never down.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::root;

/// One crate, what of ours it may use, and which crates of others it must not.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

/// What has I/O, an ambient clock or randomness of its own: kept out of everything that decides.
const IMPURE: &[&str] = &[
    "tokio",
    "rusqlite",
    "rand",
    "getrandom",
    "object_store",
    "reqwest",
    "axum",
    "lettre",
    "async-trait",
    "refinery",
    "hyper-util",
    "tracing",
];
/// What speaks SQL or writes files: only `store` does.
const STORAGE: &[&str] = &[
    "rusqlite",
    "refinery",
    "object_store",
    "tokio-postgres",
    "redb",
];
/// What serves or calls HTTP: only the edges do.
const HTTP: &[&str] = &["axum", "reqwest", "hyper-util", "axum-server"];

const TABLE: &[Layer] = &[
    Layer {
        name: "kernel",
        may_use: &[],
        never: &["tokio", "rusqlite", "rand", "axum", "serde_json"],
    },
    Layer {
        name: "fhir",
        may_use: &["kernel"],
        never: IMPURE,
    },
    Layer {
        name: "agreements",
        may_use: &["kernel", "fhir"],
        never: IMPURE,
    },
    Layer {
        name: "care",
        may_use: &["kernel", "fhir"],
        never: IMPURE,
    },
    Layer {
        name: "imaging",
        may_use: &["kernel", "fhir"],
        never: IMPURE,
    },
    Layer {
        name: "seal",
        may_use: &["kernel"],
        never: &["tokio", "rusqlite", "axum", "object_store", "reqwest"],
    },
    Layer {
        name: "print",
        may_use: &["kernel"],
        never: IMPURE,
    },
    Layer {
        name: "edge",
        may_use: &["kernel", "imaging", "seal"],
        never: STORAGE,
    },
    Layer {
        name: "store",
        may_use: &["kernel", "fhir", "imaging", "agreements", "seal"],
        never: HTTP,
    },
    Layer {
        name: "app",
        may_use: &[
            "kernel",
            "fhir",
            "agreements",
            "care",
            "imaging",
            "seal",
            "print",
            "store",
        ],
        never: &["rusqlite", "refinery", "axum", "axum-server", "maud"],
    },
    Layer {
        name: "gateway",
        may_use: &["kernel", "fhir", "imaging", "agreements", "care", "app"],
        never: STORAGE,
    },
    Layer {
        name: "web",
        may_use: &["kernel", "fhir", "imaging", "agreements", "care", "app"],
        never: STORAGE,
    },
    Layer {
        name: "demo",
        may_use: &[
            "kernel",
            "fhir",
            "agreements",
            "care",
            "imaging",
            "seal",
            "print",
            "app",
        ],
        never: STORAGE,
    },
    Layer {
        name: "karez",
        may_use: &[
            "kernel",
            "fhir",
            "agreements",
            "care",
            "imaging",
            "seal",
            "print",
            "store",
            "app",
            "gateway",
            "web",
            "edge",
            "demo",
        ],
        never: &["rusqlite"],
    },
    Layer {
        name: "testkit",
        may_use: &[
            "kernel",
            "fhir",
            "agreements",
            "care",
            "imaging",
            "seal",
            "print",
            "store",
            "app",
            "gateway",
            "web",
            "edge",
            "demo",
        ],
        never: &[],
    },
];

/// Words that betray an ambient clock, randomness or I/O inside a domain crate.
const AMBIENT: &[&str] = &[
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "thread::spawn",
];
const DOMAIN: &[&str] = &["agreements", "care", "imaging"];
/// The edges talk to `app`, never to the database.
const EDGES: &[&str] = &["gateway", "web"];
/// A source file longer than this has more than one topic.
const LINES_MAX: usize = 700;

pub fn run() -> Result<()> {
    let crates = root().join("crates");
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for layer in TABLE {
        known.insert(layer.name);
        let manifest = crates.join(layer.name).join("Cargo.toml");
        if manifest.is_file() {
            faults.extend(check_manifest(layer, &manifest)?);
        }
    }
    for entry in fs::read_dir(&crates)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !known.contains(name.as_str()) {
            faults.push(format!(
                "crates/{name} has no row in the table of layers (xtask/src/layers.rs)"
            ));
        }
    }
    for name in TABLE.iter().map(|layer| layer.name) {
        for file in sources(&crates.join(name).join("src"))? {
            let text = fs::read_to_string(&file)?;
            faults.extend(
                check_source(name, &text)
                    .into_iter()
                    .map(|fault| format!("{}: {fault}", file.display())),
            );
        }
    }
    if !faults.is_empty() {
        bail!("layers are crossed:\n  {}", faults.join("\n  "));
    }
    println!("check-layers: {} crates in order", TABLE.len());
    Ok(())
}

fn check_manifest(layer: &Layer, path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    let manifest: toml::Table = text.parse().with_context(|| path.display().to_string())?;
    let ours: BTreeSet<&str> = TABLE.iter().map(|l| l.name).collect();
    let mut faults = Vec::new();
    let Some(dependencies) = manifest.get("dependencies").and_then(toml::Value::as_table) else {
        return Ok(faults);
    };
    for name in dependencies.keys().map(String::as_str) {
        if ours.contains(name) && !layer.may_use.contains(&name) {
            faults.push(format!("{} must not use {name}", layer.name));
        }
        if layer.never.contains(&name) {
            faults.push(format!("{} must not depend on {name}", layer.name));
        }
    }
    Ok(faults)
}

fn check_source(layer: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!(
            "{lines} lines, more than {LINES_MAX}: is it one topic?"
        ));
    }
    // Unit tests stand at the end of a file and may touch what the code may not.
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    for (number, line) in code
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
    {
        let number = number + 1;
        if DOMAIN.contains(&layer) {
            for word in AMBIENT.iter().filter(|word| line.contains(**word)) {
                faults.push(format!(
                    "line {number}: `{word}` in a crate that only decides"
                ));
            }
        }
        if EDGES.contains(&layer) && names_store(line) {
            faults.push(format!("line {number}: names `store`; go through `app`"));
        }
    }
    faults
}

/// `use store::…` or a path that begins with the crate `store`, but not `app::store::…`.
fn names_store(line: &str) -> bool {
    line.match_indices("store::").any(|(at, _)| {
        let before = &line[..at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
    }) || line.contains("karez_store")
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_reaches_for_the_store_is_found() {
        assert!(!check_source("web", "use store::Store;\n").is_empty());
        assert!(!check_source("gateway", "let s = store::open();\n").is_empty());
        assert!(check_source("web", "use app::store::Permit;\nlet restore::X = y;\n").is_empty());
        assert!(check_source("app", "use store::Store;\n").is_empty());
    }

    #[test]
    fn a_clock_in_a_domain_crate_is_found() {
        assert!(!check_source("care", "let now = Timestamp::now();\n").is_empty());
        assert!(check_source("care", "// never Timestamp::now\n").is_empty());
        assert!(check_source("care", "#[cfg(test)]\nmod tests { Timestamp::now(); }\n").is_empty());
    }

    #[test]
    fn a_dependency_that_points_down_is_found() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(
            &file,
            "[dependencies]\napp.workspace = true\ntokio.workspace = true\n",
        )?;
        let care = TABLE
            .iter()
            .find(|l| l.name == "care")
            .context("care is in the table")?;
        assert_eq!(check_manifest(care, file.path())?.len(), 2);
        Ok(())
    }
}
