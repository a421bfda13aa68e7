//! The keys of the official clients, and ours in their style.

use super::{message, read, refused};
use sessions_client::policy::RetryPolicy;
use sessions_client::{ClientConfig, ClientKind, CorrelationPlace};
use std::time::Duration;

#[test]
fn protocol_host_and_port_make_the_address() {
    for (pairs, url) in [
        (&[("connection.host", "h")][..], "http://h:3000"),
        (&[("connection.port", "8080")], "http://localhost:8080"),
        (
            &[("connection.protocol", "https"), ("connection.host", "h"), ("connection.port", "443")],
            "https://h:443",
        ),
        (&[("connection.host", "::1"), ("connection.port", "1")], "http://[::1]:1"),
        (&[("connection.uri", "http://h:1/proxy/")], "http://h:1/proxy"),
    ] {
        assert_eq!(ClientConfig::from_pairs(pairs.iter().copied()).unwrap().base_url(), Some(url));
    }
}

#[test]
fn repeats_are_counted_without_the_first_attempt() {
    for (pairs, retries) in [
        (&[("connection.host", "h")][..], 2),
        (&[("connection.host", "h"), ("options.retries", "0")], 0),
        (&[("connection.host", "h"), ("options.retries", "7")], 7),
    ] {
        let config = ClientConfig::from_pairs(pairs.iter().copied()).unwrap();
        assert_eq!(*config.retry_policy(), RetryPolicy::new().with_retries(retries));
    }
}

#[test]
fn the_place_of_correlation_ids_is_one_of_three() {
    for (value, place) in [
        ("query", CorrelationPlace::Query),
        ("headers", CorrelationPlace::Headers),
        ("both", CorrelationPlace::Both),
    ] {
        let config =
            ClientConfig::from_pairs([("connection.host", "h"), ("options.correlation_id_place", value)]);
        assert_eq!(config.unwrap().correlation_place(), place);
    }
}

#[test]
fn a_key_that_is_not_known_is_named_with_those_that_are() {
    assert!(refused(&[("connection.hots", "h")]).starts_with(
        "`connection.hots` is not a known key: did you mean `connection.host`? There are `kind`, "
    ));
    assert!(refused(&[("colour", "red")]).starts_with("`colour` is not a known key: There are "));
}

const ALONE: &str = "must be a host name or an IP address alone: the port goes into `connection.port`";

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    for (key, value, why) in [
        ("connection.protocol", "ftp", "must be `http` or `https`"),
        ("connection.host", "a/b", ALONE),
        ("connection.host", "", ALONE),
        ("connection.host", "localhost:8080", ALONE),
        ("connection.port", "0", "must be a whole number from 1 to 65535"),
        ("connection.port", "eighty", "must be a whole number from 1 to 65535"),
        ("options.timeout", "0", "must be a whole number of milliseconds above 0"),
        ("options.retries", "-1", "must be a whole number, 0 for none"),
        ("options.retries", "for ever", "must be a whole number, 0 for none"),
        ("options.connect_timeout", "5s", "must be a whole number of milliseconds above 0"),
        ("options.deadline", "0", "must be a whole number of milliseconds above 0"),
        ("options.concurrency_limit", "0", "must be a whole number above 0"),
        ("options.max_response_size", "0", "must be a whole number of bytes above 0"),
        ("options.backoff", "-1", "must be a whole number of milliseconds, 0 for none"),
        ("options.max_backoff", "1.5", "must be a whole number of milliseconds, 0 for none"),
        ("options.max_retry_after", "", "must be a whole number of milliseconds, 0 for none"),
        ("options.correlation_id_place", "body", "must be `query`, `headers` or `both`"),
    ] {
        let mut pairs = vec![(key, value)];
        if key != "connection.host" {
            pairs.push(("connection.host", "h"));
        }
        assert_eq!(refused(&pairs), format!("`{key}` {why}"));
    }
}

#[test]
fn a_host_that_cannot_be_called_is_refused_with_what_to_write() {
    let zone =
        "has an IPv6 address with a zone, which is not supported: write it without `%` and what follows";
    let punycode = "has a host that is not ASCII: write it in Punycode, like `xn--bcher-kva.example`";
    for (host, why) in [
        ("fe80::1%eth0", zone),
        ("http://h", "is a whole URL: write it into `connection.uri`"),
        (
            "user:s3cret@h",
            "has credentials: write the whole address into `connection.uri`, with them percent-encoded",
        ),
        ("b\u{fc}cher.example", punycode),
        ("999.1.1.1", "has a host of digits and dots that is no IPv4 address"),
    ] {
        assert_eq!(refused(&[("connection.host", host)]), format!("`connection.host` {why}"));
    }
    for (url, why) in [
        ("http://b\u{fc}cher.example/x", punycode),
        ("http://u:s3cret/ss@h", "has a password with a `/`, `?` or `#` in it: percent-encode it"),
        ("http://u:s3cret#@h", "has a password with a `/`, `?` or `#` in it: percent-encode it"),
        ("http://999.1.1.1", "has a host of digits and dots that is no IPv4 address"),
        ("http://[fe80::1%25eth0]", zone),
        ("http://[::g]", "has a host in brackets that is no IPv6 address"),
    ] {
        assert_eq!(message(ClientConfig::from_url(url)), format!("`url` {why}"));
    }
    for url in
        ["http://127.0.0.1", "http://[::1]:80", "http://h:80/a@b", "http://h/a:b@c", "http://1.example"]
    {
        assert_eq!(ClientConfig::from_url(url).unwrap().base_url(), Some(url));
    }
}

#[test]
fn an_address_given_twice_or_not_at_all_is_refused() {
    assert_eq!(
        refused(&[("options.timeout", "1")]),
        "`connection.uri` is missing: give it, or `connection.host` and `connection.port`"
    );
    assert_eq!(
        refused(&[("connection.uri", "http://h"), ("connection.port", "1")]),
        "`connection.uri` is the whole address: drop `connection.port`"
    );
    assert_eq!(
        refused(&[("connection.host", "a"), ("connection.host", "b")]),
        "`connection.host` is given twice"
    );
}

#[test]
fn credentials_may_stand_before_a_host_with_and_without_a_port() {
    for url in ["http://u:p@h", "https://u:p@h:443/x", "http://u@[::1]", "http://u:p@[::1]:80"] {
        assert_eq!(ClientConfig::from_url(url).unwrap().base_url(), Some(url));
    }
    assert_eq!(
        refused(&[("connection.uri", "http://u:p@h:x")]),
        "`connection.uri` has a port that is no whole number from 1 to 65535"
    );
}

#[test]
fn times_are_milliseconds() {
    let config = read(&[
        ("connection.host", "h"),
        ("options.connect_timeout", "250"),
        ("options.timeout", "1500"),
        ("options.deadline", "4000"),
    ]);
    let millis = Duration::from_millis;
    assert_eq!(
        (config.connect_timeout(), config.timeout(), config.deadline()),
        (millis(250), millis(1500), millis(4000))
    );
}

#[test]
fn our_own_keys_reach_the_limits_of_size_and_concurrency_and_the_pauses() {
    let config = read(&[
        ("connection.host", "h"),
        ("options.concurrency_limit", "64"),
        ("options.max_response_size", "4096"),
        ("options.backoff", "0"),
        ("options.max_backoff", "250"),
        ("options.max_retry_after", "1000"),
    ]);
    assert_eq!((config.concurrency_limit(), config.max_response_bytes()), (64, 4096));
    let policy = RetryPolicy::new()
        .with_backoff(Duration::ZERO, Duration::from_millis(250))
        .with_max_retry_after(Duration::from_secs(1));
    assert_eq!(*config.retry_policy(), policy);
}

#[test]
fn of_several_connections_the_first_without_discovery_is_taken() {
    let config = read(&[
        ("connections.found.discovery_key", "sessions"),
        ("connections.found.host", "elsewhere"),
        ("connections.main.host", "main"),
        ("connections.spare.uri", "http://spare"),
        ("connections.main.port", "81"),
    ]);
    assert_eq!(config.base_url(), Some("http://main:81"));
}

#[test]
fn connections_that_contradict_or_cannot_be_found_are_refused() {
    assert_eq!(
        refused(&[("connections.main.host", "h"), ("connection.port", "81")]),
        "`connection.port` contradicts `connections.main`: give one connection, or several"
    );
    let no_discovery =
        "is not supported: there is no discovery here. Look the address up, and give it as `connection.uri`";
    for key in ["connection.discovery_key", "connections.main.discovery_key"] {
        assert_eq!(refused(&[(key, "sessions")]), format!("`{key}` {no_discovery}"));
    }
    assert_eq!(
        refused(&[("connections.main.port", "0")]),
        "`connections.main.port` must be a whole number from 1 to 65535"
    );
    assert!(
        refused(&[("connections.main.hots", "h")])
            .starts_with("`connections.main.hots` is not a known key: did you mean `connections.main.host`?")
    );
    assert!(refused(&[("connections.host", "h")]).starts_with("`connections.host` is not a known key: "));
}

#[test]
fn what_works_with_the_official_clients_without_effect_works_here() {
    let config = read(&[
        ("connection.protocol", "https"),
        ("connection.host", "h"),
        ("connection.ip", "10.0.0.1"),
        ("connection.port", "443"),
        ("credential.ssl_key_file", "key.pem"),
        ("credential.ssl_crt_file", "crt.pem"),
        ("credential.internal_network", "true"),
        ("options.request_max_size", "1048576"),
        ("options.debug", "true"),
    ]);
    assert_eq!(config.base_url(), Some("https://h:443"));
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do_instead() {
    assert_eq!(
        refused(&[("connection.ip", "::1")]),
        "`connection.ip` has no effect: write `connection.host`"
    );
    for (key, why) in [
        (
            "credential.store_key",
            "is not supported: there is no credential store here. Drop it: `https` needs no credential",
        ),
        (
            "options.invoke_timeout",
            "does nothing in any client: write `options.timeout` for one attempt, or `options.deadline` for a whole call",
        ),
    ] {
        assert_eq!(refused(&[("connection.host", "h"), (key, "1")]), format!("`{key}` {why}"));
    }
}

#[test]
fn options_correlation_id_goes_before_its_place_and_both_are_checked() {
    let host = ("connection.host", "h");
    let (place, id) = ("options.correlation_id_place", "options.correlation_id");
    assert_eq!(read(&[host, (id, "both"), (place, "query")]).correlation_place(), CorrelationPlace::Both);
    assert_eq!(
        refused(&[host, (id, "both"), (place, "body")]),
        "`options.correlation_id_place` must be `query`, `headers` or `both`"
    );
    assert_eq!(
        refused(&[host, (id, "yes")]),
        "`options.correlation_id` must be `query`, `headers` or `both`"
    );
}

#[test]
fn a_kind_needs_an_address_only_if_it_calls_one() {
    assert_eq!(read(&[("kind", "memory")]).kind(), ClientKind::Memory);
    assert_eq!(read(&[("kind", "memory")]).base_url(), None);
    assert_eq!(read(&[("connection.host", "h")]).kind(), ClientKind::Http);
    assert_eq!(
        refused(&[("kind", "http")]),
        "`connection.uri` is missing: give it, or `connection.host` and `connection.port`"
    );
}

#[test]
fn kind_and_descriptor_may_not_contradict() {
    let descriptor = ("descriptor", "service-sessions:client:mock:default:1.0");
    assert_eq!(read(&[("kind", "memory"), descriptor]).kind(), ClientKind::Memory);
    assert_eq!(
        refused(&[("kind", "null"), descriptor]),
        "`kind` is `null`, and `descriptor` is `memory`: drop one of them"
    );
    assert!(refused(&[("descriptor", "nul")]).starts_with(
        "`descriptor` is no kind of client: did you mean `null`? There are `http`, `direct`, `memory`, `null`"
    ));
}
