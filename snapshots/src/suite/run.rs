//! Leading cases through a service.

use super::case::{Case, Step, Way};
use super::clean::clean_up;
use super::owner::{Opened, Owner};
use super::page::{Told, page};
use super::stop::Stop;
use crate::normalize::Normalizer;
use crate::record::{Exchange, Recorder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Uri;
use serde_json::Value;
use sessions_client::{
    Call, Error, ErrorKind, Handler as _, Incoming, Request, Route, SessionsHttpClientV1, Transport,
    sessions_v1,
};
use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

/// What a run may do, and when it has to end.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whose sessions it opens: the users are this name with a number after it.
    pub user: String,
    /// Whether the service is nobody else's: then it may close what has expired, and have sessions of no user.
    pub may_close_expired: bool,
    /// Used by somebody else when the run has to end before its time.
    pub stop: Stop,
    /// How long a service that fails is left alone while its sessions are deleted: so long after its first failure in a
    /// row, and each time twice as long.
    pub pause: Duration,
}

/// What has become of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The cases that came to their ends.
    pub led: Vec<Led>,
    /// The cases that the rules forbid.
    pub skipped: Vec<String>,
    /// Why the run ended before its last case.
    pub broken: Option<Broken>,
    /// What was not deleted: the ids of sessions, or a sentence about some.
    pub left_behind: Vec<String>,
}

/// A case that came to its end.
#[derive(Debug)]
pub struct Led {
    /// The name of the case.
    pub name: String,
    /// Whether it was allowed by [`Rules::may_close_expired`] alone.
    pub reaches_out: bool,
    /// What it looks like.
    pub page: String,
    /// What was sent and answered, without the cleaning up.
    pub exchanges: Vec<Exchange>,
}

/// Why a run ended early, and in which case.
#[derive(Debug)]
pub struct Broken {
    /// The name of the case.
    pub case: String,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broke off: {}", self.case, self.why)
    }
}

/// Leads `cases` through the service behind `transport`, one after the other, and deletes what each has opened,
/// however it ends.
///
/// The first case that gets no answer, panics, is stopped or leaves something behind is the last one. It must be called
/// on a tokio runtime with a timer.
pub async fn run<T>(transport: T, cases: &[Case], rules: &Rules) -> Report
where
    T: Transport + Clone + 'static,
{
    let mut report = Report::default();
    for (number, case) in (1..).zip(cases) {
        if case.reaches_out() && !rules.may_close_expired {
            report.skipped.push(case.name());
            continue;
        }
        let owner = Owner { user_id: format!("{}-{number}", rules.user), is_alone: rules.may_close_expired };
        rules.stop.takes_up(&owner.user_id);
        let recorder = Recorder::new(transport.clone());
        let story = Story::new(recorder.clone(), case, owner.clone(), rules.stop.clone());
        // A task of its own, so that a panic in it comes after the cleaning up.
        let own_case = case.clone();
        let outcome = tokio::spawn(async move { story.tell(&own_case).await }).await;
        let exchanges = recorder.exchanges();
        report.left_behind = clean_up(transport.clone(), &exchanges, &owner, rules.pause).await;
        let why = match outcome {
            Ok(Ok(page)) => {
                let (name, reaches_out) = (case.name(), case.reaches_out());
                report.led.push(Led { name, reaches_out, page, exchanges });
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
        report.broken = Some(Broken { case: case.name(), why });
        break;
    }
    report
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with no message")
}

/// A case on its way through a service.
struct Story<T> {
    recorder: Recorder<T>,
    /// Hands arguments to the typed client, which sends through the recorder.
    client: sessions_v1::Handler<SessionsHttpClientV1<Value, Value, Recorder<T>>>,
    owner: Owner,
    /// The ids of the sessions that it has opened: no others are put into requests.
    own: BTreeSet<String>,
    names: Normalizer,
    stop: Stop,
}

impl<T: Transport + Clone + 'static> Story<T> {
    fn new(recorder: Recorder<T>, case: &Case, owner: Owner, stop: Stop) -> Self {
        let client = sessions_v1::Handler::new(SessionsHttpClientV1::new(recorder.clone()));
        let mut names = Normalizer::new();
        names.name(&owner.user_id, "<user>");
        for (name, value) in &case.values {
            names.name_value(value.clone(), name);
        }
        Self { recorder, client, owner, own: BTreeSet::new(), names, stop }
    }

    /// Returns the page of the case.
    async fn tell(mut self, case: &Case) -> Result<String, Error> {
        let mut told = Vec::new();
        for step in case.steps.iter().flat_map(|step| std::iter::repeat_n(step, step.times)) {
            if self.stop.is_asked() {
                return Err(Error::new(ErrorKind::Transport, "it was stopped"));
            }
            if step.changes() && step.times == 1 {
                self.clock_moves_on().await?;
            }
            let told_step = self.exchange(step, case).await?;
            match self.owner.opened(&told_step.exchange) {
                Some(Opened::Own(id)) => drop(self.own.insert(id)),
                Some(Opened::Other(id)) => {
                    let why = format!("`open_session` answered with {id}, which may be somebody else's");
                    return Err(Error::new(ErrorKind::Transport, why));
                }
                None => {}
            }
            if let Ok(json) = serde_json::from_slice(told_step.exchange.response.body()) {
                self.names.learn(&json);
            }
            told.push(told_step);
        }
        Ok(page(&told, &self.names))
    }

    async fn exchange<'s>(&self, step: &'s Step, case: &Case) -> Result<Told<'s>, Error> {
        let mut request = Request::new(Bytes::from(self.filled_in(&step.body, case)?));
        *request.method_mut() = step.method.clone();
        let target = step.target.parse::<Uri>();
        *request.uri_mut() = target.map_err(|error| Error::new(ErrorKind::Encode, error.to_string()))?;
        request.headers_mut().extend(step.headers.clone());
        let already = self.recorder.count();
        let reading = match step.way {
            Way::Client => Some(self.client.handle(Incoming::from(request)).await),
            Way::Bytes => {
                self.recorder.send(Call::new(route_of(&step.target), request)).await?;
                None
            }
        };
        if let Some(exchange) = self.recorder.last()
            && self.recorder.count() > already
        {
            return Ok(Told { step, exchange, reading });
        }
        let said = reading.and_then(|response| serde_json::from_slice::<Value>(response.body()).ok());
        let why = said.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("nothing was sent");
        Err(Error::new(ErrorKind::Transport, format!("{}: no answer: {why}", step.title)))
    }

    /// The template with what its names stand for.
    fn filled_in(&self, template: &str, case: &Case) -> Result<String, Error> {
        let mut body = template.replace("<user>", &self.owner.user_id);
        for (name, value) in &case.values {
            body = body.replace(&format!("\"{name}\""), &value.to_string());
        }
        for number in 1.. {
            let Some(id) = self.names.id(number) else { break };
            let name = format!("<id:{number}>");
            if body.contains(&name) && !self.own.contains(id) {
                let why = format!("{id}, which it was to go on with, may be somebody else's session");
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

    /// Waits until the service's clock has left the latest time that a session shows, so that the next change
    /// falls on another one. The service tells its time; a service that does not is given a moment.
    async fn clock_moves_on(&self) -> Result<(), Error> {
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

/// The route that a raw request is nearest to: a transport wants one for every call.
fn route_of(target: &str) -> &'static Route {
    let named = |route: &&&'static Route| target.starts_with(route.path);
    sessions_v1::ROUTES.iter().find(named).unwrap_or(&sessions_v1::ROUTES[0])
}
