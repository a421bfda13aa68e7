//! Decoding of received requests into the arguments of methods.

use super::decode::without_values;
use super::fields::Body;
use super::param::{FromParam, MISSING};
use super::path::{PathValues, match_path};
use super::respond::{complete, error_response};
use super::{Contract, JSON_TYPE, Param, Place, Received, Request, Response, Route};
use crate::codec::{Content, Decode, DecodeField, DecodeFields, NullableFields};
use crate::error::{Error, PlainErrors};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
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
    /// The reason why no route matches, although one may have the path.
    rejection: Option<Rejection>,
}

/// The reason why a body could not be received.
enum Rejection {
    TooLarge(usize),
    Incomplete,
}

/// Shows only the method: target, headers and body may be private.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("method", self.request.method()).finish_non_exhaustive()
    }
}

impl From<Request> for Incoming {
    fn from(request: Request) -> Self {
        Self { request, body: None, rejection: None }
    }
}

impl Incoming {
    /// Sets the parsed JSON body, which a caller has read, and perhaps corrected, before.
    #[must_use]
    pub fn with_json(mut self, json: Value) -> Self {
        self.body = Some(Body::Whole(json));
        self
    }

    /// Marks the body as larger than the server's `limit` in bytes. Then no route matches, and the
    /// [response](Self::unmatched) is 413.
    #[must_use]
    pub fn with_body_too_large(mut self, limit: usize) -> Self {
        self.rejection = Some(Rejection::TooLarge(limit));
        self
    }

    /// Marks the body as one that ended too early. Then no route matches, and the [response](Self::unmatched) is 400.
    #[must_use]
    pub fn with_incomplete_body(mut self) -> Self {
        self.rejection = Some(Rejection::Incomplete);
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
        if self.rejection.is_some() {
            return None;
        }
        routes.iter().copied().find(|route| self.path_of(route).is_some())
    }

    /// Returns the request's arguments for `route`, if it matches the request.
    #[must_use]
    pub fn arguments(&self, route: &'static Route) -> Option<Arguments<'_>> {
        Some(self.arguments_in(self.body.clone(), self.path_of(route)?, route))
    }

    /// Returns the values of the placeholders, if `route` matches the request.
    fn path_of(&self, route: &'static Route) -> Option<PathValues<'_>> {
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
        path: PathValues<'r>,
        route: &'static Route,
    ) -> Arguments<'r> {
        let (body, malformed) = match (body, &self.request.body()[..]) {
            (Some(body), _) => (body, None),
            (None, []) => (Body::default(), None),
            (None, _) if !route.has_body || route.content_type != JSON_TYPE => (Body::default(), None),
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

    /// Returns the response to a request that no route matches: 413 or 400 if its body could not be received, 405 if
    /// the path matches one of `routes`, otherwise 404.
    #[must_use]
    pub fn unmatched(&self, routes: &[&Route]) -> Response {
        complete(self.request.method(), self.unmatched_response(routes))
    }

    fn unmatched_response(&self, routes: &[&Route]) -> Response {
        let contract = routes.first().map_or(&NO_CONTRACT, |route| route.contract);
        match self.rejection {
            Some(Rejection::TooLarge(limit)) => {
                let error = contract.errors.body_too_large(limit);
                return error_response(contract, StatusCode::PAYLOAD_TOO_LARGE, &error);
            }
            Some(Rejection::Incomplete) => {
                let error = contract.errors.incomplete_body();
                return error_response(contract, StatusCode::BAD_REQUEST, &error);
            }
            None => {}
        }
        let path = self.request.uri().path();
        let mut allowed: Vec<&str> = Vec::new();
        for route in routes.iter().filter(|route| match_path(route.path, path).is_some()) {
            if !allowed.contains(&route.method.as_str()) {
                allowed.push(route.method.as_str());
            }
        }
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

/// The arguments of one request, which are read one by one.
///
/// Every argument that cannot be read is recorded, so that the response names all of them.
pub struct Arguments<'r> {
    request: &'r Request,
    route: &'static Route,
    path: PathValues<'r>,
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
        let value = self.body.take(index, param).unwrap_or_default();
        if param.required && param.field().is_some() && value.is_null() {
            return self.problem(format!("{} {MISSING}", param.name));
        }
        self.decoded(param, value)
    }

    /// Reads the argument at `index` of the signature from JSON, if its field is present. It can be read once.
    ///
    /// # Errors
    ///
    /// If it has another type.
    pub fn nullable<T: DeserializeOwned + 'static>(
        &mut self,
        index: usize,
    ) -> Result<Option<Option<T>>, Unreadable> {
        let param = self.param(index)?;
        self.body.take(index, param).map(|value| self.decoded(param, value)).transpose()
    }

    /// Reads the argument at `index` of the signature from the query parameters that are not constant and do not
    /// belong to another argument.
    ///
    /// # Errors
    ///
    /// If a field is missing or cannot be read.
    pub fn query_fields<T: DeserializeOwned>(&mut self, index: usize) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        let query = self.unclaimed_query();
        match serde_html_form::from_str(&query) {
            Ok(value) => Ok(value),
            Err(error) => self.problem(format!("{}: {}", param.name, without_values(&error.to_string()))),
        }
    }

    /// Reads the argument at `index` like [`query_fields`](Self::query_fields). Returns `None` if there are no
    /// such query parameters.
    ///
    /// # Errors
    ///
    /// If a field is missing or cannot be read.
    pub fn optional_query_fields<T: DeserializeOwned>(
        &mut self,
        index: usize,
    ) -> Result<Option<T>, Unreadable> {
        if self.unclaimed_query().is_empty() { Ok(None) } else { self.query_fields(index).map(Some) }
    }

    /// Returns the query without constants and the parameters that belong to arguments by their names.
    fn unclaimed_query(&self) -> String {
        let query = self.request.uri().query().unwrap_or_default();
        let unclaimed =
            form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| !self.route.claims_query(key));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(unclaimed).finish()
    }

    fn decoded<T: DeserializeOwned + 'static>(
        &mut self,
        param: &Param,
        value: Value,
    ) -> Result<T, Unreadable> {
        match decoded(value) {
            Ok(value) => Ok(value),
            Err(error) => self.problem(format!("{}: {}", param.name, without_values(&error.to_string()))),
        }
    }

    /// Records a problem with an argument.
    fn problem<T>(&mut self, problem: String) -> Result<T, Unreadable> {
        self.problems.push(problem);
        Err(Unreadable)
    }

    /// Reads the argument at `index` of the signature from strings in the path, the query or the headers.
    ///
    /// # Errors
    ///
    /// If it is required but missing, or cannot be read.
    pub fn text<T: FromParam>(&mut self, index: usize) -> Result<T, Unreadable> {
        self.read(index, |values| T::from_values(values))
    }

    /// Reads the argument at `index` by `read`, whose error is the end of a sentence.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        index: usize,
        read: impl FnOnce(&mut dyn Iterator<Item = Cow<'_, str>>) -> Result<T, E>,
    ) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        // An argument with several locations is read from the first one that has a value.
        let values = param.places.iter().map(|place| self.values(place)).find(|values| !values.is_empty());
        let why = match read(&mut values.unwrap_or_default().into_iter()) {
            Ok(value) => return Ok(value),
            Err(why) => format!("{} {why}", param.name),
        };
        self.problem(why)
    }

    /// Reads the argument at `index` of the signature from the whole body with the codec `C`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn body_as<C: Decode<T>, T>(&mut self, index: usize) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        C::decode(&Content::from(self.request)).map_err(|why| {
            self.problems.push(format!("{} {why}", param.name));
            Unreadable
        })
    }

    /// Reads the argument at `index` of the signature like [`body_as`](Self::body_as); `None` if the request has
    /// neither a body nor a `Content-Type`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn optional_body_as<C: Decode<T>, T>(&mut self, index: usize) -> Result<Option<T>, Unreadable> {
        let is_absent = self.request.body().is_empty() && !self.request.headers().contains_key(CONTENT_TYPE);
        if is_absent { Ok(None) } else { self.body_as::<C, T>(index).map(Some) }
    }

    /// Splits the body into the fields of the codec `C`; `None` if that fails, which is recorded.
    pub fn fields_as<C: DecodeFields>(&mut self) -> Option<C::Reader> {
        let fields = C::decode_fields(&Content::from(self.request));
        fields.map_err(|why| self.problems.push(format!("the body {why}"))).ok()
    }

    /// Reads the argument at `index` of the signature from a field of the codec `C`.
    ///
    /// # Errors
    ///
    /// If it is required but missing, or cannot be read.
    pub fn field_as<C: DecodeField<T>, T>(
        &mut self,
        fields: &mut Option<C::Reader>,
        index: usize,
    ) -> Result<T, Unreadable> {
        let param = self.param(index)?;
        let (Some(fields), Some(name)) = (fields, param.field()) else { return Err(Unreadable) };
        C::decode_field(fields, name).map_err(|why| {
            self.problems.push(format!("{} {why}", param.name));
            Unreadable
        })
    }

    /// Reads the argument at `index` of the signature from a field of the codec `C` that may be `null`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn nullable_field_as<C, T>(
        &mut self,
        fields: &mut Option<C::Reader>,
        index: usize,
    ) -> Result<Option<Option<T>>, Unreadable>
    where
        C: NullableFields + DecodeField<Option<T>>,
    {
        let is_null = match (&*fields, self.param(index)?.field()) {
            (Some(fields), Some(name)) => C::is_null(fields, name),
            _ => false,
        };
        let value = self.field_as::<C, Option<T>>(fields, index)?;
        Ok(if value.is_some() || is_null { Some(value) } else { None })
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
            Place::QueryList(name) => elements(self.query(name)).collect(),
            Place::Header(name) => self.header(name),
            Place::HeaderList(name) => elements(self.header(name))
                .map(|value| match value {
                    Cow::Borrowed(value) => Cow::Borrowed(value.trim_ascii()),
                    Cow::Owned(value) => Cow::Owned(value.trim_ascii().to_owned()),
                })
                .filter(|value| !value.is_empty())
                .collect(),
            Place::Correlation(name) => {
                // An empty one is the same as none, and the header is used then.
                let mut values = self.query(name);
                values.retain(|value| !value.is_empty());
                if values.is_empty() {
                    values = self.header(name);
                    values.retain(|value| !value.is_empty());
                }
                values
            }
            Place::QueryFields | Place::Field(_) | Place::Body => Vec::new(),
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

/// Splits lists at their commas.
fn elements(lists: Vec<Cow<'_, str>>) -> impl Iterator<Item = Cow<'_, str>> {
    lists.into_iter().flat_map(|list| match list {
        Cow::Borrowed(list) => list.split(',').map(Cow::Borrowed).collect::<Vec<_>>(),
        Cow::Owned(list) => list.split(',').map(|value| Cow::Owned(value.to_owned())).collect(),
    })
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
