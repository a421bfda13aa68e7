//! Writes the traffic of a check to an HTTP Archive.

use super::entry::Entry;
use super::library::{RecordedEnd, RecordedRun};
use super::secrets::Secrets;
use crate::check::CurrentSecrets;
use crate::environment::log;
use crate::output::printable_json;
use chrono::{DateTime, TimeDelta, Utc};
use contract_tests::suite::{RunReport, StopSignal};
use serde_json::json;
use sessions_client::{Call, ClientConfig, Encoding, Error, Response, Transport};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The end of the file, which each entry overwrites.
const END: &str = "\n]}}\n";

/// A HAR file that is complete after each exchange, so that the end of the process cannot damage it. Clones write
/// to the same file.
///
/// Credentials are removed: the headers of the configuration, `Authorization`, cookies, and those in URLs.
/// Responses that contain a configured credential are changed there; all other bodies are exact.
#[derive(Clone, Debug)]
pub struct Recording {
    path: PathBuf,
    origin: String,
    secrets: Secrets,
    stop: StopSignal,
    file: Arc<Mutex<Output>>,
}

#[derive(Debug)]
struct Output {
    file: File,
    /// The offset of [`END`].
    end: u64,
    is_empty: bool,
    has_failed: bool,
    /// The time of the latest start of a call.
    latest: DateTime<Utc>,
}

impl Recording {
    /// Creates the file, or replaces its content. `address` is that of the service, and `stop` ends the run if the
    /// file cannot be written later.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn start(
        path: &Path,
        address: &str,
        config: &ClientConfig,
        secrets: &CurrentSecrets,
        run: &RecordedRun,
        stop: StopSignal,
    ) -> io::Result<Self> {
        let secrets = Secrets::of(config, secrets.clone());
        let address = secrets.url(address);
        let creator = json!({"name": "contract", "version": env!("CARGO_PKG_VERSION")});
        let comment = format!(
            "Contract check of the service at {address}. Paths are those of the contract; credentials are removed."
        );
        let head = format!(
            "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"comment\":{},\"_run\":{},\"entries\":[",
            json!(comment),
            serde_json::to_string(run)?
        );
        let head = printable_json(&head);
        let mut file = File::create(path)?;
        file.write_all(format!("{head}{END}").as_bytes())?;
        let output =
            Output { file, end: head.len() as u64, is_empty: true, has_failed: false, latest: Utc::now() };
        let origin = origin(&address).to_owned();
        Ok(Self { path: path.to_owned(), origin, secrets, stop, file: Arc::new(Mutex::new(output)) })
    }

    fn lock(&self) -> MutexGuard<'_, Output> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time of a call that starts. It is after that of all calls before, so that the times show their
    /// order.
    fn start_of_call(&self) -> DateTime<Utc> {
        let mut output = self.lock();
        output.latest = Utc::now().max(output.latest + TimeDelta::microseconds(1));
        output.latest
    }

    /// Writes which cases the run has reached.
    pub fn finish(&self, report: &RunReport) {
        let completed = report.completed.iter().map(|case| case.name.clone());
        let failed = report.failed.iter().map(|case| case.name.clone());
        let aborted = report.aborted.as_deref().map(|reason| self.secrets.text(reason));
        self.write(&Part::End(&RecordedEnd { cases: completed.chain(failed).collect(), aborted }));
    }

    fn write(&self, part: &Part<'_>) {
        let mut output = self.lock();
        if output.has_failed {
            return;
        }
        let written = match part {
            Part::Entry(entry) => output.add(entry),
            Part::End(end) => output.finish(end),
        };
        if let Err(error) = written {
            output.has_failed = true;
            log(&format!("error: the recording {} cannot be written: {error}", self.path.display()));
            self.stop.request();
        }
    }
}

/// A part of the file.
enum Part<'p> {
    Entry(&'p Entry),
    End(&'p RecordedEnd),
}

impl Output {
    /// Replaces the end of the file.
    fn finish(&mut self, end: &RecordedEnd) -> io::Result<()> {
        let end = printable_json(&serde_json::to_string(end)?);
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(format!("\n],\"_end\":{end}}}}}\n").as_bytes())
    }

    /// Writes the entry and the end of the file at once.
    fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let separator = if self.is_empty { "\n" } else { ",\n" };
        let entry = format!("{separator}{}", printable_json(&serde_json::to_string(entry)?));
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(format!("{entry}{END}").as_bytes())?;
        self.end += entry.len() as u64;
        self.is_empty = false;
        Ok(())
    }
}

/// Returns scheme, host and port of a URL.
fn origin(url: &str) -> &str {
    let Some(start) = url.find("://").map(|scheme| scheme + 3) else { return "http://service" };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    &url[..end]
}

/// A transport that forwards every call, and records it if there is a recording.
#[derive(Clone, Debug)]
pub struct RecordingTransport<T> {
    transport: T,
    recording: Option<Recording>,
}

impl<T> RecordingTransport<T> {
    /// Wraps a transport.
    pub fn new(transport: T, recording: Option<Recording>) -> Self {
        Self { transport, recording }
    }
}

impl<T: Transport> Transport for RecordingTransport<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let Some(recording) = &self.recording else { return self.transport.send(call).await };
        let (request, started, clock) = (call.request.clone(), recording.start_of_call(), Instant::now());
        let outcome = self.transport.send(call).await;
        let time = (started, clock.elapsed());
        let entry = Entry::new(&recording.origin, &request, &outcome, time, &recording.secrets);
        recording.write(&Part::Entry(&entry));
        outcome
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }

    fn keeps_deadlines(&self) -> bool {
        self.transport.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.transport.is_multiplexed()
    }
}

#[cfg(test)]
mod tests {
    use super::{Recording, RecordingTransport, origin};
    use crate::cassette::RecordedRun;
    use crate::check::CurrentSecrets;
    use contract_tests::suite::{RunReport, StopSignal};
    use serde_json::Value;
    use sessions_client::{
        Call, ClientConfig, Error, ErrorKind, Request, Response, Transport as _, sessions_v1, transport_fn,
    };
    use std::path::PathBuf;

    fn start(path: &str) -> std::io::Result<Recording> {
        let config = ClientConfig::from_url("http://127.0.0.1:1").unwrap();
        let run = RecordedRun { user: "ü".to_owned(), may_close_expired: false, cases: Vec::new() };
        let secrets = CurrentSecrets::of(&config);
        Recording::start(
            path.as_ref(),
            "http://127.0.0.1:1/base",
            &config,
            &secrets,
            &run,
            StopSignal::default(),
        )
    }

    #[tokio::test]
    async fn the_file_is_complete_after_each_exchange() {
        let name = format!("recording-{}.har", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        let recording = start(path.to_str().unwrap()).unwrap();
        let responses = transport_fn(|call: Call| async move {
            match call.attempt {
                1 => Ok(Response::new(vec![0xff, 0xfe].into())),
                2 => Err(Error::new(ErrorKind::Timeout, "no response within 2s")),
                _ => Ok(Response::default()),
            }
        });
        let transport = RecordingTransport::new(responses, Some(recording));
        let mut entries = Vec::new();
        for attempt in 1..4 {
            let mut call = Call::new(sessions_v1::OPEN_SESSION, Request::default());
            *call.request.uri_mut() = "/v1/sessions/open_session?token=abc".parse().unwrap();
            call.attempt = attempt;
            let _ = transport.send(call).await;
            let har: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            entries = har["log"]["entries"].as_array().unwrap().clone();
            assert_eq!(entries.len(), attempt as usize);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            entries[0]["request"]["url"],
            "http://127.0.0.1:1/v1/sessions/open_session?token=<secret>"
        );
        assert_eq!(entries[0]["response"]["content"]["encoding"], "base64");
        assert_eq!(entries[0]["response"]["content"]["text"], "//4=");
        assert_eq!(entries[1]["response"]["status"], 0);
        assert_eq!(entries[1]["response"]["_error"], "no response within 2s");
    }

    #[tokio::test]
    async fn hidden_characters_of_the_service_are_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.har");
        let recording = start(path.to_str().unwrap()).unwrap();
        let body = "{\"id\":\"a\u{202e}b\"}";
        let responses = transport_fn(move |_: Call| async move { Ok(Response::new(body.into())) });
        let transport = RecordingTransport::new(responses, Some(recording.clone()));
        transport.send(Call::new(sessions_v1::OPEN_SESSION, Request::default())).await.unwrap();
        let aborted = Some("refused\u{2066}".to_owned());
        recording.finish(&RunReport { aborted, ..RunReport::default() });
        let json = std::fs::read_to_string(&path).unwrap();
        assert!(json.chars().all(|char| char == '\n' || wiretrait::is_displayed(char)), "{json}");
        assert!(json.contains(r"a\u202eb") && json.contains(r"refused\u2066"), "{json}");
        let har: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(har["log"]["entries"][0]["response"]["content"]["text"], body);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported_before_the_run() {
        let error = start("/dev/full").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }

    #[test]
    fn an_origin_has_no_path() {
        for (url, expected) in [
            ("https://host:1/a?b", "https://host:1"),
            ("https://host", "https://host"),
            ("the service", "http://service"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
