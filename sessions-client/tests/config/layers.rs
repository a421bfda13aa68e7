//! Settings from several places, one over the other.

use super::message;
use sessions_client::{ClientConfig, ClientKind, ConfigParams, CorrelationPlace, Result};
use std::time::Duration;

fn layers(below: &[(&str, &str)], above: &[(&str, &str)]) -> Result<ClientConfig> {
    ConfigParams::new()
        .with_pairs(below.iter().copied())?
        .with_environment("SESSIONS", above.iter().copied())?
        .build()
}

#[test]
fn what_comes_later_wins_key_by_key() {
    let config = layers(
        &[("connection.host", "h"), ("connection.port", "81"), ("options.timeout", "5000")],
        &[("SESSIONS_CONNECTION_PORT", "82")],
    )
    .unwrap();
    assert_eq!(config.base_url(), Some("http://h:82"));
    assert_eq!(config.timeout(), Duration::from_secs(5));
}

#[test]
fn a_whole_address_goes_over_all_of_the_one_below() {
    let url = [("SESSIONS_URL", "http://above")];
    for below in [
        &[("connection.host", "h"), ("connection.port", "81")][..],
        &[("connections.main.host", "h"), ("connections.spare.host", "h")],
        &[("connection.discovery_key", "sessions")],
        &[("connection.uri", "http://below")],
    ] {
        assert_eq!(layers(below, &url).unwrap().base_url(), Some("http://above"));
    }
}

#[test]
fn a_part_of_an_address_over_a_whole_one_is_a_contradiction_that_names_both_places() {
    assert_eq!(
        message(layers(&[("connection.uri", "http://h")], &[("SESSIONS_CONNECTION_PORT", "81")])),
        "`connection.uri` is the whole address: drop `connection.port` (SESSIONS_CONNECTION_PORT)"
    );
    assert_eq!(
        message(layers(&[("connections.main.host", "h")], &[("SESSIONS_CONNECTION_PORT", "81")])),
        "`connection.port` (SESSIONS_CONNECTION_PORT) contradicts `connections.main`: give one connection, or several"
    );
}

#[test]
fn two_names_of_one_setting_go_over_each_other() {
    let host = ("connection.host", "h");
    let config = layers(
        &[host, ("options.correlation_id", "both")],
        &[("SESSIONS_OPTIONS_CORRELATION_ID_PLACE", "headers")],
    );
    assert_eq!(config.unwrap().correlation_place(), CorrelationPlace::Headers);
    let descriptor = ("descriptor", "service-sessions:client:commandable-http:default:1.0");
    assert_eq!(layers(&[descriptor], &[("SESSIONS_KIND", "null")]).unwrap().kind(), ClientKind::Null);
}

#[test]
fn an_unknown_key_is_refused_even_if_it_would_be_covered() {
    let below = [("connection.hots", "h")];
    assert!(message(layers(&below, &[("SESSIONS_URL", "http://h")])).starts_with("`connection.hots` is not"));
}

#[test]
fn what_is_printed_has_the_keys_and_their_origins_and_no_values() {
    let params = ConfigParams::new()
        .with_pairs([("options.timeout", "12345")])
        .unwrap()
        .with_environment("SESSIONS", [("SESSIONS_URL", "http://user:secret@h")])
        .unwrap();
    assert_eq!(format!("{params:?}"), "ConfigParams{`options.timeout`, `connection.uri` (SESSIONS_URL)}");
}
