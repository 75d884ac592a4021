//! What a chore needs from the machine: installed when that is allowed, named with the exact command when not.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{execute, have, root, target_dir};

/// A Debian package and how to tell that it is there.
pub struct Package {
    pub name: &'static str,
    pub present: fn() -> bool,
}

pub const C_COMPILER: Package = Package {
    name: "build-essential",
    present: || have("cc") && have("make"),
};
pub const CMAKE: Package = Package {
    name: "cmake",
    present: || have("cmake"),
};
pub const NODE: Package = Package {
    name: "nodejs",
    present: || have("node"),
};
pub const NPM: Package = Package {
    name: "npm",
    present: || have("npm"),
};
pub const CHROMIUM: Package = Package {
    name: "chromium",
    present: || chromium().is_some(),
};
pub const POPPLER: Package = Package {
    name: "poppler-utils",
    present: || have("pdftotext"),
};
pub const PYTHON: Package = Package {
    name: "python3-venv",
    present: python_with_venv,
};
pub const HAN_FONT: Package = Package {
    name: "fonts-wqy-microhei",
    present: has_han_font,
};

pub const DCMTK: Package = Package {
    name: "dcmtk",
    present: || have("storescu"),
};
pub const ORTHANC: Package = Package {
    name: "orthanc",
    present: || std::path::Path::new("/usr/sbin/Orthanc").is_file(),
};
pub const ORTHANC_DICOMWEB: Package = Package {
    name: "orthanc-dicomweb",
    present: || std::path::Path::new("/usr/share/orthanc/plugins/libOrthancDicomWeb.so").exists(),
};
pub const POSTGRESQL: Package = Package {
    name: "postgresql",
    present: || postgres_bin().is_some(),
};
pub const NATS: Package = Package {
    name: "nats-server",
    present: || nats_server().is_some(),
};
pub const SOFTHSM: Package = Package {
    name: "softhsm2",
    present: || softhsm_module().is_some(),
};

/// Folder of PostgreSQL's server programs, the newest version installed.
pub fn postgres_bin() -> Option<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.pop().map(|(_, bin)| bin)
}

pub fn nats_server() -> Option<PathBuf> {
    [
        "/usr/sbin/nats-server",
        "/usr/bin/nats-server",
        "/usr/local/bin/nats-server",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|p| p.is_file())
}

/// SoftHSM's PKCS#11 module.
pub fn softhsm_module() -> Option<PathBuf> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|p| p.is_file())
}

/// The browser the tests drive.
pub fn chromium() -> Option<PathBuf> {
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|p| p.is_file())
}

fn python_with_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output()
        .is_ok_and(|o| o.status.success())
}

fn has_han_font() -> bool {
    [
        "/usr/share/fonts/truetype/wqy",
        "/usr/share/fonts/opentype/noto",
    ]
    .iter()
    .any(|folder| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok()))
    })
}

/// Installs what is missing when run as root on Debian; otherwise prints the command and goes on.
/// Returns the names that are still missing.
pub fn packages(wanted: &[Package]) -> Vec<&'static str> {
    let missing = |wanted: &[Package]| -> Vec<&'static str> {
        wanted
            .iter()
            .filter(|p| !(p.present)())
            .map(|p| p.name)
            .collect()
    };
    let names = missing(wanted);
    if names.is_empty() {
        return names;
    }
    if !is_root() || !have("apt-get") {
        println!(
            "Missing: {}. To install: sudo apt-get install -y {}",
            names.join(", "),
            names.join(" ")
        );
        return names;
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments);
        execute(&mut command)
    };
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(&names);
    if let Err(error) = apt(&["update", "-q"]).and_then(|()| apt(&install)) {
        println!("Could not install {}: {error:#}", names.join(", "));
    }
    missing(wanted)
}

pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.starts_with(b"0\n"))
}

/// Python packages of the interoperability tests, in an environment of their own below `target/`.
/// Returns its interpreter.
pub fn python(requirements: &str) -> Result<PathBuf> {
    let folder = target_dir().join("python");
    let interpreter = folder.join("bin/python");
    if !interpreter.is_file() {
        execute(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let wanted = root().join(requirements);
    let stamp = folder.join("installed.txt");
    let text = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&stamp).unwrap_or_default() != text {
        execute(
            Command::new(&interpreter)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "-r",
                ])
                .arg(&wanted),
        )?;
        std::fs::write(&stamp, text)?;
    }
    Ok(interpreter)
}

/// `npm ci` in `folder` (relative to the workspace), unless its lock file is the one installed already.
pub fn npm_ci(folder: &str) -> Result<()> {
    let folder = root().join(folder);
    let lock = std::fs::read_to_string(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock");
    if std::fs::read_to_string(&stamp).unwrap_or_default() == lock {
        return Ok(());
    }
    execute(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;
    std::fs::write(stamp, lock)?;
    Ok(())
}
