//! No output contains credentials, even if a service returns them.

use super::service::{Change, Service};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs a check with arguments and variables, and returns everything that it wrote.
async fn outputs(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secrets").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_contract"));
    command.arg("check").args(arguments).current_dir(&folder).env_clear();
    for report in ["r.json", "r.xml", "r.md", "code-quality.json"] {
        command.args(["--report", report]);
    }
    command.args(["--history", "history.jsonl"]).envs(variables.iter().copied());
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let mut all =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut files = 0;
    for entry in folder.read_dir().unwrap() {
        all.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert_eq!(files, 6, "{all}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_contains_credentials_that_a_service_returns() {
    let service = Service::start().await;
    service.set(Change::ReturnsCredentials);
    let host = service.url.strip_prefix("http://").unwrap();
    let with_password = format!("http://ann:pa%24%24word@{host}");
    let key = ("SESSIONS_HEADERS_X_API_KEY", "k3y-xyz");
    let token = ("SESSIONS_CREDENTIAL_TOKEN", "s3cret.t0ken");
    for (name, url, variables) in [
        // `YW5uOnBhJCR3b3Jk` is `ann:pa$$word`.
        ("url", &with_password, vec![key]),
        ("token", &service.url, vec![key, token]),
    ] {
        let all = outputs(name, &[url], &variables).await;
        assert!(all.contains("<secret>") && all.contains("r.xml"), "{name}: {all}");
        for secret in ["pa$$word", "pa%24%24word", "YW5uOnBhJCR3b3Jk", "s3cret", "k3y-xyz"] {
            let found = all.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "{name}: {secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_contains_credentials_that_a_gateway_rejects() {
    let service = Service::start().await;
    let host = service.url.strip_prefix("http://").unwrap();
    let with_password = format!("http://ann:pa%24%24word@{host}");
    for status in [401, 403, 502, 503] {
        service.set(Change::Rejects(status));
        let variables = [("SESSIONS_HEADERS_X_API_KEY", "k3y-xyz")];
        let all = outputs("rejected", &[&with_password], &variables).await;
        assert!(all.contains("NOT RUN") && all.contains("<secret>"), "{status}: {all}");
        for secret in ["pa$$word", "pa%24%24word", "YW5uOnBhJCR3b3Jk", "k3y-xyz"] {
            let found = all.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "{status}: {secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_that_contain_credentials_can_be_accepted() {
    let service = Service::start().await;
    service.set(Change::ReturnsCredentials);
    let variables = [("SESSIONS_HEADERS_X_API_KEY", "k3y-xyz")];
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secrets-accepted.yaml");
    let _ = fs::remove_file(&file);
    let deviations = ["--fail-on", "harmless", "--deviations", file.to_str().unwrap()];
    let first = [&[&*service.url, "--accept", "--reason", "Known."][..], &deviations].concat();
    let all = outputs("accepting", &first, &variables).await;
    assert!(all.contains("accepted "), "{all}");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("<secret>") && !written.contains("k3y-xyz"), "{written}");
    let again = [&[&*service.url][..], &deviations].concat();
    let all = outputs("accepted", &again, &variables).await;
    assert!(all.contains("PASS: "), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_contains_credentials_for_an_unreachable_service() {
    let arguments = ["http://ann:pa%24%24word@127.0.0.1:1"];
    let all = outputs("unreachable", &arguments, &[("SESSIONS_HEADERS_X_API_KEY", "k3y-xyz")]).await;
    assert!(all.contains("NOT RUN: http://127.0.0.1:1 cannot be tested"), "{all}");
    for secret in ["ann:", "pa%24", "pa$$", "k3y"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}
