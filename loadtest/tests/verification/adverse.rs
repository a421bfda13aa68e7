//! Conditions under which a correct service is slow, busy or not reached, and no violation may be reported.

use crate::proxy::{Behaviour, Reply, Request, Response, Upstream};
use crate::table::{LONGEST_TIMEOUT, Row, markdown, run_rows};
use crate::{
    ALL, CLOSE, DELETE, LIST, OPEN, READ, SESSION, STORE, UPDATE, WRITES, behaviour, changed, error, every,
};
use sessions_client::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// All scenarios, with users who write the same session concurrently.
const ALL_SCENARIOS: &str = "--users 6 --iterations 6 --stores 2 --calls 8 --read-ratio 0.6 --think-time 2 \
    --scenario lifecycle=2,browse=2,hot-session=2,churn,read-mostly --max-error-rate 100";

/// Many users of one session.
const HOT: &str =
    "--users 24 --iterations 2 --calls 12 --read-ratio 0.5 --scenario hot-session --max-error-rate 100";

/// Sessions that are deleted after the run.
const CHURN: &str = "--users 4 --iterations 4 --scenario churn --max-error-rate 100";

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn row(name: &'static str, options: &'static str, behaviour: Behaviour) -> Row {
    Row { name, options, timeout: LONGEST_TIMEOUT, behaviour }
}

/// A row whose users give a call up after `timeout`.
fn impatient(name: &'static str, timeout: Duration, behaviour: Behaviour) -> Row {
    Row { timeout, ..all(name, behaviour) }
}

fn all(name: &'static str, behaviour: Behaviour) -> Row {
    row(name, ALL_SCENARIOS, behaviour)
}

/// A random time up to `max`.
async fn pause(max: Duration) {
    tokio::time::sleep(max.mul_f64(fastrand::f64())).await;
}

/// Waits, executes the call, waits, and responds.
fn delayed(before: Duration, after: Duration) -> Behaviour {
    every(1, ALL, move |upstream, request| async move {
        pause(before).await;
        let response = upstream.send(&request).await;
        pause(after).await;
        Reply::Respond(response)
    })
}

/// Executes every third call after the client has given it up.
fn late(operations: &'static [&'static str]) -> Behaviour {
    every(3, operations, |upstream, request| async move {
        tokio::time::sleep(ms(250)).await;
        Reply::Respond(upstream.send(&request).await)
    })
}

/// Executes every fourth call, but `reply` replaces its response.
fn lost(operations: &'static [&'static str], reply: fn(Response) -> Reply) -> Behaviour {
    every(4, operations, move |upstream, request| async move { reply(upstream.send(&request).await) })
}

/// Responds with an error to every fourth call, and executes it some time later.
fn queued(status: u16) -> Behaviour {
    every(4, ALL, move |upstream, request| async move {
        upstream.send_later(&request, ms(fastrand::u64(1..100)));
        error(status)
    })
}

/// Responds with an error to every fourth call, and does not execute it.
fn refused(status: u16) -> Behaviour {
    every(4, ALL, move |_, _| async move { error(status) })
}

/// A slow and lossy connection to the service.
fn networks() -> Vec<Row> {
    vec![
        all("responses take up to 40 ms", delayed(ms(0), ms(40))),
        all("requests take up to 40 ms, and overtake each other", delayed(ms(40), ms(0))),
        all("requests and responses take up to 40 ms", delayed(ms(40), ms(40))),
        all(
            "lists take 200 ms",
            every(1, &[LIST], |upstream, request| async move {
                let response = upstream.send(&request).await;
                tokio::time::sleep(ms(200)).await;
                Reply::Respond(response)
            }),
        ),
        all(
            "responses arrive in pieces",
            every(
                3,
                ALL,
                |upstream, request| async move { Reply::Drip(upstream.send(&request).await, ms(3)) },
            ),
        ),
        all("the connection is closed before a call", every(4, ALL, |_, _| async { Reply::Close })),
        all("the connection is closed instead of a response", lost(ALL, |_| Reply::Close)),
        all(
            "a response ends early",
            lost(ALL, |response| {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", response.body.len() + 1);
                Reply::Send([head.as_bytes(), &*response.body].concat())
            }),
        ),
        all("a response is not HTTP", lost(ALL, |_| Reply::Send(b"\x16\x03\x01".to_vec()))),
        all(
            "each connection is closed after its response",
            every(1, ALL, |upstream, request| async move {
                Reply::RespondAndClose(upstream.send(&request).await)
            }),
        ),
        all("every third connection is closed without notice", lost(ALL, Reply::RespondAndClose)),
    ]
}

/// Calls that the client gives up before they are executed, or before their responses arrive.
fn impatience() -> Vec<Row> {
    vec![
        impatient("stores arrive after the client has given up", ms(100), late(&[STORE])),
        impatient("updates of the user arrive after the client has given up", ms(100), late(&[UPDATE])),
        impatient("opens arrive after the client has given up", ms(100), late(&[OPEN])),
        impatient("closes arrive after the client has given up", ms(100), late(&[CLOSE])),
        impatient("deletes arrive after the client has given up", ms(100), late(&[DELETE])),
        impatient("reads and lists arrive after the client has given up", ms(100), late(&[READ, LIST])),
        impatient("all calls arrive after the client has given up", ms(100), late(ALL)),
        impatient(
            "responses arrive after the client has given up",
            ms(100),
            every(5, ALL, |upstream, request| async move {
                let response = upstream.send(&request).await;
                tokio::time::sleep(ms(250)).await;
                Reply::Respond(response)
            }),
        ),
        impatient(
            "the timeout is 50 ms, and calls take up to 100 ms",
            ms(50),
            every(3, ALL, |upstream, request| async move {
                pause(ms(100)).await;
                let response = upstream.send(&request).await;
                pause(ms(100)).await;
                Reply::Respond(response)
            }),
        ),
        impatient(
            "the timeout is 10 ms, and calls take up to 40 ms",
            ms(10),
            every(3, WRITES, |upstream, request| async move {
                pause(ms(40)).await;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
    ]
}

/// Errors of a service or a gateway, after, before, or without the execution of the call.
fn errors() -> Vec<Row> {
    vec![
        all("a call is executed, and its status is 408", lost(ALL, |_| error(408))),
        all("a call is executed, and its status is 499", lost(ALL, |_| error(499))),
        all("a call is executed, and its status is 500", lost(ALL, |_| error(500))),
        all("a call is executed, and its status is 502", lost(ALL, |_| error(502))),
        all("a call is executed, and its status is 503", lost(ALL, |_| error(503))),
        all("a call is executed, and its status is 504", lost(ALL, |_| error(504))),
        all("a call is executed, and its status is 404", lost(ALL, |_| error(404))),
        all(
            "a call is executed, and the service reports an error",
            lost(SESSION, |_| {
                let error =
                    r#"{"code":"EXEC_FAILED","status":500,"message":"failed","category":"FailedInvocation"}"#;
                Reply::Respond(Response::new(500, error))
            }),
        ),
        all("the status is 408, and the call is executed later", queued(408)),
        all("the status is 500, and the call is executed later", queued(500)),
        all("the status is 503, and the call is executed later", queued(503)),
        all("the status is 504, and the call is executed later", queued(504)),
        all("a gateway refuses calls with 400", refused(400)),
        all("a gateway refuses calls with 401", refused(401)),
        all("a gateway refuses calls with 403", refused(403)),
        all("a gateway refuses calls with 404", refused(404)),
        all("a gateway refuses calls with 425", refused(425)),
        all("a gateway refuses calls with 429", refused(429)),
        all("a gateway refuses calls with 503", refused(503)),
        all(
            "a gateway refuses calls with 429 and Retry-After",
            every(6, ALL, |_, _| async {
                Reply::Send(b"HTTP/1.1 429 \r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".to_vec())
            }),
        ),
        all(
            "a burst of 503",
            behaviour(|upstream, request: Request| async move {
                if (4..14).contains(&request.number) && request.operation != LIST {
                    upstream.event();
                    return error(503);
                }
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
    ]
}

/// Gateways that send a call twice, except open calls.
fn retries() -> Vec<Row> {
    /// Executes every `n`-th call twice, and returns the response to one of both.
    fn twice(n: u64, pick: fn([Response; 2]) -> Response) -> Behaviour {
        const CALLS: &[&str] = &[READ, STORE, UPDATE, CLOSE, DELETE, LIST];
        every(n, CALLS, move |upstream, request| async move {
            let first = upstream.send(&request).await;
            pause(ms(10)).await;
            let second = upstream.send(&request).await;
            Reply::Respond(pick([first, second]))
        })
    }
    async fn race(upstream: Upstream, request: Request) -> Reply {
        tokio::select! {
            response = upstream.send(&request) => Reply::Respond(response),
            response = upstream.send(&request) => Reply::Respond(response),
        }
    }
    vec![
        all("each call is executed twice, and the first response arrives", twice(1, |[first, _]| first)),
        all("each call is executed twice, and the second response arrives", twice(1, |[_, second]| second)),
        all("every third call is executed twice", twice(3, |[_, second]| second)),
        all("writes are sent twice at once", every(1, WRITES, race)),
        row(
            "a delete after the run is retried",
            CHURN,
            every(2, &[DELETE], |upstream, request| async move {
                upstream.send(&request).await;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        row(
            "the response to a delete after the run is lost",
            CHURN,
            every(2, &[DELETE], |upstream, request| async move {
                upstream.send(&request).await;
                error(502)
            }),
        ),
        row("the connection of a delete after the run breaks", CHURN, lost(&[DELETE], |_| Reply::Close)),
        row(
            "the response to a close is lost, and it is executed again",
            CHURN,
            every(2, &[CLOSE], {
                |upstream, request| async move {
                    upstream.send(&request).await;
                    upstream.send_later(&request, ms(150));
                    error(504)
                }
            }),
        ),
        row(
            "deletes after the run take 60 ms",
            CHURN,
            every(1, &[DELETE], |upstream, request| async move {
                tokio::time::sleep(ms(60)).await;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
    ]
}

/// Restarts of a service that keeps its data.
fn restarts() -> Vec<Row> {
    /// Restarts the service at some of its reads.
    fn restarting(numbers: &'static [u64]) -> Behaviour {
        behaviour(move |upstream, request: Request| async move {
            if request.operation == READ && numbers.contains(&request.number) {
                upstream.event();
                upstream.restart(ms(50)).await;
            }
            Reply::Respond(upstream.send(&request).await)
        })
    }
    vec![
        all("the service restarts", restarting(&[20])),
        all("the service restarts three times", restarting(&[10, 25, 40])),
        all(
            "the service stops for good",
            behaviour(|upstream, request: Request| async move {
                if request.is(&[READ], 20) {
                    upstream.event();
                    upstream.stop();
                }
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
    ]
}

/// Many users of one session.
fn hot_sessions() -> Vec<Row> {
    vec![
        row("one session, calls take up to 30 ms", HOT, delayed(ms(15), ms(15))),
        row("one session, responses are lost", HOT, lost(&[STORE, READ], |_| error(504))),
        row("one session, stores are executed later", HOT, queued(503)),
        row(
            "one session, stores are executed twice",
            HOT,
            every(1, &[STORE], |upstream, request| async move {
                upstream.send(&request).await;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        Row {
            timeout: ms(200),
            ..row(
                "one session, calls arrive after the client has given up",
                HOT,
                every(5, &[STORE], |upstream, request| async move {
                    tokio::time::sleep(ms(300)).await;
                    Reply::Respond(upstream.send(&request).await)
                }),
            )
        },
    ]
}

/// Other forms of the same values.
fn forms() -> Vec<Row> {
    /// The time on one of two clocks, which is chosen by the time itself.
    fn of_two_clocks(session: &mut Value) {
        for key in ["open_time", "request_time", "close_time"] {
            let Some(time) = session[key].as_str() else { continue };
            let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
            let behind = if time.timestamp_millis() % 2 == 0 { ms(40) } else { ms(0) };
            session[key] = (time - behind).to_rfc3339().into();
        }
    }
    vec![
        all(
            "JSON is formatted, and keys are sorted",
            every(1, ALL, |upstream, request| async move {
                let response = upstream.send(&request).await;
                let body = match response.status {
                    200 => serde_json::to_vec_pretty(&response.value()).unwrap(),
                    _ => response.body,
                };
                Reply::Respond(Response::new(response.status, body))
            }),
        ),
        all(
            "JSON is escaped",
            every(1, ALL, |upstream, request| async move {
                let response = upstream.send(&request).await;
                let text = String::from_utf8(response.body).unwrap();
                let escape = |c: char| match u32::from(c) {
                    code @ ..0x80 => char::from_u32(code).unwrap().to_string(),
                    code => format!("\\u{code:04x}"),
                };
                Reply::Respond(Response::new(response.status, text.chars().map(escape).collect::<String>()))
            }),
        ),
        all("sessions have other keys", changed(SESSION, |session| session["_id"] = "7".into())),
        all(
            "an open session has a close_time of null",
            changed(SESSION, |session| {
                if session["active"] == true {
                    session["close_time"] = Value::Null;
                }
            }),
        ),
        all(
            "times have another format",
            changed(SESSION, |session| {
                for key in ["open_time", "request_time"] {
                    session[key] = session[key].as_str().unwrap().replace('Z', "456+00:00").into();
                }
            }),
        ),
        all(
            "two instances have clocks 40 ms apart",
            changed(ALL, |body| match &mut body["data"] {
                Value::Array(sessions) => sessions.iter_mut().for_each(of_two_clocks),
                _ => of_two_clocks(body),
            }),
        ),
        all(
            "lists are in another order, and have null payloads",
            every(1, &[LIST], |upstream, mut request| {
                async move {
                    // The page is that of a list in the opposite order.
                    let paging = request.arguments["paging"].take();
                    let page = upstream.send(&request).await.value();
                    let mut sessions = page["data"].as_array().cloned().unwrap_or_default();
                    sessions.reverse();
                    for session in &mut sessions {
                        session["data"] = Value::Null;
                    }
                    let [skip, take] = ["skip", "take"]
                        .map(|key| paging[key].as_u64().map(|number| usize::try_from(number).unwrap()));
                    let total = if paging["total"] == true { sessions.len().into() } else { Value::Null };
                    let data: Vec<_> =
                        sessions.into_iter().skip(skip.unwrap_or(0)).take(take.unwrap_or(100)).collect();
                    Reply::Respond(Response::json(&Value::from_iter([
                        ("total", total),
                        ("data", data.into()),
                    ])))
                }
            }),
        ),
        row(
            "payloads are nested, and JSON is formatted",
            "--users 4 --iterations 2 --payload-shape nested --payload-bytes 20000 --max-error-rate 100",
            every(1, SESSION, |upstream, request| async move {
                let response = upstream.send(&request).await;
                Reply::Respond(response.change(|_| ()))
            }),
        ),
    ]
}

/// Other forms of responses in HTTP/1.1.
fn transfers() -> Vec<Row> {
    /// Sends the response of each call in another form, and closes the connection.
    fn raw(name: &'static str, form: fn(&Response) -> Vec<u8>) -> Row {
        all(
            name,
            every(1, ALL, move |upstream, request| async move {
                let response = upstream.send(&request).await;
                Reply::Send(form(&response))
            }),
        )
    }
    fn head(response: &Response, lines: &str) -> Vec<u8> {
        format!("HTTP/1.1 {} \r\ncontent-type: application/json\r\n{lines}\r\n", response.status).into_bytes()
    }
    fn length(response: &Response) -> String {
        match response.status {
            204 => String::new(),
            _ => format!("content-length: {}\r\n", response.body.len()),
        }
    }
    vec![
        raw("responses come after interim responses", |response| {
            let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
            [interim, &*head(response, &length(response)), &response.body].concat()
        }),
        raw("responses are chunked, and have trailers", |response| {
            if response.status == 204 {
                return head(response, "");
            }
            let mut bytes = head(response, "transfer-encoding: chunked\r\ntrailer: x-time\r\n");
            for chunk in response.body.chunks(7) {
                bytes.extend([format!("{:x};n=1\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
            }
            bytes.extend(b"0\r\nx-time: 1\r\n\r\n");
            bytes
        }),
        raw("responses end with the connection", |response| {
            [&*head(response, "connection: close\r\n"), &response.body].concat()
        }),
        raw("responses have 150 headers", |response| {
            [&*head(response, &("x-trace: 0123456789\r\n".repeat(150) + &length(response))), &response.body]
                .concat()
        }),
        raw("responses have malformed headers", |response| {
            [&*head(response, &("PHP Warning in line 3\r\n".to_owned() + &length(response))), &response.body]
                .concat()
        }),
        raw("responses have a byte order mark", |response| {
            if response.status == 204 {
                return head(response, "");
            }
            let body = [b"\xef\xbb\xbf", &*response.body].concat();
            let length = format!("content-length: {}\r\n", body.len());
            [head(response, &length), body].concat()
        }),
        raw("responses are dated 2001", |response| {
            let lines = "date: Mon, 01 Jan 2001 00:00:00 GMT\r\n".to_owned() + &length(response);
            [&*head(response, &lines), &response.body].concat()
        }),
        raw("responses ask to wait", |response| {
            [&*head(response, &("retry-after: 30\r\n".to_owned() + &length(response))), &response.body]
                .concat()
        }),
    ]
}

/// Calls that wait for others, and a clean-up that waits.
fn queues() -> Vec<Row> {
    vec![
        all("calls are executed one at a time, the last one first", {
            let waiting = Arc::new(AtomicU64::new(0));
            let running = Arc::new(Mutex::new(()));
            every(1, ALL, move |upstream, request| {
                let (waiting, running) = (waiting.clone(), running.clone());
                async move {
                    let number = waiting.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(ms(20 - (number % 4) * 5)).await;
                    let _one = running.lock().await;
                    Reply::Respond(upstream.send(&request).await)
                }
            })
        }),
        all("the whole service pauses for 300 ms at times", {
            let running = Arc::new(Mutex::new(()));
            behaviour(move |upstream, request: Request| {
                let running = running.clone();
                async move {
                    let guard = running.lock().await;
                    if request.is(&[READ], 15) {
                        upstream.event();
                        tokio::time::sleep(ms(300)).await;
                    }
                    drop(guard);
                    Reply::Respond(upstream.send(&request).await)
                }
            })
        }),
        row(
            "deletes after the run are executed a second after a 504",
            CHURN,
            every(2, &[DELETE], |upstream, request| async move {
                upstream.send_later(&request, ms(1000));
                error(504)
            }),
        ),
        row(
            "the lists after the run take a second, and one fails",
            CHURN,
            every(2, &[LIST], |_, _| async {
                tokio::time::sleep(ms(1000)).await;
                error(503)
            }),
        ),
    ]
}

/// The number of runs of each row.
fn runs() -> u32 {
    std::env::var("LOADTEST_ADVERSE_RUNS").map_or(1, |runs| runs.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_correct_service_under_adverse_conditions_has_no_violations() {
    for run in 1..=runs() {
        let rows = [
            networks(),
            impatience(),
            errors(),
            retries(),
            restarts(),
            hot_sessions(),
            forms(),
            transfers(),
            queues(),
        ];
        let outcomes = run_rows(rows.concat()).await;
        let mut rows = Vec::new();
        for outcome in &outcomes {
            if !outcome.is_impatient {
                assert!(outcome.events > 0, "{} has not happened in run {run}", outcome.name);
                assert!(outcome.report.results.calls() > 0, "{} in run {run}", outcome.name);
            }
            if outcome.report.results.violation_count() > 0 {
                println!("{} in run {run}: {}", outcome.name, outcome.report);
            }
            rows.push([outcome.name.to_owned(), outcome.violations().join("; ")]);
        }
        insta::assert_snapshot!("adverse", markdown(["condition", "violations"], &rows));
    }
}
