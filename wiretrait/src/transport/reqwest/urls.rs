//! A cache of URLs.
//!
//! reqwest needs a complete URL for each request, and setting a path in one costs as much as encoding the
//! body. Operations without placeholders mostly have one URL.

use http::Uri;
use reqwest::Url;
use std::sync::{Arc, PoisonError, RwLock};

/// The maximum number of URLs, which limits the memory of a client whose base route varies. Most contracts
/// have fewer operations.
const MAX_CACHED: usize = 64;

#[derive(Clone)]
pub(super) struct Urls {
    /// The address of the service, without credentials.
    base: Url,
    cached: Arc<RwLock<Vec<Cached>>>,
}

/// A path and its URL.
type Cached = (Box<str>, Url);

impl Urls {
    pub(super) fn new(base: Url) -> Self {
        Self { base, cached: Arc::default() }
    }

    /// Returns the URL of a request with the target `target`, of an operation that has one path or many.
    pub(super) fn of(&self, target: &Uri, has_one_path: bool) -> Url {
        if target.query().is_some() || !has_one_path {
            return self.make(target);
        }
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, url)) = cached.iter().find(|(path, _)| **path == *target.path()) {
            return url.clone();
        }
        drop(cached);
        let url = self.make(target);
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        if cached.len() < MAX_CACHED {
            cached.push((target.path().into(), url.clone()));
        }
        url
    }

    fn make(&self, target: &Uri) -> Url {
        let mut url = self.base.clone();
        match url.path() {
            "/" => url.set_path(target.path()),
            base => url.set_path(&[base.trim_end_matches('/'), target.path()].concat()),
        }
        url.set_query(target.query());
        url
    }
}
