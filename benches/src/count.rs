//! `count`: instructions and allocations, which do not depend on other load on the machine.

use crate::callgrind::Profile;
use crate::child::{Server, this_program};
use crate::clients::Client;
use crate::codec::Case;
use crate::load::Workload;
use crate::servers::Kind;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use tokio::process::Command;

/// Code whose instructions and allocations are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A call over a socket.
    Call(Client, Operation),
    /// Encoding or decoding without a network.
    Codec(Case),
    /// A server that handles a request over a socket.
    Server(Kind, Workload),
}

/// The cost of one call or response.
pub(crate) struct Counted {
    pub(crate) subject: Subject,
    pub(crate) profile: Profile,
}

/// Number of calls by which the longer run exceeds the shorter one.
const TIMES: u32 = 200;

/// Number of calls in the shorter run: enough for pools, buffers and tables to reach their final size.
const WARM_UP: u32 = 50;

/// Number of requests in the shorter run of a server: each stored session is read once.
const SERVER_WARM_UP: u32 = 2 * WARM_UP;

/// Delay of the messages that the measured process receives, in microseconds.
///
/// Receiving a message that has already arrived costs less than waiting for it. The delay makes the process
/// always wait.
const DELAY: u64 = 2_000;

impl Subject {
    /// Returns the name in files and on the command line, such as `reqwest/open_session` or `codec/page`.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Call(client, operation) => format!("{}/{operation}", value_name(&client)),
            Self::Codec(case) => format!("codec/{}", value_name(&case)),
            Self::Server(kind, workload) => format!("{}/{}", value_name(&kind), value_name(&workload)),
        }
    }

    /// Returns the hand-written counterpart.
    fn hand_written(self) -> Self {
        match self {
            Self::Call(_, operation) => Self::Call(Client::Reqwest, operation),
            Self::Codec(case) => Self::Codec(match case {
                Case::Encode | Case::EncodeByHand => Case::EncodeByHand,
                Case::Session | Case::SessionByHand => Case::SessionByHand,
                Case::Page | Case::PageBorrowed | Case::PageByHand => Case::PageByHand,
            }),
            Self::Server(_, workload) => Self::Server(Kind::Axum, workload),
        }
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let calls = Operation::ALL.into_iter().flat_map(|operation| {
            Client::value_variants().iter().map(move |&client| Self::Call(client, operation))
        });
        let servers = Workload::value_variants().iter().flat_map(|&workload| {
            // Not the real service: it is started by a script, so it would not run under callgrind.
            [Kind::Embedded, Kind::Axum].map(|kind| Self::Server(kind, workload))
        });
        calls.chain(Case::value_variants().iter().map(|&case| Self::Codec(case))).chain(servers)
    }

    /// Runs the subject under callgrind twice and returns the cost of one call. `server` sends fixed
    /// responses.
    pub(crate) async fn count(self, server: &Server) -> Result<Counted> {
        let warm_up = if matches!(self, Self::Server(..)) { SERVER_WARM_UP } else { WARM_UP };
        let shorter = self.profile(server, warm_up).await?;
        let longer = self.profile(server, warm_up + TIMES).await?;
        Ok(Counted { subject: self, profile: longer.per_call(&shorter, TIMES) })
    }

    /// Runs the subject under callgrind with `times` calls, and returns the cost of the whole process.
    async fn profile(self, server: &Server, times: u32) -> Result<Profile> {
        let mut command = Command::new(this_program()?);
        let times = times.to_string();
        match self {
            Self::Call(client, operation) => command.args([
                "work",
                &value_name(&client),
                &value_name(&operation),
                &server.url,
                "--calls",
                &times,
            ]),
            Self::Codec(case) => command.args(["codec", &value_name(&case), "--times", &times]),
            Self::Server(kind, workload) => {
                command.args(["serve", &value_name(&kind)]);
                let load = |url: &str| {
                    let mut load = Command::new(this_program()?);
                    load.args([
                        "load",
                        &value_name(&workload),
                        url,
                        "--stored",
                        &workload.stored().to_string(),
                    ]);
                    load.args(["--connections", "1", "--pause", &DELAY.to_string(), "--calls", &times]);
                    Ok(load)
                };
                return Profile::of_server(&command, load).await;
            }
        };
        Profile::of(&command).await
    }
}

/// Returns the name of a value on the command line.
pub(crate) fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The arguments of `count`.
#[derive(Args, Debug)]
pub(crate) struct Count {
    /// Part of the names to count, such as `open_session` or `ours-reqwest/`; by default all are counted
    #[arg(default_value = "")]
    only: String,
    /// Number of functions to list, by descending number of instructions
    #[arg(long, default_value_t = 0)]
    functions: usize,
}

impl Count {
    /// Counts all subjects.
    pub(crate) fn all() -> Self {
        Self { only: String::new(), functions: 0 }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let subjects: Vec<_> = Subject::all().filter(|subject| subject.name().contains(&self.only)).collect();
        ensure!(!subjects.is_empty(), "no name contains {:?}", self.only);
        let counted = Self::of(&subjects).await?;
        let mut table = Table::new(["", "instructions", "× hand-written", "allocations"]);
        for Counted { subject, profile } in &counted {
            let hand_written = counted.iter().find(|counted| counted.subject == subject.hand_written());
            let share = hand_written.map(|peer| profile.instructions() / peer.profile.instructions());
            table.push([
                subject.name(),
                thousands(profile.instructions()),
                share.map(|share| format!("{share:.2}")).unwrap_or_default(),
                // Two runs with the same allocations per call may differ by one, so the difference can be
                // negative.
                format!("{:.0}", profile.allocations().max(0.0)),
            ]);
        }
        println!("{table}");
        for Counted { subject, profile } in counted.iter().filter(|_| self.functions > 0) {
            let mut table = Table::new([subject.name(), "instructions".to_owned()]);
            for (function, cost) in profile.top(self.functions) {
                table.push([function.to_owned(), format!("{cost:.0}")]);
            }
            println!("\n{table}");
        }
        Ok(())
    }

    /// Counts the instructions and allocations of `subjects`.
    pub(crate) async fn of(subjects: &[Subject]) -> Result<Vec<Counted>> {
        let server = Server::fixed(DELAY).await?;
        let mut counted = Vec::new();
        for (turn, subject) in subjects.iter().enumerate() {
            eprint!("\r\x1b[Kcounting {} of {}: {}", turn + 1, subjects.len(), subject.name());
            counted.push(subject.count(&server).await.with_context(|| subject.name())?);
        }
        eprint!("\r\x1b[K");
        Ok(counted)
    }
}
