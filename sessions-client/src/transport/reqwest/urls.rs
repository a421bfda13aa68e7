//! The addresses of operations, made once.
//!
//! reqwest wants a whole URL for each request, and to put a path into one costs as much as to write the body. But an
//! operation without placeholders has one address in most of its calls.

use crate::runtime::Route;
use http::Uri;
use reqwest::Url;
use std::sync::{Arc, PoisonError, RwLock};

/// More than most contracts have operations; a client whose base route varies must not collect addresses for ever.
const MOST: usize = 64;

#[derive(Clone)]
pub(super) struct Urls {
    /// The service, without credentials.
    base: Url,
    known: Arc<RwLock<Vec<Known>>>,
}

/// A target, and the address of it.
type Known = (Box<str>, Url);

impl Urls {
    pub(super) fn new(base: Url) -> Self {
        Self { base, known: Arc::default() }
    }

    /// The service.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The address for a call of `route` whose request has the target `target`.
    pub(super) fn of(&self, route: &Route, target: &Uri) -> Url {
        if target.query().is_some() || route.path.contains('{') {
            return self.make(target);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, url)) = known.iter().find(|(path, _)| **path == *target.path()) {
            return url.clone();
        }
        drop(known);
        let url = self.make(target);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.push((target.path().into(), url.clone()));
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
