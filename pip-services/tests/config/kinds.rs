//! Kinds of client, by name and by descriptor.

use super::{error, message, read};
use pip_services::{ClientKind, ConfigParams};
use wiretrait::Result;

/// The official names of a service.
const GROUPS: [&str; 2] = ["service-orders", "pip-services-orders"];

fn kind(pairs: &[(&str, &str)]) -> Result<ClientKind> {
    ConfigParams::new().with_pairs(pairs.iter().copied())?.kind(&GROUPS)
}

fn parse_error(value: &str) -> String {
    message(value.parse::<ClientKind>())
}

#[test]
fn kinds_are_parsed_from_their_names() {
    for kind in [
        ClientKind::Http,
        ClientKind::Grpc,
        ClientKind::CommandableGrpc,
        ClientKind::Direct,
        ClientKind::Memory,
        ClientKind::Null,
    ] {
        assert_eq!(kind.to_string(), kind.as_str());
        assert_eq!(kind.as_str().parse::<ClientKind>().unwrap(), kind);
        assert_eq!(format!(" {kind}\n").parse::<ClientKind>().unwrap(), kind);
    }
    assert_eq!(format!("{:>5}", ClientKind::Null), " null");
}

#[test]
fn official_kinds_are_parsed_too() {
    assert_eq!("commandable-http".parse::<ClientKind>().unwrap(), ClientKind::Http);
    assert_eq!("mock".parse::<ClientKind>().unwrap(), ClientKind::Memory);
    assert_eq!("commandable_grpc".parse::<ClientKind>().unwrap(), ClientKind::CommandableGrpc);
}

#[test]
fn descriptors_of_any_service_are_parsed() {
    for (descriptor, kind) in [
        ("service-orders:client:commandable-http:default:1.0", ClientKind::Http),
        ("service-orders:client:grpc:default:1.0", ClientKind::Grpc),
        ("service-orders:client:commandable-grpc:*:1.0", ClientKind::CommandableGrpc),
        ("pip-services-invoices:client:mock:default:1.0", ClientKind::Memory),
        ("anything:client:direct:*:*", ClientKind::Direct),
        ("*:*:null:*:*", ClientKind::Null),
    ] {
        assert_eq!(descriptor.parse::<ClientKind>().unwrap(), kind, "{descriptor}");
    }
}

#[test]
fn an_unknown_kind_is_an_error_that_lists_the_known_ones() {
    let kinds = "The kinds are `http`, `grpc`, `commandable-grpc`, `direct`, `memory`, `null`";
    assert_eq!(parse_error("htpp"), format!("`kind` is not a kind of client: did you mean `http`? {kinds}"));
    for value in ["carrier-pigeon", ""] {
        assert_eq!(parse_error(value), format!("`kind` is not a kind of client. {kinds}"));
    }
}

#[test]
fn kinds_that_only_official_clients_support_are_errors() {
    for kind in ["lambda", "commandable-lambda"] {
        let why = format!("`kind` is `{kind}`, which only the official clients support; use `http`");
        assert_eq!(parse_error(kind), why);
        assert_eq!(parse_error(&format!("service-orders:client:{kind}:default:1.0")), why);
    }
}

#[test]
fn other_descriptors_are_errors_with_an_example() {
    for descriptor in [
        "service-orders:controller:default:default:1.0",
        "service-orders:client:http:default:2.0",
        "service-orders:client:http",
    ] {
        assert_eq!(
            parse_error(descriptor),
            "`kind` is not a descriptor of a client of this service; \
             use one such as `service-orders:client:http:default:1.0`, or only the kind"
        );
    }
}

#[test]
fn a_configuration_names_its_kind_or_has_the_default() {
    assert_eq!(kind(&[]).unwrap(), ClientKind::Http);
    assert_eq!(kind(&[("kind", "direct")]).unwrap(), ClientKind::Direct);
    for group in ["service-orders", "pip-services-orders", "*"] {
        let descriptor = format!("{group}:client:mock:default:1.0");
        assert_eq!(kind(&[("descriptor", &descriptor)]).unwrap(), ClientKind::Memory);
    }
}

#[test]
fn a_descriptor_of_another_service_is_an_error() {
    assert_eq!(
        message(kind(&[("descriptor", "service-accounts:client:http:default:1.0")])),
        "`descriptor` is not a descriptor of a client of this service; \
         use one such as `service-orders:client:http:default:1.0`, or only the kind"
    );
}

#[test]
fn kind_and_descriptor_must_agree() {
    let descriptor = ("descriptor", "service-orders:client:mock:default:1.0");
    assert_eq!(kind(&[("kind", "memory"), descriptor]).unwrap(), ClientKind::Memory);
    let why = "`kind` is `null`, but `descriptor` is `memory`; remove one of them";
    assert_eq!(message(kind(&[("kind", "null"), descriptor])), why);
    assert_eq!(error(&[("kind", "null"), descriptor]), why);
}

#[test]
fn only_kinds_over_the_network_need_an_address() {
    for kind in ["direct", "memory", "null"] {
        assert_eq!(read(&[("kind", kind)]).base_url(), None);
    }
    let why = "`connection.uri` is missing; set it, or `connection.host` and `connection.port`";
    for kind in ["http", "grpc", "commandable-grpc"] {
        assert_eq!(error(&[("kind", kind)]), why);
    }
    assert_eq!(error(&[]), why);
}

#[test]
fn keys_without_a_counterpart_in_grpc_are_errors() {
    let uri = ("connection.uri", "http://localhost:8090");
    for (kind, key, value, why) in [
        ("grpc", "options.http_version", "1.1", "must be `2` for gRPC, which is its default"),
        (
            "commandable-grpc",
            "options.compression",
            "true",
            "must be `false` for gRPC, which this client speaks without compression",
        ),
        (
            "grpc",
            "base_route",
            "v2/orders",
            "has no effect over gRPC, whose methods have fixed names; remove it, or use the kind `commandable-grpc`",
        ),
    ] {
        assert_eq!(error(&[("kind", kind), uri, (key, value)]), format!("`{key}` {why}"));
    }
    let config = read(&[
        ("kind", "commandable-grpc"),
        uri,
        ("base_route", "v2/orders"),
        ("options.compression", "false"),
    ]);
    assert_eq!(config.base_route().unwrap().as_str(), "/v2/orders");
}
