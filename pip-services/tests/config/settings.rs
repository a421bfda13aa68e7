//! The settings as they may be shown.

use pip_services::ConfigParams;

fn shown(params: &ConfigParams) -> Vec<String> {
    params.settings().iter().map(ToString::to_string).collect()
}

fn params() -> ConfigParams {
    let variables = [
        ("ORDERS_URL", "https://me:s3cret@orders/@x"),
        ("ORDERS_HEADERS_X_API_KEY", "${KEY}"),
        ("ORDERS_HEADERS_X_TENANT", "s3cret"),
        ("ORDERS_CREDENTIAL_USERNAME", "ann"),
        ("ORDERS_CREDENTIAL_PASSWORD", "s3cret${file:/run/p}s3cret"),
        ("ORDERS_PROXY_URL", "http://me:s3/cret@proxy:1"),
        ("ORDERS_OPTIONS_TIMEOUT", "4000"),
        ("ORDERS_OPTIONS_DEBUG", "true"),
        ("KEY", "s3cret"),
    ];
    let params = ConfigParams::new().with_environment("ORDERS", variables).unwrap();
    params.with_flags([("--retries", "options.retries", "0")]).unwrap()
}

#[test]
fn each_setting_is_shown_with_its_origin() {
    let shown = shown(&params());
    for expected in [
        "headers.x-api-key = ${KEY} (ORDERS_HEADERS_X_API_KEY)",
        "headers.x-tenant = *** (ORDERS_HEADERS_X_TENANT)",
        "credential.username = ann (ORDERS_CREDENTIAL_USERNAME)",
        "credential.password = ***${file:/run/p}*** (ORDERS_CREDENTIAL_PASSWORD)",
        "proxy.url = http://***@proxy:1 (ORDERS_PROXY_URL)",
        "options.timeout = 4000 (ORDERS_OPTIONS_TIMEOUT)",
        "options.debug = true without effect (ORDERS_OPTIONS_DEBUG)",
        "options.retries = 0 (--retries)",
    ] {
        assert!(shown.contains(&expected.to_owned()), "{expected} is missing in {shown:#?}");
    }
}

#[test]
fn defaults_are_shown_as_such() {
    let shown = shown(&params());
    for expected in [
        "kind = http (default)",
        // Half of `options.timeout`.
        "options.connect_timeout = 2000 (default)",
        "options.max_connection_age = 60000 (default)",
        "credential.insecure = false (default)",
    ] {
        assert!(shown.contains(&expected.to_owned()), "{expected} is missing in {shown:#?}");
    }
    assert!(!shown.iter().any(|line| line.starts_with("proxy.url") && line.ends_with("(default)")));
}

#[test]
fn the_place_of_trace_ids_replaces_the_shown_default() {
    let of_key = |key: &str| {
        let pairs = [("connection.host", "h"), (key, "headers")];
        let shown = shown(&ConfigParams::new().with_pairs(pairs).unwrap());
        let ids = shown.into_iter().filter(|line| line.contains("_id_place"));
        ids.collect::<Vec<_>>()
    };
    assert_eq!(of_key("options.trace_id_place"), ["options.trace_id_place = headers (program)"]);
    assert_eq!(of_key("base_route"), ["options.correlation_id_place = query (default)"]);
}

#[test]
fn settings_can_be_shown_while_they_are_incomplete_or_invalid() {
    let pairs = [("options.timeout", "soon"), ("connection.protocol", "ftp")];
    let shown = shown(&ConfigParams::new().with_pairs(pairs).unwrap());
    assert!(shown.contains(&"options.timeout = soon (program)".to_owned()), "{shown:#?}");
}

#[test]
fn several_connections_are_shown_in_their_order() {
    let pairs = [("connections.a.host", "x"), ("connections.b.uri", "http://me:s3cret@y")];
    let shown = shown(&ConfigParams::new().with_pairs(pairs).unwrap());
    let connections: Vec<_> = shown.iter().filter(|line| line.starts_with("connections.")).collect();
    assert_eq!(
        connections,
        ["connections.a.host = x (program)", "connections.b.uri = http://***@y (program)"]
    );
}

#[test]
fn no_source_of_a_token_is_shown_with_its_secret() {
    let secret = "s3cret";
    for (key, shown) in [
        ("credential.token", "***"),
        ("credential.client_secret", "***"),
        ("credential.token_url", "https://***@login/token"),
        ("connections.a.uri", "https://***@login/token"),
    ] {
        let value = if shown == "***" { secret } else { "https://me:s3cret@login/token" };
        let params = ConfigParams::new().with_flags([("--flag", key, value)]).unwrap();
        let line = format!("{key} = {shown} (--flag)");
        assert!(self::shown(&params).contains(&line), "{line}");
        let output = format!("{params:?}{:?}", params.build());
        assert!(!output.contains(secret), "{output}");
    }
}

#[test]
fn only_the_program_of_a_command_and_the_place_of_an_address_are_shown() {
    for (key, value, shown) in [
        ("credential.token_command", "vault read -field=token s3cret", "vault ***"),
        ("credential.token_command", "/bin/print-token", "/bin/print-token"),
        ("credential.token_command", "PASSWORD=s3cret print-token", "***"),
        ("credential.token_command", "'s3cret' x", "***"),
        ("credential.token_command", "", "***"),
        ("connection.host", "me:s3cret@h", "***@h"),
        ("connection.host", "http://me:s3cret@h", "http://***@h"),
        ("connections.a.host", "me:s3cret@h", "***@h"),
        ("connection.uri", "http://h/?key=s3cret", "http://h/?***"),
        ("connection.uri", "http://me:s3?cret@h", "http://***@h"),
        ("proxy.url", "me:s3cret@proxy:1", "***@proxy:1"),
    ] {
        let params = ConfigParams::new().with_flags([("--flag", key, value)]).unwrap();
        let line = format!("{key} = {shown} (--flag)");
        let lines = self::shown(&params);
        assert!(lines.contains(&line) && !lines.concat().contains("s3"), "{line}: {lines:#?}");
    }
}

#[test]
fn no_secret_is_shown_anywhere() {
    let params = params();
    let config = params.build();
    let shown = format!("{:?}{:?}{params:?}{config:?}", shown(&params), params.settings());
    assert!(!shown.contains("s3"), "{shown}");
}
