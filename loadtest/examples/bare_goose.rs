//! A plain goose load test as in goose's book: a loop that sends requests and does not check the responses.
//!
//! `loadtest/benches/cost.py` compares the load test with it.

use goose::prelude::*;
use serde_json::{Value, json};

/// The id of the session that a user stores in.
#[derive(Clone)]
struct Id(String);

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let scenario = scenario!("store")
        .register_transaction(transaction!(open).set_on_start())
        .register_transaction(transaction!(store));
    Box::pin(GooseAttack::initialize()?.register_scenario(scenario).execute()).await?;
    Ok(())
}

async fn open(user: &mut GooseUser) -> TransactionResult {
    let response = user.post_json("/v1/sessions/open_session", &json!({ "user_id": "bare" })).await?;
    let session: Value = response.response?.json().await?;
    user.set_session_data(Id(session["id"].as_str().unwrap_or_default().to_owned()));
    Ok(())
}

async fn store(user: &mut GooseUser) -> TransactionResult {
    let Id(id) = user.get_session_data_unchecked::<Id>();
    let stored = json!({ "session_id": id, "data": { "text": "x".repeat(256) } });
    user.post_json("/v1/sessions/store_session_data", &stored).await?;
    Ok(())
}
