//! `cargo xtask demo`: builds Karez and runs it in the foreground with the demonstration network.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::prerequisites::{C_COMPILER, CMAKE, NODE, NPM, packages};
use crate::process::{cargo, execute, root, target_dir};

#[derive(Args)]
pub struct Options {
    /// Port on this machine
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Forget what the demonstration holds and begin anew
    #[arg(long)]
    fresh: bool,
    /// Build with optimisation (slower to build, faster to use)
    #[arg(long)]
    release: bool,
}

pub fn run(options: &Options) -> Result<()> {
    packages(&[C_COMPILER, CMAKE, NODE, NPM]);
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace", "--bin", "karez"]);
    if options.release {
        build.arg("--release");
    }
    execute(&mut build)?;

    let profile = if options.release { "release" } else { "debug" };
    let mut karez = Command::new(target_dir().join(profile).join("karez"));
    karez
        .current_dir(root())
        .args(["demo", "--data", ".demo", "--listen"])
        .arg(format!("127.0.0.1:{}", options.port));
    if options.fresh {
        karez.arg("--fresh");
    }
    execute(&mut karez)
}
