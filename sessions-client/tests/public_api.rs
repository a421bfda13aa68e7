//! What the crate promises: its whole public API as a snapshot, and the types of other crates in it by list.
//!
//! A line that goes or changes is a breaking change; a foreign type in a signature makes that crate's major
//! versions ours. Run it with `cargo test -p sessions-client --test public_api -- --ignored`: it documents the
//! crate and its dependencies' metadata anew, in a target directory of its own. With `UPDATE_SNAPSHOTS=yes` in the
//! environment it writes `public-api.txt` anew, to be reviewed.

use public_api::PublicApi;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The types of other crates that stand in signatures, and why there is no type of our own in their place.
/// `core`, `alloc` and `std` need no reason.
const FOREIGN: &[(&str, &str)] = &[
    ("axum::routing::Router", "the embedded service, to be mounted in an application"),
    ("bytes::bytes::Bytes", "bodies: shared, not copied"),
    ("chrono::datetime::DateTime", "behind `Timestamp`, the type that most applications have already"),
    ("chrono::offset::utc::Utc", "behind `Timestamp`"),
    (
        "chrono::time_delta::TimeDelta",
        "the age at which sessions expire, which is subtracted from a `Timestamp`",
    ),
    ("futures_core::stream::Stream", "what the stream of all pages is"),
    ("http::method::Method", "the method of a route"),
    ("http::request::Request", "an encoded call"),
    ("http::response::Response", "an answer"),
    ("http::status::StatusCode", "the status of an answer"),
    ("http::uri::Uri", "what a connector is to connect to"),
    ("http_body::Body", "the answers of services of tower"),
    ("http_body_util::full::Full", "the requests to services of tower"),
    ("hyper::rt::io::Read", "the connections of a connector of one's own under the hyper transport"),
    ("hyper::rt::io::Write", "likewise"),
    ("reqwest::async_impl::client::Client", "a client of one's own under the reqwest transport"),
    ("serde_core::de::Deserialize", "sessions, pages and filters go through any format"),
    ("serde_core::de::DeserializeOwned", "payloads"),
    ("serde_core::de::Deserializer", "part of `Deserialize`"),
    ("serde_core::ser::Serialize", "payloads"),
    ("serde_core::ser::Serializer", "part of `Serialize`"),
    ("serde_json::value::Value", "payloads of no particular type"),
    ("tokio::net::addr::ToSocketAddrs", "where the embedded service listens"),
    ("tower_service::Service", "what the adapters are to and from"),
];

/// rustdoc's JSON is unstable: this test reads that of the one compiler that it was made for.
#[rustversion::attr(not(stable(1.95)), ignore = "reads the rustdoc JSON of rustc 1.95")]
#[rustversion::attr(stable(1.95), ignore = "documents the crate, which takes a minute")]
#[test]
fn the_public_api_is_what_it_was_and_shows_no_foreign_type_but_the_listed_ones() {
    let api = public_api();
    let items = api.to_string();
    let foreign: BTreeSet<&str> = items.lines().flat_map(paths).filter(|path| !is_own(path)).collect();
    let listed: BTreeSet<&str> = FOREIGN.iter().map(|(path, _)| *path).collect();
    let unlisted: Vec<_> = foreign.difference(&listed).collect();
    assert!(unlisted.is_empty(), "types of other crates in the public API, without a reason: {unlisted:#?}");
    let stale: Vec<_> = listed.difference(&foreign).collect();
    assert!(stale.is_empty(), "no longer in the public API: {stale:#?}");
    api.assert_eq_or_update(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/public-api.txt"));
}

/// With all features.
fn public_api() -> PublicApi {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public-api");
    let status = Command::new(env!("CARGO"))
        .args([
            "rustdoc",
            "--quiet",
            "--package",
            "sessions-client",
            "--lib",
            "--all-features",
            "--target-dir",
        ])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format", "json", "--cap-lints", "allow"])
        // The stable compiler knows the format as well, if it is asked like this.
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs this test, so it is there");
    assert!(status.success(), "rustdoc failed: {status}");
    public_api::Builder::from_rustdoc_json(target.join("doc/sessions_client.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .expect("the format that public-api reads is that of rustc 1.95")
}

/// The paths of types and traits in an item, generics taken apart.
fn paths(item: &str) -> impl Iterator<Item = &str> {
    item.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.rsplit_once("::").is_some_and(|(_, last)| last.starts_with(char::is_uppercase)))
}

fn is_own(path: &str) -> bool {
    let root = path.split("::").next().unwrap_or_default();
    // In upper case it is `Self` or a parameter: `Self::Ok`.
    matches!(root, "sessions_client" | "core" | "alloc" | "std") || root.starts_with(char::is_uppercase)
}
