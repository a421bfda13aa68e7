//! User name and password, and contradictions between ways to authenticate.

use super::{error, read};
use pip_services::ConfigParams;

const HOST: (&str, &str) = ("connection.uri", "http://h");

#[test]
fn user_name_and_password_make_a_header() {
    let config = read(&[HOST, ("credential.username", "ann"), ("credential.password", "s3cret")]);
    assert_eq!(config.headers()["authorization"], "Basic YW5uOnMzY3JldA==");
    assert!(config.headers()["authorization"].is_sensitive());
    let config = read(&[HOST, ("credential.username", "ann")]);
    assert_eq!(config.headers()["authorization"], "Basic YW5uOg==");
}

#[test]
fn incomplete_and_invalid_credentials_are_errors() {
    assert_eq!(
        error(&[HOST, ("credential.password", "s3cret")]),
        "`credential.password` needs `credential.username`"
    );
    assert_eq!(
        error(&[HOST, ("credential.username", "a:b")]),
        "`credential.username` must not contain `:`, which separates it from the password"
    );
}

#[test]
fn two_ways_to_authenticate_in_one_source_are_an_error() {
    assert_eq!(
        error(&[HOST, ("headers.authorization", "x"), ("credential.username", "ann")]),
        "`credential.username` contradicts `headers.authorization`; remove one of them"
    );
    assert_eq!(
        error(&[("connection.uri", "http://a:s3cret@h"), ("credential.username", "ann")]),
        "`credential.username` contradicts the credentials in `connection.uri`; remove one of them"
    );
    // An `@` in the path is not a credential.
    read(&[("connection.uri", "http://h/a@b"), ("credential.username", "ann")]);
}

#[test]
fn a_later_way_to_authenticate_replaces_an_earlier_one() {
    let file = [HOST, ("headers.authorization", "x")];
    let params = ConfigParams::new().with_pairs(file).unwrap();
    let params = params.with_flags([("--user", "credential.username", "ann")]).unwrap();
    assert_eq!(params.build().unwrap().headers()["authorization"], "Basic YW5uOg==");
}

#[test]
fn credentials_in_the_address_replace_and_are_replaced_by_another_way() {
    let build = |file: &[(&str, &str)], flags: &[(&str, &str)]| {
        let params = ConfigParams::new().with_pairs(file.iter().copied()).unwrap();
        let variables = [("ORDERS_HEADERS_X", "1"), ("USER", "bob"), ("PW", "p/w")];
        let params = params.with_environment("ORDERS", variables).unwrap();
        params.with_flags(flags.iter().map(|(key, value)| ("--flag", key, value))).unwrap().build().unwrap()
    };
    let uri = ("connection.uri", "https://a:s3cret@h/@x");
    let config = build(&[uri], &[("credential.username", "ann")]);
    assert_eq!(config.headers()["authorization"], "Basic YW5uOg==");
    assert_eq!(config.base_url(), Some("https://h/@x"));
    let config = build(&[("connections.b.uri", uri.1)], &[("credential.token", "abc")]);
    assert_eq!(config.base_url(), Some("https://h/@x"));
    let later = ("connection.uri", "https://${USER}:${PW}@h");
    for file in [
        &[HOST, ("credential.username", "ann"), ("credential.password", "s3cret")][..],
        &[HOST, ("credential.token_command", "true")],
        &[HOST, ("headers.authorization", "x")],
    ] {
        let config = build(file, &[later]);
        assert_eq!(config.base_url(), Some("https://bob:p%2Fw@h"));
        assert!(config.tokens().is_none() && !config.headers().contains_key("authorization"));
    }
    // An address without credentials keeps them.
    let config = build(&[HOST, ("credential.username", "ann")], &[("connection.uri", "https://h/@")]);
    assert!(config.headers().contains_key("authorization"));
}

#[test]
fn each_source_of_a_token_has_a_key() {
    let https = ("connection.uri", "https://h");
    for (key, value, name) in [
        ("credential.token", "abc", "the configuration"),
        ("credential.token_file", "/run/token", "/run/token"),
        ("credential.token_command", "print-token --now", "the command `print-token`"),
    ] {
        let config = read(&[https, (key, value)]);
        assert!(config.tokens().unwrap().name().contains(name), "{}", config.tokens().unwrap().name());
    }
    let config = read(&[
        https,
        ("credential.token_url", "https://login/token"),
        ("credential.client_id", "me"),
        ("credential.client_secret", "s3cret"),
        ("credential.scope", "read write"),
    ]);
    assert!(config.tokens().unwrap().name().contains("https://login"));
}

#[test]
fn an_oauth_server_needs_the_id_and_the_secret_of_the_client() {
    let url = ("credential.token_url", "https://login/token");
    let id = ("credential.client_id", "me");
    assert_eq!(error(&[HOST, url]), "`credential.token_url` needs `credential.client_id`");
    assert_eq!(error(&[HOST, url, id]), "`credential.token_url` needs `credential.client_secret`");
    assert_eq!(error(&[HOST, id]), "`credential.client_id` needs `credential.token_url`");
    let invalid = [HOST, ("credential.token_url", "login"), id, ("credential.client_secret", "s3cret")];
    let why = error(&invalid);
    assert!(why.starts_with("`credential.token_url` ") && !why.contains("s3cret"), "{why}");
}

#[test]
fn two_sources_of_a_token_contradict_each_other() {
    for (first, second) in [
        ("credential.token", "credential.token_file"),
        ("credential.token_file", "credential.token_command"),
        ("credential.username", "credential.token"),
        ("credential.token_command", "headers.authorization"),
    ] {
        assert_eq!(
            error(&[HOST, (second, "x"), (first, "y")]),
            format!("`{first}` contradicts `{second}`; remove one of them")
        );
    }
}

#[test]
fn a_token_over_plain_http_must_be_allowed() {
    let token = ("credential.token", "s3cret");
    let why = error(&[HOST, token]);
    assert!(why.contains("`credential.allow_http`") && !why.contains("s3cret"), "{why}");
    assert!(read(&[HOST, token, ("credential.allow_http", "true")]).allows_http_credentials());
    assert!(read(&[("connection.uri", "http://127.0.0.1"), token]).tokens().is_some());
    assert_eq!(
        error(&[HOST, token, ("credential.allow_http", "yes")]),
        "`credential.allow_http` must be `true` or `false`"
    );
}

#[test]
fn an_invalid_token_is_an_error_that_does_not_quote_it() {
    let why = error(&[HOST, ("credential.token", "s3cret\n")]);
    assert_eq!(why, "`credential.token` must be a token of visible ASCII characters");
}
