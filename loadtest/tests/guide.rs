//! The snippets of `docs/staging.md`: descriptions are valid, and commands succeed.
//!
//! The commands run in a shell against an embedded service in place of the one of the guide. In place of cargo,
//! `loadtest doctor` shows that the variables of a command lead to the service; `staging/guide` runs cargo itself.

#![cfg(unix)]

use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use sessions_service::EmbeddedService;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GUIDE: &str = include_str!("../../docs/staging.md");

/// The address of the service in the guide.
const ADDRESS: &str = "https://sessions.staging.example";

/// Returns the snippets in a language.
fn snippets(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    GUIDE.split(&*start).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Creates a folder with the files that the guide mentions.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guide").join(name);
    fs::create_dir_all(&folder).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["sessions.staging.example".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    for file in ["ca.pem", "me.pem", "service.pem"] {
        fs::write(folder.join(file), certificate.pem()).unwrap();
    }
    fs::write(folder.join("me.key"), key.serialize_pem()).unwrap();
    for file in ["key", "token"] {
        fs::write(folder.join(file), "abc\n").unwrap();
    }
    folder
}

fn environment(command: &mut Command) {
    for variable in ["SESSIONS_URL", "SESSIONS_CONFIG", "SESSIONS_WAIT", "LOADTEST_ALLOWED_HOSTS"] {
        command.env_remove(variable);
    }
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(variable);
    }
    for secret in ["API_KEY", "CLIENT_SECRET", "PASSWORD", "PROXY_PASSWORD"] {
        command.env(secret, "abc");
    }
}

fn shown(Output { stdout, stderr, .. }: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
}

#[test]
fn every_description_is_valid() {
    let folder = folder("descriptions");
    let descriptions = snippets("yaml");
    assert!(descriptions.len() > 10, "{descriptions:?}");
    for description in descriptions {
        fs::write(folder.join("staging.yaml"), description).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
        command.args(["--config", "staging.yaml", "--print-config"]).current_dir(&folder);
        environment(&mut command);
        let output = command.output().unwrap();
        let text = shown(&output);
        assert!(output.status.success() && !text.contains("Not valid"), "{description}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_succeeds() {
    let sessions = SessionsMemoryClientV1::new();
    // What a killed run with the id of the guide has left behind.
    sessions
        .open_session(None, "loadtest-0123456789ab-0-0-lifecycle", None, None, None, None, None)
        .await
        .unwrap();
    let service = EmbeddedService::start_with("127.0.0.1:0", sessions).await.unwrap();
    let folder = folder("commands");
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    let doctor = format!("#!/bin/sh\nexec '{}' doctor\n", program.display());
    fs::write(bin.join("cargo"), doctor).unwrap();
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let description = snippets("yaml")[0].replace(ADDRESS, &service.url());
    fs::write(folder.join("staging.yaml"), description).unwrap();
    let path = format!(
        "{}:{}:{}",
        bin.display(),
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let commands = snippets("sh");
    assert!(commands.len() > 5, "{commands:?}");
    for snippet in commands {
        let mut command = Command::new("sh");
        let script = if snippet.contains("--resolve") {
            // The name is unknown but for the option.
            let port = service.address().port();
            snippet
                .replace(ADDRESS, &format!("http://sessions.staging.example:{port}"))
                .replace(":443:10.0.0.7", &format!(":{port}:127.0.0.1"))
        } else {
            snippet.replace(ADDRESS, &service.url())
        };
        command.args(["-euc", &script]).current_dir(&folder).env("PATH", &path);
        environment(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}\n{}", shown(&output));
    }
}
