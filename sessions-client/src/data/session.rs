//! A session.

use super::{Timestamp, timestamp};
use crate::object::Object;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A user's session.
///
/// `U` and `D` are the types of `user` and `data`; with the default, [`Value`], they are whatever JSON the
/// service holds. What the service does not know is `None`, whether it writes `null` or leaves the key out.
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
/// // Over the network it is `SessionsHttpClientV1::connect(url)?.with_payloads()`.
/// let sessions = SessionsHttpClientV1::new(service).with_payloads::<User, Cart>();
/// let (user, cart) = (User { email: "ann@example.com".into() }, Cart { items: vec!["book".into()] });
/// let session: SessionV1<User, Cart> =
///     sessions_v1::OpenSession::new("user-1").user(&user).data(&cart).send(&sessions).await?;
/// assert_eq!(session.data.unwrap().items, ["book"]);
/// # Ok(())
/// # }
/// ```
///
/// The example `typed_payloads` goes on from here.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct SessionV1<U = Value, D = Value> {
    /// The id that the service made: 32 hexadecimal digits from the Node services.
    pub id: String,
    /// Whose session it is. The service keeps an empty id as none.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The name of the user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Whether it is open.
    pub active: bool,
    /// When it was opened.
    #[serde(deserialize_with = "timestamp::required")]
    pub open_time: Timestamp,
    /// When it was last changed; reading it does not count.
    #[serde(deserialize_with = "timestamp::required")]
    pub request_time: Timestamp,
    /// When it was closed; the latest time if that happened more than once.
    #[serde(default, deserialize_with = "timestamp::optional")]
    pub close_time: Option<Timestamp>,
    /// Where the user called from.
    #[serde(default)]
    pub address: Option<String>,
    /// What the user called with.
    #[serde(default)]
    pub client: Option<String>,
    /// What the application knows of the user. Never in a list, and gone once the session is closed.
    #[serde(default = "Option::default")]
    pub user: Option<U>,
    /// What the application keeps in the session. Never in a list, and gone once the session is closed.
    #[serde(default = "Option::default")]
    pub data: Option<D>,
}

impl<U, D> SessionV1<U, D> {
    /// A session that was just opened: active, never changed, of nobody in particular.
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
}

impl<'de, U: Deserialize<'de>, D: Deserialize<'de>> Deserialize<'de> for SessionV1<U, D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        Self::deserialize(Object(deserializer))
    }
}

/// Keys in the order of the service, which differs between a single session (`user` and `data` always
/// there) and one in a list (never there).
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

/// A session as it stands in a list.
pub(super) struct Listed<'s, U, D>(pub(super) &'s SessionV1<U, D>);

impl<U: Serialize, D: Serialize> Serialize for Listed<'_, U, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, true, serializer)
    }
}

/// Shows which session it is and its state; names, addresses and payloads are the user's.
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
