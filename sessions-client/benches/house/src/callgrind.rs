//! What valgrind's callgrind says of a process: instructions by function, and calls of the allocator.
//!
//! Two runs of different lengths are subtracted, which leaves the cost of what the longer one did more: no start,
//! no TLS set-up, no connecting. A harness as gungraun was refused: it measures one length, and has gates against
//! an earlier run, not against a peer in the same one. So was an allocator that counts: the calls of `malloc` are
//! in the same profile, and counting there changes nothing of what is measured.

use crate::child::{Server, output};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
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
        output(under_callgrind(program, file.path())).await.context(NEEDED)?;
        Self::parse(&fs::read_to_string(file.path())?)
    }

    /// Runs the server that `program` is under callgrind, for as long as `load`, which is made from its address.
    pub(crate) async fn of_server(
        program: &Command,
        load: impl FnOnce(&str) -> Result<Command>,
    ) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        let server = Server::start(under_callgrind(program, file.path())).await.context(NEEDED)?;
        output(load(&server.url)?).await?;
        server.stop().await?;
        Self::parse(&fs::read_to_string(file.path())?)
    }

    /// Reads callgrind's output, whose format is in valgrind's manual.
    fn parse(text: &str) -> Result<Self> {
        let mut profile = Self::default();
        let (mut function, mut called) = ("", "");
        let mut total = None;
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
                None if line.starts_with("totals: ") => total = Some(number(line.split(' ').nth(1))?),
                Some(_) | None => {}
            }
        }
        let total = total.context("callgrind's output has no totals: the measured process did not end")?;
        let read = profile.instructions();
        ensure!(
            (read - total).abs() < 0.5,
            "callgrind counts {total} instructions, and {read} were read: its output has lines of another format"
        );
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

const NEEDED: &str = "callgrind, which is part of valgrind, is needed";

/// `program` under callgrind, which writes to `file` what it has counted.
fn under_callgrind(program: &Command, file: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program.as_std().get_program())
        .args(program.as_std().get_args());
    valgrind
}

fn number(text: Option<&str>) -> Result<f64> {
    let text = text.context("callgrind's output ends early")?;
    text.parse().with_context(|| format!("no number in callgrind's output: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::Profile;

    /// `main` allocates twice, and once through `realloc`, which asks `malloc`.
    const SHORTER: &str = "\
version: 1
positions: line
events: Ir

fl=main.rs
fn=main
1 10
cfn=malloc
calls=2 0
2 70
3 5
cfn=realloc
calls=1 0
3 50

fn=malloc
0 100

fn=realloc
0 20
cfn=malloc
calls=1 0
0 30

totals: 135
";

    #[test]
    fn instructions_are_those_of_the_functions_themselves() {
        let profile = Profile::parse(SHORTER).unwrap();
        assert!((profile.instructions() - 135.0).abs() < 0.1);
        assert_eq!(profile.top(2), [("malloc", 100.0), ("realloc", 20.0)]);
    }

    #[test]
    fn an_allocation_counts_once_whoever_does_it_for_whom() {
        assert!((Profile::parse(SHORTER).unwrap().allocations() - 3.0).abs() < 0.1);
    }

    #[test]
    fn what_both_lengths_did_is_not_counted() {
        let shorter = Profile::parse(SHORTER).unwrap();
        let longer = SHORTER.replace("1 10\n", "1 110\n").replace("calls=2", "calls=22");
        let longer = longer.replace("totals: 135", "totals: 235");
        let each = Profile::parse(&longer).unwrap().each(&shorter, 10);
        assert!((each.instructions() - 10.0).abs() < 0.1);
        assert!((each.allocations() - 2.0).abs() < 0.1);
    }

    #[test]
    fn output_that_is_cut_short_is_an_error() {
        assert!(Profile::parse("fn=main\n1").is_err());
        assert!(Profile::parse("fn=main\n1 many\n").is_err());
        let error = Profile::parse(SHORTER.split("totals").next().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no totals"), "{error}");
    }

    #[test]
    fn instructions_that_nobody_read_are_an_error() {
        let error = Profile::parse(&SHORTER.replace("1 10\n", "+1 10\n")).unwrap_err();
        assert!(error.to_string().contains("135 instructions, and 125 were read"), "{error}");
    }
}
