//! A session that borrows from the answer that it stands in.

use super::{Timestamp, timestamp};
use crate::object::Object;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A [`SessionV1`](crate::SessionV1) for who reads many and keeps few: its texts stay in the answer.
///
/// It reads every answer that a `SessionV1` reads, from a [`RawResponse`](crate::RawResponse). A page of these costs
/// two thirds of a page of those, and one allocation for all its texts together that have no escape: that of the list.
///
/// `U` and `D` are the types of `user` and `data`, and may borrow too. With the default they are passed over, which
/// leaves whether there was one; `&RawValue` (feature `raw-value`) leaves them as the JSON that they are.
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
/// let answer = client.caller().call_raw(sessions_v1::GetSessions::new().filter(&filter)).await?;
/// let page: DataPage<SessionRef<'_>> = answer.read()?;
/// let users: Vec<_> = page.data.iter().filter_map(|session| session.user_id.as_deref()).collect();
/// assert_eq!(users, ["user-1"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct SessionRef<'a, U = IgnoredAny, D = IgnoredAny> {
    /// The id that the service made.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Whose session it is. The service keeps an empty id as none.
    #[serde(default, deserialize_with = "optional")]
    pub user_id: Option<Cow<'a, str>>,
    /// The name of the user.
    #[serde(default, deserialize_with = "optional")]
    pub user_name: Option<Cow<'a, str>>,
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
    #[serde(default, deserialize_with = "optional")]
    pub address: Option<Cow<'a, str>>,
    /// What the user called with.
    #[serde(default, deserialize_with = "optional")]
    pub client: Option<Cow<'a, str>>,
    /// What the application knows of the user. Never in a list, and gone once the session is closed.
    #[serde(default = "Option::default")]
    pub user: Option<U>,
    /// What the application keeps in the session. Never in a list, and gone once the session is closed.
    #[serde(default = "Option::default")]
    pub data: Option<D>,
}

/// A text that may be absent or null. serde would copy it: it borrows a `Cow`, but none within an `Option`.
fn optional<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Required<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Required<'a>>::deserialize(deserializer)?.map(|Required(text)| text))
}

impl<'de: 'a, 'a, U: Deserialize<'de>, D: Deserialize<'de>> Deserialize<'de> for SessionRef<'a, U, D> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        Self::deserialize(Object(deserializer))
    }
}

/// Shows which session it is and its state, as [`SessionV1`](crate::SessionV1) does.
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
