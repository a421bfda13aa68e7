//! The life of a session: `cargo run -p sessions-client --example quickstart -- http://localhost:8080`.
//!
//! Without an argument, the variables `SESSIONS_…` describe the service, such as `SESSIONS_URL`, and with the
//! feature `config` the file at `SESSIONS_CONFIG`.

use serde_json::json;
use sessions_client::{
    ClientConfig, ConfigParams, ErrorKind, ISessionsV1, SessionsHttpClientV1, sessions_v1,
};
use std::ffi::OsString;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    let hint = if error.kind() == ErrorKind::Connect { "is the service running? " } else { "" };
    eprintln!("{hint}{error}");
    ExitCode::FAILURE
}

async fn run() -> sessions_client::Result<()> {
    // Configure.
    let config = config()?;
    let sessions = SessionsHttpClientV1::from_config(&config)?;

    // Open. Required arguments come first, optional ones have setters.
    let cart = json!({ "items": ["book"] });
    let session =
        sessions_v1::OpenSession::new("user-1").user_name("Ann").data(&cart).send(&sessions).await?;
    println!("opened  {}", session.id);

    // Read. A session that does not exist is `None`, not an error.
    let found = sessions.get_session_by_id(None, &session.id).await?;
    println!("read    {}", found.and_then(|found| found.data).unwrap_or_default());

    // Store. All changes return the changed session.
    let cart = json!({ "items": ["book", "pen"] });
    let stored = sessions.store_session_data(None, &session.id, &cart).await?;
    println!("stored  {}", stored.and_then(|stored| stored.data).unwrap_or_default());

    // Close. The session remains, inactive and without its data, until it is deleted.
    let closed = sessions.close_session(None, &session.id).await?;
    println!("closed  {}", closed.is_some_and(|closed| !closed.active));
    sessions.delete_session_by_id(None, &session.id).await?;
    println!("deleted {}", session.id);
    Ok(())
}

/// Reads the configuration: the address in the first argument, or the description in the environment.
fn config() -> sessions_client::Result<ClientConfig> {
    if let Some(url) = std::env::args().nth(1) {
        return ClientConfig::from_url(&url);
    }
    let mut params = ConfigParams::new();
    if let Some(file) = std::env::var_os("SESSIONS_CONFIG").filter(|file| !file.is_empty()) {
        params = with_file(params, file)?;
    }
    let params = params.with_environment("SESSIONS", std::env::vars_os())?;
    let has_address = params
        .settings()
        .iter()
        .any(|setting| setting.key().starts_with("connection") && setting.key() != "connection.resolve");
    if has_address {
        return params.build();
    }
    params.with_pairs([("connection.uri", "http://localhost:8080")])?.build()
}

#[cfg(feature = "config")]
fn with_file(params: ConfigParams, file: OsString) -> sessions_client::Result<ConfigParams> {
    params.with_file(file)
}

#[cfg(not(feature = "config"))]
fn with_file(_params: ConfigParams, _file: OsString) -> sessions_client::Result<ConfigParams> {
    let why = "SESSIONS_CONFIG needs the feature `config` of sessions-client: add `--features config`";
    Err(sessions_client::Error::new(ErrorKind::Config, why))
}
