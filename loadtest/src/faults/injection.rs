//! The injection of all faults of a run: starts the relays, follows the schedule, and counts the calls that fail
//! meanwhile.

use super::active::Active;
use super::connections::Connections;
use super::fault::{Fault, FaultKind};
use super::relay::{Relay, Upstream};
use crate::error::LoadTestError;
use crate::metrics::call_groups::{TimedCall, VIOLATION};
use crate::metrics::{ExpectedFailures, FaultWindow, LOCAL_LIMIT};
use crate::sync::{Mutex, lock};
use chrono::{DateTime, Utc};
use sessions_client::ClientConfig;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// The time after a fault in which calls may still fail because of it.
const GRACE: Duration = Duration::from_secs(1);

/// The faults of a run.
#[derive(Debug)]
pub(crate) struct FaultInjection {
    faults: Arc<[Fault]>,
    /// The start of the measured load.
    start: OnceLock<Instant>,
    active: watch::Sender<Active>,
    connections: Arc<Connections>,
    /// The addresses that the client connects to, for each host and port.
    relayed: Vec<((String, u16), SocketAddr)>,
    relays: Mutex<JoinSet<()>>,
    schedule: Mutex<JoinSet<()>>,
    failures: Mutex<Failures>,
}

/// The calls that failed while faults lasted.
#[derive(Debug, Default)]
struct Failures {
    all: ExpectedFailures,
    /// By fault: calls that met several count for each.
    by_fault: Vec<u64>,
}

impl FaultInjection {
    /// Starts a relay for each host and port that the client connects to. No fault is in effect yet.
    pub(crate) fn start(config: &ClientConfig, faults: &[Fault]) -> Result<Self, LoadTestError> {
        let hops = config.connects_to().map_err(|error| LoadTestError::Option(error.to_string()))?;
        let (active, _) = watch::channel(Active::default());
        let connections = Arc::new(Connections::new(faults.len()));
        let mut random = fastrand::Rng::new();
        let mut relays = JoinSet::new();
        let mut relayed: Vec<((String, u16), SocketAddr)> = Vec::new();
        for (host, port) in hops {
            if relayed.iter().any(|(known, _)| *known == (host.clone(), port)) {
                continue;
            }
            let upstream = Upstream {
                given: config.resolved(&host, port).map(<[_]>::to_vec),
                next: config.spreads_addresses().then(|| AtomicUsize::new(random.usize(..1 << 16))),
                host: host.clone(),
                port,
            };
            let relay = Relay::bind(upstream).map_err(|error| {
                LoadTestError::LoadGenerator(format!(
                    "--fault: the relay to {host}:{port} cannot listen: {error}"
                ))
            })?;
            relayed.push(((host, port), relay.address));
            relays.spawn(relay.serve(active.subscribe(), Arc::clone(&connections), random.fork()));
        }
        Ok(Self {
            faults: faults.into(),
            start: OnceLock::new(),
            active,
            connections,
            relayed,
            relays: Mutex::new(relays),
            schedule: Mutex::default(),
            failures: Mutex::new(Failures { by_fault: vec![0; faults.len()], ..Failures::default() }),
        })
    }

    /// Returns the settings of a client that connects to the relays.
    pub(crate) fn through(&self, config: &ClientConfig) -> ClientConfig {
        self.relayed.iter().fold(config.clone(), |config, ((host, port), address)| {
            config.with_connect_to(host, *port, *address)
        })
    }

    /// Starts the schedule, which counts from the start of the measured load.
    pub(crate) fn begin(&self, start: Instant) {
        if self.start.set(start).is_err() {
            return;
        }
        let start = tokio::time::Instant::from_std(start);
        let mut schedule = lock(&self.schedule);
        let (active, connections) = (self.active.clone(), Arc::clone(&self.connections));
        schedule.spawn(follow(Arc::clone(&self.faults), start, active, connections));
        for (index, fault) in self.faults.iter().enumerate() {
            let FaultKind::Reset(rate) = fault.kind else { continue };
            let window = [Some(start + fault.at), fault.end().map(|end| start + end)];
            let connections = Arc::clone(&self.connections);
            schedule.spawn(async move {
                connections.reset_at_rate(index, rate, window, fastrand::Rng::new()).await;
            });
        }
    }

    /// Ends all faults. Bytes that are held back are discarded with their connections, so that none reaches the
    /// service during the clean-up.
    pub(crate) async fn end(&self) {
        lock(&self.schedule).abort_all();
        self.connections.close().await;
        self.active.send_replace(Active::default());
    }

    /// Counts a failed call if it met a fault. Violations, and calls that this machine could not send, are never
    /// expected.
    pub(crate) fn failed(&self, call: &TimedCall, reason: &str, date: impl Fn(Instant) -> DateTime<Utc>) {
        let Some(start) = self.start.get().copied() else { return };
        if call.error == Some(VIOLATION) || reason == LOCAL_LIMIT {
            return;
        }
        let met = |fault: &Fault| {
            let from = start + fault.at;
            call.end >= from && fault.end().is_none_or(|end| call.start <= start + end + grace(fault.kind))
        };
        let met: Vec<usize> = (0..self.faults.len()).filter(|index| met(&self.faults[*index])).collect();
        if met.is_empty() {
            return;
        }
        let second = |time| u64::try_from(date(time).timestamp()).unwrap_or_default();
        let mut failures = lock(&self.failures);
        failures.all.calls += 1;
        failures.all.seconds.insert_range(second(call.start)..second(call.end) + 1);
        for index in met {
            failures.by_fault[index] += 1;
        }
    }

    /// The faults so far, with their times on the calendar clock. The load ends at `end`.
    pub(crate) fn windows(&self, end: Instant, date: impl Fn(Instant) -> DateTime<Utc>) -> Vec<FaultWindow> {
        let Some(start) = self.start.get().copied() else { return Vec::new() };
        let by_fault = lock(&self.failures).by_fault.clone();
        let windows = self.faults.iter().enumerate().map(|(index, fault)| {
            let from = start + fault.at;
            let to = fault.end().map_or(end, |to| end.min(start + to)).max(from);
            FaultWindow {
                kind: fault.kind.name().to_owned(),
                fault: fault.kind.to_string(),
                from: date(from),
                to: date(to),
                grace_ms: u64::try_from(grace(fault.kind).as_millis()).unwrap_or(u64::MAX),
                connections: self.connections.affected(index),
                failed_calls: by_fault.get(index).copied().unwrap_or_default(),
            }
        });
        windows.collect()
    }

    /// The calls that failed while faults lasted.
    pub(crate) fn expected_failures(&self) -> ExpectedFailures {
        lock(&self.failures).all.clone()
    }
}

impl Drop for FaultInjection {
    fn drop(&mut self) {
        lock(&self.relays).abort_all();
    }
}

/// The time after a fault in which calls may still fail because of it: its last bytes are delayed.
fn grace(kind: FaultKind) -> Duration {
    match kind {
        FaultKind::Latency { delay, jitter } => GRACE + delay + jitter,
        _ => GRACE,
    }
}

/// Sets the faults in effect whenever one begins or ends.
async fn follow(
    faults: Arc<[Fault]>,
    start: tokio::time::Instant,
    active: watch::Sender<Active>,
    connections: Arc<Connections>,
) {
    sleep_until(start).await;
    let mut elapsed = Duration::ZERO;
    loop {
        let now = Active::at(&faults, elapsed);
        let begun = now.indices.iter().filter(|index| !active.borrow().indices.contains(index));
        begun.for_each(|index| connections.affect_open(*index));
        active.send_replace(now);
        let Some(next) = Active::next_change(&faults, elapsed) else { return };
        elapsed = next;
        sleep_until(start + next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultSet;
    use super::*;
    use sessions_client::sessions_v1::OPEN_SESSION;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use wiretrait::telemetry::CallPhases;

    fn faults(options: &[&str]) -> Vec<Fault> {
        options.iter().flat_map(|text| text.parse::<FaultSet>().unwrap().0).collect()
    }

    fn config(port: u16) -> ClientConfig {
        ClientConfig::from_url(&format!("http://127.0.0.1:{port}")).unwrap()
    }

    /// The faults in effect at the moments of their changes.
    #[tokio::test(start_paused = true)]
    async fn the_schedule_is_followed() {
        let faults: Arc<[Fault]> = faults(&["blackhole,at=1s,for=2s", "refuse,at=2s,for=2s"]).into();
        let (active, mut receiver) = watch::channel(Active::default());
        let start = tokio::time::Instant::now();
        tokio::spawn(follow(faults, start, active, Arc::default()));
        let mut seen = Vec::new();
        while receiver.changed().await.is_ok() {
            let active = receiver.borrow_and_update();
            seen.push((start.elapsed().as_secs(), active.is_blackhole, active.refuses));
        }
        let expected =
            [(0, false, false), (1, true, false), (2, true, true), (3, false, true), (4, false, false)];
        assert_eq!(seen, expected);
    }

    /// A call from and to a time in milliseconds.
    fn call(start: Instant, [from, to]: [u64; 2], error: &'static str) -> TimedCall {
        let [from, to] = [from, to].map(|millis| start + Duration::from_millis(millis));
        TimedCall {
            route: OPEN_SESSION,
            due: None,
            start: from,
            end: to,
            status: None,
            error: Some(error),
            phases: CallPhases::default(),
        }
    }

    #[tokio::test]
    async fn failed_calls_that_meet_a_fault_are_counted_apart() {
        let injection = FaultInjection::start(&config(1), &faults(&["blackhole,at=10s,for=5s"])).unwrap();
        let (start, now) = (Instant::now(), Utc::now());
        let date = |time: Instant| now + (time - start);
        injection.failed(&call(start, [11_000, 12_000], "timeout"), "timeout", date);
        assert_eq!(injection.expected_failures().calls, 0, "the load has not started");
        injection.begin(start);
        for (times, expected) in [
            ([9_000, 9_999], 0),
            ([9_000, 10_000], 1),
            ([11_000, 11_001], 2),
            ([15_900, 30_000], 3),
            ([16_001, 16_002], 3),
        ] {
            injection.failed(&call(start, times, "timeout"), "timeout", date);
            assert_eq!(injection.expected_failures().calls, expected, "{times:?}");
        }
        injection.failed(&call(start, [11_000, 12_000], VIOLATION), "stale data was returned", date);
        injection.failed(&call(start, [11_000, 12_000], "connect"), LOCAL_LIMIT, date);
        assert_eq!(injection.expected_failures().calls, 3);
        let windows = injection.windows(start + Duration::from_secs(12), date);
        assert_eq!((windows[0].failed_calls, windows[0].to), (3, now + Duration::from_secs(12)));
    }

    /// A service that returns what it receives.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        port
    }

    async fn echoes(stream: &mut TcpStream) -> std::io::Result<u8> {
        stream.write_all(&[7]).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn connections_are_refused_and_broken_until_the_end_of_a_fault() {
        let port = echo().await;
        let injection = FaultInjection::start(&config(port), &faults(&["refuse"])).unwrap();
        let address = injection.relayed[0].1;
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(echoes(&mut stream).await.unwrap(), 7);
        injection.begin(Instant::now());
        let broken = stream.read_u8().await.unwrap_err();
        assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        injection.end().await;
        let mut stream = loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                break stream;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(echoes(&mut stream).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn bytes_that_are_held_back_are_discarded_at_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let injection = FaultInjection::start(&config(port), &faults(&["blackhole,at=1ms"])).unwrap();
        let mut stream = TcpStream::connect(injection.relayed[0].1).await.unwrap();
        let (mut accepted, _) = listener.accept().await.unwrap();
        injection.begin(Instant::now());
        injection.active.subscribe().wait_for(|active| active.is_blackhole).await.unwrap();
        stream.write_all(b"late").await.unwrap();
        injection.end().await;
        let mut received = Vec::new();
        let _ = accepted.read_to_end(&mut received).await;
        assert_eq!(received, b"");
        assert_eq!(injection.connections.affected(0), 1);
    }
}
