//! Lists in documents and pipelines, compared with the manifests, scripts and files that they describe.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The output of `cargo metadata`.
struct Workspace(Value);

/// A package of the workspace.
#[derive(Clone, Copy)]
struct Package<'a>(&'a Value);

impl Workspace {
    fn read() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.0["packages"].as_array().unwrap().iter().map(Package)
    }
}

impl<'a> Package<'a> {
    fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap()
    }

    /// The folder, relative to the root.
    fn folder(self) -> String {
        folder(self.0["manifest_path"].as_str().unwrap().strip_suffix("Cargo.toml").unwrap())
    }

    fn is_published(self) -> bool {
        self.0["publish"].is_null()
    }

    /// The folders of the packages of the workspace that this one depends on: in its code, or else in its tests.
    fn dependencies(self) -> BTreeSet<String> {
        let dependencies = self.0["dependencies"].as_array().unwrap();
        let of_kind = |kind: &Value| {
            let paths = dependencies.iter().filter(|dependency| dependency["kind"] == *kind);
            paths.filter_map(|dependency| dependency["path"].as_str()).map(folder).collect::<BTreeSet<_>>()
        };
        let of_code = of_kind(&Value::Null);
        if of_code.is_empty() { of_kind(&Value::from("dev")) } else { of_code }
    }

    /// The features, without `default`.
    fn features(self) -> BTreeSet<&'a str> {
        let features = self.0["features"].as_object().unwrap();
        features.keys().map(String::as_str).filter(|feature| *feature != "default").collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The path of a folder relative to the root, with forward slashes.
fn folder(path: &str) -> String {
    let relative = Path::new(path).strip_prefix(root()).unwrap();
    relative.to_string_lossy().replace('\\', "/").trim_end_matches('/').to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
        .replace("\r\n", "\n")
}

/// The part of a Markdown document below a heading, up to the next heading of the same level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, section) = document.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let level = heading.split(' ').next().unwrap();
    section.split(&format!("\n{level} ")).next().unwrap()
}

/// The cells of the rows of the tables in a section, without their heads.
fn rows(section: &str) -> impl Iterator<Item = Vec<&str>> {
    let is_row = |line: &&str| line.starts_with("| ");
    let lines = section.lines().zip(section.lines().skip(1).chain([""]));
    let rows = lines.filter(|(_, next)| !next.starts_with("|---")).map(|(line, _)| line).filter(is_row);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// The inline code of a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn the_architecture_lists_the_dependencies_of_each_package() {
    let workspace = Workspace::read();
    let document = read("ARCHITECTURE.md");
    let mut listed = BTreeSet::new();
    for row in rows(section(&document, "## Crates")) {
        for name in code(row[0]) {
            listed.insert(name);
            // The fuzz targets are a separate workspace.
            let Some(package) = workspace.packages().find(|package| package.folder() == name) else {
                continue;
            };
            let documented: BTreeSet<String> = code(row[2]).map(str::to_owned).collect();
            assert_eq!(documented, package.dependencies(), "{name} in ARCHITECTURE.md");
        }
    }
    let missing: Vec<String> = workspace
        .packages()
        .map(Package::folder)
        .filter(|folder| !listed.contains(folder.as_str()))
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md lacks {missing:?}");
}

#[test]
fn the_files_that_the_architecture_names_exist() {
    let files = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let files = String::from_utf8(files.stdout).unwrap();
    let files: Vec<String> = files.split('\0').map(|file| format!("/{file}/")).collect();
    let document = read("ARCHITECTURE.md");
    for row in rows(section(&document, "## Places to change")) {
        for place in code(row[1]).filter(|place| place.contains(['/', '.'])) {
            assert!(files.iter().any(|file| file.contains(&format!("/{place}/"))), "{place} does not exist");
        }
    }
}

#[test]
fn the_guide_to_releases_lists_the_published_packages() {
    let workspace = Workspace::read();
    let published: Vec<Package<'_>> = workspace.packages().filter(|package| package.is_published()).collect();
    let document = read("docs/RELEASING.md");
    let (list, _) = document.split_once("All other packages").unwrap();
    let order: Vec<&str> =
        list.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect();
    let order: Vec<&str> = order.into_iter().flat_map(code).collect();
    let names: BTreeSet<&str> = published.iter().map(|package| package.name()).collect();
    assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), names);
    for package in published {
        let position = |name: &str| order.iter().position(|other| *other == name);
        for dependency in package.dependencies() {
            assert!(
                position(&dependency) < position(package.name()),
                "{} before {dependency}",
                package.name()
            );
        }
    }
    let packages: Vec<String> = order.iter().map(|name| format!("-p {name}")).collect();
    let commands = |start: &str| document.lines().find(|line| line.contains(start)).unwrap();
    for command in ["cargo package -p", "cargo publish -p"] {
        assert!(commands(command).ends_with(&packages.join(" ")), "{command}");
    }
    let libraries = format!("cargo semver-checks {} \\", packages[1..].join(" "));
    for file in ["docs/RELEASING.md", ".github/workflows/ci.yml"] {
        assert!(read(file).contains(&libraries), "{file} lacks {libraries}");
    }
}

#[test]
fn the_guide_to_releases_has_a_row_for_each_step_of_the_full_run() {
    let script = read(".ci/full");
    let steps = script.lines().filter_map(|line| line.strip_prefix("release_step \"")?.strip_suffix('"'));
    let steps: Vec<String> = steps.filter(|step| *step != "done").map(with_defaults).collect();
    let document = read("docs/RELEASING.md");
    let rows: Vec<&str> =
        rows(section(&document, "## Results of the last full run")).map(|row| row[0]).collect();
    assert_eq!(rows, steps);
}

/// A string of a shell script, in which variables have their default values.
fn with_defaults(string: &str) -> String {
    let mut parts = string.split("${");
    let mut result = parts.next().unwrap().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap();
        result += variable.split_once(":=").unwrap().1;
        result += rest;
    }
    result
}

#[test]
fn copies_of_the_version_are_that_of_the_workspace() {
    let workspace = Workspace::read();
    let version = workspace.packages().next().unwrap().0["version"].as_str().unwrap();
    for (file, start) in [
        ("README.md", "**Status:** "),
        ("docs/pipelines/github-actions.yml", "key: contract-"),
        ("docs/pipelines/gitlab-ci.yml", "key: contract-"),
        ("loadtest/deploy/README.md", "registry.example/loadtest:"),
        ("loadtest/deploy/README.md", "registry.example/contract:"),
        ("loadtest/deploy/README.md", "registry.example/sessions-service:"),
        ("loadtest/deploy/kubernetes/kustomization.yaml", "newTag: \""),
    ] {
        let text = read(file);
        let copies: Vec<&str> = text.split(start).skip(1).collect();
        assert!(!copies.is_empty(), "{file} lacks {start}");
        for copy in copies {
            assert!(copy.starts_with(version), "the version after {start} in {file} is not {version}");
        }
    }
}

#[test]
fn published_crates_document_each_of_their_features() {
    let workspace = Workspace::read();
    // Features that others enable.
    let internal = ["connect"];
    for package in workspace.packages().filter(|package| package.is_published()) {
        let features: BTreeSet<&str> =
            package.features().into_iter().filter(|feature| !internal.contains(feature)).collect();
        if features.is_empty() {
            continue;
        }
        let source = read(&format!("{}/src/lib.rs", package.folder()));
        assert!(
            source.contains("cfg_attr(docsrs, feature(doc_cfg))"),
            "docs.rs shows the features of no item"
        );
        let documentation: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim_start).collect();
        let documentation = documentation.join("\n");
        let documented = rows(section(&documentation, "# Features"));
        let documented: BTreeSet<&str> = documented.filter_map(|row| code(row[0]).next()).collect();
        assert_eq!(documented, features, "the section Features of {}", package.name());
    }
}

#[test]
fn the_client_guide_lists_the_features_of_the_client() {
    let workspace = Workspace::read();
    let client = workspace.packages().find(|package| package.name() == "sessions-client").unwrap();
    let document = read("docs/client.md");
    let documented = rows(section(&document, "## Features"));
    let documented: BTreeSet<&str> = documented.filter_map(|row| code(row[0]).next()).collect();
    assert_eq!(documented, client.features());
}
