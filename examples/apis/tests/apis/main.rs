//! The contracts against real servers, over both network transports, and what their constructs compile to.
//!
//! `examples/apis/run` starts the servers. Without it, the tests of a server print a line that says so.

mod constructs;
mod github;
mod github_served;
mod httpbin;
mod registry;
mod s3;
mod stripe;
mod support;
