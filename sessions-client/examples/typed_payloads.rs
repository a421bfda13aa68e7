//! Sessions with the application's own types as payloads: `cargo run -p sessions-client --example
//! typed_payloads`.
//!
//! The service is the in-memory client in the same process, so nothing needs to be running.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sessions_client::{
    DynISessionsV1, ErrorKind, ISessionsV1, InProcessTransport, Result, SessionsHttpClientV1,
    SessionsMemoryClientV1, sessions_v1,
};
use std::sync::Arc;

/// The type of a session's `user`.
#[derive(Debug, Serialize, Deserialize)]
struct User {
    email: String,
    #[serde(default)]
    roles: Vec<String>,
}

/// The type of a session's `data`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    title: String,
    count: u32,
}

/// Adds an item to the cart, with any client: over HTTP, in memory, or behind a pointer.
async fn add(sessions: &impl ISessionsV1<User, Cart>, session_id: &str, title: &str) -> Result<Option<Cart>> {
    let Some(session) = sessions.get_session_by_id(None, session_id).await? else { return Ok(None) };
    let mut cart = session.data.unwrap_or_default();
    match cart.items.iter_mut().find(|item| item.title == title) {
        Some(item) => item.count += 1,
        None => cart.items.push(Item { title: title.to_owned(), count: 1 }),
    }
    let stored = sessions.store_session_data(None, session_id, &cart).await?;
    Ok(stored.and_then(|session| session.data))
}

/// A struct with a client of any transport.
struct Shop {
    sessions: Arc<dyn DynISessionsV1<User, Cart>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Over the network: `let untyped = SessionsHttpClientV1::connect(url)?;`
    let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
    let untyped = SessionsHttpClientV1::new(InProcessTransport::new(service));
    let sessions = untyped.clone().with_payloads::<User, Cart>();

    let user = User { email: "ann@example.com".to_owned(), roles: vec!["buyer".to_owned()] };
    let session = sessions_v1::OpenSession::new("user-1")
        .user_name("Ann")
        .user(&user)
        .data(&Cart::default())
        .send(&sessions)
        .await?;
    println!("opened  {:?}", session.user);

    add(&sessions, &session.id, "book").await?;
    let shop = Shop { sessions: Arc::new(sessions.clone()) };
    let cart = add(&shop.sessions, &session.id, "book").await?;
    println!("added   {cart:?}");
    assert_eq!(cart, Some(Cart { items: vec![Item { title: "book".to_owned(), count: 2 }] }));

    // Another program, or an older version of this one, may have stored something else. Reading it is an
    // error that names the path in the JSON, never a half-filled `Cart`.
    untyped.store_session_data(None, &session.id, &json!({ "items": [{ "title": "book" }] })).await?;
    let error = sessions.get_session_by_id(None, &session.id).await.unwrap_err();
    println!("read    {error}");
    assert_eq!(error.kind(), ErrorKind::Decode);

    // Closing removes the payloads.
    let closed = sessions.close_session(None, &session.id).await?;
    println!("closed  {:?}", closed.and_then(|session| session.data));
    Ok(())
}
