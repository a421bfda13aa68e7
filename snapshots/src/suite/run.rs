//! Runs cases against a service.

use super::case::{Case, Sender, Step};
use super::clean::clean_up;
use super::client::{self, Client};
use super::owner::{Opened, Owner};
use super::render::{CompletedStep, snapshot};
use super::stop::StopSignal;
use crate::normalize::Normalizer;
use crate::record::{Exchange, Recorder};
use crate::value::Value;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Uri;
use sessions_client::{Call, Error, ErrorKind, Request, Route, SessionsHttpClientV1, Transport, sessions_v1};
use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

/// Permissions and limits of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Prefix of its users, which are numbered: `<user>-1` and so on.
    pub user: String,
    /// `true` if the run has the service to itself. Then it may close expired sessions and open sessions
    /// without a user.
    pub may_close_expired: bool,
    /// Handle for another task to stop the run early.
    pub stop: StopSignal,
    /// First pause after a failure during clean-up; doubles with each further consecutive failure.
    pub pause: Duration,
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct RunReport {
    /// Completed cases.
    pub completed: Vec<CompletedCase>,
    /// Names of the cases that the options do not allow.
    pub skipped: Vec<String>,
    /// The reason why the run ended before its last case, if it did.
    pub aborted: Option<Aborted>,
    /// Sessions that were not deleted: their ids, or a sentence about some.
    pub left_behind: Vec<String>,
}

/// A completed case.
#[derive(Debug)]
pub struct CompletedCase {
    /// The name of the case.
    pub name: String,
    /// `true` if it ran only because of [`RunOptions::may_close_expired`].
    pub needs_exclusive_service: bool,
    /// Its snapshot.
    pub snapshot: String,
    /// Its requests and responses, without the clean-up.
    pub exchanges: Vec<Exchange>,
}

/// The reason why a run ended early, and the case in which it did.
#[derive(Debug)]
pub struct Aborted {
    /// The name of the case.
    pub case: String,
    /// The reason, as a sentence.
    pub reason: String,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was aborted: {}", self.case, self.reason)
    }
}

/// Runs `cases` in order against the service behind `transport`, and deletes the sessions of each, however it
/// ends.
///
/// The run ends after a case that gets no response, panics, is stopped or leaves sessions behind. Must be
/// called on a tokio runtime with a timer.
pub async fn run<T>(transport: T, cases: &[Case], options: &RunOptions) -> RunReport
where
    T: Transport + Clone + 'static,
{
    let mut report = RunReport::default();
    for (number, case) in (1..).zip(cases) {
        if case.needs_exclusive_service() && !options.may_close_expired {
            report.skipped.push(case.name());
            continue;
        }
        let owner =
            Owner { user_id: format!("{}-{number}", options.user), is_exclusive: options.may_close_expired };
        options.stop.set_current_user(&owner.user_id);
        let recorder = Recorder::new(transport.clone());
        let case_run = CaseRun::new(recorder.clone(), case, owner.clone(), options.stop.clone());
        // In a separate task, so that the clean-up also follows a panic.
        let task_case = case.clone();
        let outcome = tokio::spawn(async move { case_run.run(&task_case).await }).await;
        let exchanges = recorder.exchanges();
        report.left_behind = clean_up(transport.clone(), &exchanges, &owner, options.pause).await;
        let why = match outcome {
            Ok(Ok(snapshot)) => {
                let (name, needs_exclusive_service) = (case.name(), case.needs_exclusive_service());
                report.completed.push(CompletedCase { name, needs_exclusive_service, snapshot, exchanges });
                if report.left_behind.is_empty() {
                    continue;
                }
                "not all that it opened could be deleted".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => format!("it panicked: {}", message(&*panic)),
                Err(error) => error.to_string(),
            },
        };
        report.aborted = Some(Aborted { case: case.name(), reason: why });
        break;
    }
    report
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with no message")
}

/// The state of a running case.
struct CaseRun<T> {
    recorder: Recorder<T>,
    /// The typed client, which sends through the recorder.
    client: Client<Recorder<T>>,
    owner: Owner,
    /// Ids of the sessions that it opened; no others are inserted into requests.
    own: BTreeSet<String>,
    names: Normalizer,
    stop: StopSignal,
}

impl<T: Transport + Clone + 'static> CaseRun<T> {
    fn new(recorder: Recorder<T>, case: &Case, owner: Owner, stop: StopSignal) -> Self {
        let client = SessionsHttpClientV1::new(recorder.clone()).with_payloads();
        let mut names = Normalizer::new();
        names.name(&owner.user_id, "<user>");
        for (name, value) in &case.values {
            names.name_value(value.clone(), name);
        }
        Self { recorder, client, owner, own: BTreeSet::new(), names, stop }
    }

    /// Returns the snapshot of the case.
    async fn run(mut self, case: &Case) -> Result<String, Error> {
        let mut steps = Vec::new();
        for step in case.steps.iter().flat_map(|step| std::iter::repeat_n(step, step.times)) {
            if self.stop.is_requested() {
                return Err(Error::new(ErrorKind::Transport, "it was stopped"));
            }
            if step.changes() && step.times == 1 {
                self.wait_for_next_tick().await?;
            }
            let completed = self.exchange(step, case).await?;
            match self.owner.opened(&completed.exchange) {
                Some(Opened::Own(id)) => drop(self.own.insert(id)),
                Some(Opened::Other(id)) => {
                    let why = format!("`open_session` returned {id}, which may be a session of another user");
                    return Err(Error::new(ErrorKind::Transport, why));
                }
                None => {}
            }
            if let Ok(json) = serde_json::from_slice(completed.exchange.response.body()) {
                self.names.learn(&json);
            }
            steps.push(completed);
        }
        Ok(snapshot(&steps, &self.names))
    }

    async fn exchange<'s>(&self, step: &'s Step, case: &Case) -> Result<CompletedStep<'s>, Error> {
        let body = self.fill(&step.body, case)?;
        let target = step.target.parse::<Uri>();
        let target = target.map_err(|error| Error::new(ErrorKind::Encode, error.to_string()))?;
        let route = route_of(&step.target);
        let count_before = self.recorder.count();
        let decoded = match step.sender {
            Sender::Client => Some(client::call(&self.client, route, &target, &body).await?),
            Sender::Raw => {
                let mut request = Request::new(Bytes::from(body));
                *request.method_mut() = step.method.clone();
                *request.uri_mut() = target;
                request.headers_mut().extend(step.headers.clone());
                self.recorder.send(Call::new(route, request)).await?;
                None
            }
        };
        if let Some(exchange) = self.recorder.last()
            && self.recorder.count() > count_before
        {
            return Ok(CompletedStep { step, exchange, decoded });
        }
        let error = decoded.and_then(|response| serde_json::from_slice::<Value>(response.body()).ok());
        let why = error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("nothing was sent");
        Err(Error::new(ErrorKind::Transport, format!("{}: no response: {why}", step.title)))
    }

    /// Replaces the placeholders in a template by their values.
    fn fill(&self, template: &str, case: &Case) -> Result<String, Error> {
        let mut body = template.replace("<user>", &self.owner.user_id);
        for (name, value) in &case.values {
            body = body.replace(&format!("\"{name}\""), &value.to_string());
        }
        for number in 1.. {
            let Some(id) = self.names.id(number) else { break };
            let name = format!("<id:{number}>");
            if body.contains(&name) && !self.own.contains(id) {
                let why = format!("{id}, which the next request needs, may be a session of another user");
                return Err(Error::new(ErrorKind::Transport, why));
            }
            body = body.replace(&name, id);
        }
        for number in 1.. {
            let Some(time) = self.names.time(number) else { break };
            body = body.replace(&format!("<t{number}>"), &time);
        }
        Ok(body)
    }

    /// Waits until the clock of the service is past the latest time of any session, so that the next change
    /// has another time. The time of the service comes from its heartbeat; without one, waits 100 ms.
    async fn wait_for_next_tick(&self) -> Result<(), Error> {
        let Some(latest) = self.names.latest() else { return Ok(()) };
        let started = Instant::now();
        loop {
            let mut request = Request::default();
            *request.uri_mut() = Uri::from_static("/heartbeat");
            let beat = self.recorder.transport().send(Call::new(route_of("/heartbeat"), request)).await?;
            let now: Option<DateTime<Utc>> = serde_json::from_slice::<String>(beat.body())
                .ok()
                .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(|time| time.to_utc());
            if now.is_some_and(|now| now > latest) || started.elapsed() > Duration::from_millis(100) {
                return Ok(());
            }
        }
    }
}

/// Returns the route nearest to a raw request, since a transport needs one for every call.
fn route_of(target: &str) -> &'static Route {
    let named = |route: &&&'static Route| target.starts_with(route.path);
    sessions_v1::ROUTES.iter().find(named).unwrap_or(&sessions_v1::ROUTES[0])
}
