//! `gate`: limits of instructions and allocations.
//!
//! There are two kinds of limits:
//!
//! - Ratios to hand-written code, counted in the same run. They do not depend on the compiler or on the
//!   versions of the libraries.
//! - Accepted counts. They also limit the code that both sides share. A different compiler generates
//!   different instructions but the same allocations, so accepted instructions are only compared for the same
//!   compiler.
//!
//! Time is not limited, because machines are noisy.

use crate::child::rustc;
use crate::clients::Client;
use crate::codec::Case;
use crate::count::{Count, Counted, Subject};
use crate::load::Workload;
use crate::servers::Kind;
use crate::table::Table;
use crate::wire::Operation;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;

/// Upper limit of the cost of a subject, divided by that of its hand-written peer: the current ratio and a
/// small margin for other compilers. Lower it when the code has improved.
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
        // 0.88 without folded header lines, which must be parsed so that a folded length is rejected.
        instructions: 0.90,
        allocations: 0.87,
    },
    Limit { ours: call(Client::OursHyper), peer: call(Client::Hyper), instructions: 1.20, allocations: 1.12 },
    // The price of a header of the client, a header of the call and a token: 1.030 since a call without them costs less.
    Limit {
        ours: call(Client::OursHyperToken),
        peer: call(Client::OursHyper),
        instructions: 1.031,
        allocations: 1.00,
    },
    Limit {
        ours: call(Client::OursHyperBare),
        peer: call(Client::Hyper),
        instructions: 1.12,
        allocations: 1.00,
    },
    // The client also has deadlines, retries, spans and limits, and converts the message to JSON and back.
    Limit { ours: call(Client::OursGrpc), peer: call(Client::Tonic), instructions: 1.07, allocations: 1.26 },
    Limit {
        ours: call(Client::OursCommandableGrpc),
        peer: call(Client::Tonic),
        instructions: 0.89,
        allocations: 0.94,
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
        // 13 and 10 allocations; serde_json's `preserve_order` would add one to both.
        allocations: 1.31,
    },
    // The hand-written peer only encodes the body; the client also builds the URL and the headers.
    Limit {
        ours: Subject::Codec(Case::Encode),
        peer: Subject::Codec(Case::EncodeByHand),
        instructions: 2.20,
        allocations: 4.00,
    },
    // At most ten allocations.
    Limit {
        ours: Subject::Codec(Case::PageBorrowed),
        peer: Subject::Codec(Case::PageByHand),
        instructions: 0.42,
        allocations: 0.02,
    },
    // The peer only handles HTTP: it returns fixed bytes with fewer headers. The tables of stored sessions
    // grow in steps, so the number of allocations may differ by one between runs.
    Limit {
        ours: Subject::Server(Kind::Embedded, Workload::OpenSession),
        peer: Subject::Server(Kind::Axum, Workload::OpenSession),
        instructions: 2.38,
        allocations: 1.42,
    },
    Limit {
        ours: Subject::Server(Kind::Embedded, Workload::GetSessionById),
        peer: Subject::Server(Kind::Axum, Workload::GetSessionById),
        instructions: 1.57,
        allocations: 0.65,
    },
    Limit {
        ours: Subject::Server(Kind::Embedded, Workload::GetSessions),
        peer: Subject::Server(Kind::Axum, Workload::GetSessions),
        instructions: 3.05,
        allocations: 0.71,
    },
];

/// Subjects with accepted counts but without a ratio: nearly all of their cost is decoding the page, whose
/// ratio is limited above.
const WITHOUT_RATIO: &[Subject] = &[
    Subject::Call(Client::OursReqwest, Operation::GetSessions),
    Subject::Call(Client::OursHyper, Operation::GetSessions),
];

/// Returns the names of all subjects with limits.
fn limited_subjects() -> impl Iterator<Item = String> {
    LIMITS.iter().map(|limit| limit.ours).chain(WITHOUT_RATIO.iter().copied()).map(Subject::name)
}

/// Tolerance of instructions above the accepted count. They depend on the libc, which selects code by
/// processor, and on inlining: builds of the same code differed by up to 4.5 %.
const TOLERANCE: f64 = 0.10;

/// The file with the accepted counts.
const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/accepted.json");

/// The command that accepts the current counts.
const ACCEPT: &str = "cargo run --release -p sessions-bench -- gate --accept";

/// The arguments of `gate`.
#[derive(Args, Debug)]
pub(crate) struct Gate {
    /// Write the counts of this run to `accepted.json`, with which later runs are compared
    #[arg(long)]
    accept: bool,
}

/// The counts of a subject.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Counts {
    instructions: f64,
    allocations: f64,
}

/// The accepted counts.
#[derive(Debug, Deserialize, Serialize)]
struct Accepted {
    /// The version of the compiler that generated the instructions.
    rustc: String,
    /// The counts by name of the subject.
    counts: BTreeMap<String, Counts>,
}

impl From<&Counted> for Counts {
    fn from(counted: &Counted) -> Self {
        let Counted { profile, .. } = counted;
        // Fractions differ between runs.
        Self { instructions: profile.instructions().round(), allocations: profile.allocations().round() }
    }
}

impl Gate {
    pub(crate) async fn run(self) -> Result<()> {
        let mut subjects = WITHOUT_RATIO.to_vec();
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

        check_counts(&counts)?;
        let rustc = rustc().await?;
        let mut failures = exceeded_ratios(&counts);
        if self.accept {
            let counts = limited_subjects().map(|name| (name.clone(), counts[&name])).collect();
            let accepted = serde_json::to_string_pretty(&Accepted { rustc, counts })?;
            fs::write(ACCEPTED, accepted + "\n").context(ACCEPTED)?;
        } else {
            let accepted = fs::read_to_string(ACCEPTED).context(ACCEPTED)?;
            let accepted = serde_json::from_str(&accepted).context(ACCEPTED)?;
            failures.extend(exceeded_counts(&counts, &accepted, &rustc));
        }
        if failures.is_empty() {
            return Ok(());
        }
        for failure in &failures {
            eprintln!("{failure}");
        }
        bail!("{} limits exceeded", failures.len())
    }
}

/// Checks that all counts are positive and finite, because the limits would not detect other values.
fn check_counts(counts: &BTreeMap<String, Counts>) -> Result<()> {
    for (name, &Counts { instructions, allocations }) in counts {
        for (figure, is) in [("instructions", instructions), ("allocations", allocations)] {
            ensure!(is.is_finite() && is > 0.0, "{name}: counted {is} {figure}, which is impossible");
        }
    }
    Ok(())
}

/// Prints all ratios, and returns a message for each that exceeds its limit.
fn exceeded_ratios(counts: &BTreeMap<String, Counts>) -> Vec<String> {
    let mut table =
        Table::new(["ratio to hand-written code", "instructions", "limit", "allocations", "limit"]);
    let mut failures = Vec::new();
    for limit in LIMITS {
        let (ours, peer) = (counts[&limit.ours.name()], counts[&limit.peer.name()]);
        let name = limit.ours.name();
        let pair = format!("{name} / {}", limit.peer.name());
        let mut row = vec![pair.clone()];
        for (figure, is, limit) in [
            ("instructions", ours.instructions / peer.instructions, limit.instructions),
            ("allocations", ours.allocations / peer.allocations, limit.allocations),
        ] {
            row.extend([is, limit].map(|share| format!("{share:.3}")));
            if is > limit {
                failures.push(format!(
                    "{pair}: the ratio of {figure} is {is:.3}, the limit is {limit}. `count {} --functions 20` \
                     lists the most expensive functions; the limits are in {}.",
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

/// Returns a message for each count that exceeds the accepted one: any allocation, or instructions beyond the
/// tolerance.
fn exceeded_counts(counts: &BTreeMap<String, Counts>, accepted: &Accepted, rustc: &str) -> Vec<String> {
    let same_compiler = accepted.rustc == rustc;
    if !same_compiler {
        println!(
            "SKIPPED: accepted instructions, because they were counted with {} and this is {rustc}. Ratios and \
             allocations are checked. To check instructions too, accept the current counts:\n    {ACCEPT}",
            accepted.rustc
        );
    }
    let mut failures = Vec::new();
    for name in limited_subjects() {
        let Some(accepted) = accepted.counts.get(&name) else {
            failures.push(format!(
                "{name}: there are no accepted counts. Accept the current counts:\n    {ACCEPT}"
            ));
            continue;
        };
        let now = counts[&name];
        let allocations = ("allocations", now.allocations, accepted.allocations, 0.0);
        let instructions = ("instructions", now.instructions, accepted.instructions, TOLERANCE);
        let checks = [allocations, instructions];
        for (figure, now, accepted, tolerance) in &checks[..if same_compiler { 2 } else { 1 }] {
            if *now > accepted * (1.0 + tolerance) {
                let more = (now / accepted - 1.0) * 100.0;
                failures.push(format!(
                    "{name}: {now:.0} {figure}, {more:.1} % more than the accepted {accepted:.0}, with {rustc}. If \
                     the change is worth it, accept the current counts:\n    {ACCEPT}"
                ));
            } else if *now < accepted * (1.0 - tolerance) {
                println!(
                    "{name}: {now:.0} {figure}, fewer than the accepted {accepted:.0}. To lower the limit:\n    {ACCEPT}"
                );
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::{
        ACCEPTED, Accepted, Counts, LIMITS, WITHOUT_RATIO, check_counts, exceeded_counts, exceeded_ratios,
        limited_subjects,
    };
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    const COMPILER: &str = "rustc 1.0.0";

    /// Returns counts where hand-written peers cost 1000, and all others `share` of their limit. A peer that
    /// has a limit itself is listed before the subjects that are compared with it.
    fn counts(share: f64) -> BTreeMap<String, Counts> {
        let mut counts = BTreeMap::new();
        for limit in LIMITS {
            let peer = *counts
                .entry(limit.peer.name())
                .or_insert(Counts { instructions: 1000.0, allocations: 1000.0 });
            let instructions = limit.instructions * peer.instructions * share;
            let allocations = limit.allocations * peer.allocations * share;
            counts.insert(limit.ours.name(), Counts { instructions, allocations });
        }
        for subject in WITHOUT_RATIO {
            counts.insert(subject.name(), Counts { instructions: 1000.0, allocations: 1000.0 });
        }
        counts
    }

    #[test]
    fn only_ratios_above_their_limit_are_reported() {
        assert_eq!(exceeded_ratios(&counts(0.999)), [""; 0]);
        let failures = exceeded_ratios(&counts(1.01));
        assert_eq!(failures.len(), 2 * LIMITS.len());
        let first = &failures[0];
        assert!(first.starts_with("ours-reqwest/open_session / reqwest/open_session: the ratio"), "{first}");
    }

    /// Returns accepted counts where every subject is at its limit.
    fn accepted() -> Accepted {
        Accepted { rustc: COMPILER.to_owned(), counts: counts(1.0) }
    }

    /// Returns the accepted counts, multiplied by the given factors.
    fn grown(instructions: f64, allocations: f64) -> BTreeMap<String, Counts> {
        let mut counts = counts(1.0);
        for counts in counts.values_mut() {
            counts.instructions *= instructions;
            counts.allocations *= allocations;
        }
        counts
    }

    #[test]
    fn instructions_may_grow_by_the_tolerance() {
        assert_eq!(exceeded_counts(&grown(1.09, 1.0), &accepted(), COMPILER), [""; 0]);
        let failures = exceeded_counts(&grown(1.11, 1.0), &accepted(), COMPILER);
        assert_eq!(failures.len(), limited_subjects().count());
        let first = &failures[0];
        assert!(first.contains("11.0 % more") && first.contains("--accept"), "{first}");
        assert!(first.contains(COMPILER), "{first}");
    }

    #[test]
    fn allocations_may_not_grow() {
        let failures = exceeded_counts(&grown(1.0, 1.001), &accepted(), COMPILER);
        assert_eq!(failures.len(), limited_subjects().count());
        assert!(failures[0].contains("allocations"), "{}", failures[0]);
    }

    #[test]
    fn only_allocations_are_compared_for_a_different_compiler() {
        let failures = exceeded_counts(&grown(2.0, 1.001), &accepted(), "rustc 2.0.0");
        assert_eq!(failures.len(), limited_subjects().count());
        assert!(failures.iter().all(|failure| failure.contains("allocations")), "{failures:?}");
    }

    #[test]
    fn counts_must_be_positive_and_finite() {
        check_counts(&counts(1.0)).unwrap();
        for name in counts(1.0).keys() {
            for invalid in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let mut counts = counts(1.0);
                counts.insert(name.clone(), Counts { instructions: 1000.0, allocations: invalid });
                assert!(check_counts(&counts).unwrap_err().to_string().starts_with(name));
                counts.insert(name.clone(), Counts { instructions: invalid, allocations: 1000.0 });
                assert!(check_counts(&counts).unwrap_err().to_string().starts_with(name));
            }
        }
    }

    #[test]
    fn accepted_counts_cover_exactly_the_limited_subjects() {
        let Accepted { rustc, counts } =
            serde_json::from_str(&fs::read_to_string(ACCEPTED).unwrap()).unwrap();
        assert!(rustc.starts_with("rustc 1."), "{rustc}");
        assert_eq!(counts.into_keys().collect::<BTreeSet<_>>(), limited_subjects().collect());
        assert_eq!(limited_subjects().count(), LIMITS.len() + WITHOUT_RATIO.len());
    }

    #[test]
    fn a_subject_without_accepted_counts_fails() {
        let empty = Accepted { counts: BTreeMap::new(), ..accepted() };
        let failures = exceeded_counts(&counts(1.0), &empty, COMPILER);
        assert_eq!(failures.len(), limited_subjects().count());
    }
}
