//! Counts of what has arrived at a gateway or a proxy.

use std::fmt;

/// The number of connections and requests that have arrived at a gateway or a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Accepted connections, whether or not a TLS handshake or a request followed; `None` if they are not counted.
    pub connections: Option<u64>,
    /// Requests.
    pub requests: u64,
}

impl Arrivals {
    /// Returns what has arrived after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        let connections = self.connections.map(|now| now.saturating_sub(earlier.connections.unwrap_or(0)));
        Self { connections, requests: self.requests.saturating_sub(earlier.requests) }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number| if number == 1 { "" } else { "s" };
        if let Some(connections) = self.connections {
            write!(f, "{connections} connection{}, ", plural(connections))?;
        }
        write!(f, "{} request{}", self.requests, plural(self.requests))
    }
}
