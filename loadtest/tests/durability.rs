//! Runs that are killed, and runs whose outputs cannot be written.

#![cfg(target_os = "linux")]

use loadtest::metrics::{Ending, Results};
use sessions_service::{EmbeddedService, SessionStore};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// An empty folder for the files of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("durability-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn in_folder(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).env("NO_PROXY", "127.0.0.1").env_remove("LOADTEST_ALLOWED_HOSTS");
    command
}

fn loadtest(folder: &Path, args: &[&str]) -> Command {
    let mut command = in_folder(Command::new(env!("CARGO_BIN_EXE_loadtest")), folder);
    command.args(args);
    command
}

/// A run with files of at most a few kilobytes.
fn with_small_files(folder: &Path, args: &[&str]) -> Command {
    let mut command = in_folder(Command::new("sh"), folder);
    command.args(["-c", r#"ulimit -f 8; exec "$@""#, "sh", env!("CARGO_BIN_EXE_loadtest")]).args(args);
    command
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn last_line(output: &Output) -> String {
    string(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until the results on disk fulfil a condition.
async fn wait_for(file: &Path, condition: impl Fn(&Results) -> bool) -> Results {
    for _ in 0..600 {
        if let Ok(results) = Results::read(file)
            && condition(&results)
        {
            return results;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} did not get the expected results within a minute", file.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_reported_up_to_its_last_seconds() {
    let folder = folder("killed");
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let options = ["--host", &service.url(), "--scenario", "churn", "-u", "2", "--think-time", "20"];
    let mut child = loadtest(&folder, &[&options[..], &["-t", "10m"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = folder.join("loadtest-report.in-progress.json");
    // The second checkpoint: the first is written when the run starts.
    let results = wait_for(&file, |results| results.duration() > Duration::from_secs(3)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(results.ending, Ending::InProgress);
    assert_eq!(names(&folder), ["loadtest-report.in-progress.json"]);

    let reports = ["html", "md", "xml", "json"].map(|end| format!("run.{end}"));
    let mut report = vec!["report", "loadtest-report.in-progress.json"];
    report.extend(reports.iter().flat_map(|file| ["--report-file", file]));
    let output = loadtest(&folder, &report).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", string(&output.stderr));
    let verdict = last_line(&output);
    assert!(verdict.starts_with(" FAIL: the run has not ended; "), "{verdict}");
    for file in &reports {
        assert!(fs::read_to_string(folder.join(file)).unwrap().contains("the run has not ended"), "{file}");
    }
    let again = Results::read(&folder.join("run.json")).unwrap();
    assert_eq!(again.operations, results.operations);
    assert_consistent(&again);

    let console = string(&output.stdout);
    let (_, command) = console.split_once("delete its sessions: loadtest ").unwrap();
    let command: Vec<_> = command.lines().next().unwrap().split(' ').collect();
    let output = loadtest(&folder, &command).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", string(&output.stderr));
    assert!(!string(&output.stdout).starts_with("0 "), "{}", string(&output.stdout));
}

/// Checks that all parts of the results count the same calls.
fn assert_consistent(results: &Results) {
    for (name, operation) in &results.operations {
        let times = operation.service_time.count() + operation.failure_time.count();
        assert_eq!(operation.calls, times, "{name}");
    }
    let timeline: u64 = results.timeline.intervals().map(|(_, interval)| interval.calls()).sum();
    assert_eq!(timeline, results.calls());
}

#[test]
fn a_run_that_ends_leaves_only_its_reports() {
    let folder = folder("ended");
    let options = ["--iterations", "5", "-u", "1", "--report-file", "run.html", "--report-file", "run.md"];
    let output = loadtest(&folder, &options).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", string(&output.stderr));
    assert_eq!(names(&folder), ["run.html", "run.md"]);
}

#[test]
fn a_report_that_cannot_be_written_fails_the_run_in_its_last_line() {
    let folder = folder("full");
    fs::write(folder.join("run.html"), "an earlier report").unwrap();
    let options = ["--iterations", "5", "-u", "1", "--report-file", "run.html"];
    let output = with_small_files(&folder, &options).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", string(&output.stderr));
    let verdict = last_line(&output);
    assert!(verdict.starts_with(" FAIL: run.html: cannot be written: File too large "), "{verdict}");
    assert!(verdict.ends_with(" calls, 0 failed, 0 violations, nothing left behind)"), "{verdict}");
    assert_eq!(fs::read_to_string(folder.join("run.html")).unwrap(), "an earlier report");
    let files = names(&folder);
    assert!(!files.iter().any(|name| name.ends_with(".unfinished")), "{files:?}");
}

/// Runs the program after the shell commands `setup` in another namespace for mounts. Returns `None` where that is not
/// permitted.
fn with_mounts(folder: &Path, setup: &str, args: &[&str]) -> Option<Output> {
    let permitted = Command::new("unshare").args(["-rm", "true"]).output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: `unshare -rm` is not permitted here");
        return None;
    }
    let mut command = in_folder(Command::new("unshare"), folder);
    let script = format!(r#"set -e; {setup}; exec "$@""#);
    command.args(["-rm", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_loadtest")]).args(args);
    Some(command.output().unwrap())
}

#[test]
fn a_report_that_is_mounted_is_overwritten() {
    let folder = folder("mounted");
    for file in ["run.json", "of-the-host.json"] {
        fs::write(folder.join(file), "an earlier report").unwrap();
    }
    let mount = "mount --bind of-the-host.json run.json";
    let options = ["--iterations", "5", "-u", "1", "--threshold", "p99<60s", "--report-file", "run.json"];
    let Some(output) = with_mounts(&folder, mount, &options) else { return };
    let stderr = string(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    // Neither the report nor the results while the run goes on.
    assert!(!stderr.contains("cannot be written"), "{stderr}");
    assert_eq!(Results::read(&folder.join("of-the-host.json")).unwrap().ending, Ending::Planned);
    assert_eq!(names(&folder), ["of-the-host.json", "run.json"]);
}

#[test]
fn a_report_in_a_folder_that_is_not_writable_is_overwritten() {
    let folder = folder("read-only");
    fs::create_dir(folder.join("reports")).unwrap();
    for file in ["reports/run.md", "of-the-host.md"] {
        fs::write(folder.join(file), "an earlier report").unwrap();
    }
    // As with `podman run --read-only -v "$PWD/of-the-host.md:/reports/run.md"`.
    let mounts = "mount --bind reports reports; mount -o remount,bind,ro reports; \
                  mount --bind of-the-host.md reports/run.md";
    let options = ["--iterations", "5", "-u", "1", "--threshold", "p99<60s", "--report-file"];
    let writable = [&options[..], &["reports/run.md"]].concat();
    let Some(output) = with_mounts(&folder, mounts, &writable) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", string(&output.stderr));
    assert!(fs::read_to_string(folder.join("of-the-host.md")).unwrap().contains("PASS"));

    let new = [&options[..], &["reports/new.md"]].concat();
    let output = with_mounts(&folder, mounts, &new).unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", string(&output.stderr));
    let why = "reports/new.md: cannot be written: Read-only file system";
    assert!(string(&output.stderr).contains(why), "{}", string(&output.stderr));
}

#[test]
fn a_report_that_is_a_link_stays_one() {
    let folder = folder("link");
    std::os::unix::fs::symlink("runs/7.json", folder.join("latest.json")).unwrap();
    let options = ["--iterations", "5", "-u", "1", "--threshold", "p99<60s", "--report-file", "latest.json"];
    let output = loadtest(&folder, &options).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", string(&output.stderr));
    assert!(folder.join("latest.json").is_symlink());
    assert_eq!(Results::read(&folder.join("runs/7.json")).unwrap().ending, Ending::Planned);
}

#[test]
fn an_unwritten_report_can_be_made_of_the_results_later() {
    let folder = folder("later");
    fs::create_dir_all(folder.join("reports")).unwrap();
    let options =
        ["--iterations", "5", "-u", "1", "--report-file", "run.html", "--report-file", "reports/run.md"];
    let mut command = in_folder(Command::new("sh"), &folder);
    // The folder becomes a file while the run goes on: its first line is on standard error.
    let script =
        r#""$@" 2>&1 >out | while read -r line; do rm -rf reports; echo >reports; done; exec tail -n 1 out"#;
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_loadtest")]).args(options);
    let verdict = last_line(&command.output().unwrap());
    assert!(verdict.starts_with(" FAIL: reports/run.md: cannot be written: "), "{verdict}");
    fs::remove_file(folder.join("reports")).unwrap();
    let output = loadtest(&folder, &["report", "run.in-progress.json", "--report-file", "reports/run.md"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", string(&output.stderr));
    assert_eq!(names(&folder.join("reports")), ["run.md"]);
}

#[test]
fn a_full_standard_output_changes_no_exit_code() {
    let folder = folder("stdout");
    for tables in [&[][..], &["--goose-metrics"]] {
        let args = [&["--iterations", "20", "-u", "2"], tables].concat();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = loadtest(&folder, &args).stdout(full).output().unwrap();
        let stderr = string(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("loadtest: standard output cannot be written: No space left"), "{stderr}");
        assert!(stderr.lines().last().unwrap().starts_with(" PASS: "), "{stderr}");
    }
}

#[tokio::test]
async fn a_standard_output_that_is_not_read_does_not_hold_up_the_run() {
    use nix::fcntl::{FcntlArg, fcntl};
    let folder = folder("unread");
    let options = ["--iterations", "20", "-u", "2", "--goose-metrics", "--report-file", "run.json"];
    // So many that goose's tables are larger than the buffers of two pipes.
    let rules: Vec<_> = (600..2_100).map(|limit| format!("max<{limit}s")).collect();
    let rules = rules.iter().flat_map(|rule| ["--threshold", rule]);
    let (reader, writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4_096)).unwrap();
    let mut child =
        loadtest(&folder, &options).args(rules).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&folder.join("run.json"), |results| results.ending == Ending::Planned).await;
    let output = std::io::read_to_string(reader).unwrap();
    assert!(output.contains("=== PER REQUEST METRICS ==="), "{output}");
    assert!(output.lines().last().unwrap().starts_with(" PASS: "), "{output}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_full_standard_error_changes_no_exit_code() {
    let folder = folder("stderr");
    for tables in [&[][..], &["--goose-metrics", "-v"]] {
        let args = [&["--iterations", "20", "-u", "2"], tables].concat();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = loadtest(&folder, &args).stderr(full).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", string(&output.stdout));
        assert!(last_line(&output).starts_with(" PASS: "), "{}", string(&output.stdout));
    }
}

#[test]
fn closed_standard_streams_change_no_exit_code() {
    let folder = folder("closed");
    let mut command = in_folder(Command::new("sh"), &folder);
    let script = r#"exec "$@" >&- 2>&-"#;
    command.args([
        "-c",
        script,
        "sh",
        env!("CARGO_BIN_EXE_loadtest"),
        "--iterations",
        "20",
        "--goose-metrics",
    ]);
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert_eq!(names(&folder), ["loadtest-report.html"]);
}
