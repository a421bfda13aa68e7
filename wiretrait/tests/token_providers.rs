//! The providers of tokens: files and commands.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[path = "support/manual_time.rs"]
mod manual_time;

use manual_time::ManualTime;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wiretrait::ErrorKind;
use wiretrait::auth::{CommandToken, FileToken, StaticToken, TokenProvider, Tokens};

const SECRET: &str = "zebra-s3cret";

/// A unique path in the temporary directory, which is removed at the end.
struct TemporaryPath(PathBuf);

impl TemporaryPath {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("wiretrait-token-{}-{number}", std::process::id())))
    }

    fn with(content: impl AsRef<[u8]>) -> Self {
        let path = Self::new();
        fs::write(&path.0, content).unwrap();
        path
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // It may not exist.
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the value of `Authorization`.
async fn fetched(provider: &impl TokenProvider) -> String {
    provider.fetch().await.unwrap().header().to_str().unwrap().to_owned()
}

/// Returns the message of the provider's error, which contains no secret.
async fn message(provider: &impl TokenProvider) -> String {
    let error = provider.fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn white_space_around_the_token_in_a_file_is_ignored() {
    for content in ["t0ken", "t0ken\n", " t0ken \r\n\r\n", "\u{feff}t0ken\n"] {
        let file = TemporaryPath::with(content);
        assert_eq!(fetched(&FileToken::new(&file.0)).await, "Bearer t0ken", "{content:?}");
    }
}

#[tokio::test]
async fn an_error_of_a_file_names_the_path_and_not_the_content() {
    let missing = TemporaryPath::new();
    let path = missing.0.display();
    assert_eq!(
        message(&FileToken::new(&missing.0)).await,
        format!("the token file `{path}` cannot be read: No such file or directory (os error 2)")
    );
    for (content, what) in [
        (Vec::new(), "is empty"),
        (b" \n\n".to_vec(), "is empty"),
        (format!("{SECRET}\n{SECRET}").into_bytes(), "must contain only a token, without spaces in it"),
        (format!("{SECRET} {SECRET}").into_bytes(), "must contain only a token, without spaces in it"),
        ([SECRET.as_bytes(), b"\xff"].concat(), "must contain only a token, without spaces in it"),
        (SECRET.repeat(10_000).into_bytes(), "is larger than 65536 bytes: it must contain only a token"),
    ] {
        let file = TemporaryPath::with(content);
        let path = file.0.display();
        assert_eq!(message(&FileToken::new(&file.0)).await, format!("the token file `{path}` {what}"));
    }
    let directory = std::env::temp_dir();
    assert!(message(&FileToken::new(&directory)).await.contains("cannot be read"));
}

#[tokio::test]
async fn a_changed_file_is_noticed_after_a_second() {
    let file = TemporaryPath::with("first");
    let time = ManualTime::new();
    let tokens = Tokens::with_time(FileToken::new(&file.0), time.clone());
    let token = async || tokens.get().await.unwrap().header().to_str().unwrap().to_owned();
    assert_eq!(token().await, "Bearer first");
    fs::write(&file.0, "second").unwrap();
    time.advance(Duration::from_millis(999));
    assert_eq!(token().await, "Bearer first");
    time.advance(Duration::from_millis(1));
    assert_eq!(token().await, "Bearer second");
    fs::remove_file(&file.0).unwrap();
    time.advance(Duration::from_secs(3600));
    assert_eq!(token().await, "Bearer second", "it is used until the service rejects it");
}

#[tokio::test]
async fn the_token_of_a_command_is_the_first_line_of_its_output() {
    for script in [
        "echo t0ken",
        "printf t0ken",
        "printf ' t0ken \\r\\nother'",
        "printf '\\357\\273\\277t0ken\\n'",
        "echo t0ken; echo other >&2",
    ] {
        assert_eq!(fetched(&CommandToken::shell(script)).await, "Bearer t0ken", "{script}");
    }
    assert_eq!(fetched(&CommandToken::new("echo", ["t0ken"])).await, "Bearer t0ken");
}

#[tokio::test]
async fn an_error_of_a_command_names_the_program_and_its_exit_status() {
    let shell = |script: &str| CommandToken::new("sh", ["-c", script]);
    for (command, expected) in [
        (
            CommandToken::new("no-such-program", [SECRET]),
            "the token command `no-such-program` cannot be started: No such file or directory (os error 2)",
        ),
        (
            shell("echo zebra-s3cret; echo zebra-s3cret >&2; exit 3"),
            "the token command `sh` failed with exit status: 3: run it to see why",
        ),
        (shell("kill -9 $$"), "the token command `sh` failed with signal: 9 (SIGKILL): run it to see why"),
        (shell("true"), "the token command `sh` printed no token: its first line is empty"),
        (
            shell("echo; echo zebra-s3cret"),
            "the token command `sh` printed no token: its first line is empty",
        ),
        (
            shell("echo the token is zebra-s3cret"),
            "the token command `sh` printed something else than a token in its first line",
        ),
        (
            shell("yes zebra-s3cret"),
            "the token command `sh` printed more than 65536 bytes: its first line must be the token",
        ),
        (
            CommandToken::shell("PASSWORD=zebra-s3cret false --password zebra-s3cret"),
            "the token command `false` failed with exit status: 1: run it to see why",
        ),
        (
            CommandToken::shell("PASSWORD='my zebra-s3cret pass' false"),
            "the token command `the shell` failed with exit status: 1: run it to see why",
        ),
        (
            CommandToken::shell("'zebra-s3cret'; exit 4"),
            "the token command `the shell` failed with exit status: 4: run it to see why",
        ),
    ] {
        assert_eq!(message(&command).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_end_is_stopped() {
    let tokens = Tokens::new(CommandToken::new("sleep", ["1000"]));
    assert_eq!(
        tokens.get().await.unwrap_err().to_string(),
        "the command `sleep` has returned no token within 30s"
    );
}

#[tokio::test]
async fn what_a_command_started_is_stopped_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let command = CommandToken::shell(&format!("exec 3>'{}'; sleep 600; echo t0ken", pipe.display()));
    let fetch = tokio::spawn(async move { command.fetch().await.is_ok() });
    // Opening the pipe waits for the command.
    let mut reader = tokio::task::spawn_blocking(move || fs::File::open(pipe)).await.unwrap().unwrap();
    fetch.abort();
    // The pipe ends when no process can write to it.
    let read = tokio::task::spawn_blocking(move || std::io::Read::read(&mut reader, &mut [0; 1]));
    assert_eq!(read.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_command_in_the_background_hides_no_token() {
    for script in ["sleep 5 & echo t0ken", "sleep 5 & printf t0ken", "sleep 5 & printf 't0ken\\nother'"] {
        assert_eq!(fetched(&CommandToken::shell(script)).await, "Bearer t0ken", "{script}");
    }
}

#[test]
fn debug_output_of_providers_has_no_secrets() {
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        StaticToken::new(SECRET).unwrap(),
        CommandToken::new("curl", [SECRET]),
        CommandToken::shell("KEY=zebra-s3cret curl -u zebra-s3cret"),
        Tokens::new(StaticToken::new(SECRET).unwrap()),
    );
    assert!(shown.contains("curl") && !shown.contains(SECRET), "{shown}");
}
