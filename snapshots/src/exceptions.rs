//! Where the embedded service deliberately is not the real one's double.
//!
//! This is the whole list. `differential` generates nothing that falls under it but texts, which it replaces, and
//! `replay` names the entry for each captured exchange that is answered otherwise or left out. What schemathesis is
//! not told to ask (`providers/openapi`) is another matter: there, both services answer alike.

use std::fmt;

/// A difference, and why it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What is different.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

/// Stack traces have one line.
pub const STACK: Exception =
    Exception { what: "stack traces have one line", why: "those of the real service name its own files" };

/// What is said of bad JSON.
pub const REASON: Exception = Exception {
    what: "what is said of bad JSON",
    why: "it is the parser's own text, which depends on the version of Node.js",
};

/// Deep JSON.
pub const DEPTH: Exception = Exception {
    what: "JSON nested deeper than 127 is invalid",
    why: "it is what serde_json reads; beyond 20,000 the real service keeps what it cannot answer with",
};

/// Requests that end the process.
pub const CRASH: Exception = Exception {
    what: "a gzip body that is corrupt is answered with 400",
    why: "it ends the process of the real service",
};

/// Bodies that are large.
pub const LARGE: Exception = Exception {
    what: "a body of more than 128 MiB is answered with 413, and so is gzip of more than 16 MiB once it is \
           decompressed, or in more than 1,000 members",
    why: "no limit was found in the real service, but a little gzip can fill the memory of whoever embeds one",
};

/// Protocol upgrades.
pub const UPGRADE: Exception = Exception {
    what: "a request with `Upgrade` is answered as one without, and `CONNECT` as any verb",
    why: "the real service never answers, which serves nobody",
};

/// What is no HTTP.
pub const BELOW_HTTP: Exception = Exception {
    what: "what is no HTTP, or ends it, or has a verb that there is not, has an answer with `Content-Length: 0`; two \
           lengths in one request are taken",
    why: "hyper says of each answer how long it is, and answers most of this before any service hears of it",
};

/// How answers are written.
pub const SPELLING: Exception = Exception {
    what: "all names of headers are capitalized; HTTP/1.0 is answered with HTTP/1.0, and its connection ends where \
           `close` stands beside `keep-alive`",
    why: "hyper does so, and no reader of HTTP may mind",
};

/// Clients that are slow.
pub const SLOW: Exception = Exception {
    what: "a connection without a first request is closed after 90 s without an answer, and half a body is waited for \
           without end",
    why: "the real service answers 408 after 60 to 90 s or, for a body, after minutes, for which no test waits",
};

/// Headers that are out of form.
pub const HEADERS: Exception = Exception {
    what: "an `Origin` with letters beyond ASCII is sent back as it came, and an empty `Content-Encoding` is none",
    why: "Node.js writes the one in the encoding that the body happens to have, and answers the other with a header \
          that the framework forgot",
};

/// Names of JavaScript's own.
pub const NAMES: Exception = Exception {
    what: "`constructor` is an argument like any other, a condition can have a `toString`, and brackets in the names \
           of a query mean nothing",
    why: "what the real service stumbles over there is JavaScript's, and nobody's contract",
};

/// What a deployment says of itself.
pub const DEPLOYMENT: Exception = Exception {
    what: "`/status` names another machine and other components, and there are no pages of Swagger",
    why: "both belong to the configuration of a service, not to its contract",
};

/// All of them.
pub const ALL: &[Exception] =
    &[STACK, REASON, DEPTH, CRASH, LARGE, UPGRADE, BELOW_HTTP, SPELLING, SLOW, HEADERS, NAMES, DEPLOYMENT];
