//! Profiles of a process by valgrind's callgrind: instructions per function, and calls to the allocator.
//!
//! The difference of two runs of different lengths is the cost of the additional calls, without that of
//! starting the process, setting up TLS and connecting.
//!
//! Rejected alternative: a harness such as gungraun, because it measures one length only, and its limits
//! compare with an earlier run and not with a peer in the same run. Rejected alternative: a counting
//! allocator, because callgrind already counts the calls to `malloc` without changing the measured program.

use crate::child::{Server, output};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tokio::process::Command;

/// Instructions and allocations of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// Instructions in user space per function, without those of its callees.
    by_function: BTreeMap<String, f64>,
    /// Calls to the allocator that allocate or grow memory.
    allocations: f64,
}

/// The functions of libc that allocate memory.
const ALLOCATORS: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

impl Profile {
    /// Runs `program` under callgrind.
    pub(crate) async fn of(program: &Command) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        output(under_callgrind(program, file.path())).await.context(NEEDED)?;
        Self::parse(&fs::read_to_string(file.path())?)
    }

    /// Runs the server `program` under callgrind until the command returned by `load` for its URL has ended.
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

    /// Parses callgrind's output; valgrind's manual documents the format.
    fn parse(output: &str) -> Result<Self> {
        let mut profile = Self::default();
        let (mut function, mut called) = ("", "");
        let mut total = None;
        let mut lines = output.lines();
        while let Some(line) = lines.next() {
            match line.split_once('=') {
                Some(("fn", name)) => function = name,
                Some(("cfn", name)) => called = name,
                Some(("calls", count)) => {
                    // The next line is the cost of the callee, which is already counted there.
                    lines.next();
                    if ALLOCATORS.contains(&called) && !ALLOCATORS.contains(&function) {
                        profile.allocations += number(count.split(' ').next())?;
                    }
                }
                // A line with a cost begins with its position.
                None if line.starts_with(|first: char| first.is_ascii_digit()) => {
                    let cost = number(line.split(' ').nth(1))?;
                    *profile.by_function.entry(function.to_owned()).or_default() += cost;
                }
                None if line.starts_with("totals: ") => total = Some(number(line.split(' ').nth(1))?),
                Some(_) | None => {}
            }
        }
        let total =
            total.context("callgrind's output has no totals: the measured process did not exit normally")?;
        let read = profile.instructions();
        ensure!(
            (read - total).abs() < 0.5,
            "callgrind reports {total} instructions in total, but its lines add up to {read}: unknown format"
        );
        Ok(profile)
    }

    /// Returns the cost of one call, given that this process made `times` more calls than `shorter`.
    pub(crate) fn per_call(mut self, shorter: &Self, times: u32) -> Self {
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

    /// Returns the `count` functions with the most instructions.
    pub(crate) fn top(&self, count: usize) -> Vec<(&str, f64)> {
        let mut functions: Vec<_> =
            self.by_function.iter().map(|(name, &cost)| (name.as_str(), cost)).collect();
        functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        functions.truncate(count);
        functions
    }
}

const NEEDED: &str = "callgrind failed; it is part of valgrind, which must be installed";

/// Returns a command that runs `program` under callgrind, which writes its profile to `file`.
fn under_callgrind(program: &Command, file: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program.as_std().get_program())
        .args(program.as_std().get_args());
    valgrind
}

fn number(value: Option<&str>) -> Result<f64> {
    let value = value.context("callgrind's output is truncated")?;
    value.parse().with_context(|| format!("callgrind's output contains {value:?} instead of a number"))
}

#[cfg(test)]
mod tests {
    use super::Profile;

    /// `main` calls `malloc` twice and `realloc` once, which calls `malloc`.
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
    fn instructions_exclude_those_of_callees() {
        let profile = Profile::parse(SHORTER).unwrap();
        assert!((profile.instructions() - 135.0).abs() < 0.1);
        assert_eq!(profile.top(2), [("malloc", 100.0), ("realloc", 20.0)]);
    }

    #[test]
    fn nested_allocator_calls_count_once() {
        assert!((Profile::parse(SHORTER).unwrap().allocations() - 3.0).abs() < 0.1);
    }

    #[test]
    fn cost_per_call_excludes_the_work_of_the_shorter_run() {
        let shorter = Profile::parse(SHORTER).unwrap();
        let longer = SHORTER.replace("1 10\n", "1 110\n").replace("calls=2", "calls=22");
        let longer = longer.replace("totals: 135", "totals: 235");
        let each = Profile::parse(&longer).unwrap().per_call(&shorter, 10);
        assert!((each.instructions() - 10.0).abs() < 0.1);
        assert!((each.allocations() - 2.0).abs() < 0.1);
    }

    #[test]
    fn truncated_output_is_an_error() {
        assert!(Profile::parse("fn=main\n1").is_err());
        assert!(Profile::parse("fn=main\n1 many\n").is_err());
        let error = Profile::parse(SHORTER.split("totals").next().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no totals"), "{error}");
    }

    #[test]
    fn lines_of_an_unknown_format_are_an_error() {
        let error = Profile::parse(&SHORTER.replace("1 10\n", "+1 10\n")).unwrap_err();
        assert!(
            error.to_string().contains("135 instructions in total, but its lines add up to 125"),
            "{error}"
        );
    }
}
