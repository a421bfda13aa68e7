//! What has arrived at a gateway or a proxy.

use std::fmt;
use std::ops::Sub;

/// The number of connections and requests that have arrived at a gateway or a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Accepted connections, whether or not a TLS handshake or a request followed.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
}

impl Sub for Arrivals {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            connections: self.connections.saturating_sub(earlier.connections),
            requests: self.requests.saturating_sub(earlier.requests),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number| if number == 1 { "" } else { "s" };
        let Self { connections, requests } = *self;
        write!(f, "{connections} connection{}, {requests} request{}", plural(connections), plural(requests))
    }
}
