//! `count`: instructions and allocations, which are the same on a quiet machine and on a noisy one.

use crate::callgrind::Profile;
use crate::child::{Server, myself};
use crate::clients::Client;
use crate::codec::Case;
use crate::load::Asked;
use crate::servers::Kind;
use crate::table::{Table, thousands};
use crate::wire::Operation;
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use tokio::process::Command;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A call over a socket.
    Call(Client, Operation),
    /// Encoding or decoding alone.
    Codec(Case),
    /// A server's answer over a socket.
    Answer(Kind, Asked),
}

/// What it costs once.
pub(crate) struct Counted {
    pub(crate) subject: Subject,
    pub(crate) profile: Profile,
}

/// How often it is done in the longer run, beyond the shorter one.
const TIMES: u32 = 200;

/// How often it is done in the shorter one: until pools, buffers and tables have their size.
const SETTLED: u32 = 50;

/// The same for a server, until each session that is stored was read once.
const SERVER_SETTLED: u32 = 2 * SETTLED;

/// How long answers are held back from a client, and requests from a server, in microseconds. What runs under valgrind
/// may find them there or may have to wait for them, which costs differently; so it always has to wait.
const DELAY: u64 = 2_000;

impl Subject {
    /// As it is called in files and on the command line: `reqwest/open_session`, `codec/page`.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Call(client, operation) => format!("{}/{operation}", word(&client)),
            Self::Codec(case) => format!("codec/{}", word(&case)),
            Self::Answer(kind, asked) => format!("{}/{}", word(&kind), word(&asked)),
        }
    }

    /// The same as people write it.
    fn by_hand(self) -> Self {
        match self {
            Self::Call(_, operation) => Self::Call(Client::Reqwest, operation),
            Self::Codec(case) => Self::Codec(match case {
                Case::Encode | Case::EncodeByHand => Case::EncodeByHand,
                Case::Session | Case::SessionByHand => Case::SessionByHand,
                Case::Page | Case::PageBorrowed | Case::PageByHand => Case::PageByHand,
            }),
            Self::Answer(_, asked) => Self::Answer(Kind::Axum, asked),
        }
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let calls = Operation::ALL.into_iter().flat_map(|operation| {
            Client::value_variants().iter().map(move |&client| Self::Call(client, operation))
        });
        let answers = Asked::value_variants().iter().flat_map(|&asked| {
            // What is in another process by way of a script cannot be counted.
            [Kind::Embedded, Kind::Axum].map(|kind| Self::Answer(kind, asked))
        });
        calls.chain(Case::value_variants().iter().map(|&case| Self::Codec(case))).chain(answers)
    }

    /// Runs it under callgrind, twice.
    pub(crate) async fn count(self, server: &Server) -> Result<Counted> {
        let settled = if matches!(self, Self::Answer(..)) { SERVER_SETTLED } else { SETTLED };
        let shorter = self.profile(server, settled).await?;
        let longer = self.profile(server, settled + TIMES).await?;
        Ok(Counted { subject: self, profile: longer.each(&shorter, TIMES) })
    }

    /// What it costs `times`, and everything around it. `server` has fixed answers.
    async fn profile(self, server: &Server, times: u32) -> Result<Profile> {
        let mut command = Command::new(myself()?);
        let times = times.to_string();
        match self {
            Self::Call(client, operation) => {
                command.args(["work", &word(&client), &word(&operation), &server.url, "--calls", &times])
            }
            Self::Codec(case) => command.args(["codec", &word(&case), "--times", &times]),
            Self::Answer(kind, asked) => {
                command.args(["serve", &word(&kind)]);
                let load = |url: &str| {
                    let mut load = Command::new(myself()?);
                    load.args(["load", &word(&asked), url, "--stored", &asked.stored().to_string()]);
                    load.args(["--connections", "1", "--pause", &DELAY.to_string(), "--calls", &times]);
                    Ok(load)
                };
                return Profile::of_server(&command, load).await;
            }
        };
        Profile::of(&command).await
    }
}

/// The word of the command line for a value.
pub(crate) fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The arguments of `count`.
#[derive(Args, Debug)]
pub(crate) struct Count {
    /// Only what has this in its name, such as `open_session` or `ours-reqwest/`.
    #[arg(default_value = "")]
    only: String,
    /// How many functions are listed, of those that cost most.
    #[arg(long, default_value_t = 0)]
    functions: usize,
}

impl Count {
    /// Counts everything.
    pub(crate) fn all() -> Self {
        Self { only: String::new(), functions: 0 }
    }

    pub(crate) async fn run(self) -> Result<()> {
        let subjects: Vec<_> = Subject::all().filter(|subject| subject.name().contains(&self.only)).collect();
        ensure!(!subjects.is_empty(), "nothing that is counted has {:?} in its name", self.only);
        let counted = Self::of(&subjects).await?;
        let mut table = Table::new(["", "instructions", "beside by hand", "allocations"]);
        for Counted { subject, profile } in &counted {
            let by_hand = counted.iter().find(|counted| counted.subject == subject.by_hand());
            let share = by_hand.map(|by_hand| profile.instructions() / by_hand.profile.instructions());
            table.push([
                subject.name(),
                thousands(profile.instructions()),
                share.map(|share| format!("{share:.2}")).unwrap_or_default(),
                // Two runs that allocate as often may differ by one, and so by less than none.
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

    /// Counts what `subjects` cost.
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
