//! Test cases and their steps.
//!
//! A body is written as it appears in the snapshot, with placeholders for values of the run: `<user>` for the
//! user of the case, `<id:1>` for the first session in a response, `<t1>` for the earliest time known so far,
//! and the names of the case's own large values.

use crate::value::Value;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method};

/// A test case: a situation of an operation, as steps with a dedicated user.
#[derive(Clone, Debug)]
pub struct Case {
    pub(crate) operation: String,
    pub(crate) situation: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) values: Vec<(String, Value)>,
    pub(crate) opens_unowned: bool,
}

/// One exchange with the service.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) title: String,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) sender: Sender,
    pub(crate) show: Show,
    pub(crate) times: usize,
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
    #[must_use]
    pub fn post(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            title: title.into(),
            method: Method::POST,
            target: format!("/v1/sessions/{operation}"),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
            body: body.into(),
            sender: Sender::Raw,
            show: Show::Full(&[]),
            times: 1,
        }
    }

    /// Creates a call of `operation` by the typed client, with the arguments in `body`.
    #[must_use]
    pub fn call(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        Self { sender: Sender::Client, ..Self::post(title, operation, body) }
    }

    /// Sets the method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Appends to the target.
    #[must_use]
    pub fn target(mut self, more: &str) -> Self {
        self.target.push_str(more);
        self
    }

    /// Sets the target.
    #[must_use]
    pub fn at(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn without(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
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

    /// Returns whether the step may change a session, so that the clock must advance before.
    pub(crate) fn changes(&self) -> bool {
        !self.target.contains("/get_session")
    }
}

impl Case {
    /// Creates a case of `operation` without steps.
    #[must_use]
    pub fn new(operation: impl Into<String>, situation: impl Into<String>) -> Self {
        let (operation, situation) = (operation.into(), situation.into());
        Self { operation, situation, steps: Vec::new(), values: Vec::new(), opens_unowned: false }
    }

    /// Returns the name of its snapshot.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}__{}", self.operation, self.situation)
    }

    /// Returns the name of its operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the number of sessions that it tries to open.
    #[must_use]
    pub fn opens(&self) -> usize {
        let opens = self.steps.iter().filter(|step| step.target.ends_with("/open_session"));
        opens.map(|step| step.times).sum()
    }

    /// Marks the case as one that opens sessions without its user, which cannot be found again if the
    /// response is lost.
    #[must_use]
    pub fn opens_unowned_sessions(mut self) -> Self {
        self.opens_unowned = true;
        self
    }

    /// Returns whether the case may run only at a service without other users: it may change their sessions,
    /// such as by closing expired ones, or leave sessions that cannot be found again.
    #[must_use]
    pub fn needs_exclusive_service(&self) -> bool {
        self.opens_unowned || self.steps.iter().any(|step| step.target.contains("close_expired_sessions"))
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

    /// Adds a hidden step that opens a session, with `rest` as further arguments, such as `,"data":1`.
    #[must_use]
    pub fn given_session(self, rest: &str) -> Self {
        let body = format!(r#"{{"user_id":"<user>"{rest}}}"#);
        self.step(Step::post("given", "open_session", body).hidden())
    }

    /// Adds a hidden step.
    #[must_use]
    pub fn given(self, operation: &str, body: &str) -> Self {
        self.step(Step::post("given", operation, body).hidden())
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
        let step = Step::post(title, &self.operation, body);
        self.step(step)
    }

    /// Adds a raw request for the case's operation, shown as one line with the body as its title.
    #[must_use]
    pub fn row(self, body: &str) -> Self {
        let step = Step::post(body, &self.operation, body).row();
        self.step(step)
    }
}
