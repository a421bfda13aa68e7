//! What a case is made of.
//!
//! A body is written as its page will show it, with names for what only the run knows: `<user>` for the user of
//! the case, `<id:1>` for the first session that an answer showed, `<t1>` for the earliest time known so far, and
//! the names that the case gives to values of its own.

use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

/// A situation of an operation: steps on sessions of a user of its own.
#[derive(Clone, Debug)]
pub struct Case {
    pub(crate) operation: String,
    pub(crate) situation: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) values: Vec<(String, Value)>,
    pub(crate) strays: bool,
}

/// One exchange with the service.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) title: String,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) way: Way,
    pub(crate) show: Show,
    pub(crate) times: usize,
}

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The arguments are handed to the typed client, which writes its own request.
    Client,
    /// The bytes are sent as they are.
    Bytes,
}

/// What of an exchange is on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// All of it, with these headers of the answer beside the usual ones.
    Full(&'static [&'static str]),
    /// A line: the status, and what a reader looks for.
    Row,
    /// Nothing: it only prepares what follows.
    Nothing,
}

impl Step {
    /// A request for `operation` of the contract, by its bytes, shown in full.
    #[must_use]
    pub fn post(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            title: title.into(),
            method: Method::POST,
            target: format!("/v1/sessions/{operation}"),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
            body: body.into(),
            way: Way::Bytes,
            show: Show::Full(&[]),
            times: 1,
        }
    }

    /// The same, made by the typed client from the arguments in `body`.
    #[must_use]
    pub fn call(title: impl Into<String>, operation: &str, body: impl Into<String>) -> Self {
        Self { way: Way::Client, ..Self::post(title, operation, body) }
    }

    /// With another method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// With more at the end of the target.
    #[must_use]
    pub fn target(mut self, more: &str) -> Self {
        self.target.push_str(more);
        self
    }

    /// With another target.
    #[must_use]
    pub fn at(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// With a header, instead of one of that name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    /// Shown as a line.
    #[must_use]
    pub fn row(mut self) -> Self {
        self.show = Show::Row;
        self
    }

    /// Shown with these headers of the answer as well.
    #[must_use]
    pub fn with_headers(mut self, names: &'static [&'static str]) -> Self {
        self.show = Show::Full(names);
        self
    }

    /// Not shown.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.show = Show::Nothing;
        self
    }

    /// Done so many times.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Whether it may change a session, so that the clock has to move on before.
    pub(crate) fn changes(&self) -> bool {
        !self.target.contains("/get_session")
    }
}

impl Case {
    /// A situation of `operation`, with no steps yet.
    #[must_use]
    pub fn new(operation: impl Into<String>, situation: impl Into<String>) -> Self {
        let (operation, situation) = (operation.into(), situation.into());
        Self { operation, situation, steps: Vec::new(), values: Vec::new(), strays: false }
    }

    /// The name of its page.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}__{}", self.operation, self.situation)
    }

    /// The operation that it is about.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// How many sessions it tries to open.
    #[must_use]
    pub fn opens(&self) -> usize {
        let opens = self.steps.iter().filter(|step| step.target.ends_with("/open_session"));
        opens.map(|step| step.times).sum()
    }

    /// Says that it opens sessions that are not of its user: one whose answer is lost is found by nobody.
    #[must_use]
    pub fn strays(mut self) -> Self {
        self.strays = true;
        self
    }

    /// Whether it may touch sessions of others, or leave some that nobody finds: only where the service is nobody
    /// else's. To make the service close what has expired is such a thing.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        self.strays || self.steps.iter().any(|step| step.target.contains("close_expired_sessions"))
    }

    /// A value that is too large for a page: `"<name>"` stands for it in bodies and on pages.
    #[must_use]
    pub fn value(mut self, name: &str, value: Value) -> Self {
        self.values.push((format!("<{name}>"), value));
        self
    }

    /// Another step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// A session that is opened beforehand, with `rest` as the other arguments, such as `,"data":1`.
    #[must_use]
    pub fn given_session(self, rest: &str) -> Self {
        let body = format!(r#"{{"user_id":"<user>"{rest}}}"#);
        self.step(Step::post("given", "open_session", body).hidden())
    }

    /// Something else that is done beforehand.
    #[must_use]
    pub fn given(self, operation: &str, body: &str) -> Self {
        self.step(Step::post("given", operation, body).hidden())
    }

    /// A call of the case's operation by the typed client.
    #[must_use]
    pub fn call(self, title: &str, body: &str) -> Self {
        let step = Step::call(title, &self.operation, body);
        self.step(step)
    }

    /// A call of another operation by the typed client.
    #[must_use]
    pub fn then(self, title: &str, operation: &str, body: &str) -> Self {
        self.step(Step::call(title, operation, body))
    }

    /// A request for the case's operation that the typed client would not write.
    #[must_use]
    pub fn raw(self, title: &str, body: &str) -> Self {
        let step = Step::post(title, &self.operation, body);
        self.step(step)
    }

    /// The same, shown as a line; the body is its title.
    #[must_use]
    pub fn row(self, body: &str) -> Self {
        let step = Step::post(body, &self.operation, body).row();
        self.step(step)
    }
}
