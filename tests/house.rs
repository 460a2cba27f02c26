//! The house keeps its shape.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What each package of the house may import of the house (L1).
const IMPORTS: [(&str, &[&str]); 6] = [
    ("traveladvisor-domain", &[]),
    ("traveladvisor-infra", &["traveladvisor-domain"]),
    ("traveladvisor-commands", &["traveladvisor-domain", "traveladvisor-infra"]),
    ("traveladvisor-projections", &["traveladvisor-domain", "traveladvisor-infra"]),
    (
        "traveladvisor-api",
        &["traveladvisor-commands", "traveladvisor-domain", "traveladvisor-infra", "traveladvisor-projections"],
    ),
    (
        "traveladvisor",
        &[
            "traveladvisor-api",
            "traveladvisor-commands",
            "traveladvisor-domain",
            "traveladvisor-infra",
            "traveladvisor-projections",
        ],
    ),
];
/// All that the domain may import: nothing of it does IO.
const DOMAIN_IMPORTS: [&str; 8] =
    ["chrono", "chrono-tz", "cqrs-es", "schemars", "serde", "serde_json", "thiserror", "uuid"];
/// What may stand at the top of the repository, beside dotfiles and the build folder.
const TOP: [&str; 20] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "api",
    "benches",
    "clippy.toml",
    "commands",
    "deny.toml",
    "docs",
    "domain",
    "infra",
    "justfile",
    "projections",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "schema.sql",
    "src",
    "target",
    "tests",
];
/// Longest README, in lines.
const README_LINES_MAX: usize = 150;

#[test]
fn imports_go_one_way() {
    for (name, dependencies) in packages() {
        let ours: BTreeSet<&str> = dependencies
            .iter()
            .map(String::as_str)
            .filter(|dependency| dependency.starts_with("traveladvisor"))
            .collect();
        if name == "traveladvisor-bench" {
            continue;
        }
        let allowed = IMPORTS.iter().find(|(package, _)| *package == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} has no place in the house"));
        let wrong: Vec<_> = ours.iter().filter(|dependency| !allowed.contains(dependency)).collect();
        assert!(wrong.is_empty(), "{name} imports {wrong:?}");
        if name == "traveladvisor-domain" {
            let wrong: Vec<_> = dependencies.iter().filter(|name| !DOMAIN_IMPORTS.contains(&name.as_str())).collect();
            assert!(wrong.is_empty(), "the domain imports {wrong:?}");
        }
    }
}

#[test]
fn nothing_else_stands_at_the_top() {
    let entries = fs::read_dir(root()).expect("the repository");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let strange: Vec<String> = names.filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?} has no place at the top");
}

#[test]
fn the_readme_stays_short() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    assert!(readme.lines().count() <= README_LINES_MAX, "the README has {} lines", readme.lines().count());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every package with its own dependencies; those of tests and build scripts only as far as they are ours.
fn packages() -> Vec<(String, Vec<String>)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let of = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let names = dependencies
            .filter(|one| one["kind"].is_null() || text(&one["name"]).starts_with("traveladvisor"))
            .map(|one| text(&one["name"]))
            .filter(|name| *name != text(&package["name"]));
        (text(&package["name"]), names.collect())
    };
    packages.iter().map(of).collect()
}
