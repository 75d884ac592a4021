//! `cargo xtask test`: everything that can be tested on this machine, counted on the last line.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::layers;
use crate::prerequisites::{
    C_COMPILER, CHROMIUM, CMAKE, DCMTK, HAN_FONT, NATS, NODE, NPM, POPPLER, POSTGRESQL, PYTHON,
    SOFTHSM, chromium, npm_ci, packages, python,
};
use crate::process::{Finished, cargo, execute, execute_and_keep, have, root, target_dir};
use crate::services::{POSTGRES, Services};

#[derive(Args)]
pub struct Options {
    /// Also what takes long: a thousand kills, long runs under load
    #[arg(long)]
    full: bool,
    /// Only these suites (rust, browser, interop); all when none is named
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Other people's clients and servers, as Python packages.
pub const INTEROP_REQUIREMENTS: &str = "tests/interop/requirements.txt";

/// Passed and failed tests of one suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

struct Report {
    total: Count,
    skipped: Vec<String>,
    began: Instant,
}

impl Report {
    fn add(&mut self, suite: &str, count: Count) {
        let seconds = self.began.elapsed().as_secs();
        println!(
            "-- {suite}: {} passed, {} failed ({seconds} s since the start)",
            count.passed, count.failed
        );
        self.total.passed += count.passed;
        self.total.failed += count.failed;
    }

    /// A suite that ended with an error counts at least one failure.
    fn add_finished(&mut self, suite: &str, finished: &Finished, count: fn(&str) -> Count) {
        let mut counted = count(&finished.output);
        if !finished.success && counted.failed == 0 {
            counted.failed = 1;
        }
        self.add(suite, counted);
    }

    fn skip(&mut self, suite: &str, why: &str) {
        self.skipped.push(format!("{suite}: {why}"));
    }
}

pub fn run(options: &Options) -> Result<()> {
    let mut report = Report {
        total: Count::default(),
        skipped: Vec::new(),
        began: Instant::now(),
    };
    let wanted = |suite: &str| options.only.is_empty() || options.only.iter().any(|s| s == suite);
    let missing = packages(&[
        C_COMPILER, CMAKE, NODE, NPM, CHROMIUM, HAN_FONT, POPPLER, PYTHON, POSTGRESQL, NATS,
        SOFTHSM, DCMTK,
    ]);

    if wanted("rust") {
        layers(&mut report);
        rust(options, &missing, &mut report)?;
    }
    // The Rust suite has built the binary for its own tests.
    if !wanted("rust") && (wanted("browser") || wanted("interop")) {
        // The whole workspace, so that the same features and so the same artefacts as in the Rust suite are used.
        execute(cargo().args([
            "build",
            "--locked",
            "--workspace",
            "--bin",
            "karez",
            "--example",
            "values",
        ]))?;
    }
    if wanted("interop") {
        interop(options, &missing, &mut report)?;
    }
    if wanted("browser") {
        browser(options, &missing, &mut report)?;
    }

    if !options.full {
        report.skip(
            "crash and soak at full length",
            "they take long; run `cargo xtask test --full`",
        );
    }
    for skipped in &report.skipped {
        println!("skipped: {skipped}");
    }
    println!(
        "{} passed, {} failed",
        report.total.passed, report.total.failed
    );
    if report.total.failed > 0 {
        bail!("some tests failed");
    }
    Ok(())
}

fn layers(report: &mut Report) {
    let outcome = layers::run();
    if let Err(error) = &outcome {
        println!("{error:#}");
    }
    report.add(
        "check-layers",
        Count {
            passed: outcome.is_ok().into(),
            failed: outcome.is_err().into(),
        },
    );
}

fn full(command: &mut Command, options: &Options) {
    if options.full {
        command.env("KAREZ_TEST_FULL", "1");
    }
}

fn rust(options: &Options, missing: &[&str], report: &mut Report) -> Result<()> {
    let interpreter = if missing.contains(&PYTHON.name) {
        None
    } else {
        Some(python(INTEROP_REQUIREMENTS)?)
    };
    let services = Services::start(interpreter.as_deref());
    for (name, why) in &services.skipped {
        report.skip(name, why);
    }
    let plain = suite(&[]);
    run_rust("rust", plain, &services, options, report)?;
    if services.has(POSTGRES) {
        let mut again = suite(ON_BOTH_DATABASES);
        again.env("KAREZ_TEST_NODE", "postgres");
        run_rust("rust on PostgreSQL", again, &services, options, report)?;
    }
    Ok(())
}

/// Suites of who may do what, run over a node on each database.
const ON_BOTH_DATABASES: &[&str] = &["access_matrix", "policy"];

/// The Rust tests of these names, or all; always of the whole workspace, so that one set of features is built.
fn suite(names: &[&str]) -> Command {
    let mut command = cargo();
    if have("cargo-nextest") {
        command.args(["nextest", "run", "--status-level", "fail"]);
    } else {
        command.args(["test", "--quiet"]);
    }
    command.args(["--workspace", "--locked", "--no-fail-fast"]);
    for name in names {
        command.args(["--test", name]);
    }
    command
}

fn run_rust(
    name: &str,
    mut command: Command,
    services: &Services,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    services.tell(&mut command);
    full(&mut command, options);
    let finished = execute_and_keep(&mut command)?;
    let count = if have("cargo-nextest") {
        count_nextest
    } else {
        count_cargo_test
    };
    report.add_finished(name, &finished, count);
    Ok(())
}

fn interop(options: &Options, missing: &[&str], report: &mut Report) -> Result<()> {
    if missing.contains(&PYTHON.name) {
        report.skip("interop", "no python3 with venv");
        return Ok(());
    }
    let interpreter = python(INTEROP_REQUIREMENTS)?;
    let mut command = Command::new(interpreter);
    command
        .args([
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests/interop",
            "--verbose",
        ])
        .current_dir(root())
        .env("KAREZ_BIN", target_dir().join("debug/karez"));
    full(&mut command, options);
    report.add_finished("interop", &execute_and_keep(&mut command)?, count_unittest);
    Ok(())
}

fn browser(options: &Options, missing: &[&str], report: &mut Report) -> Result<()> {
    let Some(chromium) = chromium() else {
        report.skip("browser", "no Chromium");
        return Ok(());
    };
    if missing.contains(&HAN_FONT.name) {
        report.skip(
            "Chinese screenshots",
            "no font with Han characters: they will show boxes",
        );
    }
    npm_ci("tests/browser")?;
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "test"])
        .current_dir(root().join("tests/browser"))
        .env("KAREZ_BIN", target_dir().join("debug/karez"))
        .env("CHROMIUM", chromium);
    full(&mut command, options);
    report.add_finished("browser", &execute_and_keep(&mut command)?, count_node);
    Ok(())
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    let (before, _) = line.split_once(word)?;
    before
        .split(|c: char| !c.is_ascii_digit())
        .rfind(|s| !s.is_empty())?
        .parse()
        .ok()
}

/// `Summary [ 4.2s] 120 tests run: 118 passed (2 slow), 2 failed, 0 skipped`
fn count_nextest(output: &str) -> Count {
    let mut count = Count::default();
    for line in output.lines().filter(|l| l.contains("Summary [")) {
        let Some((_, line)) = line.split_once("run:") else {
            continue;
        };
        count.passed += number_before(line, " passed").unwrap_or(0);
        count.failed += number_before(line, " failed").unwrap_or(0);
        count.failed += number_before(line, " timed out").unwrap_or(0);
    }
    count
}

/// `test result: ok. 5 passed; 0 failed; …`, once for each test binary
fn count_cargo_test(output: &str) -> Count {
    let mut count = Count::default();
    for line in output.lines().filter(|l| l.starts_with("test result:")) {
        count.passed += number_before(line, " passed").unwrap_or(0);
        count.failed += number_before(line, " failed").unwrap_or(0);
    }
    count
}

/// `# pass 12` and `# fail 0` of node's test runner (its TAP reporter; the spec reporter begins with ℹ)
fn count_node(output: &str) -> Count {
    let value = |word: &str| -> u64 {
        output
            .lines()
            .filter_map(|l| {
                l.trim_start_matches(['#', 'ℹ', ' '])
                    .strip_prefix(word)?
                    .trim()
                    .parse::<u64>()
                    .ok()
            })
            .sum()
    };
    Count {
        passed: value("pass "),
        failed: value("fail "),
    }
}

/// `Ran 8 tests in 3.1s`, then `OK` or `FAILED (failures=1, errors=2)`
fn count_unittest(output: &str) -> Count {
    let ran = output
        .lines()
        .find(|l| l.starts_with("Ran "))
        .and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    let last = output
        .lines()
        .rfind(|l| l.starts_with("OK") || l.starts_with("FAILED"))
        .unwrap_or("");
    let named = |name: &str| -> u64 {
        last.split(['(', ',', ')', ' '])
            .filter_map(|part| {
                part.strip_prefix(name)?
                    .strip_prefix('=')?
                    .parse::<u64>()
                    .ok()
            })
            .sum()
    };
    let failed = named("failures") + named("errors");
    Count {
        passed: ran.saturating_sub(failed + named("skipped")),
        failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_is_counted_from_its_own_summary() {
        let nextest =
            "     Summary [   4.210s] 120 tests run: 118 passed (2 slow), 2 failed, 3 skipped\n";
        assert_eq!(
            count_nextest(nextest),
            Count {
                passed: 118,
                failed: 2
            }
        );
        let cargo = "test result: ok. 5 passed; 0 failed; 0 ignored\ntest result: FAILED. 7 passed; 1 failed\n";
        assert_eq!(
            count_cargo_test(cargo),
            Count {
                passed: 12,
                failed: 1
            }
        );
        let node = "# tests 13\n# pass 12\n# fail 1\nℹ pass 3\n";
        assert_eq!(
            count_node(node),
            Count {
                passed: 15,
                failed: 1
            }
        );
        let python = "Ran 8 tests in 3.1s\n\nFAILED (failures=1, errors=2)\n";
        assert_eq!(
            count_unittest(python),
            Count {
                passed: 5,
                failed: 3
            }
        );
        assert_eq!(
            count_unittest("Ran 8 tests in 1s\n\nOK\n"),
            Count {
                passed: 8,
                failed: 0
            }
        );
    }

    #[test]
    fn a_suite_that_dies_without_a_summary_is_a_failure() {
        let mut report = Report {
            total: Count::default(),
            skipped: vec![],
            began: now(),
        };
        let died = Finished {
            success: false,
            output: "killed\n".into(),
        };
        report.add_finished("x", &died, count_node);
        assert_eq!(
            report.total,
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    fn now() -> Instant {
        Instant::now()
    }
}
