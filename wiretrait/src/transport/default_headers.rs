//! The headers that a transport adds to each request, prepared when it is created.

use crate::config::ClientConfig;
use crate::transport::content_encoding::SUPPORTED;
use http::header::{ACCEPT_ENCODING, Entry, HeaderMap, HeaderName, HeaderValue};

/// Headers that are added unless the request has one of the same name.
#[derive(Clone)]
pub(super) struct DefaultHeaders(Vec<DefaultHeader>);

#[derive(Clone)]
struct DefaultHeader {
    name: HeaderName,
    value: HeaderValue,
    /// The other values, for a name that is set more than once.
    more: Vec<HeaderValue>,
}

impl DefaultHeaders {
    /// Returns the headers of `config`, and those of `others` that it does not set.
    pub(super) fn new(
        config: &ClientConfig,
        others: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Self {
        let mut all: HeaderMap = config.headers().clone();
        for (name, value) in others {
            all.entry(name).or_insert(value);
        }
        if config.accepts_compression() {
            all.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(SUPPORTED));
        }
        let header = |name: &HeaderName| {
            let mut values = all.get_all(name).iter().cloned();
            Some(DefaultHeader { name: name.clone(), value: values.next()?, more: values.collect() })
        };
        Self(all.keys().filter_map(header).collect())
    }

    /// Adds the headers to those of a request.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for DefaultHeader { name, value, more } in &self.0 {
            if let Entry::Vacant(entry) = headers.entry(name) {
                entry.insert(value.clone());
                for value in more {
                    headers.append(name, value.clone());
                }
            }
        }
    }
}
