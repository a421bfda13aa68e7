//! Contracts of well-known HTTP APIs, each on one page.
//!
//! | module | API | shows |
//! |---|---|---|
//! | [`httpbin`] | httpbin, an echo service | all verbs, forms, files, bytes, text, lists, cookies, ranges |
//! | [`github`] | GitHub's REST API | pages by `Link`, constant headers, 404 as `None`, typed errors, PATCH |
//! | [`s3`] | Amazon S3 | a custom codec, XML errors, keys with slashes, ranges |
//! | [`registry`] | Docker's registry | bytes up and down, HEAD, `Location`, content negotiation |
//! | [`stripe`] | Stripe | forms with brackets, expansion, cursors, idempotency keys |
//!
//! A contract here has the operations that its program and its tests use. The tests run against real servers: see
//! `examples/apis/README.md`.

pub mod github;
pub mod httpbin;
pub mod registry;
pub mod s3;
pub mod stripe;
