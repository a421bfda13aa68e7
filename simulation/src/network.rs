//! A simulated network between one client and its hosts: byte streams with delays, in tokio's paused time.
//!
//! Segments of one direction of a connection arrive in order, each after its own latency. A partition delays them, as
//! TCP retransmits what was lost. All randomness is drawn from one generator, so a seed determines every arrival.

use crate::faults::{Cut, Direction, FaultKind, Schedule};
use crate::log::Log;
use bytes::{Buf, Bytes};
use fastrand::Rng;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Sleep, sleep, sleep_until};

/// The bytes that a direction of a connection holds before the writer has to wait.
const WINDOW: usize = 64 << 10;

/// The pause before a lost request for a connection is sent again.
const SYN_RETRY: Duration = Duration::from_secs(1);

/// The properties of the network.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The shortest and the longest latency of a segment, in milliseconds.
    pub(crate) latency: (u64, u64),
    /// The largest segment in bytes.
    pub(crate) max_segment: usize,
}

/// The network. Clones share it.
#[derive(Clone)]
pub(crate) struct Network(Arc<Shared>);

struct Shared {
    link: Link,
    schedule: Schedule,
    log: Log,
    state: Mutex<State>,
}

struct State {
    random: Rng,
    connections: Vec<Connection>,
    /// The queue of new connections of each host; `None` while it does not listen.
    listeners: Vec<Option<UnboundedSender<End>>>,
    /// The connections whose end at the client is open.
    open_at_client: usize,
    /// The connections with a request that the service is processing, whose end at the client is open.
    busy: usize,
}

struct Connection {
    host: usize,
    to_host: Pipe,
    to_client: Pipe,
    client_is_open: bool,
    is_busy: bool,
    /// Nothing arrives any more in either direction.
    is_silent: bool,
    host_end: HostEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HostEnd {
    Present,
    /// It has disappeared without closing the connection.
    Vanished,
}

/// One direction of a connection.
#[derive(Default)]
struct Pipe {
    /// Segments on their way, each with the time of its arrival.
    segments: VecDeque<(Duration, Segment)>,
    in_flight: usize,
    last_arrival: Duration,
    /// The bytes written so far.
    written: u64,
    cut: Option<(u64, Cut)>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The reading end is gone.
    is_unread: bool,
    /// The writer has received a reset because the reading end is gone.
    is_refused: bool,
    /// The reader has seen the end.
    outcome: Option<Segment>,
}

enum Segment {
    Data(Bytes),
    End,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Host,
}

impl Side {
    /// Returns the direction in which this side writes.
    fn direction(self) -> Direction {
        match self {
            Self::Client => Direction::ToHost,
            Self::Host => Direction::ToClient,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Client => Self::Host,
            Self::Host => Self::Client,
        }
    }
}

impl Connection {
    /// Returns the direction in which `side` writes.
    fn pipe(&mut self, side: Side) -> &mut Pipe {
        match side {
            Side::Client => &mut self.to_host,
            Side::Host => &mut self.to_client,
        }
    }
}

impl Network {
    pub(crate) fn new(link: Link, hosts: usize, seed: u64, schedule: Schedule, log: Log) -> Self {
        let state = State {
            random: Rng::with_seed(seed),
            connections: Vec::new(),
            listeners: (0..hosts).map(|_| None).collect(),
            open_at_client: 0,
            busy: 0,
        };
        Self(Arc::new(Shared { link, schedule, log, state: Mutex::new(state) }))
    }

    /// Returns the queue of the connections to a host, which accepts them from now on.
    pub(crate) fn listen(&self, host: usize) -> UnboundedReceiver<End> {
        let (sender, accepted) = mpsc::unbounded_channel();
        self.state().listeners[host] = Some(sender);
        accepted
    }

    /// Stops a host. If it has lost its power, its connections stay open at the client.
    pub(crate) fn stop(&self, host: usize, is_power_loss: bool) {
        let mut state = self.state();
        state.listeners[host] = None;
        if is_power_loss {
            for connection in state.connections.iter_mut().filter(|connection| connection.host == host) {
                connection.host_end = HostEnd::Vanished;
                connection.to_host.is_unread = true;
                connection.to_host.segments.clear();
            }
        }
    }

    /// Returns the number of connections that are open at the client.
    pub(crate) fn open_at_client(&self) -> usize {
        self.state().open_at_client
    }

    /// Returns the number of connections opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.state().connections.len()
    }

    /// Looks up `name` and opens a connection to its host. The name `host-N` is always host N.
    pub(crate) async fn connect(&self, name: &str) -> io::Result<End> {
        let host = self.lookup(name).await?;
        loop {
            let arrival = self.arrival(host, Direction::ToHost);
            sleep_until(self.0.schedule.instant(arrival)).await;
            let outage = self.0.schedule.next_outage(host, arrival).filter(|(from, ..)| *from <= arrival);
            if outage.is_none_or(|(.., is_power_loss)| !is_power_loss) {
                break;
            }
            // A host without power does not refuse connections either.
            sleep(SYN_RETRY).await;
        }
        let client = self.accept(host);
        let arrival = self.arrival(host, Direction::ToClient);
        sleep_until(self.0.schedule.instant(arrival)).await;
        client.ok_or_else(|| io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"))
    }

    async fn lookup(&self, name: &str) -> io::Result<usize> {
        sleep(self.latency()).await;
        loop {
            let now = self.0.schedule.now();
            let fault = self.0.schedule.active(now).find_map(|(kind, end)| match kind {
                FaultKind::LookupFails => Some(None),
                FaultKind::LookupHangs => Some(Some(end)),
                _ => None,
            });
            match fault {
                Some(None) => return Err(io::Error::other("the name cannot be resolved")),
                Some(Some(end)) => sleep_until(self.0.schedule.instant(end)).await,
                None => break,
            }
        }
        let fixed = name.strip_prefix("host-").and_then(|rest| rest.parse().ok());
        Ok(fixed.unwrap_or_else(|| self.0.schedule.host_of_name(self.0.schedule.now())))
    }

    /// Creates a connection if the host listens. Returns the end of the client.
    fn accept(&self, host: usize) -> Option<End> {
        let mut state = self.state();
        let now = self.0.schedule.now();
        let id = state.connections.len();
        let listener = state.listeners[host].as_ref()?.clone();
        let mut connection = Connection {
            host,
            to_host: Pipe::default(),
            to_client: Pipe::default(),
            client_is_open: true,
            is_busy: false,
            is_silent: false,
            host_end: HostEnd::Present,
        };
        let cut = self.0.schedule.active(now).find_map(|(kind, _)| match kind {
            FaultKind::Cuts { direction, how, after } => Some((*direction, *how, after.clone())),
            _ => None,
        });
        if let Some((direction, how, after)) = cut {
            let after = state.random.u64(after);
            let pipe = if direction == Direction::ToHost {
                &mut connection.to_host
            } else {
                &mut connection.to_client
            };
            pipe.cut = Some((after, how));
        }
        state.connections.push(connection);
        state.open_at_client += 1;
        drop(state);
        self.0.log.event(|| format!("connection {id} to host {host} is open"));
        // A host that stops at this moment drops the other end, which closes the connection.
        let _ = listener.send(End { network: self.clone(), id, side: Side::Host, timer: None });
        Some(End { network: self.clone(), id, side: Side::Client, timer: None })
    }

    fn latency(&self) -> Duration {
        let (shortest, longest) = self.0.link.latency;
        let now = self.0.schedule.now();
        let factor = self.0.schedule.active(now).filter_map(|(kind, _)| match kind {
            FaultKind::SlowNetwork { factor } => Some(u64::from(*factor)),
            _ => None,
        });
        let factor = factor.max().unwrap_or(1);
        Duration::from_millis(self.state().random.u64(shortest..=longest) * factor)
    }

    /// Returns when a packet that is sent now arrives.
    fn arrival(&self, host: usize, direction: Direction) -> Duration {
        let (latency, resent) = (self.latency(), self.retransmission());
        self.0.schedule.passes(host, direction, self.0.schedule.now() + latency, resent)
    }

    /// Returns the delay after which a lost packet is sent again once the network is repaired.
    fn retransmission(&self) -> Duration {
        Duration::from_millis(self.state().random.u64(0..1000))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a segment on its way from `side`.
    fn transmit(&self, id: usize, side: Side, segment: Segment) {
        let host = self.state().connections[id].host;
        let arrival = self.arrival(host, side.direction());
        let mut state = self.state();
        let connection = &mut state.connections[id];
        if connection.is_silent {
            return;
        }
        let pipe = connection.pipe(side);
        pipe.last_arrival = pipe.last_arrival.max(arrival);
        if let Segment::Data(data) = &segment {
            pipe.in_flight += data.len();
        }
        pipe.segments.push_back((pipe.last_arrival, segment));
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
    }

    /// Writes from `side`. Returns the number of bytes that were accepted.
    fn write(
        &self,
        id: usize,
        side: Side,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let max_segment = self.0.link.max_segment;
        let segment = if max_segment < WINDOW { state.random.usize(1..=max_segment) } else { max_segment };
        let connection = &mut state.connections[id];
        if let Some(Segment::Reset) = connection.pipe(side.other()).outcome {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let is_silent = connection.is_silent;
        let pipe = connection.pipe(side);
        if pipe.is_unread && !is_silent {
            // Nothing receives the bytes: the other host responds with a reset.
            let is_refused = std::mem::replace(&mut pipe.is_refused, true);
            drop(state);
            if !is_refused {
                self.transmit(id, side.other(), Segment::Reset);
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        let room = WINDOW - pipe.in_flight.min(WINDOW);
        if room == 0 {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let mut length = bytes.len().min(room).min(segment);
        let mut cut = None;
        if let Some((after, how)) = pipe.cut {
            let rest = usize::try_from(after - pipe.written).unwrap_or(usize::MAX);
            if length >= rest {
                (length, cut) = (rest, Some(how));
                pipe.cut = None;
                pipe.is_unread = true;
            }
        }
        pipe.written += length as u64;
        if is_silent {
            pipe.in_flight += length;
        }
        drop(state);
        if length > 0 {
            self.transmit(id, side, Segment::Data(Bytes::copy_from_slice(&bytes[..length])));
        }
        if let Some(how) = cut {
            self.0.log.event(|| format!("connection {id} is cut in what the {side:?} writes: {how:?}"));
            match how {
                Cut::Reset => {
                    self.transmit(id, side, Segment::Reset);
                    self.transmit(id, side.other(), Segment::Reset);
                    self.state().connections[id].pipe(side).is_refused = true;
                }
                Cut::Closed => self.transmit(id, side, Segment::End),
                Cut::Silent => self.state().connections[id].is_silent = true,
            }
            // The rest of the bytes is lost.
            return Poll::Ready(Ok(bytes.len()));
        }
        Poll::Ready(Ok(length))
    }

    /// Reads what has arrived at `side`. Returns the arrival of the next segment if nothing has arrived yet.
    fn read(
        &self,
        id: usize,
        side: Side,
        buffer: &mut ReadBuf<'_>,
        context: &mut Context<'_>,
    ) -> Result<Poll<io::Result<()>>, Duration> {
        let now = self.0.schedule.now();
        let mut state = self.state();
        let pipe = state.connections[id].pipe(side.other());
        if pipe.outcome.is_none() {
            match pipe.segments.front_mut() {
                None => {
                    pipe.reader = Some(context.waker().clone());
                    return Ok(Poll::Pending);
                }
                Some((arrival, _)) if *arrival > now => {
                    pipe.reader = Some(context.waker().clone());
                    return Err(*arrival);
                }
                Some((_, Segment::Data(data))) => {
                    let length = data.len().min(buffer.remaining());
                    buffer.put_slice(&data[..length]);
                    data.advance(length);
                    if data.is_empty() {
                        pipe.segments.pop_front();
                    }
                    pipe.in_flight -= length;
                    if let Some(writer) = pipe.writer.take() {
                        writer.wake();
                    }
                    return Ok(Poll::Ready(Ok(())));
                }
                Some(_) => pipe.outcome = pipe.segments.pop_front().map(|(_, segment)| segment),
            }
        }
        Ok(Poll::Ready(match pipe.outcome {
            Some(Segment::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }))
    }

    /// Closes one end.
    fn close(&self, id: usize, side: Side) {
        let mut state = self.state();
        if side == Side::Host {
            state.set_busy(id, false);
        }
        let connection = &mut state.connections[id];
        if side == Side::Host && connection.host_end == HostEnd::Vanished {
            return;
        }
        let incoming = connection.pipe(side.other());
        incoming.is_unread = true;
        let is_lost = incoming.segments.iter().any(|(_, segment)| matches!(segment, Segment::Data(_)));
        incoming.segments.clear();
        if let Some(writer) = incoming.writer.take() {
            writer.wake();
        }
        if side == Side::Client {
            connection.client_is_open = false;
            let was_busy = connection.is_busy;
            state.open_at_client -= 1;
            state.busy -= usize::from(was_busy);
        }
        drop(state);
        // As TCP does, if bytes arrive that no one reads.
        self.transmit(id, side, if is_lost { Segment::Reset } else { Segment::End });
    }
}

/// An end of a connection.
pub(crate) struct End {
    network: Network,
    id: usize,
    side: Side,
    timer: Option<Pin<Box<Sleep>>>,
}

impl End {
    /// Returns the number of the connection.
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }
}

impl Network {
    /// Records that the service has begun or ended to process a request on a connection. Returns the number of
    /// connections with such a request whose end at the client is open.
    pub(crate) fn set_busy(&self, id: usize, is_busy: bool) -> usize {
        self.state().set_busy(id, is_busy)
    }
}

impl State {
    fn set_busy(&mut self, id: usize, is_busy: bool) -> usize {
        let connection = &mut self.connections[id];
        let was_busy = std::mem::replace(&mut connection.is_busy, is_busy);
        if connection.client_is_open {
            self.busy = self.busy + usize::from(is_busy) - usize::from(was_busy);
        }
        self.busy
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let arrival = match self.network.read(self.id, self.side, buffer, context) {
                Ok(poll) => return poll,
                Err(arrival) => self.network.0.schedule.instant(arrival),
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(arrival)));
            if timer.deadline() != arrival {
                timer.as_mut().reset(arrival);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.network.write(self.id, self.side, bytes, context)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.transmit(self.id, self.side, Segment::End);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.network.close(self.id, self.side);
    }
}
