//! Recordings of a check: replayed without a network, served as a mock, and read by other programs.

use serde_json::{Value, json};
use sessions_client::ClientConfig;
use sessions_client::http::{HeaderName, HeaderValue};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::cassette::{MockService, Recorded, replay};
use snapshots::check::{CheckOptions, CheckReport, check};
use snapshots::comparison::Level;
use std::path::{Path, PathBuf};
use std::{env, fs};
use tokio::sync::OnceCell;

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cassettes");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn findings(report: &CheckReport) -> Vec<String> {
    let findings = report.findings();
    findings
        .map(|(case, finding)| format!("{} {}: {}", finding.level, case.name, finding.difference))
        .collect()
}

fn options(record: Option<PathBuf>) -> CheckOptions {
    CheckOptions { fail_on: Level::Harmless, may_close_expired: true, record, ..CheckOptions::default() }
}

fn config(url: &str) -> ClientConfig {
    ClientConfig::from_url(url).unwrap()
}

/// Returns a recorded check of the embedded service.
async fn recorded() -> &'static Path {
    static RECORDED: OnceCell<PathBuf> = OnceCell::const_new();
    RECORDED.get_or_init(record).await
}

async fn record() -> PathBuf {
    let file = file("embedded.har");
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let url = service.url().replace("//", "//ann:s3cret-password@");
    let config =
        config(&url).with_header(HeaderName::from_static("x-team"), HeaderValue::from_static("team-key"));
    let report = check(&config, &options(Some(file.clone()))).await.unwrap();
    assert_eq!(findings(&report), [] as [&str; 0]);
    assert!(report.passes(), "{report:?}");
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_check_has_the_same_result_without_the_service() {
    let file = recorded().await;
    let report = replay(file, &options(None)).await.unwrap();
    assert_eq!(findings(&report), [] as [&str; 0]);
    assert!(report.passes(), "{report:?}");
    let content = fs::read_to_string(file).unwrap();
    for secret in ["s3cret", "team-key", "ann:"] {
        assert!(!content.contains(secret), "the recording contains {secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_with_a_byte_order_mark_is_replayed() {
    let content = fs::read(recorded().await).unwrap();
    let file = file("marked.har");
    fs::write(&file, [b"\xef\xbb\xbf", &*content].concat()).unwrap();
    let report = replay(&file, &options(None)).await.unwrap();
    assert!(report.passes(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_was_killed_is_replayed_as_far_as_it_came() {
    let mut har: Value = serde_json::from_str(&fs::read_to_string(recorded().await).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array_mut().unwrap();
    entries.truncate(entries.len() / 2);
    har["log"].as_object_mut().unwrap().remove("_end").unwrap();
    let part = file("stopped.har");
    fs::write(&part, har.to_string()).unwrap();
    let report = replay(&part, &options(None)).await.unwrap();
    assert_eq!(report.aborted.as_deref(), Some("the recording ends before its check did"));
    assert_eq!((findings(&report), &*report.left_behind), (Vec::new(), &[] as &[String]));
    assert!(!report.passes());

    let cases = har["log"]["_run"]["cases"].as_array_mut().unwrap();
    cases.retain(|case| case == "close_session__again");
    let entries = fs::read_to_string(recorded().await).unwrap();
    har["log"]["_end"] = json!({"cases": ["close_session__again"]});
    har["log"]["entries"] = serde_json::from_str::<Value>(&entries).unwrap()["log"]["entries"].take();
    fs::write(&part, har.to_string()).unwrap();
    let report = replay(&part, &options(None)).await.unwrap();
    assert!(report.passes() && report.unselected > 50, "{report:?}");
    assert_eq!(report.cases.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mock_satisfies_the_contract_that_was_recorded() {
    let recorded = Recorded::read(recorded().await).unwrap();
    let mock = MockService::start("127.0.0.1:0", recorded).await.unwrap();
    // The second check begins at the start of the recording.
    for _ in 0..2 {
        let report = check(&config(&mock.url()), &options(None)).await.unwrap();
        assert_eq!(findings(&report), [] as [&str; 0]);
        assert!(report.passes(), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mock_serves_other_clients_and_names_the_nearest_request() {
    let recorded = Recorded::read(recorded().await).unwrap();
    let mock = MockService::start("127.0.0.1:0", recorded).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |operation: &str, body: Value| {
        let url = format!("{}/v1/sessions/{operation}?correlation_id=1", mock.url());
        let json = client.post(url).header("content-type", "application/json").body(body.to_string());
        let response = json.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice::<Value>(&response.bytes().await.unwrap()).unwrap_or_default())
    };
    let (status, opened) = post("open_session", json!({"user_id": "ann \"1\""})).await;
    assert_eq!((status, &opened["user_id"]), (200, &json!("ann \"1\"")));
    let (status, error) = post("close_session", json!({"session_id": "unknown to all"})).await;
    assert_eq!((status, &error["code"]), (501, &json!("NOT_RECORDED")));
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("POST /v1/sessions/close_session was not recorded: the nearest"),
        "{message}"
    );
    assert!(message.ends_with(", with another `session_id`"), "{message}");
}

/// The keys that the specification of HAR 1.2 requires, by the object that has them.
const REQUIRED: [(&str, &[&str]); 9] = [
    ("/log", &["version", "creator", "entries"]),
    ("/log/creator", &["name", "version"]),
    ("", &["startedDateTime", "time", "request", "response", "cache", "timings"]),
    (
        "/request",
        &["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"],
    ),
    ("/request/postData", &["mimeType", "text"]),
    (
        "/response",
        &[
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
            "bodySize",
        ],
    ),
    ("/response/content", &["size", "mimeType"]),
    ("/response/headers/0", &["name", "value"]),
    ("/timings", &["send", "wait", "receive"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_has_all_keys_that_har_requires() {
    let har: Value = serde_json::from_str(&fs::read_to_string(recorded().await).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert!(entries.len() > 500, "{}", entries.len());
    for value in entries.iter().chain([&har]) {
        for (pointer, keys) in REQUIRED {
            let Some(object) = value.pointer(pointer).filter(|_| value != &har || !pointer.is_empty()) else {
                continue;
            };
            for key in keys {
                assert!(object.get(key).is_some(), "{pointer} has no key {key}: {value}");
            }
        }
    }
    for entry in entries {
        assert!(entry["request"]["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{entry}");
        chrono::DateTime::parse_from_rfc3339(entry["startedDateTime"].as_str().unwrap()).unwrap();
        assert!(entry["time"].as_f64().unwrap() > 0.0, "{entry}");
    }
}

/// Returns the error of a recording with this content.
async fn error(name: &str, content: &[u8]) -> String {
    let file = file(name);
    fs::write(&file, content).unwrap();
    let error = replay(&file, &options(None)).await.unwrap_err().to_string();
    let error = error.strip_prefix(&file.display().to_string()).expect("the error begins with the file");
    error.trim_start_matches(": ").to_owned()
}

#[tokio::test]
async fn a_file_that_is_not_a_recording_is_named_with_its_fault() {
    let whole = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 204}}]}}"#;
    let cut = &whole[..60];
    let one = |request: &str, response: &str| {
        format!(r#"{{"log": {{"entries": [{{"request": {{{request}}}, "response": {{{response}}}}}]}}}}"#)
    };
    let get = r#""method": "GET", "url": "http://a/""#;
    let cases = [
        ("", "the recording is truncated at line 1"),
        (cut, "the recording is truncated at line 1"),
        ("<html>", "the recording is not valid JSON at line 1"),
        ("{}", "the recording is not a HAR file: `.` has no key `log` (line 1)"),
        (
            r#"{"log": {"entries": 7}}"#,
            "the recording is not a HAR file: `log.entries` has another type (line 1)",
        ),
        (r#"{"log": {"entries": []}}"#, "the recording has no requests over HTTP"),
        (&format!("{whole} 1"), "the recording has more after its end, at line 1"),
        (
            &one(r#""method": "GET""#, ""),
            "the recording is not a HAR file: `log.entries[0].request` has no key `url` (line 1)",
        ),
        (&one(get, r#""status": 2000"#), "the recording has an invalid status in `log.entries[0]`"),
        (
            &one(get, r#""status": 200, "headers": [{"name": "a b", "value": ""}]"#),
            "the recording has an invalid response header in `log.entries[0]`",
        ),
        (
            &one(get, r#""status": 200, "content": {"text": "%", "encoding": "base64"}"#),
            "the recording has an invalid response body in `log.entries[0]`",
        ),
        (
            whole,
            " was not recorded by `contract check --record`, so it has no cases to compare: use `contract mock` to \
             serve it",
        ),
    ];
    for (index, (content, expected)) in cases.into_iter().enumerate() {
        assert_eq!(error(&format!("invalid-{index}.har"), content.as_bytes()).await, expected, "{content}");
    }
    let missing = replay(&file("missing.har"), &options(None)).await.unwrap_err();
    assert!(missing.to_string().contains("missing.har cannot be read: "), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_response_in_a_recording_is_found() {
    let content = fs::read_to_string(recorded().await).unwrap();
    let file = file("changed.har");
    fs::write(&file, content.replace(r#"\"active\":true"#, r#"\"alive\":true"#)).unwrap();
    let report = replay(&file, &options(None)).await.unwrap();
    assert!(!report.passes());
    let findings = findings(&report);
    assert!(
        findings.iter().any(|finding| finding.starts_with("breaking") && finding.contains("`active`")),
        "{findings:?}"
    );
}
