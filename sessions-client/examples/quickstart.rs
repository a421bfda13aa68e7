//! A session from beginning to end: `cargo run --example quickstart -- http://localhost:8080`.

use serde_json::json;
use sessions_client::{
    ClientConfig, ErrorKind, FilterParams, ISessionsV1, SessionsHttpClientV1, sessions_v1,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://localhost:8080".to_owned());

    // Configure. The keys are those of the official clients.
    let config = ClientConfig::from_pairs([("connection.uri", &*url), ("options.timeout", "5000")])?;
    let sessions = SessionsHttpClientV1::from_config(&config)?;

    // Open. Optional arguments are set by name; the session is what the service made of them.
    let cart = json!({ "items": ["book"] });
    let session = sessions_v1::OpenSession::new("user-1")
        .user_name("User 1")
        .client("quickstart")
        .data(&cart)
        .correlation_id("quickstart-1")
        .send(&sessions)
        .await?;
    println!("opened  {} for {:?}, active: {}", session.id, session.user_id, session.active);

    // Read. "Not found" is `None`, not an error.
    let found = sessions.get_session_by_id(None, &session.id).await?;
    println!("read    its data is {}", found.and_then(|found| found.data).unwrap_or_default());
    let nothing = sessions.get_session_by_id(None, "no such id").await?;
    println!("read    an unknown id finds {nothing:?}");

    // Store and list.
    let more = json!({ "items": ["book", "pen"] });
    sessions.store_session_data(None, &session.id, &more).await?;
    let filter = FilterParams::new().user_id("user-1").active(true);
    let page = sessions.get_sessions(None, Some(&filter), None).await?;
    println!("listed  ours among the open ones: {}", page.data.iter().any(|listed| listed.id == session.id));

    // Handle errors: the kind says what to do, the rest says why.
    if let Err(error) = sessions.store_session_data(None, &session.id, &json!(null)).await {
        assert_eq!(error.kind(), ErrorKind::Service);
        println!("refused {error}");
    }

    // Close and delete.
    let closed = sessions.close_session(None, &session.id).await?;
    println!("closed  active: {:?}", closed.map(|closed| closed.active));
    sessions.delete_session_by_id(None, &session.id).await?;
    println!("deleted {}", session.id);
    Ok(())
}
