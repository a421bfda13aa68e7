//! Tests of code that uses sessions, without a service:
//! `cargo run -p sessions-client --features test-kit --example testing_your_code`.
//!
//! In your crate, each of the functions below would be a `#[test]`, and `test-kit` a feature of the
//! dev-dependency.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sessions_client::policy::{Retry, RetryPolicy};
use sessions_client::test_kit::{Fault, Faults, Reply, ScriptedTransport, VirtualTime};
use sessions_client::{
    DynISessionsV1, ErrorKind, ISessionsV1, InProcessTransport, Result, ServiceError, SessionsHttpClientV1,
    SessionsMemoryClientV1, Transport, sessions_v1,
};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct User {
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
struct Cart {
    items: Vec<String>,
}

/// The code under test. It uses any implementation of the contract.
struct Shop<'s>(&'s dyn DynISessionsV1<User, Cart>);

impl Shop<'_> {
    /// Opens a session and returns its id, or `None` if the user is banned.
    async fn enter(&self, id: &str, name: &str) -> Result<Option<String>> {
        let user = User { name: name.to_owned() };
        let call = sessions_v1::OpenSession::new(id).user(&user);
        match call.send(self.0).await {
            Ok(session) => Ok(Some(session.id)),
            Err(error) if error.service().is_some_and(|service| service.code == "BANNED") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a book to the cart, and returns whether the session still exists.
    async fn add(&self, session: &str, book: &str) -> Result<bool> {
        let Some(found) = self.0.get_session_by_id(None, session).await? else { return Ok(false) };
        let mut cart = found.data.unwrap_or_default();
        cart.items.push(book.to_owned());
        Ok(self.0.store_session_data(None, session, &cart).await?.is_some())
    }
}

type Client<T> = SessionsHttpClientV1<User, Cart, Retry<T, VirtualTime>>;

/// A client with retries whose pauses pass on a virtual clock.
fn client<T: Transport>(transport: T, time: &VirtualTime) -> Client<T> {
    SessionsHttpClientV1::new(Retry::with_random(transport, RetryPolicy::new(), time.clone(), || 1.0))
        .with_payloads()
}

async fn a_banned_user_gets_no_session() -> Result<()> {
    let service = ScriptedTransport::new();
    let banned = ServiceError::new("BANNED", "This user is not welcome").with_category("NoAccess");
    service.on(sessions_v1::OPEN_SESSION, Reply::service_error(403, &banned));

    let client = client(service.clone(), &VirtualTime::new());
    assert_eq!(Shop(&client).enter("user-1", "Ann").await?, None);
    service.assert_done();

    // Requests are read back with their types.
    let opened = service.sent_as::<sessions_v1::received::OpenSession<User, Cart>>()?;
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].user, Some(User { name: "Ann".to_owned() }));
    println!("banned: {} was sent as {:?}", opened[0].user_id, opened[0].user);
    Ok(())
}

async fn a_request_to_a_busy_service_is_retried() -> Result<()> {
    let session = json!({
        "id": "7", "user_id": "user-1", "active": true, "data": { "items": ["Emma"] },
        "open_time": "2026-11-23T08:00:00Z", "request_time": "2026-11-23T08:00:00Z",
    });
    let service = ScriptedTransport::new();
    let busy = Reply::status(503).header("retry-after", "2");
    service
        .on(sessions_v1::GET_SESSION_BY_ID, Reply::json(&session))
        .on(sessions_v1::STORE_SESSION_DATA, busy.then(Reply::error(ErrorKind::Connect)))
        .on(sessions_v1::STORE_SESSION_DATA, Reply::json(&session));

    let time = VirtualTime::new();
    let client = client(service.clone(), &time);
    assert!(Shop(&client).add("7", "Persuasion").await?);
    service.assert_done();

    for sent in service.sent() {
        println!("retried: attempt {} of {}", sent.attempt(), sent.route().name);
    }
    println!("retried: paused for {:?}", time.slept());
    assert_eq!(time.slept(), [Duration::from_secs(2), Duration::from_millis(200)]);
    let stored = service.sent_as::<sessions_v1::received::StoreSessionData<Cart>>()?;
    assert!(stored.iter().all(|stored| stored.data.items == ["Emma", "Persuasion"]));
    Ok(())
}

async fn no_added_book_is_lost_on_an_unreliable_network(seed: u64) -> Result<()> {
    let service = SessionsMemoryClientV1::new().with_payloads::<User, Cart>();
    let time = VirtualTime::new();
    let network = InProcessTransport::new(sessions_v1::Handler::new(service.clone()));
    let network = Faults::new(network, seed, time.clone())
        .with(Fault::NoConnection, 0.1)
        .with(Fault::LostRequest, 0.1)
        .with(Fault::LostAnswer, 0.1)
        .with_latency(Duration::from_millis(1)..=Duration::from_millis(100));

    let client = client(network, &time);
    let session = Shop(&service).enter("user-1", "Ann").await?.unwrap_or_default();
    let mut added = 0;
    for book in ["Emma", "Persuasion", "Sanditon", "Mansfield Park"] {
        // A failing test should print the seed, which reproduces the same faults.
        match Shop(&client).add(&session, book).await {
            Ok(is_added) => added += usize::from(is_added),
            Err(error) => println!("unreliable network: {error}"),
        }
    }
    let found = service.get_session_by_id(None, &session).await?;
    let items = found.and_then(|found| found.data).unwrap_or_default().items;
    println!(
        "unreliable network: {added} books were added, and {} are in the cart, after {:?}",
        items.len(),
        time.passed()
    );
    assert!(items.len() >= added);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    a_banned_user_gets_no_session().await?;
    a_request_to_a_busy_service_is_retried().await?;
    no_added_book_is_lost_on_an_unreliable_network(42).await
}
