//! `cargo xtask package`: a Debian package of the binary, its systemd unit and a first configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{cargo, execute, execute_and_keep, have, root, target_dir};

#[derive(Args)]
pub struct Options {
    /// Pack this binary instead of building one in release
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// One file of the package: where it goes, where it comes from, its mode.
struct Item {
    to: &'static str,
    from: &'static str,
    mode: u32,
}

const FILES: &[Item] = &[
    Item {
        to: "usr/lib/systemd/system/karez.service",
        from: "packaging/systemd/karez.service",
        mode: 0o644,
    },
    Item {
        to: "usr/lib/sysusers.d/karez.conf",
        from: "packaging/debian/karez.sysusers",
        mode: 0o644,
    },
    Item {
        to: "etc/karez/karez.toml",
        from: "packaging/debian/karez.toml",
        mode: 0o640,
    },
    Item {
        to: "usr/share/doc/karez/operators.md",
        from: "docs/operators.md",
        mode: 0o644,
    },
    Item {
        to: "usr/share/doc/karez/CHANGELOG.md",
        from: "CHANGELOG.md",
        mode: 0o644,
    },
    Item {
        to: "usr/share/doc/karez/copyright",
        from: "LICENSE",
        mode: 0o644,
    },
    Item {
        to: "DEBIAN/postinst",
        from: "packaging/debian/postinst",
        mode: 0o755,
    },
    Item {
        to: "DEBIAN/prerm",
        from: "packaging/debian/prerm",
        mode: 0o755,
    },
    Item {
        to: "DEBIAN/postrm",
        from: "packaging/debian/postrm",
        mode: 0o755,
    },
];

pub fn run(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => {
            execute(cargo().args(["build", "--locked", "--release", "--bin", "karez"]))?;
            target_dir().join("release/karez")
        }
    };
    let package = build(&binary, &target_dir().join("package"))?;
    println!("{}", package.display());
    Ok(())
}

/// Lays the package out below `folder` and packs it. Returns the package file.
fn build(binary: &Path, folder: &Path) -> Result<PathBuf> {
    if !have("dpkg-deb") {
        bail!("dpkg-deb is missing: packages are built on Debian or its kin");
    }
    let version = env!("CARGO_PKG_VERSION");
    let architecture = architecture()?;
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for item in FILES {
        place(&root().join(item.from), &tree.join(item.to), item.mode)?;
    }
    place(binary, &tree.join("usr/bin/karez"), 0o755)?;
    let size_kib = kibibytes(&tree)?;
    fs::write(tree.join("DEBIAN/conffiles"), "/etc/karez/karez.toml\n")?;
    fs::write(
        tree.join("DEBIAN/control"),
        control(version, architecture, size_kib)?,
    )?;
    let package = folder.join(format!("karez_{version}_{architecture}.deb"));
    execute(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "--build"])
            .arg(&tree)
            .arg(&package),
    )?;
    Ok(package)
}

fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Fields as Debian Policy 5.3 asks for them in a binary package.
fn control(version: &str, architecture: &str, size_kib: u64) -> Result<String> {
    Ok(format!(
        "Package: karez\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The Karez project <karez@localhost>\n\
         Installed-Size: {size_kib}\n\
         Depends: libc6 (>= {libc}), libgcc-s1\n\
         Recommends: ca-certificates\n\
         Suggests: postgresql (>= 15), nats-server\n\
         Section: science\n\
         Priority: optional\n\
         Description: hospitals treating patients together over distance\n \
         Patients' records, cases, opinions and the agreements that say who may see them,\n \
         served by one binary from SQLite and local files, or from PostgreSQL and S3.\n",
        libc = libc_version()?
    ))
}

/// The C library this machine has: what was built here may need no less.
fn libc_version() -> Result<String> {
    let finished = execute_and_keep(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    finished
        .output
        .split_whitespace()
        .last()
        .filter(|version| finished.success && version.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
        .context("getconf does not tell the version of the C library")
}

fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        "riscv64" => Ok("riscv64"),
        other => bail!("Debian's word for {other} is not known here"),
    }
}

fn kibibytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() {
            kibibytes(&entry.path())?
        } else {
            entry.metadata()?.len().div_ceil(1024)
        };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_starts_what_the_package_brings_with_the_configuration_it_brings() {
        let unit = fs::read_to_string(root().join("packaging/systemd/karez.service")).unwrap();
        let start = unit
            .lines()
            .find_map(|l| l.strip_prefix("ExecStart="))
            .unwrap();
        let brought = |path: &str| {
            let path = path.trim_start_matches('/');
            path == "usr/bin/karez" || FILES.iter().any(|item| item.to == path)
        };
        for path in start.split(' ').filter(|word| word.starts_with('/')) {
            assert!(brought(path), "{path} is not in the package");
        }
    }

    #[test]
    fn a_package_holds_its_files_with_their_modes_and_owner() {
        if !have("dpkg-deb") {
            println!("skipped: no dpkg-deb");
            return;
        }
        let folder = std::env::temp_dir().join(format!("karez-package-{}", std::process::id()));
        let binary = std::env::current_exe().unwrap();
        let package = build(&binary, &folder).unwrap();
        let shown = Command::new("dpkg-deb")
            .arg("--contents")
            .arg(&package)
            .output()
            .unwrap();
        let contents = String::from_utf8(shown.stdout).unwrap();
        for (path, mode) in [
            ("./usr/bin/karez", "-rwxr-xr-x root/root"),
            ("./etc/karez/karez.toml", "-rw-r----- root/root"),
            (
                "./usr/lib/systemd/system/karez.service",
                "-rw-r--r-- root/root",
            ),
        ] {
            let line = contents.lines().find(|l| l.ends_with(path)).unwrap_or("");
            assert!(line.starts_with(mode), "{path}: {line}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
