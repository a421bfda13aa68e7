//! Decoding of received requests into the arguments of methods.

use super::decode::without_values;
use super::fields::Body;
use super::param::{FromParam, MISSING};
use super::respond::error_response;
use super::{Contract, Param, Place, Received, Request, Response, Route};
use crate::error::{Error, PlainErrors};
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use memchr::memchr;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;

/// A request that a service has received.
pub struct Incoming {
    request: Request,
    /// The body, if a caller has parsed it already.
    body: Option<Body>,
}

/// Shows only the method: target, headers and body may be private.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("method", self.request.method()).finish_non_exhaustive()
    }
}

impl From<Request> for Incoming {
    fn from(request: Request) -> Self {
        Self { request, body: None }
    }
}

impl Incoming {
    /// Sets the parsed JSON body, which a caller has read, and perhaps corrected, before.
    #[must_use]
    pub fn with_json(mut self, json: Value) -> Self {
        self.body = Some(Body::Whole(json));
        self
    }

    /// Returns the request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the first of `routes` that matches the request.
    #[must_use]
    pub fn route(&self, routes: &[&'static Route]) -> Option<&'static Route> {
        routes.iter().copied().find(|route| self.path_of(route).is_some())
    }

    /// Returns the request's arguments for `route`, if it matches the request.
    #[must_use]
    pub fn arguments(&self, route: &'static Route) -> Option<Arguments<'_>> {
        Some(self.arguments_in(self.body.clone(), self.path_of(route)?, route))
    }

    /// Returns the values of the placeholders, if `route` matches the request.
    fn path_of(&self, route: &'static Route) -> Option<Vec<(&'static str, Cow<'_, str>)>> {
        if *self.request.method() == route.method {
            match_path(route.path, self.request.uri().path())
        } else {
            None
        }
    }

    /// Collects the arguments. `body` is the parsed body, if there is one already.
    fn arguments_in<'r>(
        &'r self,
        body: Option<Body>,
        path: Vec<(&'static str, Cow<'r, str>)>,
        route: &'static Route,
    ) -> Arguments<'r> {
        let (body, malformed) = match (body, &self.request.body()[..]) {
            (Some(body), _) => (body, None),
            (None, []) => (Body::default(), None),
            (None, _) if !route.has_body => (Body::default(), None),
            (None, json) => match Body::read(json, route) {
                Ok(body) => (body, None),
                Err(error) => (Body::default(), Some(error.to_string())),
            },
        };
        Arguments { request: &self.request, route, path, body, malformed, problems: Vec::new() }
    }

    /// Decodes the request as the operation `R`, if its route matches.
    ///
    /// The error is the service's response to the request: 400, with every argument that could not be read.
    pub fn receive<R: Received>(&self) -> Option<Result<R, Error>> {
        Some(self.arguments(R::ROUTE)?.receive())
    }

    /// Returns the response to a request that no route matches: 405 if the path matches one of `routes`,
    /// otherwise 404.
    #[must_use]
    pub fn unmatched(&self, routes: &[&Route]) -> Response {
        let path = self.request.uri().path();
        let allowed: Vec<&str> = routes
            .iter()
            .filter(|route| match_path(route.path, path).is_some())
            .map(|route| route.method.as_str())
            .collect();
        let contract = routes.first().map_or(&NO_CONTRACT, |route| route.contract);
        if allowed.is_empty() {
            return error_response(contract, StatusCode::NOT_FOUND, &contract.errors.unknown_path(path));
        }
        let error = contract.errors.method_not_allowed(self.request.method());
        let mut response = error_response(contract, StatusCode::METHOD_NOT_ALLOWED, &error);
        if let Ok(allow) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// Returns the decoded values of the placeholders in the order of `template`, or `None` if `path` does not
/// match.
fn match_path<'p>(template: &'static str, path: &'p str) -> Option<Vec<(&'static str, Cow<'p, str>)>> {
    // Fast path: most templates without placeholders have no escapes either.
    let has = |path: &str, byte| memchr(byte, path.as_bytes()).is_some();
    if !has(template, b'{') && (path == template || !(has(path, b'%') || has(template, b'%'))) {
        return (path == template).then(Vec::new);
    }
    let mut values = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = percent_decode_str(segments.next()?).decode_utf8().ok()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            // No client sends an empty value, and `/things/` does not match `/things/{id}`.
            Some(_) if segment.is_empty() => return None,
            Some(name) => values.push((name, segment)),
            None if percent_decode_str(expected).eq(segment.bytes()) => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(values)
}

/// The arguments of one request, which are read one by one.
///
/// Every argument that cannot be read is recorded, so that the response names all of them.
pub struct Arguments<'r> {
    request: &'r Request,
    route: &'static Route,
    path: Vec<(&'static str, Cow<'r, str>)>,
    body: Body,
    malformed: Option<String>,
    problems: Vec<String>,
}

impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arguments").field("operation", &self.route.name).finish_non_exhaustive()
    }
}

/// An argument could not be read. The reason is recorded in its [`Arguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Arguments<'_> {
    /// Reads the argument at `index` of the signature from JSON. It can be read once.
    ///
    /// # Errors
    ///
    /// If it is required but missing, or has another type.
    pub fn json<T: DeserializeOwned + 'static>(&mut self, index: usize) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        let value = self.body.take(index, param);
        let problem = if param.required && param.field().is_some() && value.is_null() {
            format!("{} {MISSING}", param.name)
        } else {
            match decoded(value) {
                Ok(value) => return Ok(value),
                Err(error) => format!("{}: {}", param.name, without_values(&error.to_string())),
            }
        };
        self.problems.push(problem);
        Err(Unreadable)
    }

    /// Reads the argument at `index` of the signature from strings in the path, the query or the headers.
    ///
    /// # Errors
    ///
    /// If it is required but missing, or cannot be read.
    pub fn text<T: FromParam>(&mut self, index: usize) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        // An argument with several locations is read from the first one that has a value.
        let values = param.places.iter().map(|place| self.values(place)).find(|values| !values.is_empty());
        let why = match T::from_values(&mut values.unwrap_or_default().into_iter()) {
            Ok(value) => return Ok(value),
            Err(why) => why,
        };
        self.problems.push(format!("{} {why}", param.name));
        Err(Unreadable)
    }

    fn receive<R: Received>(mut self) -> Result<R, Error> {
        // A malformed body causes no problem with an argument if no argument is in the body.
        let received = R::receive(&mut self).ok().filter(|_| self.malformed.is_none());
        received.ok_or_else(|| self.error())
    }

    fn param(&self, index: usize) -> Result<&'static Param, Unreadable> {
        self.route.params.get(index).ok_or(Unreadable)
    }

    /// Returns the values at a location in the path, the query or the headers, in the order of the request.
    fn values(&self, place: &Place) -> Vec<Cow<'_, str>> {
        match *place {
            Place::Path(name) => self
                .path
                .iter()
                .filter(|(placeholder, _)| *placeholder == name)
                .map(|(_, value)| Cow::Borrowed(&**value))
                .collect(),
            Place::Query(name) => self.query(name),
            Place::Header(name) => self.header(name),
            Place::Correlation(name) => {
                // The header is used if the one in the query is empty.
                let mut values = self.query(name);
                values.retain(|value| !value.is_empty());
                if values.is_empty() { self.header(name) } else { values }
            }
            Place::Field(_) | Place::Body => Vec::new(),
        }
    }

    fn query(&self, name: &str) -> Vec<Cow<'_, str>> {
        let query = self.request.uri().query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value)
            .collect()
    }

    fn header(&self, name: &str) -> Vec<Cow<'_, str>> {
        // There are few headers: comparing each name costs less than hashing a name that is a string.
        let named = self.request.headers().iter().filter(|(found, _)| *found == name);
        named.map(|(_, value)| String::from_utf8_lossy(value.as_bytes())).collect()
    }

    /// Returns the error for everything that could not be read.
    fn error(&self) -> Error {
        let error = match &self.malformed {
            Some(why) => self.route.contract.errors.invalid_json(why),
            None => self.route.contract.errors.invalid_arguments(&self.problems),
        };
        Error::from_service(StatusCode::BAD_REQUEST, error).with_operation(self.route.name)
    }
}

/// Converts the value to a `T`, without a copy if `T` is `Value` or `Option<Value>`, as payloads are by
/// default.
fn decoded<T: DeserializeOwned + 'static>(value: Value) -> serde_json::Result<T> {
    /// Takes the `A` as a `T`, if they are the same type.
    fn same<A: 'static, T: 'static>(value: &mut Option<A>) -> Option<T> {
        (value as &mut dyn Any).downcast_mut::<Option<T>>()?.take()
    }
    let mut value = Some(value);
    if let Some(same) = same(&mut value) {
        return Ok(same);
    }
    let mut optional = Some(value.filter(|value| !value.is_null()));
    if let Some(same) = same(&mut optional) {
        return Ok(same);
    }
    T::deserialize(optional.flatten().unwrap_or_default())
}

/// Returns the name of the first of `routes` that matches the request.
#[must_use]
pub fn route_of(incoming: &Incoming, routes: &[&'static Route]) -> Option<&'static str> {
    incoming.route(routes).map(|route| route.name)
}

/// Decodes a request whose route is known to be that of the operation `R`.
///
/// # Errors
///
/// The service's response to the request: 400, with every argument that could not be read.
pub fn receive<R: Received>(mut incoming: Incoming) -> Result<R, Error> {
    let body = incoming.body.take();
    let path = incoming.path_of(R::ROUTE).unwrap_or_default();
    incoming.arguments_in(body, path, R::ROUTE).receive()
}

/// The contract of an empty route table.
const NO_CONTRACT: Contract = Contract::new("", "", &PlainErrors);

#[cfg(test)]
mod tests {
    use super::match_path;

    #[test]
    fn a_path_matches_its_template_verbatim_or_decoded() {
        for (template, path) in [
            ("/a", "/a"),
            ("/a b", "/a%20b"),
            ("/caf%C3%A9", "/caf\u{e9}"),
            ("/a%20b", "/%61%20b"),
            // Not UTF-8, but verbatim equal.
            ("/a%FF", "/a%FF"),
        ] {
            assert!(match_path(template, path).is_some_and(|values| values.is_empty()), "{template} {path}");
        }
        for (template, path) in [("/a", "/b"), ("/a", "/a/"), ("/{a}", "/"), ("/a%FF", "/a%FE")] {
            assert_eq!(match_path(template, path), None, "{template} {path}");
        }
        let [(name, value)] = &match_path("/{a}", "/%7Ba%7D").unwrap()[..] else { panic!("one value") };
        assert_eq!((*name, &**value), ("a", "{a}"));
    }
}
