//! Sends the requests of one case.

use super::case::{Case, Sender, Step};
use super::owner::{Created, Owner};
use super::render::{CompletedStep, snapshot};
use super::stop::StopSignal;
use crate::contract::{ServiceContract, route_at};
use crate::normalize::Normalizer;
use crate::objects::json;
use crate::record::{Exchange, Recorder};
use crate::value::Value;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use http::Uri;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wiretrait::{Call, Error, ErrorKind, Request, Route, Transport};

/// The time after which the clock of any service has advanced.
const TICK: Duration = Duration::from_millis(100);

/// The start of the last line of a snapshot whose case could not go on.
pub const ENDED: &str = "(the case ended here: ";

/// The records of a case that was sent to its end.
pub(super) struct Recorded {
    pub(super) snapshot: String,
    /// The exchanges in the order of the steps.
    pub(super) exchanges: Vec<Exchange>,
}

/// The state of a running case.
pub(super) struct CaseRun<C, T> {
    contract: C,
    recorder: Recorder<T>,
    owner: Owner,
    /// Ids of the entities that it created; no others are inserted into requests.
    own: BTreeSet<String>,
    names: Normalizer,
    /// The moment at which the latest time of an entity was received.
    latest_received: Option<Instant>,
    /// The time from the last request to its response.
    round_trip: Duration,
    stop: StopSignal,
    /// `true` if the run is ending.
    is_ending: Arc<AtomicBool>,
}

impl<C: ServiceContract, T: Transport + Clone + 'static> CaseRun<C, T> {
    pub(super) fn new(
        contract: C,
        recorder: Recorder<T>,
        case: &Case,
        owner: Owner,
        stop: StopSignal,
        is_ending: Arc<AtomicBool>,
    ) -> Self {
        let mut names = Normalizer::new(contract.entity());
        names.name(&owner.id, contract.entity().owner);
        for (name, value) in &case.values {
            names.name_value(value.clone(), name);
        }
        let (own, round_trip) = (BTreeSet::new(), Duration::ZERO);
        Self { contract, recorder, owner, own, names, latest_received: None, round_trip, stop, is_ending }
    }

    /// Sends all requests. Returns `None` if the run ended before the last step.
    ///
    /// The case also ends at a step that needs an id or a time which no response contained.
    pub(super) async fn run(mut self, case: &Case) -> Result<Option<Recorded>, Error> {
        let all: Vec<&Step> =
            case.steps.iter().flat_map(|step| std::iter::repeat_n(step, step.times)).collect();
        let mut completed = Vec::new();
        let mut ended = String::new();
        let mut rest = &all[..];
        while let Some(step) = rest.first() {
            if self.stop.is_requested() || self.is_ending.load(Ordering::SeqCst) {
                return Ok(None);
            }
            if step.changes(&self.contract) && step.times == 1 {
                self.wait_for_next_tick().await;
            }
            let bodies = self.next_bodies(rest, case)?;
            if let Some(unknown) = bodies.iter().flat_map(|body| placeholders(body)).next() {
                // A finding about the service, so the case has a result.
                ended = format!("{ENDED}no response contained {unknown})\n");
                break;
            }
            let (now, later) = rest.split_at(bodies.len());
            rest = later;
            let started = Instant::now();
            let exchanges = now.iter().zip(&bodies).map(|(step, body)| self.exchange(step, body));
            // All of them end before the first error is returned, so that no response is lost.
            let outcomes = join_all(exchanges).await;
            self.round_trip = started.elapsed();
            for outcome in outcomes {
                let step = outcome?;
                self.learn(&step.exchange)?;
                completed.push(step);
            }
        }
        let snapshot = snapshot(&completed, &self.names) + &ended;
        Ok(Some(Recorded { snapshot, exchanges: completed.into_iter().map(|step| step.exchange).collect() }))
    }

    /// Returns the bodies of the next requests that can be sent at once: those of independent steps whose
    /// placeholders are known, or else that of the first step.
    fn next_bodies(&self, steps: &[&Step], case: &Case) -> Result<Vec<String>, Error> {
        let mut bodies = Vec::new();
        for step in steps {
            let body = self.fill(&step.body, case)?;
            let is_first = bodies.is_empty();
            let is_independent = step.is_independent(&self.contract);
            let continues =
                is_independent && step.changes(&self.contract) == steps[0].changes(&self.contract);
            if !is_first && (!continues || !placeholders(&body).is_empty()) {
                break;
            }
            bodies.push(body);
            if is_first && !is_independent {
                break;
            }
        }
        Ok(bodies)
    }

    fn learn(&mut self, exchange: &Exchange) -> Result<(), Error> {
        match self.owner.created(&self.contract, exchange) {
            Some(Created::Own(id)) => drop(self.own.insert(id)),
            Some(Created::Other(id)) => {
                let (operation, entity) = (exchange.operation, self.contract.entity().name);
                let why = format!("`{operation}` returned {id}, which may be a {entity} of another user");
                return Err(Error::new(ErrorKind::Transport, why));
            }
            None => {}
        }
        let latest = self.names.latest();
        if let Some(json) = json(exchange.response.body()) {
            self.names.learn(&json);
        }
        if self.names.latest() != latest {
            self.latest_received = Some(Instant::now());
        }
        Ok(())
    }

    async fn exchange<'s>(&self, step: &'s Step, body: &str) -> Result<CompletedStep<'s>, Error> {
        let target = step.target_in(&self.contract);
        let route = self.route_of(&target);
        let target = target.parse::<Uri>();
        let target = target.map_err(|error| Error::new(ErrorKind::Encode, error.to_string()))?;
        // A separate recorder, since other exchanges may be in progress.
        let recorder = Recorder::new(self.recorder.clone());
        let mut request = Request::new(Bytes::from(body.to_owned()));
        *request.method_mut() = step.method.clone();
        *request.uri_mut() = target;
        request.headers_mut().extend(step.headers.clone());
        let call = Call::new(route, request);
        let decoded = match step.sender {
            Sender::Client => Some(self.contract.call(recorder.clone(), call).await?),
            Sender::Raw => {
                recorder.send(call).await?;
                None
            }
        };
        if let Some(exchange) = recorder.last() {
            return Ok(CompletedStep { step, exchange, decoded });
        }
        let error = decoded.and_then(|response| serde_json::from_slice::<Value>(response.body()).ok());
        let why = error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("nothing was sent");
        Err(Error::new(ErrorKind::Transport, format!("{}: no response: {why}", step.title)))
    }

    /// Replaces the placeholders in a template by their values.
    fn fill(&self, template: &str, case: &Case) -> Result<String, Error> {
        let mut body = template.replace(self.contract.entity().owner, &self.owner.id);
        for (name, value) in &case.values {
            body = body.replace(&format!("\"{name}\""), &value.to_string());
        }
        for number in 1.. {
            let Some(id) = self.names.id(number) else { break };
            let name = format!("<id:{number}>");
            if body.contains(&name) && !self.own.contains(id) {
                let entity = self.contract.entity().name;
                let why = format!("{id}, which the next request needs, may be a {entity} of another user");
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

    /// Returns the route nearest to a raw request, since a transport needs one for every call.
    fn route_of(&self, target: &str) -> &'static Route {
        let routes = self.contract.routes();
        route_at(routes, target).unwrap_or(routes[0])
    }

    /// Waits until the clock of the service is past the latest time of any entity, so that the next change has
    /// another time. The service read that time before its response was received.
    ///
    /// The time of the service comes from its heartbeat. Without one, and where it takes longer than the tick of any
    /// clock, waits that long after the latest time was received.
    async fn wait_for_next_tick(&self) {
        let (Some(latest), Some(received)) = (self.names.latest(), self.latest_received) else { return };
        if self.round_trip > TICK {
            return tokio::time::sleep_until(received + TICK).await;
        }
        while received.elapsed() <= TICK {
            let mut request = Request::default();
            *request.uri_mut() = Uri::from_static("/heartbeat");
            let beat = self.recorder.transport().send(Call::new(self.route_of("/heartbeat"), request)).await;
            let now = beat.ok().and_then(|beat| time(beat.body()));
            match now {
                Some(now) if now > latest => return,
                Some(_) => {}
                None => return tokio::time::sleep_until(received + TICK).await,
            }
        }
    }
}

/// Parses a time as a JSON string.
fn time(body: &[u8]) -> Option<DateTime<Utc>> {
    let text = serde_json::from_slice::<String>(body).ok()?;
    Some(DateTime::parse_from_rfc3339(&text).ok()?.to_utc())
}

/// Returns the placeholders of ids and times in a body.
#[must_use]
pub fn placeholders(body: &str) -> Vec<String> {
    let placeholder = |rest: &str| {
        let (name, _) = rest.split_once('>')?;
        let number = name.strip_prefix("id:").or_else(|| name.strip_prefix('t'))?;
        number.parse::<usize>().is_ok().then(|| format!("<{name}>"))
    };
    body.split('<').skip(1).filter_map(placeholder).collect()
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn placeholders_without_a_value_are_recognized() {
        for (body, expected) in [
            (r#"{"id":"<id:1>"}"#, true),
            (r#"{"from_time":"<t12>"}"#, true),
            (r#"{"user_id":"ann"}"#, false),
            (r#"{"data":"<text>"}"#, false),
        ] {
            assert_eq!(!placeholders(body).is_empty(), expected, "{body}");
        }
    }
}
