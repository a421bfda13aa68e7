//! The entry point to the repository's scripts and checks: `cargo xtask` lists them.
//!
//! Each command either runs a script that can also be started directly, or a cargo command with the right options.
//! The checks of prose and links are implemented here, without dependencies, so that the first call is quick.

mod links;
mod prose;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const USAGE: &str = "\
usage: cargo xtask COMMAND [ARGUMENT...]

  check                    formatting, clippy, spelling, words and links: before each commit
  ci                       everything that must pass (.ci/run)
  full                     the additional steps before a release (.ci/full)
  words [FILE...]          the glossary: words to avoid, by file; with FILE, each occurrence
  links                    relative links in Markdown files
  typos                    spelling, with a pinned version of typos from PyPI
  docs                     API documentation of all crates, where warnings are errors
  service [ARGUMENT...]    the embedded service, such as `cargo xtask service --port 8080`
  mutations [ARGUMENT...]  changes of the contract, each of which must fail a test (snapshots/mutations/run)
  providers [ARGUMENT...]  contract tests against all implementations (snapshots/providers/all.sh)
  openapi                  the OpenAPI document against both services (snapshots/providers/openapi.sh)
  gate                     limits of instructions and allocations (needs valgrind)
  bench [ARGUMENT...]      all benchmark tables, such as `cargo xtask bench --quick`";

/// The version of typos that `typos` installs.
const TYPOS: &str = "1.52.0";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    if matches!(command, "help" | "-h" | "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(command, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// A result whose error is a message for the user.
type Result<T> = std::result::Result<T, String>;

fn run(command: &str, rest: &[String]) -> Result<()> {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match command {
        "check" => {
            cargo(&["fmt", "--all", "--check"], &[])?;
            cargo(
                &["clippy", "--workspace", "--all-features", "--all-targets", "--", "-D", "warnings"],
                &[],
            )?;
            typos()?;
            links::check(&root())?;
            words::check(&root(), &[])
        }
        "ci" => script(".ci/run", &rest),
        "full" => script(".ci/full", &rest),
        "words" => words::check(&root(), &rest),
        "links" => links::check(&root()),
        "typos" => typos(),
        "docs" => docs(),
        "service" => cargo(&["run", "--package", "sessions-service", "--"], &rest),
        "mutations" => script("snapshots/mutations/run", &rest),
        "providers" => script("snapshots/providers/all.sh", &rest),
        "openapi" => script("snapshots/providers/openapi.sh", &rest),
        "gate" => bench(&["--", "gate"], &rest),
        "bench" => bench(&["--features", "generators", "--", "report"], &rest),
        _ => Err(format!("`{command}` is not a command\n\n{USAGE}")),
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Runs a shell script of the repository. It is passed to bash, since Windows ignores the `#!` line.
fn script(path: &str, arguments: &[&str]) -> Result<()> {
    if !root().join(path).exists() {
        return Err(format!("the script {path} does not exist"));
    }
    spawn(Command::new("bash").arg(path).args(arguments))
}

fn cargo(arguments: &[&str], rest: &[&str]) -> Result<()> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    spawn(Command::new(cargo).args(arguments).args(rest))
}

fn bench(arguments: &[&str], rest: &[&str]) -> Result<()> {
    let start = ["run", "--profile", "bench", "--package", "sessions-bench"];
    cargo(&[&start, arguments].concat(), rest)
}

fn docs() -> Result<()> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
    spawn(Command::new(cargo).args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Checks spelling with typos: the program in the `PATH` if its version is right, or else a copy that pip installs in
/// `target/typos`.
fn typos() -> Result<()> {
    if version("typos").is_some_and(|version| version.contains(TYPOS)) {
        return spawn(&mut Command::new("typos"));
    }
    let venv = root().join("target/typos");
    let bin = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = bin.join("typos");
    if !version(&program).is_some_and(|version| version.contains(TYPOS)) {
        let python = if cfg!(windows) { "python" } else { "python3" };
        spawn(Command::new(python).args(["-m", "venv"]).arg(&venv))?;
        let install = ["install", "--quiet", "--disable-pip-version-check"];
        spawn(Command::new(bin.join("pip")).args(install).arg(format!("typos=={TYPOS}")))?;
    }
    spawn(&mut Command::new(program))
}

/// The output of `program --version`, if it can be run.
fn version(program: impl AsRef<std::ffi::OsStr>) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command in the root of the workspace.
fn spawn(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.current_dir(root()).status();
    let status = status.map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} failed ({status})")) }
}

/// The tracked files below `root` with one of these extensions, as paths with forward slashes.
fn tracked(root: &Path, extensions: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let has_extension =
        |name: &&str| name.rsplit_once('.').is_some_and(|(_, found)| extensions.contains(&found));
    // A file that is deleted but not yet committed is still listed.
    let mut names: Vec<String> = names
        .lines()
        .filter(has_extension)
        .filter(|name| root.join(name).is_file())
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).map_err(|error| format!("cannot read {name}: {error}"))
}
