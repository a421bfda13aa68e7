//! Models of calls that share the budget of their retries.

use super::{Retry, RetryPolicy, Time};
use crate::error::{Error, PlainErrors};
use crate::runtime::{Call, Contract, Response, Route, Transport};
use crate::sync::atomic::{AtomicU32, Ordering};
use bytes::Bytes;
use http::{Method, StatusCode};
use interleavings::{check, join, spawn};
use shuttle::future::block_on;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// An operation whose calls fail, and one whose calls succeed.
static FAILING: Route = route("failing");
static SUCCEEDING: Route = route("succeeding");

const CONTRACT: Contract = Contract::new("Things", "things", &PlainErrors);

const fn route(name: &'static str) -> Route {
    Route {
        contract: &CONTRACT,
        name,
        doc: "",
        method: Method::GET,
        path: "/",
        prefix: "",
        idempotent: true,
        timeout: None,
        has_body: false,
        content_type: "",
        accept: "",
        none: &[],
        constants: &[],
        params: &[],
    }
}

/// A service that counts failed attempts.
#[derive(Default)]
struct Service(AtomicU32);

impl Transport for Service {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let mut response = Response::default();
        if call.route.name == FAILING.name {
            self.0.fetch_add(1, Ordering::Relaxed);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}

/// A clock whose sleeps end at once.
struct NoPauses;

impl Time for NoPauses {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep_until(&self, _moment: Instant) {}
}

type Client = Retry<Service, NoPauses>;

/// Returns a client with `budget` tokens, of which a retry costs two.
fn client(budget: u32, retries: u32) -> Arc<Client> {
    let policy = RetryPolicy { budget, cost: 2, refund: 1, ..RetryPolicy::new().with_retries(retries) };
    Arc::new(Retry::with_random(Service::default(), policy, NoPauses, || 0.5))
}

fn call(client: &Client, route: &'static Route) {
    let call = Call::new(route, http::Request::new(Bytes::new()));
    assert!(block_on(client.send(call)).is_ok());
}

fn tokens(client: &Client) -> u32 {
    client.shared.tokens.load(Ordering::Relaxed)
}

fn failed_attempts(client: &Client) -> u32 {
    client.inner.0.load(Ordering::Relaxed)
}

#[test]
fn concurrent_calls_spend_the_budget_once() {
    check(|| {
        let client = client(5, 2);
        join([(); 3].map(|()| spawn(&client, |client| call(client, &FAILING))));
        // Two retries, of the six that the policy allows without a budget.
        assert_eq!((failed_attempts(&client), tokens(&client)), (3 + 2, 1));
    });
}

#[test]
fn no_cost_and_no_refund_is_lost() {
    check(|| {
        let client = client(9, 1);
        (0..3).for_each(|_| call(&client, &FAILING));
        assert_eq!(tokens(&client), 3);
        let calls = [&FAILING, &SUCCEEDING, &SUCCEEDING];
        join(calls.map(|route| spawn(&client, move |client| call(client, route))));
        assert_eq!((failed_attempts(&client), tokens(&client)), (8, 3));
    });
}

#[test]
fn refunds_do_not_exceed_the_budget() {
    check(|| {
        let client = client(3, 1);
        call(&client, &FAILING);
        let refunding = [(); 3].map(|()| spawn(&client, |client| call(client, &SUCCEEDING)));
        assert!(tokens(&client) <= 3);
        join(refunding);
        assert_eq!(tokens(&client), 3);
    });
}
