//! Connections to the service, with a description that is right.

use crate::fronts::{self, API_KEY, Front, Kind};
use crate::matrix::Row;
use staging::{Squid, TokenServer};

pub(crate) const ROWS: &[Row] = &[
    Row { name: "nothing", start: || Box::pin(fronts::nothing()), describe: |_| vec![] },
    Row {
        name: "nginx: an API key",
        start: || Box::pin(fronts::api_key()),
        describe: |_| vec![("headers.x-api-key", API_KEY.to_owned())],
    },
    Row {
        name: "nginx: a bearer token that expires after 2 s, by OAuth 2.0",
        start: || Box::pin(fronts::bearer()),
        describe: client_credentials,
    },
    Row {
        name: "nginx: a bearer token that expires after 2 s, by a command",
        start: || Box::pin(fronts::bearer()),
        describe: |front| {
            let url = front.tokens.as_ref().map_or_else(String::new, TokenServer::token_url);
            let command = format!(
                "curl --silent --noproxy '*' --data grant_type=client_credentials --data-urlencode 'client_id={}' \
                 --data-urlencode 'client_secret={}' {url} | sed 's/.*access_token\":\"\\([^\"]*\\).*/\\1/'",
                TokenServer::CLIENT_ID,
                TokenServer::CLIENT_SECRET
            );
            vec![("credential.token_command", command)]
        },
    },
    Row {
        name: "nginx: TLS by a private authority",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: trusted,
    },
    Row {
        name: "nginx: TLS by a private authority, client certificates",
        start: || Box::pin(fronts::client_certificates()),
        describe: with_client_certificate,
    },
    Row {
        name: "haproxy: TLS by a private authority, client certificates",
        start: || Box::pin(fronts::strict_client_certificates()),
        describe: with_client_certificate,
    },
    Row {
        name: "nginx: a certificate by openssl req -x509",
        start: || Box::pin(fronts::tls(Kind::SelfSigned)),
        describe: trusted,
    },
    Row {
        name: "nginx: a certificate by openssl req -x509, without subjectAltName",
        start: || Box::pin(fronts::tls(Kind::SelfSignedWithoutNames)),
        describe: trusted,
    },
    Row {
        name: "squid: a proxy with a password, to http",
        start: || Box::pin(fronts::proxy()),
        describe: |front| vec![("proxy.url", front.squid.as_ref().map_or_else(String::new, Squid::url))],
    },
    Row {
        name: "squid: a proxy with a password, to https (CONNECT)",
        start: || Box::pin(fronts::proxy_and_tls()),
        describe: through_proxy,
    },
    Row {
        name: "haproxy: a path prefix, each connection closed after a response",
        start: || Box::pin(fronts::path_prefix()),
        describe: |_| vec![("base_route", "/acme/sessions".to_owned())],
    },
    Row {
        name: "nginx: keepalive_requests 3",
        start: || Box::pin(fronts::closing_nginx()),
        describe: |_| vec![],
    },
    Row {
        name: "nginx: HTTP/2, TLS, keepalive_requests 100",
        start: || Box::pin(fronts::closing_http2()),
        describe: |front| {
            let mut keys = trusted(front);
            keys.push(("options.http_version", "2".to_owned()));
            keys
        },
    },
    Row {
        name: "nginx: 429 with Retry-After: 1 to the first requests",
        start: || Box::pin(fronts::rate_limit(1, 2)),
        describe: |_| vec![],
    },
    Row {
        name: "haproxy: HTTP/2 only, TLS",
        start: || Box::pin(fronts::http2()),
        describe: |front| {
            let mut keys = trusted(front);
            keys.push(("options.http_version", "2".to_owned()));
            keys
        },
    },
    Row {
        name: "haproxy: HTTP/2 only, without TLS",
        start: || Box::pin(fronts::http2_without_tls()),
        describe: |_| vec![("options.http_version", "2".to_owned())],
    },
];

/// The keys of OAuth 2.0.
pub(crate) fn client_credentials(front: &Front) -> Vec<(&'static str, String)> {
    vec![
        ("credential.token_url", front.tokens.as_ref().map_or_else(String::new, TokenServer::token_url)),
        ("credential.client_id", TokenServer::CLIENT_ID.to_owned()),
        ("credential.client_secret", TokenServer::CLIENT_SECRET.to_owned()),
    ]
}

/// The key of the trusted certificates.
pub(crate) fn trusted(front: &Front) -> Vec<(&'static str, String)> {
    let root = front.certificates.as_ref().map(|trust| trust.root.certificate.display().to_string());
    vec![("credential.ssl_ca_file", root.unwrap_or_default())]
}

/// The keys of the trusted certificates and of the client certificate.
pub(crate) fn with_client_certificate(front: &Front) -> Vec<(&'static str, String)> {
    let mut keys = trusted(front);
    if let Some(trust) = &front.certificates {
        keys.push(("credential.ssl_crt_file", trust.client.certificate.display().to_string()));
        keys.push(("credential.ssl_key_file", trust.client.key.display().to_string()));
    }
    keys
}

/// The keys of the trusted certificates and of the proxy.
pub(crate) fn through_proxy(front: &Front) -> Vec<(&'static str, String)> {
    let mut keys = trusted(front);
    keys.push(("proxy.url", front.squid.as_ref().map_or_else(String::new, Squid::url)));
    keys
}
