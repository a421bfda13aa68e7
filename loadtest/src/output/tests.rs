use super::*;
use crate::metrics::sample::{self, Call};
use crate::metrics::{Ending, Example, LimitStep, LoadModel, RateStep, Service, Violation, merge};
use crate::thresholds::Baseline;

fn passing() -> Record {
    let mut record = sample::record(&sample::calls(1, 24_000, 12));
    record.service = Service {
        address: "http://127.0.0.1:41233".to_owned(),
        embedded: true,
        name: Some("service-sessions".to_owned()),
        version: Some("1.0.0".to_owned()),
    };
    record.rules.thresholds = vec!["p95<50ms".to_owned(), "p99<250ms for POST open_session".to_owned()];
    record.violations =
        vec![Violation { kind: "stale data was returned".to_owned(), count: 0, examples: vec![] }];
    record
}

/// A run in which a good deal goes wrong, with texts of a service that means no good.
fn failing() -> Record {
    let mut calls = sample::calls(2, 6_000, 12);
    calls.iter_mut().step_by(97).for_each(|call| call.failure = Some("service 503"));
    calls.iter_mut().skip(3_000).take(60).for_each(|call| {
        call.failure = Some("timeout");
        call.micros = 900_000;
    });
    let mut record = sample::record(&calls);
    record.rules.thresholds = vec!["p99<5ms for POST open_session".to_owned(), "error-rate<1%".to_owned()];
    record.failures[0].example =
        Some("<script>alert('x')</script> | `tick` @ann &amp; \u{1b}[31m".to_owned());
    let example = |number: u32| Example {
        session: format!("6f1c{number:04}"),
        operation: "get_session_by_id".to_owned(),
        correlation_id: Some(format!("loadtest-4f2a91c07be3-0-{number}")),
        detail: Some("stored 7, read back <b>6</b>".to_owned()),
    };
    record.violations = vec![
        Violation {
            kind: "stale data was returned".to_owned(),
            count: 12,
            examples: vec![example(1), example(2)],
        },
        Violation { kind: "session is gone".to_owned(), count: 0, examples: vec![] },
    ];
    record.audit.removed = 3;
    record.audit.left_behind.add("6f1c0009");
    record
}

/// A run of arrivals at a rate, against a service that stood still for two of ten seconds.
fn frozen() -> Record {
    let calls: Vec<_> = (0..2_000_u64)
        .map(|number| {
            let at_us = number * 5_000;
            let stands = (4_000_000..6_000_000).contains(&at_us);
            Call {
                operation: "open_session",
                at_us,
                micros: if stands { 6_000_000 - at_us } else { 700 + number % 300 },
                failure: None,
            }
        })
        .collect();
    let mut record = sample::record(&calls);
    let steps = vec![RateStep { from: 200.0, to: 200.0, seconds: 10.0 }];
    record.load = LoadModel::Open { steps, lanes: 450 };
    let open = record.operations.get_mut("open_session").unwrap();
    open.from_due = Some(open.times.clone());
    record.workers[0].lateness = (0..2_000).map(|number| number % 180).collect();
    record
}

fn merged() -> Record {
    let calls = sample::calls(3, 30_000, 20);
    let workers = (0..3).map(|index| {
        let share: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
        (format!("worker-{index}.json"), sample::of_worker(index, 3, &share))
    });
    merge(workers.collect()).unwrap()
}

fn limit() -> Record {
    let mut record = frozen();
    let step = |rate, p99_us, broke: Option<&str>| LimitStep {
        rate,
        achieved: rate * 0.99,
        p99_us: Some(p99_us),
        broke: broke.map(str::to_owned),
    };
    let steps =
        vec![step(100.0, 1_200, None), step(200.0, 1_900, None), step(400.0, 88_000, Some("p99<50ms"))];
    record.load = LoadModel::FindLimit { steps, seconds: 5.0, lanes: 450, limit: Some(200.0) };
    record.rules.thresholds = vec!["p99<50ms".to_owned()];
    record
}

fn compared() -> Report {
    let mut slow = sample::calls(5, 24_000, 12);
    slow.iter_mut().filter(|call| call.operation == "get_session_by_id").for_each(|call| call.micros *= 2);
    let before =
        Baseline { file: "main.json".to_owned(), record: sample::record(&sample::calls(1, 24_000, 12)) };
    Report::new(sample::record(&slow), Some(&before))
}

fn report(record: Record) -> Report {
    let mut report = Report::new(record, None);
    report.files = vec!["loadtest-report.html".to_owned()];
    report
}

#[test]
fn the_console_shows_a_table_and_the_verdict_last() {
    insta::assert_snapshot!("console_passing", report(passing()).to_string());
    insta::assert_snapshot!("console_failing", report(failing()).to_string());
    insta::assert_snapshot!("console_limit", report(limit()).to_string());
}

#[test]
fn nothing_that_a_service_says_steers_the_terminal() {
    let mut record = failing();
    let text = "a\u{1b}[2J\r\n PASS: all well";
    record.service.version = Some(text.to_owned());
    record.failures[0].name = text.to_owned();
    record.failures[0].operation = text.to_owned();
    record.violations[0].kind = text.to_owned();
    record.audit.left_behind.ids = vec![text.to_owned()];
    record.audit.unknown = Some(text.to_owned());
    let printed = report(record).to_string();
    assert!(printed.chars().all(|char| char == '\n' || !char.is_control()), "{printed:?}");
    assert!(!printed.lines().any(|line| line.starts_with(" PASS")), "{printed}");
}

#[test]
fn a_pull_request_gets_a_summary() {
    for (name, report) in
        [("passing", report(passing())), ("failing", report(failing())), ("compared", compared())]
    {
        insta::assert_snapshot!(format!("markdown_{name}"), report.render(Format::Markdown).unwrap());
    }
}

#[test]
fn a_pipeline_gets_a_test_case_for_every_check() {
    for (name, report) in [("failing", report(failing())), ("compared", compared())] {
        insta::assert_snapshot!(format!("junit_{name}"), report.render(Format::Junit).unwrap());
    }
}

#[test]
fn a_report_in_json_is_a_record_again() {
    let report = report(failing());
    let text = report.render(Format::Json).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), report.record);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["verdict"]["exit_code"], 2);
    assert_eq!(json["verdict"]["line"], report.verdict.to_string());
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    for record in [passing(), failing(), frozen(), merged(), limit()] {
        let page = report(record).render(Format::Html).unwrap();
        for forbidden in ["<script", "src=", "href=", "url(", "@import", "onload", "<iframe", "<link"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}

#[test]
fn nothing_that_a_service_says_is_markup_on_the_page() {
    let page = report(failing()).render(Format::Html).unwrap();
    assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt; | `tick` @ann &amp;amp; "), "escaped");
    assert!(page.contains("stored 7, read back &lt;b&gt;6&lt;/b&gt;"), "escaped");
}

#[test]
fn the_page_begins_with_the_verdict_and_its_reasons() {
    for (report, word) in [(report(passing()), "PASS"), (report(failing()), "FAIL"), (compared(), "FAIL")] {
        let page = report.render(Format::Html).unwrap();
        let header = &page[page.find("<header").unwrap()..page.find("</header>").unwrap()];
        assert!(header.contains(&format!("<h1>{word}</h1>")), "{header}");
        assert_eq!(header.matches("<li>").count(), report.verdict.reasons().count(), "{header}");
    }
}

#[test]
fn what_was_looked_for_and_never_found_is_out_of_the_way() {
    let page = report(failing()).render(Format::Html).unwrap();
    let details = &page[page.find("<details>").unwrap()..page.find("</details>").unwrap()];
    assert!(details.contains("2 kinds of wrong answers that never came"), "{details}");
    assert!(details.contains("never: session is gone") && !details.contains("stale data"), "{details}");
}

#[test]
fn a_run_that_made_no_call_is_a_page_too() {
    let mut record = sample::record(&[]);
    record.ending = Ending::Broken { why: "it panicked".to_owned() };
    for format in [Format::Html, Format::Markdown, Format::Json, Format::Junit] {
        assert!(report(record.clone()).render(format).unwrap().contains("it panicked"), "{format:?}");
    }
    assert!(report(record).to_string().contains("it panicked"));
}

#[test]
fn the_end_of_a_name_says_the_form() {
    for (name, format) in [
        ("a.html", Format::Html),
        ("b/c.MD", Format::Markdown),
        ("run.json", Format::Json),
        ("junit.xml", Format::Junit),
    ] {
        assert_eq!(Format::of(Path::new(name)), Ok(format));
    }
    let error = Format::of(Path::new("report.pdf")).unwrap_err().to_string();
    assert_eq!(error, "report.pdf: a report file ends in .html, .md, .json or .xml (JUnit)");
}

#[test]
fn files_are_written_as_a_whole_into_folders_that_need_not_be_there() {
    let folder = std::env::temp_dir().join(format!("loadtest-report-{}", std::process::id()));
    let path = folder.join("deep/run.json");
    let mut report = Report::new(passing(), None);
    report.write(&path).unwrap();
    assert_eq!(Record::read(&path).unwrap(), report.record);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(report.files, [path.display().to_string()]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let error = Report::new(passing(), None).write(Path::new("/dev/null/x.json")).unwrap_err().to_string();
    assert!(error.starts_with("/dev/null/x.json: cannot be written: "), "{error}");
}

/// `LOADTEST_PAGES=folder cargo test -p loadtest --lib pages -- --ignored`
#[test]
#[ignore = "writes a page of each kind to be looked at"]
fn pages_can_be_looked_at() {
    let folder = std::env::var_os("LOADTEST_PAGES").expect("LOADTEST_PAGES says where");
    for (name, mut report) in [
        ("passing", report(passing())),
        ("failing", report(failing())),
        ("frozen", report(frozen())),
        ("merged", report(merged())),
        ("limit", report(limit())),
        ("compared", compared()),
    ] {
        for end in ["html", "xml", "md", "json"] {
            report.write(&Path::new(&folder).join(format!("{name}.{end}"))).unwrap();
        }
    }
}
