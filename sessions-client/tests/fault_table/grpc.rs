//! Faults over gRPC and commandable gRPC.
//!
//! The server writes the frames of HTTP/2 itself, so that it can break each of them.

use crate::support::frames::{
    DATA, END_STREAM, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, SETTINGS, data, frame,
    go_away, headers, next_frame, next_request, reset,
};
use crate::support::socket_time::SocketTime;
use crate::table::{
    Cell, Client, LEGEND, MAX_RESPONSE_BYTES, Outcome, Row, assert_table, check, client, render, rows,
};
use pip_services::CommandableGrpcTransport;
use pip_services::grpc::{ErrorDescription, InvokeReply};
use prost::Message;
use sessions_client::grpc::messages::{self, Session, SessionObjectReply, SessionPage, SessionPageReply};
use sessions_client::{ClientConfig, SessionsGrpcTransportV1, Transport};
use std::fmt::Write as _;
use std::mem::take;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// A protocol: its transport and its messages.
trait Protocol: Transport + 'static {
    const NAME: &'static str;

    fn over(config: &ClientConfig) -> Self;

    /// Returns the reply to an operation, whose result over HTTP is `good`.
    fn reply(operation: &str, good: Option<&str>) -> Vec<u8>;

    /// Returns the reply without a result.
    fn absence(operation: &str) -> Vec<u8>;

    /// Returns the reply with an error of the service.
    fn failure(operation: &str) -> Vec<u8>;
}

impl Protocol for CommandableGrpcTransport {
    const NAME: &'static str = "commandable gRPC";

    fn over(config: &ClientConfig) -> Self {
        Self::new(config).unwrap()
    }

    fn reply(operation: &str, good: Option<&str>) -> Vec<u8> {
        let Some(good) = good else { return Self::absence(operation) };
        InvokeReply { result_json: good.to_owned().into(), ..InvokeReply::default() }.encode_to_vec()
    }

    fn absence(_: &str) -> Vec<u8> {
        InvokeReply { result_empty: true, ..InvokeReply::default() }.encode_to_vec()
    }

    fn failure(_: &str) -> Vec<u8> {
        let error = ErrorDescription {
            category: "FailedInvocation".to_owned(),
            code: "EXEC_FAILED".to_owned(),
            status: 500,
            message: "Execution failed: out of memory".to_owned(),
            ..ErrorDescription::default()
        };
        InvokeReply { error: Some(error), result_empty: true, ..InvokeReply::default() }.encode_to_vec()
    }
}

impl Protocol for SessionsGrpcTransportV1 {
    const NAME: &'static str = "gRPC";

    fn over(config: &ClientConfig) -> Self {
        Self::new(config).unwrap()
    }

    fn reply(operation: &str, good: Option<&str>) -> Vec<u8> {
        if operation == "get_sessions" {
            let page = Some(SessionPage::default());
            return SessionPageReply { error: None, page }.encode_to_vec();
        }
        let session = good.map(|_| Session {
            id: "1".to_owned(),
            user_id: "user-1".to_owned(),
            active: true,
            open_time: "2026-11-23T02:10:20.820Z".to_owned(),
            request_time: "2026-11-23T02:10:20.820Z".to_owned(),
            ..Session::default()
        });
        SessionObjectReply { error: None, session }.encode_to_vec()
    }

    fn absence(_: &str) -> Vec<u8> {
        Vec::new()
    }

    fn failure(operation: &str) -> Vec<u8> {
        let error = Some(messages::ErrorDescription {
            category: "FailedInvocation".to_owned(),
            code: "EXEC_FAILED".to_owned(),
            message: "Execution failed: out of memory".to_owned(),
            ..messages::ErrorDescription::default()
        });
        if operation == "get_sessions" {
            return SessionPageReply { error, page: None }.encode_to_vec();
        }
        SessionObjectReply { error, session: None }.encode_to_vec()
    }
}

/// The replies to an operation, as messages.
struct Replies {
    good: Vec<u8>,
    absence: Vec<u8>,
    failure: Vec<u8>,
}

/// A fault, which is a block of the table.
struct Column {
    name: &'static str,
    what: &'static str,
    fault: Fault,
    /// True if the service says that it has not processed the request.
    is_unprocessed: bool,
}

#[derive(Clone, Copy)]
enum Fault {
    /// The port is closed.
    Refused,
    /// The connection gets these bytes instead of settings.
    NoSettings(&'static [u8], Then),
    /// The request gets these frames.
    Respond(fn(u32, &Replies) -> Vec<u8>, Then),
    /// The request gets its reply. The connection is closed before the next one, and the client has noticed it.
    Idle,
}

/// The fate of a connection after a fault.
#[derive(Clone, Copy)]
enum Then {
    Keep,
    Close,
    Reset,
    /// Nothing more is sent to the request, and the client times out.
    Silence,
}

fn column(name: &'static str, what: &'static str, fault: Fault) -> Column {
    Column { name, what, fault, is_unprocessed: false }
}

fn unprocessed(name: &'static str, what: &'static str, fault: Fault) -> Column {
    Column { is_unprocessed: true, ..column(name, what, fault) }
}

/// Returns a column whose request gets these frames on a connection that stays open.
fn respond(name: &'static str, what: &'static str, frames: fn(u32, &Replies) -> Vec<u8>) -> Column {
    column(name, what, Fault::Respond(frames, Then::Keep))
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// Returns the head of a response of gRPC.
fn head(stream: u32) -> Vec<u8> {
    headers(stream, 0, &[(":status", "200"), GRPC])
}

/// Returns a response with a message and the status OK.
fn reply(stream: u32, message: &[u8]) -> Vec<u8> {
    [head(stream), data(stream, &prefixed(message)), ok(stream)].concat()
}

fn ok(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM, &[("grpc-status", "0")])
}

/// Returns a message with its prefix.
fn prefixed(message: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// Returns the head and half of a message.
fn half(stream: u32, replies: &Replies) -> Vec<u8> {
    let message = prefixed(&replies.good);
    [head(stream), data(stream, &message[..message.len() - replies.good.len().div_ceil(2).max(1)])].concat()
}

/// Returns a response with a status and further metadata.
fn status(stream: u32, code: &str, message: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let status = [(":status", "200"), GRPC, ("grpc-status", code), ("grpc-message", message)];
    headers(stream, END_STREAM, &[&status[..], more].concat())
}

/// Returns a response of HTTP that is not gRPC.
fn html(stream: u32, status: &str, body: &str) -> Vec<u8> {
    let head = headers(stream, 0, &[(":status", status), ("content-type", "text/html")]);
    [head, frame(DATA, END_STREAM, stream, body.as_bytes())].concat()
}

/// `google.rpc.Status` with `RetryInfo`, in base64, for a delay of 2 s and of 60 s.
const RETRY_INFO: [&str; 2] = [
    "CAgSBXF1b3RhGjAKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SBAoCCAI=",
    "CAgSBXF1b3RhGjAKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SBAoCCDw=",
];

const DETAILS: &str = "grpc-status-details-bin";
const PUSHBACK: &str = "grpc-retry-pushback-ms";

fn columns() -> impl Iterator<Item = Column> {
    connections().into_iter().chain(statuses()).chain(replies())
}

/// Returns the faults of connections, streams and gateways.
fn connections() -> Vec<Column> {
    let nothing = |_: u32, _: &Replies| Vec::new();
    vec![
        column("connection refused", "the port is closed", Fault::Refused),
        column(
            "connection reset before the request",
            "the connection is accepted and reset, without settings",
            Fault::NoSettings(b"", Then::Reset),
        ),
        column(
            "HTTP/1.1 instead of settings",
            "the service speaks HTTP/1.1",
            Fault::NoSettings(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", Then::Close),
        ),
        column(
            "another protocol instead of settings",
            "the service sends a greeting",
            Fault::NoSettings(b"220 ESMTP ready\r\n", Then::Close),
        ),
        column(
            "reset after the request",
            "the request is read; then the connection is reset",
            Fault::Respond(nothing, Then::Reset),
        ),
        column(
            "closed after the request",
            "the service stops: the request is read; then the connection is closed",
            Fault::Respond(nothing, Then::Close),
        ),
        column(
            "reset in mid-message",
            "half of the message, then the connection is reset",
            Fault::Respond(half, Then::Reset),
        ),
        column(
            "closed in mid-message",
            "half of the message, then the connection is closed",
            Fault::Respond(half, Then::Close),
        ),
        column(
            "idle connection closed in time",
            "the server closes an idle connection, and the client has noticed it before the call",
            Fault::Idle,
        ),
        respond("stream reset", "`RST_STREAM` with `INTERNAL_ERROR`", |stream, _| {
            reset(stream, INTERNAL_ERROR)
        }),
        unprocessed(
            "stream refused",
            "`RST_STREAM` with `REFUSED_STREAM`",
            Fault::Respond(|stream, _| reset(stream, REFUSED_STREAM), Then::Keep),
        ),
        unprocessed(
            "GOAWAY before the request",
            "the service announces the end of the connection after the request before this one",
            Fault::Respond(|stream, _| go_away(stream.saturating_sub(2), NO_ERROR), Then::Close),
        ),
        unprocessed(
            "GOAWAY before the request, for calm",
            "the same, with `ENHANCE_YOUR_CALM`",
            Fault::Respond(|stream, _| go_away(stream.saturating_sub(2), ENHANCE_YOUR_CALM), Then::Close),
        ),
        column(
            "GOAWAY after the request",
            "the service announces the end of the connection after this request, and closes it without a response",
            Fault::Respond(|stream, _| go_away(stream, NO_ERROR), Then::Close),
        ),
        column("silent", "the request is read, and nothing is sent", Fault::Respond(nothing, Then::Silence)),
        column(
            "silent in mid-message",
            "half of the message, then nothing",
            Fault::Respond(half, Then::Silence),
        ),
        column(
            "invalid frame",
            "data before the head of the response",
            Fault::Respond(|stream, _| frame(DATA, END_STREAM, stream, b"null"), Then::Keep),
        ),
        respond("502 HTML", "the error page of a proxy", |stream, _| {
            html(stream, "502", "<html>Bad Gateway</html>")
        }),
        respond("HTML with 200", "a login page", |stream, _| {
            html(stream, "200", "<html>Please log in</html>")
        }),
    ]
}

/// Returns the statuses of gRPC that are faults.
fn statuses() -> Vec<Column> {
    vec![
        respond("UNAVAILABLE", "without metadata", |stream, _| status(stream, "14", "shutting down", &[])),
        respond("UNAVAILABLE with a delay", "`grpc-retry-pushback-ms: 2000`", |stream, _| {
            status(stream, "14", "shutting down", &[(PUSHBACK, "2000")])
        }),
        respond("UNAVAILABLE without a retry", "`grpc-retry-pushback-ms: -1`", |stream, _| {
            status(stream, "14", "shutting down", &[(PUSHBACK, "-1")])
        }),
        respond("RESOURCE_EXHAUSTED", "without metadata", |stream, _| status(stream, "8", "quota", &[])),
        unprocessed(
            "RESOURCE_EXHAUSTED with RetryInfo",
            "a delay of 2 s",
            Fault::Respond(|stream, _| status(stream, "8", "quota", &[(DETAILS, RETRY_INFO[0])]), Then::Keep),
        ),
        unprocessed(
            "RESOURCE_EXHAUSTED with a long RetryInfo",
            "a delay of 60 s",
            Fault::Respond(|stream, _| status(stream, "8", "quota", &[(DETAILS, RETRY_INFO[1])]), Then::Keep),
        ),
        respond("DEADLINE_EXCEEDED", "the service has given up", |stream, _| {
            status(stream, "4", "the database was slow", &[])
        }),
        respond("CANCELLED", "without metadata", |stream, _| status(stream, "1", "cancelled", &[])),
        respond("INTERNAL", "without metadata", |stream, _| status(stream, "13", "out of memory", &[])),
        respond("UNIMPLEMENTED", "the service lacks the method", |stream, _| {
            status(stream, "12", "unknown method", &[])
        }),
        respond("UNAUTHENTICATED", "without a token", |stream, _| status(stream, "16", "no token", &[])),
    ]
}

/// Returns the replies that are faults.
fn replies() -> Vec<Column> {
    vec![
        respond("error in the reply", "an error of the service, with the status OK", |stream, replies| {
            reply(stream, &replies.failure)
        }),
        respond("absence", "a reply without a result, for all operations", |stream, replies| {
            reply(stream, &replies.absence)
        }),
        respond("no status", "the reply without trailers", |stream, replies| {
            [head(stream), frame(DATA, END_STREAM, stream, &prefixed(&replies.good))].concat()
        }),
        respond("no message", "the status OK without a message", |stream, _| {
            [head(stream), ok(stream)].concat()
        }),
        respond("truncated message", "half of the message, with the status OK", |stream, replies| {
            [half(stream, replies), ok(stream)].concat()
        }),
        respond("invalid message", "bytes that are not a message", |stream, _| reply(stream, &[0xff, 0xff])),
        respond("message over the limit", "more bytes than the limit", |stream, _| {
            reply(stream, &vec![0; MAX_RESPONSE_BYTES])
        }),
    ]
}

/// A server on the test's runtime, with the client's clock.
struct Faulty {
    server: Arc<Server>,
    url: String,
    time: Arc<SocketTime>,
}

struct Server {
    plan: Mutex<Plan>,
    /// The number of complete requests.
    requests: AtomicUsize,
    /// Changes when the open connections are to be closed.
    closing: watch::Sender<()>,
}

/// The handling of the next requests.
struct Plan {
    fault: Fault,
    /// The number of faults left.
    times: usize,
    replies: Arc<Replies>,
}

impl Server {
    /// Takes a fault from the plan, if there is one left and it is `wanted`.
    fn next(&self, wanted: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let fault = Some(plan.fault).filter(|fault| wanted(*fault))?;
        plan.times = plan.times.checked_sub(1)?;
        Some(fault)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, time: Arc<SocketTime>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (server, time) = (self.clone(), time.clone());
            tokio::spawn(async move {
                let mut closing = server.closing.subscribe();
                tokio::select! {
                    () = server.serve(stream, &time) => {}
                    changed = closing.changed() => changed.unwrap(),
                }
            });
        }
    }

    async fn serve(&self, mut stream: TcpStream, time: &SocketTime) {
        stream.set_nodelay(true).unwrap();
        stream.read_exact(&mut [0; 24]).await.unwrap();
        if let Some(Fault::NoSettings(bytes, then)) =
            self.next(|fault| matches!(fault, Fault::NoSettings(..)))
        {
            // The settings of the client.
            next_frame(&mut stream).await;
            stream.write_all(bytes).await.unwrap();
            return end(stream, then).await;
        }
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        while let Some(id) = next_request(&mut stream).await {
            self.requests.fetch_add(1, Ordering::SeqCst);
            let fault = self.next(|fault| matches!(fault, Fault::Respond(..)));
            let replies = self.plan.lock().unwrap().replies.clone();
            let Some(Fault::Respond(frames, then)) = fault else {
                stream.write_all(&reply(id, &replies.good)).await.unwrap();
                continue;
            };
            // The client may have closed the connection.
            let _ = stream.write_all(&frames(id, &replies)).await;
            match then {
                Then::Keep => {}
                Then::Silence => time.run_out(),
                Then::Close | Then::Reset => return end(stream, then).await,
            }
        }
    }
}

/// Ends a connection.
async fn end(mut stream: TcpStream, then: Then) {
    if matches!(then, Then::Reset) {
        return stream.set_zero_linger().unwrap();
    }
    // Unread bytes would reset it.
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

impl Faulty {
    /// Starts a server. With [`Fault::Refused`] it listens after the client has made `times` pauses.
    fn start(mut plan: Plan) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let refusals = if matches!(plan.fault, Fault::Refused) { take(&mut plan.times) } else { 0 };
        let (closing, time) = (watch::Sender::default(), SocketTime::new());
        let server = Arc::new(Server { plan: Mutex::new(plan), requests: AtomicUsize::new(0), closing });
        if refusals == 0 {
            tokio::spawn(server.clone().accept(socket.listen(64).unwrap(), time.clone()));
        } else {
            let (clock, serving) = (time.clone(), server.clone());
            let (mut refusals, mut socket) = (refusals, Some(socket));
            time.on_pause(move || {
                refusals -= 1;
                if let Some(socket) = socket.take_if(|_| refusals == 0) {
                    tokio::spawn(serving.clone().accept(socket.listen(64).unwrap(), clock.clone()));
                }
            });
        }
        Self { server, url, time }
    }

    /// Returns the number of complete requests since the last call.
    fn requests(&self) -> usize {
        self.server.requests.swap(0, Ordering::SeqCst)
    }
}

/// A server and its client.
struct Pair<T> {
    server: Faulty,
    client: Client<T>,
}

impl<T: Protocol> Pair<T> {
    fn new(plan: Plan) -> Self {
        let server = Faulty::start(plan);
        let config = ClientConfig::from_url(&server.url).unwrap().with_max_response_bytes(MAX_RESPONSE_BYTES);
        let client = client(T::over(&config), &config, &server.time);
        Self { server, client }
    }

    async fn cell(&self, row: &Row<T>, is_idle: bool) -> Cell {
        let Self { server, client } = self;
        if is_idle {
            (row.call)(client).await.unwrap();
            assert_eq!(server.requests(), 1);
            server.server.closing.send(()).unwrap();
            // The runtime polls its sockets every 61 task polls.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        }
        let begin = server.time.passed();
        let outcome = Outcome::of((row.call)(client).await, &server.url);
        Cell { requests: server.requests(), time: server.time.passed().saturating_sub(begin), outcome }
    }
}

/// Calls every operation, each with `times` faults.
async fn cells<T: Protocol>(column: &Column, times: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut pair: Option<Pair<T>> = None;
    for row in &rows::<T>() {
        let replies = Replies {
            good: T::reply(row.operation, row.good),
            absence: T::absence(row.operation),
            failure: T::failure(row.operation),
        };
        let plan = Plan { fault: column.fault, times, replies: Arc::new(replies) };
        // A connection that fails needs a new server, which does not listen yet, or has no connection yet.
        let is_new = matches!(column.fault, Fault::Refused | Fault::NoSettings(..));
        let pair = match &mut pair {
            Some(pair) if !is_new => {
                *pair.server.server.plan.lock().unwrap() = plan;
                pair
            }
            _ => pair.insert(Pair::new(plan)),
        };
        cells.push(pair.cell(row, matches!(column.fault, Fault::Idle)).await);
    }
    cells
}

/// Returns the part of the table for a fault.
async fn block<T: Protocol>(column: &Column) -> String {
    let rows = rows::<T>();
    let once = cells::<T>(column, 1).await;
    let always = match column.fault {
        // A connection is closed only once; the next one is new.
        Fault::Idle => None,
        _ => Some(cells::<T>(column, usize::MAX).await),
    };
    for cells in always.iter().chain([&once]) {
        rows.iter().zip(cells).for_each(|(row, cell)| check(row, column.name, column.is_unprocessed, cell));
    }
    let mut block = String::new();
    match always {
        Some(always) if always == once => render(&mut block, "always or once", &rows, &always),
        Some(always) => {
            render(&mut block, "always", &rows, &always);
            render(&mut block, "once", &rows, &once);
        }
        None => render(&mut block, "once", &rows, &once),
    }
    block
}

#[tokio::test]
async fn every_operation_over_grpc_handles_every_fault_as_in_the_table() {
    let mut table = format!(
        "{LEGEND}message is the operation's own. Both protocols have the same cells, unless they are named.\n"
    );
    for column in columns() {
        write!(table, "\n{}: {}\n", column.name, column.what).unwrap();
        let grpc = block::<SessionsGrpcTransportV1>(&column).await;
        let commandable = block::<CommandableGrpcTransport>(&column).await;
        if grpc == commandable {
            table.push_str(&grpc);
        } else {
            for (name, block) in
                [(SessionsGrpcTransportV1::NAME, grpc), (CommandableGrpcTransport::NAME, commandable)]
            {
                write!(table, "  over {name}\n{block}").unwrap();
            }
        }
    }
    assert_table("grpc", &table);
}
