//! `build-cost`: what a program on the client costs to build, and what an operation of a contract costs to check.
//!
//! CPU seconds of cargo and of all that it starts: they count the work and not how many cores share it. A run of cargo
//! that takes longer than any should ends the whole, and each is told when it begins: nobody waits for nothing.

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

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");

/// The arguments of `build-cost`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct BuildCost {
    /// How often each build is repeated.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// One half of it alone.
    #[arg(long)]
    only: Option<Half>,
}

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Half {
    /// Contracts of two sizes, which takes a minute.
    Operations,
    /// Programs from nothing, which takes minutes a round.
    Programs,
}

/// How long a run of cargo may take: several times as long as a cold build on two cores.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The same program, and what it depends on.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("`sessions-client`", OURS, "sessions-client = { path = \"{client}\" }"),
    (
        "reqwest + serde_json + tokio, with the features that we enable",
        BY_HAND,
        "reqwest = { version = \"0.13\", default-features = false, features = [\"json\", \"rustls\", \"system-proxy\"] }\n\
         serde_json = \"1\"",
    ),
    (
        "reqwest + serde_json + tokio, with their default features",
        BY_HAND,
        "reqwest = { version = \"0.13\", features = [\"json\"] }\nserde_json = \"1\"",
    ),
];

const TOKIO: &str = "tokio = { version = \"1\", features = [\"macros\", \"rt\"] }";

const OURS: &str = r#"
use sessions_client::{ISessionsV1, SessionsHttpClientV1};

#[tokio::main(flavor = "current_thread")]
async fn main() -> sessions_client::Result<()> {
    let sessions = SessionsHttpClientV1::connect("http://localhost:8080")?;
    let session = sessions.open_session(None, "user-1", None, None, None, None, None).await?;
    println!("{}", session.id);
    Ok(())
}
"#;

const BY_HAND: &str = r#"
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
        if self.only != Some(Half::Programs) {
            self.operations().await?;
        }
        if self.only != Some(Half::Operations) {
            self.programs().await?;
        }
        Ok(())
    }

    /// Builds programs from nothing.
    async fn programs(self) -> Result<()> {
        let mut figures = PROGRAMS.map(|_| Vec::new());
        for round in 1..=self.rounds {
            for ((name, code, dependencies), figures) in PROGRAMS.iter().zip(&mut figures) {
                eprint!("\r\x1b[Kround {round} of {}: {name}", self.rounds);
                let package = package(code, &format!("{dependencies}\n{TOKIO}"))?;
                let target = package.path().join("target");
                // What is not here yet is fetched before the clock runs.
                cargo(package.path(), &target, &["fetch"]).await?;
                figures.push(cargo(package.path(), &target, &["build", "--offline"]).await?);
            }
        }
        eprint!("\r\x1b[K");
        let ours = median(figures[0].iter().copied());
        println!("\nCold `cargo build`, CPU seconds, median of {} rounds:\n", self.rounds);
        let mut table = Table::new(["a program on", "CPU s", "ours beside it"]);
        for ((name, ..), figures) in PROGRAMS.iter().zip(figures) {
            let seconds = median(figures.into_iter());
            table.push([(*name).to_owned(), format!("{seconds:.1}"), format!("{:.2}", ours / seconds)]);
        }
        println!("{table}");
        Ok(())
    }

    /// Checks contracts of two sizes, and says what an operation more costs.
    async fn operations(self) -> Result<()> {
        const SIZES: [usize; 2] = [10, 100];
        let mut figures = SIZES.map(|_| Vec::new());
        let packages = [contract(SIZES[0])?, contract(SIZES[1])?];
        // What both depend on is checked once.
        let target = tempfile::tempdir()?;
        for package in &packages {
            eprint!("\r\x1b[Kcargo check of what contracts depend on");
            cargo(package.path(), target.path(), &["fetch"]).await?;
            cargo(package.path(), target.path(), &["check", "--offline"]).await?;
        }
        // These are shorter, and so noisier.
        for round in 1..=self.rounds * 3 {
            for (package, figures) in packages.iter().zip(&mut figures) {
                eprint!("\r\x1b[Kround {round} of {}: cargo check of contracts", self.rounds * 3);
                let main = package.path().join("src/main.rs");
                // As if it were changed.
                fs::write(&main, fs::read(&main)?)?;
                figures.push(cargo(package.path(), target.path(), &["check", "--offline"]).await?);
            }
        }
        eprint!("\r\x1b[K");
        let [few, many] = figures.map(|figures| median(figures.into_iter()));
        let each = (many - few) / (SIZES[1] - SIZES[0]) as f64 * 1e3;
        println!("\n`cargo check` of an operation of a contract: {each:.1} ms");
        println!("({} operations {few:.2} s, {} operations {many:.2} s)", SIZES[0], SIZES[1]);
        Ok(())
    }
}

/// A package with `code` in it, on the versions that this workspace has locked.
fn package(code: &str, dependencies: &str) -> Result<TempDir> {
    let package = tempfile::tempdir()?;
    let client = fs::canonicalize(Path::new(WORKSPACE).join("sessions-client"))?;
    let dependencies = dependencies.replace("{client}", &client.display().to_string());
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

/// A contract of `size` operations.
fn contract(size: usize) -> Result<TempDir> {
    let mut code = "use sessions_client::{Result, SessionV1, http_api};\n\n\
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
    package(&code, "sessions-client = { path = \"{client}\" }")
}

/// Runs cargo in `package`, and returns the CPU seconds that it took.
async fn cargo(package: &Path, target: &Path, arguments: &[&str]) -> Result<f64> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(package).env("CARGO_TARGET_DIR", target);
    // Neither what is set for this workspace nor what cargo sets for this program is the measured one's.
    for (name, _) in env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PROFILE_") || name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR"
    }) {
        cargo.env_remove(name);
    }
    let before = cpu_seconds(UsageWho::RUSAGE_CHILDREN)?;
    timeout(LONGEST, output(cargo)).await.with_context(|| {
        format!("`cargo {}` takes longer than {} s", arguments.join(" "), LONGEST.as_secs())
    })??;
    Ok(cpu_seconds(UsageWho::RUSAGE_CHILDREN)? - before)
}
