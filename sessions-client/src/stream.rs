//! All pages of a list as one stream, over any [`ISessionsV1`].
//!
//! The service has `skip` and `take` but no cursor, and its pages can be smaller than requested. The stream
//! finds the end of the list, resumes after failures, and stops if the service ignores its parameters.

use crate::contract::{DynISessionsV1, ISessionsV1, sessions_v1};
use crate::{DataPage, Error, ErrorKind, FilterParams, PagingParams, Payload, Result, SessionV1};
use futures_core::Stream;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

/// An extension of every client that can be cloned, including `&client` and `Arc<dyn DynISessionsV1>`.
pub trait ISessionsV1Ext<U: Payload = Value, D: Payload = Value>: ISessionsV1<U, D> + Clone {
    /// Returns a stream of all sessions that match `filter`, without their `user` and `data`.
    ///
    /// The stream holds a clone of the client, and sends nothing before it is polled.
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

type PageFuture<'a, U, D> = Pin<Box<dyn Future<Output = Result<DataPage<SessionV1<U, D>>>> + Send + 'a>>;

/// A stream of the sessions on all pages of a list, returned by [`sessions`](ISessionsV1Ext::sessions).
///
/// # End of the list
///
/// The list ends at an empty page. A short page is not the end, since a service can be configured with
/// smaller pages than requested (`options.max_page_size`). The request for the first page also asks for the
/// total, so a list of one page takes one request.
///
/// # Failures
///
/// An error is an item of the stream. After a [retryable](Error::is_retryable) error the stream requests the
/// same page when it is polled again, so no session is lost or returned twice. It does not pause: the
/// client's own policies have retried the request before. The stream ends after any other error, and after
/// the [third error in a row](Self::with_max_failures), so that a caller that skips errors does not poll a
/// failing service forever.
///
/// Dropping the future of `next` loses nothing: the stream keeps its current request. Dropping the stream
/// cancels it.
///
/// [`position`](Self::position) returns the current offset in the list. Another stream, also in another
/// process, resumes there with [`with_position`](Self::with_position):
///
/// ```
/// use futures_util::TryStreamExt;
/// use sessions_client::stream::ISessionsV1Ext;
/// use sessions_client::{FilterParams, ISessionsV1, Result};
///
/// /// Reads the sessions after `*bookmark`, and updates it, also if an error is returned.
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
/// # Concurrent changes
///
/// Pages are offsets in the list. A session that is deleted, or that no longer matches the filter, moves the
/// following ones forward, so the next page misses one. A session inserted before the current offset moves
/// others back, so the next page contains some of them again; the stream skips those of the page just before,
/// but not those of earlier pages. To close or delete the sessions of a list, read it to its end first, or
/// read its first page until that is empty. The service does not specify an order; its in-memory persistence
/// lists sessions in the order of opening.
///
/// # Limits
///
/// The stream always ends. A page that begins with the same session as the page before is an error, since a
/// service that ignores `skip` would return it forever. A list of more than [`limit`](Self::with_limit)
/// sessions is an error, too. Both are of [`ErrorKind::Decode`]. A page that is longer than requested is
/// returned whole.
pub struct SessionStream<'a, U = Value, D = Value> {
    client: Arc<dyn DynISessionsV1<U, D> + 'a>,
    correlation_id: Option<String>,
    filter: FilterParams,
    page_size: u32,
    limit: u32,
    position: u32,
    /// The current request.
    pending: Option<PageFuture<'a, U, D>>,
    /// The rest of the current page.
    page: vec::IntoIter<SessionV1<U, D>>,
    /// The id of its first session; `None` before the first page.
    first: Option<String>,
    ids: HashSet<String>,
    /// The ids of the page before.
    ids_before: HashSet<String>,
    is_last_page: bool,
    /// The number of errors since the last page.
    failures: u32,
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
            pending: None,
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

    /// Sets the page size, from the next page on. The default is 100, which is also the largest page of the
    /// service; 0 means the service's default.
    #[must_use]
    pub fn with_page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// Sets the maximum number of sessions in the list, including those before the stream's position. One
    /// more is an error. The default is 1,000,000.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the number of errors in a row after which the stream ends. The last error is its last item, and
    /// another stream can resume at [`position`](Self::position). The default is 3; 0 and 1 both mean the
    /// first error.
    #[must_use]
    pub fn with_max_failures(mut self, count: u32) -> Self {
        self.max_failures = count;
        self
    }

    /// Sets the correlation id of all requests.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.correlation_id = Some(correlation_id.into());
        self
    }

    /// Sets the offset in the list, as returned by [`position`](Self::position) of another stream with the
    /// same filter. Sessions already read and the current request are dropped.
    #[must_use]
    pub fn with_position(self, position: u32) -> Self {
        let Self { client, correlation_id, filter, page_size, limit, max_failures, .. } = self;
        Self { correlation_id, page_size, limit, position, max_failures, ..Self::new(client, filter) }
    }

    /// Returns the current offset in the list: the number of sessions returned or skipped.
    #[must_use]
    pub fn position(&self) -> u32 {
        self.position
    }

    fn request_page(&self) -> PageFuture<'a, U, D> {
        let (client, correlation_id) = (Arc::clone(&self.client), self.correlation_id.clone());
        let filter = self.filter.clone();
        let paging = PagingParams::new().skip(self.position).take(self.page_size).total(self.first.is_none());
        Box::pin(
            async move { client.get_sessions(correlation_id.as_deref(), Some(&filter), Some(&paging)).await },
        )
    }

    fn take_page(&mut self, page: DataPage<SessionV1<U, D>>) -> Result<()> {
        let DataPage { data, total, .. } = page;
        let Some(first) = data.first().map(|session| session.id.clone()) else {
            self.is_last_page = true;
            return Ok(());
        };
        if self.first.as_ref() == Some(&first) {
            return Err(bad_list(format!(
                "the page after {} sessions begins with the same session as the page before: \
                 the service seems to ignore `skip`",
                self.position
            )));
        }
        // A short page is required as well: some services return the number of sessions on the page as the
        // total.
        let is_short = data.len() < self.page_size as usize;
        let counted = u64::from(self.position) + data.len() as u64;
        self.is_last_page = is_short && total.is_some_and(|total| counted >= total);
        self.first = Some(first);
        let ids = data.iter().map(|session| session.id.clone()).collect();
        self.ids_before = std::mem::replace(&mut self.ids, ids);
        self.page = data.into_iter();
        Ok(())
    }

    /// Returns the next session of the current page.
    fn next_of_page(&mut self) -> Option<Result<SessionV1<U, D>>> {
        loop {
            let session = self.page.next()?;
            if self.position >= self.limit {
                let message =
                    format!("the list has more than {} sessions, the limit of the stream", self.limit);
                return Some(Err(bad_list(message)));
            }
            self.position += 1;
            if !self.ids_before.contains(&session.id) {
                return Some(Ok(session));
            }
        }
    }
}

fn bad_list(message: String) -> Error {
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
            let mut request = this.pending.take().unwrap_or_else(|| this.request_page());
            let Poll::Ready(page) = request.as_mut().poll(context) else {
                this.pending = Some(request);
                return Poll::Pending;
            };
            match page.and_then(|page| this.take_page(page)) {
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

/// No field is structurally pinned, whatever the payloads are.
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
