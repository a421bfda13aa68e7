//! Sends the requests of one case.

use super::case::{Case, Sender, Step};
use super::owner::{Created, Owner};
use super::render::{CompletedStep, snapshot};
use super::stop::StopSignal;
use crate::contract::{ServiceContract, route_of};
use crate::normalize::Normalizer;
use crate::objects::json;
use crate::record::{Exchange, Recorder};
use crate::value::Value;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
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

/// The characters of values in a target that are escaped: all but those that RFC 3986 never reserves.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The target and the body of a request, with the values of the run.
struct Filled {
    target: String,
    body: String,
}

impl Filled {
    /// Returns the placeholders whose values no response contained.
    fn unknown(&self) -> Vec<String> {
        [placeholders(&self.target), placeholders(&self.body)].concat()
    }
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
            let requests = self.next_requests(rest, case)?;
            if let Some(unknown) = requests.iter().flat_map(Filled::unknown).next() {
                // A finding about the service, so the case has a result.
                ended = format!("{ENDED}no response contained {unknown})\n");
                break;
            }
            let (now, later) = rest.split_at(requests.len());
            rest = later;
            let started = Instant::now();
            let exchanges = now.iter().zip(requests).map(|(step, filled)| self.exchange(step, filled));
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

    /// Returns the next requests that can be sent at once: those of independent steps whose placeholders are known,
    /// or else that of the first step.
    fn next_requests(&self, steps: &[&Step], case: &Case) -> Result<Vec<Filled>, Error> {
        let mut requests = Vec::new();
        for step in steps {
            let filled = Filled {
                target: self.fill(&step.target_in(&self.contract), case, escaped)?,
                body: self.fill(&step.body, case, str::to_owned)?,
            };
            let is_first = requests.is_empty();
            let is_independent = step.is_independent(&self.contract);
            let continues =
                is_independent && step.changes(&self.contract) == steps[0].changes(&self.contract);
            if !is_first && (!continues || !filled.unknown().is_empty()) {
                break;
            }
            requests.push(filled);
            if is_first && !is_independent {
                break;
            }
        }
        Ok(requests)
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

    async fn exchange<'s>(&self, step: &'s Step, filled: Filled) -> Result<CompletedStep<'s>, Error> {
        let Filled { target, body } = filled;
        if target.contains('{') {
            let why = format!(
                "{}: the target {target} has placeholders of the route: set it with `Step::at`, such as \
                 `.at(\"{}\")`",
                step.title,
                target.replace('{', "<").replace('}', ">")
            );
            return Err(Error::new(ErrorKind::Encode, why));
        }
        let uri = target.parse::<Uri>();
        let uri = uri.map_err(|error| {
            let why = format!("{}: the target {target:?} is not valid: {error}", step.title);
            Error::new(ErrorKind::Encode, why)
        })?;
        // A separate recorder, since other exchanges may be in progress.
        let recorder = Recorder::new(self.recorder.clone());
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = step.method_in(&self.contract);
        *request.uri_mut() = uri;
        *request.headers_mut() = step.headers_in(&self.contract);
        let route = self.route_of(request.method(), request.uri().path());
        let call = Call::new(route, request);
        let decoded = match step.sender {
            Sender::Client => Some(self.contract.call(recorder.clone(), call).await?),
            Sender::Raw => {
                recorder.send(call).await?;
                None
            }
        };
        if let Some(exchange) = recorder.last() {
            return Ok(CompletedStep { step, exchange, decoded, route });
        }
        let error = decoded.and_then(|response| serde_json::from_slice::<Value>(response.body()).ok());
        let why = error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("nothing was sent");
        Err(Error::new(ErrorKind::Transport, format!("{}: no response: {why}", step.title)))
    }

    /// Replaces the placeholders in a template by their values, which `encode` encodes.
    fn fill(&self, template: &str, case: &Case, encode: fn(&str) -> String) -> Result<String, Error> {
        let mut filled = template.replace(self.contract.entity().owner, &encode(&self.owner.id));
        for (name, value) in &case.values {
            filled = filled.replace(&format!("\"{name}\""), &value.to_string());
        }
        for number in 1.. {
            let Some(id) = self.names.id(number) else { break };
            let name = format!("<id:{number}>");
            if filled.contains(&name) && !self.own.contains(id) {
                let entity = self.contract.entity().name;
                let why = format!("{id}, which the next request needs, may be a {entity} of another user");
                return Err(Error::new(ErrorKind::Transport, why));
            }
            filled = filled.replace(&name, &encode(id));
        }
        for number in 1.. {
            let Some(time) = self.names.time(number) else { break };
            filled = filled.replace(&format!("<t{number}>"), &encode(&time));
        }
        Ok(filled)
    }

    /// Returns the route nearest to a raw request, since a transport needs one for every call.
    fn route_of(&self, method: &Method, path: &str) -> &'static Route {
        let routes = self.contract.routes();
        route_of(routes, method, path).unwrap_or(routes[0])
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
            let beat = self
                .recorder
                .transport()
                .send(Call::new(self.route_of(&Method::GET, "/heartbeat"), request))
                .await;
            let now = beat.ok().and_then(|beat| time(beat.body()));
            match now {
                Some(now) if now > latest => return,
                Some(_) => {}
                None => return tokio::time::sleep_until(received + TICK).await,
            }
        }
    }
}

fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
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
