//! Every chore of the project. `cargo xtask --help` lists them.
#![allow(clippy::print_stdout)] // a command-line tool: its output is its result

mod bench;
mod demo;
mod docs;
mod layers;
mod package;
mod prerequisites;
mod process;
mod search_params;
mod services;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "Chores of the Karez project")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds Karez and runs it with the demonstration network
    Demo(demo::Options),
    /// Runs every test: Rust, browser, interoperability
    Test(test::Options),
    /// Runs a command with the tests' servers up and told about in its environment
    With(services::Options),
    /// Measures speed and memory
    Bench(bench::Options),
    /// Builds a Debian package
    Package(package::Options),
    /// Checks that dependencies point the right way
    CheckLayers,
    /// Checks the documentation's links and builds the book
    Docs,
    /// Rewrites the FHIR tables from the official definitions (needs npm)
    SearchParams,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Demo(options) => demo::run(&options),
        Chore::Test(options) => test::run(&options),
        Chore::With(options) => services::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Package(options) => package::run(&options),
        Chore::CheckLayers => layers::run(),
        Chore::Docs => docs::run(),
        Chore::SearchParams => search_params::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
