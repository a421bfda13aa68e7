//! Tests of this target itself, as a process.

use libtest_mimic::{Failed, Trial};
use sessions_service::{EmbeddedService, SessionStore};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::{env, thread};

/// Returns the tests.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("harness::an_invalid_setting_is_named_before_anything_is_sent", invalid_setting),
        Trial::test("harness::without_a_service_its_tests_are_ignored_with_a_reason", without_service),
        Trial::test("harness::only_the_selected_cases_are_sent", selected_cases),
        Trial::test("harness::a_case_with_a_difference_fails_with_its_level", different_case),
        Trial::test("harness::what_insta_passes_by_force_is_reported", forced_case),
    ]
}

/// Runs this program with these arguments and variables.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(Output, String, String), Failed> {
    let mut command = Command::new(env::current_exe()?);
    for variable in ["URL", "CONFIG", "DEVIATIONS", "ACCEPT_SNAPSHOTS", "CLOSE_EXPIRED", "FAIL_ON", "WAIT"] {
        command.env_remove(format!("SESSIONS_{variable}"));
    }
    command.args(arguments).env_remove("INSTA_FORCE_PASS").env("NO_PROXY", "127.0.0.1");
    let output = command.env("INSTA_UPDATE", "no").envs(variables.iter().copied()).output()?;
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok((output, stdout, stderr))
}

fn expect(is_so: bool, output: &str) -> Result<(), Failed> {
    if is_so { Ok(()) } else { Err(output.to_owned().into()) }
}

fn invalid_setting() -> Result<(), Failed> {
    let url = "http://127.0.0.1:9";
    let settings = [
        (
            url,
            "SESSIONS_DEVIATIONS",
            "odl",
            "odl is not a file with deviations: `odl` is not a known implementation: did you mean `old`?",
        ),
        (
            url,
            "SESSIONS_ACCEPT_SNAPSHOTS",
            "true",
            "SESSIONS_ACCEPT_SNAPSHOTS must be `yes` or `no`, not \"true\"",
        ),
        (url, "SESSIONS_CLOSE_EXPIRED", "true", "SESSIONS_CLOSE_EXPIRED must be `yes` or `no`, not \"true\""),
        (url, "SESSIONS_FAIL_ON", "warning", "SESSIONS_FAIL_ON must be a level, not \"warning\""),
        ("staging", "SESSIONS_WAIT", "", "`connection.uri` (SESSIONS_URL) has no scheme: "),
        (url, "SESSIONS_OPTIONS_TIMEOUT", "soon", "`options.timeout` (SESSIONS_OPTIONS_TIMEOUT) must be"),
        (url, "SESSIONS_CONFIG", "nowhere.yaml", "the configuration file nowhere.yaml cannot be read"),
        (url, "SESSIONS_WAIT", "long", "SESSIONS_WAIT must be a time such as `60s`, not \"long\""),
    ];
    for (url, name, value, why) in settings {
        let (output, _, stderr) = run(&["live::"], &[("SESSIONS_URL", url), (name, value)])?;
        expect(!output.status.success() && stderr.contains(why), &stderr)?;
        expect(!stderr.contains("contract test of the service"), &stderr)?;
    }
    Ok(())
}

fn without_service() -> Result<(), Failed> {
    let (output, stdout, _) = run(&["live::open_session::only_user_id"], &[])?;
    let line = "test [needs SESSIONS_URL] live::open_session::only_user_id ... ignored";
    expect(output.status.success() && stdout.contains(line), &stdout)?;
    expect(stdout.contains("0 passed; 0 failed; 1 ignored"), &stdout)
}

fn selected_cases() -> Result<(), Failed> {
    let (url, _service) = service()?;
    let (output, stdout, stderr) = run(&["live::get_sessions::e"], &[("SESSIONS_URL", &url)])?;
    expect(output.status.success() && stdout.contains("1 passed; 0 failed; 0 ignored"), &stdout)?;
    expect(stderr.contains(": 1 case opens up to 0 sessions"), &stderr)
}

/// The case in which the service that [`renaming`] changes differs.
const CASE: &str = "live::open_session::only_user_id";

fn different_case() -> Result<(), Failed> {
    let (url, _service) = service()?;
    let settings = [("SESSIONS_URL", &*renaming(&url)?), ("SESSIONS_FAIL_ON", "uncertain")];
    let (output, stdout, stderr) = run(&[CASE], &settings)?;
    expect(!output.status.success() && stdout.contains("0 passed; 1 failed"), &stdout)?;
    let finding = "uncertain: open_session__only_user_id: Only the user id: `user_name`: was null, is absent";
    expect(stdout.contains(finding), &stdout)?;
    expect(stderr.contains("live: 1 snapshots differ"), &stderr)
}

fn forced_case() -> Result<(), Failed> {
    let (url, _service) = service()?;
    let url = renaming(&url)?;
    let forced = [
        ("SESSIONS_URL", &*url),
        ("SESSIONS_FAIL_ON", "uncertain"),
        ("INSTA_FORCE_PASS", "1"),
        ("SESSIONS_ACCEPT_SNAPSHOTS", "yes"),
    ];
    let (output, stdout, stderr) = run(&[CASE], &forced)?;
    expect(output.status.success() && stdout.contains("0 passed; 0 failed; 1 ignored"), &stdout)?;
    expect(stdout.contains("differences: cargo insta reports them"), &stdout)?;
    expect(stderr.contains("uncertain: open_session__only_user_id: "), &stderr)?;
    // Unless the user asks for it, insta has no say in the result of a live service.
    let (output, stdout, _) = run(&[CASE], &forced[..3])?;
    expect(!output.status.success() && stdout.contains("0 passed; 1 failed"), &stdout)
}

/// Starts a proxy that renames a key in responses, for the rest of the process. Returns its address.
fn renaming(url: &str) -> Result<String, Failed> {
    let upstream = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(service) = TcpStream::connect(&upstream) else { return };
            let (Ok(from_client), Ok(to_service)) = (client.try_clone(), service.try_clone()) else { return };
            thread::spawn(move || io::copy(&mut &from_client, &mut &to_service));
            thread::spawn(move || rename(service, client));
        }
    });
    Ok(address)
}

/// Passes responses on. Both keys have the same length, so that the length of the body is right.
fn rename(mut service: TcpStream, mut client: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = service.read(&mut buffer)?;
        if count == 0 {
            return client.shutdown(Shutdown::Write);
        }
        let response = &mut buffer[..count];
        while let Some(at) = response.windows(11).position(|key| key == b"\"user_name\"") {
            response[at..at + 11].copy_from_slice(b"\"user_nick\"");
        }
        client.write_all(response)?;
    }
}

/// Starts the embedded service, which stops when the second value is dropped. Returns its address.
fn service() -> Result<(String, mpsc::Sender<()>), Failed> {
    let (started, url) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let Ok(runtime) = runtime else { return };
        let service = runtime.block_on(EmbeddedService::start("127.0.0.1:0", SessionStore::new()));
        let Ok(service) = service else { return };
        let _ = started.send(service.url());
        // Ends with an error when the test drops the sender.
        let _ = stopped.recv();
    });
    Ok((url.recv()?, stop))
}
