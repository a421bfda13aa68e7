//! Connections to a service that speaks gRPC: those with a description that is right, and those with one thing that is wrong.

use crate::fronts::{self, API_KEY, Front};
use crate::matrix::{Row, describe};
use crate::requirements::programs;
use crate::right::{client_credentials, through_proxy, trusted, with_client_certificate};
use sessions_client::{ClientKind, ConfigParams, ISessionsV1, SessionsClientFactory};
use staging::Squid;
use std::time::Duration;
use tokio::task::JoinSet;

pub(crate) const RIGHT: &[Row] = &[
    Row {
        name: "nginx: TLS by a private authority, keepalive_requests 100",
        start: || Box::pin(fronts::grpc()),
        describe: trusted,
    },
    Row {
        name: "haproxy: TLS by a private authority",
        start: || Box::pin(fronts::grpc_haproxy()),
        describe: trusted,
    },
    Row {
        name: "nginx: TLS by a private authority, client certificates",
        start: || Box::pin(fronts::grpc_client_certificates()),
        describe: with_client_certificate,
    },
    Row {
        name: "nginx: TLS by a private authority, an API key",
        start: || Box::pin(fronts::grpc_api_key()),
        describe: |front| with(front, "headers.x-api-key", API_KEY.to_owned()),
    },
    Row {
        name: "nginx: TLS by a private authority, a bearer token that expires after 2 s",
        start: || Box::pin(fronts::grpc_bearer()),
        describe: |front| [trusted(front), client_credentials(front)].concat(),
    },
    Row {
        name: "squid: a proxy with a password, to https (CONNECT)",
        start: || Box::pin(fronts::grpc_proxy()),
        describe: through_proxy,
    },
];

pub(crate) const WRONG: &[Row] = &[
    Row { name: "certificate: unknown authority", start: || Box::pin(fronts::grpc()), describe: |_| vec![] },
    Row {
        name: "client certificate: none",
        start: || Box::pin(fronts::grpc_client_certificates()),
        describe: trusted,
    },
    Row { name: "API key: none", start: || Box::pin(fronts::grpc_api_key()), describe: trusted },
    Row { name: "token: none", start: || Box::pin(fronts::grpc_bearer()), describe: trusted },
    Row {
        name: "token: expired",
        start: || Box::pin(fronts::grpc_bearer()),
        describe: |front| {
            let token = front.tokens.as_ref().map(|tokens| tokens.issue(Duration::ZERO));
            with(front, "credential.token_command", format!("echo {}", token.unwrap_or_default()))
        },
    },
    Row {
        name: "proxy: wrong password",
        start: || Box::pin(fronts::grpc_proxy()),
        describe: |front| {
            let proxy = front.squid.as_ref().map_or_else(String::new, Squid::url);
            with(front, "proxy.url", proxy.replace(Squid::PASSWORD, "wrong-password"))
        },
    },
    Row { name: "HTTP/1.1 only, TLS", start: || Box::pin(fronts::grpc_over_http1()), describe: trusted },
    Row {
        name: "HTTP/1.1 only, without TLS",
        start: || Box::pin(fronts::grpc_over_plain_http1()),
        describe: |_| vec![],
    },
    Row { name: "the service's port of HTTP", start: || Box::pin(fronts::nothing()), describe: |_| vec![] },
    Row { name: "nothing listens behind nginx", start: || Box::pin(fronts::grpc_alone()), describe: trusted },
];

/// The key of the trusted certificates, and another one.
fn with(front: &Front, key: &'static str, value: String) -> Vec<(&'static str, String)> {
    let mut keys = trusted(front);
    keys.push((key, value));
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_over_grpc_fails_while_nginx_ends_connections() {
    const CALLERS: u64 = 8;
    const SESSIONS: u64 = 20;

    if programs().is_none() {
        return;
    }
    for kind in [ClientKind::Grpc, ClientKind::CommandableGrpc] {
        let mut front = fronts::closing_grpc().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = describe(folder.path(), with(&front, "connection.uri", front.url.clone()));
        let config = ConfigParams::new().with_file(file).unwrap().build().unwrap();
        let client = SessionsClientFactory::new().create(kind, &config).unwrap();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let client = client.clone();
            callers.spawn(async move {
                for _ in 0..SESSIONS {
                    client.open_session(None, "ann", None, None, None, None, None).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        assert_eq!(front.sessions.len() as u64, CALLERS * SESSIONS);
        let connections = front.arrivals().await.unwrap().connections;
        assert!(
            connections.is_some_and(|connections| connections >= CALLERS * SESSIONS / 10),
            "{connections:?}"
        );
    }
}
