//! The program in front of gateways: configuration, secrets, and services that do not respond.

use loadtest_gateway::Gateway;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[path = "faulty/gateway.rs"]
mod loadtest_gateway;

const SECRET: &str = "s3cret-9f2c";

/// The time that a program on a busy machine may take in addition to its limits.
const SLOW_MACHINE: Duration = Duration::from_secs(20);

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("staging").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn loadtest(folder: &PathBuf, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(args).current_dir(folder).env("NO_PROXY", "127.0.0.1");
    for variable in ["LOADTEST_ALLOWED_HOSTS", "SESSIONS_URL", "SESSIONS_CONFIG"] {
        command.env_remove(variable);
    }
    command
}

fn outputs(output: &Output) -> (String, String) {
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (string(&output.stdout), string(&output.stderr))
}

#[track_caller]
fn exits(command: &mut Command, code: i32) -> (String, String) {
    let output = command.output().unwrap();
    let (stdout, stderr) = outputs(&output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

const SHORT: [&str; 4] = ["--iterations", "2", "--users", "2"];

#[test]
fn a_gateway_with_an_api_key_lets_the_load_through() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("key");
    fs::write(folder.join("key"), format!("{SECRET}\n")).unwrap();
    fs::write(
        folder.join("staging.yaml"),
        format!("connection: {{uri: {}}}\nheaders: {{x-api-key: '${{file:key}}'}}\n", gateway.url()),
    )
    .unwrap();
    let ways: [&[&str]; 4] = [
        &["--config", "staging.yaml"],
        &["--host", &gateway.url(), "--header", "X-Api-Key: ${KEY}"],
        &["--host", &gateway.url(), "--header", "x-api-key:${command:cat key}"],
        &["--host", &gateway.url(), "--header", "x-api-key: ${file:key}"],
    ];
    for way in ways {
        exits(loadtest(&folder, &[way, &SHORT].concat()).env("KEY", SECRET), 0);
    }
    let variables = [("SESSIONS_URL", gateway.url()), ("SESSIONS_HEADERS_X_API_KEY", SECRET.to_owned())];
    let json = ["--report-file", "run.json"];
    exits(loadtest(&folder, &[&SHORT[..], &json].concat()).envs(variables), 0);
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
    let command = report["cleanup_command"].as_str().unwrap();
    let expected = format!(" --host {} # with SESSIONS_HEADERS_X_API_KEY", gateway.url());
    assert!(command.ends_with(&expected) && !command.contains(SECRET), "{command}");
    let args = ["cleanup", "--test-run-id", "x", "--config", "staging.yaml"];
    let (stdout, _) = exits(&mut loadtest(&folder, &args), 1);
    assert!(stdout.contains("no session of the test run was found"), "{stdout}");
}

#[test]
fn a_bearer_token_comes_from_a_file_a_command_or_a_reference() {
    let gateway = Gateway::start("authorization", "Bearer s3cret-9f2c");
    let folder = folder("token");
    fs::write(folder.join("token"), format!("{SECRET}\n")).unwrap();
    for way in [
        ["--token-file", "token"],
        ["--token-command", "cat token"],
        ["--token", "${TOKEN}"],
        ["--header", "authorization: Bearer ${TOKEN}"],
    ] {
        let url = gateway.url();
        let host = ["--host", &url];
        exits(loadtest(&folder, &[&host[..], &way, &SHORT].concat()).env("TOKEN", SECRET), 0);
        let doctor = [&["doctor"], &host[..], &way].concat();
        let (stdout, stderr) = exits(loadtest(&folder, &doctor).env("TOKEN", SECRET), 0);
        assert!(stdout.contains("status: service-sessions responds"), "{stdout}");
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{stdout}{stderr}");
    }
    let (_, stderr) = exits(&mut loadtest(&folder, &["--host", &gateway.url(), "--token", SECRET]), 3);
    assert!(stderr.contains("use --token-file") && !stderr.contains(SECRET), "{stderr}");
}

#[test]
fn doctor_says_which_step_fails() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("doctor");
    let url = gateway.url();
    for (args, step) in [
        (&["--host", &url][..], "status: failed: "),
        (&["--host", &url, "--token-command", "exit 7"], "token: failed: "),
        (&["--host", "http://127.0.0.1:1"], "connection: failed: "),
        (&["--host", "http://no-such-name.invalid", "--proxy", "none"], "name: failed: "),
        (&["--host", "https://127.0.0.1:1", "--cacert", "nowhere.pem"], "nowhere.pem"),
    ] {
        let output = loadtest(&folder, &[&["doctor"], args].concat()).output().unwrap();
        let (stdout, stderr) = outputs(&output);
        assert_eq!(output.status.code(), Some(3), "{stdout}{stderr}");
        let last = stdout.lines().last().or(stderr.lines().last()).unwrap();
        assert!(last.contains(step), "{args:?}: {stdout}{stderr}");
    }
    let (_, stderr) = exits(&mut loadtest(&folder, &["doctor"]), 3);
    assert!(stderr.contains("--host is missing"), "{stderr}");
}

#[test]
fn doctor_and_cleanup_take_the_connection_from_settings() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("settings");
    let key = "headers: {x-api-key: '${KEY}'}\n";
    fs::write(folder.join("key.yaml"), key).unwrap();
    fs::write(folder.join("all.yaml"), format!("connection: {{uri: {}}}\n{key}", gateway.url())).unwrap();
    let cleanup = ["cleanup", "--test-run-id", "abc", "--dry-run"];
    let url = gateway.url();
    let ways: [&[(&str, &str)]; 2] =
        [&[("LOADTEST_CONFIG", "all.yaml")], &[("LOADTEST_CONFIG", "key.yaml"), ("LOADTEST_HOST", &url)]];
    for way in ways {
        let command = |args: &[&str]| {
            let mut command = loadtest(&folder, args);
            command.env("KEY", SECRET).envs(way.iter().copied());
            command
        };
        let (stdout, _) = exits(&mut command(&["doctor"]), 0);
        assert!(stdout.starts_with(&format!("service: {url}\n")), "{stdout}");
        for args in [&["doctor"][..], &cleanup] {
            let (stdout, _) = exits(command(args).arg("--print-config"), 0);
            let (_, line) = stdout.split_once(&format!("connection.uri = {url} (")).unwrap();
            assert!(line.starts_with("all.yaml)") || line.starts_with("LOADTEST_HOST)"), "{stdout}");
        }
        let (stdout, _) = exits(&mut command(&cleanup), 1);
        assert!(stdout.contains("no session of the test run was found"), "{stdout}");
    }
}

#[test]
fn doctor_and_cleanup_print_no_embedded_service_without_an_address() {
    let folder = folder("missing-address");
    for args in [&["doctor"][..], &["cleanup", "--test-run-id", "x"]] {
        let (stdout, _) = exits(loadtest(&folder, args).arg("--print-config"), 3);
        let last = stdout.lines().last().unwrap();
        assert!(last.starts_with("Not valid: --host is missing; set it,"), "{stdout}");
        assert!(!stdout.contains("embedded"), "{stdout}");
    }
}

#[test]
fn a_missing_key_is_reported_with_the_remedy() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("missing");
    for args in
        [&["--host", &gateway.url()][..], &["cleanup", "--test-run-id", "x", "--host", &gateway.url()]]
    {
        let (_, stderr) = exits(&mut loadtest(&folder, args), 3);
        assert!(stderr.contains("refuses the credentials: ") && stderr.contains("401"), "{stderr}");
        assert!(stderr.contains("--header 'x-api-key: ${API_KEY}'"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_secret_is_in_no_output() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("secret");
    let address = gateway.url().replace("//", "//me:${KEY}@");
    let files = ["r.html", "r.md", "r.json", "r.xml"];
    let reports: Vec<&str> = files.iter().flat_map(|file| ["--report-file", file]).collect();
    let proxy = format!("http://me:{SECRET}@127.0.0.1:1");
    let base = ["--host", &address, "--header", "x-api-key: ${KEY}", "--proxy", &proxy];
    for (more, code) in [
        (&[&SHORT[..], &reports].concat()[..], 0),
        (&["--dry-run"], 0),
        (&["--print-config"], 0),
        (&["--header", "x-tenant: ${MISSING}"], 3),
        (&["--header", SECRET], 3),
        (&["--header", "x-other: s3cret-9f2c\r\nevil"], 3),
        (&["--host", "http://me:s3cret-9f2c@127.0.0.1:1"], 3),
        (&["--host", "ftp://me:s3cret-9f2c@127.0.0.1:1"], 3),
    ] {
        let mut command = loadtest(&folder, &[&base[..], more].concat());
        // The proxy does not exist.
        command.env("KEY", SECRET).env("RUST_LOG", "trace").env("SESSIONS_PROXY_NO_PROXY", "127.0.0.1");
        let (stdout, stderr) = exits(&mut command, code);
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{more:?}\n{stdout}\n{stderr}");
    }
    for file in files {
        let report = fs::read_to_string(folder.join(file)).unwrap();
        assert!(report.contains("127.0.0.1") && !report.contains(SECRET), "{file}: {report}");
    }
}

#[test]
fn options_replace_variables_and_variables_replace_the_file() {
    let folder = folder("precedence");
    let yaml =
        "connection: {uri: http://file}\nheaders: {a: file, b: file, c: file}\noptions: {deadline: 9000}\n";
    fs::write(folder.join("staging.yaml"), yaml).unwrap();
    let args = ["--config", "staging.yaml", "--header", "c: flag", "--host", "http://flag", "--print-config"];
    let mut command = loadtest(&folder, &args);
    command.envs([
        ("SESSIONS_HEADERS_B", "b"),
        ("SESSIONS_HEADERS_C", "c"),
        ("SESSIONS_URL", "http://variable"),
    ]);
    let (stdout, _) = exits(&mut command, 0);
    for line in [
        "connection.uri = http://flag (--host)",
        "headers.a = *** (staging.yaml)",
        "headers.b = *** (SESSIONS_HEADERS_B)",
        "headers.c = *** (--header)",
        "options.deadline = 9000 (staging.yaml)",
        "options.timeout = 10000 (default)",
        "options.retries = 0 (program)",
        "options.spread_addresses = true (program)",
    ] {
        assert!(stdout.lines().any(|shown| shown == line), "{line}\n{stdout}");
    }
}

#[test]
fn settings_are_printed_although_they_are_invalid() {
    let args = ["--host", "http://h", "--header", "x: ${MISSING}", "--print-config"];
    let (stdout, _) = exits(&mut loadtest(&folder("invalid"), &args), 3);
    let expected = "Not valid: `headers.x` (--header) refers to `${MISSING}`, which is not set";
    assert!(stdout.contains("headers.x = ${MISSING} (--header)\n") && stdout.contains(expected), "{stdout}");
}

#[test]
fn invalid_settings_without_an_address_are_reported() {
    let folder = folder("invalid-embedded");
    let (stdout, _) =
        exits(loadtest(&folder, &["--print-config"]).env("SESSIONS_OPTIONS_TIMEOUT", "soon"), 3);
    assert!(stdout.contains("Not valid: `options.timeout` (SESSIONS_OPTIONS_TIMEOUT) must be"), "{stdout}");
    let (stdout, _) = exits(&mut loadtest(&folder, &["--print-config", "--header", "x: y"]), 3);
    assert!(stdout.contains("Not valid: headers.x (--header) describes the connection"), "{stdout}");
    let (stdout, _) = exits(&mut loadtest(&folder, &["--print-config", "--timeout", "3"]), 0);
    assert!(stdout.contains("an embedded service is loaded"), "{stdout}");
}

#[test]
fn a_description_without_an_address_does_not_load_the_embedded_service() {
    let folder = folder("no-address");
    fs::write(folder.join("staging.yaml"), "options: {timeout: 5000}\n").unwrap();
    let remedy = "set --host, SESSIONS_URL, or connection.uri in the file of --config";
    for args in [
        ["--config", "staging.yaml"],
        ["--header", "x: y"],
        ["--cacert", "ca.pem"],
        ["--token-file", "token"],
        ["--proxy", "none"],
        ["--resolve", "h:80:10.0.0.1"],
    ] {
        let (_, stderr) = exits(&mut loadtest(&folder, &[&args[..], &SHORT].concat()), 3);
        assert!(stderr.contains("no address") && stderr.contains(remedy), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_host_that_is_not_this_machine_needs_yes_whatever_else_is_wrong() {
    let folder = folder("yes");
    // Nothing is sent there: the name does not exist.
    let ways: [&[&str]; 4] = [
        &["--host", "https://staging.invalid", "--insecure", "--proxy", "none"],
        &["--host", "https://localhost@staging.invalid/@localhost", "--insecure", "--proxy", "none"],
        &["--host", "http://staging.invalid", "--proxy", "none"],
        &["--host", "http://STAGING.invalid.", "--proxy", "none"],
    ];
    for way in ways {
        for args in [&[way, &SHORT].concat()[..], &[&["cleanup", "--test-run-id", "x"], way].concat()] {
            let mut command = loadtest(&folder, args);
            command.envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")]);
            command.envs([("HTTPS_PROXY", "no\tproxy"), ("HTTP_PROXY", "no\tproxy")]);
            let (_, stderr) = exits(&mut command, 3);
            assert!(stderr.contains("is not this machine: add --yes"), "{args:?}: {stderr}");
        }
    }
}

#[test]
fn an_option_keeps_the_connect_limit_of_a_file_or_variable() {
    let args = ["--host", "http://h", "--timeout", "30", "--print-config"];
    let folder = folder("connect-limit");
    let (stdout, _) = exits(&mut loadtest(&folder, &args), 0);
    assert!(stdout.contains("options.connect_timeout = 30000 (--timeout)\n"), "{stdout}");
    let variable = ("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "700");
    let (stdout, _) = exits(loadtest(&folder, &args).envs([variable]), 0);
    assert!(
        stdout.contains("options.connect_timeout = 700 (SESSIONS_OPTIONS_CONNECT_TIMEOUT)\n"),
        "{stdout}"
    );
    assert!(stdout.contains("options.timeout = 30000 (--timeout)\n"), "{stdout}");
}

#[test]
fn credentials_are_warned_of_on_the_command_line_only() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("literals");
    for (password, is_literal) in [(SECRET, true), ("${KEY}", false)] {
        let host = gateway.url().replace("//", &format!("//me:{password}@"));
        let args = ["doctor", "--host", &host, "--header", "x-api-key: ${KEY}"];
        let (_, stderr) = exits(loadtest(&folder, &args).env("KEY", SECRET), 0);
        assert_eq!(stderr.contains("can read the credentials in --host"), is_literal, "{stderr}");

        let args = ["doctor", "--header", "x-api-key: ${KEY}"];
        let mut in_variable = loadtest(&folder, &args);
        let (_, stderr) = exits(in_variable.env("KEY", SECRET).env("LOADTEST_HOST", &host), 0);
        assert!(!stderr.contains("can read the credentials"), "{stderr}");
        assert!(!stderr.contains(SECRET), "{stderr}");
    }
}

#[test]
fn the_help_of_doctor_has_no_option_that_always_fails() {
    let (stdout, _) = exits(&mut loadtest(&folder("help"), &["doctor", "--help"]), 0);
    assert!(!stdout.contains("--wait") && stdout.contains("--config"), "{stdout}");
    let words: Vec<&str> = stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("the exit code is 3 if none works"), "{stdout}");
}

/// Each key that may be a secret, with a value that has the place `{}` for it.
const SECRET_KEYS: [(&str, &str); 9] = [
    ("headers.x-tenant", "a{}"),
    ("headers.authorization", "Basic {}"),
    ("credential.password", "{}"),
    ("credential.token", "{}"),
    ("credential.token_command", "echo {}"),
    ("credential.client_secret", "{}"),
    ("credential.token_url", "http://me:{}@127.0.0.1:1/token"),
    ("connection.uri", "http://me:{}@127.0.0.1"),
    ("proxy.url", "http://me:{}@127.0.0.1:1"),
];

#[test]
fn no_kind_of_reference_in_any_key_shows_its_secret() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let folder = folder("references");
    fs::write(folder.join("key"), SECRET).unwrap();
    let port = gateway.url().rsplit_once(':').unwrap().1.to_owned();
    for reference in ["${KEY}", "${file:key}", "${command:cat key}", SECRET] {
        for (key, value) in SECRET_KEYS {
            let value = value.replace("{}", reference);
            let value = if key == "connection.uri" { format!("{value}:{port}") } else { value };
            let mut lines = vec![format!("{key}: '{value}'"), format!("headers.x-api-key: '{reference}'")];
            match key {
                "credential.password" => lines.push("credential.username: me".to_owned()),
                "credential.client_secret" => lines.extend(
                    ["credential.client_id: me", "credential.token_url: 'http://127.0.0.1:1'"]
                        .map(str::to_owned),
                ),
                "credential.token_url" => {
                    lines.extend(
                        ["credential.client_id: me", "credential.client_secret: x"].map(str::to_owned),
                    );
                }
                "proxy.url" => lines.push("proxy.no_proxy: 127.0.0.1".to_owned()),
                _ => {}
            }
            if key != "connection.uri" {
                lines.push(format!("connection.uri: '{}'", gateway.url()));
            }
            fs::write(folder.join("staging.yaml"), lines.join("\n")).unwrap();
            for more in [
                &["--config", "staging.yaml", "--print-config"][..],
                &["--config", "staging.yaml", "--dry-run"],
                &["doctor", "--config", "staging.yaml"],
                &["--config", "staging.yaml", "--users", "1", "--iterations", "1", "--report-file", "r.json"],
            ] {
                let _ = fs::remove_file(folder.join("r.json"));
                let output = loadtest(&folder, more).env("KEY", SECRET).output().unwrap();
                let (stdout, stderr) = outputs(&output);
                let report = fs::read_to_string(folder.join("r.json")).unwrap_or_default();
                let all = format!("{stdout}{stderr}{report}");
                assert!(!all.contains(SECRET), "{key} {reference} {more:?}\n{all}");
                assert!(!all.contains("panicked"), "{all}");
                assert!(!all.is_empty());
            }
        }
    }
}

#[test]
fn a_silent_service_ends_the_program_within_the_connect_limit() {
    // Accepts connections in its backlog.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for args in [&["--host", &url][..], &["cleanup", "--test-run-id", "x", "--host", &url]] {
        let started = Instant::now();
        let mut command = loadtest(&folder("silent"), args);
        command.env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "300").env("SESSIONS_OPTIONS_TIMEOUT", "60000");
        let (_, stderr) = exits(&mut command, 3);
        assert!(started.elapsed() < SLOW_MACHINE, "{:?}", started.elapsed());
        assert!(stderr.contains("does not respond"), "{stderr}");
    }
}

/// Starts the program with the address of a silent server in place of `URL`, and sends SIGTERM when it has connected.
/// Returns its first line on standard error.
#[cfg(unix)]
fn stopped_when_connected(args: &[&str]) -> String {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let args: Vec<_> = args.iter().map(|arg| if *arg == "URL" { &*url } else { arg }).collect();
    let mut child = loadtest(&folder("signal"), &args)
        .env("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "3600000")
        .env("SESSIONS_OPTIONS_TIMEOUT", "3600000")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _connection = silent.accept().unwrap();
    let started = Instant::now();
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = stderr.next().map_or_else(String::new, Result::unwrap);
    assert_eq!(child.wait().unwrap().code(), Some(4), "{args:?}: {line}");
    assert!(started.elapsed() < SLOW_MACHINE);
    line.replace(&url, "URL")
}

#[cfg(unix)]
#[test]
fn a_signal_before_the_first_session_ends_the_program_at_once() {
    let line = stopped_when_connected(&["--host", "URL", "--wait", "1h"]);
    assert_eq!(line, "loadtest: stopped by SIGTERM before the load");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait_of_a_worker_for_its_collector() {
    let worker = ["--execution-segment", "0/1", "--test-run-id", "x", "--collector", "URL"];
    let line = stopped_when_connected(&[&["--host", "http://127.0.0.1:9"][..], &worker].concat());
    assert_eq!(line, "loadtest: stopped by SIGTERM before the load");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_commands_that_make_no_load() {
    let line = stopped_when_connected(&["doctor", "--host", "URL"]);
    assert_eq!(line, "loadtest: stopped by SIGTERM");
    let line = stopped_when_connected(&["cleanup", "--test-run-id", "x", "--host", "URL"]);
    let again = "run the command again: loadtest cleanup --test-run-id x --host URL";
    assert!(line.starts_with(&format!("loadtest: stopped by SIGTERM; {again}")), "{line}");
}

#[test]
fn a_service_that_is_starting_is_waited_for() {
    let gateway = Gateway::start_after("x-api-key", SECRET, 2);
    let args = ["--host", &gateway.url(), "--header", "x-api-key: ${KEY}"];
    let folder = folder("wait");
    let waiting = [&args[..], &["--wait", "60s"], &SHORT].concat();
    exits(loadtest(&folder, &waiting).env("KEY", SECRET), 0);
    // Credentials do not become valid by waiting.
    let args = ["--host", &gateway.url(), "--wait", "1h"];
    let (_, stderr) = exits(&mut loadtest(&folder, &args), 3);
    assert!(stderr.contains("refuses the credentials"), "{stderr}");
}

/// Starts a service that closes connections, unless they begin with `start`; then it sends `bytes`.
fn start_service(start: &'static [u8], bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0; 1024];
            let length = stream.read(&mut first).unwrap_or(0);
            if first[..length].starts_with(start) {
                let _ = stream.write_all(bytes);
            }
        }
    });
    url
}

#[test]
fn a_service_of_another_protocol_is_named_without_waiting() {
    let http2 = start_service(b"PRI", b"\0\0\0\x04\0\0\0\0\0");
    let redis = start_service(b"PRI", b"-ERR unknown command 'PRI'\r\n");
    let folder = folder("protocol");
    for (url, problem, remedy) in [
        (&http2, "speaks only HTTP/2", "options.http_version: 2"),
        (&redis, "speaks Redis, not HTTP", "check the host and the port"),
    ] {
        let cleanup = ["cleanup", "--test-run-id", "x", "--host", url];
        for args in [&["--host", url, "--wait", "1h"][..], &cleanup] {
            let (_, stderr) = exits(&mut loadtest(&folder, args), 3);
            assert!(stderr.contains(problem) && stderr.contains(remedy), "{stderr}");
            assert!(stderr.contains("--http2 and --protocol"), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
        let (stdout, _) = exits(&mut loadtest(&folder, &["doctor", "--host", url]), 3);
        let last = stdout.lines().last().unwrap();
        assert!(last.starts_with("protocol: failed: ") && last.contains(problem), "{stdout}");
    }
}

#[test]
fn a_service_that_closes_connections_is_not_taken_for_another_protocol() {
    let url = start_service(b"never", b"");
    let folder = folder("closing");
    let (_, stderr) = exits(&mut loadtest(&folder, &["--host", &url]), 3);
    assert!(stderr.contains("does not respond") && stderr.contains("Start the service"), "{stderr}");
    assert!(!stderr.contains("HTTP/2"), "{stderr}");
    let (stdout, _) = exits(&mut loadtest(&folder, &["doctor", "--host", &url]), 3);
    assert!(stdout.contains("protocol: unknown: ") && stdout.contains("status: failed: "), "{stdout}");
}

#[test]
fn a_proxy_that_is_down_is_reported_with_its_setting() {
    let folder = folder("proxy-down");
    let host = ["--host", "http://staging.invalid", "--yes"];
    for (args, variable, setting) in [
        (&["--proxy", "http://127.0.0.1:1"][..], None, "`proxy.url`"),
        (&[], Some(("HTTP_PROXY", "http://127.0.0.1:1")), "HTTP_PROXY"),
        (&[], Some(("ALL_PROXY", "socks5h://127.0.0.1:1")), "ALL_PROXY"),
    ] {
        let mut command = loadtest(&folder, &[&host[..], args].concat());
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(variable);
        }
        let (_, stderr) = exits(command.envs(variable), 3);
        assert!(stderr.contains("cannot be reached through the proxy"), "{stderr}");
        assert!(stderr.contains(&format!("start it, or check its URL ({setting})")), "{stderr}");
        assert!(stderr.contains("--proxy none") && !stderr.contains("Start the service"), "{stderr}");
    }
}

#[test]
fn no_certificate_store_is_needed_without_tls() {
    let mut command = loadtest(&folder("store"), &SHORT);
    exits(command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent"), 0);
}

#[test]
fn a_service_without_tls_is_not_reported_as_insecure() {
    let gateway = Gateway::start("x-api-key", SECRET);
    let args = ["--host", &gateway.url(), "--header", "x-api-key: ${KEY}", "--insecure"];
    let files = ["--report-file", "r.md", "--report-file", "r.json"];
    let folder = folder("insecure");
    let (stdout, stderr) =
        exits(loadtest(&folder, &[&args[..], &SHORT, &files].concat()).env("KEY", SECRET), 0);
    let markdown = fs::read_to_string(folder.join("r.md")).unwrap();
    for output in [&stdout, &stderr, &markdown] {
        assert!(!output.contains("insecure") && !output.contains("not verified"), "{output}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("r.json")).unwrap()).unwrap();
    assert!(json["service"]["address"].is_string() && json["service"]["insecure"] != true, "{json}");
}

/// A description with the address of a URL in parts.
fn description_in_parts(url: &str) -> String {
    let (host, port) = url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    format!(
        "connection: {{protocol: http, host: {host}, port: {port}}}\nheaders: {{x-api-key: '${{KEY}}'}}\n"
    )
}

#[test]
fn the_description_to_compare_with_replaces_variables() {
    let [one, other] = [(); 2].map(|()| Gateway::start("x-api-key", SECRET));
    let folder = folder("against");
    fs::write(folder.join("other.yaml"), description_in_parts(&other.url())).unwrap();
    let compare = |args: &[&str]| {
        let mut command = loadtest(&folder, &[&["compare", "--against-config", "other.yaml"], args].concat());
        command.env("SESSIONS_URL", one.url()).env("SESSIONS_HEADERS_X_API_KEY", SECRET).env("KEY", SECRET);
        command
    };
    let (stdout, _) = exits(&mut compare(&["--dry-run"]), 0);
    assert!(stdout.starts_with(&format!("compared:  with {}", other.url())), "{stdout}");

    let args = ["--iterations", "1", "-u", "1", "--max-regression", "900%", "--report-file", "report.json"];
    compare(&args).env("LOADTEST_HOST", one.url()).output().unwrap();
    let report = fs::read_to_string(folder.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let command = report["against"]["cleanup_command"].as_str().unwrap();
    let unset =
        "env -u SESSIONS_URL -u SESSIONS_HEADERS_X_API_KEY -u LOADTEST_HOST loadtest cleanup --test-run-id ";
    assert!(command.starts_with(unset) && command.ends_with(" --config other.yaml"), "{command}");
}

#[test]
fn a_comparison_of_a_service_with_itself_warns() {
    let folder = folder("itself");
    let url = "http://127.0.0.1:9";
    fs::write(folder.join("same.yaml"), format!("connection: {{uri: '{url}/'}}\n")).unwrap();
    for args in [["--against", url], ["--against-config", "same.yaml"]] {
        let mut command = loadtest(&folder, &[&["compare", "--dry-run"], &args[..]].concat());
        command.env("SESSIONS_URL", url);
        let (_, stderr) = exits(&mut command, 0);
        assert!(stderr.contains(&format!("warning: both services are {url}: ")), "{stderr}");
    }
}
