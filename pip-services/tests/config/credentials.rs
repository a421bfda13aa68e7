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
