mod schema;

use super::*;
use crate::distributed::lost::LostWorkers;
use crate::distributed::merge::merge_results;
use crate::metrics::sample::{self, Call};
use crate::metrics::{
    BreakpointStep, CallMetrics, Ending, FailureSummary, LoadModel, RateLimitDelays, RateStep,
    ScenarioMetrics, SecondSet, ServiceInfo, StepMetrics, ViolationExample, ViolationSummary, WarmUp,
};
use crate::thresholds::{Baseline, BaselineRun};

fn passing() -> Results {
    let mut results = sample::results(&sample::calls(1, 24_000, 12));
    results.service = ServiceInfo {
        address: "http://127.0.0.1:41233".to_owned(),
        embedded: true,
        insecure: false,
        name: Some("service-sessions".to_owned()),
        version: Some("1.0.0".to_owned()),
        other_versions: Vec::new(),
    };
    results.pass_criteria.thresholds =
        vec!["p95<50ms".to_owned(), "p99<250ms for POST open_session".to_owned()];
    results.violations =
        vec![ViolationSummary { kind: "stale data was returned".to_owned(), count: 0, examples: vec![] }];
    results
}

/// A run with many failures, and with strings of a malicious service.
fn failing() -> Results {
    let mut calls = sample::calls(2, 6_000, 12);
    calls.iter_mut().step_by(97).for_each(|call| call.failure = Some("service error 503"));
    calls.iter_mut().skip(3_000).take(60).for_each(|call| {
        call.failure = Some("timeout");
        call.micros = 900_000;
    });
    let mut results = sample::results(&calls);
    results.pass_criteria.thresholds =
        vec!["p99<5ms for POST open_session".to_owned(), "error-rate<1%".to_owned()];
    results.failures[0].example =
        Some("<script>alert('x')</script> | `tick` @ann &amp; \u{1b}[31m".to_owned());
    results.failures[0].trace_id = Some("0af7651916cd43dd8448eb211c80319c".to_owned());
    let example = |number: u32| ViolationExample {
        session_id: format!("6f1c{number:04}"),
        operation: "get_session_by_id".to_owned(),
        correlation_id: Some(format!("loadtest-4f2a91c07be3-0-{number}")),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        virtual_user: Some(3),
        time: sample::started(),
        expected: Some("7".to_owned()),
        observed: Some("<b>6</b>".to_owned()),
    };
    results.violations = vec![
        ViolationSummary {
            kind: "stale data was returned".to_owned(),
            count: 12,
            examples: vec![example(1), example(2)],
        },
        ViolationSummary { kind: "session is missing".to_owned(), count: 0, examples: vec![] },
    ];
    results.sessions.cleaned_up = 3;
    results.sessions.left_behind.add("6f1c0009");
    results
}

/// A run in the open model against a service that froze for two of ten seconds.
fn frozen() -> Results {
    let calls: Vec<_> = (0..2_000_u64)
        .map(|number| {
            let at_us = number * 5_000;
            let is_frozen = (4_000_000..6_000_000).contains(&at_us);
            Call {
                operation: "open_session",
                at_us,
                micros: if is_frozen { 6_000_000 - at_us } else { 700 + number % 300 },
                failure: None,
            }
        })
        .collect();
    let mut results = sample::results(&calls);
    let steps = vec![RateStep { from: 200.0, to: 200.0, seconds: 10.0 }];
    results.load = LoadModel::Open { steps, pre_allocated_vus: 450 };
    let open = results.operations.get_mut("open_session").unwrap();
    open.response_time = Some(open.service_time.clone());
    results.load_generators[0].start_delay = (0..2_000).map(|number| number % 180).collect();
    results
}

/// A run in the open model whose second step the service did not keep up with, after a warm-up.
fn stepped() -> Results {
    let mut results = frozen();
    let rates = [100.0, 300.0].map(|rate| RateStep { from: rate, to: rate, seconds: 5.0 });
    let ended = |due: u64, rate: u64| (0..due).map(|number| number * 1_000_000 / rate).collect();
    let calls =
        |micros: u64, failures| CallMetrics { failures, latency: [micros; 500].into_iter().collect() };
    results.steps = vec![
        StepMetrics { due: 500, started: 500, ended: ended(500, 100), calls: calls(800, 0) },
        StepMetrics { due: 1_500, started: 1_490, ended: ended(1_490, 100), calls: calls(900_000, 3) },
    ];
    results.load = LoadModel::Open { steps: rates.into(), pre_allocated_vus: 450 };
    results.tags = [("build", "4711"), ("team", "payments")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    results.rate_limit = Some(RateLimitDelays { calls: 12, rejections: 15, waited_us: 21_500_000 });
    results.warm_up = Some(WarmUp {
        seconds: 5.0,
        calls: calls(4_000, 1),
        failures: vec![FailureSummary {
            operation: "open_session".to_owned(),
            reason: "timeout".to_owned(),
            count: 1,
            example: None,
            trace_id: None,
            seen: [results.started; 2],
        }],
    });
    results
}

fn merged() -> Results {
    let calls = sample::calls(3, 30_000, 20);
    let workers = (0..3).map(|index| {
        let share: Vec<_> = calls.iter().skip(index as usize).step_by(3).cloned().collect();
        (format!("worker-{index}.json"), sample::results_of_worker(index, 3, &share))
    });
    merge_results(workers.collect(), &LostWorkers::default()).unwrap()
}

fn breakpoint() -> Results {
    let mut results = frozen();
    let step = |rate, p99_us, failed_criterion: Option<&str>| BreakpointStep {
        rate,
        completed_rate: rate * 0.99,
        p99_us: Some(p99_us),
        failed_criterion: failed_criterion.map(str::to_owned),
        is_repeated: false,
    };
    let steps = vec![
        step(100.0, 1_200, None),
        step(200.0, 1_900, None),
        step(400.0, 88_000, Some("threshold missed: p99<50ms, observed 88.0 ms")),
    ];
    results.load = LoadModel::Breakpoint {
        steps,
        step_seconds: 5.0,
        pre_allocated_vus: 450,
        sustained_rate: Some(200.0),
    };
    results.pass_criteria.thresholds = vec!["p99<50ms".to_owned()];
    results
}

fn compared() -> Report {
    let mut slow = sample::calls(5, 24_000, 12);
    slow.iter_mut().filter(|call| call.operation == "get_session_by_id").for_each(|call| call.micros *= 2);
    let results = sample::results(&sample::calls(1, 24_000, 12));
    let before = Baseline { runs: vec![BaselineRun { file: "main.json".to_owned(), results }] };
    Report::evaluate(sample::results(&slow), Some(&before))
}

fn report(results: Results) -> Report {
    let mut report = Report::evaluate(results, None);
    report.files = vec!["loadtest-report.html".to_owned()];
    report
}

#[test]
fn the_console_shows_a_table_and_the_verdict() {
    insta::assert_snapshot!("console_passing", report(passing()).to_string());
    insta::assert_snapshot!("console_failing", report(failing()).to_string());
    insta::assert_snapshot!("console_breakpoint", report(breakpoint()).to_string());
    insta::assert_snapshot!("console_stepped", report(stepped()).to_string());
}

#[test]
fn the_console_shows_the_problems_of_the_other_service_of_a_comparison() {
    let against = failing();
    let example = messages::example(&against.violations[0].examples[0]);
    let printed = report(Results { against: Some(Box::new(against)), ..passing() }).to_string();
    let (_, other) = printed.split_once(" the other service, ").unwrap();
    assert!(other.contains(" violation: "), "{printed}");
    assert!(other.contains(example.split(';').next().unwrap()), "{printed}");
}

#[test]
fn strings_of_the_service_do_not_steer_the_terminal() {
    let mut results = failing();
    let text = "a\u{1b}[2J\r\n PASS: all well";
    results.service.version = Some(text.to_owned());
    results.failures[0].reason = text.to_owned();
    results.failures[0].operation = text.to_owned();
    results.violations[0].kind = text.to_owned();
    results.sessions.left_behind.ids = vec![text.to_owned()];
    results.sessions.check_error = Some(text.to_owned());
    let printed = report(results).to_string();
    assert!(printed.chars().all(|char| char == '\n' || !char.is_control()), "{printed:?}");
    assert!(!printed.lines().any(|line| line.starts_with(" PASS")), "{printed}");
}

#[test]
fn markdown_is_a_summary() {
    for (name, report) in
        [("passing", report(passing())), ("failing", report(failing())), ("compared", compared())]
    {
        insta::assert_snapshot!(format!("markdown_{name}"), report.render(ReportFormat::Markdown).unwrap());
    }
}

#[test]
fn junit_has_a_test_case_for_every_criterion() {
    let reports = [("failing", report(failing())), ("compared", compared()), ("stepped", report(stepped()))];
    for (name, report) in reports {
        insta::assert_snapshot!(format!("junit_{name}"), report.render(ReportFormat::Junit).unwrap());
    }
}

#[test]
fn a_json_report_is_read_back_as_results() {
    let report = report(failing());
    let text = report.render(ReportFormat::Json).unwrap();
    assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), report.results);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["verdict"]["exit_code"], 2);
    assert_eq!(json["verdict"]["line"], criteria::verdict_line(&report.results, &report.verdict));
}

#[test]
fn the_page_loads_nothing_and_runs_no_script() {
    for results in [passing(), failing(), frozen(), stepped(), merged(), breakpoint()] {
        let page = report(results).render(ReportFormat::Html).unwrap();
        // Links within the page load nothing.
        let page = page.replace("href=\"#", "");
        for forbidden in ["<script", "src=", "href=", "url(", "@import", "onload", "<iframe", "<link"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}

#[test]
fn every_report_has_a_row_for_each_step_and_for_the_warm_up() {
    let report = report(stepped());
    let warm_up =
        [(ReportFormat::Html, ">501<"), (ReportFormat::Markdown, "5 s, not judged: 501 calls, 1 failed")];
    for (format, warm_up) in warm_up {
        let page = report.render(format).unwrap();
        for shown in ["300/s", "held/s", "arm-up", "team=payments", "12 calls delayed", warm_up] {
            assert!(page.contains(shown), "{format:?}: {shown}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&report.render(ReportFormat::Json).unwrap()).unwrap();
    assert_eq!((&json["steps"][1]["due"], &json["warm_up"]["calls"]["failures"]), (&1_500.into(), &1.into()));
}

#[test]
fn strings_of_the_service_are_escaped_on_the_page() {
    let page = report(failing()).render(ReportFormat::Html).unwrap();
    assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt; | `tick` @ann &amp;amp; "), "escaped");
    assert!(page.contains("data-head=\"observed\"><code class=\"message\">&lt;b&gt;6&lt;/b&gt;<"), "{page}");
}

#[test]
fn no_report_for_people_has_characters_that_reverse_or_hide_text() {
    let mut results = failing();
    let text = "a\u{202e}b\u{2066}c\u{61c}d\u{2028}e\u{200b}f";
    results.service.version = Some(text.to_owned());
    results.failures[0].reason = text.to_owned();
    results.violations[0].examples[0].observed = Some(text.to_owned());
    results.sessions.left_behind.ids = vec![text.to_owned()];
    let report = report(results);
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Junit] {
        let page = report.render(format).unwrap();
        assert!(page.chars().all(|char| char == '\n' || is_displayed(char)), "{format:?}: {page:?}");
        assert!(page.contains("a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f"), "{format:?}: {page}");
    }
    let printed = report.to_string();
    assert!(printed.chars().all(|char| char == '\n' || is_displayed(char)), "{printed:?}");
}

#[test]
fn the_page_begins_with_the_verdict_and_its_failures() {
    for (report, word) in [(report(passing()), "PASS"), (report(failing()), "FAIL"), (compared(), "FAIL")] {
        let page = report.render(ReportFormat::Html).unwrap();
        let header = &page[page.find("<header").unwrap()..page.find("</header>").unwrap()];
        assert!(header.contains(&format!("<h1>{word}</h1>")), "{header}");
        assert_eq!(header.matches("<li>").count(), criteria::failures(&report.verdict).count(), "{header}");
    }
}

#[test]
fn violations_that_were_not_found_are_collapsed() {
    let page = report(failing()).render(ReportFormat::Html).unwrap();
    let details = &page[page.find("<details>").unwrap()..page.find("</details>").unwrap()];
    assert!(details.contains("2 kinds of violations checked for and not found"), "{details}");
    assert!(details.contains("never: session is missing") && !details.contains("stale data"), "{details}");
}

/// The ids of the sections of a page, and those that its navigation links to.
fn sections_and_links(page: &str) -> [Vec<&str>; 2] {
    ["<section id=\"", "href=\"#"]
        .map(|before| page.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect())
}

#[test]
fn the_navigation_links_to_every_section_and_no_section_is_empty() {
    let [sections, links] =
        &sections_and_links(&report(stepped()).render(ReportFormat::Html).unwrap()).map(|ids| ids.join(" "));
    assert_eq!(sections, links);
    assert_eq!(sections, "steps operations time warm-up criteria load sessions generators");
    let page = report(sample::results(&[])).render(ReportFormat::Html).unwrap();
    let [sections, _] = sections_and_links(&page);
    assert_eq!(sections, ["criteria", "load", "sessions", "generators"]);
}

#[test]
fn the_page_shows_the_calls_of_each_scenario_and_of_the_clean_up() {
    let mut results = passing();
    let browse = ScenarioMetrics {
        name: "browse".to_owned(),
        calls: Some(CallMetrics { failures: 7, latency: [4_000; 20].into_iter().collect() }),
        ..results.scenarios[0].clone()
    };
    results.scenarios.push(browse);
    results.other_calls = [("clean-up".to_owned(), [("delete_session_by_id".to_owned(), 31)].into())].into();
    results.sent_again = [("open_session".to_owned(), 3)].into();
    let page = report(results).render(ReportFormat::Html).unwrap();
    assert!(
        page.contains("<th scope=\"row\"><code>browse</code></th>") && page.contains(">7</td>"),
        "{page}"
    );
    assert!(page.contains("<dt>calls for the clean-up</dt><dd>31 delete_session_by_id</dd>"), "{page}");
    assert!(page.contains("<dt>requests sent again at once</dt><dd>3 open_session</dd>"), "{page}");
}

#[test]
fn outages_are_listed_and_marked_in_the_charts() {
    let mut results = frozen();
    results.availability.failed.insert_range(1_764_072_004..1_764_072_006);
    results.availability.succeeded = SecondSet::default();
    results.availability.succeeded.insert_range(1_764_072_000..1_764_072_004);
    results.availability.succeeded.insert_range(1_764_072_006..1_764_072_011);
    let page = report(results).render(ReportFormat::Html).unwrap();
    let row = "<tr><th scope=\"row\">12:00:04</th><td>12:00:06</td><td class=\"n\">2</td></tr>";
    assert!(page.contains(row), "{page}");
    assert_eq!(page.matches("<rect class=\"outage\" x=\"375.").count(), 3, "{page}");
}

#[test]
fn damaged_results_with_more_failures_than_calls_can_be_reported() {
    let mut results = passing();
    for operation in results.operations.values_mut() {
        operation.failures = operation.calls + 1;
    }
    let report = report(results);
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Junit, ReportFormat::Json] {
        report.render(format).unwrap();
    }
}

#[test]
fn damaged_results_whose_sums_overflow_can_be_reported() {
    let mut results = passing();
    for operation in results.operations.values_mut() {
        (operation.calls, operation.failures, operation.interrupted) = (u64::MAX, u64::MAX, u64::MAX);
    }
    for scenario in &mut results.scenarios {
        (scenario.completed, scenario.interrupted) = (u64::MAX, u64::MAX);
    }
    results.scenarios.extend(results.scenarios.clone());
    assert!(results.operations.len() > 1 && results.scenarios.len() > 1, "there is nothing to add");
    let probes = results.operations.keys().map(|operation| (operation.clone(), u64::MAX)).collect();
    results.other_calls.insert("probe".to_owned(), probes);
    let report = report(results);
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Junit, ReportFormat::Json] {
        report.render(format).unwrap();
    }
}

#[test]
fn a_run_without_calls_can_be_reported() {
    let mut results = sample::results(&[]);
    results.ending = Ending::Failed { reason: "it panicked".to_owned() };
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Json, ReportFormat::Junit] {
        assert!(report(results.clone()).render(format).unwrap().contains("it panicked"), "{format:?}");
    }
    assert!(report(results).to_string().contains("it panicked"));
}

#[test]
fn the_extension_decides_the_format() {
    for (name, format) in [
        ("a.html", ReportFormat::Html),
        ("b/c.MD", ReportFormat::Markdown),
        ("run.json", ReportFormat::Json),
        ("junit.xml", ReportFormat::Junit),
    ] {
        assert_eq!(ReportFormat::of(Path::new(name)), Ok(format));
    }
    let error = ReportFormat::of(Path::new("report.pdf")).unwrap_err().to_string();
    assert_eq!(error, "report.pdf: a report file must end in .html, .md, .json or .xml (JUnit)");
}

#[test]
fn files_are_written_atomically_into_new_folders() {
    let folder = std::env::temp_dir().join(format!("loadtest-report-{}", std::process::id()));
    let path = folder.join("deep/run.json");
    let mut report = Report::evaluate(passing(), None);
    report.write(&path).unwrap();
    assert_eq!(Results::read(&path).unwrap(), report.results);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(report.files, [path.display().to_string()]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let error =
        Report::evaluate(passing(), None).write(Path::new("/dev/null/x.json")).unwrap_err().to_string();
    assert!(error.starts_with("/dev/null/x.json: cannot be written: "), "{error}");
}

/// `LOADTEST_PAGES=folder cargo test -p loadtest --lib pages -- --ignored`
#[test]
#[ignore = "writes sample reports for visual inspection"]
fn sample_pages_are_written() {
    let folder = std::env::var_os("LOADTEST_PAGES").expect("LOADTEST_PAGES must be set to a folder");
    for (name, mut report) in [
        ("passing", report(passing())),
        ("failing", report(failing())),
        ("frozen", report(frozen())),
        ("stepped", report(stepped())),
        ("merged", report(merged())),
        ("breakpoint", report(breakpoint())),
        ("compared", compared()),
    ] {
        for end in ["html", "xml", "md", "json"] {
            report.write(&Path::new(&folder).join(format!("{name}.{end}"))).unwrap();
        }
    }
}
