//! The measured process: calls one operation of one client with concurrent callers, and prints one line of
//! JSON.

use crate::clients::{self, Caller, Client, Job};
use crate::wire::Operation;
use anyhow::{Context, Result};
use clap::Args;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The arguments of `work`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Work {
    /// Client to measure
    pub(crate) client: Client,
    /// Operation to call
    pub(crate) operation: Operation,
    /// URL of the service, such as `http://127.0.0.1:8080`
    pub(crate) url: String,
    /// Number of concurrent callers, each with one call at a time
    #[arg(long, default_value_t = 1)]
    pub(crate) callers: usize,
    /// Number of calls of each caller before the measurement
    #[arg(long, default_value_t = 0)]
    pub(crate) warm_up: u32,
    /// Number of calls to make instead of `--seconds`
    #[arg(long)]
    pub(crate) calls: Option<u64>,
    /// Duration of the measurement, in seconds
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
}

/// The measurements of one process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
    /// User and system CPU time of the client's process.
    pub(crate) cpu_seconds: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    /// Resident memory of the client's process at the end.
    pub(crate) resident_bytes: u64,
}

impl Measured {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls as f64 / self.seconds
    }

    pub(crate) fn cpu_micros_per_call(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.calls as f64
    }
}

impl Work {
    /// Makes the calls and returns the measurements.
    pub(crate) async fn run(self) -> Result<Measured> {
        clients::with(self.client, self).await
    }
}

impl Job for Work {
    type Output = Result<Measured>;

    async fn with<C: Caller>(self) -> Result<Measured> {
        let mut callers = vec![C::first(&self.url).await?];
        for _ in 1..self.callers {
            let another = callers[0].another().await?;
            callers.push(another);
        }
        let operation = self.operation;
        if self.warm_up > 0 {
            callers = run_all(callers, async move |caller| {
                for _ in 0..self.warm_up {
                    caller.checked(operation).await?;
                }
                Ok(())
            })
            .await?;
        }

        let left = Rc::new(Cell::new(self.calls.unwrap_or(u64::MAX)));
        let length =
            Duration::try_from_secs_f64(self.seconds).context("`--seconds` is not a valid duration")?;
        let nanos = Rc::new(RefCell::new(Vec::<u32>::with_capacity(1 << 20)));
        let (begin, cpu) = (Instant::now(), cpu_seconds(UsageWho::RUSAGE_SELF)?);
        run_all(callers, {
            let (left, nanos) = (Rc::clone(&left), Rc::clone(&nanos));
            async move |caller| {
                let mut due = Instant::now();
                while left.get() > 0 && (self.calls.is_some() || due - begin < length) {
                    left.set(left.get() - 1);
                    caller.checked(operation).await?;
                    let done = Instant::now();
                    let took = u32::try_from((done - due).as_nanos()).unwrap_or(u32::MAX);
                    nanos.borrow_mut().push(took);
                    due = done;
                }
                Ok(())
            }
        })
        .await?;
        let (seconds, cpu_seconds) =
            (begin.elapsed().as_secs_f64(), cpu_seconds(UsageWho::RUSAGE_SELF)? - cpu);

        let mut nanos = nanos.borrow_mut();
        nanos.sort_unstable();
        let quantile = |share: f64| {
            let rank = (share * nanos.len() as f64) as usize;
            nanos.get(rank.min(nanos.len().saturating_sub(1))).map_or(0.0, |&nanos| f64::from(nanos) / 1e3)
        };
        Ok(Measured {
            calls: nanos.len() as u64,
            seconds,
            cpu_seconds,
            p50_micros: quantile(0.5),
            p99_micros: quantile(0.99),
            resident_bytes: resident()?,
        })
    }
}

/// Runs `work` concurrently with all callers, and returns the callers when all have finished.
async fn run_all<C, F>(callers: Vec<C>, work: F) -> Result<Vec<C>>
where
    C: Caller,
    F: AsyncFn(&mut C) -> Result<()> + Clone + 'static,
{
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let work = work.clone();
        tasks.spawn_local(async move { work(&mut caller).await.map(|()| caller) });
    }
    let mut callers = Vec::with_capacity(tasks.len());
    while let Some(caller) = tasks.join_next().await {
        callers.push(caller??);
    }
    Ok(callers)
}

/// Returns the user and system CPU time of `who` so far, in seconds.
pub(crate) fn cpu_seconds(who: UsageWho) -> Result<f64> {
    let usage = getrusage(who)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Returns the resident memory of this process in bytes, or 0 on systems other than Linux.
fn resident() -> Result<u64> {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages.split(' ').nth(1).unwrap_or("0").parse()?;
    Ok(pages * 4096)
}
