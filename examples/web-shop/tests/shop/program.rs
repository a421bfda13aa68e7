//! The program of the shop as a child process, and the service that it uses.

use sessions_client::SessionsHttpClientV1;
use sessions_service::{EmbeddedService, SessionStore};
use sessions_web::{SessionCookie, SessionLayer};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

/// A key for signed cookies.
pub(crate) const COOKIE_KEY: &str =
    "a key for tests only, which is longer than sixty-four bytes, as it has to be";

/// The tests have the same users, so only one of them uses the real service at a time.
static REAL_SERVICE: Mutex<()> = Mutex::const_new(());

/// The sessions service: the real one at `SESSIONS_URL`, or an embedded one, which stops with this value.
pub(crate) struct Service {
    pub(crate) url: String,
    _embedded: Option<EmbeddedService>,
    _real: Option<MutexGuard<'static, ()>>,
}

impl Service {
    pub(crate) async fn find() -> Self {
        if let Ok(url) = std::env::var("SESSIONS_URL") {
            return Self { url, _embedded: None, _real: Some(REAL_SERVICE.lock().await) };
        }
        println!("SKIPPED: the real service, because SESSIONS_URL is not set; an embedded one is used");
        let embedded = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
        Self { url: embedded.url(), _embedded: Some(embedded), _real: None }
    }
}

/// The running program. It ends with this value.
pub(crate) struct Shop {
    pub(crate) url: String,
    child: Child,
    options: Vec<String>,
}

impl Shop {
    /// Starts the shop with signed cookies over the service at `sessions`, on a free port.
    pub(crate) async fn start(sessions: &str, options: &[&str]) -> Self {
        let mut all = vec!["--sessions".to_owned(), sessions.to_owned()];
        all.extend(options.iter().map(|&option| option.to_owned()));
        Self::spawn(all, "0").await
    }

    async fn spawn(options: Vec<String>, port: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_web-shop"));
        command.args(&options).args(["--port", port]).env("COOKIE_KEY", COOKIE_KEY);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the shop prints its address");
        let url = line.strip_prefix("listening at ").unwrap().to_owned();
        Self { url, child, options }
    }

    /// Ends the program, starts it again at the same address, and returns it.
    pub(crate) async fn restart(mut self) -> Self {
        self.child.kill().await.unwrap();
        let port = self.url.rsplit(':').next().unwrap();
        Self::spawn(self.options.clone(), port).await
    }

    /// Ends the program and returns its log.
    pub(crate) async fn log(mut self) -> String {
        self.child.start_kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
        log
    }
}

/// Serves the shop in this process, with plain cookies, and returns its URL. It stops with the second value.
pub(crate) async fn in_process(
    sessions: &str,
    options: impl FnOnce(SessionLayer) -> SessionLayer,
) -> (String, JoinSet<()>) {
    let layer = SessionLayer::new(SessionsHttpClientV1::connect(sessions).unwrap());
    let app = web_shop::app(options(layer).with_cookie(SessionCookie::new()).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, server)
}
