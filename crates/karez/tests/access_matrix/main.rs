//! Who may do what: role × own or other hospital × state of the agreement × state of the consent × kind of act, as one
//! table. Each cell is asked through every door the act has: the use case, FHIR, the pages and DICOMweb over HTTP, and the
//! DICOM network in a table of its own; all doors must answer alike. A read is asked of the store's predicate and of the decision on one thing as well, and a denied one
//! must look exactly like one of something that does not exist.
#![allow(clippy::unwrap_used)]

mod acts;
mod doors;
mod garbage;
mod images;
mod network;
mod scene;

use std::fmt::Write as _;

use acts::ACTS;
use scene::Scene;

const CONSENTS: [&str; 4] = ["given", "not-abroad", "withdrawn", "run-out"];

async fn table(agreement: &str) -> String {
    let mut table = String::new();
    for consent in CONSENTS {
        let scene = Scene::new(agreement, consent).await;
        let _ = writeln!(table, "## agreement {agreement}, consent {consent}");
        for act in ACTS {
            let mut may = Vec::new();
            for who in &scene.people {
                let cell = scene.cell(act, who).await;
                assert!(
                    cell.agrees(),
                    "agreement {agreement}, consent {consent}: {} wants to {act}: {cell:?}",
                    who.name
                );
                if cell.by_use_case {
                    may.push(format!("{}{}", who.name, cell.doors()));
                }
            }
            let who = if may.is_empty() {
                "nobody".to_owned()
            } else {
                may.join(", ")
            };
            let _ = writeln!(table, "{act:<22} {who}");
        }
        table.push('\n');
    }
    table
}

#[tokio::test]
async fn while_the_agreement_is_only_proposed() {
    insta::assert_snapshot!(table("proposed").await);
}

#[tokio::test]
async fn while_the_agreement_is_active() {
    insta::assert_snapshot!(table("active").await);
}

#[tokio::test]
async fn while_the_agreement_is_suspended() {
    insta::assert_snapshot!(table("suspended").await);
}

#[tokio::test]
async fn after_the_agreement_has_ended() {
    insta::assert_snapshot!(table("ended").await);
}

#[tokio::test]
async fn after_the_agreement_has_expired() {
    insta::assert_snapshot!(table("expired").await);
}
