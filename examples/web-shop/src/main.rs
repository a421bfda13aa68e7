//! The command line of the shop.
//!
//! ```text
//! cargo run -p web-shop -- --sessions http://localhost:8080 --port 3000
//! ```

use anyhow::Context;
use clap::Parser;
use sessions_client::SessionsHttpClientV1;
use sessions_service::{EmbeddedService, SessionStore};
use sessions_web::{Key, SessionCookie, SessionLayer};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// A web shop whose users are logged in by the sessions service.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// URL of the sessions service. Without it, an embedded service runs until the shop ends
    #[arg(long, value_name = "URL")]
    sessions: Option<String>,

    /// Port of the shop on this machine; 0 selects a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,

    /// Time without a request after which users have to log in again
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    idle_timeout: Duration,

    /// Time after the login after which users have to log in again
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = humantime::parse_duration)]
    lifetime: Duration,

    /// Key that signs the cookies, at least 64 bytes, such as the output of `openssl rand -base64 64`. It must be the same
    /// after a restart, and in all instances. Without it, cookies are not signed
    #[arg(long, env = "COOKIE_KEY", hide_env_values = true, value_name = "KEY", value_parser = parse_key)]
    cookie_key: Option<Key>,

    /// Sets cookies without `Secure`, for browsers that do not accept such cookies from a server on this machine
    #[arg(long)]
    insecure_cookie: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();

    let (url, _embedded) = if let Some(url) = &options.sessions {
        (url.clone(), None)
    } else {
        let embedded = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await?;
        (embedded.url(), Some(embedded))
    };
    let app = web_shop::app(sessions(&url, &options).context("the options cannot be used")?)?;

    // For browsers on this machine. In production, a proxy with TLS is in front of the shop.
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .with_context(|| format!("port {} cannot be used: choose another one with --port", options.port))?;
    println!("listening at http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

/// Creates the layer that gives each request its session.
fn sessions(url: &str, options: &Options) -> Result<SessionLayer, sessions_client::Error> {
    let mut cookie = SessionCookie::new();
    if let Some(key) = &options.cookie_key {
        cookie = cookie.signed(key.clone());
    }
    if options.insecure_cookie {
        cookie = cookie.insecure_for_development();
    }
    SessionLayer::new(SessionsHttpClientV1::connect(url)?)
        .with_idle_timeout(options.idle_timeout)
        .with_lifetime(options.lifetime)
        .with_cookie(cookie)
}

fn parse_key(key: &str) -> Result<Key, String> {
    Key::try_from(key.as_bytes()).map_err(|_| format!("it has {} bytes; at least 64 are needed", key.len()))
}
