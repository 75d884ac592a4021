//! `cargo xtask docs`: relative links and pictures exist; then the book, where mdBook is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{execute, have, root};

pub fn run() -> Result<()> {
    let root = root();
    let mut pages = Vec::new();
    collect(&root.join("docs"), &mut pages)?;
    for entry in fs::read_dir(&root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "md") {
            pages.push(path);
        }
    }
    pages.sort();

    let mut broken = Vec::new();
    for page in &pages {
        let folder = page.parent().unwrap_or(Path::new("."));
        for link in links(&fs::read_to_string(page)?) {
            if !folder.join(&link).exists() {
                broken.push(format!(
                    "{}: {link}",
                    page.strip_prefix(&root).unwrap_or(page).display()
                ));
            }
        }
    }
    if !broken.is_empty() {
        bail!("links to nothing:\n{}", broken.join("\n"));
    }
    println!("{} pages, every relative link leads somewhere", pages.len());

    if have("mdbook") {
        run_mdbook()
    } else {
        println!(
            "mdBook is not installed. To build the book: cargo install --locked mdbook && mdbook build docs"
        );
        Ok(())
    }
}

fn run_mdbook() -> Result<()> {
    execute(
        Command::new("mdbook")
            .args(["build", "docs"])
            .current_dir(root()),
    )
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|n| n != "book") {
                collect(&path, pages)?;
            }
        } else if path.extension().is_some_and(|e| e == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// Targets of Markdown links and pictures that are files of this tree, without their fragments.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for piece in line.split("](").skip(1) {
            let Some((target, _)) = piece.split_once(')') else {
                continue;
            };
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn only_links_into_the_tree_are_followed() {
        let text = "[a](b.md#c) ![p](images/x.png) [w](https://example.org) [f](#here)\n```\n[no](code.md)\n```\n";
        assert_eq!(links(text), ["b.md", "images/x.png"]);
    }
}
