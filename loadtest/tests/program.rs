//! The program as it is started: what it prints, where, and its exit codes.

mod faulty;

use faulty::{Fault, Faulty};
use sessions_client::server::EmbeddedService;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

fn loadtest(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    // Whatever proxy this machine has, it is not asked about addresses on it.
    command.args(args).env("NO_PROXY", "127.0.0.1").env_remove("LOADTEST_ALLOWED_HOSTS");
    // Where the report goes if nobody says.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
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
fn an_unknown_scenario_is_told_the_nearest_and_all_others() {
    let (_, stderr) = assert_ends(&["--scenario", "lifecycel"], 3);
    assert!(stderr.contains("no scenario `lifecycel`; did you mean `lifecycle`?"), "{stderr}");
    assert!(stderr.contains("lifecycle, browse, hot-session, churn, read-mostly"), "{stderr}");
}

#[test]
fn a_host_that_is_no_sessions_service_is_not_loaded() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = "<html>Welcome</html>";
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let (_, stderr) = assert_ends(&["--host", &url], 3);
    let expected = format!("loadtest: what is at {url} is no sessions service, or a broken one: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
}

#[test]
fn another_machine_is_not_loaded_without_a_word() {
    // Nobody has this address, which is for documentation.
    let host = "http://192.0.2.1:8080";
    for args in [&["--host", host][..], &["clean", "--run", "x", "--host", host]] {
        let (_, stderr) = assert_ends(args, 3);
        let expected = "loadtest: 192.0.2.1 is not this machine: say --yes if it may be loaded, \
                        or name it in LOADTEST_ALLOWED_HOSTS\n";
        assert_eq!(stderr, expected);
    }
}

#[test]
fn options_that_have_no_use_together_are_refused() {
    for (args, why) in [
        (&["--rate", "5", "--users", "3"][..], "--users has no use with --rate or --find-limit"),
        (&["--lanes", "5"], "--lanes has no use without --rate or --find-limit"),
        (&["--find-limit", "--rate", "5,10"], "--find-limit begins with one --rate"),
        (&["--rate", "50", "--step", "10s", "--run-time", "5m"], "--run-time has no use with --step"),
        (&["--find-limit", "--run-time", "30s"], "--run-time has no use with --find-limit"),
        (&["--dashboard", "--iterations", "3"], "--dashboard needs --run-time"),
        (&["--dashboard", "--test-plan", "2,1s;0,1s"], "--dashboard needs --run-time"),
        (
            &["--worker", "0/2", "--run", "x", "--host", "http://127.0.0.1:1", "--test-plan", "2,1s"],
            "--test-plan has no use with --worker",
        ),
        (&["--worker", "0/2"], "--worker needs --run"),
        (&["--worker", "0/2", "--run", "x"], "--worker needs --host"),
        (&["--worker", "2/2", "--run", "x"], "must be the number of the worker from 0"),
        (&["--run", "a/b"], "up to 40 letters, digits"),
        (&["--rate", "1", "--step", "10000000000000000000s"], "a time from 100 ms to 30 days"),
        (&["--rate", "1", "--run-time", "3000000h"], "at most 30 days"),
        (&["--payload-bytes", "18446744073709551615"], "18446744073709551615 is not in 0..=100000000"),
        (&["-u", "9223372036854775808"], "9223372036854775808 is not in 0..=1000000"),
        (&["--rate", "1", "--lanes", "18446744073709551615"], "is not in 0..=1000000"),
        (&["--test-plan", "9223372036854775807,1s"], "users need"),
        (&["--read-ratio", "2"], "a number from 0 to 1"),
        (&["--start-at", "noon"], "a time such as 2026-01-31T12:00:00Z"),
        (&["--report-file", "report.pdf"], "a report file ends in .html, .md, .json or .xml"),
        (&["--baseline", "nowhere.json"], "nowhere.json"),
        (&["--threshold", "p99"], "threshold"),
        (&["--timeout", "soon"], "--timeout soon: it must be a number of seconds above 0"),
    ] {
        let (stdout, stderr) = assert_ends(args, 3);
        assert!(stderr.contains(why), "{args:?}: {stderr}");
        assert_eq!(stdout, "", "{args:?}");
    }
}

#[test]
fn a_run_that_never_was_leaves_no_record_and_one_whose_report_cannot_be_written_is_not_made() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/program-records");
    let _ = std::fs::remove_dir_all(folder);
    let record = format!("{folder}/run.json");
    let args = ["--users", "1", "--start-at", "1000", "--report-file", &record];
    let (_, stderr) = assert_ends(&args, 3);
    assert!(stderr.contains("the start time "), "{stderr}");
    assert!(!Path::new(&record).exists());

    let page = format!("{folder}/page.html");
    std::fs::create_dir_all(&page).unwrap();
    let (_, stderr) = assert_ends(&["--users", "1", "--report-file", &page, "--report-file", &record], 3);
    assert!(stderr.contains("page.html: cannot be written: "), "{stderr}");
    assert!(!Path::new(&record).exists());
}

#[test]
fn a_dry_run_says_what_would_be_done_and_asks_nobody() {
    let args = ["--dry-run", "--host", "http://192.0.2.1", "--rate", "50,100", "--step", "10s", "--run", "x"];
    let (stdout, stderr) = assert_ends(&args, 0);
    for text in [
        "service:  http://192.0.2.1",
        "refused as it stands: 192.0.2.1 is not this machine",
        "50/s for 10 s, 100/s for 10 s, about 1,500 in all, in 400 lanes",
        "sessions: about 1,500",
        "users loadtest-x-*",
        "Nothing was done.",
    ] {
        assert!(stdout.contains(text), "{text}: {stdout}");
    }
    assert_eq!(stderr, "");
}

#[test]
fn four_thousand_users_start_at_once() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};
        // Both ends of each connection are in one process, with a few others.
        let (_, files) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        if files < 8_100 {
            // Not by `eprintln!`, which nobody sees of a test that passes.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: four thousand users need 8,100 files, and there are {files}"
            );
            return;
        }
    }
    // On a slow machine the queue of the embedded service's listener overflows, which is not what is looked at.
    let patient = ["--timeout", "60", "--threshold", "p99<120s", "--max-error-rate", "50%"];
    let options = ["-u", "4000", "--iterations", "1", "--scenario", "churn", "--no-print-metrics"];
    let (stdout, _) = assert_ends(&[&options[..], &patient].concat(), 0);
    let opened: Vec<_> = stdout.lines().filter(|line| line.contains("open_session  ")).collect();
    assert!(opened.len() == 1 && opened[0].contains(" 4,000 "), "{stdout}");
    assert!(stdout.trim_end().ends_with("nothing left behind"), "{stdout}");
}

#[test]
fn a_run_whose_dashboard_was_opened_ends() {
    let log = concat!(env!("CARGO_TARGET_TMPDIR"), "/dashboard.log");
    let _ = std::fs::remove_file(log);
    let args = ["-u", "1", "-t", "2s", "--dashboard", "--dashboard-port", "0", "--goose-log", log, "-g"];
    let mut child = loadtest(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    // The port is one that was free, and goose says which before the first user begins.
    let log = std::fs::read_to_string(log).unwrap();
    let (_, address) = log.split_once("[dashboard]: listening on http://").unwrap();
    let mut browser = TcpStream::connect(address.split_whitespace().next().unwrap()).unwrap();
    browser.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    browser.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text(&stdout));
}

#[test]
fn a_search_ends_whose_progress_nobody_reads_any_more() {
    let options = ["--find-limit", "--rate", "1", "--step", "200ms", "--lanes", "1", "--no-print-metrics"];
    let mut child = loadtest(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Nothing is read, and the other end is gone before the first rate was tried.
    drop(child.stderr.take());
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    assert!(text(&stdout).contains("nothing left behind"), "{}", text(&stdout));
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
    assert!(verdict.contains("threshold missed: p50<1us for POST open_session, observed "), "{verdict}");
}

#[test]
fn goose_can_be_asked_for_its_list_alone() {
    let (stdout, stderr) = assert_ends(&["--list"], 0);
    assert!(stdout.contains("lifecycle") && stderr.is_empty(), "{stdout}{stderr}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_after_the_last_arrival_is_the_first_one_and_leaves_nothing_behind() {
    let service = Faulty::new(Fault::None).with_slow_opening(Duration::from_secs(4));
    let server = EmbeddedService::start("127.0.0.1:0", service.clone()).await.unwrap();
    // The dashboard has the load test end the run itself, while its user still waits for its session.
    let options = ["--host", &server.url(), "-u", "1", "-t", "1s", "--dashboard", "--dashboard-port", "0"];
    let mut child = loadtest(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let sent = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", text(&ended.stdout));
    assert!(service.is_empty());
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
