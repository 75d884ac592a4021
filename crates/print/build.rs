//! Finds the fonts and makes the list that is embedded. They come from `fonts/package.json` (npm, locked versions);
//! `KAREZ_FONTS_DIR` names a folder that holds the same files, for builds without a network.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Package, style. Order does not matter; the templates choose by family and weight.
const FACES: [(&str, &str); 10] = [
    ("noto-serif", "400Regular"),
    ("noto-serif", "600SemiBold"),
    ("noto-serif-sc", "400Regular"),
    ("noto-sans", "400Regular"),
    ("noto-sans", "600SemiBold"),
    ("noto-sans-sc", "400Regular"),
    ("scheherazade-new", "400Regular"),
    ("scheherazade-new", "600SemiBold"),
    ("vazirmatn", "400Regular"),
    ("vazirmatn", "600SemiBold"),
];

fn main() {
    println!("cargo::rerun-if-changed=fonts/package-lock.json");
    println!("cargo::rerun-if-env-changed=KAREZ_FONTS_DIR");
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo"));
    let given = std::env::var_os("KAREZ_FONTS_DIR").map(PathBuf::from);
    let find = |package: &str, style: &str| {
        let name = format!("{}_{style}.ttf", family(package));
        match &given {
            Some(dir) => dir.join(name),
            None => here.join(format!(
                "fonts/node_modules/@expo-google-fonts/{package}/{style}/{name}"
            )),
        }
    };
    if given.is_none() && !FACES.iter().all(|(p, s)| find(p, s).is_file()) {
        fetch(&here.join("fonts"));
    }
    let mut list = String::from("pub static FACES: [&[u8]; 10] = [\n");
    for (package, style) in FACES {
        let path = find(package, style);
        assert!(path.is_file(), "the font {} is missing", path.display());
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(
            list,
            "    include_bytes!({:?}),",
            path.display().to_string()
        )
        .expect("writing to a string");
    }
    list.push_str("];\n");
    std::fs::write(out.join("faces.rs"), list).expect("the build folder is writable");
}

fn fetch(dir: &Path) {
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(dir)
        .status()
        .expect("npm (Node.js) is needed to fetch the fonts; or set KAREZ_FONTS_DIR");
    assert!(status.success(), "npm ci in {} failed", dir.display());
}

/// `noto-serif-sc` is `NotoSerifSC` in file names.
fn family(package: &str) -> String {
    package
        .split('-')
        .map(|part| match part {
            "sc" => "SC".to_owned(),
            _ => part[..1].to_uppercase() + &part[1..],
        })
        .collect()
}
