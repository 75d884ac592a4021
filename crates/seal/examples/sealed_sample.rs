//! Writes a sealed file and its hospital's public keys, for other implementations to verify:
//! `cargo run -p karez-seal --example sealed_sample -- DIR` makes `DIR/opinion.karez.json` and `DIR/keys.json`.

use std::path::PathBuf;

use karez_seal::file::Signed;
use karez_seal::{HospitalKeys, NodeKey, Person};
use kernel::{Clock, HospitalId, SystemClock, SystemEntropy};

const DOCUMENT: &str = r#"{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition",
"title":"Opinion","section":[{"title":"What I see","text":{"status":"additional","div":"<div>血红蛋白 1.10 · Гемоглобин</div>"}}]}}]}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("name a folder to write to")?);
    let now = SystemClock.now();
    let node = NodeKey::generate(&SystemEntropy);
    let hospital = HospitalId::new("saryozen")?;
    let keys = HospitalKeys::create(
        hospital,
        "Saryözen Clinical Hospital",
        &node,
        &SystemEntropy,
        now,
    )?;
    let signer = keys.signer(&node)?;
    let person = Person {
        name: "阿依努尔·买买提".into(),
        licence: "110650000012345".into(),
        account: "ainur".into(),
    };
    let author = signer.certify(
        &person,
        &node,
        &SystemEntropy,
        (now, signer.certificate().not_after),
    )?;
    let list = keys.revocation_list(&signer, now)?;
    let signed = Signed::sign(
        &author.open(&node)?,
        now,
        "application/fhir+json",
        DOCUMENT.as_bytes(),
    )?;
    std::fs::create_dir_all(&dir)?;
    std::fs::write(
        dir.join("opinion.karez.json"),
        signed.seal(&signer, &list, None, now)?.to_bytes()?,
    )?;
    std::fs::write(
        dir.join("keys.json"),
        serde_json::to_vec_pretty(&keys.jwks())?,
    )?;
    Ok(())
}
