//! References in values: variables, files and commands.

use super::message;
use pip_services::ConfigParams;
use wiretrait::Result;

/// Returns the value of the header `x` that the variable `ORDERS_HEADERS_X` describes.
fn header(value: &str, others: &[(&str, &str)]) -> Result<String> {
    let variables = [("ORDERS_URL", "http://h"), ("ORDERS_HEADERS_X", value)];
    let variables = variables.iter().chain(others).copied();
    let config = ConfigParams::new().with_environment("ORDERS", variables)?.build()?;
    Ok(config.headers()["x"].to_str().unwrap().to_owned())
}

fn error(value: &str, others: &[(&str, &str)]) -> String {
    message(header(value, others))
}

#[test]
fn a_variable_is_replaced_by_its_value() {
    for (value, resolved) in [
        ("${KEY}", "abc"),
        ("Bearer ${KEY}", "Bearer abc"),
        ("${KEY}-${KEY}", "abc-abc"),
        ("$KEY", "$KEY"),
        ("$${KEY}", "${KEY}"),
        ("a$${", "a${"),
        ("$${KEY}${KEY}", "${KEY}abc"),
        ("${NESTED}", "${KEY}"),
    ] {
        let others = [("KEY", "abc"), ("NESTED", "${KEY}")];
        assert_eq!(header(value, &others).unwrap(), resolved, "{value}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_key_and_origin() {
    for others in [&[][..], &[("KEY", "")]] {
        assert_eq!(
            error("prefix-${KEY}", others),
            "`headers.x` (ORDERS_HEADERS_X) refers to `${KEY}`, which is not set: set the variable"
        );
    }
}

#[test]
fn an_invalid_reference_is_an_error_without_its_content() {
    for value in ["s3cret${", "s3cret${KEY", "${s3cret:KEY}", "${}", "${s3-cret}", "${file:}", "${1s3cret}"] {
        let why = error(value, &[]);
        assert!(why.contains("`$${` for a literal `${`") && !why.contains("s3"), "{why}");
    }
}

#[cfg(unix)]
#[test]
fn a_command_is_replaced_by_the_first_line_that_it_prints() {
    for (value, resolved) in [
        ("${command:echo a; echo b}", "a"),
        ("${command:printf a}", "a"),
        ("${command:for each in 1 2; do echo ${each}; done}", "1"),
        ("${command:echo a >&2; echo b}", "b"),
        (r"${command:printf '\357\273\277a\n'}", "a"),
    ] {
        assert_eq!(header(value, &[]).unwrap(), resolved, "{value}");
    }
}

#[cfg(unix)]
#[test]
fn a_failed_command_is_an_error_without_its_output() {
    for (line, why) in [
        ("echo s3cret; exit 3", "which failed with exit status: 3: run it in a shell to see why"),
        ("true", "which printed nothing"),
        ("echo", "which printed nothing"),
    ] {
        let expected = format!("`headers.x` (ORDERS_HEADERS_X) refers to `${{command:{line}}}`, {why}");
        assert_eq!(error(&format!("${{command:{line}}}"), &[]), expected);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_command_is_left_to_the_shell() {
    // The process has this variable, and none of the others.
    let line = "test \"${CARGO_PKG_NAME%-services}${MISSING-}\" = pip && echo t0ken";
    let variables = [
        ("ORDERS_URL", "https://h"),
        ("ORDERS_CREDENTIAL_TOKEN_COMMAND", line),
        ("CARGO_PKG_NAME", "$(echo evil)"),
    ];
    let config = ConfigParams::new().with_environment("ORDERS", variables).unwrap().build().unwrap();
    config.tokens().unwrap().get().await.unwrap();
}

#[test]
fn a_reference_in_the_user_name_or_password_of_a_url_is_percent_encoded() {
    let url = |url: &str| {
        let variables = [("ORDERS_URL", url), ("ME", "a@b"), ("PW", "1234/x?#%:@"), ("HOST", "h:81/v1")];
        let variables = variables.into_iter().chain([("BOTH", "me:p/w")]);
        let config = ConfigParams::new().with_environment("ORDERS", variables).unwrap().build();
        config.map(|config| config.base_url().unwrap().to_owned())
    };
    for (written, resolved) in [
        ("http://me:${PW}@h", "http://me:1234%2Fx%3F%23%25:%40@h"),
        ("http://${ME}:${PW}@${HOST}", "http://a%40b:1234%2Fx%3F%23%25:%40@h:81/v1"),
        ("http://me:x${PW}x@h/@", "http://me:x1234%2Fx%3F%23%25:%40x@h/@"),
        ("http://${BOTH}@h", "http://me:p%2Fw@h"),
        ("http://${HOST}/@", "http://h:81/v1/@"),
    ] {
        assert_eq!(url(written).unwrap(), resolved, "{written}");
    }
    let why = message(url("http://h:${PW}"));
    assert!(!why.contains("1234"), "{why}");
}

#[test]
fn the_password_of_a_proxy_may_be_any_text() {
    let variables =
        [("ORDERS_URL", "http://h"), ("ORDERS_PROXY_URL", "http://me:${PW}@proxy:3128"), ("PW", "1234/x")];
    let config = ConfigParams::new().with_environment("ORDERS", variables).unwrap().build().unwrap();
    let shown = format!("{:?}", config.proxy());
    assert!(shown.contains("\"proxy\"") && shown.contains("3128") && !shown.contains("1234"), "{shown}");
}

#[test]
fn references_resolve_to_the_given_variables_only() {
    // The process has a variable `PATH`, but the configuration was given others.
    assert!(error("${PATH}", &[]).contains("which is not set"));
    let flags = [("--host", "connection.uri", "http://h"), ("--header", "headers.x", "${CARGO_PKG_NAME}")];
    let config = ConfigParams::new().with_flags(flags).unwrap().build().unwrap();
    assert_eq!(config.headers()["x"], "pip-services");
}

#[test]
fn pairs_have_no_references() {
    let pairs = [("connection.uri", "http://h"), ("headers.x", "${KEY}")];
    let config = ConfigParams::new().with_pairs(pairs).unwrap().build().unwrap();
    assert_eq!(config.headers()["x"], "${KEY}");
}

#[test]
fn the_kind_may_be_a_reference() {
    let variables = [("ORDERS_KIND", "${K}"), ("K", "null"), ("ORDERS_HEADERS_X", "${MISSING}")];
    let params = ConfigParams::new().with_environment("ORDERS", variables).unwrap();
    assert_eq!(params.kind(&[]).unwrap().as_str(), "null");
}

#[test]
fn a_replaced_value_is_not_resolved() {
    let params = ConfigParams::new()
        .with_flags([("--header", "headers.x", "${MISSING}")])
        .unwrap()
        .with_pairs([("connection.uri", "http://h"), ("headers.x", "later")])
        .unwrap();
    assert_eq!(params.build().unwrap().headers()["x"], "later");
}

#[cfg(feature = "config")]
mod files {
    use crate::files::file;
    use crate::message;
    use pip_services::ConfigParams;

    #[test]
    fn a_file_is_replaced_by_its_content_without_its_line_end() {
        file("references", "key", "abc\r\n");
        let yaml = "connection: {host: h}\nheaders: {x: '${file:key}'}\n";
        let params = ConfigParams::new().with_file(file("references", "a.yaml", yaml)).unwrap();
        assert_eq!(params.build().unwrap().headers()["x"], "abc");
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_a_value() {
        let yaml = "connection: {host: h}\nheaders: {x: '${file:key}'}\n";
        let path = file("mark", "a.yaml", yaml);
        let build = |content| {
            file("mark", "key", content);
            ConfigParams::new().with_file(&path).unwrap().build()
        };
        for content in ["\u{feff}abc", "\u{feff}abc\r\n"] {
            assert_eq!(build(content).unwrap().headers()["x"], "abc", "{content:?}");
        }
        assert!(build("\u{feff}\n").unwrap_err().to_string().contains("is an empty file"));
    }

    #[test]
    fn a_path_in_a_file_is_relative_to_that_file() {
        file("relative", "key", "abc");
        let yaml = "connection: {host: h}\ncredential: {ssl_ca_file: ca.pem}\nheaders: {x: '${file:key}'}\n";
        let path = file("relative", "a.yaml", yaml);
        let config = ConfigParams::new().with_file(&path).unwrap().build().unwrap();
        let ca = path.parent().unwrap().join("ca.pem");
        assert_eq!(config.tls().ca()[0].to_string(), ca.display().to_string());
    }

    #[test]
    fn an_unreadable_file_is_named_as_it_was_written() {
        let path = file("unreadable", "a.yaml", "connection: {host: h}\nheaders: {x: '${file:nowhere}'}\n");
        let why = message(ConfigParams::new().with_file(&path).unwrap().build());
        let expected =
            format!("`headers.x` ({}) refers to `${{file:nowhere}}`, which cannot be read: ", path.display());
        assert!(why.starts_with(&expected), "{why}");
    }

    #[test]
    fn an_empty_file_and_one_that_is_too_long_are_errors() {
        for (content, why) in [
            ("\n".to_owned(), "is an empty file"),
            ("x".repeat((1 << 20) + 1), "is longer than 1048576 bytes"),
        ] {
            file("empty", "key", &content);
            let path = file("empty", "a.yaml", "connection: {host: h}\nheaders: {x: '${file:key}'}\n");
            let error = message(ConfigParams::new().with_file(&path).unwrap().build());
            assert!(error.ends_with(&format!("`${{file:key}}`, which {why}")), "{error}");
        }
    }
}
