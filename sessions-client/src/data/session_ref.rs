//! A session that borrows from the response.

use pip_services::timestamp::{self, Timestamp};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use wiretrait::ObjectDeserializer;

/// A [`SessionV1`](crate::SessionV1) that borrows its strings from the response, for programs that read many
/// sessions and keep few.
///
/// It is read from a [`RawResponse`](crate::RawResponse). Reading a page of these takes two thirds of the
/// time of a page of `SessionV1`, and a single allocation, for the list, unless strings have escapes.
///
/// `U` and `D` are the types of `user` and `data`, which may borrow as well. The default skips their JSON and
/// leaves only whether they are present; `&RawValue` (feature `raw-value`) borrows it.
///
/// ```
/// use sessions_client::{DataPage, FilterParams, SessionRef, sessions_v1};
/// # use sessions_client::{InProcessTransport, ISessionsV1, SessionsHttpClientV1, SessionsMemoryClientV1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// # let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
/// # let client = SessionsHttpClientV1::new(InProcessTransport::new(service));
/// # client.open_session(None, "user-1", None, None, None, None, None).await?;
/// let filter = FilterParams::new().active(true);
/// let response = client.caller().call_raw(sessions_v1::GetSessions::new().filter(&filter)).await?;
/// let page: DataPage<SessionRef<'_>> = response.read()?;
/// let users: Vec<_> = page.data.iter().filter_map(|session| session.user_id.as_deref()).collect();
/// assert_eq!(users, ["user-1"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct SessionRef<'a, U = IgnoredAny, D = IgnoredAny> {
    /// The id, created by the service.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The id of the user. The service stores an empty id as `null`.
    #[serde(default, deserialize_with = "optional")]
    pub user_id: Option<Cow<'a, str>>,
    /// The name of the user.
    #[serde(default, deserialize_with = "optional")]
    pub user_name: Option<Cow<'a, str>>,
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
    #[serde(default, deserialize_with = "optional")]
    pub address: Option<Cow<'a, str>>,
    /// The user's client, such as a browser.
    #[serde(default, deserialize_with = "optional")]
    pub client: Option<Cow<'a, str>>,
    /// The application's data of the user. Not in lists; removed when the session is closed.
    #[serde(default = "Option::default")]
    pub user: Option<U>,
    /// The application's data of the session. Not in lists; removed when the session is closed.
    #[serde(default = "Option::default")]
    pub data: Option<D>,
}

/// Reads a string that may be absent or `null`. serde borrows a `Cow`, but copies one within an `Option`.
fn optional<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Required<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Required<'a>>::deserialize(deserializer)?.map(|Required(string)| string))
}

impl<'de: 'a, 'a, U: Deserialize<'de>, D: Deserialize<'de>> Deserialize<'de> for SessionRef<'a, U, D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        Self::deserialize(ObjectDeserializer(deserializer))
    }
}

/// Shows id and state, like [`SessionV1`](crate::SessionV1).
impl<U, D> fmt::Debug for SessionRef<'_, U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRef")
            .field("id", &self.id)
            .field("active", &self.active)
            .field("open_time", &self.open_time)
            .field("request_time", &self.request_time)
            .field("close_time", &self.close_time)
            .finish_non_exhaustive()
    }
}
