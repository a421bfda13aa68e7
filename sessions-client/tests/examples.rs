//! The error messages of the examples.

#![cfg(feature = "reqwest")]

use std::env::{self, consts::EXE_SUFFIX};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Runs an example that the same `cargo test` has built.
fn output(example: &str, argument: &str) -> Output {
    command(example).arg(argument).output().unwrap()
}

fn command(example: &str) -> Command {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let program = target.join("examples").join(format!("{example}{EXE_SUFFIX}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{example}.rs"));
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    assert!(
        modified(&program) >= modified(&source),
        "`{}` is missing or out of date: run `cargo build -p sessions-client --all-features --examples` first",
        program.display()
    );
    Command::new(program)
}

/// Returns the only line on stderr of an example that has failed.
fn reported(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1));
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    let line = stderr.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{stderr}");
    line
}

#[test]
fn quickstart_reports_a_missing_service_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = output("quickstart", &url);
    let line = reported(&output);
    assert!(line.starts_with("is the service running? open_session: "), "{line}");
    assert!(output.stdout.is_empty());
}

#[test]
fn quickstart_keeps_a_description_without_an_address() {
    // An invalid header, so that nothing is sent.
    let output = command("quickstart")
        .env_remove("SESSIONS_URL")
        .envs([("SESSIONS_CONFIG", ""), ("SESSIONS_HEADERS_HOST", "x")])
        .output()
        .unwrap();
    let line = reported(&output);
    assert!(line.starts_with("`headers.host` (SESSIONS_HEADERS_HOST) cannot be set"), "{line}");
}

#[test]
fn quickstart_does_not_ignore_a_file() {
    let output = command("quickstart").env("SESSIONS_CONFIG", "nowhere.yaml").output().unwrap();
    let line = reported(&output);
    let expected =
        if cfg!(feature = "config") { "nowhere.yaml cannot be read" } else { "`--features config`" };
    assert!(line.contains(expected), "{line}");
}

#[test]
fn quickstart_reports_an_invalid_url_in_one_line() {
    let output = output("quickstart", "localhost");
    let line = reported(&output);
    assert!(line.starts_with("`url` "), "{line}");
}
