//! The step of `doctor` that finds out what real servers speak, for each scheme and protocol of a client.

use crate::fronts::{self, Front, Kind};
use crate::matrix::assert_table;
use crate::requirements::{programs, skip};
use sessions_client::doctor::{Check, diagnose};
use sessions_client::{ClientConfig, HttpVersion, Proxy, TlsConfig};
use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use staging::{Squid, missing_programs};
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Far above what a server needs.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the findings at a host and a port, for each scheme and protocol.
async fn findings(name: &str, host: &str, port: u16, proxy: Option<&Squid>) -> String {
    let mut findings = format!("{name}\n");
    for scheme in ["http", "https"] {
        for protocol in ["HTTP/1.1", "HTTP/2", "gRPC"] {
            let config = ClientConfig::from_url(&format!("{scheme}://{host}:{port}")).unwrap();
            let mut config =
                config.with_connect_timeout(LIMIT).with_tls(TlsConfig::new().with_insecure(true));
            if let Some(squid) = proxy {
                config = config.with_proxy(Proxy::url(&squid.url()).unwrap());
            }
            let config = match protocol {
                "HTTP/1.1" => config,
                "HTTP/2" => config.with_http_version(HttpVersion::Http2),
                _ => config.with_grpc(),
            };
            let steps = diagnose(&config).await;
            let shown = steps.iter().filter(|step| step.check == Check::Protocol || step.result.is_err());
            let shown: Vec<String> = shown.map(ToString::to_string).collect();
            writeln!(findings, "    {scheme}, {protocol}: {}", shown.join("\n        ")).unwrap();
        }
    }
    let findings = findings.replace(&format!(":{port}"), ":PORT");
    match proxy {
        Some(squid) => findings.replace(&format!(":{}", squid.address().port()), ":SQUID"),
        None => findings,
    }
}

/// Returns the findings at a gateway or a proxy.
async fn at(name: &str, front: Front) -> String {
    let (_, address) = front.url.split_once("://").unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    findings(name, host, port.parse().unwrap(), front.squid.as_ref()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_finds_out_what_gateways_and_services_speak() {
    if programs().is_none() {
        return;
    }
    let address = "127.0.0.1:0";
    let http1 = EmbeddedService::start(address, SessionStore::new()).await.unwrap();
    let grpc =
        EmbeddedService::start_grpc(address, SessionStore::new(), ServiceOptions::new()).await.unwrap();
    let table = [
        findings("hyper: HTTP/1.1", "127.0.0.1", http1.address().port(), None).await,
        findings("hyper: gRPC", "127.0.0.1", grpc.address().port(), None).await,
        at("nginx: HTTP/1.1", fronts::closing_nginx().await.unwrap()).await,
        at("nginx: HTTP/1.1, TLS", fronts::tls(Kind::Signed).await.unwrap()).await,
        at("nginx: HTTP/1.1 and HTTP/2, TLS", fronts::closing_http2().await.unwrap()).await,
        at("haproxy: HTTP/1.1 and HTTP/2", fronts::path_prefix().await.unwrap()).await,
        at("haproxy: HTTP/2 only", fronts::http2_without_tls().await.unwrap()).await,
        at("haproxy: HTTP/2 only, TLS", fronts::http2().await.unwrap()).await,
        at("haproxy: client certificates", fronts::strict_client_certificates().await.unwrap()).await,
        at("squid: hyper", fronts::proxy().await.unwrap()).await,
        at("squid: nginx with TLS", fronts::proxy_and_tls().await.unwrap()).await,
    ];
    assert_table("doctor", &table.concat());
}

/// Servers of Node, which write their ports: HTTP/1.1 and HTTP/2, and both over TLS.
const NODE: &str = "
    const fs = require('fs'), http = require('http'), http2 = require('http2'), https = require('https');
    const tls = { cert: fs.readFileSync(process.argv[1]), key: fs.readFileSync(process.argv[2]) };
    const respond = (request, response) => response.end();
    const servers = [http.createServer(respond), http2.createServer(respond),
        https.createServer(tls, respond), http2.createSecureServer(tls, respond)];
    const ports = servers.map(server =>
        new Promise(done => server.listen(0, '127.0.0.1', () => done(server.address().port))));
    Promise.all(ports).then(ports => console.log(ports.join(' ')));
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_finds_out_what_node_speaks() {
    if programs().is_none() {
        return;
    }
    if !missing_programs(&["node"]).is_empty() {
        skip("the test of doctor with servers of Node needs node");
        return;
    }
    let front = fronts::tls(Kind::Signed).await.unwrap();
    let certificate = &front.certificates.as_ref().unwrap().server;
    let mut node = Command::new("node")
        .args(["-e", NODE])
        .args([&certificate.certificate, &certificate.key])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(node.stdout.take().unwrap()).lines();
    let ports = output.next_line().await.unwrap().unwrap();
    let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
    let names = ["HTTP/1.1", "HTTP/2, as servers of gRPC use it", "HTTP/1.1, TLS", "HTTP/2, TLS"];
    let mut table = String::new();
    for (name, port) in names.into_iter().zip(ports) {
        table += &findings(&format!("Node: {name}"), "127.0.0.1", port, None).await;
    }
    assert_table("doctor_node", &table);
}
