//! Whether the embedded service takes longer where there are more sessions, and how much memory one takes.
//!
//! `cargo bench --bench store` makes the same calls where there are 1,000, 100,000 and 1,000,000 sessions, ten of
//! each user, and lists where all of them are of one. It fails where a call takes more than twice as long for the
//! most as for the fewest. A call is a request
//! to `server::router` and the whole answer, without a socket. The sizes take turns, so that a busy machine slows
//! down all of them, and of each the median counts. Memory is what the process has more of after the sessions were
//! opened than before.
//!
//! `cargo bench --bench store -- get 1000 20000` makes 20,000 calls of one kind where there are 1,000 sessions, and
//! nothing else: that is for counting instructions, by `valgrind --tool=callgrind`.

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use sessions_client::server::router;
use sessions_client::{ISessionsV1, SessionsMemoryClientV1};
use std::cell::Cell;
use std::time::Instant;
use std::{env, fs};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// How many sessions each user has.
const OF_A_USER: usize = 10;

/// Unoptimized, the bench only shows that it runs.
const SIZES: &[usize] = if cfg!(debug_assertions) { &[1_000, 2_000] } else { &[1_000, 100_000, 1_000_000] };

/// How many sessions there are where one user has all.
const SIZES_OF_ONE: &[usize] = if cfg!(debug_assertions) { &[1_000, 2_000] } else { &[1_000, 100_000] };

const CALLS: &[&str] = &["get", "open", "close", "list_by_user", "page"];

/// The call that is made where one user has all sessions.
const LIST_OF_ONE: &str = "list_of_one";

/// How many times each size has its turn, and how many calls it then makes.
const ROUNDS: usize = if cfg!(debug_assertions) { 3 } else { 41 };
const IN_A_ROUND: usize = if cfg!(debug_assertions) { 10 } else { 500 };

/// The most that a call may take where there are most, against where there are fewest.
const ALLOWED: f64 = 2.0;

/// A step from one session to the next that meets all of them, and neighbours never one after the other.
const STRIDE: usize = 7_919;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime = Builder::new_current_thread().build().unwrap();
    if let [call, size, times] = &arguments[..] {
        let size = size.parse().unwrap();
        let service = Service::filled(&runtime, size, if call == LIST_OF_ONE { 1 } else { size / OF_A_USER });
        runtime.block_on(service.call(call, times.parse().unwrap()));
        return;
    }
    let filled = |size| Service::filled(&runtime, size, size / OF_A_USER);
    let services: Vec<Service> = SIZES.iter().rev().map(|&size| filled(size)).collect();
    let of_one = |size| Service::filled(&runtime, size, 1);
    let services_of_one: Vec<Service> = SIZES_OF_ONE.iter().rev().map(|&size| of_one(size)).collect();
    let growths = CALLS.iter().map(|call| growth(&runtime, call, &services));
    let worst = growths.fold(growth(&runtime, LIST_OF_ONE, &services_of_one), f64::max);
    if !cfg!(debug_assertions) {
        assert!(worst <= ALLOWED, "a call takes {worst:.2} times as long where there are most sessions");
    }
}

/// The sessions of a service, and the service.
struct Service {
    router: Router,
    ids: Vec<String>,
    users: usize,
    turn: Cell<usize>,
}

impl Service {
    fn filled(runtime: &Runtime, size: usize, users: usize) -> Self {
        let before = resident();
        let (sessions, ids) = runtime.block_on(filled(size, users));
        let of_ids: usize = ids.iter().map(|id| id.capacity() + size_of::<String>()).sum();
        if let (Some(before), Some(after)) = (before, resident()) {
            println!("{size} sessions: {} bytes each", after.saturating_sub(before + of_ids) / size);
        }
        Self { router: router(sessions), ids, users, turn: Cell::new(0) }
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
                "open" => (
                    "open_session",
                    format!(
                        r#"{{"user_id":"{user_id}","user_name":"User","address":"127.0.0.1","client":"bench","user":null,"data":{{"items":["book","pen"]}}}}"#
                    ),
                ),
                "list_by_user" | LIST_OF_ONE => (
                    "get_sessions",
                    format!(
                        r#"{{"filter":{{"user_id":"{user_id}"}},"paging":{{"skip":null,"take":null,"total":false}}}}"#
                    ),
                ),
                "page" => ("get_sessions", r#"{"filter":null,"paging":null}"#.to_owned()),
                other => panic!("there is no {other}, but there are {CALLS:?} and {LIST_OF_ONE}"),
            };
            let answer = self.ask(command, arguments).await;
            if call == "open" {
                // Or the number of sessions would not be what it is said to be.
                let opened = String::from_utf8(answer).unwrap();
                let id = opened.split('"').nth(3).unwrap();
                self.ask("delete_session_by_id", format!(r#"{{"session_id":"{id}"}}"#)).await;
            }
        }
    }

    async fn ask(&self, command: &str, arguments: String) -> Vec<u8> {
        let request = Request::post(format!("/v1/sessions/{command}"))
            .header("content-type", "application/json")
            .header("content-length", arguments.len())
            .body(Body::from(arguments))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap().to_bytes().into()
    }
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// Sessions in memory, and their ids.
async fn filled(size: usize, users: usize) -> (SessionsMemoryClientV1, Vec<String>) {
    let sessions = SessionsMemoryClientV1::new();
    let data = json!({ "items": ["book", "pen"] });
    let mut ids = Vec::with_capacity(size);
    for number in 0..size {
        // The sessions of a user are far from each other.
        let user_id = user(number % users);
        let opened = sessions.open_session(
            None,
            &user_id,
            Some("User"),
            Some("127.0.0.1"),
            Some("bench"),
            None,
            Some(&data),
        );
        ids.push(opened.await.unwrap().id);
    }
    (sessions, ids)
}

/// How many times as long a call takes where there are most sessions as where there are fewest.
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

/// The pages of memory that the process has, in bytes; only Linux says so.
fn resident() -> Option<usize> {
    let pages: usize = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
