//! What valgrind's callgrind says of a process: instructions by function, and calls of the allocator.
//!
//! Two runs of different lengths are subtracted, which leaves the cost of what the longer one did more: no start,
//! no TLS set-up, no connecting. A harness as gungraun was refused: it measures one length, and has gates against
//! an earlier run, not against a peer in the same one. So was an allocator that counts: the calls of `malloc` are
//! in the same profile, and counting there changes nothing of what is measured.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use tokio::process::Command;

/// What a process did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// Instructions in user space, of each function itself.
    by_function: BTreeMap<String, f64>,
    /// Calls of the allocator that give memory, growing included.
    allocations: f64,
}

/// The functions of libc that give memory.
const ALLOCATORS: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

impl Profile {
    /// Runs `program` under callgrind.
    pub(crate) async fn of(program: &Command) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--quiet", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
            .arg(format!("--callgrind-out-file={}", file.path().display()))
            .arg(program.as_std().get_program())
            .args(program.as_std().get_args());
        crate::child::output(valgrind).await.context("callgrind, which is part of valgrind, is needed")?;
        Self::parse(&fs::read_to_string(file.path())?)
    }

    /// Reads callgrind's output, whose format is in valgrind's manual.
    fn parse(text: &str) -> Result<Self> {
        let mut profile = Self::default();
        let (mut function, mut called) = ("", "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            match line.split_once('=') {
                Some(("fn", name)) => function = name,
                Some(("cfn", name)) => called = name,
                Some(("calls", count)) => {
                    // What the callee cost is in the next line, and counted at the callee.
                    lines.next();
                    if ALLOCATORS.contains(&called) && !ALLOCATORS.contains(&function) {
                        profile.allocations += number(count.split(' ').next())?;
                    }
                }
                // A line of costs begins with its position.
                None if line.starts_with(|first: char| first.is_ascii_digit()) => {
                    let cost = number(line.split(' ').nth(1))?;
                    *profile.by_function.entry(function.to_owned()).or_default() += cost;
                }
                Some(_) | None => {}
            }
        }
        Ok(profile)
    }

    /// What one of `times` cost that this process did more than `shorter`.
    pub(crate) fn each(mut self, shorter: &Self, times: u32) -> Self {
        let times = f64::from(times);
        for (function, cost) in &mut self.by_function {
            *cost = (*cost - shorter.by_function.get(function).copied().unwrap_or_default()) / times;
        }
        self.allocations = (self.allocations - shorter.allocations) / times;
        self
    }

    pub(crate) fn instructions(&self) -> f64 {
        self.by_function.values().sum()
    }

    pub(crate) fn allocations(&self) -> f64 {
        self.allocations
    }

    /// The functions that cost most.
    pub(crate) fn top(&self, count: usize) -> Vec<(&str, f64)> {
        let mut functions: Vec<_> =
            self.by_function.iter().map(|(name, &cost)| (name.as_str(), cost)).collect();
        functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        functions.truncate(count);
        functions
    }
}

fn number(text: Option<&str>) -> Result<f64> {
    let text = text.context("callgrind's output ends early")?;
    text.parse().with_context(|| format!("no number in callgrind's output: {text:?}"))
}
