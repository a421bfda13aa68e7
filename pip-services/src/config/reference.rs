//! References in values: `${VARIABLE}`, `${file:PATH}` and `${command:LINE}`.
//!
//! Braces within a reference must be balanced, so that a command can contain some. What a reference returns is
//! not searched for references again. In the user name or password of a URL it is percent-encoded.

use super::entry::Entry;
use super::keys;
#[cfg(unix)]
use nix::{sys::signal::Signal, unistd::Pid};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use wiretrait::Result;

/// The time limit for a command.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// The maximum size of a file, and of the first line of a command, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The pause between two looks at a command that prints nothing.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The time within which output that is in the pipe is read, if a command in the background keeps it open.
const GRACE: Duration = Duration::from_millis(200);

const INVALID: &str = "has a `${…}` that is not a reference: write `${VARIABLE}`, `${file:PATH}` or \
                       `${command:LINE}`, or `$${` for a literal `${`";
const UNENDED: &str = "has a `${` without its `}`: write `$${` for a literal `${`";

/// The characters that are not encoded in the user name or password of a URL. The first `:` separates them.
const USERINFO: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// A part of a value.
pub(super) enum Part<'v> {
    Literal(&'v str),
    /// `$${`, which stands for `${`.
    Escaped,
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
    if !entry.has_references() {
        return Ok(resolved);
    }
    resolved.value.clear();
    let parts = parse(&entry.value).map_err(|why| entry.error(why))?;
    let encoded = if keys::is_url(&entry.key) { userinfo(&parts) } else { None }.unwrap_or_default();
    let mut offset = 0;
    for part in parts {
        let is_encoded = encoded.contains(&offset);
        offset += part.len();
        match part {
            Part::Literal(literal) => resolved.value.push_str(literal),
            Part::Escaped => resolved.value.push_str("${"),
            Part::Reference(reference, source) => {
                let value = match source {
                    Source::Variable(name) => from_variable(variable(name)),
                    Source::File(path) => from_file(&entry.origin.resolve(path)),
                    Source::Command(line) => from_command(line, COMMAND_LIMIT),
                };
                let value =
                    value.map_err(|why| entry.error(format_args!("refers to `{reference}`, which {why}")))?;
                let value: Cow<'_, str> =
                    if is_encoded { utf8_percent_encode(&value, USERINFO).into() } else { value.into() };
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
            parts.push(Part::Escaped);
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

impl Part<'_> {
    /// Returns the length of the part as it is written.
    fn len(&self) -> usize {
        match self {
            Self::Literal(text) | Self::Reference(text, _) => text.len(),
            Self::Escaped => "$${".len(),
        }
    }
}

/// Returns the place of the user name and the password in a URL, as it is written; `None` without them. An `@`
/// or `/` within a reference does not count.
fn userinfo(parts: &[Part<'_>]) -> Option<Range<usize>> {
    let mut url = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => url.push_str(literal),
            Part::Escaped | Part::Reference(..) => url.extend(std::iter::repeat_n('x', part.len())),
        }
    }
    let start = url.find("://")? + "://".len();
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    let length = url[start..end].rfind('@')?;
    Some(start..start + length)
}

/// Returns the place of the credentials in the URL of a setting; `None` without them.
pub(super) fn credentials(entry: &Entry) -> Option<Range<usize>> {
    if entry.has_references() {
        userinfo(&parse(&entry.value).ok()?)
    } else {
        userinfo(&[Part::Literal(&entry.value)])
    }
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
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| unreadable(&error))?;
    text(content, "is an empty file")
}

/// Returns the first line that a command of the shell prints. Its error output is discarded, since it may
/// contain a secret. A command that it leaves in the background may keep the output open.
fn from_command(line: &str, limit: Duration) -> Result<String, String> {
    let deadline = Instant::now() + limit;
    let mut child = shell(line)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be run: {error}"))?;
    let output = child.stdout.take().map(read_in_background);
    let mut first = Vec::new();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => {
                // Whatever is printed ends the pause early.
                match output.as_ref().map(|output| output.recv_timeout(POLL_INTERVAL)) {
                    Some(Ok(chunk)) => first.extend(chunk.map_err(|error| unreadable(&error))?),
                    Some(Err(RecvTimeoutError::Timeout)) => {}
                    None | Some(Err(RecvTimeoutError::Disconnected)) => thread::sleep(POLL_INTERVAL),
                }
            }
            Ok(None) => {
                stop(&mut child);
                return Err(format!("did not end within {} s", limit.as_secs_f64()));
            }
            Err(error) => return Err(format!("cannot be observed: {error}")),
        }
    };
    if !status.success() {
        return Err(format!("failed with {status}: run it in a shell to see why"));
    }
    // All output is in the pipe.
    while let Some(Ok(chunk)) = output.as_ref().map(|output| output.recv_timeout(GRACE)) {
        first.extend(chunk.map_err(|error| unreadable(&error))?);
    }
    if let Some(end) = first.iter().position(|byte| *byte == b'\n') {
        first.truncate(end);
    }
    text(first, "printed nothing")
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Reads the output up to its first line end in a separate thread, because a read has no time limit. The rest is
/// discarded, so that the command does not wait for a reader.
fn read_in_background(mut output: ChildStdout) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut buffer, mut length) = ([0; 4096], 0);
        while length <= MAX_BYTES {
            let chunk = match output.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => Ok(buffer[..count].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_last = chunk.as_ref().map_or(true, |chunk| chunk.contains(&b'\n'));
            length += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            if sender.send(chunk).is_err() || is_last {
                break;
            }
        }
        drop(sender);
        let _ = io::copy(&mut output, &mut io::sink());
    });
    receiver
}

/// Ends a command and all that it started.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = nix::sys::signal::killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// It has its own process group, so that what it starts can be stopped with it.
#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).process_group(0);
    command
}

#[cfg(not(unix))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", line]);
    command
}

/// Returns `content` without line ends at its end, and without a byte order mark, which some editors and shells write.
fn text(mut content: Vec<u8>, empty: &str) -> Result<String, String> {
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    if content.starts_with(b"\xef\xbb\xbf") {
        content.drain(..3);
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
    let Some(Ok(parts)) = entry.has_references().then(|| parse(&entry.value)) else {
        return HIDDEN.to_owned();
    };
    let mut shown = String::new();
    for part in &parts {
        match part {
            Part::Reference(reference, _) => shown.push_str(reference),
            Part::Literal("") => {}
            Part::Literal(_) | Part::Escaped if !shown.ends_with(HIDDEN) => shown.push_str(HIDDEN),
            Part::Literal(_) | Part::Escaped => {}
        }
    }
    if shown.is_empty() { HIDDEN.to_owned() } else { shown }
}

#[cfg(all(test, unix))]
mod tests {
    use super::from_command;
    use std::process::Command;
    use std::time::{Duration, Instant};
    use std::{fs, thread};

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_command_that_does_not_end_is_stopped() {
        let started = Instant::now();
        for line in
            ["exec sleep 600", "echo early; exec sleep 600", "exec >&-; exec sleep 600", "sleep 600; echo x"]
        {
            assert_eq!(from_command(line, SHORT).unwrap_err(), "did not end within 0.1 s");
        }
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn what_a_command_started_is_stopped_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let line = format!("exec 3>'{}'; sleep 600; echo x", pipe.display());
        let reading = thread::spawn(move || fs::read(pipe));
        assert!(from_command(&line, SHORT).is_err());
        // The pipe ends when no process can write to it.
        assert_eq!(reading.join().unwrap().unwrap(), b"");
    }

    #[test]
    fn a_command_in_the_background_hides_no_output() {
        let started = Instant::now();
        for line in
            ["sleep 5 & echo key", "sleep 5 & printf key", "(sleep 5; echo late) & printf 'key\\nother'"]
        {
            assert_eq!(from_command(line, LONG).unwrap(), "key", "{line}");
        }
        assert!(started.elapsed() < LONG);
    }
}
