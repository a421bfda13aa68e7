//! The correlation id of a call, recovered from the encoded request.
//!
//! Only errors carry it. A call keeps the URI and the header value that contain the id, which share their
//! bytes with the request, and reads the id if the call fails. Rejected alternative: storing it in the
//! request's extensions, because that costs every call four allocations and every transport would have to
//! pass it on.

use super::{CorrelationPlace, Place, Request, Route};
use http::header::{HeaderMap, HeaderValue};
use http::uri::Uri;

/// The parts of a request that contain its correlation id.
pub(super) struct Correlation {
    name: &'static str,
    /// `None` if there is no query.
    target: Option<Uri>,
    header: Option<HeaderValue>,
}

impl Correlation {
    /// Returns the parts of `request` that can contain the id, if it was encoded with `place`.
    pub(super) fn of(route: &Route, request: &Request, place: CorrelationPlace) -> Option<Self> {
        let (name, is_header) = name(route)?;
        let target = request.uri().query().map(|_| request.uri().clone());
        let header = match place {
            CorrelationPlace::Query if !is_header => None,
            _ => request.headers().get(name).cloned(),
        };
        (target.is_some() || header.is_some()).then_some(Self { name, target, header })
    }

    /// Returns the id, if the call has one.
    pub(super) fn read(&self) -> Option<String> {
        read(self.name, self.target.as_ref().and_then(Uri::query), self.header.as_ref())
    }
}

/// Returns the correlation id in a partially encoded request for `route`.
pub(super) fn written(route: &Route, target: &str, headers: &HeaderMap) -> Option<String> {
    let (name, _) = name(route)?;
    read(name, target.split_once('?').map(|(_, query)| query), headers.get(name))
}

/// Returns the name of the id, and whether it is always sent as a header.
fn name(route: &Route) -> Option<(&'static str, bool)> {
    route.params.iter().find_map(|param| {
        let name = param.places.iter().find_map(|place| match *place {
            Place::Correlation(name) => Some(name),
            _ => None,
        })?;
        Some((name, param.places.len() > 1 && param.places.contains(&Place::Header(name))))
    })
}

/// Returns the id. An empty one counts as absent.
fn read(name: &str, query: Option<&str>, header: Option<&HeaderValue>) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let in_query = pairs.find(|(key, value)| key == name && !value.is_empty());
    let in_header = || header.and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    in_query.map(|(_, value)| value.into_owned()).or_else(|| in_header().map(str::to_owned))
}
