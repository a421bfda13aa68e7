//! Connections to the service, with one thing that is wrong.

use crate::fronts::{self, Front, Kind};
use crate::matrix::Row;
use crate::right::{client_credentials, trusted};
use staging::Squid;
use std::time::Duration;

pub(crate) const ROWS: &[Row] = &[
    Row { name: "API key: none", start: || Box::pin(fronts::api_key()), describe: |_| vec![] },
    Row {
        name: "API key: wrong",
        start: || Box::pin(fronts::api_key()),
        describe: |_| vec![("headers.x-api-key", "wrong-key".to_owned())],
    },
    Row { name: "token: none", start: || Box::pin(fronts::bearer()), describe: |_| vec![] },
    Row {
        name: "token: expired",
        start: || Box::pin(fronts::bearer()),
        describe: |front| {
            let token = front.tokens.as_ref().map(|tokens| tokens.issue(Duration::ZERO));
            vec![("credential.token_command", format!("echo {}", token.unwrap_or_default()))]
        },
    },
    Row {
        name: "token: its server is down",
        start: || Box::pin(fronts::bearer()),
        describe: |front| token_url(front, format!("http://{}/token", front.closed)),
    },
    Row {
        name: "token: its server does not know the client",
        start: || Box::pin(fronts::bearer()),
        describe: |front| {
            let mut keys = client_credentials(front);
            keys.retain(|(key, _)| *key != "credential.client_secret");
            keys.push(("credential.client_secret", "wrong-secret".to_owned()));
            keys
        },
    },
    Row {
        name: "token: not a token server",
        start: || Box::pin(fronts::bearer()),
        describe: |front| token_url(front, format!("{}/token", front.service.url())),
    },
    Row {
        name: "token: its command fails",
        start: || Box::pin(fronts::bearer()),
        describe: |_| vec![("credential.token_command", "echo not logged in >&2; exit 1".to_owned())],
    },
    Row {
        name: "certificate: unknown authority",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: |_| vec![],
    },
    Row {
        name: "certificate: another authority is trusted",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: |front| vec![("credential.ssl_ca_file", stranger(front).certificate.display().to_string())],
    },
    Row { name: "certificate: expired", start: || Box::pin(fronts::tls(Kind::Expired)), describe: trusted },
    Row {
        name: "certificate: for another host",
        start: || Box::pin(fronts::tls(Kind::OtherName)),
        describe: trusted,
    },
    Row {
        name: "certificate by openssl req -x509: not trusted",
        start: || Box::pin(fronts::tls(Kind::SelfSigned)),
        describe: |_| vec![],
    },
    Row {
        name: "certificate by openssl req -x509: trusted, expired",
        start: || Box::pin(fronts::tls(Kind::ExpiredSelfSigned)),
        describe: trusted,
    },
    Row {
        name: "certificate by openssl req -x509: trusted, for another host",
        start: || Box::pin(fronts::tls(Kind::OtherNameSelfSigned)),
        describe: trusted,
    },
    Row {
        name: "trusted certificates: the file is missing",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: |_| vec![("credential.ssl_ca_file", "/nonexistent/ca.pem".to_owned())],
    },
    Row {
        name: "client certificate: none, nginx",
        start: || Box::pin(fronts::client_certificates()),
        describe: trusted,
    },
    Row {
        name: "client certificate: none, haproxy",
        start: || Box::pin(fronts::strict_client_certificates()),
        describe: trusted,
    },
    Row {
        name: "client certificate: unknown authority, nginx",
        start: || Box::pin(fronts::client_certificates()),
        describe: with_certificate_of_a_stranger,
    },
    Row {
        name: "client certificate: unknown authority, haproxy",
        start: || Box::pin(fronts::strict_client_certificates()),
        describe: with_certificate_of_a_stranger,
    },
    Row {
        name: "client certificate: the key of another one",
        start: || Box::pin(fronts::client_certificates()),
        describe: |front| {
            let mut keys = trusted(front);
            if let Some(trust) = &front.certificates {
                keys.push(("credential.ssl_crt_file", trust.client.certificate.display().to_string()));
                keys.push(("credential.ssl_key_file", trust.server.key.display().to_string()));
            }
            keys
        },
    },
    Row {
        name: "proxy: down",
        start: || Box::pin(fronts::proxy()),
        describe: |front| vec![("proxy.url", format!("http://{}", front.closed))],
    },
    Row {
        name: "proxy: wrong password, to http",
        start: || Box::pin(fronts::proxy()),
        describe: |front| vec![("proxy.url", proxy(front).replace(Squid::PASSWORD, "wrong-password"))],
    },
    Row {
        name: "proxy: wrong password, to https",
        start: || Box::pin(fronts::proxy_and_tls()),
        describe: |front| {
            let mut keys = trusted(front);
            keys.push(("proxy.url", proxy(front).replace(Squid::PASSWORD, "wrong-password")));
            keys
        },
    },
    Row {
        name: "proxy: no password, to https",
        start: || Box::pin(fronts::proxy_and_tls()),
        describe: |front| {
            let mut keys = trusted(front);
            let password = format!("{}:{}@", Squid::USER, Squid::PASSWORD);
            keys.push(("proxy.url", proxy(front).replace(&password, "")));
            keys
        },
    },
    Row {
        name: "proxy: forbids the host, to http",
        start: || Box::pin(fronts::proxy()),
        describe: |front| {
            vec![("connection.uri", "http://other.example".to_owned()), ("proxy.url", proxy(front))]
        },
    },
    Row {
        name: "proxy: forbids the host, to https",
        start: || Box::pin(fronts::proxy_and_tls()),
        describe: |front| {
            vec![("connection.uri", "https://other.example".to_owned()), ("proxy.url", proxy(front))]
        },
    },
    Row {
        name: "proxy: cannot reach the service, to http",
        start: || Box::pin(fronts::proxy()),
        describe: |front| {
            let url = format!("http://{}:{}", Squid::HOST, front.closed.port());
            vec![("connection.uri", url), ("proxy.url", proxy(front))]
        },
    },
    Row {
        name: "proxy: cannot reach the service, to https",
        start: || Box::pin(fronts::proxy_and_tls()),
        describe: |front| {
            let url = format!("https://{}:{}", Squid::HOST, front.closed.port());
            vec![("connection.uri", url), ("proxy.url", proxy(front))]
        },
    },
    Row { name: "path prefix: none", start: || Box::pin(fronts::path_prefix()), describe: |_| vec![] },
    Row {
        name: "path prefix: wrong",
        start: || Box::pin(fronts::path_prefix()),
        describe: |_| vec![("base_route", "/other/sessions".to_owned())],
    },
    Row {
        name: "rate limit: 429 with Retry-After: 60 to all requests",
        start: || Box::pin(fronts::rate_limit(60, u64::MAX)),
        describe: |_| vec![],
    },
    Row { name: "HTTP/1.1 to HTTP/2 only, TLS", start: || Box::pin(fronts::http2()), describe: trusted },
    Row {
        name: "HTTP/1.1 to HTTP/2 only, without TLS",
        start: || Box::pin(fronts::http2_without_tls()),
        describe: |_| vec![],
    },
    Row {
        name: "HTTP/2 to HTTP/1.1 only, TLS",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: |front| {
            let mut keys = trusted(front);
            keys.push(("options.http_version", "2".to_owned()));
            keys
        },
    },
    Row {
        name: "http to a port with TLS",
        start: || Box::pin(fronts::tls(Kind::Signed)),
        describe: |front| vec![("connection.uri", front.url.replace("https://", "http://"))],
    },
    Row {
        name: "https to a port without TLS",
        start: || Box::pin(fronts::closing_nginx()),
        describe: |front| vec![("connection.uri", front.url.replace("http://", "https://"))],
    },
    Row {
        name: "nothing listens at the address",
        start: || Box::pin(fronts::nothing()),
        describe: |front| vec![("connection.uri", format!("http://{}", front.closed))],
    },
    Row {
        name: "nothing listens behind nginx",
        start: || Box::pin(fronts::nginx_alone()),
        describe: |_| vec![],
    },
    Row {
        name: "nothing listens behind haproxy",
        start: || Box::pin(fronts::haproxy_alone()),
        describe: |_| vec![],
    },
];

fn proxy(front: &Front) -> String {
    front.squid.as_ref().map_or_else(String::new, Squid::url)
}

fn stranger(front: &Front) -> &staging::Certificate {
    front.certificates.as_ref().map_or_else(|| unreachable!("the front has TLS"), |trust| &trust.stranger)
}

fn token_url(front: &Front, url: String) -> Vec<(&'static str, String)> {
    let mut keys = client_credentials(front);
    keys.retain(|(key, _)| *key != "credential.token_url");
    keys.push(("credential.token_url", url));
    keys
}

fn with_certificate_of_a_stranger(front: &Front) -> Vec<(&'static str, String)> {
    let mut keys = trusted(front);
    keys.push(("credential.ssl_crt_file", stranger(front).certificate.display().to_string()));
    keys.push(("credential.ssl_key_file", stranger(front).key.display().to_string()));
    keys
}
