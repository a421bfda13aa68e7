//! `servers`: the embedded service beside the real one and beside an axum handler that answers fixed bytes.
//!
//! The servers have one core, and the load comes from another, as prepared bytes over TCP: no client is the limit.
//! Each turn has a server of its own, since what was stored before would make it slower.

use crate::child::{Core, Server, myself, output, released};
use crate::compare::{Rounds, median};
use crate::count::word;
use crate::load::Asked;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{self, MethodRouter};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::env;
use tokio::net::TcpListener;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The embedded service.
    Embedded,
    /// The real service, which a script starts that then starts this program.
    Real,
    /// An axum handler with fixed bodies: the limit of the embedded service.
    Axum,
}

/// Starts the real service.
const WITH_SERVICE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../snapshots/providers/with-service.sh");

impl Kind {
    async fn start(self) -> Result<Server> {
        let (myself, word) = (myself()?, word(&self));
        let mut command = Core::Server.command(if self == Self::Real { WITH_SERVICE } else { &myself });
        if self == Self::Real {
            command.arg(&myself);
        }
        command.args(["serve", &word]);
        Server::start(command).await
    }

    /// Prints where the server is, and runs it until this process is let go.
    pub(crate) async fn serve(self) -> Result<()> {
        match self {
            Self::Embedded => {
                let service = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await?;
                println!("{}", service.url());
                released().await;
            }
            Self::Real => {
                println!("{}", env::var("SESSIONS_URL").context("SESSIONS_URL, which with-service.sh sets")?);
                released().await;
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
                    () = released() => {}
                }
            }
        }
        Ok(())
    }
}

/// Reads the request and answers what was made ahead.
fn fixed(operation: Operation) -> MethodRouter {
    let answer = operation.answer();
    routing::post(move |_: Bytes| async move { ([(CONTENT_TYPE, "application/json")], answer) })
}

/// A load, and what has to be stored for it.
struct Turn {
    asked: Asked,
    stored: usize,
}

impl Turn {
    const fn usual(asked: Asked) -> Self {
        Self { asked, stored: asked.stored() }
    }
}

/// So many that storing them takes the real service half a minute.
const MANY: usize = 100_000;

const TURNS: [Turn; 4] = [
    Turn::usual(Asked::OpenSession),
    Turn::usual(Asked::GetSessionById),
    Turn::usual(Asked::GetSessions),
    Turn { asked: Asked::GetSessionById, stored: MANY },
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
                let asked = word(&turn.asked);
                eprint!(
                    "\r\x1b[Kround {round} of {rounds}: {asked}, {} stored, {}",
                    turn.stored,
                    word(&kind)
                );
                let server = kind.start().await?;
                let mut load = Core::Client.command(&myself()?);
                let (stored, seconds) = (turn.stored.to_string(), seconds.to_string());
                load.args(["load", &asked, &server.url, "--stored", &stored, "--seconds", &seconds]);
                let per_second = output(load).await?;
                figures.push(per_second.trim().parse::<f64>().with_context(|| per_second.clone())?);
                server.stop().await?;
            }
        }
        eprint!("\r\x1b[K");

        println!(
            "\nRequests a second of one core over 16 connections, median of {rounds} rounds of {seconds} s:\n"
        );
        let mut table =
            Table::new(["", "embedded", "real (Node.js)", "ratio", "axum, fixed bodies", "ratio"]);
        for (turn, figures) in TURNS.iter().zip(figures.chunks(kinds.len())) {
            let per_second = |kind| {
                let place = kinds.iter().position(|&known| known == kind).unwrap_or_default();
                median(figures[place].iter().copied())
            };
            let embedded = per_second(Kind::Embedded);
            let (real, axum) = (per_second(Kind::Real), per_second(Kind::Axum));
            table.push([
                format!("`{}`, {} stored", word(&turn.asked), turn.stored),
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
