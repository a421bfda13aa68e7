//! The correlation id of a call, found again in its request.
//!
//! Only errors tell it. So a call keeps what it was written into, which is shared with the request, and reads it
//! when it has failed. A note in the request's extensions was refused: it costs every call four allocations, and
//! every transport would carry it along.

use super::{CorrelationPlace, Place, Request, Route};
use http::header::{HeaderMap, HeaderValue};
use http::uri::Uri;

/// Where a request has its correlation id.
pub(super) struct Correlation {
    name: &'static str,
    /// None without a query.
    target: Option<Uri>,
    header: Option<HeaderValue>,
}

impl Correlation {
    /// That of a request for `route`, which a caller has written to have it in `place`; if there is one.
    pub(super) fn of(route: &Route, request: &Request, place: CorrelationPlace) -> Option<Self> {
        let name = name(route)?;
        let target = request.uri().query().map(|_| request.uri().clone());
        let header = match place {
            CorrelationPlace::Query => None,
            CorrelationPlace::Headers | CorrelationPlace::Both => request.headers().get(name).cloned(),
        };
        (target.is_some() || header.is_some()).then_some(Self { name, target, header })
    }

    /// The id, if the call has one.
    pub(super) fn read(&self) -> Option<String> {
        read(self.name, self.target.as_ref().and_then(Uri::query), self.header.as_ref())
    }
}

/// The correlation id in what is written so far of a request for `route`.
pub(super) fn written(route: &Route, target: &str, headers: &HeaderMap) -> Option<String> {
    let name = name(route)?;
    read(name, target.split_once('?').map(|(_, query)| query), headers.get(name))
}

fn name(route: &Route) -> Option<&'static str> {
    let mut places = route.params.iter().flat_map(|param| param.places);
    places.find_map(|place| match *place {
        Place::Correlation(name) => Some(name),
        _ => None,
    })
}

/// An empty one is none, as in the service.
fn read(name: &str, query: Option<&str>, header: Option<&HeaderValue>) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let in_query = pairs.find(|(key, value)| key == name && !value.is_empty());
    let in_header = || header.and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    in_query.map(|(_, value)| value.into_owned()).or_else(|| in_header().map(str::to_owned))
}
