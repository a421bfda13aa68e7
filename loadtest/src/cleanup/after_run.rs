//! The clean-up after a run: the leftover check within its time limit, with its progress.

use super::leftover_check::LeftoverCheck;
use crate::client::CleanupClient;
use crate::executors::goose_attack::STATUS_INTERVAL;
use crate::executors::shared::SharedState;
use crate::executors::stop::SECOND_SIGNAL;
use crate::format::count;
use crate::metrics::SessionSummary;
use crate::output::progress::LiveView;
use crate::scenarios::session_calls::SessionsState;
use crate::status;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The reason why the clean-up is not complete after its time limit.
pub(crate) fn time_limit_reached(limit: Duration) -> String {
    format!("stopped after {} s (--cleanup-timeout)", limit.as_secs_f64().round())
}

/// Deletes the leftovers of the run within its time limit, or until a second signal.
pub(crate) async fn clean_up_after_run(
    shared: &Arc<SharedState>,
    sessions: &Arc<SessionsState>,
    client: CleanupClient,
) -> SessionSummary {
    let check = Arc::new(LeftoverCheck::new(shared, sessions, client));
    let limit = shared.cleanup_timeout();
    let stopped = tokio::select! {
        () = check.run() => None,
        () = tokio::time::sleep(limit) => {
            Some(time_limit_reached(limit))
        }
        () = shared.stop.abandoned() => Some(SECOND_SIGNAL.to_owned()),
        () = report_progress(Arc::clone(&check), Instant::now() + limit) => None,
    };
    check.summary(stopped)
}

/// Reports the progress on a terminal, or in a line every few seconds, for ever.
async fn report_progress(check: Arc<LeftoverCheck>, end: Instant) {
    let message = move || {
        let [deleted, left] = check.progress().map(count);
        let seconds = end.saturating_duration_since(Instant::now()).as_secs();
        format!("clean-up: {deleted} sessions deleted, {left} left, stops in {seconds} s at the latest")
    };
    let view = LiveView::show(message.clone());
    loop {
        tokio::time::sleep(STATUS_INTERVAL).await;
        if !view.is_visible() {
            status::log(message());
        }
    }
}
