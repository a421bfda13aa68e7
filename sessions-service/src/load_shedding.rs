//! The rejection of requests beyond a number at once, which the real service does not have.
//!
//! A request counts from its head until its response, also while its body arrives. The server's time and state can always
//! be read, so that a health check does not take a busy service for a dead one.

use crate::{endpoints, error_response};
use http::header::{HeaderValue, RETRY_AFTER};
use http::{StatusCode, Uri};
use std::num::NonZeroUsize;
use tokio::sync::{Semaphore, SemaphorePermit};
use wiretrait::{Response, ServiceError};

/// The delay that a rejected client is asked for, in seconds.
const DELAY: HeaderValue = HeaderValue::from_static("1");

/// The number of requests at once.
pub(super) struct LoadShedding {
    permits: Semaphore,
    limit: NonZeroUsize,
}

impl LoadShedding {
    pub(super) fn new(limit: NonZeroUsize) -> Self {
        Self { permits: Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS)), limit }
    }

    /// Returns the permit of a request, which ends with its response; `None` if it needs none.
    ///
    /// # Errors
    ///
    /// The response to a request beyond the limit.
    pub(super) fn admit(&self, uri: &Uri) -> Result<Option<SemaphorePermit<'_>>, Box<Response>> {
        if endpoints::ROUTES.iter().any(|route| route.path == uri.path()) {
            return Ok(None);
        }
        self.permits.try_acquire().map(Some).map_err(|_| Box::new(self.rejection()))
    }

    fn rejection(&self) -> Response {
        let message = format!("More than {} requests at once", self.limit);
        let error = ServiceError::new("ServiceUnavailable", message);
        let mut response = error_response(StatusCode::SERVICE_UNAVAILABLE, &error);
        response.headers_mut().insert(RETRY_AFTER, DELAY);
        response
    }
}
