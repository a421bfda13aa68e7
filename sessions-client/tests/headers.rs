//! Headers of the configuration, over each network transport of `wiretrait`.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use sessions_client::{ClientConfig, ErrorKind, ISessionsV1};
use support::network::Network;
use support::recording;

/// Returns the values of a header in a request, in the order in which they were sent.
fn values<'r>(request: &'r str, name: &str) -> Vec<&'r str> {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

async fn request<T: Network>(configure: impl FnOnce(ClientConfig) -> ClientConfig) -> String {
    let (url, request) = recording().await;
    let url = url.replace("http://", "http://me:secret@");
    let config = configure(ClientConfig::from_url(&url).unwrap().with_retries(0));
    T::client(&config).get_session_by_id(None, "1").await.unwrap_err();
    request.await.unwrap()
}

async fn a_header_of_the_configuration_is_sent<T: Network>() {
    let request = request::<T>(|config| {
        let key = HeaderValue::from_static("k1");
        config.with_header(HeaderName::from_static("x-api-key"), key)
    });
    assert_eq!(values(&request.await, "x-api-key"), ["k1"]);
}

async fn a_header_that_is_added_twice_is_sent_twice<T: Network>() {
    let request = request::<T>(|config| {
        config
            .with_header(ACCEPT_LANGUAGE, HeaderValue::from_static("de"))
            .with_header(ACCEPT_LANGUAGE, HeaderValue::from_static("en"))
    });
    assert_eq!(values(&request.await, "accept-language"), ["de", "en"]);
}

async fn credentials_of_the_address_are_sent_without_a_header_of_the_client<T: Network>() {
    let request = request::<T>(|config| config).await;
    assert_eq!(values(&request, "authorization"), ["Basic bWU6c2VjcmV0"]);
}

async fn an_authorization_header_replaces_the_credentials_of_the_address<T: Network>() {
    let request = request::<T>(|config| {
        config
            .with_header(AUTHORIZATION, HeaderValue::from_static("Bearer b1"))
            .with_header(USER_AGENT, HeaderValue::from_static("mine/1"))
    });
    let request = request.await;
    assert_eq!(values(&request, "authorization"), ["Bearer b1"]);
    assert_eq!(values(&request, "user-agent"), ["mine/1"]);
    assert_eq!(values(&request, "host").len(), 1);
}

async fn a_header_of_the_connection_is_rejected<T: Network>() {
    for name in ["content-length", "transfer-encoding", "connection", "proxy-authorization"] {
        let name = HeaderName::from_static(name);
        let config = ClientConfig::from_url("http://localhost").unwrap();
        let error = T::try_over(&config.with_header(name.clone(), HeaderValue::from_static("1")));
        let error = error.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

over_each_network! {
    a_header_of_the_configuration_is_sent
    a_header_that_is_added_twice_is_sent_twice
    credentials_of_the_address_are_sent_without_a_header_of_the_client
    an_authorization_header_replaces_the_credentials_of_the_address
    a_header_of_the_connection_is_rejected
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn a_passed_reqwest_client_sends_the_headers_of_the_configuration() {
    use sessions_client::{Policies, ReqwestTransport, SessionsHttpClientV1, Value};

    let (url, request) = recording().await;
    let config = ClientConfig::from_url(&url)
        .unwrap()
        .with_retries(0)
        .with_header(HeaderName::from_static("x-api-key"), HeaderValue::from_static("k1"));
    let transport = ReqwestTransport::with_client(reqwest::Client::new(), &config).unwrap();
    let client = SessionsHttpClientV1::<Value, Value, _>::new(Policies::new(transport, &config));
    client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(values(&request.await.unwrap(), "x-api-key"), ["k1"]);
}
