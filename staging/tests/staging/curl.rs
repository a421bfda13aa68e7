//! The gateways and proxies by themselves, tried with curl: what is wrong in a later test is not theirs.

use crate::fronts::{self, API_KEY, Front, Kind};
use crate::requirements::programs;
use staging::{Arrivals, Squid, TokenServer};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Returns the status that curl gets for a list of sessions, or its exit code.
async fn curl(url: &str, arguments: &[&str]) -> Result<u16, i32> {
    let output = Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--data", "{}"])
        .args(["--header", "Content-Type: application/json"])
        .args(arguments)
        .arg(format!("{url}/v1/sessions/get_sessions"))
        .env("NO_PROXY", if arguments.contains(&"--proxy") { "" } else { "*" })
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).parse().unwrap());
    }
    Err(output.status.code().unwrap())
}

/// The exit codes of curl: connection refused, no certificate sent, certificate not trusted.
const REFUSED: i32 = 7;
const CERTIFICATE: i32 = 60;

fn arrived(connections: impl Into<Option<u64>>, requests: u64) -> Arrivals {
    Arrivals { connections: connections.into(), requests }
}

fn trust(front: &Front) -> [String; 2] {
    let root = &front.certificates.as_ref().unwrap().root;
    ["--cacert".to_owned(), root.certificate.display().to_string()]
}

fn as_str(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_requires_the_key_and_counts_requests() {
    if programs().is_none() {
        return;
    }
    let mut front = fronts::api_key().await.unwrap();
    assert_eq!(curl(&front.url, &["--header", &format!("X-Api-Key: {API_KEY}")]).await, Ok(200));
    assert_eq!(front.arrivals().await.unwrap(), arrived(1, 1));
    assert_eq!(curl(&front.url, &["--header", "x-api-key: wrong"]).await, Ok(401));
    assert_eq!(curl(&front.url, &[]).await, Ok(401));
    assert_eq!(front.arrivals().await.unwrap(), arrived(2, 2));
    assert_eq!(front.arrivals().await.unwrap(), arrived(0, 0));
    let url = front.url.clone();
    drop(front);
    assert_eq!(curl(&url, &[]).await, Err(REFUSED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_requires_a_token_that_has_not_expired() {
    if programs().is_none() {
        return;
    }
    let front = fronts::bearer().await.unwrap();
    let tokens = front.tokens.as_ref().unwrap();
    let [valid, expired] = [Duration::from_secs(60), Duration::ZERO]
        .map(|lifetime| format!("Authorization: Bearer {}", tokens.issue(lifetime)));
    assert_eq!(curl(&front.url, &["--header", &valid]).await, Ok(200));
    assert_eq!(curl(&front.url, &["--header", &expired]).await, Ok(401));
    assert_eq!(curl(&front.url, &[]).await, Ok(401));
    let credentials = format!("{}:{}", TokenServer::CLIENT_ID, TokenServer::CLIENT_SECRET);
    // curl does not form-encode credentials, as RFC 6749 requires; those in the body are encoded.
    let id = format!("client_id={}", TokenServer::CLIENT_ID);
    let secret = format!("client_secret={}", TokenServer::CLIENT_SECRET);
    let request = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--data", "grant_type=client_credentials"])
            .args(arguments)
            .arg(tokens.token_url());
        command.env("NO_PROXY", "*");
        async move { String::from_utf8(command.output().await.unwrap().stdout).unwrap() }
    };
    let response = request(&["--data-urlencode", &id, "--data-urlencode", &secret]).await;
    assert!(
        response.contains("\"access_token\":\"issued-") && response.contains("\"expires_in\":2"),
        "{response}"
    );
    let response = request(&["--user", &credentials.replace("secret", "wrong")]).await;
    assert!(response.contains("\"error\":\"invalid_client\""), "{response}");
    assert_eq!(tokens.requests(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_rejects_the_configured_number_of_requests() {
    if programs().is_none() {
        return;
    }
    let front = fronts::rate_limit(1, 1).await.unwrap();
    front.limiter.as_ref().unwrap().reject(1);
    assert_eq!(curl(&front.url, &[]).await, Ok(429));
    assert_eq!(curl(&front.url, &[]).await, Ok(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_serves_only_the_prefix() {
    if programs().is_none() {
        return;
    }
    let mut front = fronts::path_prefix().await.unwrap();
    assert_eq!(curl(&front.url, &[]).await, Ok(404));
    assert_eq!(curl(&front.url, &["--request-target", "/acme/sessions/get_sessions"]).await, Ok(200));
    assert_eq!(front.arrivals().await.unwrap(), arrived(2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_right_and_wrong_as_named() {
    if programs().is_none() {
        return;
    }
    for kind in [Kind::Signed, Kind::SelfSigned, Kind::SelfSignedWithoutNames] {
        let mut front = fronts::tls(kind).await.unwrap();
        // curl falls back to the common name if it is an address.
        assert_eq!(curl(&front.url, &as_str(&trust(&front))).await, Ok(200), "{kind:?}");
        assert_eq!(curl(&front.url, &[]).await, Err(CERTIFICATE), "{kind:?}");
        assert_eq!(front.arrivals().await.unwrap(), arrived(2, 1), "{kind:?}");
    }
    for kind in [Kind::Expired, Kind::OtherName, Kind::ExpiredSelfSigned, Kind::OtherNameSelfSigned] {
        let front = fronts::tls(kind).await.unwrap();
        assert_eq!(curl(&front.url, &as_str(&trust(&front))).await, Err(CERTIFICATE), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_certificates_are_required() {
    if programs().is_none() {
        return;
    }
    let nginx = fronts::client_certificates().await.unwrap();
    let haproxy = fronts::strict_client_certificates().await.unwrap();
    for (front, without) in [(&nginx, Ok(400)), (&haproxy, Err(56))] {
        let trusted = trust(front);
        let certificates = front.certificates.as_ref().unwrap();
        let client = &certificates.client;
        let own = ["--cert", client.certificate.to_str().unwrap(), "--key", client.key.to_str().unwrap()];
        assert_eq!(curl(&front.url, &[&as_str(&trusted), &own[..]].concat()).await, Ok(200));
        assert_eq!(curl(&front.url, &as_str(&trusted)).await, without);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_speaks_only_http_2() {
    if programs().is_none() {
        return;
    }
    let front = fronts::http2().await.unwrap();
    let trusted = trust(&front);
    let trusted = as_str(&trusted);
    assert_eq!(curl(&front.url, &[&trusted[..], &["--http2"]].concat()).await, Ok(200));
    let code = curl(&front.url, &[&trusted[..], &["--http1.1"]].concat()).await.unwrap_err();
    assert!([1, 52, 56].contains(&code), "{code}");
    let front = fronts::http2_without_tls().await.unwrap();
    assert_eq!(curl(&front.url, &["--http2-prior-knowledge"]).await, Ok(200));
    curl(&front.url, &["--http1.1"]).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn squid_requires_a_password() {
    if programs().is_none() {
        return;
    }
    let mut front = fronts::proxy().await.unwrap();
    let squid = front.squid.as_ref().unwrap();
    let (right, without) = (squid.url(), format!("http://{}", squid.address()));
    let wrong = right.replace(Squid::PASSWORD, "wrong");
    assert_eq!(curl(&front.url, &["--proxy", &right]).await, Ok(200));
    assert_eq!(curl(&front.url, &["--proxy", &wrong]).await, Ok(407));
    assert_eq!(curl(&front.url, &["--proxy", &without]).await, Ok(407));
    assert_eq!(curl("http://other.example", &["--proxy", &right]).await, Ok(403));
    assert_eq!(front.arrivals().await.unwrap(), arrived(None, 4));
    let front = fronts::proxy_and_tls().await.unwrap();
    let squid = front.squid.as_ref().unwrap().url();
    let trusted = trust(&front);
    let trusted = as_str(&trusted);
    assert_eq!(curl(&front.url, &[&trusted[..], &["--proxy", &squid]].concat()).await, Ok(200));
    let wrong = squid.replace(Squid::PASSWORD, "wrong");
    assert_eq!(curl(&front.url, &[&trusted[..], &["--proxy", &wrong]].concat()).await, Err(56));
}
