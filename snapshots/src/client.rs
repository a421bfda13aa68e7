//! Calls the typed client with the arguments of a step.

use contract_tests::{Map, Value};
use http::Uri;
use serde::de::DeserializeOwned;
use sessions_client::{
    DataPage, Error, ErrorKind, FilterParams, ISessionsV1 as _, ListedSession, PagingParams, Response, Route,
    SessionsHttpClientV1, Transport,
};
use std::borrow::Cow;
use wiretrait::respond;

/// A client whose payloads keep the order of their keys.
pub(crate) type Client<T> = SessionsHttpClientV1<Value, Value, T>;

/// Calls the operation of `route` with the arguments in `body` and the correlation id in the query of `uri`,
/// and returns the result as the service would encode it.
///
/// # Errors
///
/// If the arguments are not those of the operation. An error of the call is a response.
pub(crate) async fn call<T: Transport>(
    client: &Client<T>,
    route: &Route,
    uri: &Uri,
    body: &str,
) -> Result<Response, Error> {
    let arguments = Arguments::parse(route, body)?;
    let id = correlation_id(uri);
    let id = id.as_deref();
    let session_id = || arguments.required("session_id");
    Ok(match route.name {
        "get_sessions" => {
            let (filter, paging) =
                (arguments.parsed::<FilterParams>("filter")?, arguments.parsed::<PagingParams>("paging")?);
            match client.get_sessions(id, filter.as_ref(), paging.as_ref()).await {
                Ok(page) => {
                    let listed: Vec<_> = page.data.iter().map(ListedSession).collect();
                    respond(route, Ok::<_, Error>(DataPage::new(listed, page.total)))
                }
                Err(error) => respond(route, Err::<(), _>(error)),
            }
        }
        "get_session_by_id" => respond(route, client.get_session_by_id(id, session_id()?).await),
        "open_session" => {
            let opened = client.open_session(
                id,
                arguments.required("user_id")?,
                arguments.optional("user_name")?,
                arguments.optional("address")?,
                arguments.optional("client")?,
                arguments.value("user"),
                arguments.value("data"),
            );
            respond(route, opened.await)
        }
        "store_session_data" => {
            let data = arguments.payload("data")?;
            respond(route, client.store_session_data(id, session_id()?, data).await)
        }
        "update_session_user" => {
            let user = arguments.payload("user")?;
            respond(route, client.update_session_user(id, session_id()?, user).await)
        }
        "close_session" => respond(route, client.close_session(id, session_id()?).await),
        "close_expired_sessions" => respond(route, client.close_expired_sessions(id).await),
        "delete_session_by_id" => respond(route, client.delete_session_by_id(id, session_id()?).await),
        other => {
            return Err(invalid(other, "add the operation to snapshots/src/client.rs"));
        }
    })
}

fn correlation_id(uri: &Uri) -> Option<Cow<'_, str>> {
    let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.find(|(name, _)| name == "correlation_id").map(|(_, id)| id)
}

/// The arguments of a step.
struct Arguments {
    operation: &'static str,
    values: Map,
}

impl Arguments {
    /// Parses the JSON object with the arguments.
    fn parse(route: &Route, body: &str) -> Result<Self, Error> {
        let operation = route.name;
        match serde_json::from_str(body) {
            Ok(Value::Object(values)) => Ok(Self { operation, values }),
            _ => Err(invalid(operation, "the arguments are not a JSON object")),
        }
    }

    /// Returns an argument; `None` if it is missing or `null`.
    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    fn payload(&self, name: &str) -> Result<&Value, Error> {
        self.value(name).ok_or_else(|| self.invalid(&format!("`{name}` is missing")))
    }

    fn required(&self, name: &str) -> Result<&str, Error> {
        self.optional(name)?.ok_or_else(|| self.invalid(&format!("`{name}` is missing")))
    }

    fn optional(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(string)) => Ok(Some(string)),
            Some(_) => Err(self.invalid(&format!("`{name}` is not a string"))),
        }
    }

    fn parsed<A: DeserializeOwned>(&self, name: &str) -> Result<Option<A>, Error> {
        let parsed = self.value(name).map(|value| serde_json::from_str(&value.to_string())).transpose();
        parsed.map_err(|error| self.invalid(&format!("`{name}`: {error}")))
    }

    fn invalid(&self, why: &str) -> Error {
        invalid(self.operation, why)
    }
}

fn invalid(operation: &str, why: &str) -> Error {
    Error::new(ErrorKind::Encode, format!("the client cannot call `{operation}`: {why}"))
}

#[cfg(test)]
mod tests {
    use super::call;
    use contract_tests::Recorder;
    use http::Uri;
    use sessions_client::{Error, Response, SessionsHttpClientV1, sessions_v1, transport_fn};

    /// Returns the target and the body of the request for a call.
    async fn sent(operation: &str, query: &str, body: &str) -> Result<(String, String), Error> {
        let recorder = Recorder::new(transport_fn(|_call| async { Ok(Response::default()) }));
        let client = SessionsHttpClientV1::new(recorder.clone()).with_payloads();
        let route = sessions_v1::ROUTES.iter().find(|route| route.name == operation).unwrap();
        let uri: Uri = format!("{}{query}", route.path).parse().unwrap();
        call(&client, route, &uri, body).await?;
        let request = recorder.last().unwrap().request;
        Ok((request.uri().to_string(), String::from_utf8(request.body().to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn payloads_are_sent_with_their_keys_in_order() {
        let body = r#"{"session_id":"1","data":{"b":1,"a":{"d":2,"c":3}}}"#;
        assert_eq!(sent("store_session_data", "", body).await.unwrap().1, body);
    }

    #[tokio::test]
    async fn the_correlation_id_of_the_query_is_sent() {
        let body = r#"{"session_id":"1"}"#;
        let (target, _) = sent("close_session", "?correlation_id=a%20b", body).await.unwrap();
        assert_eq!(target, "/v1/sessions/close_session?correlation_id=a%20b");
    }

    #[tokio::test]
    async fn every_operation_can_be_called() {
        let body = r#"{"session_id":"1","user_id":"1","user":1,"data":1}"#;
        for route in sessions_v1::ROUTES {
            assert!(sent(route.name, "", body).await.is_ok(), "{}", route.name);
        }
    }

    #[tokio::test]
    async fn missing_and_invalid_arguments_are_rejected() {
        for (body, why) in [
            ("[]", "the arguments are not a JSON object"),
            ("{}", "`user_id` is missing"),
            (r#"{"user_id":"1","client":2}"#, "`client` is not a string"),
        ] {
            let error = sent("open_session", "", body).await.unwrap_err();
            assert_eq!(error.to_string(), format!("the client cannot call `open_session`: {why}"));
        }
    }
}
