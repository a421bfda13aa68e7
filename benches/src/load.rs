//! The load generator for servers: prepared requests over TCP, one at a time per connection.

use crate::clients::tcp::{Connection, post};
use crate::wire::{Operation, PAGE, data};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The requests to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// Opens sessions.
    OpenSession,
    /// Reads each stored session in turn.
    GetSessionById,
    /// Reads the first page of sessions.
    GetSessions,
}

impl Workload {
    /// Returns the default number of sessions to store before: one page if the workload reads sessions.
    pub(crate) const fn stored(self) -> usize {
        match self {
            Self::OpenSession => 0,
            Self::GetSessionById | Self::GetSessions => PAGE,
        }
    }
}

/// The arguments of `load`.
#[derive(Args, Debug)]
pub(crate) struct Load {
    workload: Workload,
    /// URL of the service, such as `http://127.0.0.1:8080`
    url: String,
    /// Number of sessions to open before the measurement
    #[arg(long, default_value_t = 0)]
    stored: usize,
    /// Number of connections, each with one request at a time
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Duration of the measurement, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Number of requests to send instead of `--seconds`, without a warm-up; used for counting instructions
    #[arg(long)]
    calls: Option<usize>,
    /// Pause before each request, in microseconds
    #[arg(long, default_value_t = 0)]
    pause: u64,
}

/// Distance between two sessions that are read in succession, so that they are not adjacent in memory.
const STRIDE: usize = 7_919;

impl Load {
    /// Sends the requests, and returns the number of responses per second.
    pub(crate) async fn run(self) -> Result<f64> {
        let ids = self.store().await?;
        let authority = self.authority()?;
        let request = |path, body: &[u8]| post(authority, path, body);
        let data = data();
        let requests: Vec<_> = match self.workload {
            Workload::OpenSession => {
                let operation = Operation::OpenSession;
                vec![request(operation.path(), &operation.body(&data)?)]
            }
            Workload::GetSessions => {
                let operation = Operation::GetSessions;
                vec![request(operation.path(), &operation.body(&data)?)]
            }
            Workload::GetSessionById => {
                ensure!(!ids.is_empty(), "reading sessions needs stored sessions; set `--stored`");
                let body = |id: &String| json!({ "session_id": id }).to_string();
                ids.iter().map(|id| request("/v1/sessions/get_session_by_id", body(id).as_bytes())).collect()
            }
        };
        if let Some(calls) = self.calls {
            let begin = Instant::now();
            let sent = self.send(&requests, move |sent| sent < calls, |_| Ok(())).await?;
            return Ok(sent as f64 / begin.elapsed().as_secs_f64());
        }
        // Warm-up, because JavaScript is compiled while it runs.
        self.send_for(0.5, &requests).await?;
        let begin = Instant::now();
        let sent = self.send_for(self.seconds, &requests).await?;
        Ok(sent as f64 / begin.elapsed().as_secs_f64())
    }

    fn authority(&self) -> Result<&str> {
        self.url.strip_prefix("http://").context("the load generator only supports `http://` URLs")
    }

    /// Opens `--stored` sessions and returns their ids.
    async fn store(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Opened {
            id: String,
        }
        let operation = Operation::OpenSession;
        let request = post(self.authority()?, operation.path(), &operation.body(&data())?);
        let ids = Rc::new(RefCell::new(Vec::with_capacity(self.stored)));
        let read = {
            let ids = Rc::clone(&ids);
            move |body: &[u8]| -> Result<()> {
                let Opened { id } =
                    serde_json::from_slice(body).context("the response is not a valid session")?;
                ids.borrow_mut().push(id);
                Ok(())
            }
        };
        let stored = self.stored;
        self.send(&[request], move |sent| sent < stored, read).await?;
        Ok(ids.take())
    }

    async fn send_for(&self, seconds: f64, requests: &[Bytes]) -> Result<usize> {
        let end = Instant::now()
            + Duration::try_from_secs_f64(seconds).context("`--seconds` is not a valid duration")?;
        self.send(requests, move |_| Instant::now() < end, |_| Ok(())).await
    }

    /// Sends `requests` over all connections while `proceed` returns true for the number of requests sent so
    /// far.
    async fn send(
        &self,
        requests: &[Bytes],
        proceed: impl Fn(usize) -> bool + Clone + 'static,
        read: impl Fn(&[u8]) -> Result<()> + Clone + 'static,
    ) -> Result<usize> {
        let sent = Rc::new(Cell::new(0));
        let requests: Rc<[_]> = requests.into();
        let pause = Duration::from_micros(self.pause);
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let mut connection = Connection::open(self.authority()?).await?;
            let (sent, requests) = (Rc::clone(&sent), Rc::clone(&requests));
            let (proceed, read) = (proceed.clone(), read.clone());
            connections.spawn_local(async move {
                while proceed(sent.get()) {
                    let turn = sent.replace(sent.get() + 1);
                    if !pause.is_zero() {
                        sleep(pause).await;
                    }
                    let request = &requests[turn * STRIDE % requests.len()];
                    connection.exchange(request, &read).await??;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        Ok(sent.get())
    }
}
