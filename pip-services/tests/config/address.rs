//! The address: a URL, its parts, or one of several connections.

use super::{error, read};
use wiretrait::address::check_url;

const ONLY_HOST: &str = "must be only a host name or an IP address; use `connection.port` for the port";
const MISSING: &str = "`connection.uri` is missing; set it, or `connection.host` and `connection.port`";
const NO_DISCOVERY: &str = "is not supported: this client has no service discovery; \
                            look the address up and set `connection.uri`";

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
        (&[("connection.host", "[::1]"), ("connection.port", "1")], "http://[::1]:1"),
        (&[("connection.host", "order_service"), ("connection.port", "1")], "http://order_service:1"),
    ] {
        assert_eq!(read(pairs).base_url(), Some(url));
    }
}

#[test]
fn a_uri_is_the_whole_address_including_credentials_and_path() {
    for (uri, url) in [
        ("http://h:1/proxy/", "http://h:1/proxy"),
        ("http://u:p@h", "http://u:p@h"),
        ("https://u:p@[::1]:443/x", "https://u:p@[::1]:443/x"),
    ] {
        assert_eq!(read(&[("connection.uri", uri)]).base_url(), Some(url));
    }
}

#[test]
fn an_invalid_uri_is_an_error_with_the_reason() {
    for uri in ["", "h:80", "ftp://h", "http://u:s3cret@h:x", "http://999.1.1.1", "http://h/?q=1"] {
        let why = check_url(uri).unwrap_err();
        assert_eq!(error(&[("connection.uri", uri)]), format!("`connection.uri` {why}"));
    }
}

#[test]
fn an_invalid_part_is_an_error_with_the_valid_values() {
    for (key, value, why) in [
        ("connection.protocol", "ftp", "must be `http` or `https`"),
        ("connection.port", "0", "must be a whole number from 1 to 65535"),
        ("connection.port", "eighty", "must be a whole number from 1 to 65535"),
        ("connection.host", "", ONLY_HOST),
        ("connection.host", "a/b", ONLY_HOST),
        ("connection.host", "a b", ONLY_HOST),
        ("connection.host", "a?b", ONLY_HOST),
        ("connection.host", "a\\b", ONLY_HOST),
        ("connection.host", "[h]", ONLY_HOST),
        ("connection.host", "::g", ONLY_HOST),
        ("connection.host", "localhost:8080", ONLY_HOST),
        ("connection.host", "http://h", "is a URL; use `connection.uri` for it"),
        (
            "connection.host",
            "user:s3cret@h",
            "has credentials; use `connection.uri` for the whole address, and percent-encode them",
        ),
    ] {
        let mut pairs = vec![(key, value)];
        if key != "connection.host" {
            pairs.push(("connection.host", "h"));
        }
        assert_eq!(error(&pairs), format!("`{key}` {why}"), "{value}");
    }
}

#[test]
fn hosts_that_no_url_can_have_are_errors() {
    for (host, in_url) in [
        ("fe80::1%eth0", "[fe80::1%eth0]"),
        ("b\u{fc}cher.example", "b\u{fc}cher.example"),
        ("999.1.1.1", "999.1.1.1"),
    ] {
        let why = check_url(&format!("http://{in_url}:3000")).unwrap_err();
        assert_eq!(error(&[("connection.host", host)]), format!("`connection.host` {why}"));
    }
    assert!(error(&[("connection.host", "fe80::1%eth0")]).contains("zone"));
    assert!(error(&[("connection.host", "b\u{fc}cher.example")]).contains("Punycode"));
}

#[test]
fn an_address_is_required_and_given_only_once() {
    assert_eq!(error(&[("options.timeout", "1")]), MISSING);
    assert_eq!(error(&[("connection.protocol", "https")]), MISSING);
    assert_eq!(
        error(&[("connection.uri", "http://h"), ("connection.host", "h"), ("connection.port", "1")]),
        "`connection.uri` is the whole address; remove `connection.host` and `connection.port`"
    );
    assert_eq!(
        error(&[("connection.host", "a"), ("connection.host", "b")]),
        "`connection.host` is given twice"
    );
}

#[test]
fn mistakes_in_several_connections_are_errors() {
    assert_eq!(
        error(&[("connections.main.host", "h"), ("connection.port", "81")]),
        "`connection.port` contradicts `connections.main`; use either `connection` or `connections`"
    );
    assert_eq!(
        error(&[("connections.main.port", "0")]),
        "`connections.main.port` must be a whole number from 1 to 65535"
    );
    let misspelled = error(&[("connections.main.hots", "h")]);
    let expected = "`connections.main.hots` is not a known key: did you mean `connections.main.host`? ";
    assert!(misspelled.starts_with(expected), "{misspelled}");
    assert!(error(&[("connections.host", "h")]).starts_with("`connections.host` is not a known key"));
}

#[test]
fn service_discovery_is_not_supported() {
    for key in ["connection.discovery_key", "connections.main.discovery_key"] {
        assert_eq!(error(&[(key, "orders")]), format!("`{key}` {NO_DISCOVERY}"));
    }
}

#[test]
fn an_ip_is_ignored_only_next_to_a_host() {
    let host = [("connection.host", "h"), ("connection.ip", "10.0.0.1")];
    assert_eq!(read(&host).base_url(), Some("http://h:3000"));
    assert_eq!(error(&[("connection.ip", "::1")]), "`connection.ip` has no effect; use `connection.host`");
    assert_eq!(
        error(&[("connections.main.ip", "::1")]),
        "`connections.main.ip` has no effect; use `connections.main.host`"
    );
}
