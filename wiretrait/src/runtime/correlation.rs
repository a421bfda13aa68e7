//! The correlation id of a call, recovered from the encoded request.
//!
//! Only errors carry it. A call keeps the URI and the header value that contain the id, which share their
//! bytes with the request, and reads the id if the call fails. Rejected alternative: storing it in the
//! request's extensions, because that costs every call four allocations and every transport would have to
//! pass it on.

use super::{CorrelationPlace, Encoding, Place, Request, Route};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;

/// The parts of a request that contain its correlation id.
pub(super) struct Correlation {
    name: Name,
    /// `None` if there is no query.
    target: Option<Uri>,
    header: Option<HeaderValue>,
}

impl Correlation {
    /// Returns the parts of `request` that can contain the id, if it was encoded with `encoding`.
    pub(super) fn of(route: &Route, request: &Request, encoding: &Encoding) -> Option<Self> {
        let (name, is_header) = name(route, encoding)?;
        let target = request.uri().query().map(|_| request.uri().clone());
        let header = match encoding.correlation_place {
            CorrelationPlace::Query if !is_header => None,
            _ => request.headers().get(name.as_str()).cloned(),
        };
        (target.is_some() || header.is_some()).then_some(Self { name, target, header })
    }

    /// Returns the id, if the call has one.
    pub(super) fn read(&self) -> Option<String> {
        read(self.name.as_str(), self.target.as_ref().and_then(Uri::query), self.header.as_ref())
    }
}

/// Returns the correlation id in a partially encoded request for `route`.
pub(super) fn written(
    route: &Route,
    encoding: &Encoding,
    target: &str,
    headers: &HeaderMap,
) -> Option<String> {
    let (name, _) = name(route, encoding)?;
    let name = name.as_str();
    read(name, target.split_once('?').map(|(_, query)| query), headers.get(name))
}

/// The name of an id.
enum Name {
    /// The name in the contract.
    OfContract(&'static str),
    /// The name in the settings of the client.
    OfClient(HeaderName),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::OfContract(name) => name,
            Self::OfClient(name) => name.as_str(),
        }
    }
}

/// Returns the name of the id, and whether it is always sent as a header.
fn name(route: &Route, encoding: &Encoding) -> Option<(Name, bool)> {
    route.params.iter().find_map(|param| {
        let name = param.places.iter().find_map(|place| match *place {
            Place::Correlation(name) => Some(name),
            _ => None,
        })?;
        let is_header = param.places.len() > 1 && param.places.contains(&Place::Header(name));
        let replacement = encoding.correlation_name.as_ref().filter(|_| !is_header);
        let name = replacement.map_or(Name::OfContract(name), |name| Name::OfClient(name.clone()));
        Some((name, is_header))
    })
}

/// Returns the id. An empty one counts as absent.
fn read(name: &str, query: Option<&str>, header: Option<&HeaderValue>) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let in_query = pairs.find(|(key, value)| key == name && !value.is_empty());
    let in_header = || header.and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    in_query.map(|(_, value)| value.into_owned()).or_else(|| in_header().map(str::to_owned))
}
