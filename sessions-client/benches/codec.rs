//! The cost of a call without a network, compared with hand-written code: `cargo bench --bench codec`.
//!
//! "serde" is the minimum: derived types, `serde_json`, and an `http::Request`. "reqwest" is common code: a
//! request builder, which also parses the absolute URL; the generated client leaves this to its transport.
//! All read and write the same bodies, and responses are created outside the measurement. Compare ratios:
//! absolute times depend on the machine.

mod by_hand;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use sessions_client::{
    ClientConfig, DataPage, ISessionsV1, Operation, Policies, RawResponse, Response, Result, SessionRef,
    SessionV1, SessionsHttpClientV1, Transport, sessions_v1, transport_fn,
};
use std::hint::black_box;

const URL: &str = "http://127.0.0.1:8080";

/// The request as hand-written code with serde or reqwest creates it.
fn request_by_hand(data: &Value) -> by_hand::OpenSession<'_> {
    by_hand::OpenSession {
        user_id: "user-1",
        user_name: Some("User 1"),
        address: Some("127.0.0.1"),
        client: Some("bench"),
        user: None,
        data: Some(data),
    }
}

fn with_reqwest(client: &reqwest::Client, data: &Value) -> reqwest::Request {
    client
        .post(format!("{URL}/v1/sessions/open_session"))
        .query(&[("correlation_id", "bench-1")])
        .json(&request_by_hand(data))
        .build()
        .unwrap()
}

fn with_serde(data: &Value) -> http::Request<Bytes> {
    http::Request::post(format!("/v1/sessions/open_session?correlation_id={}", "bench-1"))
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&request_by_hand(data)).unwrap().into())
        .unwrap()
}

fn operation(data: &Value) -> sessions_v1::OpenSession<'_, Value, Value> {
    sessions_v1::OpenSession::new("user-1")
        .user_name("User 1")
        .address("127.0.0.1")
        .client("bench")
        .data(data)
        .correlation_id("bench-1")
}

fn data() -> Value {
    json!({ "cart": ["book", "pen"], "total": 42 })
}

/// A session as the Node.js service writes it.
fn session(in_list: bool) -> Value {
    let mut session = json!({
        "id": "8c7d473658cc487daea246328593b865", "user_id": "user-1", "user_name": "User 1", "active": true,
        "open_time": "2026-11-23T02:10:20.820Z", "request_time": "2026-11-23T02:10:20.820Z",
        "address": "127.0.0.1", "client": "bench",
    });
    if !in_list {
        session["user"] = json!({ "id": "user-1", "roles": ["admin"] });
        session["data"] = data();
    }
    session
}

fn page() -> Value {
    json!({ "total": null, "data": vec![session(true); 100] })
}

fn response(body: Bytes) -> Response {
    let response = http::Response::builder().header("content-type", "application/json");
    response.body(body).unwrap()
}

fn encode(criterion: &mut Criterion) {
    let data = data();
    let client = reqwest::Client::new();
    let mut group = criterion.benchmark_group("encode open_session");
    group.bench_function("generated", |bencher| {
        bencher.iter(|| operation(black_box(&data)).encode().unwrap());
    });
    group.bench_function("serde", |bencher| bencher.iter(|| with_serde(black_box(&data))));
    group.bench_function("reqwest", |bencher| {
        bencher.iter(|| with_reqwest(&client, black_box(&data)));
    });
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let bodies = [("one session", session(false)), ("a page of 100", page())];
    for (name, body) in bodies.map(|(name, body)| (name, Bytes::from(body.to_string()))) {
        let mut group = criterion.benchmark_group(format!("decode {name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        let is_page = name != "one session";
        group.bench_function(BenchmarkId::from_parameter("generated"), |bencher| {
            bencher.iter(|| {
                let response = response(black_box(&body).clone());
                if is_page {
                    let page: Result<DataPage<SessionV1>> = sessions_v1::GetSessions::decode(response);
                    black_box(page.unwrap());
                } else {
                    let session: Result<SessionV1> =
                        sessions_v1::OpenSession::<Value, Value>::decode(response);
                    black_box(session.unwrap());
                }
            });
        });
        if is_page {
            group.bench_function(BenchmarkId::from_parameter("generated, borrowed"), |bencher| {
                bencher.iter(|| {
                    let response = response(black_box(&body).clone());
                    let response = RawResponse::new(sessions_v1::GET_SESSIONS, response).unwrap();
                    black_box(&response.read::<DataPage<SessionRef<'_>>>().unwrap());
                });
            });
        }
        group.bench_function(BenchmarkId::from_parameter("serde"), |bencher| {
            bencher.iter(|| {
                let body = black_box(&body);
                if is_page {
                    black_box(serde_json::from_slice::<by_hand::Page>(body).unwrap());
                } else {
                    black_box(serde_json::from_slice::<by_hand::Session>(body).unwrap());
                }
            });
        });
        group.finish();
    }
}

/// The work of a service for a list.
fn write(criterion: &mut Criterion) {
    let body = page().to_string();
    let generated: DataPage<SessionV1> = serde_json::from_str(&body).unwrap();
    let by_hand: by_hand::Page = serde_json::from_str(&body).unwrap();
    let mut group = criterion.benchmark_group("write a page of 100");
    group.bench_function("generated", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&generated)).unwrap());
    });
    group
        .bench_function("serde", |bencher| bencher.iter(|| serde_json::to_vec(black_box(&by_hand)).unwrap()));
    group.finish();
}

async fn open<T: Transport>(client: &SessionsHttpClientV1<Value, Value, T>, data: &Value) -> SessionV1 {
    let (name, address) = (Some("User 1"), Some("127.0.0.1"));
    client
        .open_session(Some("bench-1"), "user-1", name, address, Some("bench"), None, Some(data))
        .await
        .unwrap()
}

fn call(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let data = data();
    let body = Bytes::from(session(false).to_string());
    let mut group = criterion.benchmark_group("call open_session over an immediate transport");

    let immediate = || {
        let body = body.clone();
        transport_fn(move |_call| std::future::ready(Ok(response(body.clone()))))
    };
    let client = SessionsHttpClientV1::new(immediate());
    group.bench_function("generated", |bencher| {
        bencher.to_async(&runtime).iter(|| open(&client, black_box(&data)));
    });

    let config = ClientConfig::from_url(URL).unwrap();
    let client = SessionsHttpClientV1::new(Policies::new(immediate(), &config));
    group.bench_function("generated, with policies", |bencher| {
        bencher.to_async(&runtime).iter(|| open(&client, black_box(&data)));
    });

    let client = reqwest::Client::new();
    group.bench_function("serde", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            black_box(with_serde(black_box(&data)));
            serde_json::from_slice::<by_hand::Session>(response(body.clone()).body()).unwrap()
        });
    });
    group.bench_function("reqwest", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            black_box(with_reqwest(&client, black_box(&data)));
            reqwest::Response::from(response(body.clone())).json::<by_hand::Session>().await.unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, encode, decode, write, call);
criterion_main!(benches);
