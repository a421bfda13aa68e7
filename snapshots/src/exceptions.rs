//! Accepted differences between the embedded service and the real one: the complete list.
//!
//! `differential` generates nothing that these cover, except for strings, which it replaces. `replay` names
//! the entry for each captured exchange whose response differs or which it leaves out. The requests that
//! schemathesis does not send (`providers/openapi`) are not listed here, since both services respond to them
//! alike.

use std::fmt;

/// A difference, and the reason why it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The difference.
    pub what: &'static str,
    /// The reason.
    pub why: &'static str,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

/// The length of stack traces.
pub const STACK: Exception = Exception {
    what: "stack traces have one line",
    why: "those of the real service contain the paths of its files",
};

/// The message about invalid JSON.
pub const REASON: Exception = Exception {
    what: "the reason in an error about invalid JSON differs",
    why: "it is the parser's message, which depends on the version of Node.js",
};

/// The depth of JSON.
pub const DEPTH: Exception = Exception {
    what: "JSON nested deeper than 127 levels is invalid",
    why: "this is the limit of serde_json; beyond 20,000 levels the real service stores values that it cannot return",
};

/// Requests that crash the process.
pub const CRASH: Exception =
    Exception { what: "a corrupt gzip body results in 400", why: "it crashes the real service" };

/// Large bodies.
pub const LARGE: Exception = Exception {
    what: "a body of more than 128 MiB results in 413, and so does gzip with more than 16 MiB of decompressed data or \
           more than 1,000 gzip members",
    why: "the real service has no known limit, but a small gzip body could exhaust the memory of a process that embeds \
          the service",
};

/// Protocol upgrades.
pub const UPGRADE: Exception = Exception {
    what: "`Upgrade` is ignored, and `CONNECT` is handled like any other method",
    why: "the real service never responds, which no client can use",
};

/// Input that is not valid HTTP.
pub const BELOW_HTTP: Exception = Exception {
    what: "the response to malformed HTTP, to an unknown method and to a request that ends the connection has \
           `Content-Length: 0`; a request with two lengths is accepted",
    why: "hyper adds the length to every response, and handles most of these before they reach a service",
};

/// The format of responses.
pub const SPELLING: Exception = Exception {
    what: "all header names are capitalized; the response to HTTP/1.0 is HTTP/1.0, and its connection closes if both \
           `close` and `keep-alive` are given",
    why: "hyper does so, and HTTP clients must not depend on it",
};

/// Slow clients.
pub const SLOW: Exception = Exception {
    what: "a connection without a first request is closed after 90 s without a response, and there is no timeout for an \
           incomplete body",
    why: "the real service responds with 408 after 60 to 90 s or, for a body, after minutes; no test waits that long",
};

/// Malformed headers.
pub const HEADERS: Exception = Exception {
    what: "an `Origin` with non-ASCII letters is returned unchanged, and an empty `Content-Encoding` is ignored",
    why: "Node.js writes the former in the encoding of the body, and responds to the latter with a header that the \
          framework left over",
};

/// Names with a meaning in JavaScript.
pub const NAMES: Exception = Exception {
    what: "`constructor` is an ordinary argument, a condition can have a `toString`, and brackets in the names of a \
           query have no meaning",
    why: "the behaviour of the real service is an accident of JavaScript, not part of the contract",
};

/// Metadata of a deployment.
pub const DEPLOYMENT: Exception = Exception {
    what: "`/status` names another host and other components, and there are no Swagger pages",
    why: "both belong to the configuration of a service, not to its contract",
};

/// All exceptions.
pub const ALL: &[Exception] =
    &[STACK, REASON, DEPTH, CRASH, LARGE, UPGRADE, BELOW_HTTP, SPELLING, SLOW, HEADERS, NAMES, DEPLOYMENT];
