//! The embedded service and the real one return equal responses to random requests.
//!
//! Random sequences of raw requests, many of them malformed, go to the embedded service and to the service at
//! `SESSIONS_URL`, step by step. After normalization both responses must be equal: status, headers, body. The
//! first sequence with a difference is shrunk and printed with all its responses.
//!
//! ```sh
//! snapshots/providers/with-service.sh cargo test -p snapshots --test differential -- --nocapture
//! ```
//!
//! * `SESSIONS_URL` is a service at 127.0.0.1, and `SESSIONS_CLOSE_EXPIRED=yes` confirms that nothing else
//!   uses it. Otherwise the test is skipped. Lists are compared unfiltered, so the service must be empty.
//! * `DIFFERENTIAL_CALLS` is the number of calls, 20,000 by default; half of them use a fixed seed.
//! * `DIFFERENTIAL_SEED` is the seed of the other half. By default it is random; it is always printed.

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
use snapshots::{log, may_close_expired, service_url};
use std::env;
use std::fmt::Write as _;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// The seed of the first half of the calls.
const FIXED_SEED: u64 = 0x5e55_1045;

/// Maximum number of runs to shrink a difference.
const SHRINKS: u32 = 3000;

#[test]
fn both_services_return_equal_responses() {
    let Some(url) = service_url() else {
        log("skipped: SESSIONS_URL is not set, so there is no service to compare the embedded one with");
        return;
    };
    if !may_close_expired().unwrap() {
        log(
            "skipped: SESSIONS_CLOSE_EXPIRED=yes does not confirm that nothing else uses the service at SESSIONS_URL",
        );
        return;
    }
    if !url.starts_with("http://127.0.0.1:") {
        log(
            "skipped: the service at SESSIONS_URL is not at 127.0.0.1, and thousands of odd calls might disturb others",
        );
        return;
    }
    let calls = setting("DIFFERENTIAL_CALLS").unwrap_or(20_000);
    let seed = setting("DIFFERENTIAL_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    log(&format!("differential test: {calls} calls, half of them with DIFFERENTIAL_SEED={seed}"));

    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (embedded, _server) = Service::embedded();
    let real = Service::at(&url);
    let mut pair = Pair { embedded, real, runtime, calls: 0, sequences: 0, responses: [0; 6] };
    let start = Instant::now();
    pair.compare(FIXED_SEED, calls / 2);
    pair.compare(seed, calls);
    let Pair { calls, sequences, responses, .. } = pair;
    assert!(calls < 1000 || [2, 4, 5].iter().all(|&hundred: &usize| responses[hundred] > 0), "{responses:?}");
    let seconds = start.elapsed().as_secs_f64();
    log(&format!(
        "differential test: {calls} calls in {sequences} sequences, {} responses with 2xx, {} with 4xx, {} with \
         5xx; no difference; {seconds:.1} s",
        responses[2], responses[4], responses[5],
    ));
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be an integer, not {text:?}")))
}

struct Pair {
    embedded: Service,
    real: Service,
    runtime: Runtime,
    calls: u64,
    sequences: u64,
    /// Number of responses by class of status.
    responses: [u64; 6],
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
                    "with DIFFERENTIAL_SEED={seed} the services differ. Accepted differences are only:\n* {}\n\n{smallest}",
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
        let Self { embedded, real, runtime, calls, responses, .. } = self;
        runtime.block_on(async {
            let mut transcript = String::new();
            let mut outcome = Ok(());
            for call in sequence {
                let (ours, theirs) = tokio::join!(embedded.send(call), real.send(call));
                *calls += 1;
                responses[usize::from(theirs.status / 100)] += 1;
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
