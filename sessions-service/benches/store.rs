//! The time of calls to the embedded service in relation to the number of sessions, and the memory for each
//! session.
//!
//! `cargo bench -p sessions-service --bench store` measures calls with 1,000, 100,000 and 1,000,000 sessions,
//! ten for each user, and lists the sessions of one user who has all of them. It fails if a call with the
//! most sessions takes more than twice as long as with the fewest. A call is a request to the router and its
//! complete response, without a socket. The sizes are measured in turns, so that other load on the machine
//! affects all of them, and the median of each counts. Memory is the growth of the process while the sessions
//! are opened.
//!
//! `cargo bench -p sessions-service --bench store -- get 1000 20000` only makes 20,000 calls of one kind with
//! 1,000 sessions, to count instructions with `valgrind --tool=callgrind`.

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use sessions_service::{SessionStore, router};
use std::cell::Cell;
use std::time::Instant;
use std::{env, fs};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// The number of sessions of each user.
const PER_USER: usize = 10;

/// The numbers of sessions. An unoptimized build only shows that the bench runs.
const SIZES: &[usize] = if cfg!(debug_assertions) { &[1_000, 2_000] } else { &[1_000, 100_000, 1_000_000] };

/// The numbers of sessions if one user has all of them.
const SIZES_OF_ONE_USER: &[usize] = if cfg!(debug_assertions) { &[1_000, 2_000] } else { &[1_000, 100_000] };

const CALLS: &[&str] = &["get", "open", "close", "list_by_user", "page"];

/// The call if one user has all sessions.
const LIST_OF_ONE: &str = "list_of_one";

/// The number of turns of each size, and of calls in a turn.
const ROUNDS: usize = if cfg!(debug_assertions) { 3 } else { 41 };
const IN_A_ROUND: usize = if cfg!(debug_assertions) { 10 } else { 500 };

/// The maximum time of a call with the most sessions in relation to the fewest.
const MAX_GROWTH: f64 = 2.0;

/// The step from one session to the next. It visits all sessions, but never two neighbors in succession.
const STRIDE: usize = 7_919;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime = Builder::new_current_thread().build().unwrap();
    if let [call, size, times] = &arguments[..] {
        let size = size.parse().unwrap();
        let service = Service::filled(&runtime, size, if call == LIST_OF_ONE { 1 } else { size / PER_USER });
        runtime.block_on(service.call(call, times.parse().unwrap()));
        return;
    }
    let filled = |size| Service::filled(&runtime, size, size / PER_USER);
    let services: Vec<Service> = SIZES.iter().rev().map(|&size| filled(size)).collect();
    let of_one = |size| Service::filled(&runtime, size, 1);
    let services_of_one: Vec<Service> = SIZES_OF_ONE_USER.iter().rev().map(|&size| of_one(size)).collect();
    let growths = CALLS.iter().map(|call| growth(&runtime, call, &services));
    let worst = growths.fold(growth(&runtime, LIST_OF_ONE, &services_of_one), f64::max);
    if !cfg!(debug_assertions) {
        assert!(
            worst <= MAX_GROWTH,
            "a call takes {worst:.2} times as long with the most sessions as with the fewest"
        );
    }
}

/// A service with sessions.
struct Service {
    router: Router,
    ids: Vec<String>,
    users: usize,
    turn: Cell<usize>,
}

impl Service {
    fn filled(runtime: &Runtime, size: usize, users: usize) -> Self {
        let before = resident();
        let router = router(SessionStore::new());
        let ids = runtime.block_on(open_sessions(&router, size, users));
        let bytes_of_ids: usize = ids.iter().map(|id| id.capacity() + size_of::<String>()).sum();
        if let (Some(before), Some(after)) = (before, resident()) {
            println!("{size} sessions: {} bytes each", after.saturating_sub(before + bytes_of_ids) / size);
        }
        Self { router, ids, users, turn: Cell::new(0) }
    }

    fn next(&self) -> usize {
        self.turn.set((self.turn.get() + STRIDE) % self.ids.len());
        self.turn.get()
    }

    async fn call(&self, call: &str, times: usize) {
        for _ in 0..times {
            let next = self.next();
            let id = &self.ids[next];
            let user_id = user(next % self.users);
            let (command, arguments) = match call {
                "get" => ("get_session_by_id", format!(r#"{{"session_id":"{id}"}}"#)),
                "close" => ("close_session", format!(r#"{{"session_id":"{id}"}}"#)),
                "open" => ("open_session", opening(&user_id)),
                "list_by_user" | LIST_OF_ONE => (
                    "get_sessions",
                    format!(
                        r#"{{"filter":{{"user_id":"{user_id}"}},"paging":{{"skip":null,"take":null,"total":false}}}}"#
                    ),
                ),
                "page" => ("get_sessions", r#"{"filter":null,"paging":null}"#.to_owned()),
                other => panic!("unknown call {other}; use one of {CALLS:?} or {LIST_OF_ONE}"),
            };
            let response = post(&self.router, command, arguments).await;
            if call == "open" {
                // Keeps the number of sessions constant.
                let id = id_of(response);
                post(&self.router, "delete_session_by_id", format!(r#"{{"session_id":"{id}"}}"#)).await;
            }
        }
    }
}

async fn post(router: &Router, command: &str, arguments: String) -> Vec<u8> {
    let request = Request::post(format!("/v1/sessions/{command}"))
        .header("content-type", "application/json")
        .header("content-length", arguments.len())
        .body(Body::from(arguments))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap().to_bytes().into()
}

/// Returns the id in the JSON of a session, which is its first value.
fn id_of(session: Vec<u8>) -> String {
    String::from_utf8(session).unwrap().split('"').nth(3).unwrap().to_owned()
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// Opens sessions and returns their ids.
async fn open_sessions(router: &Router, size: usize, users: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(size);
    for number in 0..size {
        // The sessions of a user are far from each other.
        ids.push(id_of(post(router, "open_session", opening(&user(number % users))).await));
    }
    ids
}

fn opening(user_id: &str) -> String {
    format!(
        r#"{{"user_id":"{user_id}","user_name":"User","address":"127.0.0.1","client":"bench","user":null,"data":{{"items":["book","pen"]}}}}"#
    )
}

/// Returns the time of a call with the most sessions in relation to the fewest.
fn growth(runtime: &Runtime, call: &str, services: &[Service]) -> f64 {
    let mut rounds = vec![Vec::with_capacity(ROUNDS); services.len()];
    let in_a_round = if matches!(call, "page" | LIST_OF_ONE) { IN_A_ROUND / 10 } else { IN_A_ROUND };
    for _ in 0..ROUNDS {
        for (service, rounds) in services.iter().zip(&mut rounds) {
            let start = Instant::now();
            runtime.block_on(service.call(call, in_a_round));
            rounds.push(start.elapsed() / u32::try_from(in_a_round).unwrap());
        }
    }
    let mut medians = Vec::new();
    for (service, mut rounds) in services.iter().zip(rounds) {
        rounds.sort();
        let median = rounds[ROUNDS / 2];
        println!("{call:<13} {:>9} sessions: {median:>10.2?}", service.ids.len());
        medians.push(median.as_secs_f64());
    }
    let growth = medians[0] / medians[medians.len() - 1];
    println!("{call:<13} grows by the factor {growth:.2}");
    growth
}

/// Returns the resident memory of the process in bytes, on Linux only.
fn resident() -> Option<usize> {
    let pages: usize = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
