//! Test cases and their steps.
//!
//! A target and a body are written as they appear in the snapshot, with placeholders for values of the run: `<user>` for
//! the user of the case, `<id:1>` for the first entity in a response, `<t1>` for the earliest time known so far,
//! and the names of the case's own large values, in bodies.

use crate::contract::ServiceContract;
use crate::value::Value;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method};
use wiretrait::Route;

/// A test case: a situation of an operation, as steps with a dedicated user.
#[derive(Clone, Debug)]
pub struct Case {
    pub(crate) operation: String,
    pub(crate) situation: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) values: Vec<(String, Value)>,
    pub(crate) creates_unowned: bool,
}

/// One exchange with the service.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) title: String,
    /// Another method than that of the operation.
    pub(crate) other_method: Option<Method>,
    /// The operation, whose route is the target.
    pub(crate) operation: String,
    /// Another target.
    pub(crate) other_target: Option<String>,
    /// The end of the target.
    pub(crate) appended: String,
    pub(crate) headers: HeaderMap,
    /// `false` for a request without the `Content-Type` of the operation.
    pub(crate) has_content_type: bool,
    pub(crate) body: String,
    pub(crate) sender: Sender,
    pub(crate) show: Show,
    pub(crate) times: usize,
    pub(crate) is_concurrent: bool,
}

/// The sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The typed client, which encodes the arguments.
    Client,
    /// The transport, which sends the bytes verbatim.
    Raw,
}

/// The part of an exchange that the snapshot contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Request and response, with these response headers in addition to the default ones.
    Full(&'static [&'static str]),
    /// One line: the status and a summary.
    Row,
    /// Nothing: the step only prepares those that follow.
    Hidden,
}

impl Step {
    /// Creates a raw request for `operation`, shown in full.
    ///
    /// It has the method, the path and the `Content-Type` of the operation. A request for an operation that the
    /// contract does not have is a POST of JSON.
    #[must_use]
    pub fn raw(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            other_method: None,
            operation: operation.to_owned(),
            other_target: None,
            appended: String::new(),
            headers: HeaderMap::new(),
            has_content_type: true,
            body: body.into(),
            sender: Sender::Raw,
            show: Show::Full(&[]),
            times: 1,
            is_concurrent: false,
        }
    }

    /// Creates a call of `operation` by the typed client, with the arguments in `body`. Those in the path are in the
    /// [target](Self::at), and those in the query at its [end](Self::target).
    #[must_use]
    pub fn call(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        Self { sender: Sender::Client, ..Self::raw(title, operation, body) }
    }

    /// Sets the method, instead of that of the operation.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.other_method = Some(method);
        self
    }

    /// Appends to the target, such as `?take=1`.
    #[must_use]
    pub fn target(mut self, more: &str) -> Self {
        self.appended.push_str(more);
        self
    }

    /// Sets the target, instead of the path of the operation: `/orders/<id:1>`. A path with `{placeholders}` needs
    /// it. The values of the run are percent-encoded.
    #[must_use]
    pub fn at(mut self, target: &str) -> Self {
        self.other_target = Some(target.to_owned());
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Omits the `Content-Type` of the operation.
    #[must_use]
    pub fn without_content_type(mut self) -> Self {
        self.has_content_type = false;
        self
    }

    /// Shows the step as one line.
    #[must_use]
    pub fn row(mut self) -> Self {
        self.show = Show::Row;
        self
    }

    /// Shows these response headers in addition to the default ones.
    #[must_use]
    pub fn with_headers(mut self, names: &'static [&'static str]) -> Self {
        self.show = Show::Full(names);
        self
    }

    /// Hides the step.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.show = Show::Hidden;
        self
    }

    /// Sets the number of times that the step is executed.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Sends all executions of the step at once, so that their order is unknown.
    #[must_use]
    pub fn concurrent(mut self) -> Self {
        self.is_concurrent = true;
        self
    }

    /// Returns the target of the request, with its placeholders. An operation without a route is below the prefix of
    /// the others.
    pub(crate) fn target_in(&self, contract: &impl ServiceContract) -> String {
        let path = match (&self.other_target, self.route_in(contract)) {
            (Some(target), _) => target.clone(),
            (None, Some(route)) => route.path.to_owned(),
            (None, None) => {
                let prefix = contract.routes().first().map_or("", |route| route.prefix);
                format!("{prefix}/{}", self.operation)
            }
        };
        path + &self.appended
    }

    /// Returns the method of the request.
    pub(crate) fn method_in(&self, contract: &impl ServiceContract) -> Method {
        let of_route = || self.route_in(contract).map(|route| route.method.clone());
        self.other_method.clone().or_else(of_route).unwrap_or(Method::POST)
    }

    /// Returns the headers of the request.
    pub(crate) fn headers_in(&self, contract: &impl ServiceContract) -> HeaderMap {
        let mut headers = self.headers.clone();
        let content_type = self.route_in(contract).map_or("application/json", |route| route.content_type);
        if self.has_content_type && !content_type.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers
    }

    fn route_in(&self, contract: &impl ServiceContract) -> Option<&'static Route> {
        contract.routes().iter().copied().find(|route| route.name == self.operation)
    }

    /// Returns whether a property of requests, by their method and path, holds for this one.
    fn is<C: ServiceContract>(&self, contract: &C, property: fn(&C, &Method, &str) -> bool) -> bool {
        let target = self.target_in(contract);
        let path = target.split_once('?').map_or(&*target, |(path, _)| path);
        property(contract, &self.method_in(contract), path)
    }

    /// Returns whether the request may create an entity.
    pub(crate) fn creates(&self, contract: &impl ServiceContract) -> bool {
        self.is(contract, ServiceContract::creates)
    }

    /// Returns whether the step may be sent together with others of the kind: it is one of several executions
    /// whose order does not matter, or one row of a table of requests that only read.
    pub(crate) fn is_independent(&self, contract: &impl ServiceContract) -> bool {
        self.is_concurrent || self.show == Show::Row && !self.changes(contract)
    }

    /// Returns whether the step may change an entity, so that the clock must advance before.
    pub(crate) fn changes(&self, contract: &impl ServiceContract) -> bool {
        !self.is(contract, ServiceContract::only_reads)
    }
}

impl Case {
    /// Creates a case of `operation` without steps.
    #[must_use]
    pub fn new(operation: impl Into<String>, situation: impl Into<String>) -> Self {
        let (operation, situation) = (operation.into(), situation.into());
        Self { operation, situation, steps: Vec::new(), values: Vec::new(), creates_unowned: false }
    }

    /// Returns the name of its snapshot.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}__{}", self.operation, self.situation)
    }

    /// Returns the name of its situation.
    #[must_use]
    pub fn situation(&self) -> &str {
        &self.situation
    }

    /// Returns the number of requests that must follow one another.
    pub(crate) fn length(&self, contract: &impl ServiceContract) -> usize {
        let lengths =
            self.steps.iter().map(|step| match (step.is_independent(contract), step.changes(contract)) {
                (true, _) => 1,
                (false, false) => step.times,
                // The clock is read before a change.
                (false, true) => 2 * step.times,
            });
        lengths.sum()
    }

    /// Returns the name of its operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the number of entities that it tries to create.
    #[must_use]
    pub fn creates(&self, contract: &impl ServiceContract) -> usize {
        let opens = self.steps.iter().filter(|step| step.creates(contract));
        opens.map(|step| step.times).sum()
    }

    /// Returns whether a step may change an entity.
    #[cfg(feature = "harness")]
    pub(crate) fn changes(&self, contract: &impl ServiceContract) -> bool {
        self.steps.iter().any(|step| step.changes(contract))
    }

    /// Marks the case as one that creates entities without its owner, which cannot be found again if the
    /// response is lost.
    #[must_use]
    pub fn creates_unowned(mut self) -> Self {
        self.creates_unowned = true;
        self
    }

    /// Returns whether the case may run only at a service without other users: it may change their
    /// entities, or leave some that cannot be found again.
    #[must_use]
    pub fn needs_exclusive_service(&self, contract: &impl ServiceContract) -> bool {
        self.creates_unowned
            || self.steps.iter().any(|step| step.is(contract, ServiceContract::affects_others))
    }

    /// Defines a value that is too large for a snapshot; `"<name>"` is its placeholder in bodies and
    /// snapshots.
    #[must_use]
    pub fn value(mut self, name: &str, value: Value) -> Self {
        self.values.push((format!("<{name}>"), value));
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a hidden step.
    #[must_use]
    pub fn given(self, operation: &str, body: &str) -> Self {
        self.step(Step::raw("given", operation, body).hidden())
    }

    /// Adds a call of the case's operation by the typed client.
    #[must_use]
    pub fn call(self, title: &str, body: &str) -> Self {
        let step = Step::call(title, &self.operation, body);
        self.step(step)
    }

    /// Adds a call of another operation by the typed client.
    #[must_use]
    pub fn then(self, title: &str, operation: &str, body: &str) -> Self {
        self.step(Step::call(title, operation, body))
    }

    /// Adds a raw request for the case's operation, which the typed client would not send.
    #[must_use]
    pub fn raw(self, title: &str, body: &str) -> Self {
        let step = Step::raw(title, &self.operation, body);
        self.step(step)
    }

    /// Adds a raw request for the case's operation, shown as one line with the body as its title.
    #[must_use]
    pub fn row(self, body: &str) -> Self {
        let step = Step::raw(body, &self.operation, body).row();
        self.step(step)
    }
}
