//! Deleting what a case has opened.

use crate::record::Exchange;
use serde_json::Value;
use sessions_client::{ErrorKind, FilterParams, ISessionsV1, PagingParams, SessionsHttpClientV1, Transport};

/// How often a service that fails is asked again before a session is given up.
const ATTEMPTS: usize = 5;

/// Deletes every session that the exchanges say was opened, and those of the user whose answers were lost.
/// Returns those that resist, and the user if it cannot be told whether there are more.
pub(super) async fn clean_up<T: Transport>(
    transport: &T,
    exchanges: &[Exchange],
    user_id: &str,
) -> Vec<String> {
    let client = SessionsHttpClientV1::<Value, Value, _>::new(transport);
    let mut left_behind = Vec::new();
    let opened = exchanges.iter().filter(|exchange| exchange.request.uri().path().ends_with("/open_session"));
    for id in opened.filter_map(|exchange| {
        let session: Value = serde_json::from_slice(exchange.response.body()).ok()?;
        session["id"].as_str().map(str::to_owned)
    }) {
        if !delete(&client, &id).await {
            left_behind.push(id);
        }
    }
    loop {
        let Some(ids) = sessions_of(&client, user_id).await else {
            left_behind.push(format!("those of the user {user_id}, who cannot be asked for"));
            return left_behind;
        };
        let mut deleted = false;
        for id in ids {
            if left_behind.contains(&id) {
                continue;
            }
            if delete(&client, &id).await {
                deleted = true;
            } else {
                left_behind.push(id);
            }
        }
        // A page was full or a session lost its answer: there may be more.
        if !deleted {
            return left_behind;
        }
    }
}

async fn delete<T: Transport>(client: &SessionsHttpClientV1<Value, Value, &T>, id: &str) -> bool {
    for _ in 0..ATTEMPTS {
        match client.delete_session_by_id(None, id).await {
            Ok(_) => return true,
            // The service has answered, though not as it should: whether the session is there is seen in the list.
            Err(error) if error.kind() == ErrorKind::Decode => return true,
            Err(_) => {}
        }
    }
    false
}

/// `None` if the service does not say.
async fn sessions_of<T: Transport>(
    client: &SessionsHttpClientV1<Value, Value, &T>,
    user_id: &str,
) -> Option<Vec<String>> {
    let mine = FilterParams::new().user_id(user_id);
    for _ in 0..ATTEMPTS {
        if let Ok(page) = client.get_sessions(None, Some(&mine), Some(&PagingParams::new())).await {
            // A service that filters wrongly lists sessions that are not ours to delete.
            let ours = page.data.into_iter().filter(|session| session.user_id.as_deref() == Some(user_id));
            return Some(ours.map(|session| session.id).collect());
        }
    }
    None
}
