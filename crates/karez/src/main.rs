//! The binary: configuration, listeners, shutdown and the command line. What is decided is decided in `app`.

mod cli;
mod client_certificates;
mod commands;
mod config;
mod dicom;
mod edge;
mod http;
mod logging;
mod node;
mod serve;
mod tls;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
