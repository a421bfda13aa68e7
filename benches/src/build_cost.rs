//! `build-cost`: the compile time of a program that uses the client, and of one operation of a contract.
//!
//! Measures the CPU seconds of cargo and its child processes, which do not depend on the number of cores. A
//! run of cargo that exceeds [`TIMEOUT`] is an error, and the progress on standard error names the current
//! run.

use crate::child::output;
use crate::compare::median;
use crate::table::Table;
use crate::work::cpu_seconds;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use nix::sys::resource::UsageWho;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The arguments of `build-cost`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct BuildCost {
    /// Number of builds of each program
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure only one part
    #[arg(long)]
    only: Option<Part>,
}

/// The measured builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `cargo check` of contracts of two sizes; takes about a minute.
    Operations,
    /// Cold builds of programs; takes several minutes per round.
    Programs,
}

/// Limit of one run of cargo: several times the duration of a cold build on two cores.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Title, code and dependencies of the compared programs, which all do the same.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("`sessions-client`", GENERATED, "sessions-client = { path = \"{workspace}/sessions-client\" }"),
    (
        "reqwest + serde_json + tokio, with the features that `sessions-client` enables",
        HAND_WRITTEN,
        "reqwest = { version = \"0.13\", default-features = false, features = [\"json\", \"rustls\", \"system-proxy\"] }\n\
         serde_json = \"1\"",
    ),
    (
        "reqwest + serde_json + tokio, with their default features",
        HAND_WRITTEN,
        "reqwest = { version = \"0.13\", features = [\"json\"] }\nserde_json = \"1\"",
    ),
];

const TOKIO: &str = "tokio = { version = \"1\", features = [\"macros\", \"rt\"] }";

const GENERATED: &str = r#"
use sessions_client::{ISessionsV1, SessionsHttpClientV1};

#[tokio::main(flavor = "current_thread")]
async fn main() -> sessions_client::Result<()> {
    let sessions = SessionsHttpClientV1::connect("http://localhost:8080")?;
    let session = sessions.open_session(None, "user-1", None, None, None, None, None).await?;
    println!("{}", session.id);
    Ok(())
}
"#;

const HAND_WRITTEN: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), reqwest::Error> {
    let body = serde_json::json!({ "user_id": "user-1" });
    let url = "http://localhost:8080/v1/sessions/open_session";
    let response = reqwest::Client::new().post(url).json(&body).send().await?.error_for_status()?;
    let session: serde_json::Value = response.json().await?;
    println!("{}", session["id"]);
    Ok(())
}
"#;

impl BuildCost {
    pub(crate) async fn run(self) -> Result<()> {
        if self.only != Some(Part::Programs) {
            self.operations().await?;
        }
        if self.only != Some(Part::Operations) {
            self.programs().await?;
        }
        Ok(())
    }

    /// Measures cold builds of [`PROGRAMS`].
    async fn programs(self) -> Result<()> {
        let mut figures = PROGRAMS.map(|_| Vec::new());
        for round in 1..=self.rounds {
            for ((name, code, dependencies), figures) in PROGRAMS.iter().zip(&mut figures) {
                eprint!("\r\x1b[Kround {round} of {}: {name}", self.rounds);
                let package = package(code, &format!("{dependencies}\n{TOKIO}"))?;
                let target = package.path().join("target");
                // Downloads are not part of the measurement.
                cargo(package.path(), &target, &["fetch"]).await?;
                figures.push(cargo(package.path(), &target, &["build", "--offline"]).await?);
            }
        }
        eprint!("\r\x1b[K");
        let ours = median(figures[0].iter().copied());
        println!("\nCold `cargo build`, CPU seconds, median of {} rounds:\n", self.rounds);
        let mut table = Table::new(["program with", "CPU s", "sessions-client ÷ this"]);
        for ((name, ..), figures) in PROGRAMS.iter().zip(figures) {
            let seconds = median(figures.into_iter());
            table.push([(*name).to_owned(), format!("{seconds:.1}"), format!("{:.2}", ours / seconds)]);
        }
        println!("{table}");
        Ok(())
    }

    /// Checks contracts of two sizes, and prints the cost of each additional operation.
    async fn operations(self) -> Result<()> {
        const SIZES: [usize; 2] = [10, 100];
        let mut figures = SIZES.map(|_| Vec::new());
        let packages = [contract(SIZES[0])?, contract(SIZES[1])?];
        // Both share a target directory, so their dependencies are checked once.
        let target = tempfile::tempdir()?;
        for package in &packages {
            eprint!("\r\x1b[Kcargo check of the dependencies of contracts");
            cargo(package.path(), target.path(), &["fetch"]).await?;
            cargo(package.path(), target.path(), &["check", "--offline"]).await?;
        }
        // These runs are shorter and therefore noisier.
        for round in 1..=self.rounds * 3 {
            for (package, figures) in packages.iter().zip(&mut figures) {
                eprint!("\r\x1b[Kround {round} of {}: cargo check of contracts", self.rounds * 3);
                let main = package.path().join("src/main.rs");
                // A new modification time makes cargo check the package again.
                fs::write(&main, fs::read(&main)?)?;
                figures.push(cargo(package.path(), target.path(), &["check", "--offline"]).await?);
            }
        }
        eprint!("\r\x1b[K");
        let [few, many] = figures.map(|figures| median(figures.into_iter()));
        let each = (many - few) / (SIZES[1] - SIZES[0]) as f64 * 1e3;
        println!("\n`cargo check` per operation of a contract: {each:.1} ms");
        println!("({} operations: {few:.2} s, {} operations: {many:.2} s)", SIZES[0], SIZES[1]);
        Ok(())
    }
}

/// Creates a package with `code`, which uses the versions in the `Cargo.lock` of this workspace.
fn package(code: &str, dependencies: &str) -> Result<TempDir> {
    let package = tempfile::tempdir()?;
    let workspace = fs::canonicalize(WORKSPACE)?;
    let dependencies = dependencies.replace("{workspace}", &workspace.display().to_string());
    let manifest = format!(
        "[package]\nname = \"measured\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\n[workspace]\n"
    );
    fs::write(package.path().join("Cargo.toml"), manifest)?;
    fs::create_dir(package.path().join("src"))?;
    fs::write(package.path().join("src/main.rs"), code)?;
    let locked = Path::new(WORKSPACE).join("Cargo.lock");
    fs::copy(&locked, package.path().join("Cargo.lock")).with_context(|| locked.display().to_string())?;
    Ok(package)
}

/// Creates a package with a contract of `size` operations.
fn contract(size: usize) -> Result<TempDir> {
    let mut code = "use sessions_client::{Result, SessionV1};\nuse wiretrait::http_api;\n\n\
         #[http_api(prefix = \"/v1/things\", client = ThingsHttpClient, module = things)]\n\
         trait Things {\n"
        .to_owned();
    for number in 0..size {
        writeln!(
            code,
            "    /// An operation.\n    #[post(\"/operation_{number}\", idempotent)]\n    async fn operation_{number}(\n        \
             &self,\n        #[correlation] correlation_id: Option<&str>,\n        #[field] session_id: &str,\n        \
             #[field] user_name: Option<&str>,\n    ) -> Result<Option<SessionV1>>;"
        )?;
    }
    code += "}\n\nfn main() {}\n";
    package(
        &code,
        "sessions-client = { path = \"{workspace}/sessions-client\" }\nwiretrait = { path = \"{workspace}/wiretrait\" }",
    )
}

/// Runs cargo in `package`, and returns its CPU seconds.
async fn cargo(package: &Path, target: &Path, arguments: &[&str]) -> Result<f64> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(package).env("CARGO_TARGET_DIR", target);
    // Variables set for this workspace, or by cargo for this program, must not affect the measured build.
    for (name, _) in env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PROFILE_") || name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR"
    }) {
        cargo.env_remove(name);
    }
    let before = cpu_seconds(UsageWho::RUSAGE_CHILDREN)?;
    timeout(TIMEOUT, output(cargo)).await.with_context(|| {
        format!("`cargo {}` takes longer than {} s", arguments.join(" "), TIMEOUT.as_secs())
    })??;
    Ok(cpu_seconds(UsageWho::RUSAGE_CHILDREN)? - before)
}
