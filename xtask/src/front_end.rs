//! The browser's part: style sheets and islands, bundled by Vite before the Rust build embeds them.

use std::process::Command;

use anyhow::Result;

use crate::prerequisites::npm_ci;
use crate::process::{execute, root};

/// Where `package.json` of the front end lies.
const FOLDER: &str = "crates/web/islands";

/// Installs the front end's packages and bundles it.
pub fn build() -> Result<()> {
    if !root().join(FOLDER).join("package.json").is_file() {
        return Ok(());
    }
    npm_ci(FOLDER)?;
    execute(
        Command::new("npm")
            .args(["run", "--silent", "build"])
            .current_dir(root().join(FOLDER)),
    )
}
