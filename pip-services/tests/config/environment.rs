//! Settings in environment variables.

use super::message;
use pip_services::ConfigParams;
use std::time::Duration;
use wiretrait::address::check_url;
use wiretrait::{BaseRoute, ClientConfig, Result};

fn build(variables: &[(&str, &str)]) -> Result<ClientConfig> {
    ConfigParams::new().with_environment("ORDERS", variables.iter().copied())?.build()
}

fn error(variables: &[(&str, &str)]) -> String {
    message(build(variables))
}

#[test]
fn each_key_has_a_variable() {
    let config = build(&[
        ("ORDERS_CONNECTION_PROTOCOL", "https"),
        ("ORDERS_CONNECTION_HOST", "h"),
        ("ORDERS_CONNECTION_PORT", "81"),
        ("ORDERS_BASE_ROUTE", "v2"),
        ("ORDERS_OPTIONS_CONNECT_TIMEOUT", "250"),
        ("ORDERS_OPTIONS_RETRIES", "0"),
    ])
    .unwrap();
    assert_eq!(config.base_url(), Some("https://h:81"));
    assert_eq!(config.base_route().map(BaseRoute::as_str), Some("/v2"));
    assert_eq!(config.connect_timeout(), Duration::from_millis(250));
    assert_eq!(config.retry_policy().retries, 0);
}

#[test]
fn the_address_has_a_short_form() {
    assert_eq!(build(&[("ORDERS_URL", "http://h:1")]).unwrap().base_url(), Some("http://h:1"));
    assert_eq!(
        error(&[("ORDERS_URL", "http://a"), ("ORDERS_CONNECTION_URI", "http://b")]),
        "`connection.uri` (ORDERS_CONNECTION_URI) is given twice; remove `ORDERS_URL`"
    );
}

#[test]
fn the_application_chooses_the_prefix() {
    for prefix in ["MY_APP", "MY_APP_"] {
        let variables = [("MY_APP_URL", "http://h"), ("ORDERS_URL", "http://other")];
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
fn variables_of_other_programs_are_ignored() {
    let config = build(&[
        ("PATH", "/bin"),
        ("ORDERS", "many"),
        ("ORDERSURL", "http://other"),
        ("ORDERS_URL", "http://h"),
        ("ORDERS_CLOSE_EXPIRED", "yes"),
        ("ORDERS_VARIANT", "mongodb"),
        ("ORDERS_TTL", "60"),
        // Kubernetes sets this one for a service called `orders`.
        ("ORDERS_PORT", "tcp://h:1"),
        // And these for one called `orders-proxy`.
        ("ORDERS_PROXY_PORT", "tcp://h:1"),
        ("ORDERS_PROXY_SERVICE_HOST", "10.0.0.1"),
        ("ORDERS_CONNECTIONS_MAX", "5"),
    ]);
    assert_eq!(config.unwrap().base_url(), Some("http://h"));
}

#[test]
fn an_empty_variable_is_not_set() {
    let variables =
        [("ORDERS_URL", "http://h"), ("ORDERS_OPTIONS_TIMEOUT", ""), ("ORDERS_OPTIONS_TIEMOUT", "")];
    assert_eq!(build(&variables).unwrap().timeout(), Duration::from_secs(10));
}

#[test]
fn a_misspelled_variable_is_an_error_with_a_suggestion() {
    for (name, meant) in [
        ("ORDERS_CONNECTION_HOTS", "ORDERS_CONNECTION_HOST"),
        ("ORDERS_OPTIONS_TIME_OUT", "ORDERS_OPTIONS_TIMEOUT"),
        ("ORDERS_CONECTION_HOST", "ORDERS_CONNECTION_HOST"),
        ("ORDERS_URI", "ORDERS_URL"),
        ("ORDERS_KINDS", "ORDERS_KIND"),
        ("ORDERS_PROXY_URI", "ORDERS_PROXY_URL"),
        ("ORDERS_CREDENTIAL_TOKENFILE", "ORDERS_CREDENTIAL_TOKEN_FILE"),
        ("ORDERS_HEADER_X_API_KEY", "ORDERS_HEADERS_X_API_KEY"),
    ] {
        assert_eq!(
            error(&[(name, "1")]),
            format!("`{name}` is not a known variable: did you mean `{meant}`?")
        );
    }
}

#[test]
fn a_key_without_its_group_is_an_error_with_a_suggestion() {
    for (name, meant) in
        [("ORDERS_TIMEOUT", "ORDERS_OPTIONS_TIMEOUT"), ("ORDERS_HOST", "ORDERS_CONNECTION_HOST")]
    {
        let why = format!("`{name}` is not a known variable: did you mean `{meant}`?");
        assert_eq!(error(&[("ORDERS_URL", "http://h"), (name, "5")]), why);
    }
}

#[test]
fn an_unknown_variable_in_a_group_is_an_error_that_lists_the_known_ones() {
    let why = error(&[("ORDERS_OPTIONS_COLOUR_OF_BUTTONS", "red")]);
    let expected = "`ORDERS_OPTIONS_COLOUR_OF_BUTTONS` is not a known variable. \
                    The known variables are `ORDERS_KIND`, `ORDERS_DESCRIPTOR`, `ORDERS_CONNECTION_URI`, ";
    assert!(why.starts_with(expected), "{why}");
}

#[test]
fn several_connections_are_not_supported_in_variables() {
    assert_eq!(
        error(&[("ORDERS_CONNECTIONS_MAIN_HOST", "h")]),
        "`ORDERS_CONNECTIONS_MAIN_HOST` is not supported: environment variables can describe only one \
         connection; use `ORDERS_CONNECTION_HOST`"
    );
}

#[test]
fn errors_name_the_key_and_the_variable_but_not_the_value() {
    assert_eq!(
        error(&[("ORDERS_URL", "http://h"), ("ORDERS_OPTIONS_TIMEOUT", "secret")]),
        "`options.timeout` (ORDERS_OPTIONS_TIMEOUT) must be a whole number of milliseconds above 0"
    );
    let url = "http://user:secret@";
    let why = check_url(url).unwrap_err();
    assert!(!why.contains("secret"), "{why}");
    assert_eq!(error(&[("ORDERS_URL", url)]), format!("`connection.uri` (ORDERS_URL) {why}"));
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_unicode_is_an_error_only_for_known_variables() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![0xff]);
    let with = |name: OsString| ConfigParams::new().with_environment("ORDERS", [(name, broken())]);
    assert_eq!(message(with("ORDERS_URL".into())), "`ORDERS_URL` must be valid Unicode");
    assert!(with("OTHER".into()).is_ok());
    assert!(with(broken()).is_ok());
}

#[test]
fn an_error_about_a_name_with_control_characters_is_one_line() {
    for name in ["ORDERS_CONNECTION_\tPORT", "ORDERS_OPTIONS_\u{1b}[31m\nTIMEOUT", "ORDERS_HEADER_\u{9b}A"] {
        let error = error(&[(name, "1")]);
        assert!(error.contains("is not a known variable"), "{error}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn whitespace_around_a_value_is_ignored() {
    let config = build(&[("ORDERS_URL", " http://h\n"), ("ORDERS_OPTIONS_TIMEOUT", "5000\n")]).unwrap();
    assert_eq!(config.timeout(), Duration::from_secs(5));
}
