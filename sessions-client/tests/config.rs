//! Configuration in the keys of the official clients.

use sessions_client::policy::RetryPolicy;
use sessions_client::{ClientConfig, CorrelationPlace, ErrorKind};
use std::time::Duration;

fn refused(pairs: &[(&str, &str)]) -> String {
    let error = ClientConfig::from_pairs(pairs.iter().copied()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

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
        assert_eq!(ClientConfig::from_pairs(pairs.iter().copied()).unwrap().base_url(), url);
    }
}

#[test]
fn times_are_milliseconds_and_finite_by_default() {
    let config = ClientConfig::from_url("http://h").unwrap();
    assert_eq!(
        (config.connect_timeout(), config.timeout()),
        (Duration::from_secs(5), Duration::from_secs(10))
    );
    assert_eq!(config.deadline(), Duration::from_secs(30));
    let impatient = ClientConfig::from_url("http://h").unwrap().with_timeout(Duration::from_secs(2));
    assert_eq!(
        impatient.connect_timeout(),
        Duration::from_secs(1),
        "a host that drops packets is known as such"
    );
    let pairs = [("connection.host", "h"), ("options.connect_timeout", "250"), ("options.timeout", "1500")];
    let config = ClientConfig::from_pairs(pairs).unwrap();
    assert_eq!(
        (config.connect_timeout(), config.timeout()),
        (Duration::from_millis(250), Duration::from_millis(1500))
    );
}

#[test]
fn the_deadline_leaves_time_for_one_attempt_unless_it_is_given() {
    let minute = ClientConfig::from_url("http://h").unwrap().with_timeout(Duration::from_secs(60));
    assert_eq!(minute.deadline(), Duration::from_secs(60));
    assert_eq!(minute.with_deadline(Duration::from_secs(1)).deadline(), Duration::from_secs(1));
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
        "`connection.hots` is not a known key: did you mean `connection.host`? There are `connection.protocol`, "
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
fn an_address_given_twice_or_not_at_all_is_refused() {
    assert_eq!(
        refused(&[("options.timeout", "1")]),
        "`connection.uri` is missing: give it, or `connection.host` and `connection.port`"
    );
    assert_eq!(
        refused(&[("connection.uri", "http://h"), ("connection.port", "1")]),
        "`connection.uri` is the whole address: drop `connection.protocol`, `connection.host` and `connection.port`"
    );
    assert_eq!(
        refused(&[("connection.host", "a"), ("connection.host", "b")]),
        "`connection.host` is given twice"
    );
}

#[test]
fn credentials_may_stand_before_a_host_with_and_without_a_port() {
    for url in ["http://u:p@h", "https://u:p@h:443/x", "http://u@[::1]", "http://u:p@[::1]:80"] {
        assert_eq!(ClientConfig::from_url(url).unwrap().base_url(), url);
    }
    assert_eq!(
        refused(&[("connection.uri", "http://u:p@h:x")]),
        "`connection.uri` has a port that is no whole number from 1 to 65535"
    );
}
