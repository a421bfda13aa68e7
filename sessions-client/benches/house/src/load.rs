//! The load of a server: prepared requests over TCP, from callers who each send one after the other.

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

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Opens sessions.
    OpenSession,
    /// Reads all sessions that are there, in turn.
    GetSessionById,
    /// Reads the first page.
    GetSessions,
}

impl Asked {
    /// How many sessions there usually are before: a page, where any are read.
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
    asked: Asked,
    /// Where the service is, such as `http://127.0.0.1:8080`.
    url: String,
    /// Sessions that are opened before.
    #[arg(long, default_value_t = 0)]
    stored: usize,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// How long requests are sent, in seconds.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How many requests are sent instead, for a server whose instructions are counted.
    #[arg(long)]
    calls: Option<usize>,
    /// How long each request is held back, in microseconds.
    #[arg(long, default_value_t = 0)]
    pause: u64,
}

/// How far the next session that is read is from the last one, so that they are not neighbours in memory.
const STRIDE: usize = 7_919;

impl Load {
    /// Requests that were answered, a second.
    pub(crate) async fn run(self) -> Result<f64> {
        let ids = self.store().await?;
        let authority = self.authority()?;
        let request = |path, body: &[u8]| post(authority, path, body);
        let data = data();
        let requests: Vec<_> = match self.asked {
            Asked::OpenSession => {
                let operation = Operation::OpenSession;
                vec![request(operation.path(), &operation.body(&data)?)]
            }
            Asked::GetSessions => {
                let operation = Operation::GetSessions;
                vec![request(operation.path(), &operation.body(&data)?)]
            }
            Asked::GetSessionById => {
                ensure!(!ids.is_empty(), "reading sessions takes some that are stored: --stored");
                let body = |id: &String| json!({ "session_id": id }).to_string();
                ids.iter().map(|id| request("/v1/sessions/get_session_by_id", body(id).as_bytes())).collect()
            }
        };
        if let Some(calls) = self.calls {
            let begin = Instant::now();
            let sent = self.send(&requests, move |sent| sent < calls, |_| Ok(())).await?;
            return Ok(sent as f64 / begin.elapsed().as_secs_f64());
        }
        // A program in JavaScript is compiled while it runs.
        self.send_for(0.5, &requests).await?;
        let begin = Instant::now();
        let sent = self.send_for(self.seconds, &requests).await?;
        Ok(sent as f64 / begin.elapsed().as_secs_f64())
    }

    fn authority(&self) -> Result<&str> {
        self.url.strip_prefix("http://").context("the load is plain HTTP alone")
    }

    /// Opens the sessions that are to be there, and returns their ids.
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
                let Opened { id } = serde_json::from_slice(body).context("an answer that is no session")?;
                ids.borrow_mut().push(id);
                Ok(())
            }
        };
        let stored = self.stored;
        self.send(&[request], move |sent| sent < stored, read).await?;
        Ok(ids.take())
    }

    async fn send_for(&self, seconds: f64, requests: &[Bytes]) -> Result<usize> {
        let end = Instant::now() + Duration::try_from_secs_f64(seconds).context("--seconds")?;
        self.send(requests, move |_| Instant::now() < end, |_| Ok(())).await
    }

    /// Sends `requests` over all connections for as long as `goes_on`, which is told how many were sent.
    async fn send(
        &self,
        requests: &[Bytes],
        goes_on: impl Fn(usize) -> bool + Clone + 'static,
        read: impl Fn(&[u8]) -> Result<()> + Clone + 'static,
    ) -> Result<usize> {
        let sent = Rc::new(Cell::new(0));
        let requests: Rc<[_]> = requests.into();
        let pause = Duration::from_micros(self.pause);
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let mut connection = Connection::open(self.authority()?).await?;
            let (sent, requests) = (Rc::clone(&sent), Rc::clone(&requests));
            let (goes_on, read) = (goes_on.clone(), read.clone());
            connections.spawn_local(async move {
                while goes_on(sent.get()) {
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
