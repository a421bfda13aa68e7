//! The rejection of requests beyond a number at once, which the real service does not have.
//!
//! A request counts from its head until its response, also while its body arrives. The server's time and state can always
//! be read, so that a health check does not take a busy service for a dead one.

use crate::endpoints;
use crate::errors::error_response;
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

#[cfg(test)]
mod tests {
    use crate::{Service, ServiceOptions, SessionStore};
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use std::num::NonZeroUsize;
    use std::time::Duration;
    use tokio::time::Instant;

    /// Returns the statuses of three requests at once to a service that accepts two, and the time that they took.
    async fn statuses(options: ServiceOptions, path: &str) -> ([u16; 3], Duration) {
        let options = options.with_max_concurrent_requests(NonZeroUsize::new(2).unwrap());
        let service = Service::new(SessionStore::new()).with_options(options);
        let started = Instant::now();
        let respond = async || {
            let request = Request::post(path).header("content-type", "application/json");
            let request = request.body(Full::new(Bytes::from("{}"))).unwrap();
            service.respond(request).await.status().as_u16()
        };
        let (first, second, third) = tokio::join!(respond(), respond(), respond());
        ([first, second, third], started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_requests_beyond_the_limit_are_rejected() {
        let delay = Duration::from_millis(20);
        let delayed = ServiceOptions::new().with_response_delay(delay);
        let pages = "/v1/sessions/get_sessions";
        assert_eq!(statuses(delayed, pages).await, ([200, 200, 503], delay));
        assert_eq!(statuses(ServiceOptions::new(), pages).await, ([200; 3], Duration::ZERO));
        // Requests without a command are not delayed.
        assert_eq!(statuses(delayed, "/v1/sessions/unknown").await, ([404; 3], Duration::ZERO));
        assert_eq!(statuses(delayed, "/heartbeat").await.1, Duration::ZERO);
    }
}
