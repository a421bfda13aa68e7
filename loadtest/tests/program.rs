//! The program as it is started: what it prints, where, and its exit codes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn loadtest(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    // Whatever proxy this machine has, it is not asked about addresses on it.
    command.args(args).env("NO_PROXY", "127.0.0.1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_ends(args: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = loadtest(args).output().unwrap();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

#[test]
fn without_a_host_the_embedded_service_is_loaded_and_passes() {
    let (stdout, stderr) = assert_ends(&["--run-time", "1s", "--users", "2"], 0);
    assert!(stderr.contains(": loading the embedded service (http://127.0.0.1:"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stdout.contains("=== PER REQUEST METRICS ==="), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.starts_with(" PASS: "), "{verdict}");
    assert!(verdict.ends_with(" calls, 0 failed, 0 violations, nothing left behind"), "{verdict}");
}

#[test]
fn help_says_what_the_exit_codes_mean() {
    for flag in ["-h", "--help"] {
        let (stdout, _) = assert_ends(&[flag], 0);
        assert!(stdout.contains("Exit codes"), "{stdout}");
        assert!(stdout.contains("2  what was read back is wrong"), "{stdout}");
        assert!(stdout.contains("--stores <N>") && stdout.contains("--report-file"), "{stdout}");
    }
}

#[test]
fn an_address_where_nothing_listens_is_named() {
    // Bound for as long as the test lasts, so that nobody else listens there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let (stdout, stderr) = assert_ends(&["--host", &url], 3);
    let expected = format!("loadtest: what is at {url} does not answer: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
    assert!(stderr.contains("Connection refused") && stderr.contains("--host"), "{stderr}");
    assert_eq!(stdout, "");
}

#[test]
fn a_host_that_is_no_url_is_told_what_one_looks_like() {
    let (_, stderr) = assert_ends(&["--host", "localhost:8080"], 3);
    assert!(stderr.starts_with("loadtest: --host localhost:8080: it "), "{stderr}");
    assert!(stderr.contains("write it like `http://localhost:8080`"), "{stderr}");
}

#[test]
fn credentials_in_the_host_are_not_repeated() {
    let (_, stderr) = assert_ends(&["--host", "http://me:secret@127.0.0.1:1"], 3);
    assert!(stderr.contains("http://127.0.0.1:1 ") && !stderr.contains("secret"), "{stderr}");
    for (wrong, shown) in [("http://me:secret@", "http://"), ("ftp://me:secret@host", "ftp://host")] {
        let (_, stderr) = assert_ends(&["--host", wrong], 3);
        assert!(stderr.starts_with(&format!("loadtest: --host {shown}: it ")), "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn options_that_contradict_each_other_are_named_as_they_were_typed() {
    let (_, stderr) = assert_ends(&["--users", "2", "--test-plan", "2,1s;0,1s"], 3);
    assert_eq!(stderr, "loadtest: --users can not be set with --test-plan.\n");
}

#[test]
fn an_unknown_option_is_not_taken_for_wrong_data() {
    let (_, stderr) = assert_ends(&["--hots", "http://localhost"], 3);
    assert!(stderr.contains("'--hots'"), "{stderr}");
}

#[test]
fn a_missed_threshold_fails_the_run() {
    let args = ["--run-time", "1s", "--users", "1", "--threshold", "p50<1us for POST open_session"];
    let (stdout, _) = assert_ends(&args, 1);
    let verdict = stdout.lines().last().unwrap();
    assert!(
        verdict.contains("FAIL: threshold missed: p50<1us for POST open_session, observed "),
        "{verdict}"
    );
}

#[test]
fn goose_can_be_asked_for_its_list_alone() {
    let (stdout, stderr) = assert_ends(&["--list"], 0);
    assert!(stdout.contains("lifecycle") && stderr.is_empty(), "{stdout}{stderr}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_in_order() {
    let missed = ["--threshold", "p50<1us for POST open_session", "--no-threshold-abort"];
    for (signal, think_time, thresholds) in [
        ("TERM", "0", &[][..]),
        ("INT", "0", &[]),
        ("TERM", "60000", &[]),
        ("INT", "60000", &[]),
        ("INT", "0", &missed),
        ("HUP", "0", &[]),
    ] {
        let mut child = loadtest(&["--run-time", "30s", "--users", "4", "--think-time", think_time])
            .args(thresholds)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut announcement = String::new();
        stderr.read_line(&mut announcement).unwrap();
        assert!(announcement.contains(" with 4 users for 30s"), "{announcement}");
        // From here on goose looks twice a second whether it is to stop; until then users must not run wild.
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut launched = String::new();
        stdout.read_line(&mut launched).unwrap();
        assert!(launched.contains("4 users launched"), "{launched}");
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "{rest}");
        let verdict = rest.lines().last().unwrap();
        assert!(verdict.starts_with(&format!(" STOPPED: SIG{signal} ended the run early")), "{verdict}");
        assert_eq!(verdict.contains("; threshold missed: "), !thresholds.is_empty(), "{verdict}");
        assert!(verdict.ends_with("nothing left behind)"), "{verdict}");
    }
}
