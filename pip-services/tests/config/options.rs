//! All keys but the address and the kind.

use super::{error, read};
use std::time::Duration;
use wiretrait::http::HeaderName;
use wiretrait::policy::RetryPolicy;
use wiretrait::{BaseRoute, CorrelationPlace};

const HOST: (&str, &str) = ("connection.host", "h");

#[test]
fn time_limits_are_in_milliseconds() {
    let config = read(&[
        HOST,
        ("options.connect_timeout", "250"),
        ("options.timeout", "1500"),
        ("options.deadline", "4000"),
        ("options.pool_idle_timeout", "30000"),
    ]);
    let millis = Duration::from_millis;
    assert_eq!(
        (config.connect_timeout(), config.timeout(), config.deadline()),
        (millis(250), millis(1500), millis(4000))
    );
    assert_eq!(config.pool_idle_timeout(), millis(30000));
}

#[test]
fn retries_do_not_include_the_first_attempt() {
    for (pairs, retries) in
        [(&[HOST][..], 2), (&[HOST, ("options.retries", "0")], 0), (&[HOST, ("options.retries", "7")], 7)]
    {
        assert_eq!(*read(pairs).retry_policy(), RetryPolicy::new().with_retries(retries));
    }
}

#[test]
fn delays_between_attempts_are_in_milliseconds() {
    let config = read(&[
        HOST,
        ("options.backoff", "0"),
        ("options.max_backoff", "250"),
        ("options.max_retry_after", "1000"),
    ]);
    let policy = RetryPolicy::new()
        .with_backoff(Duration::ZERO, Duration::from_millis(250))
        .with_max_retry_after(Duration::from_secs(1));
    assert_eq!(*config.retry_policy(), policy);
}

#[test]
fn backoff_longer_than_max_backoff_names_both_keys() {
    assert_eq!(
        error(&[HOST, ("options.backoff", "2"), ("options.max_backoff", "1")]),
        "`options.backoff` must not be longer than `options.max_backoff`"
    );
    assert_eq!(
        error(&[HOST, ("options.backoff", "3000")]),
        "`options.backoff` must not be longer than `options.max_backoff`, which is 2000 by default; set both"
    );
    assert_eq!(
        error(&[HOST, ("options.max_backoff", "50")]),
        "`options.max_backoff` must not be shorter than `options.backoff`, which is 100 by default; set both"
    );
}

#[test]
fn size_and_concurrency_have_limits() {
    let config = read(&[HOST, ("options.concurrency_limit", "64"), ("options.max_response_size", "4096")]);
    assert_eq!((config.concurrency_limit(), config.max_response_bytes()), (64, 4096));
}

#[test]
fn the_concurrency_limit_can_be_adaptive() {
    let config = read(&[HOST, ("options.concurrency_limit", "adaptive")]);
    assert!(config.has_adaptive_concurrency_limit());
    assert!(!read(&[HOST, ("options.concurrency_limit", "64")]).has_adaptive_concurrency_limit());
}

#[test]
fn a_base_route_replaces_the_prefix_of_the_contract() {
    assert_eq!(read(&[HOST]).base_route(), None);
    for (value, path) in [("v2/orders", "/v2/orders"), ("/v2/orders/", "/v2/orders"), ("/", "")] {
        assert_eq!(read(&[HOST, ("base_route", value)]).base_route().map(BaseRoute::as_str), Some(path));
    }
    for value in ["", "v1?x=1", "../v1", "v1/100%"] {
        let why = BaseRoute::parse(value).unwrap_err();
        assert_eq!(error(&[HOST, ("base_route", value)]), format!("`base_route` {why}"));
    }
}

#[test]
fn correlation_ids_travel_in_the_query_in_headers_or_in_both() {
    for key in ["options.correlation_id_place", "options.correlation_id"] {
        for (value, place) in [
            ("query", CorrelationPlace::Query),
            ("headers", CorrelationPlace::Headers),
            ("both", CorrelationPlace::Both),
        ] {
            assert_eq!(read(&[HOST, (key, value)]).correlation_place(), place);
        }
        let why = format!("`{key}` must be `query`, `headers` or `both`");
        assert_eq!(error(&[HOST, (key, "body")]), why);
    }
}

#[test]
fn the_newer_name_of_the_correlation_place_takes_precedence() {
    let (older, newer) = ("options.correlation_id_place", "options.correlation_id");
    let config = read(&[HOST, (newer, "both"), (older, "query")]);
    assert_eq!(config.correlation_place(), CorrelationPlace::Both);
    assert_eq!(
        error(&[HOST, (newer, "both"), (older, "body")]),
        "`options.correlation_id_place` must be `query`, `headers` or `both`"
    );
}

#[test]
fn correlation_ids_are_named_trace_id_by_the_keys_of_that_name() {
    assert_eq!(read(&[HOST, ("options.correlation_id", "both")]).correlation_name(), None);
    for key in ["options.trace_id_place", "options.trace_id"] {
        for (value, place) in [
            ("query", CorrelationPlace::Query),
            ("headers", CorrelationPlace::Headers),
            ("both", CorrelationPlace::Both),
        ] {
            let config = read(&[HOST, (key, value)]);
            assert_eq!(config.correlation_place(), place);
            assert_eq!(config.correlation_name().map(HeaderName::as_str), Some("trace_id"));
        }
        assert_eq!(
            error(&[HOST, (key, "traceparent")]),
            format!("`{key}` must be `query`, `headers` or `both`")
        );
    }
    let both = [HOST, ("options.trace_id", "both"), ("options.trace_id_place", "query")];
    assert_eq!(read(&both).correlation_place(), CorrelationPlace::Both, "the newer key takes precedence");
}

#[test]
fn two_names_of_correlation_ids_must_agree_on_their_place() {
    let config = read(&[HOST, ("options.correlation_id_place", "headers"), ("options.trace_id", "headers")]);
    assert_eq!(config.correlation_place(), CorrelationPlace::Headers);
    assert_eq!(config.correlation_name().map(HeaderName::as_str), Some("trace_id"));
    assert_eq!(
        error(&[HOST, ("options.correlation_id_place", "headers"), ("options.trace_id", "query")]),
        "`options.trace_id` contradicts `options.correlation_id_place`: both say where correlation ids \
         are sent; remove one of them"
    );
    assert_eq!(
        error(&[HOST, ("options.correlation_id", "both"), ("options.trace_id_place", "query")]),
        "`options.trace_id_place` contradicts `options.correlation_id`: both say where correlation ids \
         are sent; remove one of them"
    );
}

#[test]
fn an_invalid_number_is_an_error_with_the_valid_values() {
    let (millis, positive) =
        ("must be a whole number of milliseconds", "must be a whole number of milliseconds above 0");
    for (key, value, why) in [
        ("options.connect_timeout", "5s", positive),
        ("options.timeout", "0", positive),
        ("options.deadline", "0", positive),
        ("options.pool_idle_timeout", "-5", positive),
        ("options.retries", "-1", "must be a whole number, 0 for no retries"),
        ("options.retries", "for ever", "must be a whole number, 0 for no retries"),
        ("options.backoff", "-1", millis),
        ("options.max_backoff", "1.5", millis),
        ("options.max_retry_after", "", millis),
        ("options.concurrency_limit", "0", "must be a whole number above 0, or `adaptive`"),
        ("options.concurrency_limit", "auto", "must be a whole number above 0, or `adaptive`"),
        ("options.max_response_size", "0", "must be a whole number of bytes above 0"),
    ] {
        assert_eq!(error(&[HOST, (key, value)]), format!("`{key}` {why}"), "{value}");
    }
}

#[test]
fn keys_without_effect_in_the_official_clients_are_ignored() {
    let config = read(&[
        HOST,
        ("credential.internal_network", "true"),
        ("options.request_max_size", "1048576"),
        ("options.debug", "true"),
    ]);
    assert_eq!(format!("{config:?}"), format!("{:?}", read(&[HOST])));
}

#[test]
fn an_unsupported_key_is_an_error_with_the_remedy() {
    for (key, why) in [
        (
            "credential.store_key",
            "is not supported: this client has no credential store; remove the key, as `https` needs no credential",
        ),
        (
            "options.invoke_timeout",
            "has no effect in any client; use `options.timeout` for one attempt, or `options.deadline` for a whole call",
        ),
    ] {
        assert_eq!(error(&[HOST, (key, "1")]), format!("`{key}` {why}"));
    }
}

/// The keys in the order of the documented table.
const KNOWN: &str = "The known keys are `kind`, `descriptor`, `connection.uri`, `connection.protocol`, \
    `connection.host`, `connection.port`, `connection.resolve`, `base_route`, `headers.<name>`, \
    `credential.username`, `credential.password`, `credential.token`, `credential.token_file`, \
    `credential.token_command`, `credential.token_url`, `credential.client_id`, `credential.client_secret`, \
    `credential.scope`, `credential.allow_http`, `credential.ssl_ca_file`, `credential.ssl_crt_file`, \
    `credential.ssl_key_file`, `credential.insecure`, `proxy.url`, `proxy.no_proxy`, `options.connect_timeout`, \
    `options.timeout`, `options.deadline`, `options.retries`, `options.backoff`, `options.max_backoff`, \
    `options.max_retry_after`, `options.concurrency_limit`, `options.pool_idle_timeout`, \
    `options.max_connection_age`, `options.spread_addresses`, `options.http_version`, `options.compression`, \
    `options.max_response_size`, `options.correlation_id_place`, `options.correlation_id`, \
    `options.trace_id_place`, `options.trace_id`";

#[test]
fn an_unknown_key_is_an_error_that_lists_the_known_ones() {
    assert_eq!(
        error(&[("connection.hots", "h")]),
        format!("`connection.hots` is not a known key: did you mean `connection.host`? {KNOWN}")
    );
    assert_eq!(error(&[("colour", "red")]), format!("`colour` is not a known key. {KNOWN}"));
}
