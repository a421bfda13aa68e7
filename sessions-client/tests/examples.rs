//! What the examples report when they cannot do their work.

#![cfg(all(feature = "reqwest", feature = "server"))]

use std::env::{self, consts::EXE_SUFFIX};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// The output of an example, as the same `cargo test` has built it.
fn output(example: &str, argument: &str) -> Output {
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
    Command::new(program).arg(argument).output().unwrap()
}

/// The only line on stderr of an example that has failed.
fn reported(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1));
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    let line = stderr.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{stderr}");
    line
}

#[test]
fn quickstart_reports_a_service_that_is_not_running_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = output("quickstart", &url);
    let line = reported(&output);
    assert!(line.starts_with("is the service running? open_session: "), "{line}");
    assert!(output.stdout.is_empty());
}

#[test]
fn quickstart_reports_an_invalid_url_in_one_line() {
    let output = output("quickstart", "localhost");
    let line = reported(&output);
    assert!(line.starts_with("`connection.uri` "), "{line}");
}

#[test]
fn embedded_service_names_the_address_that_is_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let output = output("embedded_service", &port.to_string());
    let line = reported(&output);
    assert!(line.starts_with(&format!("cannot listen at 127.0.0.1:{port}: ")), "{line}");
    assert!(line.ends_with("give another port, 0 for any that is free"), "{line}");
}

#[test]
fn embedded_service_names_a_port_that_is_not_valid() {
    let output = output("embedded_service", "80800");
    assert!(reported(&output).starts_with("`80800` is not a valid port: "));
}
