//! The table of both servers, with the goals.

use super::super::load::Measured;
use super::super::node::resident_mib;
use super::Server;

pub const STORE_ONE: &str = "C-STORE, one association";
pub const STORE_EIGHT: &str = "C-STORE, eight associations";
pub const STOW: &str = "STOW, one object each, eight connections";
pub const QIDO_PATIENT: &str = "QIDO: studies of a patient";
pub const QIDO_STUDIES: &str = "QIDO: ten studies";
pub const QIDO_SERIES: &str = "QIDO: series of a study";
pub const QIDO_INSTANCES: &str = "QIDO: fifty instances of a series";
pub const META_INSTANCE: &str = "metadata of an instance";
pub const META_SERIES: &str = "metadata of a series of fifty";
pub const META_STUDY: &str = "metadata of a study of a hundred";
pub const FRAMES: &str = "frame, 131 KB";
pub const RENDERED: &str = "rendered, JPEG, each drawn anew";
pub const RENDERED_AGAIN: &str = "rendered, JPEG, seen before";
pub const STUDY: &str = "whole study, 13.3 MB";

/// What is to be reached.
enum Goal {
    None,
    /// So many a second.
    Rate(f64),
    /// So many times the other server's rate.
    Times(f64),
}

fn goal(name: &str) -> Goal {
    match name {
        STORE_ONE => Goal::Rate(500.0),
        STORE_EIGHT => Goal::Rate(800.0),
        FRAMES => Goal::Times(8.0),
        RENDERED | RENDERED_AGAIN => Goal::Times(6.0),
        STOW | STUDY => Goal::None,
        _ => Goal::Times(20.0),
    }
}

/// Rows of one table, those of Karez first.
pub struct Table {
    title: &'static str,
    notes: Vec<String>,
    ours: Vec<Measured>,
    theirs: Vec<Measured>,
}

impl Table {
    pub const fn new(title: &'static str) -> Self {
        Self {
            title,
            notes: Vec::new(),
            ours: Vec::new(),
            theirs: Vec::new(),
        }
    }

    /// What was measured of one server; the first is Karez.
    pub fn add(&mut self, measured: Vec<Measured>) {
        if self.ours.is_empty() {
            self.ours = measured;
        } else {
            self.theirs = measured;
        }
    }

    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Notes the resident memory of a server as it is now.
    pub fn resident(&mut self, server: &Server) {
        if let Some(mib) = resident_mib(server.pid) {
            self.note(format!("{}: resident memory {mib:.0} MiB", server.name));
        }
    }

    pub fn print(&self) {
        println!("\n## {}\n", self.title);
        println!(
            "| what | Karez, per second | p50 | p99 | server CPU each | Orthanc, per second | p50 | server CPU each | times | goal |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for ours in &self.ours {
            let theirs = self.theirs.iter().find(|m| m.name == ours.name);
            println!("{}", row(ours, theirs));
        }
        println!();
        for note in &self.notes {
            println!("{note}");
        }
    }
}

fn row(ours: &Measured, theirs: Option<&Measured>) -> String {
    let (p50, p99) = ours.p50_p99_ms();
    let cpu = |m: &Measured| m.server_us().map_or("-".into(), |us| format!("{us:.0} µs"));
    let times = theirs.map(|t| ours.rate() / t.rate().max(1e-9));
    let (goal, met) = match goal(&ours.name) {
        Goal::None => ("-".to_owned(), None),
        Goal::Rate(least) => (format!("{least:.0} a second"), Some(ours.rate() >= least)),
        Goal::Times(least) => (format!("{least:.0} times"), times.map(|t| t >= least)),
    };
    let short = if met == Some(false) {
        ", **short**"
    } else {
        ""
    };
    let other = theirs.map_or_else(
        || "- | - | -".to_owned(),
        |t| {
            let (p50, _) = t.p50_p99_ms();
            format!("{} | {p50:.2} ms | {}", number(t.rate()), cpu(t))
        },
    );
    let times = times.map_or("-".into(), |t| format!("{t:.1}"));
    format!(
        "| {} | {} | {p50:.2} ms | {p99:.2} ms | {} | {other} | {times} | {goal}{short} |",
        ours.name,
        number(ours.rate()),
        cpu(ours),
    )
}

/// A rate, with a digit behind the point where it is small.
fn number(rate: f64) -> String {
    if rate < 20.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}
