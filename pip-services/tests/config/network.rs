//! Headers, certificates, proxy, replaced addresses, and several instances.

use super::{error, read};
use pip_services::ConfigParams;
use std::net::IpAddr;
use std::time::Duration;
use wiretrait::HttpVersion;

const HOST: (&str, &str) = ("connection.uri", "http://h");

#[test]
fn headers_are_sent_with_sensitive_values() {
    let config = read(&[HOST, ("headers.X-Api-Key", " abc "), ("headers.x-tenant", "acme")]);
    assert_eq!(config.headers()["x-api-key"], "abc");
    assert_eq!(config.headers()["x-tenant"], "acme");
    assert!(config.headers().values().all(http::HeaderValue::is_sensitive));
}

#[test]
fn a_variable_names_a_header_with_underscores() {
    let variables = [("ORDERS_URL", "http://h"), ("ORDERS_HEADERS_X_API_KEY", "abc")];
    let config = ConfigParams::new().with_environment("ORDERS", variables).unwrap().build().unwrap();
    assert_eq!(config.headers()["x-api-key"], "abc");
}

#[test]
fn the_user_agent_is_a_header_like_others() {
    let config = read(&[HOST, ("headers.user-agent", "probe/1")]);
    assert_eq!(config.user_agent(), Some("probe/1"));
    assert!(config.headers().is_empty());
}

#[test]
fn headers_that_the_client_sets_are_errors_with_the_reason() {
    for (name, why) in [
        ("content-length", "the client knows the length of its requests"),
        ("Transfer-Encoding", "the client knows the length of its requests"),
        ("host", "it is the host of the address; use `connection.resolve` to send requests elsewhere"),
        ("proxy-authorization", "write the credentials of the proxy into `proxy.url`"),
    ] {
        let key = format!("headers.{name}");
        let expected = format!("`{}` cannot be set: {why}", key.to_ascii_lowercase());
        assert_eq!(error(&[HOST, (&key, "x")]), expected);
    }
}

#[test]
fn invalid_headers_are_errors_without_their_value() {
    let why = error(&[HOST, ("headers.x", "s3cret\r\nevil: 1")]);
    assert_eq!(why, "`headers.x` must be a valid header value: no line ends or other control characters");
    let why = error(&[HOST, ("headers.a b", "x")]);
    assert_eq!(why, "`headers.a b` does not end with a valid name of a header, such as `headers.x-api-key`");
    assert_eq!(error(&[HOST, ("headers.x", "1"), ("headers.X", "2")]), "`headers.x` is given twice");
}

#[test]
fn certificates_are_read_from_files() {
    let config = read(&[
        HOST,
        ("credential.ssl_ca_file", "ca.pem"),
        ("credential.ssl_crt_file", "me.pem"),
        ("credential.ssl_key_file", "me.key"),
        ("credential.insecure", "true"),
    ]);
    assert_eq!(config.tls().ca()[0].to_string(), "ca.pem");
    let (certificate, key) = config.tls().client_certificate().unwrap();
    assert_eq!((certificate.to_string(), key.to_string()), ("me.pem".to_owned(), "me.key".to_owned()));
    assert!(config.tls().is_insecure());
    assert!(!read(&[HOST, ("credential.insecure", "false")]).tls().is_insecure());
}

#[test]
fn a_certificate_without_its_key_is_an_error_and_the_reverse() {
    assert_eq!(
        error(&[HOST, ("credential.ssl_key_file", "k")]),
        "`credential.ssl_key_file` needs `credential.ssl_crt_file`, its certificate"
    );
    assert_eq!(
        error(&[HOST, ("credential.ssl_crt_file", "c")]),
        "`credential.ssl_crt_file` needs `credential.ssl_key_file`, its private key; if the file has both, \
         set both keys to it"
    );
}

#[test]
fn a_proxy_is_set_with_the_hosts_that_it_does_not_serve() {
    let shown = |pairs: &[(&str, &str)]| format!("{:?}", read(&[&[HOST], pairs].concat()).proxy());
    assert_eq!(shown(&[]), "Proxy(environment)");
    assert_eq!(shown(&[("proxy.url", "none")]), "Proxy(none)");
    let proxy = shown(&[("proxy.url", "http://me:s3cret@p:3128"), ("proxy.no_proxy", "a,b")]);
    assert!(proxy.contains("3128") && !proxy.contains("s3cret"), "{proxy}");
}

#[test]
fn mistakes_about_the_proxy_are_errors() {
    let why = error(&[HOST, ("proxy.url", "ftp://me:s3cret@p")]);
    assert!(why.starts_with("`proxy.url` has the scheme `ftp`") && !why.contains("s3cret"), "{why}");
    assert_eq!(
        error(&[HOST, ("proxy.no_proxy", "a")]),
        "`proxy.no_proxy` needs `proxy.url`; for the proxy of the environment, set the variable `NO_PROXY`"
    );
    assert_eq!(
        error(&[HOST, ("proxy.url", "none"), ("proxy.no_proxy", "a")]),
        "`proxy.no_proxy` has no effect, because `proxy.url` is `none`; remove it"
    );
}

#[test]
fn a_wildcard_that_excludes_no_host_is_an_error() {
    let proxy = |hosts| [HOST, ("proxy.url", "http://p:3128"), ("proxy.no_proxy", hosts)];
    for hosts in ["10.*", "a, 192.168.* b", "*.corp.*", "*corp", "**", "a*b"] {
        assert_eq!(
            error(&proxy(hosts)),
            "`proxy.no_proxy` has a `*` that excludes nothing: write a network such as `10.0.0.0/8`, a domain such as \
             `.corp.example`, or a single `*` for all hosts",
            "{hosts}"
        );
    }
    for hosts in ["*", "*:8080", "*.corp", "a, *.corp.example:8080", "10.0.0.0/8"] {
        read(&proxy(hosts));
    }
}

#[test]
fn addresses_replace_those_of_the_name_service() {
    let config =
        read(&[("connection.uri", "https://h"), ("connection.resolve", "h:443:10.0.0.1,::1 other:80:[::2]")]);
    let addresses = |list: &[&str]| list.iter().map(|one| one.parse().unwrap()).collect::<Vec<IpAddr>>();
    assert_eq!(config.resolved("H", 443), Some(&addresses(&["10.0.0.1", "::1"])[..]));
    assert_eq!(config.resolved("other", 80), Some(&addresses(&["::2"])[..]));
    assert_eq!(config.resolved("h", 80), None);
    for wrong in [
        "h",
        "h:443",
        "h:443:",
        "h:0:10.0.0.1",
        "h:443:name",
        ":443:10.0.0.1",
        "h:443:10.0.0.1,",
        "-h:443",
        "+:443:10.0.0.1",
        "++h:443:10.0.0.1",
        "*.h:443:10.0.0.1",
    ] {
        let why = error(&[HOST, ("connection.resolve", wrong)]);
        assert!(why.starts_with("`connection.resolve` must be `host:port:address`, such as "), "{why}");
    }
}

#[test]
fn addresses_are_replaced_in_all_forms_of_curl() {
    let config =
        read(&[HOST, ("connection.resolve", "*:443:10.0.0.1 +h:80:10.0.0.2 h:443:10.0.0.3 +*:81:10.0.0.4")]);
    for (host, port, address) in [
        ("any.example", 443, "10.0.0.1"),
        ("h", 80, "10.0.0.2"),
        ("h", 443, "10.0.0.3"),
        ("other", 81, "10.0.0.4"),
    ] {
        assert_eq!(config.resolved(host, port), Some(&[address.parse().unwrap()][..]), "{host}:{port}");
    }
    for (host, port) in [("other", 80), ("10.0.0.9", 443), ("::1", 443), ("[::1]", 443)] {
        assert_eq!(config.resolved(host, port), None, "{host}:{port}");
    }
}

#[test]
fn addresses_for_another_port_of_a_host_are_an_error() {
    let why = |port| {
        format!("`connection.resolve` has another port for `h` than its URL: write `h:{port}:address`")
    };
    let resolve = ("connection.resolve", "h:443:10.0.0.1 other:1:10.0.0.2");
    for (uri, proxy, port) in [
        ("http://H:8080/a", "none", 8080),
        ("http://user:password@h", "none", 80),
        ("https://service", "http://user:password@h:3128", 3128),
        ("https://service", "socks5://h", 1080),
    ] {
        assert_eq!(error(&[("connection.uri", uri), ("proxy.url", proxy), resolve]), why(port));
    }
}

#[test]
fn addresses_of_other_hosts_and_further_ports_are_allowed() {
    for resolve in ["other:443:10.0.0.1", "h:443:10.0.0.1 h:80:10.0.0.1", "h:3128:10.0.0.1", "*:443:10.0.0.1"]
    {
        read(&[HOST, ("connection.resolve", resolve), ("proxy.url", "http://h:3128")]);
    }
}

#[test]
fn a_whole_address_keeps_replaced_addresses() {
    let earlier = [("connection.host", "h"), ("connection.resolve", "h:80:10.0.0.1")];
    let params = ConfigParams::new().with_pairs(earlier).unwrap().with_pairs([HOST]).unwrap();
    assert!(params.build().unwrap().resolved("h", 80).is_some());
}

#[test]
fn several_connections_are_used_in_their_order() {
    let config = read(&[
        ("connections.found.discovery_key", "orders"),
        ("connections.found.host", "elsewhere"),
        ("connections.main.host", "main"),
        ("connections.spare.uri", "http://spare"),
        ("connections.main.port", "81"),
    ]);
    assert_eq!(config.base_url(), Some("http://main:81"));
    assert_eq!(config.fallback_urls(), ["http://spare"]);
    assert!(error(&[("connections.main.resolve", "h:80:::1")]).contains("is not a known key"));
}

#[test]
fn connections_have_a_version_an_age_and_a_spread() {
    let config = read(&[HOST]);
    assert_eq!(config.http_version(), HttpVersion::Http1);
    assert!(!config.accepts_compression() && !config.spreads_addresses());
    let config = read(&[
        HOST,
        ("options.compression", "true"),
        ("options.max_connection_age", "5000"),
        ("options.spread_addresses", "true"),
    ]);
    assert!(config.accepts_compression() && config.spreads_addresses());
    assert_eq!(config.max_connection_age(), Duration::from_secs(5));
    for (key, why) in [
        ("options.http_version", "must be `1.1` or `2`"),
        ("options.compression", "must be `true` or `false`"),
        ("options.spread_addresses", "must be `true` or `false`"),
        ("credential.insecure", "must be `true` or `false`"),
        ("options.max_connection_age", "must be a whole number of milliseconds above 0"),
    ] {
        assert_eq!(error(&[HOST, (key, "maybe")]), format!("`{key}` {why}"));
    }
}

#[test]
fn the_version_of_http_needs_its_feature() {
    let pairs = [HOST, ("options.http_version", "2")];
    if cfg!(feature = "http2") {
        assert_eq!(read(&pairs).http_version(), HttpVersion::Http2);
    } else {
        let why = error(&pairs);
        assert!(why.starts_with("`options.http_version` needs the feature `http2`"), "{why}");
    }
}
