//! Acceptance of the differences of a check, with the program and the files that it writes.

use super::changed_service::{ChangedService, rename_address, send_200_for_204};
use super::folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::process::Command;

/// Runs `contract check` in a folder.
async fn check(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    let url = [url].into_iter().filter(|url| !url.is_empty());
    contract(folder, &["check"].into_iter().chain(url).chain(arguments.iter().copied()).collect::<Vec<_>>())
        .await
}

/// Runs the program in a folder. Its deviations and its description come from the arguments only.
async fn contract(folder: &Path, arguments: &[&str]) -> Output {
    run(Command::new(env!("CARGO_BIN_EXE_contract")).args(arguments), folder).await
}

async fn run(command: &mut Command, folder: &Path) -> Output {
    command.current_dir(folder);
    for variable in ["SESSIONS_URL", "SESSIONS_CONFIG", "SESSIONS_DEVIATIONS"] {
        command.env_remove(variable);
    }
    command.env("NO_PROXY", "127.0.0.1").kill_on_drop(true).output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// Returns all files below a folder, with their content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_differences_pass_from_then_on() {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let before = content(&snapshots);
    let folder = folder("accept");
    let service = ChangedService::start(rename_address).await;
    let output = check(&folder, &service.url, &[]).await;
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    let accept =
        ["--accept", "--reason", "The gateway renames it.", "--by", "team: gateway", "--until", "2999-12-31"];
    let file = ["--deviations", "new.yaml"];
    let output = check(&folder, &service.url, &[&accept[..], &file[..]].concat()).await;
    let shown = text(&output);
    assert_eq!(code(&output), Some(0), "{shown}");
    assert!(shown.contains(" in new.yaml; the snapshots of the contract are unchanged"), "{shown}");
    assert!(shown.contains(": The gateway renames it. (team: gateway, until 2999-12-31)"), "{shown}");
    let written = fs::read_to_string(folder.join("new.yaml")).unwrap();
    let output = check(&folder, &service.url, &[&file[..], &["--fail-on-unused"]].concat()).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let again = check(&folder, &service.url, &[&accept[..], &file[..]].concat()).await;
    assert!(
        text(&again).contains("nothing was accepted, since no difference fails the check"),
        "{}",
        text(&again)
    );
    assert_eq!(fs::read_to_string(folder.join("new.yaml")).unwrap(), written);
    // Another difference is not accepted.
    let other = ChangedService::start(send_200_for_204).await;
    let output = check(&folder, &other.url, &file).await;
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    // The same differences are not accepted after the last day.
    fs::write(folder.join("new.yaml"), written.replace("2999-12-31", "2020-12-31")).unwrap();
    let output = check(&folder, &service.url, &file).await;
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    assert!(text(&output).contains("expired after 2020-12-31 and no longer accepts"), "{}", text(&output));
    assert!(before == content(&snapshots), "the snapshots of the contract have changed");
    assert!(service.sessions.is_empty() && other.sessions.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differences_are_added_to_the_description_of_the_deployment() {
    let folder = folder("description");
    let service = ChangedService::start(send_200_for_204).await;
    let description = format!(
        "# Staging, owned by the team.\n\ndeviations: # ours\n- situation: closed # old\n  reason: Known.\n\n# The \
         address.\nconnection:\n  uri: {}\n",
        service.url
    );
    fs::write(folder.join("staging.yaml"), &description).unwrap();
    let config = ["--config", "staging.yaml"];
    let output =
        check(&folder, "", &[&config[..], &["--accept", "--reason", "A proxy: \"old\" #1"]].concat()).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let written = fs::read_to_string(folder.join("staging.yaml")).unwrap();
    let (start, end) = description.split_once("\n\n# The").unwrap();
    assert!(written.starts_with(&format!("{start}\n\n# ")), "{written}");
    assert!(written.ends_with(&format!("\n\n# The{end}")), "{written}");
    assert!(written.contains("\n  reason: \"A proxy: \\\"old\\\" #1\"\n"), "{written}");
    let output = check(&folder, "", &[&config[..], &["--record", "staging.har"]].concat()).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    // A recording of the check passes by the same deviations.
    let output = contract(&folder, &["replay", "staging.har"]).await;
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    let output = contract(&folder, &[&["replay", "staging.har"], &config[..]].concat()).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
}

#[tokio::test]
async fn a_service_that_does_not_respond_is_reported_with_the_wait() {
    let output = check(&folder("unreachable"), "http://127.0.0.1:9", &["--wait", "1s"]).await;
    let shown = text(&output);
    assert_eq!(code(&output), Some(3), "{shown}");
    assert!(shown.contains(": start it, or check its address (after waiting 1s); no session"), "{shown}");
}

#[tokio::test]
async fn an_invalid_option_is_reported_before_anything_is_sent() {
    let folder = folder("options");
    fs::write(folder.join("broken.yaml"), "deviations:\n  - part: staus\n    reason: x\n").unwrap();
    let url = "http://127.0.0.1:9";
    let accept = ["--accept", "--reason", "x"];
    let cases: [(&[&str], &str); 10] = [
        (
            &["--deviations", "broken.yaml"],
            "broken.yaml, deviation 1: `staus` is not a known part: did you mean `status`?",
        ),
        (&["--deviations", "odl"], "did you mean `old`?"),
        (&["--deviations", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (&accept, "--accept needs a file for the deviations: add --deviations FILE"),
        (&["--accept", "--deviations", "d.yaml"], "--reason"),
        (&["--accept", "--reason", " ", "--deviations", "d.yaml"], "must not be empty"),
        (&["--reason", "x"], "--accept"),
        (&["--jobs", "0"], "must be a whole number of requests, from 1"),
        (
            &[&accept[..], &["--deviations", "d.yaml", "--until", "2020-01-01"]].concat(),
            "--until 2020-01-01 is over: give a later date",
        ),
        (
            &[&accept[..], &["--deviations", "no/folder/d.yaml"]].concat(),
            "no/folder/d.yaml cannot be written: ",
        ),
    ];
    for (arguments, why) in cases {
        let output = check(&folder, url, arguments).await;
        let shown = text(&output);
        assert_eq!(code(&output), Some(3), "{arguments:?}: {shown}");
        assert!(shown.contains(why) && !shown.contains("no session was opened"), "{arguments:?}: {shown}");
    }
    assert!(!folder.join("d.yaml").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_mounted_are_overwritten() {
    let permitted = Command::new("unshare").args(["-rm", "true"]).output().await;
    if !permitted.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: `unshare -rm` is not permitted here");
        return;
    }
    let folder = folder("mounted");
    fs::create_dir(folder.join("host")).unwrap();
    for name in ["new.yaml", "r.json"] {
        fs::write(folder.join(name), "").unwrap();
        fs::write(folder.join("host").join(name), "").unwrap();
    }
    let service = ChangedService::start(rename_address).await;
    let mounts = r#"mount --bind host/new.yaml new.yaml && mount --bind host/r.json r.json && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", mounts, "sh", env!("CARGO_BIN_EXE_contract"), "check", &service.url]);
    command.args(["--accept", "--reason", "New.", "--deviations", "new.yaml", "--report", "r.json"]);
    let output = run(&mut command, &folder).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    let read = |name: &str| fs::read_to_string(folder.join("host").join(name)).unwrap();
    assert!(read("new.yaml").contains("reason: New."), "{}", read("new.yaml"));
    assert!(read("r.json").contains(r#""verdict": "passed""#), "{}", read("r.json"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_links_stay_links() {
    let folder = folder("links");
    fs::create_dir(folder.join("host")).unwrap();
    for name in ["new.yaml", "r.json"] {
        std::os::unix::fs::symlink(format!("host/{name}"), folder.join(name)).unwrap();
    }
    let service = ChangedService::start(rename_address).await;
    let arguments = ["--accept", "--reason", "New.", "--deviations", "new.yaml", "--report", "r.json"];
    let output = check(&folder, &service.url, &arguments).await;
    assert_eq!(code(&output), Some(0), "{}", text(&output));
    for name in ["new.yaml", "r.json"] {
        assert!(folder.join(name).is_symlink() && folder.join("host").join(name).is_file(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_whose_differences_cannot_be_added_has_reports_and_fails() {
    let folder = folder("not_added");
    let service = ChangedService::start(rename_address).await;
    fs::write(folder.join("new.yaml"), "deviations: [{part: line, reason: Old.}]\n").unwrap();
    fs::write(folder.join("r.xml"), "old").unwrap();
    let arguments = [
        "--deviations",
        "new.yaml",
        "--accept",
        "--reason",
        "New.",
        "--report",
        "r.xml",
        "--fail-on=uncertain",
    ];
    let output = check(&folder, &service.url, &arguments).await;
    assert_eq!(code(&output), Some(1), "{}", text(&output));
    assert!(text(&output).contains("cannot be added to"), "{}", text(&output));
    assert!(fs::read_to_string(folder.join("r.xml")).unwrap().contains("<testsuite"));
}
