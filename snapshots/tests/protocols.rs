//! A comparison of the protocols of the real service: results, absences, rejected arguments and failures.
//!
//! ```sh
//! snapshots/providers/with-service.sh cargo test -p snapshots --features grpc --test protocols
//! ```
//!
//! The table in `docs/grpc.md` is the result. Without `SESSIONS_URL` and `SESSIONS_GRPC_URL` there is nothing to compare,
//! which the test reports. `get_sessions` and `close_expired_sessions` have no required arguments, so they have no
//! rejected arguments, and the latter has no failure. Sessions belong to dedicated users and are deleted at the end.
#![cfg(feature = "grpc")]

use sessions_client::bytes::Bytes;
use sessions_client::{
    Call, ClientConfig, ClientKind, CommandableGrpcTransport, DataPage, DynISessionsV1, Encoding, Error,
    FilterParams, HyperTransport, ISessionsV1, InProcessTransport, PagingParams, RawValue, Response, Result,
    SessionV1, SessionsClientFactory, SessionsGrpcTransportV1, SessionsHttpClientV1, SessionsMemoryClientV1,
    Transport, sessions_v1,
};
use std::env;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Unparsed JSON, since a payload with thousands of nested arrays cannot be parsed.
type Payload = Box<RawValue>;
type Sessions = Arc<dyn DynISessionsV1<Payload, Payload>>;
type Session = SessionV1<Payload, Payload>;

/// The protocols, in the order of the columns.
const KINDS: [(&str, ClientKind); 4] = [
    ("HTTP", ClientKind::Http),
    ("commandable gRPC", ClientKind::CommandableGrpc),
    ("gRPC", ClientKind::Grpc),
    ("in process", ClientKind::Direct),
];

const TABLE: (&str, &str) = ("<!-- protocols: begin -->\n", "<!-- protocols: end -->");

#[tokio::test]
async fn all_protocols_return_the_results_of_the_documented_table() {
    let (Some(http), Some(grpc)) = (address("SESSIONS_URL"), address("SESSIONS_GRPC_URL")) else {
        println!(
            "SKIPPED: the protocols of the real service: SESSIONS_URL and SESSIONS_GRPC_URL are not set"
        );
        return;
    };
    let mut columns = Vec::new();
    for (_, kind) in KINDS {
        let url = if kind == ClientKind::Http { &http } else { &grpc };
        // Calls in process need no connection that could fail.
        let unreachable = (kind != ClientKind::Direct).then(|| client(kind, CLOSED));
        columns.push(column(&client(kind, url), &without_arguments(kind, url), unreachable.as_ref()).await);
    }
    let table = table(&columns);
    let guide = include_str!("../../docs/grpc.md");
    let documented = guide.split_once(TABLE.0).and_then(|(_, rest)| rest.split_once(TABLE.1));
    let documented = documented.map(|(table, _)| table);
    assert_eq!(documented, Some(&*table), "the table in docs/grpc.md should be:\n{table}");
}

fn address(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// An address where nothing listens: port 1 is reserved.
const CLOSED: &str = "http://127.0.0.1:1";

fn client(kind: ClientKind, url: &str) -> Sessions {
    let factory = SessionsClientFactory::<Payload, Payload>::typed();
    let factory =
        factory.with_implementation(SessionsMemoryClientV1::new().with_payloads::<Payload, Payload>());
    let config = ClientConfig::from_url(url).unwrap().with_retries(0).with_timeout(Duration::from_secs(20));
    factory.create(kind, &config).unwrap()
}

/// Returns a client whose requests have lost their arguments on the way, so that the service has to reject them. The
/// client itself would not send them.
fn without_arguments(kind: ClientKind, url: &str) -> Sessions {
    fn client(transport: impl Transport + 'static) -> Sessions {
        Arc::new(SessionsHttpClientV1::new(WithoutArguments(transport)).with_payloads::<Payload, Payload>())
    }
    let config = ClientConfig::from_url(url).unwrap();
    match kind {
        ClientKind::Grpc => client(SessionsGrpcTransportV1::new(&config).unwrap()),
        ClientKind::CommandableGrpc => client(CommandableGrpcTransport::new(&config).unwrap()),
        ClientKind::Direct => {
            client(InProcessTransport::new(sessions_v1::Handler::new(SessionsMemoryClientV1::new())))
        }
        _ => client(HyperTransport::new(&config).unwrap()),
    }
}

struct WithoutArguments<T>(T);

impl<T: Transport> Transport for WithoutArguments<T> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response>> + Send {
        *call.request.body_mut() = Bytes::from_static(b"{}");
        self.0.send(call)
    }

    fn peer(&self) -> &str {
        self.0.peer()
    }

    fn encoding(&self) -> Encoding {
        self.0.encoding()
    }
}

/// The result of a call in one cell of the table.
#[derive(Debug)]
struct Cell {
    operation: &'static str,
    case: &'static str,
    result: String,
}

fn cell(operation: &'static str, case: &'static str, result: String) -> Cell {
    Cell { operation, case, result }
}

/// Makes all calls over one protocol.
async fn column(sessions: &Sessions, refused: &Sessions, unreachable: Option<&Sessions>) -> Vec<Cell> {
    let mut cells = Vec::new();

    let user = format!("protocols-test-{}", Uuid::new_v4().simple());
    let mine = FilterParams::new().user_id(&*user);
    let counted = PagingParams::new().take(5).total(true);
    let (cart, name) = (json(r#"{"items":["book"],"n":1.5}"#), json(r#"{"name":"Änn"}"#));

    let none = sessions.get_sessions(None, Some(&mine), Some(&counted)).await;
    cells.push(cell("get_sessions", "absence", listed(&none)));
    let opened = sessions
        .open_session(Some("protocols"), &user, Some("Ann"), None, Some("test"), Some(&name), Some(&cart))
        .await;
    cells.push(cell("open_session", "success", opened_as(&opened)));
    let id = opened.map(|session| session.id).unwrap_or_default();
    let found = sessions.get_sessions(None, Some(&mine), Some(&counted)).await;
    cells.push(cell("get_sessions", "success", listed(&found)));
    cells.push(cell("get_session_by_id", "success", found_as(sessions.get_session_by_id(None, &id).await)));
    cells.push(cell(
        "get_session_by_id",
        "absence",
        found_as(sessions.get_session_by_id(None, UNKNOWN).await),
    ));
    cells.push(cell(
        "store_session_data",
        "success",
        found_as(sessions.store_session_data(None, &id, &json("[1]")).await),
    ));
    cells.push(cell(
        "store_session_data",
        "absence",
        found_as(sessions.store_session_data(None, UNKNOWN, &cart).await),
    ));
    cells.push(cell(
        "update_session_user",
        "success",
        found_as(sessions.update_session_user(None, &id, &json("2")).await),
    ));
    cells.push(cell(
        "update_session_user",
        "absence",
        found_as(sessions.update_session_user(None, UNKNOWN, &name).await),
    ));
    cells.push(cell("close_session", "success", found_as(sessions.close_session(None, &id).await)));
    cells.push(cell("close_session", "absence", found_as(sessions.close_session(None, UNKNOWN).await)));
    let closed = sessions.close_expired_sessions(None).await;
    cells.push(cell("close_expired_sessions", "success", done(&closed)));
    cells.push(cell(
        "delete_session_by_id",
        "success",
        found_as(sessions.delete_session_by_id(None, &id).await),
    ));
    cells.push(cell(
        "delete_session_by_id",
        "absence",
        found_as(sessions.delete_session_by_id(None, &id).await),
    ));

    // The service cannot write so many nested arrays, so each call that returns them fails.
    let deep = json(&format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    let failing = FilterParams::new().user_id(&*user).set("hasOwnProperty", Some("1".to_owned()));
    let failure = sessions.get_sessions(None, Some(&failing), None).await;
    cells.push(cell("get_sessions", "failure", listed(&failure)));
    let failure = sessions.open_session(None, &user, None, None, None, None, Some(&deep)).await;
    cells.push(cell("open_session", "failure", opened_as(&failure)));
    let page = sessions.get_sessions(None, Some(&mine), None).await.unwrap();
    assert!(page.data.len() < 2, "the failed call was retried");
    // In process, arguments of such a depth are not read, so none was opened.
    let id = page.data.first().map(|session| &*session.id);
    let known = id.unwrap_or(UNKNOWN);
    let failure = sessions.store_session_data(None, known, &deep).await;
    cells.push(cell("store_session_data", "failure", found_as(failure)));
    let failure = sessions.update_session_user(None, known, &deep).await;
    cells.push(cell("update_session_user", "failure", found_as(failure)));
    let mut failures = ["–".to_owned(), "–".to_owned()];
    if let Some(id) = id {
        failures = [
            found_as(sessions.get_session_by_id(None, id).await),
            found_as(sessions.delete_session_by_id(None, id).await),
        ];
        assert!(
            sessions.get_session_by_id(None, id).await.unwrap().is_none(),
            "the failed call has deleted it"
        );
    }
    let [read, deleted] = failures;
    cells.push(cell("get_session_by_id", "failure", read));
    cells.push(cell("delete_session_by_id", "failure", deleted));

    let opened = refused.open_session(None, &user, None, None, None, None, None).await;
    cells.push(cell("open_session", "refusal", opened_as(&opened)));
    let of_id = calls_with_an_id(refused, &cart).await;
    cells.extend(of_id.map(|(operation, result)| cell(operation, "refusal", result)));
    if let Some(unreachable) = unreachable {
        cells.push(cell("get_sessions", "outage", listed(&unreachable.get_sessions(None, None, None).await)));
        let opened = unreachable.open_session(None, &user, None, None, None, None, None).await;
        cells.push(cell("open_session", "outage", opened_as(&opened)));
        let closed = unreachable.close_expired_sessions(None).await;
        cells.push(cell("close_expired_sessions", "outage", done(&closed)));
        let of_id = calls_with_an_id(unreachable, &cart).await;
        cells.extend(of_id.map(|(operation, result)| cell(operation, "outage", result)));
    }
    cells
}

/// Makes a call of each operation with the id of a session.
async fn calls_with_an_id(sessions: &Sessions, payload: &Payload) -> [(&'static str, String); 5] {
    [
        ("get_session_by_id", found_as(sessions.get_session_by_id(None, UNKNOWN).await)),
        ("store_session_data", found_as(sessions.store_session_data(None, UNKNOWN, payload).await)),
        ("update_session_user", found_as(sessions.update_session_user(None, UNKNOWN, payload).await)),
        ("close_session", found_as(sessions.close_session(None, UNKNOWN).await)),
        ("delete_session_by_id", found_as(sessions.delete_session_by_id(None, UNKNOWN).await)),
    ]
}

/// An id that no session has.
const UNKNOWN: &str = "00000000000000000000000000000000";

fn json(text: &str) -> Payload {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// Returns the table with one row for each operation and case.
fn table(columns: &[Vec<Cell>]) -> String {
    let mut table = String::from("| operation | case |");
    for (name, _) in KINDS {
        write!(table, " {name} |").unwrap();
    }
    writeln!(table, "\n|{}", "---|".repeat(KINDS.len() + 2)).unwrap();
    for operation in OPERATIONS {
        for case in ["success", "absence", "refusal", "failure", "outage"] {
            let result = |cells: &Vec<Cell>| {
                let mut cells = cells.iter();
                cells
                    .find(|cell| cell.operation == operation && cell.case == case)
                    .map(|cell| cell.result.clone())
            };
            let Some(first) = columns.first().and_then(result) else { continue };
            let others = columns.iter().skip(1).map(|cells| match result(cells) {
                Some(other) if other == first => "the same".to_owned(),
                Some(other) => other,
                None => "–".to_owned(),
            });
            let cells: Vec<String> = std::iter::once(first.clone()).chain(others).collect();
            writeln!(table, "| `{operation}` | {case} | {} |", cells.join(" | ")).unwrap();
        }
    }
    table
}

const OPERATIONS: [&str; 8] = [
    "get_sessions",
    "get_session_by_id",
    "open_session",
    "store_session_data",
    "update_session_user",
    "close_session",
    "close_expired_sessions",
    "delete_session_by_id",
];

fn listed(result: &Result<DataPage<Session>>) -> String {
    match result {
        Ok(page) => {
            let total = page.total.map_or("no total".to_owned(), |total| format!("total {total}"));
            let items = page.data.iter().map(described).collect::<Vec<_>>().join(", ");
            format!("page: {total}, [{items}]")
        }
        Err(error) => failed(error),
    }
}

fn done(result: &Result<()>) -> String {
    result.as_ref().map_or_else(failed, |()| "`()`".to_owned())
}

fn opened_as(result: &Result<Session>) -> String {
    result.as_ref().map_or_else(failed, described)
}

fn found_as(result: Result<Option<Session>>) -> String {
    match result {
        Ok(Some(session)) => described(&session),
        Ok(None) => "`None`".to_owned(),
        Err(error) => failed(&error),
    }
}

/// Describes all fields of a session except those that differ between calls.
fn described(session: &Session) -> String {
    let is_ours = session.user_id.as_deref().is_some_and(|id| id.starts_with("protocols-test-"));
    let state = match (session.active, session.close_time.is_some()) {
        (true, false) => "open",
        (false, true) => "closed",
        _ => "contradictory",
    };
    let user = if is_ours { "" } else { ", of another user" };
    let payload = |payload: &Option<Payload>| match payload {
        None => "–".to_owned(),
        Some(json) if json.get().len() > 100 => "deep".to_owned(),
        Some(json) => format!("`{}`", json.get()),
    };
    format!(
        "{state}{user}, {:?} {:?} {:?}, user {}, data {}",
        session.user_name.as_deref().unwrap_or_default(),
        session.address.as_deref().unwrap_or("–"),
        session.client.as_deref().unwrap_or("–"),
        payload(&session.user),
        payload(&session.data)
    )
}

fn failed(error: &Error) -> String {
    match (error.status(), error.service()) {
        (Some(status), Some(service)) if !service.code.is_empty() => {
            format!("{} {}: {}", status.as_u16(), service.code, service.message)
        }
        (Some(status), _) => status.as_u16().to_string(),
        (None, _) => format!("error `{}`", error.kind().as_str()),
    }
}
