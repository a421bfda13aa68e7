//! The kinds of client by name, as a configuration chooses them.

use super::config_error;
use super::keys::{nearest, suggestion};
use std::fmt;
use std::str::FromStr;
use wiretrait::{ClientConfig, Error};

/// A kind of client, for factories of clients.
///
/// It is parsed from its name, from the kinds of the official clients, and from their descriptors:
///
/// | kind | official kind | client |
/// |---|---|---|
/// | `http` | `commandable-http` | calls the service over HTTP |
/// | `grpc` | `grpc` | calls the methods of the service's gRPC interface |
/// | `commandable-grpc` | `commandable-grpc` | calls the service over commandable gRPC |
/// | `direct` | | calls an implementation in the same process |
/// | `memory` | `mock` | keeps its data in memory |
/// | `null` | | has no data |
///
/// `_` in a name means the same as `-`. The official clients over Lambda have no counterpart.
///
/// ```
/// use pip_services::ClientKind;
///
/// assert_eq!("memory".parse::<ClientKind>()?, ClientKind::Memory);
/// let descriptor = "service-orders:client:commandable-http:default:1.0";
/// assert_eq!(descriptor.parse::<ClientKind>()?, ClientKind::Http);
/// assert_eq!(ClientKind::Http.to_string(), "http");
/// # Ok::<_, wiretrait::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientKind {
    /// A client over HTTP.
    #[default]
    Http,
    /// A client over the methods of the service's own gRPC interface. Needs the feature `grpc`.
    Grpc,
    /// A client over commandable gRPC. Needs the feature `grpc`.
    CommandableGrpc,
    /// A client of an implementation in the same process.
    Direct,
    /// A client with its data in memory.
    Memory,
    /// A client without data.
    Null,
}

const KINDS: [ClientKind; 6] = [
    ClientKind::Http,
    ClientKind::Grpc,
    ClientKind::CommandableGrpc,
    ClientKind::Direct,
    ClientKind::Memory,
    ClientKind::Null,
];

impl ClientKind {
    /// Returns the name of the kind in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::CommandableGrpc => "commandable-grpc",
            Self::Direct => "direct",
            Self::Memory => "memory",
            Self::Null => "null",
        }
    }

    /// Returns the kind in the settings that `config` was [built](crate::ConfigParams::build) from, or else the default.
    #[must_use]
    pub fn of(config: &ClientConfig) -> Self {
        config.extension().copied().unwrap_or_default()
    }

    /// Returns whether the client calls the service over the network, so that it needs its address.
    #[must_use]
    pub const fn needs_address(self) -> bool {
        matches!(self, Self::Http) || self.is_grpc()
    }

    /// Returns whether the client speaks gRPC.
    pub(super) const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::CommandableGrpc)
    }

    /// Parses the name of a kind or a descriptor, whose group must be one of `groups`, if given. The error
    /// completes a sentence that begins with the key.
    pub(super) fn parse(value: &str, groups: Option<&[&str]>) -> Result<Self, String> {
        let is_known = |group: &str| group == "*" || groups.is_none_or(|groups| groups.contains(&group));
        let parts: Vec<&str> = value.trim().split(':').collect();
        let name = match parts[..] {
            [name] => name,
            [group, "client" | "*", kind, _, "1.0" | "*"] if is_known(group) => kind,
            _ => {
                let group = groups.and_then(<[_]>::first).unwrap_or(&"service-orders");
                return Err(format!(
                    "is not a descriptor of a client of this service; \
                     use one such as `{group}:client:http:default:1.0`, or only the kind"
                ));
            }
        };
        match &*name.replace('_', "-") {
            "http" | "commandable-http" => Ok(Self::Http),
            "direct" => Ok(Self::Direct),
            "memory" | "mock" => Ok(Self::Memory),
            "null" => Ok(Self::Null),
            "grpc" => Ok(Self::Grpc),
            "commandable-grpc" => Ok(Self::CommandableGrpc),
            "lambda" | "commandable-lambda" => {
                Err(format!("is `{name}`, which only the official clients support; use `http`"))
            }
            _ => {
                let near = nearest(name, KINDS.iter().map(|kind| (kind.to_string(), kind.as_str().len())));
                let rest = suggestion(near, "kinds", KINDS.iter().map(ToString::to_string));
                Err(format!("is not a kind of client{rest}"))
            }
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Accepts descriptors of any service. The error is [`ErrorKind::Config`](wiretrait::ErrorKind::Config) and
/// lists the known kinds.
impl FromStr for ClientKind {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        Self::parse(value, None).map_err(|why| config_error("kind", why))
    }
}
