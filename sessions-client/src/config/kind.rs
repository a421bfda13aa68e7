//! The kinds of client by name, as a configuration chooses them.

use super::keys::nearest;
use crate::error::Error;
use std::fmt;
use std::str::FromStr;

/// Which client a [`SessionsClientFactory`](crate::SessionsClientFactory) makes.
///
/// It is read from its name, from the kinds of the official clients, and from their descriptors:
///
/// | kind | also read from | what it is |
/// |---|---|---|
/// | `http` | `commandable-http` | [`SessionsHttpClientV1`](crate::SessionsHttpClientV1) |
/// | `direct` | | [`SessionsDirectClientV1`](crate::SessionsDirectClientV1) |
/// | `memory` | `mock` | [`SessionsMemoryClientV1`](crate::SessionsMemoryClientV1) |
/// | `null` | | [`SessionsNullClientV1`](crate::SessionsNullClientV1) |
///
/// The official clients over gRPC and Lambda have no counterpart.
///
/// ```
/// use sessions_client::ClientKind;
///
/// assert_eq!("memory".parse::<ClientKind>()?, ClientKind::Memory);
/// let descriptor = "service-sessions:client:commandable-http:default:1.0";
/// assert_eq!(descriptor.parse::<ClientKind>()?, ClientKind::Http);
/// assert_eq!(ClientKind::Http.to_string(), "http");
/// # Ok::<_, sessions_client::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientKind {
    /// Over HTTP, by reqwest.
    #[default]
    Http,
    /// An implementation in the same process.
    Direct,
    /// Sessions in memory.
    Memory,
    /// No sessions at all.
    Null,
}

const KINDS: [ClientKind; 4] = [ClientKind::Http, ClientKind::Direct, ClientKind::Memory, ClientKind::Null];

/// The groups of the official descriptors, `group:type:kind:name:version`.
const GROUPS: [&str; 3] = ["service-sessions", "pip-services-sessions", "*"];

impl ClientKind {
    /// Its name in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Direct => "direct",
            Self::Memory => "memory",
            Self::Null => "null",
        }
    }

    /// The kind that `text` names, or the reason alone why it names none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let name = match parts[..] {
            [name] => name,
            [group, "client" | "*", kind, _, "1.0" | "*"] if GROUPS.contains(&group) => kind,
            _ => {
                let why = "is no descriptor of a sessions client: \
                           write it like `service-sessions:client:http:default:1.0`, or the kind alone";
                return Err(why.to_owned());
            }
        };
        match name {
            "http" | "commandable-http" => Ok(Self::Http),
            "direct" => Ok(Self::Direct),
            "memory" | "mock" => Ok(Self::Memory),
            "null" => Ok(Self::Null),
            "grpc" | "commandable-grpc" | "lambda" | "commandable-lambda" => Err(format!(
                "is `{name}`, which only the official clients have: the service answers `http` as well"
            )),
            _ => {
                let names = KINDS.iter().map(|kind| (kind.to_string(), kind.as_str().len()));
                let near = nearest(name, names);
                let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                let names = KINDS.map(|kind| format!("`{kind}`")).join(", ");
                Err(format!("is no kind of client: {hint}There are {names}"))
            }
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error is [`ErrorKind::Config`](crate::ErrorKind::Config), and lists the kinds that there are.
impl FromStr for ClientKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|why| Error::config("kind", why))
    }
}
