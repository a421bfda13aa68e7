//! The uses of a description: clients and programs, over HTTP and over gRPC.

use crate::fronts::{self, Front};
use crate::requirements::Programs;
use futures_util::FutureExt as _;
use sessions_client::{
    ClientConfig, ConfigParams, Error, HyperTransport, ISessionsV1, ReqwestTransport, SessionsClientFactory,
    SessionsHttpClientV1, Transport,
};
use staging::{Squid, TokenServer};
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The time limit of one use, far above what any of them needs.
const LIMIT: Duration = Duration::from_secs(60);

/// The test run whose sessions `loadtest cleanup` deletes.
const ORPHANS: &str = "orphans";

/// A use of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Reqwest,
    Hyper,
    Live,
    LoadTest,
    Cleanup,
    Grpc,
    CommandableGrpc,
    Check,
    GrpcLoadTest,
}

/// The result of a use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Works,
    /// It failed, with the kind of error or the exit code, and with a message.
    Fails(String, String),
}

impl Use {
    /// The uses of a service over HTTP.
    pub(crate) const HTTP: &[Self] = &[Self::Reqwest, Self::Hyper, Self::Live, Self::LoadTest, Self::Cleanup];

    /// The uses of a service over gRPC.
    pub(crate) const GRPC: &[Self] = &[Self::Grpc, Self::CommandableGrpc, Self::Check, Self::GrpcLoadTest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reqwest => "client over reqwest",
            Self::Hyper => "client over hyper",
            Self::Live => "live contract test",
            Self::LoadTest => "load test",
            Self::Cleanup => "loadtest cleanup",
            Self::Grpc => "client over gRPC",
            Self::CommandableGrpc => "client over commandable gRPC",
            Self::Check => "contract check over commandable gRPC",
            Self::GrpcLoadTest => "load test over gRPC",
        }
    }

    /// Uses the description in `file` to reach the service behind `front`.
    pub(crate) async fn run(self, programs: &Programs, file: &Path, front: &Front) -> Outcome {
        let before = front.sessions.len();
        let used = async {
            match self {
                Self::Reqwest => client(front, file, ReqwestTransport::new).await,
                Self::Hyper => client(front, file, HyperTransport::new).await,
                Self::Live => live(programs, file).await,
                Self::LoadTest => load_test(programs, file, &[]).await,
                Self::Cleanup => cleanup(programs, file, front).await,
                Self::Grpc => grpc_client(front, file, "grpc").await,
                Self::CommandableGrpc => grpc_client(front, file, "commandable-grpc").await,
                Self::Check => check(programs, file).await,
                Self::GrpcLoadTest => load_test(programs, file, &["--protocol", "grpc"]).await,
            }
        };
        let outcome = match tokio::time::timeout(LIMIT, AssertUnwindSafe(used).catch_unwind()).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => fails("panics", ""),
            Err(_) => fails("no end", format!("within {LIMIT:?}")),
        };
        let left = front.sessions.len() - before;
        if outcome == Outcome::Works && left > 0 {
            return fails("works", format!("but {left} sessions are left"));
        }
        outcome
    }
}

/// Secrets of the descriptions, which no output may contain.
const SECRETS: [&str; 7] = [
    fronts::API_KEY,
    "wrong-key",
    TokenServer::CLIENT_SECRET,
    "wrong-secret",
    "issued-",
    Squid::PASSWORD,
    "wrong-password",
];

pub(crate) fn assert_without_secrets(output: &str) {
    for secret in SECRETS {
        assert!(!output.contains(secret), "the output contains {secret}:\n{output}");
    }
}

fn fails(how: impl Into<String>, why: impl Into<String>) -> Outcome {
    Outcome::Fails(how.into(), why.into())
}

async fn client<T: Transport>(
    front: &Front,
    file: &Path,
    transport: impl FnOnce(&ClientConfig) -> Result<T, Error>,
) -> Outcome {
    let create = || {
        let config = ConfigParams::new().with_file(file)?.build()?;
        SessionsHttpClientV1::from_transport(transport(&config)?, &config)
    };
    rounds(front, create).await
}

/// Uses the client of a kind that the factory creates.
async fn grpc_client(front: &Front, file: &Path, kind: &str) -> Outcome {
    let create = || {
        let params = ConfigParams::new().with_file(file)?.with_flags([("--protocol", "kind", kind)])?;
        SessionsClientFactory::new().from_params(&params)
    };
    rounds(front, create).await
}

/// Opens, reads, lists, closes and deletes sessions, until the tokens have been renewed twice if there are any.
async fn rounds<C: ISessionsV1>(front: &Front, create: impl FnOnce() -> Result<C, Error>) -> Outcome {
    let used = async {
        let client = create()?;
        let tokens = || front.tokens.as_ref().map_or(0, TokenServer::requests);
        let (before, start) = (tokens(), Instant::now());
        let mut rounds = 0;
        let has_renewed = || front.tokens.is_none() || tokens() >= before + 3;
        while rounds < 3 || (!has_renewed() && start.elapsed() < Duration::from_secs(7)) {
            round(&client).await?;
            rounds += 1;
        }
        Ok::<_, Error>(())
    };
    match used.await {
        Ok(()) => Outcome::Works,
        Err(error) => {
            assert_without_secrets(&format!("{error:?} {error:#?}"));
            fails(format!("{:?}", error.kind()), error.to_string())
        }
    }
}

async fn round(client: &impl ISessionsV1) -> Result<(), Error> {
    client.get_sessions(None, None, None).await?;
    let session = client.open_session(None, "ann", Some("Ann"), None, None, None, None).await?;
    let read = client.get_session_by_id(None, &session.id).await?;
    assert_eq!(read.as_ref(), Some(&session));
    assert_eq!(client.get_sessions(None, None, None).await?.data.len(), 1);
    client.close_session(None, &session.id).await?;
    client.delete_session_by_id(None, &session.id).await?;
    Ok(())
}

/// Runs a program with no variables but those it needs. Neither its output nor its files may contain secrets.
async fn run(program: &Path, arguments: &[&str], variables: &[(&str, &Path)]) -> (Output, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_without_secrets(&stdout);
    assert_without_secrets(&stderr);
    for file in fs::read_dir(folder.path()).unwrap() {
        assert_without_secrets(&fs::read_to_string(file.unwrap().path()).unwrap());
    }
    (output, stdout, stderr)
}

fn exit(output: &Output) -> String {
    output.status.code().map_or_else(|| output.status.to_string(), |code| format!("exit code {code}"))
}

/// Runs the live contract test, and returns its end and its outputs.
pub(crate) async fn run_live(programs: &Programs, file: &Path) -> (Output, String, String) {
    run(&programs.live, &["live::"], &[("SESSIONS_CONFIG", file), ("INSTA_UPDATE", Path::new("no"))]).await
}

async fn live(programs: &Programs, file: &Path) -> Outcome {
    let (output, stdout, stderr) = run_live(programs, file).await;
    if output.status.success() && !stdout.contains(" 0 passed") {
        return Outcome::Works;
    }
    let is_noise = |line: &&str| {
        line.is_empty()
            || line.starts_with("contract test of the service at ")
            || line.contains(" cases after ")
    };
    fails(exit(&output), stderr.lines().filter(|line| !is_noise(line)).collect::<Vec<_>>().join("\n"))
}

async fn check(programs: &Programs, file: &Path) -> Outcome {
    let config = file.display().to_string();
    let arguments = ["check", "--config", &config, "--protocol", "commandable-grpc"];
    let (output, stdout, stderr) = run(&programs.contract, &arguments, &[]).await;
    if output.status.success() {
        return Outcome::Works;
    }
    let is_noise = |line: &&str| line.is_empty() || line.starts_with("contract check of ");
    let lines = stderr.lines().chain(stdout.lines()).filter(|line| !is_noise(line));
    fails(exit(&output), lines.collect::<Vec<_>>().join("\n"))
}

async fn load_test(programs: &Programs, file: &Path, options: &[&str]) -> Outcome {
    let config = file.display().to_string();
    let limits = ["--users", "4", "--run-time", "2s", "--yes"];
    let reports = ["md", "html", "json", "xml"].map(|format| format!("--report-file=report.{format}"));
    let reports = reports.each_ref().map(String::as_str);
    let arguments = [&["--config", &config][..], &limits, &reports, options].concat();
    let (output, stdout, stderr) = run(&programs.loadtest, &arguments, &[]).await;
    if output.status.success() {
        return Outcome::Works;
    }
    let verdict = stdout.lines().skip_while(|line| !line.starts_with(" FAIL")).map(str::trim);
    let lines = stderr.lines().filter(|line| !line.contains(": loading ")).chain(verdict);
    fails(exit(&output), lines.collect::<Vec<_>>().join("\n"))
}

/// Runs `loadtest cleanup` after a session was left behind.
async fn cleanup(programs: &Programs, file: &Path, front: &Front) -> Outcome {
    let direct = SessionsHttpClientV1::connect(&front.service.url()).unwrap();
    let user = format!("loadtest-{ORPHANS}-0-0-lifecycle");
    let orphan = direct.open_session(None, &user, None, None, None, None, None).await.unwrap();
    let config = file.display().to_string();
    let arguments = ["cleanup", "--config", &config, "--test-run-id", ORPHANS, "--yes"];
    let (output, _, stderr) = run(&programs.loadtest, &arguments, &[]).await;
    let left = direct.delete_session_by_id(None, &orphan.id).await.unwrap();
    match (output.status.success(), left) {
        (true, None) => Outcome::Works,
        (true, Some(_)) => fails(exit(&output), "the session was not deleted"),
        (false, _) => fails(exit(&output), stderr),
    }
}
