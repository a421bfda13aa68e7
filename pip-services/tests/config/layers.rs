//! Settings from several sources.

use super::message;
use pip_services::{ClientKind, ConfigParams};
use wiretrait::{ClientConfig, CorrelationPlace, Result};

fn params(pairs: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<ConfigParams> {
    let params = ConfigParams::new().with_pairs(pairs.iter().copied())?;
    params.with_environment("ORDERS", variables.iter().copied())
}

fn build(pairs: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<ClientConfig> {
    params(pairs, variables)?.build()
}

#[test]
fn each_key_of_a_later_source_replaces_the_earlier_one() {
    let config = build(
        &[("connection.host", "h"), ("connection.port", "81"), ("options.timeout", "5000")],
        &[("ORDERS_CONNECTION_PORT", "82")],
    )
    .unwrap();
    assert_eq!(config.base_url(), Some("http://h:82"));
    assert_eq!(config.timeout().as_secs(), 5);
}

#[test]
fn a_whole_address_replaces_all_keys_of_an_earlier_one() {
    for pairs in [
        &[("connection.host", "h"), ("connection.port", "81")][..],
        &[("connections.main.host", "h"), ("connections.spare.host", "h")],
        &[("connection.discovery_key", "orders")],
        &[("connection.uri", "http://earlier")],
    ] {
        let config = build(pairs, &[("ORDERS_URL", "http://later")]).unwrap();
        assert_eq!(config.base_url(), Some("http://later"));
    }
}

#[test]
fn contradictions_between_sources_name_both_origins() {
    assert_eq!(
        message(build(&[("connection.uri", "http://h")], &[("ORDERS_CONNECTION_PORT", "81")])),
        "`connection.uri` is the whole address; remove `connection.port` (ORDERS_CONNECTION_PORT)"
    );
    assert_eq!(
        message(build(&[("connections.main.host", "h")], &[("ORDERS_CONNECTION_PORT", "81")])),
        "`connection.port` (ORDERS_CONNECTION_PORT) contradicts `connections.main`; \
         use either `connection` or `connections`"
    );
    let pairs = [("connection.host", "h"), ("options.backoff", "3000")];
    assert_eq!(
        message(build(&pairs, &[("ORDERS_OPTIONS_MAX_BACKOFF", "2500")])),
        "`options.backoff` must not be longer than `options.max_backoff` (ORDERS_OPTIONS_MAX_BACKOFF)"
    );
}

#[test]
fn two_names_of_one_setting_replace_each_other() {
    let pairs = [("connection.host", "h"), ("options.correlation_id", "both")];
    let config = build(&pairs, &[("ORDERS_OPTIONS_CORRELATION_ID_PLACE", "headers")]).unwrap();
    assert_eq!(config.correlation_place(), CorrelationPlace::Headers);

    let pairs = [("connection.host", "h"), ("options.trace_id", "both")];
    let config = build(&pairs, &[("ORDERS_OPTIONS_CORRELATION_ID_PLACE", "headers")]).unwrap();
    assert_eq!((config.correlation_place(), config.correlation_name()), (CorrelationPlace::Headers, None));
    let pairs = [("connection.host", "h"), ("options.correlation_id", "both")];
    let config = build(&pairs, &[("ORDERS_OPTIONS_TRACE_ID_PLACE", "headers")]).unwrap();
    assert_eq!(config.correlation_place(), CorrelationPlace::Headers);
    assert!(config.correlation_name().is_some());

    let descriptor = ("descriptor", "service-orders:client:commandable-http:default:1.0");
    let params = params(&[descriptor], &[("ORDERS_KIND", "null")]).unwrap();
    assert_eq!(params.kind(&["service-orders"]).unwrap(), ClientKind::Null);
}

#[test]
fn no_proxy_replaces_an_earlier_proxy_and_its_exceptions() {
    let pairs = [("connection.host", "h"), ("proxy.url", "http://p:1"), ("proxy.no_proxy", "a")];
    let config = build(&pairs, &[("ORDERS_PROXY_URL", "none")]).unwrap();
    assert_eq!(format!("{:?}", config.proxy()), "Proxy(none)");
    // Another proxy keeps the exceptions.
    let other = params(&pairs, &[("ORDERS_PROXY_URL", "http://q:1")]).unwrap();
    assert!(other.settings().iter().any(|setting| setting.key() == "proxy.no_proxy"));
}

#[test]
fn an_unknown_key_is_an_error_even_if_a_later_source_would_replace_it() {
    let why = message(build(&[("connection.hots", "h")], &[("ORDERS_URL", "http://h")]));
    assert!(why.starts_with("`connection.hots` is not a known key"), "{why}");
}

#[test]
fn debug_output_has_keys_and_origins_but_no_values() {
    let params = params(&[("options.timeout", "12345")], &[("ORDERS_URL", "http://user:secret@h")]).unwrap();
    assert_eq!(format!("{params:?}"), "ConfigParams{`options.timeout`, `connection.uri` (ORDERS_URL)}");
}
