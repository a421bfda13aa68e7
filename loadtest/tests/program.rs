//! The program as a process: its output and its exit codes.

mod faulty;

use faulty::{Fault, Faulty};
use sessions_service::EmbeddedService;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, ChildStdout};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

fn loadtest(args: &[&str]) -> Command {
    configured(Command::new(env!("CARGO_BIN_EXE_loadtest")), args)
}

/// The program with signals that an option of `env` sets, whatever these tests have inherited. Only Linux has it.
#[cfg(unix)]
fn with_signals(option: &str, args: &[&str]) -> Command {
    if !cfg!(target_os = "linux") {
        return loadtest(args);
    }
    let mut command = Command::new("env");
    command.args([option, env!("CARGO_BIN_EXE_loadtest")]);
    configured(command, args)
}

#[cfg(unix)]
fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn configured(mut command: Command, args: &[&str]) -> Command {
    // A proxy of this machine must not be used for local addresses.
    command.args(args).env("NO_PROXY", "127.0.0.1").env_remove("LOADTEST_ALLOWED_HOSTS");
    // The folder of the default report.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_exit(args: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = loadtest(args).output().unwrap();
    let (stdout, stderr) = (string(&stdout), string(&stderr));
    assert_eq!(status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

#[test]
fn the_embedded_service_is_the_default_and_passes() {
    let (stdout, stderr) = assert_exit(&["--run-time", "1s", "--users", "2"], 0);
    assert!(stderr.contains(": loading the embedded service (http://127.0.0.1:"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stdout.starts_with("\n === SESSIONS LOAD TEST ==="), "{stdout}");
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.starts_with(" PASS: "), "{verdict}");
    assert!(verdict.ends_with(" calls, 0 failed, 0 violations, nothing left behind"), "{verdict}");
}

#[test]
fn the_tables_of_goose_are_printed_only_on_request() {
    let table = "=== PER REQUEST METRICS ===";
    let args = ["--iterations", "2", "--users", "1"];
    let (stdout, _) = assert_exit(&args, 0);
    assert!(!stdout.contains(table) && !stdout.contains("users launched"), "{stdout}");
    let (stdout, _) = assert_exit(&[&args[..], &["--goose-metrics"]].concat(), 0);
    let goose = stdout.find(table).unwrap();
    assert!(goose < stdout.find("=== SESSIONS LOAD TEST ===").unwrap(), "{stdout}");
}

#[test]
fn a_closed_standard_output_does_not_change_the_verdict() {
    for tables in [&[][..], &["--goose-metrics"]] {
        let args = [&["--iterations", "20", "--users", "2"], tables].concat();
        let mut child = loadtest(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        assert_eq!(status.code(), Some(0), "{}", string(&stderr));
    }
}

#[test]
fn help_lists_the_exit_codes() {
    for flag in ["-h", "--help"] {
        let (stdout, _) = assert_exit(&[flag], 0);
        assert!(stdout.contains("Exit codes"), "{stdout}");
        assert!(stdout.contains("2  wrong data: a response contradicts earlier writes"), "{stdout}");
        assert!(stdout.contains("--stores <N>") && stdout.contains("--report-file"), "{stdout}");
    }
}

#[test]
fn an_unreachable_address_is_named() {
    // Bound but not listening, so that no other process can listen there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let (stdout, stderr) = assert_exit(&["--host", &url], 3);
    let expected = format!("loadtest: {url} does not respond: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
    assert!(stderr.contains("Connection refused") && stderr.contains("--host"), "{stderr}");
    assert_eq!(stdout, "");
}

#[test]
fn an_invalid_host_is_rejected_with_an_example() {
    let (_, stderr) = assert_exit(&["--host", "localhost:8080"], 3);
    assert_eq!(
        stderr,
        "loadtest: `connection.uri` (--host) has no scheme: write it like `http://localhost:8080`\n"
    );
}

#[test]
fn credentials_in_the_host_are_not_printed() {
    let (_, stderr) = assert_exit(&["--host", "http://me:secret@127.0.0.1:1"], 3);
    assert!(stderr.contains("http://127.0.0.1:1 ") && !stderr.contains("secret"), "{stderr}");
    for wrong in ["http://me:secret@", "ftp://me:secret@host"] {
        let (_, stderr) = assert_exit(&["--host", wrong], 3);
        assert!(stderr.starts_with("loadtest: `connection.uri` (--host) "), "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn conflicts_of_goose_are_found_before_the_service_is_called() {
    // Nothing listens there.
    let args = ["--host", "http://127.0.0.1:9", "--users", "2", "--test-plan", "2,1s;0,1s"];
    let (_, stderr) = assert_exit(&args, 3);
    assert!(stderr.starts_with("error: --test-plan conflicts with --users\n"), "{stderr}");
}

#[test]
fn an_unknown_scenario_is_rejected_with_a_suggestion() {
    let (_, stderr) = assert_exit(&["--scenario", "lifecycel"], 3);
    assert!(stderr.contains("no scenario `lifecycel`; did you mean `lifecycle`?"), "{stderr}");
    assert!(stderr.contains("lifecycle, browse, hot-session, churn, read-mostly"), "{stderr}");
}

#[test]
fn another_http_server_is_not_loaded() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = "<html>Welcome</html>";
    let response =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    let (_, stderr) = assert_exit(&["--host", &url], 3);
    let expected = format!("loadtest: {url} is not a working sessions service: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
}

#[test]
fn another_machine_is_not_loaded_without_yes() {
    // An address for documentation, which no machine has.
    let host = "http://192.0.2.1:8080";
    for args in [&["--host", host][..], &["cleanup", "--test-run-id", "x", "--host", host]] {
        let (_, stderr) = assert_exit(args, 3);
        let expected = "loadtest: 192.0.2.1 is not this machine: add --yes if you may load it, \
                        or list it in LOADTEST_ALLOWED_HOSTS\n";
        assert_eq!(stderr, expected);
    }
}

#[test]
fn conflicting_and_invalid_options_are_rejected() {
    for (args, reason) in [
        (&["--rate", "5", "--users", "3"][..], "--users conflicts with --rate and --breakpoint"),
        (&["--pre-allocated-vus", "5"], "--pre-allocated-vus needs --rate or --breakpoint"),
        (&["--breakpoint", "--rate", "5,10"], "--breakpoint starts with one constant --rate"),
        (&["--rate", "50", "--step", "10s", "--run-time", "5m"], "--run-time conflicts with --step"),
        (&["--breakpoint", "--run-time", "30s"], "--run-time conflicts with --breakpoint"),
        (&["--dashboard", "--iterations", "3"], "--dashboard needs --run-time"),
        (&["--dashboard", "--test-plan", "2,1s;0,1s"], "--dashboard needs --run-time"),
        (
            &[
                "--execution-segment",
                "0/2",
                "--test-run-id",
                "x",
                "--host",
                "http://127.0.0.1:1",
                "--test-plan",
                "2,1s",
            ],
            "--test-plan conflicts with --execution-segment",
        ),
        (&["--execution-segment", "0/2"], "--execution-segment needs --test-run-id"),
        (&["--execution-segment", "0/2", "--test-run-id", "x"], "--execution-segment needs --host"),
        (&["--execution-segment", "2/2"], "expected the number of the worker, from 0"),
        (&["--test-run-id", "a/b"], "up to 40 letters, digits"),
        (&["--rate", "1", "--step", "10000000000000000000s"], "a time from 100 ms to 30 days"),
        (&["--rate", "1", "--run-time", "3000000h"], "at most 30 days"),
        (&["--run-time", "0"], "--run-time 0: expected a time above 0 such as 30s or 1h30m"),
        (&["--run-time", "3000000h"], "at most 30 days"),
        (&["--run-time", "soon"], "--run-time soon: expected a time"),
        (&["--users", "0"], "--users 0 makes no load: give at least 1"),
        (&["--graceful-stop", "soon"], "a time up to 30 days, such as 30s or 2m"),
        (&["--payload-bytes", "18446744073709551615"], "18446744073709551615 is not in 0..=100000000"),
        (&["-u", "9223372036854775808"], "9223372036854775808 is not in 0..=1000000"),
        (&["--rate", "1", "--pre-allocated-vus", "18446744073709551615"], "is not in 0..=1000000"),
        (&["--test-plan", "9223372036854775807,1s"], "users need"),
        (&["--read-ratio", "2"], "a number from 0 to 1"),
        (&["--start-at", "noon"], "a time such as 2026-01-31T12:00:00Z"),
        (&["--report-file", "report.pdf"], "a report file must end in .html, .md, .json or .xml"),
        (&["--baseline", "nowhere.json"], "nowhere.json"),
        (&["--threshold", "p99"], "threshold"),
        (&["--threshold-abort-delay", "3s"], "--threshold-abort-delay 3s: has no effect without --threshold"),
        (
            &["--threshold", "p99<1s", "--threshold-abort-delay", "soon"],
            "--threshold-abort-delay soon: expected a time",
        ),
        (
            &["--threshold", "p99<1s", "--threshold-abort-delay", "3s", "--no-threshold-abort"],
            "has no effect with --no-threshold-abort",
        ),
        (&["--timeout", "soon"], "--timeout soon: expected a number of seconds above 0"),
    ] {
        let (stdout, stderr) = assert_exit(args, 3);
        assert!(stderr.contains(reason), "{args:?}: {stderr}");
        assert_eq!(stdout, "", "{args:?}");
    }
}

#[test]
fn a_run_that_never_starts_leaves_no_results() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/program-never-started");
    let _ = std::fs::remove_dir_all(folder);
    let results = format!("{folder}/run.json");
    let args = ["--users", "1", "--start-at", "1000", "--report-file", &results];
    let (_, stderr) = assert_exit(&args, 3);
    assert!(stderr.contains("the start time "), "{stderr}");
    assert!(!Path::new(&results).exists());
}

#[test]
fn a_run_whose_report_cannot_be_written_is_not_started() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/program-not-writable");
    let _ = std::fs::remove_dir_all(folder);
    let results = format!("{folder}/run.json");
    let page = format!("{folder}/page.html");
    std::fs::create_dir_all(&page).unwrap();
    let (_, stderr) = assert_exit(&["--users", "1", "--report-file", &page, "--report-file", &results], 3);
    assert!(stderr.contains("page.html: cannot be written: "), "{stderr}");
    assert!(!Path::new(&results).exists());
}

#[test]
fn a_dry_run_prints_the_plan_and_sends_nothing() {
    let rate = ["--rate", "50,100", "--step", "10s", "--test-run-id", "x"];
    let args = [&["--dry-run", "--host", "http://192.0.2.1"], &rate[..]].concat();
    let (stdout, stderr) = assert_exit(&args, 0);
    for expected in [
        "service:   http://192.0.2.1",
        "not allowed: 192.0.2.1 is not this machine",
        "50/s for 10 s, 100/s for 10 s, about 1,500 in all, 400 pre-allocated VUs",
        "sessions:  about 1,500",
        "users loadtest-x-*",
        "Nothing was sent.",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    assert_eq!(stderr, "");
}

#[test]
fn four_thousand_users_start_at_once() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};
        // Both ends of each connection are in one process, next to a few other files.
        let (_, files) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        if files < 8_100 {
            // Not with `eprintln!`, which is captured if the test passes.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: 4,000 users need 8,100 open files, the limit is {files}"
            );
            return;
        }
    }
    // On a slow machine the listen queue of the embedded service overflows, which this test ignores.
    let patient =
        ["--timeout", "60", "--threshold", "p99<120s", "--max-error-rate", "50%", "--max-outage", "2m"];
    let options = ["-u", "4000", "--iterations", "1", "--scenario", "churn"];
    let (stdout, _) = assert_exit(&[&options[..], &patient].concat(), 0);
    let opened: Vec<_> = stdout.lines().filter(|line| line.contains("open_session  ")).collect();
    assert!(opened.len() == 1 && opened[0].contains(" 4,000 "), "{stdout}");
    assert!(stdout.trim_end().ends_with("nothing left behind"), "{stdout}");
}

#[test]
fn a_run_ends_while_its_dashboard_is_open() {
    let log = concat!(env!("CARGO_TARGET_TMPDIR"), "/dashboard.log");
    let _ = std::fs::remove_file(log);
    let args = ["-u", "1", "-t", "2s", "--dashboard", "--dashboard-port", "0", "--goose-log", log, "-g"];
    let mut child = loadtest(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    // goose logs the port before the first user starts.
    let log = std::fs::read_to_string(log).unwrap();
    let (_, address) = log.split_once("[dashboard]: listening on http://").unwrap();
    let mut browser = TcpStream::connect(address.split_whitespace().next().unwrap()).unwrap();
    browser.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut status_line = [0; 12];
    browser.read_exact(&mut status_line).unwrap();
    assert_eq!(&status_line, b"HTTP/1.1 200");
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", string(&stdout));
}

#[test]
fn a_closed_standard_error_does_not_end_a_breakpoint_search() {
    let options = ["--breakpoint", "--rate", "1", "--step", "200ms", "--pre-allocated-vus", "1"];
    let mut child = loadtest(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The reader is gone before the first rate has ended.
    drop(child.stderr.take());
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    let stdout = string(&stdout);
    assert!(matches!(status.code(), Some(0 | 1)), "{status}: {stdout}");
    assert!(stdout.contains("nothing left behind"), "{stdout}");
}

#[test]
fn an_unknown_option_is_not_reported_as_wrong_data() {
    let (_, stderr) = assert_exit(&["--hots", "http://localhost"], 3);
    assert!(stderr.contains("'--hots'"), "{stderr}");
}

#[test]
fn a_missed_threshold_fails_the_run() {
    let args = ["--run-time", "1s", "--users", "1", "--threshold", "p50<1us for POST open_session"];
    let (stdout, _) = assert_exit(&args, 1);
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.contains("threshold missed: p50<1us for POST open_session, observed "), "{verdict}");
}

#[test]
fn a_missed_threshold_of_a_scenario_aborts_the_run() {
    let rule = "p50<1us for scenario lifecycle";
    let args = ["--run-time", "60s", "--users", "1", "--warm-up", "1s", "--threshold", rule];
    let (stdout, _) = assert_exit(&args, 1);
    let verdict = stdout.lines().last().unwrap();
    assert!(verdict.contains(&format!("aborted by a missed threshold: {rule}, observed ")), "{verdict}");
}

#[test]
fn the_version_is_that_of_the_load_test() {
    for flag in ["--version", "-V"] {
        let (stdout, stderr) = assert_exit(&[flag], 0);
        assert_eq!((&*stdout, &*stderr), (concat!("loadtest ", env!("CARGO_PKG_VERSION"), "\n"), ""));
    }
}

#[test]
fn an_invalid_setting_is_reported_in_one_line() {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/program-setting.yaml");
    for (settings, expected) in [
        (
            "{users: five}",
            format!("`loadtest.users` ({file}): invalid value `five`: expected a whole number"),
        ),
        ("{user: 5}", format!("`loadtest.user` ({file}) is not a known key: did you mean `users`?")),
        ("{step: 5s}", format!("`loadtest.step` ({file}) needs --rate or --breakpoint")),
    ] {
        std::fs::write(file, format!("loadtest: {settings}\n")).unwrap();
        let (_, stderr) = assert_exit(&["--config", file], 3);
        assert_eq!(stderr, format!("loadtest: {expected}\n"));
    }
}

#[test]
fn default_thresholds_are_printed_with_the_settings() {
    let threshold = |args: &[&str]| {
        let (stdout, _) = assert_exit(&[&["--print-config"], args].concat(), 0);
        let mut lines = stdout.lines().filter(|line| line.starts_with("loadtest.threshold ="));
        (lines.next().unwrap_or_default().to_owned(), lines.count())
    };
    for (args, expected) in [
        (&[][..], "loadtest.threshold = p95<250ms, p99<1s (default of the embedded service)"),
        (&["--breakpoint"], "loadtest.threshold = p99<100ms (default of --breakpoint)"),
        (&["--threshold", "max<2s"], "loadtest.threshold = max<2s (--threshold)"),
        (&["--fault", "refuse"], ""),
        (&["--host", "http://127.0.0.1:1"], ""),
    ] {
        assert_eq!(threshold(args), (expected.to_owned(), 0), "{args:?}");
    }
}

#[test]
fn goose_lists_scenarios_without_a_run() {
    let (stdout, stderr) = assert_exit(&["--list"], 0);
    assert!(stdout.contains("lifecycle") && stderr.is_empty(), "{stdout}{stderr}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_after_the_planned_end_leaves_nothing_behind() {
    let service = Faulty::new(Fault::None).with_slow_opening(Duration::from_secs(4));
    let server = EmbeddedService::start_with("127.0.0.1:0", service.clone()).await.unwrap();
    // With the dashboard the load test ends the run itself, while its user still waits for its session.
    let options = ["--host", &server.url(), "-u", "1", "-t", "1s", "--dashboard", "--dashboard-port", "0"];
    let mut run = with_signals("--default-signal=INT", &options);
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    send("INT", &child);
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", string(&ended.stdout));
    assert!(service.is_empty());
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_run_and_cleans_up() {
    let missed = ["--threshold", "p50<1us for POST open_session", "--no-threshold-abort"];
    for (signal, think_time, thresholds) in [
        ("TERM", "0", &[][..]),
        ("INT", "0", &[]),
        ("TERM", "60000", &[]),
        ("INT", "60000", &[]),
        ("INT", "0", &missed),
        ("HUP", "0", &[]),
    ] {
        let options = ["--run-time", "30s", "--users", "4", "--think-time", think_time];
        let mut run = with_signals("--default-signal=HUP,INT,TERM", &[&options[..], thresholds].concat());
        let (mut child, mut stdout) = launched(&mut run);
        send(signal, &child);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "{rest}");
        let verdict = rest.lines().last().unwrap();
        assert!(verdict.starts_with(&format!(" STOPPED: stopped by SIG{signal}")), "{verdict}");
        assert_eq!(verdict.contains("; threshold missed: "), !thresholds.is_empty(), "{verdict}");
        assert!(verdict.ends_with("nothing left behind)"), "{verdict}");
    }
}

/// Starts a run with 4 users, and returns it with the rest of its standard output when all of them make load: goose checks
/// for the end of the run only then.
#[cfg(unix)]
fn launched(run: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let run = run.arg("--goose-metrics").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    let mut announcement = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut announcement).unwrap();
    assert!(announcement.contains(" with 4 users for "), "{announcement}");
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut launched = String::new();
    stdout.read_line(&mut launched).unwrap();
    assert!(launched.contains("4 users launched"), "{launched}");
    (child, stdout)
}

#[cfg(target_os = "linux")]
#[test]
fn signals_that_are_ignored_at_the_start_do_not_end_the_run() {
    let options = ["--run-time", "3s", "--users", "4", "--think-time", "0", "--threshold", "p99<60s"];
    // As `nohup`, and a shell that starts the program in the background.
    let (mut child, mut stdout) = launched(&mut with_signals("--ignore-signal=HUP,INT", &options));
    send("HUP", &child);
    send("INT", &child);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.lines().last().unwrap().starts_with(" PASS: "), "{rest}");
}

/// Programs in namespaces: with a name service that does not respond, or without free ports.
#[cfg(target_os = "linux")]
mod in_namespaces {
    use super::*;
    use std::env;
    use std::net::UdpSocket;
    use std::time::Instant;

    const INSIDE: &str = "LOADTEST_TEST_IN_NAMESPACES";

    /// Runs the test `name` again in new namespaces after the shell commands `setup`, and returns `true` outside of
    /// them.
    fn runs_inside(name: &str, setup: &str) -> bool {
        if env::var_os(INSIDE).is_some() {
            return false;
        }
        let setup = format!("set -e; ip link set lo up; {setup}");
        let permitted = Command::new("unshare").args(["-rnm", "bash", "-c", &setup]).output();
        if !permitted.is_ok_and(|output| output.status.success()) {
            println!("SKIPPED: `unshare -rnm bash -c '{setup}'` is not permitted here");
            return true;
        }
        let script = format!("{setup}; exec \"$0\" --exact \"in_namespaces::$1\" --nocapture");
        let mut inside = Command::new("unshare");
        inside
            .args(["-rnm", "bash", "-c", &script])
            .arg(env::current_exe().unwrap())
            .arg(name)
            .env(INSIDE, "1");
        let Output { status, stdout, stderr } = inside.output().unwrap();
        let (stdout, stderr) = (string(&stdout), string(&stderr));
        assert!(status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
        true
    }

    /// Two ports are for the service and for one of the users.
    #[test]
    fn a_machine_without_free_ports_is_the_fault_of_the_generator() {
        let setup = "echo '40000 40001' >/proc/sys/net/ipv4/ip_local_port_range";
        if runs_inside("a_machine_without_free_ports_is_the_fault_of_the_generator", setup) {
            return;
        }
        let Output { status, stdout, stderr } =
            loadtest(&["--users", "20", "--iterations", "1"]).output().unwrap();
        let (stdout, stderr) = (string(&stdout), string(&stderr));
        assert_eq!(status.code(), Some(3), "{stdout}{stderr}");
        assert!(stdout.contains("this machine could not send"), "{stdout}{stderr}");
    }

    /// The lookup blocks a thread of the runtime for 30 s.
    #[test]
    fn a_silent_name_service_does_not_delay_the_end() {
        let setup = "folder=$(mktemp -d); \
            echo 'nameserver 127.0.0.1' >$folder/resolv.conf; \
            echo 'options timeout:30 attempts:1' >>$folder/resolv.conf; \
            echo 'hosts: dns' >$folder/nsswitch.conf; \
            for file in resolv.conf nsswitch.conf; do \
                [ ! -e /etc/$file ] || mount --bind $folder/$file /etc/$file; \
            done; \
            rm -r $folder";
        if runs_inside("a_silent_name_service_does_not_delay_the_end", setup) {
            return;
        }
        let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
        let host = ["--host", "http://sessions.example:8080"];
        for command in [&[][..], &["doctor"], &["cleanup", "--test-run-id", "0123456789ab"]] {
            let started = Instant::now();
            let mut run = loadtest(&[command, &host].concat());
            let Output { status, stdout, stderr } = run
                .env("LOADTEST_ALLOWED_HOSTS", "sessions.example")
                .env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "200")
                .output()
                .unwrap();
            let (stdout, stderr) = (string(&stdout), string(&stderr));
            assert!(started.elapsed() < Duration::from_secs(15), "{command:?}");
            assert_ne!(status.code(), Some(0), "{command:?}: {stdout}{stderr}");
            let why =
                "cannot connect to http://sessions.example:8080: the name service did not respond in time";
            assert!(stdout.contains(why) || stderr.contains(why), "{command:?}: {stdout}{stderr}");
        }
    }
}
