//! Each part of the node in each of its states, as measurements say it.

#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use kernel::limits::{BACKUP_BEHIND_S, DISK_FULL_BYTES, DISK_LOW_BYTES};
use kernel::{ErrorCode, Instant};
use store::backup::ship::ShipStatus;
use store::{Room, Schema};

use super::*;
use crate::jobs::{Jump, ScrubState};

fn noon() -> Instant {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A node on which everything is well and nothing beyond the least is configured.
fn well() -> Durability {
    Durability {
        at: noon(),
        closing: false,
        store: None,
        schema: Some(Schema {
            product: "SQLite",
            applied: 1,
            known: 1,
        }),
        room: Some(Room {
            free_bytes: 100 << 30,
            database_bytes: 1 << 30,
            log_bytes: 1 << 20,
        }),
        read_only: false,
        files: None,
        shipping: None,
        scrub: Some(ScrubState::default()),
        jump: None,
        token: None,
        bus: Bus::Alone,
    }
}

fn shipping(behind_s: i64, trouble: Option<&str>) -> Option<ShipStatus> {
    Some(ShipStatus {
        place: "s3://backup/karez".into(),
        safe_at: Some(noon() - SignedDuration::from_secs(behind_s)),
        base_at: Some(noon()),
        waiting_bytes: 4096,
        segments: 0,
        bytes: 0,
        trouble: trouble.map(str::to_owned),
    })
}

/// The fact of a part, and what `/readyz` says of the whole.
fn said(part: Part, change: impl FnOnce(&mut Durability)) -> (FactState, &'static str, String) {
    let mut d = well();
    change(&mut d);
    let facts = measured(&d);
    let mut of = facts.iter().filter(|f| f.part == part);
    let fact = of.next().unwrap();
    assert!(of.next().is_none(), "one line for {part:?}");
    let public = d.public()["state"].as_str().unwrap().to_owned();
    (fact.state, fact.code, public)
}

#[test]
fn a_small_node_that_is_well_says_what_it_does_without() {
    let d = well();
    let facts = measured(&d);
    let codes: Vec<_> = facts.iter().map(|f| (f.state, f.code)).collect();
    use FactState::{Absent, Ok};
    assert_eq!(
        codes,
        [
            (Ok, "store-serves"),
            (Ok, "schema-current"),
            (Ok, "disk-room"),
            (Ok, "files-answer"),
            (Absent, "backup-none"),
            (Absent, "not-configured"),
            (Ok, "scrub-not-yet"),
            (Ok, "clock-steady"),
            (Absent, "bus-alone"),
            (Ok, "keys-in-node"),
        ]
    );
    assert_eq!(d.public()["state"], "ready");
}

#[test]
fn the_page_and_readyz_draw_the_line_at_the_same_place() {
    let free = |bytes| {
        move |d: &mut Durability| {
            d.room = Some(Room {
                free_bytes: bytes,
                ..d.room.unwrap()
            });
        }
    };
    for (bytes, state, code, ready) in [
        (DISK_LOW_BYTES, FactState::Ok, "disk-room", "ready"),
        (DISK_LOW_BYTES - 1, FactState::Warn, "disk-low", "degraded"),
        (DISK_FULL_BYTES, FactState::Warn, "disk-low", "degraded"),
        (
            DISK_FULL_BYTES - 1,
            FactState::Stop,
            "disk-full",
            "degraded",
        ),
    ] {
        let found = said(Part::Disk, free(bytes));
        assert_eq!(found, (state, code, ready.to_owned()), "{bytes}");
    }
    for (behind, state, code, ready) in [
        (BACKUP_BEHIND_S, FactState::Ok, "shipping-close", "ready"),
        (
            BACKUP_BEHIND_S + 1,
            FactState::Warn,
            "shipping-behind",
            "degraded",
        ),
    ] {
        let found = said(Part::Shipping, |d| d.shipping = shipping(behind, None));
        assert_eq!(found, (state, code, ready.to_owned()), "{behind}");
    }
}

#[test]
fn the_bus_is_not_configured_connected_or_away() {
    for (bus, state, code, ready) in [
        (Bus::Polling, FactState::Absent, "bus-none", "ready"),
        (Bus::Connected, FactState::Ok, "bus-connected", "ready"),
        (Bus::Away, FactState::Warn, "bus-away", "degraded"),
    ] {
        let found = said(Part::Bus, |d| d.bus = bus);
        assert_eq!(found, (state, code, ready.to_owned()));
    }
}

#[test]
fn keys_lie_in_the_node_or_in_a_token_that_works_or_not() {
    let found = said(Part::Keys, |d| d.token = Some(Ok(())));
    assert_eq!(found, (FactState::Ok, "keys-token", "ready".to_owned()));
    let away = |d: &mut Durability| d.token = Some(Err("no token has this label".into()));
    let found = said(Part::Keys, away);
    let expected = (FactState::Stop, "keys-token-away", "degraded".to_owned());
    assert_eq!(found, expected);
    let mut d = well();
    away(&mut d);
    assert!(
        !d.public().to_string().contains("label"),
        "why is the operator's to know"
    );
}

#[test]
fn a_schema_of_another_version_and_a_database_that_does_not_answer_are_named() {
    let newer = said(Part::Schema, |d| {
        d.schema = Some(Schema {
            product: "PostgreSQL",
            applied: 3,
            known: 2,
        });
    });
    assert_eq!((newer.0, newer.1), (FactState::Stop, "schema-other"));
    let gone = |d: &mut Durability| {
        d.store = Some((ErrorCode::Unavailable, "the server does not answer".into()));
        d.schema = None;
    };
    let store = said(Part::Store, gone);
    let expected = (FactState::Stop, "store-stopped", "stopped".to_owned());
    assert_eq!(store, expected);
    assert_eq!(said(Part::Schema, gone).1, "not-known");
}

#[test]
fn files_a_backup_in_trouble_a_faulty_file_and_a_leaping_clock_are_named() {
    let files = said(Part::Files, |d| d.files = Some("no such bucket".into()));
    let stopped = (FactState::Stop, "files-stopped", "degraded".to_owned());
    assert_eq!(files, stopped);
    let disk = said(Part::Disk, |d| d.read_only = true);
    let mounted = (FactState::Stop, "disk-read-only", "degraded".to_owned());
    assert_eq!(disk, mounted);
    let trouble = said(Part::Shipping, |d| {
        d.shipping = shipping(5, Some("no way to host"));
    });
    assert_eq!(
        (trouble.0, trouble.1),
        (FactState::Warn, "shipping-trouble")
    );
    let unknown = said(Part::Scrub, |d| d.scrub = None);
    assert_eq!((unknown.0, unknown.1), (FactState::Warn, "not-known"));
    let faulty = said(Part::Scrub, |d| {
        let pass = r#"{"now":null,"last":{"began":"2026-11-22T01:00:00Z","ended":"2026-11-22T02:00:00Z",
            "files":10,"bytes":1,"faulty":2,"named":[],"after":null}}"#;
        d.scrub = serde_json::from_str(pass).unwrap();
    });
    let stop = (FactState::Stop, "scrub-faulty", "degraded".to_owned());
    assert_eq!(faulty, stop);
    let jumped = |ago: i64| {
        said(Part::Clock, |d| {
            d.jump = Some(Jump {
                at: noon() - SignedDuration::from_secs(ago),
                by_ms: 3_600_000,
            });
        })
    };
    let named = (FactState::Warn, "clock-jumped", "degraded".to_owned());
    assert_eq!(jumped(60), named);
    let over = (FactState::Ok, "clock-steady", "ready".to_owned());
    assert_eq!(jumped(3_600), over);
}
