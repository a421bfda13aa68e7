//! References in values: `${VARIABLE}`, `${file:PATH}` and `${command:LINE}`.
//!
//! Braces within a reference must be balanced, so that a command can contain some. What a reference returns is
//! not searched for references again.

use super::entry::Entry;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use wiretrait::Result;

/// The time limit for a command.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// The maximum size of a file, and of the first line of a command, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The pause between two looks at a command whose output has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

const INVALID: &str = "has a `${…}` that is not a reference: write `${VARIABLE}`, `${file:PATH}` or \
                       `${command:LINE}`, or `$${` for a literal `${`";
const UNENDED: &str = "has a `${` without its `}`: write `$${` for a literal `${`";

/// A part of a value.
pub(super) enum Part<'v> {
    Literal(&'v str),
    /// A reference, with its braces.
    Reference(&'v str, Source<'v>),
}

/// The place that a reference takes its value from.
#[derive(Clone, Copy)]
pub(super) enum Source<'v> {
    Variable(&'v str),
    File(&'v str),
    Command(&'v str),
}

/// Looks up a variable of the environment.
pub(super) type Lookup<'l> = dyn Fn(&str) -> Option<OsString> + 'l;

/// Returns the setting with its references replaced by what they refer to.
pub(super) fn resolve(entry: &Entry, variable: &Lookup<'_>) -> Result<Entry> {
    let mut resolved = entry.clone();
    if !entry.origin.has_references() {
        return Ok(resolved);
    }
    resolved.value.clear();
    for part in parse(&entry.value).map_err(|why| entry.error(why))? {
        match part {
            Part::Literal(literal) => resolved.value.push_str(literal),
            Part::Reference(reference, source) => {
                let value = match source {
                    Source::Variable(name) => from_variable(variable(name)),
                    Source::File(path) => from_file(&entry.origin.resolve(path)),
                    Source::Command(line) => from_command(line, COMMAND_LIMIT),
                };
                let value =
                    value.map_err(|why| entry.error(format_args!("refers to `{reference}`, which {why}")))?;
                resolved.value.push_str(&value);
            }
        }
    }
    Ok(resolved)
}

/// Splits a value into literals and references. The error completes a sentence that begins with the key.
pub(super) fn parse(value: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let (mut parts, mut rest) = (Vec::new(), value);
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            // `$${` is an escaped `${`.
            parts.push(Part::Literal(&rest[..start - 1]));
            parts.push(Part::Literal("${"));
            rest = &rest[start + 2..];
            continue;
        }
        let length = end(&rest[start + 2..]).ok_or(UNENDED)?;
        let (inside, after) = (&rest[start + 2..start + 2 + length], start + length + 3);
        parts.push(Part::Literal(&rest[..start]));
        parts.push(Part::Reference(&rest[start..after], source(inside).ok_or(INVALID)?));
        rest = &rest[after..];
    }
    parts.push(Part::Literal(rest));
    Ok(parts)
}

/// Returns the offset of the brace that ends a reference.
fn end(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(offset),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn source(inside: &str) -> Option<Source<'_>> {
    match inside.split_once(':') {
        Some(("file", path)) if !path.is_empty() => Some(Source::File(path)),
        Some(("command", line)) if !line.trim().is_empty() => Some(Source::Command(line)),
        Some(_) => None,
        None => {
            let is_name = |name: &str| {
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && name.starts_with(|first: char| !first.is_ascii_digit())
            };
            is_name(inside).then_some(Source::Variable(inside))
        }
    }
}

fn from_variable(value: Option<OsString>) -> Result<String, String> {
    let value = value.filter(|value| !value.is_empty()).ok_or("is not set: set the variable")?;
    value.into_string().map_err(|_| "is not valid Unicode".to_owned())
}

fn from_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content))
        .map_err(unreadable)?;
    text(content, "is an empty file")
}

/// Returns the first line that a command of the shell prints. Its error output is discarded, since it may
/// contain a secret.
fn from_command(line: &str, limit: Duration) -> Result<String, String> {
    let deadline = Instant::now() + limit;
    let mut child = shell(line)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be run: {error}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // In a separate thread, because a read has no time limit. It ends with the command.
        thread::spawn(move || {
            let (mut reader, mut first) = (BufReader::new(stdout), Vec::new());
            let read = reader.by_ref().take(MAX_BYTES + 1).read_until(b'\n', &mut first);
            let _ = sender.send(read.map(|_| first));
            let _ = io::copy(&mut reader, &mut io::sink());
        });
    }
    let first = receiver.recv_timeout(limit);
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => {
                return Err(format!("failed with {status}: run it in a shell to see why"));
            }
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL_INTERVAL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not end within {} s", limit.as_secs_f64()));
            }
            Err(error) => return Err(format!("cannot be observed: {error}")),
        }
    }
    match first {
        Ok(Ok(first)) => text(first, "printed nothing"),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => Err("printed nothing".to_owned()),
    }
}

#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

#[cfg(not(unix))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", line]);
    command
}

/// Returns `content` without line ends at its end.
fn text(mut content: Vec<u8>, empty: &str) -> Result<String, String> {
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    while matches!(content.last(), Some(b'\n' | b'\r')) {
        content.pop();
    }
    if content.is_empty() {
        return Err(empty.to_owned());
    }
    String::from_utf8(content).map_err(|_| "is not valid UTF-8".to_owned())
}

/// Shows a value whose literals may be secrets: its references verbatim, and `***` for the rest.
pub(super) fn without_literals(entry: &Entry) -> String {
    const HIDDEN: &str = "***";
    let Some(Ok(parts)) = entry.origin.has_references().then(|| parse(&entry.value)) else {
        return HIDDEN.to_owned();
    };
    let mut shown = String::new();
    for part in &parts {
        match part {
            Part::Reference(reference, _) => shown.push_str(reference),
            Part::Literal(literal) if !literal.is_empty() && !shown.ends_with(HIDDEN) => {
                shown.push_str(HIDDEN);
            }
            Part::Literal(_) => {}
        }
    }
    if shown.is_empty() { HIDDEN.to_owned() } else { shown }
}

#[cfg(all(test, unix))]
mod tests {
    use super::from_command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_command_that_does_not_end_is_stopped() {
        let started = Instant::now();
        for line in ["exec sleep 600", "echo early; exec sleep 600", "exec >&-; exec sleep 600"] {
            let why = from_command(line, Duration::from_millis(100)).unwrap_err();
            assert_eq!(why, "did not end within 0.1 s");
        }
        assert!(started.elapsed() < Duration::from_secs(60));
    }
}
