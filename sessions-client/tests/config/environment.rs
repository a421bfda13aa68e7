//! Settings in environment variables.

use super::message;
use sessions_client::{ClientConfig, ConfigParams, Result};
use std::time::Duration;

fn build(variables: &[(&str, &str)]) -> Result<ClientConfig> {
    ConfigParams::new().with_environment("SESSIONS", variables.iter().copied())?.build()
}

fn refused(variables: &[(&str, &str)]) -> String {
    message(build(variables))
}

#[test]
fn each_key_is_a_variable() {
    let config = build(&[
        ("SESSIONS_CONNECTION_PROTOCOL", "https"),
        ("SESSIONS_CONNECTION_HOST", "h"),
        ("SESSIONS_CONNECTION_PORT", "81"),
        ("SESSIONS_BASE_ROUTE", "v2"),
        ("SESSIONS_OPTIONS_CONNECT_TIMEOUT", "250"),
        ("SESSIONS_OPTIONS_RETRIES", "0"),
    ])
    .unwrap();
    assert_eq!(config.base_url(), Some("https://h:81"));
    assert_eq!(config.base_route().map(sessions_client::BaseRoute::as_str), Some("/v2"));
    assert_eq!(config.connect_timeout(), Duration::from_millis(250));
    assert_eq!(config.retry_policy().retries, 0);
}

#[test]
fn the_address_has_a_short_form() {
    assert_eq!(build(&[("SESSIONS_URL", "http://h:1")]).unwrap().base_url(), Some("http://h:1"));
    assert_eq!(
        refused(&[("SESSIONS_URL", "http://a"), ("SESSIONS_CONNECTION_URI", "http://b")]),
        "`connection.uri` (SESSIONS_CONNECTION_URI) is given twice: drop `SESSIONS_URL`"
    );
}

#[test]
fn the_prefix_is_the_users_choice() {
    for prefix in ["MY_APP", "MY_APP_"] {
        let variables = [("MY_APP_URL", "http://h"), ("SESSIONS_URL", "http://other")];
        let config = ConfigParams::new().with_environment(prefix, variables).unwrap().build().unwrap();
        assert_eq!(config.base_url(), Some("http://h"));
    }
    for prefix in ["", "_"] {
        let none: [(&str, &str); 0] = [];
        assert_eq!(
            message(ConfigParams::new().with_environment(prefix, none)),
            "the prefix of environment variables must not be empty"
        );
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let config = build(&[
        ("PATH", "/bin"),
        ("SESSIONS", "many"),
        ("SESSIONSURL", "http://other"),
        ("SESSIONS_URL", "http://h"),
        ("SESSIONS_CLOSE_EXPIRED", "yes"),
        ("SESSIONS_VARIANT", "mongodb"),
        ("SESSIONS_TTL", "60"),
    ]);
    assert_eq!(config.unwrap().base_url(), Some("http://h"));
}

#[test]
fn an_empty_variable_is_not_set() {
    let variables =
        [("SESSIONS_URL", "http://h"), ("SESSIONS_OPTIONS_TIMEOUT", ""), ("SESSIONS_OPTIONS_TIEMOUT", "")];
    assert_eq!(build(&variables).unwrap().timeout(), Duration::from_secs(10));
}

#[test]
fn a_slip_in_a_name_is_an_error_with_a_hint() {
    for (name, meant) in [
        ("SESSIONS_CONNECTION_HOTS", "SESSIONS_CONNECTION_HOST"),
        ("SESSIONS_OPTIONS_TIME_OUT", "SESSIONS_OPTIONS_TIMEOUT"),
        ("SESSIONS_CONECTION_HOST", "SESSIONS_CONNECTION_HOST"),
        ("SESSIONS_URI", "SESSIONS_URL"),
        ("SESSIONS_KINDS", "SESSIONS_KIND"),
    ] {
        assert_eq!(refused(&[(name, "1")]), format!("`{name}` names no setting: did you mean `{meant}`?"));
    }
    assert!(
        refused(&[("SESSIONS_OPTIONS_COLOUR_OF_BUTTONS", "red")]).starts_with(
            "`SESSIONS_OPTIONS_COLOUR_OF_BUTTONS` names no setting: There are `SESSIONS_KIND`, "
        )
    );
    assert_eq!(
        refused(&[("SESSIONS_CONNECTIONS_MAIN_HOST", "h")]),
        "`SESSIONS_CONNECTIONS_MAIN_HOST` cannot be read: several connections are for files and pairs, \
         so write `SESSIONS_CONNECTION_HOST` and its like"
    );
}

#[test]
fn a_wrong_value_names_the_key_and_the_variable_and_is_not_quoted() {
    assert_eq!(
        refused(&[("SESSIONS_URL", "http://h"), ("SESSIONS_OPTIONS_TIMEOUT", "secret")]),
        "`options.timeout` (SESSIONS_OPTIONS_TIMEOUT) must be a whole number of milliseconds above 0"
    );
    assert_eq!(
        refused(&[("SESSIONS_URL", "http://user:secret@")]),
        "`connection.uri` (SESSIONS_URL) is no URL: write it like `http://localhost:8080`"
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_refused_by_name_and_others_are_left_alone() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![0xff]);
    let of = |name: OsString| ConfigParams::new().with_environment("SESSIONS", [(name, broken())]);
    assert_eq!(message(of("SESSIONS_URL".into())), "`SESSIONS_URL` must be Unicode text");
    assert!(of("OTHER".into()).is_ok());
    assert!(of(broken()).is_ok());
}

#[test]
fn a_key_without_its_group_is_not_passed_over() {
    for (name, meant) in
        [("SESSIONS_TIMEOUT", "SESSIONS_OPTIONS_TIMEOUT"), ("SESSIONS_HOST", "SESSIONS_CONNECTION_HOST")]
    {
        let error = build(&[("SESSIONS_URL", "http://h"), (name, "5")]).unwrap_err().to_string();
        assert_eq!(error, format!("`{name}` names no setting: did you mean `{meant}`?"));
    }
    // These are others': Kubernetes sets the first, and a limit of connections is not a connection.
    build(&[("SESSIONS_URL", "http://h"), ("SESSIONS_PORT", "tcp://h:1"), ("SESSIONS_CONNECTIONS_MAX", "5")])
        .unwrap();
}

#[test]
fn blanks_around_a_value_are_not_part_of_it() {
    let config = build(&[("SESSIONS_URL", " http://h\n"), ("SESSIONS_OPTIONS_TIMEOUT", "5000\n")]).unwrap();
    assert_eq!(config.timeout(), Duration::from_secs(5));
}
