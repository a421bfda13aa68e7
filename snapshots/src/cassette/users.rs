//! Matches the users of a client with those of a recorded check.

use super::library::{Recorded, RecordedRun};
use bytes::Bytes;
use serde_json::Value;
use sessions_client::{Call, Error, ErrorKind, Response, Transport};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wiretrait::test_kit::Cassette;

/// A recording whose users have the ids that a client sends.
///
/// Another run of the check has other users for the same cases: its prefix takes the place of the recorded one.
/// Any other user is matched with a recorded one that has sent the same request.
#[derive(Debug)]
pub(super) struct Users {
    run: Option<RecordedRun>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cassette: Cassette,
    /// The prefix of the users of the current run.
    prefix: Option<String>,
    /// Other users, with those of the recording.
    users: Vec<User>,
}

#[derive(Clone, Debug)]
struct User {
    id: String,
    recorded: String,
}

impl Users {
    pub(super) fn new(recorded: Recorded) -> Self {
        let state = State { cassette: recorded.cassette, prefix: None, users: Vec::new() };
        Self { run: recorded.run, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn send(&self, call: Call) -> Result<Response, Error> {
        let Some(run) = &self.run else { return self.send_unchanged(call).await };
        let users = user_ids(call.request.body());
        if let Some(prefix) = users.iter().find_map(|id| run.prefix_of(id)) {
            self.lock().begin(prefix);
        }
        let (cassette, prefix, known) = {
            let state = self.lock();
            (state.cassette.clone(), state.prefix.clone(), state.users.clone())
        };
        let prefix = prefix.as_deref().map(|prefix| (escaped(prefix), escaped(&run.user)));
        let call = match &prefix {
            Some((prefix, recorded)) => replaced_in(call, prefix, recorded),
            None => call,
        };
        let user = users.iter().find(|id| run.prefix_of(id).is_none() && !id.starts_with(&run.user));
        let mut outcome = cassette.send(call.clone()).await;
        if let Some(id) = user
            && outcome.as_ref().is_err_and(is_not_recorded)
        {
            let known = known.iter().filter(|known| known.id == *id).map(|known| known.recorded.clone());
            let others = run.cases.iter().map(|case| format!("{}-{case}", run.user));
            for recorded in known.chain(others) {
                let other = cassette.send(replaced_in(call.clone(), &quoted(id), &quoted(&recorded))).await;
                if !other.as_ref().is_err_and(is_not_recorded) {
                    outcome = other;
                    self.lock().learn(User { id: id.clone(), recorded });
                    break;
                }
            }
        }
        let mut response = outcome?;
        for User { id, recorded } in self.lock().users.iter().rev() {
            replace(response.body_mut(), &quoted(recorded), &quoted(id));
        }
        if let Some((prefix, recorded)) = &prefix {
            replace(response.body_mut(), recorded, prefix);
        }
        Ok(response)
    }

    async fn send_unchanged(&self, call: Call) -> Result<Response, Error> {
        let cassette = self.lock().cassette.clone();
        cassette.send(call).await
    }
}

impl State {
    /// Begins at the start of the recording if the prefix is that of another run.
    fn begin(&mut self, prefix: &str) {
        if self.prefix.as_deref() != Some(prefix) {
            if self.prefix.is_some() {
                self.cassette = self.cassette.rewound();
            }
            self.prefix = Some(prefix.to_owned());
        }
    }

    fn learn(&mut self, user: User) {
        self.users.retain(|known| known.recorded != user.recorded);
        self.users.push(user);
    }
}

impl RecordedRun {
    /// Returns the prefix of a user of a check: the part in front of the name of a recorded case.
    fn prefix_of<'u>(&self, user: &'u str) -> Option<&'u str> {
        // A case that met a stale connection was run again.
        let user = user.strip_suffix("-again").unwrap_or(user);
        let prefixes =
            self.cases.iter().filter_map(|case| user.strip_suffix(case.as_str())?.strip_suffix('-'));
        // The longest name leaves the shortest prefix.
        prefixes.filter(|prefix| !prefix.is_empty()).min_by_key(|prefix| prefix.len())
    }
}

fn is_not_recorded(error: &Error) -> bool {
    error.kind() == ErrorKind::Config
}

/// Returns the values of all keys `user_id` outside of payloads.
fn user_ids(body: &[u8]) -> Vec<String> {
    let Ok(Value::Object(arguments)) = serde_json::from_slice(body) else { return Vec::new() };
    let filter = arguments.get("filter").and_then(|filter| filter.get("user_id"));
    let ids = arguments.get("user_id").into_iter().chain(filter);
    ids.filter_map(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// Returns a string as it is in JSON, with its quotation marks.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns a string as it is in JSON, without its quotation marks.
fn escaped(text: &str) -> String {
    let quoted = quoted(text);
    quoted[1..quoted.len() - 1].to_owned()
}

fn replaced_in(mut call: Call, from: &str, to: &str) -> Call {
    replace(call.request.body_mut(), from, to);
    call
}

fn replace(body: &mut Bytes, from: &str, to: &str) {
    if from != to
        && let Ok(text) = std::str::from_utf8(body)
        && text.contains(from)
    {
        *body = Bytes::from(text.replace(from, to));
    }
}

#[cfg(test)]
mod tests {
    use super::RecordedRun;

    #[test]
    fn the_prefix_of_a_user_is_in_front_of_the_longest_case() {
        let cases = ["open_session__a", "a"].map(str::to_owned).to_vec();
        let run = RecordedRun { user: "p".to_owned(), may_close_expired: false, cases };
        for (user, prefix) in [
            ("q-1-open_session__a", Some("q-1")),
            ("q-a-again", Some("q")),
            ("q-a", Some("q")),
            ("-a", None),
            ("ann", None),
        ] {
            assert_eq!(run.prefix_of(user), prefix, "{user}");
        }
    }
}
