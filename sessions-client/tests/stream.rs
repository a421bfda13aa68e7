//! All pages of a list as one stream: its end, its failures, and services that do not keep to the rules.

#![cfg(feature = "stream")]

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use serde_json::json;
use sessions_client::stream::{ISessionsV1Ext, SessionStream};
use sessions_client::{
    Call, CallOptions, DynISessionsV1, Error, ErrorKind, FilterParams, ISessionsV1, Response, Result,
    SessionV1, SessionsHttpClientV1, SessionsMemoryClientV1, Transport, Value,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a page was asked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    skip: usize,
    take: Option<usize>,
    total: bool,
}

/// What a fake answers: the numbers of sessions, and the total.
type Page = (Vec<usize>, Option<usize>);

/// A service whose pages are a function of what was asked for and of how often it was asked before.
struct Fake<F> {
    page: F,
    asked: Mutex<Vec<Ask>>,
    targets: Mutex<Vec<String>>,
}

type Client<F> = SessionsHttpClientV1<Value, Value, Arc<Fake<F>>>;

fn fake<F: Fn(usize, Ask) -> Result<Page> + Send + Sync>(page: F) -> Client<F> {
    let fake = Fake { page, asked: Mutex::default(), targets: Mutex::default() };
    SessionsHttpClientV1::new(Arc::new(fake))
}

impl<F: Fn(usize, Ask) -> Result<Page> + Send + Sync> Transport for Fake<F> {
    async fn send(&self, call: Call) -> Result<Response> {
        self.targets.lock().unwrap().push(call.request.uri().to_string());
        let arguments: Value = serde_json::from_slice(call.request.body()).unwrap();
        let number = |key: &str| arguments["paging"][key].as_u64().map(|n| usize::try_from(n).unwrap());
        let total = arguments["paging"]["total"].as_bool().unwrap();
        let ask = Ask { skip: number("skip").unwrap(), take: number("take"), total };
        let times = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(ask);
            asked.len()
        };
        let (numbers, total) = (self.page)(times, ask)?;
        let session = |number: &usize| {
            let time = "2026-11-23T02:10:20.820Z";
            json!({ "id": format!("s{number}"), "active": true, "open_time": time, "request_time": time })
        };
        let data: Vec<Value> = numbers.iter().map(session).collect();
        Ok(Response::new(json!({ "total": total, "data": data }).to_string().into()))
    }
}

/// The page that a sound service with `count` sessions and pages of `largest` at most has.
fn sound(count: usize, largest: usize, ask: Ask) -> Page {
    let taken = ask.take.unwrap_or(largest).min(largest);
    ((0..count).skip(ask.skip).take(taken).collect(), ask.total.then_some(count))
}

fn asked<F>(client: &Client<F>) -> Vec<Ask> {
    client.caller().transport().asked.lock().unwrap().clone()
}

fn skips<F>(client: &Client<F>) -> Vec<usize> {
    asked(client).iter().map(|ask| ask.skip).collect()
}

fn everything<U, D>(client: &impl ISessionsV1Ext<U, D>) -> SessionStream<'_, U, D>
where
    U: sessions_client::Payload,
    D: sessions_client::Payload,
{
    client.sessions(FilterParams::new())
}

fn ids(sessions: &[SessionV1]) -> Vec<&str> {
    sessions.iter().map(|session| &*session.id).collect()
}

fn broken(kind: ErrorKind) -> Error {
    Error::new(kind, "scripted")
}

#[tokio::test]
async fn every_session_of_a_long_list_comes_once_and_in_order() {
    let client = fake(|_, ask| Ok(sound(250, 100, ask)));
    let sessions: Vec<_> = everything(&client).try_collect().await.unwrap();
    let expected: Vec<String> = (0..250).map(|number| format!("s{number}")).collect();
    assert_eq!(ids(&sessions), expected);
    assert_eq!(skips(&client), [0, 100, 200, 250]);
    assert!(asked(&client).iter().all(|ask| ask.take == Some(100)), "the default size");
}

#[tokio::test]
async fn a_list_that_fits_on_a_page_takes_one_request() {
    let client = fake(|_, ask| Ok(sound(99, 100, ask)));
    assert_eq!(everything(&client).count().await, 99);
    assert_eq!(asked(&client), [Ask { skip: 0, take: Some(100), total: true }]);
}

#[tokio::test]
async fn an_empty_list_takes_one_request_and_ends_at_once() {
    let client = fake(|_, ask| Ok(sound(0, 100, ask)));
    let mut sessions = everything(&client);
    assert!(sessions.next().await.is_none());
    assert!(sessions.next().await.is_none(), "it stays at its end");
    assert_eq!(asked(&client).len(), 1);
}

#[tokio::test]
async fn a_service_with_smaller_pages_than_asked_for_is_read_to_the_end() {
    let client = fake(|_, ask| Ok(sound(5, 2, ask)));
    assert_eq!(everything(&client).count().await, 5);
    assert_eq!(skips(&client), [0, 2, 4, 5]);
}

#[tokio::test]
async fn an_empty_page_is_the_end_whatever_the_total_claims() {
    let client = fake(|_, ask| Ok((sound(3, 2, ask).0, Some(1000))));
    assert_eq!(everything(&client).count().await, 3);
    assert_eq!(skips(&client), [0, 2, 3]);
}

#[tokio::test]
async fn a_service_that_does_not_count_is_read_to_the_end() {
    let client = fake(|_, ask| Ok((sound(3, 100, ask).0, None)));
    assert_eq!(everything(&client).count().await, 3);
    assert_eq!(skips(&client), [0, 3]);
}

#[tokio::test]
async fn the_size_of_a_page_can_be_set_or_left_to_the_service() {
    let client = fake(|_, ask| Ok(sound(7, 100, ask)));
    assert_eq!(everything(&client).with_page_size(3).count().await, 7);
    assert_eq!(skips(&client), [0, 3, 6, 7]);
    assert_eq!(asked(&client)[0].take, Some(3));

    let client = fake(|_, ask| Ok(sound(7, 5, ask)));
    assert_eq!(everything(&client).with_page_size(0).count().await, 7);
    assert_eq!(asked(&client)[0].take, None);
}

#[tokio::test]
async fn a_page_that_is_longer_than_asked_for_is_taken_whole() {
    let client = fake(|_, ask| Ok(sound(25, 10, Ask { take: Some(10), ..ask })));
    let sessions: Vec<_> = everything(&client).with_page_size(4).try_collect().await.unwrap();
    assert_eq!((sessions.len(), &*sessions[24].id), (25, "s24"));
    assert_eq!(skips(&client), [0, 10, 20, 25]);
}

#[tokio::test]
async fn a_service_that_ignores_skip_is_found_out_at_its_second_page() {
    // Full pages, and short ones too.
    for count in [250, 3] {
        let client = fake(move |_, ask| Ok((sound(count, 100, Ask { skip: 0, ..ask }).0, None)));
        let mut sessions = everything(&client);
        let page = count.min(100);
        for _ in 0..page {
            sessions.try_next().await.unwrap().unwrap();
        }
        let error = sessions.try_next().await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("get_sessions")));
        assert_eq!(
            error.to_string(),
            format!(
                "get_sessions: the page after {page} sessions begins as the page before it: \
                 the service seems to ignore `skip`"
            )
        );
        assert!(sessions.next().await.is_none(), "there is nothing to be had from it");
        assert_eq!(asked(&client).len(), 2);
    }
}

#[tokio::test]
async fn a_service_that_never_comes_to_an_end_is_an_error_at_the_limit() {
    // New sessions for ever; and the same ones in turn, which no page shows by itself.
    let pages: [fn(usize, Ask) -> Result<Page>; 2] = [
        |_, ask| Ok(((ask.skip..ask.skip + 100).collect(), None)),
        |times, _| Ok((((times % 3) * 100..(times % 3) * 100 + 100).collect(), None)),
    ];
    for page in pages {
        let client = fake(page);
        let mut sessions = everything(&client).with_limit(1050);
        for _ in 0..1050 {
            sessions.try_next().await.unwrap().unwrap();
        }
        let error = sessions.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            error.to_string(),
            "get_sessions: the list has more than 1050 sessions, which is the stream's limit"
        );
        assert!(sessions.next().await.is_none());
        assert_eq!(asked(&client).len(), 11);

        // Who knows better goes on.
        let mut more = everything(&client).with_limit(2000).with_position(sessions.position());
        assert!(more.try_next().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_list_of_as_many_sessions_as_the_limit_is_no_error() {
    let client = fake(|_, ask| Ok(sound(200, 100, ask)));
    assert_eq!(everything(&client).with_limit(200).try_collect::<Vec<_>>().await.unwrap().len(), 200);
}

#[tokio::test]
async fn even_who_ignores_errors_comes_to_an_end() {
    for (kind, asked) in [(ErrorKind::Decode, 1), (ErrorKind::Transport, 3)] {
        let client = fake(move |_, _| Err(broken(kind)));
        assert_eq!(everything(&client).filter_map(|session| async { session.ok() }).count().await, 0);
        assert_eq!(skips(&client).len(), asked);
    }
}

#[tokio::test]
async fn a_service_that_always_answers_503_is_asked_as_often_as_is_set() {
    for (most, expected) in [(None, 3), (Some(5), 5), (Some(1), 1), (Some(0), 1)] {
        let asked = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&asked);
        let busy = sessions_client::transport_fn(move |_call: Call| {
            *counter.lock().unwrap() += 1;
            let mut response = Response::new("{}".into());
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            async move { Ok(response) }
        });
        let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::new(busy);
        let mut sessions = everything(&client);
        if let Some(most) = most {
            // It holds for the rest of the list as well.
            sessions = sessions.with_max_failures(most).with_position(7);
        }
        let begin = sessions.position();
        for _ in 0..expected {
            assert_eq!(sessions.next().await.unwrap().unwrap_err().status().unwrap().as_u16(), 503);
        }
        assert!(sessions.next().await.is_none(), "the last failure is the last item");
        assert_eq!((*asked.lock().unwrap(), sessions.position()), (expected, begin));
    }
}

#[tokio::test]
async fn failures_are_counted_from_the_last_page() {
    // Two before each page are never three in a row.
    let client = fake(|times, ask| match times % 3 {
        0 => Ok(sound(250, 100, ask)),
        _ => Err(broken(ErrorKind::Transport)),
    });
    let found = everything(&client).filter_map(|session| async { session.ok() }).count().await;
    assert_eq!(found, 250);
}

#[tokio::test]
async fn after_a_failure_that_may_pass_the_same_page_is_asked_for_again() {
    let client = fake(|times, ask| match times {
        2 | 3 => Err(broken(ErrorKind::Transport)),
        _ => Ok(sound(250, 100, ask)),
    });
    let results: Vec<_> = everything(&client).collect().await;
    let (found, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let sessions: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!((sessions.len(), failed.len()), (250, 2));
    assert_eq!((&*sessions[100].id, &*sessions[249].id), ("s100", "s249"));
    assert_eq!(skips(&client), [0, 100, 100, 100, 200, 250]);
}

#[tokio::test]
async fn after_a_failure_that_stays_the_stream_is_over_and_another_goes_on_from_its_position() {
    let client = fake(|times, ask| match times {
        2 => Err(broken(ErrorKind::Decode)),
        _ => Ok(sound(250, 100, ask)),
    });
    let mut sessions = everything(&client);
    while let Ok(Some(_)) = sessions.try_next().await {}
    assert!(sessions.next().await.is_none());
    assert_eq!(sessions.position(), 100);

    let rest: Vec<_> = everything(&client).with_position(sessions.position()).try_collect().await.unwrap();
    assert_eq!((rest.len(), &*rest[0].id), (150, "s100"));
}

#[tokio::test]
async fn a_position_in_the_middle_of_a_page_is_the_next_session() {
    let client = fake(|_, ask| Ok(sound(250, 100, ask)));
    let mut sessions = everything(&client);
    for _ in 0..130 {
        sessions.try_next().await.unwrap().unwrap();
    }
    assert_eq!(sessions.position(), 130);
    let next = everything(&client).with_position(130).try_next().await.unwrap().unwrap();
    assert_eq!(next.id, "s130");
    assert_eq!(sessions.try_next().await.unwrap().unwrap(), next);
}

#[tokio::test]
async fn at_the_end_of_a_list_its_position_is_where_new_sessions_come() {
    let client = fake(|times, ask| Ok(sound(if times == 1 { 2 } else { 3 }, 100, ask)));
    let mut sessions = everything(&client);
    while sessions.try_next().await.unwrap().is_some() {}
    let new: Vec<_> = sessions.with_position(2).try_collect().await.unwrap();
    assert_eq!(ids(&new), ["s2"]);
}

#[tokio::test]
async fn what_an_insertion_moves_to_the_next_page_does_not_come_again() {
    // Between the pages two sessions come in at the front.
    let client = fake(|times, ask| {
        let (page, total) = sound(9, 4, Ask { skip: ask.skip + if times == 1 { 2 } else { 0 }, ..ask });
        Ok((page, total))
    });
    let sessions: Vec<_> = everything(&client).with_page_size(4).try_collect().await.unwrap();
    assert_eq!(ids(&sessions), ["s2", "s3", "s4", "s5", "s6", "s7", "s8"]);
    assert_eq!(skips(&client), [0, 4, 8, 9], "what is left out counts");
}

#[tokio::test]
async fn a_future_of_next_that_is_dropped_loses_no_page_and_asks_for_none_twice() {
    struct Gate(AtomicBool, Mutex<u32>);
    impl Transport for Gate {
        async fn send(&self, _call: Call) -> Result<Response> {
            *self.1.lock().unwrap() += 1;
            std::future::poll_fn(|_| {
                if self.0.load(Ordering::Relaxed) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            Ok(Response::new(r#"{"total":0,"data":[]}"#.into()))
        }
    }
    let gate = Arc::new(Gate(AtomicBool::new(false), Mutex::default()));
    let client = SessionsHttpClientV1::new(Arc::clone(&gate));
    let mut sessions = everything(&client);
    assert!(sessions.next().now_or_never().is_none());
    assert!(sessions.next().now_or_never().is_none());
    gate.0.store(true, Ordering::Relaxed);
    assert!(sessions.next().await.is_none());
    assert_eq!(*gate.1.lock().unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_sent_before_the_stream_is_polled() {
    let client = fake(|_, ask| Ok(sound(1, 100, ask)));
    drop(everything(&client));
    assert!(asked(&client).is_empty());
}

#[tokio::test]
async fn a_correlation_id_is_on_every_request_and_in_no_debug_text() {
    let client = fake(|_, ask| Ok(sound(101, 100, ask)));
    let filter = FilterParams::new().user_id("s3cret");
    let mut sessions = client.sessions(filter).with_correlation_id("s3cret-id");
    assert_eq!(
        format!("{sessions:?}"),
        r#"SessionStream { filter: FilterParams{"user_id"}, page_size: 100, limit: 1000000, position: 0, .. }"#
    );
    while sessions.try_next().await.unwrap().is_some() {}
    let targets = client.caller().transport().targets.lock().unwrap().clone();
    assert_eq!(targets, ["/v1/sessions/get_sessions?correlation_id=s3cret-id"; 3]);
}

#[tokio::test]
async fn every_kind_of_client_has_it_and_an_owned_one_goes_to_another_task() {
    async fn count(client: impl ISessionsV1Ext) -> usize {
        client.sessions(FilterParams::new()).count().await
    }

    let memory = SessionsMemoryClientV1::new();
    memory.open_session(None, "user-1", None, None, None, None, None).await.unwrap();
    let shared: Arc<dyn DynISessionsV1> = Arc::new(memory.clone());
    let http = fake(|_, ask| Ok(sound(1, 100, ask)));
    let view = http.with(CallOptions::new().retries(0));
    assert_eq!(count(&memory).await, 1);
    assert_eq!(count(&*shared).await, 1);
    assert_eq!(count(view).await, 1);
    let owned: SessionStream<'static> = shared.sessions(FilterParams::new());
    drop((memory, shared));
    assert_eq!(tokio::spawn(owned.count()).await.unwrap(), 1);
}

#[cfg(all(feature = "server", any(feature = "hyper", feature = "reqwest")))]
#[tokio::test]
async fn over_http_250_sessions_and_their_filters_come_as_they_are() {
    let memory = SessionsMemoryClientV1::new();
    let service =
        sessions_client::server::EmbeddedService::start("127.0.0.1:0", memory.clone()).await.unwrap();
    let client = SessionsHttpClientV1::connect(&service.url()).unwrap();
    let mut closed = Vec::new();
    for number in 0..250 {
        let user_id = if number % 2 == 0 { "even" } else { "odd" };
        let session = memory.open_session(None, user_id, None, None, None, None, None).await.unwrap();
        if number % 10 == 0 {
            closed.push(session.id.clone());
            memory.close_session(None, &session.id).await.unwrap();
        }
    }
    let read = |filter: FilterParams| client.sessions(filter).try_collect::<Vec<_>>();
    let all = read(FilterParams::new()).await.unwrap();
    let different: std::collections::HashSet<_> = ids(&all).into_iter().collect();
    assert_eq!((all.len(), different.len()), (250, 250));

    let even = read(FilterParams::new().user_id("even").active(true)).await.unwrap();
    assert_eq!(even.len(), 100);
    assert!(even.iter().all(|session| session.active && session.user_id.as_deref() == Some("even")));

    let inactive = read(FilterParams::new().active(false)).await.unwrap();
    assert_eq!(ids(&inactive), closed);
    assert_eq!(client.sessions(FilterParams::new()).with_page_size(7).count().await, 250);
}
