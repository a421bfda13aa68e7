//! Reports of a load test that accepts any certificate.

use crate::fronts::{self, Kind};
use crate::requirements::programs;
use std::fs;
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_report_says_that_a_certificate_was_not_verified() {
    let Some(programs) = programs() else { return };
    let mut front = fronts::tls(Kind::Signed).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let formats = ["md", "html", "json"];
    let files = formats.map(|format| format!("--report-file=r.{format}"));
    let output = Command::new(&programs.loadtest)
        .args(["--host", &front.url, "--insecure", "--iterations", "2", "--users", "2"])
        .args(files)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stderr.contains("warning: the certificate of the service is not verified"), "{stderr}");
    let reports =
        formats.map(|format| fs::read_to_string(folder.path().join(format!("r.{format}"))).unwrap());
    for report in [&stdout, &reports[0], &reports[1]] {
        assert!(report.contains("(insecure: its certificate was not verified)"), "{report}");
    }
    assert!(reports[2].contains("\"insecure\":true"), "{}", reports[2]);
    assert!(front.arrivals().await.unwrap().requests > 0);
}
