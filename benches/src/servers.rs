//! `servers`: the embedded service, the real service, and an axum handler that returns fixed bytes.
//!
//! Each server has one core. The load consists of prepared bytes over TCP from another core, so that no
//! client limits the throughput. Each turn starts a new server, because sessions stored by earlier turns
//! would slow it down.

use crate::child::{Core, Server, output, stdin_closed, this_program};
use crate::compare::{Rounds, median};
use crate::count::value_name;
use crate::load::Workload;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{self, MethodRouter};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sessions_service::{EmbeddedService, SessionStore};
use std::env;
use tokio::net::TcpListener;

/// The kind of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The embedded service.
    Embedded,
    /// The real service, started by a script that then runs this program.
    Real,
    /// An axum handler with fixed bodies: the upper bound of the embedded service.
    Axum,
}

/// The script that starts the real service.
const WITH_SERVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/providers/with-service.sh");

impl Kind {
    async fn start(self) -> Result<Server> {
        let (program, kind) = (this_program()?, value_name(&self));
        let mut command = Core::Server.command(if self == Self::Real { WITH_SERVICE } else { &program });
        if self == Self::Real {
            command.arg(&program);
        }
        command.args(["serve", &kind]);
        Server::start(command).await
    }

    /// Prints the URL of the server, and runs it until standard input is closed.
    pub(crate) async fn serve(self) -> Result<()> {
        match self {
            Self::Embedded => {
                let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await?;
                println!("{}", service.url());
                stdin_closed().await;
            }
            Self::Real => {
                println!(
                    "{}",
                    env::var("SESSIONS_URL").context("SESSIONS_URL is not set; with-service.sh sets it")?
                );
                stdin_closed().await;
            }
            Self::Axum => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                println!("http://{}", listener.local_addr()?);
                let router = Router::new()
                    .route("/v1/sessions/open_session", fixed(Operation::OpenSession))
                    .route("/v1/sessions/get_session_by_id", fixed(Operation::OpenSession))
                    .route("/v1/sessions/get_sessions", fixed(Operation::GetSessions));
                tokio::select! {
                    result = async { axum::serve(listener, router).await } => result?,
                    () = stdin_closed() => {}
                }
            }
        }
        Ok(())
    }
}

/// Returns a handler that reads the request and returns a prepared body.
fn fixed(operation: Operation) -> MethodRouter {
    let response = operation.response();
    routing::post(move |_: Bytes| async move { ([(CONTENT_TYPE, "application/json")], response) })
}

/// A workload and the number of sessions to store before.
struct Turn {
    workload: Workload,
    stored: usize,
}

impl Turn {
    const fn new(workload: Workload) -> Self {
        Self { workload, stored: workload.stored() }
    }
}

/// A large number of stored sessions; the real service needs half a minute to store them.
const MANY: usize = 100_000;

const TURNS: [Turn; 4] = [
    Turn::new(Workload::OpenSession),
    Turn::new(Workload::GetSessionById),
    Turn::new(Workload::GetSessions),
    Turn { workload: Workload::GetSessionById, stored: MANY },
];

/// The arguments of `servers`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Servers {
    #[command(flatten)]
    rounds: Rounds,
}

impl Servers {
    pub(crate) fn new(rounds: Rounds) -> Self {
        Self { rounds }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let (rounds, seconds) = (self.rounds.count(), self.rounds.seconds());
        let kinds = Kind::value_variants();
        let mut figures = vec![Vec::new(); TURNS.len() * kinds.len()];
        for round in 1..=rounds {
            let cells = TURNS.iter().flat_map(|turn| kinds.iter().map(move |&kind| (turn, kind)));
            for ((turn, kind), figures) in cells.zip(&mut figures) {
                let workload = value_name(&turn.workload);
                eprint!(
                    "\r\x1b[Kround {round} of {rounds}: {workload}, {} stored, {}",
                    turn.stored,
                    value_name(&kind)
                );
                let server = kind.start().await?;
                let mut load = Core::Client.command(&this_program()?);
                let (stored, seconds) = (turn.stored.to_string(), seconds.to_string());
                load.args(["load", &workload, &server.url, "--stored", &stored, "--seconds", &seconds]);
                let per_second = output(load).await?;
                figures.push(
                    per_second
                        .trim()
                        .parse::<f64>()
                        .with_context(|| format!("the load generator printed {per_second:?}"))?,
                );
                server.stop().await?;
            }
        }
        eprint!("\r\x1b[K");

        println!(
            "\nRequests per second of one core over 16 connections, median of {rounds} rounds of {seconds} s:\n"
        );
        let mut table =
            Table::new(["", "embedded", "real (Node.js)", "ratio", "axum, fixed bodies", "ratio"]);
        for (turn, figures) in TURNS.iter().zip(figures.chunks(kinds.len())) {
            let per_second = |kind| {
                let index = kinds.iter().position(|&known| known == kind).unwrap_or_default();
                median(figures[index].iter().copied())
            };
            let embedded = per_second(Kind::Embedded);
            let (real, axum) = (per_second(Kind::Real), per_second(Kind::Axum));
            table.push([
                format!("`{}`, {} stored", value_name(&turn.workload), turn.stored),
                thousands(embedded),
                thousands(real),
                format!("{:.1}", embedded / real),
                thousands(axum),
                format!("{:.2}", embedded / axum),
            ]);
        }
        println!("{table}");
        Ok(())
    }
}
