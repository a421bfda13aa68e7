//! From a received request to a method's arguments.

#[cfg(feature = "server")]
use super::Members;
use super::decode::without_values;
use super::members::Body;
use super::param::{FromTexts, MISSING};
use super::respond::error_response;
use super::{Param, Place, Received, Request, Response, Route};
use crate::error::{Error, ServiceError};
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
    /// The body, if somebody has read it already.
    body: Option<Body>,
    /// The route that the request is for, if somebody has found it already.
    route: Option<&'static Route>,
}

/// Names the method alone: target, headers and body are the caller's.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("method", self.request.method()).finish_non_exhaustive()
    }
}

impl From<Request> for Incoming {
    fn from(request: Request) -> Self {
        Self { request, body: None, route: None }
    }
}

impl Incoming {
    /// The same request with its JSON body as somebody has read it, and perhaps put it right, on the way.
    #[must_use]
    pub fn with_json(mut self, json: Value) -> Self {
        self.body = Some(Body::Whole(json));
        self
    }

    /// The same request, found to be for `route` and to have `members` in its body.
    #[cfg(feature = "server")]
    pub(crate) fn with_members(mut self, route: &'static Route, members: Members) -> Self {
        (self.route, self.body) = (Some(route), Some(Body::Members(members)));
        self
    }

    /// The request as it was received.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The first of `routes` that the request is for.
    #[must_use]
    pub fn route(&self, routes: &[&'static Route]) -> Option<&'static Route> {
        routes.iter().copied().find(|route| self.path_of(route).is_some())
    }

    /// The request's arguments for `route`, if it is a request for that.
    #[must_use]
    pub fn arguments(&self, route: &'static Route) -> Option<Arguments<'_>> {
        Some(self.arguments_in(self.body.clone(), self.path_of(route)?, route))
    }

    /// The values of the placeholders, if the request is for `route`.
    fn path_of(&self, route: &'static Route) -> Option<Vec<(&'static str, Cow<'_, str>)>> {
        if *self.request.method() == route.method {
            match_path(route.path, self.request.uri().path())
        } else {
            None
        }
    }

    /// `body` is what somebody has read already.
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

    /// The request as the operation `R`, if it is one for that.
    ///
    /// The error is what a service answers it with: 400, and everything that could not be read.
    pub fn receive<R: Received>(&self) -> Option<Result<R, Error>> {
        Some(self.arguments(R::ROUTE)?.receive())
    }

    /// The answer to a request that is for none of `routes`: 405 where the path is right, 404 elsewhere.
    #[must_use]
    pub fn unmatched(&self, routes: &[&Route]) -> Response {
        let path = self.request.uri().path();
        let allowed: Vec<&str> = routes
            .iter()
            .filter(|route| match_path(route.path, path).is_some())
            .map(|route| route.method.as_str())
            .collect();
        if allowed.is_empty() {
            let error = ServiceError::new("ResourceNotFound", format!("{path} does not exist"));
            return error_response(StatusCode::NOT_FOUND, &error);
        }
        let message = format!("{} is not allowed", self.request.method());
        let error = ServiceError::new("MethodNotAllowed", message);
        let mut response = error_response(StatusCode::METHOD_NOT_ALLOWED, &error);
        if let Ok(allow) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// The values of the placeholders, decoded, in the order of `template`; `None` if `path` is another one.
fn match_path<'p>(template: &'static str, path: &'p str) -> Option<Vec<(&'static str, Cow<'p, str>)>> {
    // Most have nothing to decode and nothing to be found in it.
    let has = |text: &str, sign| memchr(sign, text.as_bytes()).is_some();
    if !has(template, b'{') && (path == template || !(has(path, b'%') || has(template, b'%'))) {
        return (path == template).then(Vec::new);
    }
    let mut values = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = percent_decode_str(segments.next()?).decode_utf8().ok()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            // No client sends an empty value, and `/things/` is another path than `/things/{id}`.
            Some(_) if segment.is_empty() => return None,
            Some(name) => values.push((name, segment)),
            None if percent_decode_str(expected).eq(segment.bytes()) => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(values)
}

/// The arguments of one request, read one by one. What cannot be read is noted, so that the answer names
/// all of it.
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

/// An argument could not be read; why is noted in its [`Arguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Arguments<'_> {
    /// The argument at `index` of the signature, which travels as JSON. It can be read once.
    ///
    /// # Errors
    ///
    /// When it is missing though required, or of another type.
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

    /// The argument at `index` of the signature, which travels as text.
    ///
    /// # Errors
    ///
    /// When it is missing though required, or cannot be read.
    pub fn text<T: FromTexts>(&mut self, index: usize) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        // A value that travels in several places is read where it is.
        let texts = param.places.iter().map(|place| self.texts(place)).find(|texts| !texts.is_empty());
        let why = match T::from_texts(&mut texts.unwrap_or_default().into_iter()) {
            Ok(value) => return Ok(value),
            Err(why) => why,
        };
        self.problems.push(format!("{} {why}", param.name));
        Err(Unreadable)
    }

    fn receive<R: Received>(mut self) -> Result<R, Error> {
        // Whether the body as a whole could be read shows in no argument, where there is none in it.
        let received = R::receive(&mut self).ok().filter(|_| self.malformed.is_none());
        received.ok_or_else(|| self.refusal())
    }

    fn param(&self, index: usize) -> Result<&'static Param, Unreadable> {
        self.route.params.get(index).ok_or(Unreadable)
    }

    /// The values under a name in the path, the query or the headers, in the order of the request.
    fn texts(&self, place: &Place) -> Vec<Cow<'_, str>> {
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
                // An empty one in the query gives way to the header, as in the service.
                let mut texts = self.query(name);
                texts.retain(|text| !text.is_empty());
                if texts.is_empty() { self.header(name) } else { texts }
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
        // There are few: to look at each is less work than to hash a name that is text.
        let named = self.request.headers().iter().filter(|(found, _)| *found == name);
        named.map(|(_, value)| String::from_utf8_lossy(value.as_bytes())).collect()
    }

    /// What could not be read.
    fn refusal(&self) -> Error {
        let error = match &self.malformed {
            Some(why) => invalid_json(why),
            None => validation_error(&self.problems),
        };
        Error::from_service(StatusCode::BAD_REQUEST, error).with_operation(self.route.name)
    }
}

/// The value as a `T`: the value itself, where that is one already, as payloads are by default.
fn decoded<T: DeserializeOwned + 'static>(value: Value) -> serde_json::Result<T> {
    /// `A`, which is a `T`.
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

/// The name of the operation that the request is for: of the first of `routes`, where nobody has found it already.
#[must_use]
pub fn route_of(incoming: &Incoming, routes: &[&'static Route]) -> Option<&'static str> {
    incoming.route.or_else(|| incoming.route(routes)).map(|route| route.name)
}

/// A request that is one for the operation `R`, as that.
///
/// # Errors
///
/// What a service answers it with: 400, and everything that could not be read.
pub fn receive<R: Received>(mut incoming: Incoming) -> Result<R, Error> {
    let body = incoming.body.take();
    let path = incoming.path_of(R::ROUTE).unwrap_or_default();
    incoming.arguments_in(body, path, R::ROUTE).receive()
}

/// What the framework of the service says of a body that is no JSON.
pub(crate) fn invalid_json(why: impl fmt::Display) -> ServiceError {
    ServiceError::new("InvalidContent", format!("Invalid JSON: {why}"))
}

/// What the framework of the service says of arguments that break its rules. Its `details` are just as
/// unhelpful there.
pub(crate) fn validation_error(problems: &[String]) -> ServiceError {
    let results = vec!["[object Object]"; problems.len()].join(",");
    ServiceError::new("INVALID_DATA", format!("Validation failed: {}", problems.join(", ")))
        .with_category("BadRequest")
        .with_detail("results", results)
}

#[cfg(test)]
mod tests {
    use super::match_path;

    #[test]
    fn a_path_is_the_one_of_its_template_as_it_stands_or_decoded() {
        for (template, path) in [
            ("/a", "/a"),
            ("/a b", "/a%20b"),
            ("/caf%C3%A9", "/caf\u{e9}"),
            ("/a%20b", "/%61%20b"),
            // No text in UTF-8, and the same path all the same.
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
