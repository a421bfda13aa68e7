//! A session.

use pip_services::timestamp::{self, Timestamp};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use wiretrait::ObjectDeserializer;

/// A user's session.
///
/// `U` and `D` are the types of `user` and `data`; the default, [`Value`], is any JSON. A field is `None` if
/// the service writes `null` or leaves the key out.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sessions_client::{InProcessTransport, Result, SessionsHttpClientV1, SessionsMemoryClientV1};
/// use sessions_client::{SessionV1, sessions_v1};
///
/// #[derive(Serialize, Deserialize)]
/// struct User { email: String }
///
/// #[derive(Serialize, Deserialize)]
/// struct Cart { items: Vec<String> }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let service = InProcessTransport::new(sessions_v1::Handler::new(SessionsMemoryClientV1::new()));
/// // Over the network: `SessionsHttpClientV1::connect(url)?.with_payloads()`.
/// let sessions = SessionsHttpClientV1::new(service).with_payloads::<User, Cart>();
/// let (user, cart) = (User { email: "ann@example.com".into() }, Cart { items: vec!["book".into()] });
/// let session: SessionV1<User, Cart> =
///     sessions_v1::OpenSession::new("user-1").user(&user).data(&cart).send(&sessions).await?;
/// assert_eq!(session.data.unwrap().items, ["book"]);
/// # Ok(())
/// # }
/// ```
///
/// See also the example `typed_payloads`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct SessionV1<U = Value, D = Value> {
    /// The id, created by the service: 32 hexadecimal digits from the Node.js service.
    pub id: String,
    /// The id of the user. The service stores an empty id as `null`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The name of the user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// `true` until the session is closed.
    pub active: bool,
    /// When it was opened.
    #[serde(deserialize_with = "timestamp::deserialize")]
    pub open_time: Timestamp,
    /// When it was last changed; reading does not count.
    #[serde(deserialize_with = "timestamp::deserialize")]
    pub request_time: Timestamp,
    /// When it was closed; the latest time if that happened more than once.
    #[serde(default, deserialize_with = "timestamp::optional")]
    pub close_time: Option<Timestamp>,
    /// The address of the user.
    #[serde(default)]
    pub address: Option<String>,
    /// The user's client, such as a browser.
    #[serde(default)]
    pub client: Option<String>,
    /// The application's data of the user. Not in lists; removed when the session is closed.
    #[serde(default = "Option::default")]
    pub user: Option<U>,
    /// The application's data of the session. Not in lists; removed when the session is closed.
    #[serde(default = "Option::default")]
    pub data: Option<D>,
}

impl<U, D> SessionV1<U, D> {
    /// Creates a session that was opened at `open_time` and never changed, without a user.
    #[must_use]
    pub fn new(id: impl Into<String>, open_time: Timestamp) -> Self {
        Self {
            id: id.into(),
            user_id: None,
            user_name: None,
            active: true,
            open_time,
            request_time: open_time,
            close_time: None,
            address: None,
            client: None,
            user: None,
            data: None,
        }
    }

    /// Replaces the payloads, which may be of other types.
    pub(crate) fn with_payloads<V, E>(self, user: Option<V>, data: Option<E>) -> SessionV1<V, E> {
        SessionV1 {
            id: self.id,
            user_id: self.user_id,
            user_name: self.user_name,
            active: self.active,
            open_time: self.open_time,
            request_time: self.request_time,
            close_time: self.close_time,
            address: self.address,
            client: self.client,
            user,
            data,
        }
    }
}

impl<'de, U: Deserialize<'de>, D: Deserialize<'de>> Deserialize<'de> for SessionV1<U, D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        Self::deserialize(ObjectDeserializer(deserializer))
    }
}

/// Writes the keys in the order of the service. `user` and `data` are always present in a single session, and
/// absent in a list.
fn serialize<U: Serialize, D: Serialize, S: Serializer>(
    session: &SessionV1<U, D>,
    in_list: bool,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("id", &session.id)?;
    map.serialize_entry("user_id", &session.user_id)?;
    map.serialize_entry("user_name", &session.user_name)?;
    map.serialize_entry("active", &session.active)?;
    map.serialize_entry("open_time", &timestamp::WrittenTime(&session.open_time))?;
    map.serialize_entry("request_time", &timestamp::WrittenTime(&session.request_time))?;
    map.serialize_entry("address", &session.address)?;
    map.serialize_entry("client", &session.client)?;
    if !in_list || session.user.is_some() {
        map.serialize_entry("user", &session.user)?;
    }
    if !in_list || session.data.is_some() {
        map.serialize_entry("data", &session.data)?;
    }
    if let Some(time) = &session.close_time {
        map.serialize_entry("close_time", &timestamp::WrittenTime(time))?;
    }
    map.end()
}

impl<U: Serialize, D: Serialize> Serialize for SessionV1<U, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self, false, serializer)
    }
}

/// A session as the service writes it in a list, for implementations of the service: without `user` and
/// `data`.
#[derive(Debug)]
pub struct ListedSession<'s, U, D>(pub &'s SessionV1<U, D>);

impl<U: Serialize, D: Serialize> Serialize for ListedSession<'_, U, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, true, serializer)
    }
}

/// Shows id and state. Names, addresses and payloads are private, and not shown.
impl<U, D> fmt::Debug for SessionV1<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionV1")
            .field("id", &self.id)
            .field("active", &self.active)
            .field("open_time", &self.open_time)
            .field("request_time", &self.request_time)
            .field("close_time", &self.close_time)
            .finish_non_exhaustive()
    }
}
