//! The embedded service and the real one answer alike, whatever they are sent.
//!
//! Random sequences of raw requests, most of them odd, go to the embedded service and to the service at
//! `SESSIONS_URL`, step by step. After normalisation both answers have to be equal: status, content type, body.
//! The first sequence that differs is made as small as possible and printed with all its answers.
//!
//! ```sh
//! snapshots/providers/with-service.sh cargo test -p snapshots --test differential -- --nocapture
//! ```
//!
//! * `SESSIONS_URL` is a service at 127.0.0.1 that nobody else uses, and `SESSIONS_CLOSE_EXPIRED=yes` says so.
//!   Otherwise nothing is compared. Lists are compared unfiltered, so the service must be empty.
//! * `DIFFERENTIAL_CALLS` is how many calls are made, 20,000 without it; half of them from a fixed seed.
//! * `DIFFERENTIAL_SEED` is the seed of the other half, which is printed and new in each run.

mod compare;
mod generate;
mod sequence;
mod service;
mod values;
#[path = "../wire/mod.rs"]
mod wire;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sequence::Call;
use service::Service;
use snapshots::exceptions;
use snapshots::{may_close_expired, service_url, tell};
use std::env;
use std::fmt::Write as _;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// Half of the calls are the same in each run.
const FIXED_SEED: u64 = 0x5e55_1045;

/// How many runs a difference is worth until it is small enough.
const SHRINKS: u32 = 3000;

#[test]
fn the_embedded_service_answers_as_the_real_one_does() {
    let Some(url) = service_url() else {
        tell("skipped: SESSIONS_URL is not set, so there is no service to compare the embedded one with");
        return;
    };
    if !may_close_expired() {
        tell(
            "skipped: SESSIONS_CLOSE_EXPIRED=yes does not say that the service at SESSIONS_URL is ours alone",
        );
        return;
    }
    if !url.starts_with("http://127.0.0.1:") {
        tell(
            "skipped: the service at SESSIONS_URL is not at 127.0.0.1, and thousands of odd calls are not for others",
        );
        return;
    }
    let calls = setting("DIFFERENTIAL_CALLS").unwrap_or(20_000);
    let seed = setting("DIFFERENTIAL_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    tell(&format!("differential test: {calls} calls, half of them with DIFFERENTIAL_SEED={seed}"));

    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (embedded, _server) = Service::embedded();
    let real = Service::at(&url);
    let mut pair = Pair { embedded, real, runtime, calls: 0, sequences: 0, answers: [0; 6] };
    let start = Instant::now();
    pair.compare(FIXED_SEED, calls / 2);
    pair.compare(seed, calls);
    let Pair { calls, sequences, answers, .. } = pair;
    assert!(calls < 1000 || [2, 4, 5].iter().all(|&hundred: &usize| answers[hundred] > 0), "{answers:?}");
    let seconds = start.elapsed().as_secs_f64();
    tell(&format!(
        "differential test: {calls} calls in {sequences} sequences, answered {} times with 2xx, {} with 4xx, {} with \
         5xx; no difference; {seconds:.1} s",
        answers[2], answers[4], answers[5],
    ));
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} has to be a whole number, not {text:?}")))
}

struct Pair {
    embedded: Service,
    real: Service,
    runtime: Runtime,
    calls: u64,
    sequences: u64,
    /// How many there were, by the hundreds of their status.
    answers: [u64; 6],
}

impl Pair {
    /// Runs sequences from `seed` until `calls` have been made.
    fn compare(&mut self, seed: u64, calls: u64) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner =
            TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        let sequences = generate::sequence();
        while self.calls < calls {
            let mut tree = sequences.new_tree(&mut runner).unwrap();
            self.sequences += 1;
            if let Err(difference) = self.run(&tree.current()) {
                let smallest = self.shrink(&mut tree, difference);
                let allowed: Vec<String> = exceptions::ALL.iter().map(ToString::to_string).collect();
                panic!(
                    "with DIFFERENTIAL_SEED={seed} the services differ, and in none of these:\n* {}\n\n{smallest}",
                    allowed.join("\n* ")
                );
            }
        }
    }

    fn shrink(&mut self, tree: &mut impl ValueTree<Value = Vec<Call>>, mut smallest: String) -> String {
        let mut go_on = tree.simplify();
        for _ in 0..SHRINKS {
            if !go_on {
                break;
            }
            go_on = match self.run(&tree.current()) {
                Ok(()) => tree.complicate(),
                Err(difference) => {
                    smallest = difference;
                    tree.simplify()
                }
            };
        }
        smallest
    }

    /// Runs one sequence on both services, and leaves both empty.
    fn run(&mut self, sequence: &[Call]) -> Result<(), String> {
        let Self { embedded, real, runtime, calls, answers, .. } = self;
        runtime.block_on(async {
            let mut transcript = String::new();
            let mut outcome = Ok(());
            for call in sequence {
                let (ours, theirs) = tokio::join!(embedded.send(call), real.send(call));
                *calls += 1;
                answers[usize::from(theirs.status / 100)] += 1;
                let _ = writeln!(transcript, "{call}\nreal:     {theirs}\nembedded: {ours}\n");
                if ours != theirs {
                    outcome = Err(transcript);
                    break;
                }
            }
            tokio::join!(embedded.clear(), real.clear());
            outcome
        })
    }
}
