//! The name and the version that a service states.

use serde::Deserialize;
use sessions_client::{Call, Request, Transport, sessions_v1};
use wiretrait::is_displayed;

/// The part of the status of a Pip.Services microservice that identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Identity {
    /// The name of the service, if it states one.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// Its version, if it states one.
    #[serde(default)]
    pub(super) version: Option<String>,
    #[serde(default)]
    properties: Properties,
}

/// The properties that a deployment gives to its services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Properties {
    #[serde(default)]
    version: Option<String>,
}

/// Reads the status of the service. A service without a status has no identity, which is not an error: the status
/// is not part of the contract.
pub(super) async fn identity(transport: &impl Transport) -> Identity {
    let mut request = Request::default();
    *request.uri_mut() = http::Uri::from_static("/status");
    // A transport needs a route for every call.
    let Some(route) = sessions_v1::ROUTES.first() else { return Identity::default() };
    match transport.send(Call::new(route, request)).await {
        Ok(response) if response.status().is_success() => of(response.body()),
        _ => Identity::default(),
    }
}

fn of(body: &[u8]) -> Identity {
    let Identity { name, version, properties } = serde_json::from_slice(body).unwrap_or_default();
    let one_line = |value: &String| is_one_line(value);
    let version = version.or(properties.version).filter(one_line);
    Identity { name: name.filter(one_line), version, properties: Properties::default() }
}

/// Returns whether a string of the service can be part of a line.
fn is_one_line(value: &str) -> bool {
    (1..=100).contains(&value.len()) && value.chars().all(is_displayed)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_version_of_a_status_is_optional() {
        let known = |body: &str| {
            let identity = of(body.as_bytes());
            (identity.name.unwrap_or_default(), identity.version.unwrap_or_default())
        };
        let of = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(known(r#"{"name":"sessions","version":"1.2.0"}"#), of("sessions", "1.2.0"));
        assert_eq!(known(r#"{"name":"sessions","properties":{"version":"1.3.0"}}"#), of("sessions", "1.3.0"));
        assert_eq!(known(r#"{"name":"sessions","properties":{}}"#), of("sessions", ""));
        assert_eq!(known(r#"{"name":"a\nb","version":""}"#), of("", ""));
        for body in ["", "[]", "<html>", r#""ok""#, "null"] {
            assert_eq!(known(body), of("", ""), "{body}");
        }
    }
}
