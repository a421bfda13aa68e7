//! Accepted differences between the embedded service and the real one: the complete list.
//!
//! `differential` generates nothing that these cover, except for strings, which it replaces. `replay` and
//! `framing` name the entry for each captured exchange whose response differs or which they leave out. The
//! requests that schemathesis does not send (`providers/openapi`) are not listed here, since both services
//! respond to them alike.

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
           `Content-Length: 0`",
    why: "hyper adds the length to every response, and handles most of these before they reach a service",
};

/// Malformed HTTP that only one of the two parsers accepts.
pub const PARSER: Exception = Exception {
    what: "accepted here, 400 there: lines that end without a carriage return, UTF-8 in a target, a target of the form \
           `host:port`, two equal lengths, a length together with chunks, `chunked` twice, spaces and control characters \
           after the size of a chunk, framing headers in trailers, tabs around `close` in `Connection`. Rejected here, accepted there: several spaces in the \
           request line, a carriage return before it, versions other than 1.0 and 1.1, other protocols, `\"`, `<` and `>` \
           in a target, an empty `Transfer-Encoding`, chunks in HTTP/1.0, more than 100 headers or trailers. Chunk \
           extensions and trailers that are too long result in 400, not in 413 or 431",
    why: "the parsers of hyper and Node.js tolerate different mistakes, which HTTP clients do not make",
};

/// Responses to a request before its end.
pub const EARLY: Exception = Exception {
    what: "a body that ends early or is malformed results in one response, 400; the real service may have responded \
           before, for example with 404, and then sends 400 as a second response",
    why: "the embedded service reads the body first; a client that sends half a body does not wait for either response",
};

/// Several requests in one packet.
pub const PIPELINED: Exception = Exception {
    what: "after malformed HTTP, earlier requests of the same packet are still responded to; anything after a request \
           with `Connection: close` is ignored, without 400",
    why: "the real service parses a whole packet before it responds; the client receives at least as much from the \
          embedded service",
};

/// Half-closed connections.
pub const HALF_CLOSED: Exception = Exception {
    what: "a client that has shut down its write side receives all responses",
    why: "the real service drops those that are not ready at once, such as compressed ones, depending on timing",
};

/// Forms of `Expect`.
pub const EXPECT: Exception = Exception {
    what: "`100 Continue` is sent only if `Expect` is exactly `100-continue` and the request has a body",
    why: "hyper decides on it; without a body or with other expectations, the final response is the same",
};

/// The time until an idle connection is closed.
pub const IDLE: Exception = Exception {
    what: "an idle connection is closed after 5 s, the time in `Keep-Alive`; the real service waits a second longer",
    why: "a client that uses a connection longer than announced fails in tests, not only at an older version of Node.js",
};

/// The format of responses.
pub const SPELLING: Exception = Exception {
    what: "all header names are capitalized; the response to HTTP/1.0 is HTTP/1.0, and its connection closes if both \
           `close` and `keep-alive` are given",
    why: "hyper does so, and HTTP clients must not depend on it",
};

/// Slow clients.
pub const SLOW: Exception = Exception {
    what: "a connection without a complete first request receives 408 after exactly 90 s; an incomplete later head is \
           closed like an idle connection, and there is no timeout for an incomplete body",
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
pub const ALL: &[Exception] = &[
    STACK,
    REASON,
    DEPTH,
    CRASH,
    LARGE,
    UPGRADE,
    BELOW_HTTP,
    PARSER,
    EARLY,
    PIPELINED,
    HALF_CLOSED,
    EXPECT,
    IDLE,
    SPELLING,
    SLOW,
    HEADERS,
    NAMES,
    DEPLOYMENT,
];
