//! `gate`: the counts that may not grow unseen.
//!
//! Ratios to what is written by hand, counted in the same run, do not depend on the compiler or on the versions of
//! the libraries; absolute counts tell of what both sides share. Another compiler allocates as often, but makes other
//! instructions, which are then held by their ratios alone. Time is no gate: machines are noisy.

use crate::child::rustc;
use crate::clients::Client;
use crate::codec::Case;
use crate::count::{Count, Counted, Subject};
use crate::load::Asked;
use crate::servers::Kind;
use crate::table::Table;
use crate::wire::Operation;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;

/// The most that something of ours may cost, as a share of what something costs that was written by hand: what holds,
/// and a little more for other compilers. It is lowered when the code has become better.
struct Limit {
    ours: Subject,
    peer: Subject,
    instructions: f64,
    allocations: f64,
}

const fn call(client: Client) -> Subject {
    Subject::Call(client, Operation::OpenSession)
}

const LIMITS: &[Limit] = &[
    Limit {
        ours: call(Client::OursReqwest),
        peer: call(Client::Reqwest),
        instructions: 0.95,
        allocations: 0.92,
    },
    Limit {
        ours: call(Client::OursReqwestBare),
        peer: call(Client::Reqwest),
        instructions: 0.88,
        allocations: 0.87,
    },
    Limit { ours: call(Client::OursHyper), peer: call(Client::Hyper), instructions: 1.20, allocations: 1.12 },
    Limit {
        ours: call(Client::OursHyperBare),
        peer: call(Client::Hyper),
        instructions: 1.12,
        allocations: 1.00,
    },
    Limit {
        ours: Subject::Codec(Case::Page),
        peer: Subject::Codec(Case::PageByHand),
        instructions: 0.61,
        allocations: 1.01,
    },
    Limit {
        ours: Subject::Codec(Case::Session),
        peer: Subject::Codec(Case::SessionByHand),
        instructions: 0.81,
        allocations: 1.28,
    },
    // By hand is the body alone; ours is the request with its URL and headers.
    Limit {
        ours: Subject::Codec(Case::Encode),
        peer: Subject::Codec(Case::EncodeByHand),
        instructions: 2.20,
        allocations: 4.00,
    },
    // Ten allocations.
    Limit {
        ours: Subject::Codec(Case::PageBorrowed),
        peer: Subject::Codec(Case::PageByHand),
        instructions: 0.42,
        allocations: 0.02,
    },
    // The peer does no work but HTTP's: it answers with fixed bytes, and fewer headers. The tables of what is opened grow
    // in leaps, so that one allocation more or less is counted for it.
    Limit {
        ours: Subject::Answer(Kind::Embedded, Asked::OpenSession),
        peer: Subject::Answer(Kind::Axum, Asked::OpenSession),
        instructions: 2.38,
        allocations: 1.42,
    },
    Limit {
        ours: Subject::Answer(Kind::Embedded, Asked::GetSessionById),
        peer: Subject::Answer(Kind::Axum, Asked::GetSessionById),
        instructions: 1.57,
        allocations: 0.65,
    },
    Limit {
        ours: Subject::Answer(Kind::Embedded, Asked::GetSessions),
        peer: Subject::Answer(Kind::Axum, Asked::GetSessions),
        instructions: 3.05,
        allocations: 0.71,
    },
];

/// What is held by what is accepted alone: nearly all that it costs is the page, whose share is held above.
const ALONE: &[Subject] = &[
    Subject::Call(Client::OursReqwest, Operation::GetSessions),
    Subject::Call(Client::OursHyper, Operation::GetSessions),
];

/// The names of all that is ours.
fn ours() -> impl Iterator<Item = String> {
    LIMITS.iter().map(|limit| limit.ours).chain(ALONE.iter().copied()).map(Subject::name)
}

/// How far instructions may be above what is accepted: another libc, another processor that it chooses its code for; and
/// builds of the same code, whose inlining falls differently, were seen 4.5 % apart.
const TOLERANCE: f64 = 0.10;

/// Where what is accepted is written down.
const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/accepted.json");

/// How to accept what is counted now.
const ACCEPT: &str = "cargo run --profile bench -p sessions-bench -- gate --accept";

/// The arguments of `gate`.
#[derive(Args, Debug)]
pub(crate) struct Gate {
    /// Writes the counts of this run down as those that later runs are held against.
    #[arg(long)]
    accept: bool,
}

/// The counts of a subject.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Counts {
    instructions: f64,
    allocations: f64,
}

/// What is accepted of ours.
#[derive(Debug, Deserialize, Serialize)]
struct Accepted {
    /// The compiler that the instructions are those of.
    rustc: String,
    /// By the names of the subjects.
    counts: BTreeMap<String, Counts>,
}

impl From<&Counted> for Counts {
    fn from(counted: &Counted) -> Self {
        let Counted { profile, .. } = counted;
        // The digits beyond would change with each run.
        Self { instructions: profile.instructions().round(), allocations: profile.allocations().round() }
    }
}

impl Gate {
    pub(crate) async fn run(self) -> Result<()> {
        let mut subjects = ALONE.to_vec();
        for limit in LIMITS {
            for subject in [limit.ours, limit.peer] {
                if !subjects.contains(&subject) {
                    subjects.push(subject);
                }
            }
        }
        let counted = Count::of(&subjects).await?;
        let counts: BTreeMap<_, _> =
            counted.iter().map(|counted| (counted.subject.name(), Counts::from(counted))).collect();

        complete(&counts)?;
        let rustc = rustc().await?;
        let mut failures = ratios(&counts);
        if self.accept {
            let counts = ours().map(|name| (name.clone(), counts[&name])).collect();
            let accepted = serde_json::to_string_pretty(&Accepted { rustc, counts })?;
            fs::write(ACCEPTED, accepted + "\n").context(ACCEPTED)?;
        } else {
            let text = fs::read_to_string(ACCEPTED).context(ACCEPTED)?;
            failures.extend(growth(&counts, &serde_json::from_str(&text).context(ACCEPTED)?, &rustc));
        }
        if failures.is_empty() {
            return Ok(());
        }
        for failure in &failures {
            eprintln!("{failure}");
        }
        bail!("{} of the gates do not hold", failures.len())
    }
}

/// Refuses what no comparison would fail for: all of these cost something.
fn complete(counts: &BTreeMap<String, Counts>) -> Result<()> {
    for (name, &Counts { instructions, allocations }) in counts {
        for (figure, is) in [("instructions", instructions), ("allocations", allocations)] {
            ensure!(is.is_finite() && is > 0.0, "{name}: {is} {figure} were counted, which cannot be");
        }
    }
    Ok(())
}

/// What is dearer beside what was written by hand than it may be.
fn ratios(counts: &BTreeMap<String, Counts>) -> Vec<String> {
    let mut table = Table::new(["ours / by hand", "instructions", "limit", "allocations", "limit"]);
    let mut failures = Vec::new();
    for limit in LIMITS {
        let (ours, peer) = (counts[&limit.ours.name()], counts[&limit.peer.name()]);
        let name = limit.ours.name();
        let what = format!("{name} / {}", limit.peer.name());
        let mut row = vec![what.clone()];
        for (figure, is, limit) in [
            ("instructions", ours.instructions / peer.instructions, limit.instructions),
            ("allocations", ours.allocations / peer.allocations, limit.allocations),
        ] {
            row.extend([is, limit].map(|share| format!("{share:.3}")));
            if is > limit {
                failures.push(format!(
                    "{what}: the share of {figure} is {is:.3}, and may be {limit}. `count {} --functions 20` \
                     tells where they go; the limits are in {}.",
                    name,
                    file!()
                ));
            }
        }
        table.push(row);
    }
    println!("\n{table}");
    failures
}

/// What costs more than was accepted: one allocation, or instructions beyond the tolerance.
fn growth(counts: &BTreeMap<String, Counts>, accepted: &Accepted, rustc: &str) -> Vec<String> {
    let same_compiler = accepted.rustc == rustc;
    if !same_compiler {
        println!(
            "SKIPPED: instructions beside the accepted ones, which are those of {}; this is {rustc}. Ratios and \
             allocations are held. To hold them here too, accept this run's counts by\n    {ACCEPT}",
            accepted.rustc
        );
    }
    let mut failures = Vec::new();
    for name in ours() {
        let Some(accepted) = accepted.counts.get(&name) else {
            failures
                .push(format!("{name}: nothing is accepted yet. Accept this run's counts by\n    {ACCEPT}"));
            continue;
        };
        let now = counts[&name];
        let allocations = ("allocations", now.allocations, accepted.allocations, 0.0);
        let instructions = ("instructions", now.instructions, accepted.instructions, TOLERANCE);
        let held = [allocations, instructions];
        for (figure, now, accepted, tolerance) in &held[..if same_compiler { 2 } else { 1 }] {
            if *now > accepted * (1.0 + tolerance) {
                let more = (now / accepted - 1.0) * 100.0;
                failures.push(format!(
                    "{name}: {now:.0} {figure}, {more:.1} % more than the {accepted:.0} that are accepted, with \
                     {rustc}. If they are worth it, accept this run's counts by\n    {ACCEPT}"
                ));
            } else if *now < accepted * (1.0 - tolerance) {
                println!(
                    "{name}: {now:.0} {figure}, and {accepted:.0} are accepted. Keep it so by\n    {ACCEPT}"
                );
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::{ACCEPTED, ALONE, Accepted, Counts, LIMITS, complete, growth, ours, ratios};
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    const COMPILER: &str = "rustc 1.0.0";

    /// Ours cost `share` of what they may, and their peers 1000.
    fn counts(share: f64) -> BTreeMap<String, Counts> {
        let mut counts = BTreeMap::new();
        for limit in LIMITS {
            counts.insert(limit.peer.name(), Counts { instructions: 1000.0, allocations: 1000.0 });
        }
        for limit in LIMITS {
            let instructions = limit.instructions * 1000.0 * share;
            let allocations = limit.allocations * 1000.0 * share;
            counts.insert(limit.ours.name(), Counts { instructions, allocations });
        }
        for subject in ALONE {
            counts.insert(subject.name(), Counts { instructions: 1000.0, allocations: 1000.0 });
        }
        counts
    }

    #[test]
    fn what_is_at_its_limit_passes_and_what_is_above_is_named() {
        assert_eq!(ratios(&counts(0.999)), [""; 0]);
        let failures = ratios(&counts(1.01));
        assert_eq!(failures.len(), 2 * LIMITS.len());
        let first = &failures[0];
        assert!(first.starts_with("ours-reqwest/open_session / reqwest/open_session: the share"), "{first}");
    }

    /// What is accepted when ours cost what they may.
    fn accepted() -> Accepted {
        Accepted { rustc: COMPILER.to_owned(), counts: counts(1.0) }
    }

    /// What was accepted, with more instructions and allocations.
    fn grown(instructions: f64, allocations: f64) -> BTreeMap<String, Counts> {
        let mut counts = counts(1.0);
        for counts in counts.values_mut() {
            counts.instructions *= instructions;
            counts.allocations *= allocations;
        }
        counts
    }

    #[test]
    fn instructions_may_grow_by_the_tolerance_and_no_more() {
        assert_eq!(growth(&grown(1.09, 1.0), &accepted(), COMPILER), [""; 0]);
        let failures = growth(&grown(1.11, 1.0), &accepted(), COMPILER);
        assert_eq!(failures.len(), ours().count());
        let first = &failures[0];
        assert!(first.contains("11.0 % more") && first.contains("--accept"), "{first}");
        assert!(first.contains(COMPILER), "{first}");
    }

    #[test]
    fn allocations_may_not_grow() {
        let failures = growth(&grown(1.0, 1.001), &accepted(), COMPILER);
        assert_eq!(failures.len(), ours().count());
        assert!(failures[0].contains("allocations"), "{}", failures[0]);
    }

    #[test]
    fn another_compiler_is_held_to_the_allocations_alone() {
        let failures = growth(&grown(2.0, 1.001), &accepted(), "rustc 2.0.0");
        assert_eq!(failures.len(), ours().count());
        assert!(failures.iter().all(|failure| failure.contains("allocations")), "{failures:?}");
    }

    #[test]
    fn what_was_not_counted_is_no_pass_whether_ours_or_a_peers() {
        complete(&counts(1.0)).unwrap();
        for name in counts(1.0).keys() {
            for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let mut counts = counts(1.0);
                counts.insert(name.clone(), Counts { instructions: 1000.0, allocations: nothing });
                assert!(complete(&counts).unwrap_err().to_string().starts_with(name));
                counts.insert(name.clone(), Counts { instructions: nothing, allocations: 1000.0 });
                assert!(complete(&counts).unwrap_err().to_string().starts_with(name));
            }
        }
    }

    #[test]
    fn what_is_written_down_is_all_that_is_held_and_nothing_else() {
        let Accepted { rustc, counts } =
            serde_json::from_str(&fs::read_to_string(ACCEPTED).unwrap()).unwrap();
        assert!(rustc.starts_with("rustc 1."), "{rustc}");
        assert_eq!(counts.into_keys().collect::<BTreeSet<_>>(), ours().collect());
        assert_eq!(ours().count(), LIMITS.len() + ALONE.len());
    }

    #[test]
    fn what_was_never_accepted_fails() {
        let nothing = Accepted { counts: BTreeMap::new(), ..accepted() };
        let failures = growth(&counts(1.0), &nothing, COMPILER);
        assert_eq!(failures.len(), ours().count());
    }
}
