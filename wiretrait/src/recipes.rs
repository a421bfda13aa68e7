//! Guide: how common parts of HTTP APIs are written in a contract.
//!
//! All of them are operations of one contract here. Each assertion shows what a client sends or returns.
//!
//! | part of an API | recipe |
//! |---|---|
//! | a resource that may be missing, or unchanged since the last response (`ETag`) | [`find`](#missing-and-unchanged-resources) |
//! | whether a resource exists (HEAD) | [`exists`](#existence) |
//! | changes where an absent key stays and `null` deletes (merge patch) | [`change`](#changes) |
//! | pages with a `Link` header | [`page`](#pages) |
//! | a form, a file upload, a download in ranges | [`login`, `add_photo`, `label`](#other-bodies) |
//! | a key that makes a POST safe to send again | [`create`](#idempotency-keys) |
//! | a login without the token of the other calls | [a second client](#a-login-without-a-token) |
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use wiretrait::bytes::Bytes;
//! use wiretrait::codec::{Binary, Form, Multipart, Part};
//! use wiretrait::{Operation, Problem, ResponseValue, Result, http_api};
//!
//! #[derive(Debug, Deserialize)]
//! pub struct Parcel {
//!     pub note: Option<String>,
//! }
//!
//! #[derive(Deserialize)]
//! pub struct Login {
//!     pub token: String,
//! }
//!
//! #[http_api(client = ParcelsClient, module = parcels, error = Problem, client_only)]
//! pub trait Parcels {
//!     #[get("/parcels/{id}", none = [404, 304])]
//!     async fn find(&self, id: u64, #[header("if-none-match")] etag: Option<&str>) -> Result<ResponseValue<Option<Parcel>>>;
//!
//!     #[head("/parcels/{id}", none = 404)]
//!     async fn exists(&self, id: u64) -> Result<Option<()>>;
//!
//!     #[patch("/parcels/{id}")]
//!     #[header("content-type", "application/merge-patch+json")]
//!     async fn change(&self, id: u64, #[field] note: Option<Option<&str>>, #[field] pickup: Option<Option<&str>>) -> Result<Parcel>;
//!
//!     #[get("/parcels")]
//!     async fn page(&self, #[query] page: Option<u32>) -> Result<ResponseValue<Vec<Parcel>>>;
//!
//!     #[post("/parcels", idempotent)]
//!     async fn create(&self, #[header("idempotency-key")] key: &str, #[field] recipient: &str) -> Result<ResponseValue<Parcel>>;
//!
//!     #[post("/login", request = Form)]
//!     async fn login(&self, #[field] user: &str, #[field] password: &str) -> Result<Login>;
//!
//!     #[post("/parcels/{id}/photos", request = Multipart)]
//!     async fn add_photo(&self, id: u64, #[field] caption: &str, #[field] photo: &Part) -> Result<()>;
//!
//!     #[get("/parcels/{id}/label.{format}", response = Binary)]
//!     async fn label(&self, id: u64, format: &str, #[header("range")] range: Option<&str>) -> Result<ResponseValue<Bytes>>;
//! }
//!
//! # fn main() -> Result<()> {
//! let request = parcels::Change::new(7).note(None).encode()?;
//! assert_eq!(request.body(), r#"{"note":null}"#);
//! assert_eq!(request.headers()["content-type"], "application/merge-patch+json");
//!
//! let request = parcels::Label::new(7, "pdf").range("bytes=0-99").encode()?;
//! assert_eq!((request.uri().path(), &request.headers()["range"]), ("/parcels/7/label.pdf", &"bytes=0-99".parse().unwrap()));
//!
//! let request = parcels::Login::new("ann", "a&b").encode()?;
//! assert_eq!(request.body(), "user=ann&password=a%26b");
//!
//! let response = |status: u16| wiretrait::http::Response::builder().status(status).header("etag", "\"1\"").body(Bytes::new());
//! let unchanged = parcels::Find::decode(response(304).unwrap())?;
//! assert_eq!((unchanged.status().as_u16(), unchanged.header("etag")), (304, Some("\"1\"")));
//! assert!(unchanged.is_none());
//! assert!(parcels::Exists::decode(response(200).unwrap())?.is_some());
//! assert!(parcels::Exists::decode(response(404).unwrap())?.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! # Missing and unchanged resources
//!
//! `none = [404, 304]` makes both statuses `None`, and [`ResponseValue::status`](crate::ResponseValue::status) is the
//! one of them. Send the `ETag` of the last response as `if-none-match`.
//!
//! # Existence
//!
//! A HEAD response has no body. `Result<Option<()>>` with `none = 404` is `Some(())` for every success, and
//! `Result<ResponseValue<()>>` has the headers. A DELETE can return the same.
//!
//! # Changes
//!
//! A field of type `Option<Option<T>>` is left out, `null` or a value. The setter takes the inner `Option`: `.note(None)`
//! deletes the note, `.note(Some("fragile"))` sets it, and without the setter it stays. If `null` has no meaning, use
//! `Option<T>` and the flag `omit_none`.
//!
//! # Pages
//!
//! [`ResponseValue::link`](crate::ResponseValue::link) returns the address of the page in the header `Link`. Request that page.
//! A method with a body and no route can do that for all pages, so that it is part of the contract.
//!
//! # Other bodies
//!
//! The codec is named where it is used: see [`codec`](crate::codec). Fields of `Multipart` are texts and
//! [`Part`](crate::codec::Part)s. A response to a range has the status 206 and the header `content-range`.
//!
//! # Idempotency keys
//!
//! With the flag `idempotent`, a POST is retried after any transient failure. The retries send the same request, so the
//! service recognizes the key. Create one key for each call.
//!
//! # A login without a token
//!
//! Clients of one contract can have different configurations: one without credentials for the login, and one whose
//! configuration has the tokens (see `wiretrait::auth`).
