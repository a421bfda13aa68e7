//! All pages of a list as one stream.
//!
//! The service knows `skip` and `take` and no cursor, and its pages can be smaller than what is asked for. Who
//! reads all of a list by hand has to get the end right, go on after a failure, and stop when the service does
//! not keep to the rules. That is here, once, over any [`ISessionsV1`].

use crate::contract::{DynISessionsV1, ISessionsV1, sessions_v1};
use crate::data::{DataPage, FilterParams, PagingParams, SessionV1};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Payload;
use futures_core::Stream;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

/// The method [`sessions`](Self::sessions) of every client that can be cloned: of the clients themselves, of
/// `&client`, and of `Arc<dyn DynISessionsV1>`.
pub trait ISessionsV1Ext<U: Payload = Value, D: Payload = Value>: ISessionsV1<U, D> + Clone {
    /// All sessions that match `filter`, without their `user` and `data`, page after page.
    ///
    /// Nothing is sent before the stream is polled. It holds a clone of the client.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use sessions_client::stream::ISessionsV1Ext;
    /// use sessions_client::{FilterParams, ISessionsV1, SessionsMemoryClientV1};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sessions_client::Result<()> {
    /// let client = SessionsMemoryClientV1::new();
    /// for _ in 0..250 {
    ///     client.open_session(None, "user-1", None, None, None, None, None).await?;
    /// }
    ///
    /// let mut sessions = client.sessions(FilterParams::new().user_id("user-1").active(true));
    /// let mut count = 0;
    /// while let Some(session) = sessions.try_next().await? {
    ///     assert!(session.active);
    ///     count += 1;
    /// }
    /// assert_eq!(count, 250);
    /// # Ok(())
    /// # }
    /// ```
    fn sessions<'a>(&self, filter: FilterParams) -> SessionStream<'a, U, D>
    where
        Self: 'a,
    {
        SessionStream::new(Arc::new(self.clone()), filter)
    }
}

impl<S: ISessionsV1<U, D> + Clone, U: Payload, D: Payload> ISessionsV1Ext<U, D> for S {}

type Answer<'a, U, D> = Pin<Box<dyn Future<Output = Result<DataPage<SessionV1<U, D>>>> + Send + 'a>>;

/// The sessions of a list, across its pages: what [`sessions`](ISessionsV1Ext::sessions) returns.
///
/// # The end
///
/// An empty page is the end. A short one is not, since a service can be set to smaller pages than are asked for
/// (`options.max_page_size`). The first page is asked for with its total, so that a list that fits on it takes
/// one request.
///
/// # Failures
///
/// An error is an item. After one that [may pass](Error::is_retryable) the stream asks for the same page when it
/// is polled again, and nothing is lost or repeated; it does not pause, and what the client's own policies repeat
/// they have repeated by then. After any other error the stream has ended, and after the
/// [third in a row](Self::with_max_failures), so that somebody who only skips errors does not ask a service that is
/// down for ever.
///
/// Dropping the future of `next` loses nothing: a page that is on its way stays with the stream. Dropping the
/// stream gives the page up.
///
/// [`position`](Self::position) says at any time how far the stream has come. Another stream, in another process
/// too, goes on from there by [`with_position`](Self::with_position):
///
/// ```
/// use futures_util::TryStreamExt;
/// use sessions_client::stream::ISessionsV1Ext;
/// use sessions_client::{FilterParams, ISessionsV1, Result};
///
/// /// Reads on from `*bookmark`, which is right whether or not this succeeds.
/// async fn read_on(client: &impl ISessionsV1, bookmark: &mut u32) -> Result<usize> {
///     let mut sessions = client.sessions(FilterParams::new()).with_position(*bookmark);
///     let mut count = 0;
///     while let Some(_session) = sessions.try_next().await? {
///         count += 1;
///         *bookmark = sessions.position();
///     }
///     Ok(count)
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let client = sessions_client::SessionsMemoryClientV1::new();
/// let mut bookmark = 0;
/// client.open_session(None, "user-1", None, None, None, None, None).await?;
/// assert_eq!(read_on(&client, &mut bookmark).await?, 1);
/// client.open_session(None, "user-2", None, None, None, None, None).await?;
/// assert_eq!(read_on(&client, &mut bookmark).await?, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Changes in the meantime
///
/// Pages are cut by counting. A session that is deleted, or no longer matches the filter, moves those behind it
/// forward, and as many are missed at the next page; one that comes in before the position moves others back,
/// and they come again. What stood on the page before is left out then, but not what stood on an earlier one.
/// Whoever closes or deletes what the stream gives reads a list to its end first, or reads its first page until
/// that is empty. The service promises no order; in memory it is that of opening.
///
/// # A service that does not keep to the rules
///
/// The stream ends in any case. A page that begins with the same session as the one before it is an error, as a
/// service that ignores `skip` answers with it for ever; a list of more than [`limit`](Self::with_limit) sessions
/// is an error as well, both of [`ErrorKind::Decode`]. A page that is longer than asked for is taken whole.
pub struct SessionStream<'a, U = Value, D = Value> {
    client: Arc<dyn DynISessionsV1<U, D> + 'a>,
    correlation_id: Option<String>,
    filter: FilterParams,
    page_size: u32,
    limit: u32,
    position: u32,
    /// The page that is on its way.
    answer: Option<Answer<'a, U, D>>,
    /// What is left of the page that came last.
    page: vec::IntoIter<SessionV1<U, D>>,
    /// Its first session; none before the first page.
    first: Option<String>,
    ids: HashSet<String>,
    /// What stood on the page before it.
    ids_before: HashSet<String>,
    is_last_page: bool,
    /// Errors since the last page.
    failures: u32,
    /// So many in a row, and the stream has ended.
    max_failures: u32,
    is_over: bool,
}

impl<'a, U: Payload, D: Payload> SessionStream<'a, U, D> {
    fn new(client: Arc<dyn DynISessionsV1<U, D> + 'a>, filter: FilterParams) -> Self {
        Self {
            client,
            correlation_id: None,
            filter,
            page_size: 100,
            limit: 1_000_000,
            position: 0,
            answer: None,
            page: Vec::new().into_iter(),
            first: None,
            ids: HashSet::new(),
            ids_before: HashSet::new(),
            is_last_page: false,
            failures: 0,
            max_failures: 3,
            is_over: false,
        }
    }

    /// The same stream with `size` sessions a page, from the next page on. The default is 100, which is also the
    /// largest page of the service; 0 leaves the size to the service.
    #[must_use]
    pub fn with_page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// The same stream for a list of `limit` sessions at most, those before its position included. One session
    /// more is an error. The default is 1,000,000.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// The same stream, which ends after `count` failures in a row: the last of them is its last item, and
    /// [`position`](Self::position) is where another stream goes on. The default is 3; 0 and 1 both end it at the
    /// first.
    #[must_use]
    pub fn with_max_failures(mut self, count: u32) -> Self {
        self.max_failures = count;
        self
    }

    /// The same stream with a correlation id on each of its requests.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.correlation_id = Some(correlation_id.into());
        self
    }

    /// A stream of the same list from `position` on, as [`position`](Self::position) told it for another stream
    /// with the same filter. What this one has read or asked for is forgotten.
    #[must_use]
    pub fn with_position(self, position: u32) -> Self {
        let Self { client, correlation_id, filter, page_size, limit, max_failures, .. } = self;
        Self { correlation_id, page_size, limit, position, max_failures, ..Self::new(client, filter) }
    }

    /// How many sessions of the list are behind the stream: those that it gave, and those that it left out.
    #[must_use]
    pub fn position(&self) -> u32 {
        self.position
    }

    fn ask(&self) -> Answer<'a, U, D> {
        let (client, correlation_id) = (Arc::clone(&self.client), self.correlation_id.clone());
        let filter = self.filter.clone();
        let paging = PagingParams::new().skip(self.position).take(self.page_size).total(self.first.is_none());
        Box::pin(
            async move { client.get_sessions(correlation_id.as_deref(), Some(&filter), Some(&paging)).await },
        )
    }

    fn turn(&mut self, page: DataPage<SessionV1<U, D>>) -> Result<()> {
        let DataPage { data, total } = page;
        let Some(first) = data.first().map(|session| session.id.clone()) else {
            self.is_last_page = true;
            return Ok(());
        };
        if self.first.as_ref() == Some(&first) {
            return Err(misbehaviour(format!(
                "the page after {} sessions begins as the page before it: the service seems to ignore `skip`",
                self.position
            )));
        }
        // A count alone could be that of the page.
        let is_short = data.len() < self.page_size as usize;
        let counted = u64::from(self.position) + data.len() as u64;
        self.is_last_page = is_short && total.is_some_and(|total| counted >= total);
        self.first = Some(first);
        let ids = data.iter().map(|session| session.id.clone()).collect();
        self.ids_before = std::mem::replace(&mut self.ids, ids);
        self.page = data.into_iter();
        Ok(())
    }

    /// The next session of the page that is here.
    fn next_of_page(&mut self) -> Option<Result<SessionV1<U, D>>> {
        loop {
            let session = self.page.next()?;
            if self.position >= self.limit {
                let message =
                    format!("the list has more than {} sessions, which is the stream's limit", self.limit);
                return Some(Err(misbehaviour(message)));
            }
            self.position += 1;
            if !self.ids_before.contains(&session.id) {
                return Some(Ok(session));
            }
        }
    }
}

fn misbehaviour(message: String) -> Error {
    Error::new(ErrorKind::Decode, message).with_operation(sessions_v1::GET_SESSIONS.name)
}

impl<U: Payload, D: Payload> Stream for SessionStream<'_, U, D> {
    type Item = Result<SessionV1<U, D>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let item = loop {
            if this.is_over {
                return Poll::Ready(None);
            }
            if let Some(item) = this.next_of_page() {
                break item;
            }
            if this.is_last_page {
                this.is_over = true;
                continue;
            }
            let mut answer = this.answer.take().unwrap_or_else(|| this.ask());
            let Poll::Ready(page) = answer.as_mut().poll(context) else {
                this.answer = Some(answer);
                return Poll::Pending;
            };
            match page.and_then(|page| this.turn(page)) {
                Ok(()) => this.failures = 0,
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &item {
            this.failures += 1;
            this.is_over = !error.is_retryable() || this.failures >= this.max_failures;
        }
        Poll::Ready(Some(item))
    }
}

/// Nothing in it is pinned where it stands, whatever the payloads are.
impl<U, D> Unpin for SessionStream<'_, U, D> {}

impl<U, D> fmt::Debug for SessionStream<'_, U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStream")
            .field("filter", &self.filter)
            .field("page_size", &self.page_size)
            .field("limit", &self.limit)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
