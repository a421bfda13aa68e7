//! Snapshots of the public API of each published crate, and a list of the foreign types in them.
//!
//! A line that is removed or changed is a breaking change. A foreign type in a signature makes the major
//! versions of its crate ours. Each crate's snapshot is `public-api.txt` in its folder. Compare all of them,
//! or one:
//!
//! ```text
//! cargo test -p sessions-client --test public_api -- --ignored
//! cargo test -p sessions-client --test public_api -- --ignored wiretrait
//! ```
//!
//! `UPDATE_SNAPSHOTS=yes` in the environment writes the snapshots instead, for review. The first run takes
//! minutes: it documents the crates with all features, in a separate target directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

/// The crates of this workspace, whose types are not foreign.
const OWN: [&str; 5] = ["sessions_client", "wiretrait", "pip_services", "sessions_service", "sessions_web"];

/// The allowed foreign types, each with the reason why it is in the public API.
type Foreign = &'static [(&'static str, &'static str)];

const SESSIONS_CLIENT: Foreign = &[
    (
        "chrono::time_delta::TimeDelta",
        "the age at which sessions expire; it is subtracted from a `Timestamp`",
    ),
    ("futures_core::stream::Stream", "the stream of all pages"),
    ("serde_core::de::Deserialize", "sessions and filters support any serde format"),
    ("serde_core::de::Deserializer", "part of `Deserialize`"),
    ("serde_core::ser::Serialize", "sessions and filters support any serde format"),
    ("serde_core::ser::Serializer", "part of `Serialize`"),
    ("serde_json::value::Value", "the default type of payloads"),
];

const WIRETRAIT: Foreign = &[
    ("bytes::bytes::Bytes", "bodies, which are shared instead of copied"),
    ("http::header::map::HeaderMap", "the headers of a client"),
    ("http::header::name::HeaderName", "a header of a client"),
    ("http::header::value::HeaderValue", "a header of a client, which may be sensitive"),
    ("http::method::Method", "the method of a route"),
    ("http::request::Request", "an encoded call"),
    ("http::response::Response", "a response"),
    ("http::status::StatusCode", "the status of a response"),
    ("http::uri::Uri", "the target of a connector"),
    ("http_body::Body", "the responses of tower services"),
    ("http_body_util::full::Full", "the requests to tower services"),
    ("hyper::rt::io::Read", "the connections of a custom connector of the hyper transport"),
    ("hyper::rt::io::Write", "the connections of a custom connector of the hyper transport"),
    ("prost::message::Message", "the messages of gRPC"),
    ("reqwest::async_impl::client::Client", "a custom client of the reqwest transport"),
    ("serde_core::de::Deserialize", "arguments and results"),
    ("serde_core::de::DeserializeOwned", "arguments and results"),
    ("serde_core::de::Deserializer", "part of `Deserialize`"),
    ("serde_core::de::Visitor", "`ObjectDeserializer` is a deserializer"),
    ("serde_core::ser::Serialize", "arguments and results"),
    ("serde_core::ser::Serializer", "part of `Serialize`"),
    ("serde_json::map::Map", "the fields that the codec `Json` reads"),
    (
        "serde_json::value::Value",
        "a body that was parsed before it is received, and other fields of a `Problem`",
    ),
    ("tower_service::Service", "the adapters from and to tower"),
];

const PIP_SERVICES: Foreign = &[
    ("chrono::datetime::DateTime", "behind `Timestamp`: the type that most applications use"),
    ("chrono::offset::utc::Utc", "behind `Timestamp`"),
    ("http::method::Method", "`PipErrors` implements `ErrorFormat` of wiretrait"),
    ("http::status::StatusCode", "`PipErrors` implements `ErrorFormat` of wiretrait"),
    ("serde_core::de::Deserialize", "pages, filters and times support any serde format"),
    ("serde_core::de::Deserializer", "part of `Deserialize`"),
    ("serde_core::ser::Serialize", "pages, filters and times support any serde format"),
    ("serde_core::ser::Serializer", "part of `Serialize`"),
];

const SESSIONS_SERVICE: Foreign = &[
    ("axum::routing::Router", "the service as part of an axum application"),
    (
        "chrono::time_delta::TimeDelta",
        "the age at which sessions expire; it is subtracted from a `Timestamp`",
    ),
    ("tokio::net::addr::ToSocketAddrs", "the address to listen at"),
];

const SESSIONS_WEB: Foreign = &[
    ("axum_core::body::Body", "the responses of the layers"),
    ("axum_core::extract::FromRequestParts", "the extractors"),
    ("axum_core::extract::option::OptionalFromRequestParts", "optional extractors: `Option<Session>`"),
    ("axum_core::response::Response", "the responses of the layers"),
    ("axum_core::response::into_response::IntoResponse", "errors are responses"),
    ("cookie::same_site::SameSite", "an attribute of the cookie"),
    ("cookie::secure::key::Key", "the key of signed cookies"),
    ("http::request::Parts", "the argument of extractors"),
    ("http::request::Request", "the requests of the layers"),
    ("http::response::Response", "the responses of the layers"),
    ("http::status::StatusCode", "the status of an error"),
    ("serde_core::de::Deserialize", "the users and the data of applications"),
    ("serde_core::de::DeserializeOwned", "the users and the data of applications"),
    ("serde_core::de::Deserializer", "part of `Deserialize`"),
    ("serde_core::ser::Serialize", "the users and the data of applications"),
    ("serde_core::ser::Serializer", "part of `Serialize`"),
    ("serde_json::map::Map", "all data of a session"),
    ("serde_json::value::Value", "the other keys of a user, and all data of a session"),
    ("time::offset_date_time::OffsetDateTime", "the clock of the store; tower-sessions uses this type"),
    ("tower_layer::Layer", "the layers"),
    ("tower_service::Service", "the layers"),
    ("tower_sessions_core::session::Id", "the session store"),
    ("tower_sessions_core::session::Record", "the session store"),
    ("tower_sessions_core::session_store::Result", "the session store"),
    ("tower_sessions_core::session_store::SessionStore", "the session store"),
];

/// Generates one test for each crate. The JSON of rustdoc is unstable, so they need the compiler they were
/// written for.
macro_rules! snapshots {
    ($($test:ident: $package:literal, $foreign:ident;)*) => {$(
        #[rustversion::attr(not(stable(1.95)), ignore = "reads the rustdoc JSON of rustc 1.95")]
        #[rustversion::attr(stable(1.95), ignore = "documents the crate, which takes a minute")]
        #[test]
        fn $test() {
            check($package, $foreign);
        }
    )*};
}

snapshots! {
    public_api_of_sessions_client_matches_its_snapshot: "sessions-client", SESSIONS_CLIENT;
    public_api_of_wiretrait_matches_its_snapshot: "wiretrait", WIRETRAIT;
    public_api_of_pip_services_matches_its_snapshot: "pip-services", PIP_SERVICES;
    public_api_of_sessions_service_matches_its_snapshot: "sessions-service", SESSIONS_SERVICE;
    public_api_of_sessions_web_matches_its_snapshot: "sessions-web", SESSIONS_WEB;
}

fn check(package: &str, allowed: Foreign) {
    let items = public_api(package);
    let found: BTreeSet<&str> = items.lines().flat_map(paths).filter(|path| is_foreign(path)).collect();
    let allowed: BTreeSet<&str> = allowed.iter().map(|(path, _)| *path).collect();
    let missing: Vec<_> = found.difference(&allowed).collect();
    assert!(
        missing.is_empty(),
        "foreign types in the public API of {package} without a reason: {missing:#?}"
    );
    let unused: Vec<_> = allowed.difference(&found).collect();
    assert!(unused.is_empty(), "allowed, but no longer in the public API of {package}: {unused:#?}");

    let snapshot = root().join(package).join("public-api.txt");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return fs::write(snapshot, items).expect("the folder of the crate is writable");
    }
    let expected = fs::read_to_string(snapshot).unwrap_or_default();
    let lines = |items: &str| items.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (old, new) = (lines(&expected), lines(&items));
    let (removed, added) = (old.difference(&new), new.difference(&old));
    let changes: String = removed
        .map(|line| ["- ", line, "\n"].concat())
        .chain(added.map(|line| ["+ ", line, "\n"].concat()))
        .collect();
    assert!(expected == items, "the public API of {package} has changed:\n{changes}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace's folder")
}

/// The folder of the rustdoc JSON of all crates. One command documents them, so that their dependencies are checked once.
static DOCUMENTED: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public-api");
    let status = Command::new(env!("CARGO"))
        .args(["doc", "--quiet", "--no-deps", "--lib", "--all-features", "--target-dir"])
        .arg(&target)
        .args(OWN.iter().flat_map(|name| ["--package".to_owned(), name.replace('_', "-")]))
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format json --cap-lints allow")
        // Enables the unstable JSON format in the stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root())
        .status()
        .expect("cargo runs this test, so it is installed");
    assert!(status.success(), "rustdoc failed: {status}");
    target.join("doc")
});

/// Returns the public API of a package with all its features, an item per line.
fn public_api(package: &str) -> String {
    let name = package.replace('-', "_");
    let api = public_api::Builder::from_rustdoc_json(DOCUMENTED.join(format!("{name}.json")))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .expect("public-api reads the JSON of rustc 1.95");
    let others = OWN.iter().filter(|own| **own != name);
    others.fold(api.to_string(), |items, other| without_modules(&items, other))
}

/// Shortens paths in another crate of this workspace to crate and name: rustdoc writes them with private
/// modules, whose changes are not changes of the API.
fn without_modules(items: &str, other: &str) -> String {
    let prefix = format!("{other}::");
    let mut parts = items.split(&*prefix);
    let mut short = parts.next().unwrap_or_default().to_owned();
    for mut path in parts {
        while let Some((module, rest)) = path.split_once("::")
            && module.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            path = rest;
        }
        short.push_str(&prefix);
        short.push_str(path);
    }
    short
}

/// Returns the paths of types and traits in an item, including those in generic arguments.
fn paths(item: &str) -> impl Iterator<Item = &str> {
    item.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.rsplit_once("::").is_some_and(|(_, last)| last.starts_with(char::is_uppercase)))
}

/// The standard library needs no reason.
fn is_foreign(path: &str) -> bool {
    let root = path.split("::").next().unwrap_or_default();
    // A root in upper case is `Self` or a type parameter: `Self::Ok`.
    let is_generic = root.starts_with(char::is_uppercase);
    !(is_generic || OWN.contains(&root) || matches!(root, "core" | "alloc" | "std"))
}
