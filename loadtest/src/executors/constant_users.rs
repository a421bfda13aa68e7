//! The executor of the closed model: goose's users loop over iterations, and the load ends when it was planned.
//!
//! goose stops its users between iterations only, up to half a second late. So the end of the load is timed
//! here as well: it cuts pauses short, and no call starts after it.

use super::shared::SharedState;
use goose::config::GooseConfiguration;
use goose::util::{parse_rate, parse_timespan};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The planned end of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlannedEnd {
    /// Some time after all users have started.
    AfterUsers(usize, Duration),
    /// Some time after the start.
    AfterStart(Duration),
}

/// Ends the load when it was planned.
#[derive(Debug)]
pub(crate) struct ConstantUsers {
    end: Option<PlannedEnd>,
    warm_up: Duration,
    /// True if goose would not end the run: it keeps running for the open page of its dashboard.
    ends_goose: bool,
}

impl ConstantUsers {
    /// Reads the plan from goose's configuration, whose run time then includes the warm-up. If the dashboard is
    /// enabled, goose gets no run time.
    pub(crate) fn new(goose: &mut GooseConfiguration, test_plan: Option<&str>, warm_up: Duration) -> Self {
        let end = planned_end(goose, test_plan, warm_up);
        if let Some(run_time) = goose.run_time.as_deref().and_then(seconds)
            && !warm_up.is_zero()
        {
            goose.run_time = Some((run_time + warm_up).as_secs_f64().ceil().to_string());
        }
        let ends_goose = goose.dashboard && goose.run_time.take().is_some();
        Self { end, warm_up, ends_goose }
    }

    pub(crate) fn start(self, shared: &Arc<SharedState>) {
        if !self.warm_up.is_zero() {
            shared.recorder.warm_up_until(Instant::now() + self.warm_up);
        }
        let Some(end) = self.end else { return };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let left = match end {
                PlannedEnd::AfterStart(left) => left,
                PlannedEnd::AfterUsers(users, left) => {
                    shared.counters.wait_for_users(users).await;
                    left
                }
            };
            tokio::time::sleep(left).await;
            if self.ends_goose {
                shared.stop.end_as_planned();
            } else {
                shared.stop.end();
            }
        });
    }
}

/// Returns the planned end; `None` if iterations end the run, or a controller may change the plan.
fn planned_end(goose: &GooseConfiguration, test_plan: Option<&str>, warm_up: Duration) -> Option<PlannedEnd> {
    if !goose.no_telnet || goose.dashboard_control {
        return None;
    }
    if let Some(plan) = test_plan {
        return test_plan_duration(plan).map(PlannedEnd::AfterStart);
    }
    let run_time = seconds(goose.run_time.as_deref()?)?;
    let users = goose.users?;
    let decrease = match (goose.decrease_time.as_deref(), goose.decrease_rate.clone()) {
        (Some(time), _) => seconds(time)?,
        #[expect(clippy::cast_precision_loss, reason = "at most a million users")]
        (None, Some(rate)) => Duration::try_from_secs_f32(users as f32 / parse_rate(Some(rate))).ok()?,
        (None, None) => Duration::ZERO,
    };
    Some(PlannedEnd::AfterUsers(users, warm_up + run_time + decrease))
}

fn seconds(timespan: &str) -> Option<Duration> {
    parse_timespan(timespan).map(|seconds| Duration::from_secs(seconds as u64))
}

/// The duration of a test plan in goose's syntax: `10,30s;0,1m`.
fn test_plan_duration(plan: &str) -> Option<Duration> {
    let steps: Option<Vec<_>> = plan.split(';').map(|step| seconds(step.split_once(',')?.1.trim())).collect();
    let duration = steps?.into_iter().sum();
    (duration > Duration::ZERO).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn end(args: &[&str]) -> Option<PlannedEnd> {
        let cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
        planned_end(&cli.goose, cli.test_plan.as_deref(), Duration::ZERO)
    }

    #[test]
    fn the_run_time_counts_from_the_start_of_the_last_user() {
        let after_users = |users, seconds| PlannedEnd::AfterUsers(users, Duration::from_secs(seconds));
        assert_eq!(end(&["-u", "3", "-t", "1m5s"]), Some(after_users(3, 65)));
        assert_eq!(end(&["-u", "3", "-t", "10s", "--decrease-time", "4"]), Some(after_users(3, 14)));
        assert_eq!(end(&["-u", "6", "-t", "10s", "--decrease-rate", "2"]), Some(after_users(6, 13)));
    }

    #[test]
    fn a_test_plan_ends_after_its_last_step() {
        assert_eq!(
            end(&["--test-plan", "5,2s;5,1m; 0,3"]),
            Some(PlannedEnd::AfterStart(Duration::from_secs(65)))
        );
    }

    #[test]
    fn iterations_and_controllers_have_no_planned_end() {
        assert_eq!(end(&["--iterations", "3"]), None);
        assert_eq!(end(&["-t", "3s", "--telnet-port", "5000"]), None);
    }
}
