//! The stream of all pages of a list: its end, failures, and services that ignore parameters.

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

/// The parameters of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Params {
    skip: usize,
    take: Option<usize>,
    total: bool,
}

/// The page of a fake: the numbers of the sessions, and the total.
type Page = (Vec<usize>, Option<usize>);

/// A service whose page is a function of the number of requests and the parameters.
struct Fake<F> {
    page: F,
    asked: Mutex<Vec<Params>>,
    targets: Mutex<Vec<String>>,
}

type Client<F> = SessionsHttpClientV1<Value, Value, Arc<Fake<F>>>;

fn fake<F: Fn(usize, Params) -> Result<Page> + Send + Sync>(page: F) -> Client<F> {
    let fake = Fake { page, asked: Mutex::default(), targets: Mutex::default() };
    SessionsHttpClientV1::new(Arc::new(fake))
}

impl<F: Fn(usize, Params) -> Result<Page> + Send + Sync> Transport for Fake<F> {
    async fn send(&self, call: Call) -> Result<Response> {
        self.targets.lock().unwrap().push(call.request.uri().to_string());
        let arguments: Value = serde_json::from_slice(call.request.body()).unwrap();
        let number = |key: &str| arguments["paging"][key].as_u64().map(|n| usize::try_from(n).unwrap());
        let total = arguments["paging"]["total"].as_bool().unwrap();
        let params = Params { skip: number("skip").unwrap(), take: number("take"), total };
        let times = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(params);
            asked.len()
        };
        let (numbers, total) = (self.page)(times, params)?;
        let session = |number: &usize| {
            let time = "2026-11-23T02:10:20.820Z";
            json!({ "id": format!("s{number}"), "active": true, "open_time": time, "request_time": time })
        };
        let data: Vec<Value> = numbers.iter().map(session).collect();
        Ok(Response::new(json!({ "total": total, "data": data }).to_string().into()))
    }
}

/// Returns the page of a correct service with `count` sessions and at most `largest` per page.
fn correct(count: usize, largest: usize, params: Params) -> Page {
    let taken = params.take.unwrap_or(largest).min(largest);
    ((0..count).skip(params.skip).take(taken).collect(), params.total.then_some(count))
}

fn requests<F>(client: &Client<F>) -> Vec<Params> {
    client.caller().transport().asked.lock().unwrap().clone()
}

fn skips<F>(client: &Client<F>) -> Vec<usize> {
    requests(client).iter().map(|params| params.skip).collect()
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
async fn every_session_of_a_long_list_is_returned_once_in_order() {
    let client = fake(|_, params| Ok(correct(250, 100, params)));
    let sessions: Vec<_> = everything(&client).try_collect().await.unwrap();
    let expected: Vec<String> = (0..250).map(|number| format!("s{number}")).collect();
    assert_eq!(ids(&sessions), expected);
    assert_eq!(skips(&client), [0, 100, 200, 250]);
    assert!(requests(&client).iter().all(|params| params.take == Some(100)), "the default size");
}

#[tokio::test]
async fn a_list_that_fits_on_a_page_takes_one_request() {
    let client = fake(|_, params| Ok(correct(99, 100, params)));
    assert_eq!(everything(&client).count().await, 99);
    assert_eq!(requests(&client), [Params { skip: 0, take: Some(100), total: true }]);
}

#[tokio::test]
async fn an_empty_list_takes_one_request() {
    let client = fake(|_, params| Ok(correct(0, 100, params)));
    let mut sessions = everything(&client);
    assert!(sessions.next().await.is_none());
    assert!(sessions.next().await.is_none(), "the stream stays at its end");
    assert_eq!(requests(&client).len(), 1);
}

#[tokio::test]
async fn a_list_with_smaller_pages_than_requested_is_read_to_its_end() {
    let client = fake(|_, params| Ok(correct(5, 2, params)));
    assert_eq!(everything(&client).count().await, 5);
    assert_eq!(skips(&client), [0, 2, 4, 5]);
}

#[tokio::test]
async fn an_empty_page_is_the_end_whatever_the_total() {
    let client = fake(|_, params| Ok((correct(3, 2, params).0, Some(1000))));
    assert_eq!(everything(&client).count().await, 3);
    assert_eq!(skips(&client), [0, 2, 3]);
}

#[tokio::test]
async fn a_list_without_a_total_is_read_to_its_end() {
    let client = fake(|_, params| Ok((correct(3, 100, params).0, None)));
    assert_eq!(everything(&client).count().await, 3);
    assert_eq!(skips(&client), [0, 3]);
}

#[tokio::test]
async fn the_page_size_can_be_set_or_left_to_the_service() {
    let client = fake(|_, params| Ok(correct(7, 100, params)));
    assert_eq!(everything(&client).with_page_size(3).count().await, 7);
    assert_eq!(skips(&client), [0, 3, 6, 7]);
    assert_eq!(requests(&client)[0].take, Some(3));

    let client = fake(|_, params| Ok(correct(7, 5, params)));
    assert_eq!(everything(&client).with_page_size(0).count().await, 7);
    assert_eq!(requests(&client)[0].take, None);
}

#[tokio::test]
async fn a_page_longer_than_requested_is_returned_whole() {
    let client = fake(|_, params| Ok(correct(25, 10, Params { take: Some(10), ..params })));
    let sessions: Vec<_> = everything(&client).with_page_size(4).try_collect().await.unwrap();
    assert_eq!((sessions.len(), &*sessions[24].id), (25, "s24"));
    assert_eq!(skips(&client), [0, 10, 20, 25]);
}

#[tokio::test]
async fn a_service_that_ignores_skip_is_an_error_at_the_second_page() {
    // Full pages, and short ones too.
    for count in [250, 3] {
        let client = fake(move |_, params| Ok((correct(count, 100, Params { skip: 0, ..params }).0, None)));
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
                "get_sessions: the page after {page} sessions begins with the same session as the page before: \
                 the service seems to ignore `skip`"
            )
        );
        assert!(sessions.next().await.is_none(), "the stream has ended");
        assert_eq!(requests(&client).len(), 2);
    }
}

#[tokio::test]
async fn an_endless_list_is_an_error_at_the_limit() {
    // Endless new sessions; and the same pages in turns, which differ from the page before.
    let pages: [fn(usize, Params) -> Result<Page>; 2] = [
        |_, params| Ok(((params.skip..params.skip + 100).collect(), None)),
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
            "get_sessions: the list has more than 1050 sessions, the limit of the stream"
        );
        assert!(sessions.next().await.is_none());
        assert_eq!(requests(&client).len(), 11);

        // A higher limit continues.
        let mut more = everything(&client).with_limit(2000).with_position(sessions.position());
        assert!(more.try_next().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_list_of_exactly_the_limit_is_not_an_error() {
    let client = fake(|_, params| Ok(correct(200, 100, params)));
    assert_eq!(everything(&client).with_limit(200).try_collect::<Vec<_>>().await.unwrap().len(), 200);
}

#[tokio::test]
async fn the_stream_ends_even_if_errors_are_ignored() {
    for (kind, asked) in [(ErrorKind::Decode, 1), (ErrorKind::Transport, 3)] {
        let client = fake(move |_, _| Err(broken(kind)));
        assert_eq!(everything(&client).filter_map(|session| async { session.ok() }).count().await, 0);
        assert_eq!(skips(&client).len(), asked);
    }
}

#[tokio::test]
async fn the_stream_ends_after_the_maximum_number_of_failures() {
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
            // `with_position` keeps it.
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
async fn a_page_resets_the_number_of_failures() {
    // Two failures before each page are never three in a row.
    let client = fake(|times, params| match times % 3 {
        0 => Ok(correct(250, 100, params)),
        _ => Err(broken(ErrorKind::Transport)),
    });
    let found = everything(&client).filter_map(|session| async { session.ok() }).count().await;
    assert_eq!(found, 250);
}

#[tokio::test]
async fn a_retryable_error_is_followed_by_the_same_page() {
    let client = fake(|times, params| match times {
        2 | 3 => Err(broken(ErrorKind::Transport)),
        _ => Ok(correct(250, 100, params)),
    });
    let results: Vec<_> = everything(&client).collect().await;
    let (found, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let sessions: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!((sessions.len(), failed.len()), (250, 2));
    assert_eq!((&*sessions[100].id, &*sessions[249].id), ("s100", "s249"));
    assert_eq!(skips(&client), [0, 100, 100, 100, 200, 250]);
}

#[tokio::test]
async fn another_stream_resumes_after_a_permanent_error() {
    let client = fake(|times, params| match times {
        2 => Err(broken(ErrorKind::Decode)),
        _ => Ok(correct(250, 100, params)),
    });
    let mut sessions = everything(&client);
    while let Ok(Some(_)) = sessions.try_next().await {}
    assert!(sessions.next().await.is_none());
    assert_eq!(sessions.position(), 100);

    let rest: Vec<_> = everything(&client).with_position(sessions.position()).try_collect().await.unwrap();
    assert_eq!((rest.len(), &*rest[0].id), (150, "s100"));
}

#[tokio::test]
async fn a_position_within_a_page_is_the_next_session() {
    let client = fake(|_, params| Ok(correct(250, 100, params)));
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
async fn the_position_at_the_end_is_where_new_sessions_follow() {
    let client = fake(|times, params| Ok(correct(if times == 1 { 2 } else { 3 }, 100, params)));
    let mut sessions = everything(&client);
    while sessions.try_next().await.unwrap().is_some() {}
    let new: Vec<_> = sessions.with_position(2).try_collect().await.unwrap();
    assert_eq!(ids(&new), ["s2"]);
}

#[tokio::test]
async fn a_session_moved_to_the_next_page_is_not_returned_again() {
    // Two sessions are inserted at the front after the first page.
    let client = fake(|times, params| {
        let (page, total) =
            correct(9, 4, Params { skip: params.skip + if times == 1 { 2 } else { 0 }, ..params });
        Ok((page, total))
    });
    let sessions: Vec<_> = everything(&client).with_page_size(4).try_collect().await.unwrap();
    assert_eq!(ids(&sessions), ["s2", "s3", "s4", "s5", "s6", "s7", "s8"]);
    assert_eq!(skips(&client), [0, 4, 8, 9], "skipped sessions count");
}

#[tokio::test]
async fn dropping_the_future_of_next_loses_no_page() {
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
    let client = fake(|_, params| Ok(correct(1, 100, params)));
    drop(everything(&client));
    assert!(requests(&client).is_empty());
}

#[tokio::test]
async fn every_request_has_the_correlation_id() {
    let client = fake(|_, params| Ok(correct(101, 100, params)));
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
async fn every_kind_of_client_has_the_stream() {
    async fn count(client: impl ISessionsV1Ext) -> usize {
        client.sessions(FilterParams::new()).count().await
    }

    let memory = SessionsMemoryClientV1::new();
    memory.open_session(None, "user-1", None, None, None, None, None).await.unwrap();
    let shared: Arc<dyn DynISessionsV1> = Arc::new(memory.clone());
    let http = fake(|_, params| Ok(correct(1, 100, params)));
    let view = http.with(CallOptions::new().retries(0));
    assert_eq!(count(&memory).await, 1);
    assert_eq!(count(&*shared).await, 1);
    assert_eq!(count(view).await, 1);
    let owned: SessionStream<'static> = shared.sessions(FilterParams::new());
    drop((memory, shared));
    assert_eq!(tokio::spawn(owned.count()).await.unwrap(), 1);
}

#[cfg(any(feature = "hyper", feature = "reqwest"))]
#[tokio::test]
async fn a_stream_over_http_returns_all_pages_and_applies_filters() {
    let memory = SessionsMemoryClientV1::new();
    let service = sessions_service::EmbeddedService::start_with("127.0.0.1:0", memory.clone()).await.unwrap();
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
