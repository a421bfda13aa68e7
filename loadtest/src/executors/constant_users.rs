//! The executor of the closed model: goose's users loop over iterations.

use super::stop::Stop;
use goose::config::GooseConfiguration;
use goose::util::parse_timespan;
use std::time::Duration;

/// Ends the run where goose does not.
#[derive(Debug)]
pub(crate) struct ConstantUsers {
    run_time: Option<Duration>,
}

impl ConstantUsers {
    /// Takes the run time out of goose's configuration if the dashboard is enabled: once its page was opened,
    /// goose would keep running for it.
    pub(crate) fn new(goose: &mut GooseConfiguration) -> Self {
        let run_time = goose.dashboard.then(|| goose.run_time.take()).flatten();
        let seconds = run_time.as_deref().and_then(parse_timespan);
        Self { run_time: seconds.map(|seconds| Duration::from_secs(seconds as u64)) }
    }

    pub(crate) fn start(self, stop: &Stop) {
        let Some(run_time) = self.run_time else { return };
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(run_time).await;
            stop.end_as_planned();
        });
    }
}
