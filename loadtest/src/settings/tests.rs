use crate::builder::LoadTest;
use crate::cli::{Cli, Command, Hidden, settings_template};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// Writes a file for one test.
fn file(name: &str, content: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("loadtest-settings-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn parse_with(args: &[&str], variables: &[(&str, &str)]) -> Result<Cli, String> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    let args = ["loadtest"].iter().chain(args).copied();
    Cli::parse_with(&LoadTest::sessions(), args, &variables).map_err(|error| error.to_string())
}

fn with_file(name: &str, content: &str, args: &[&str]) -> Result<Cli, String> {
    let path = file(name, content);
    parse_with(&[&["--config", path.to_str().unwrap()], args].concat(), &[])
}

fn error(name: &str, content: &str) -> String {
    let path = file(name, content).display().to_string();
    with_file(name, content, &[]).unwrap_err().replace(&path, name)
}

#[test]
fn options_replace_variables_which_replace_the_file() {
    let path = file("order.yaml", "loadtest: {users: 5, run-time: 7s, stores: 9}");
    let args = ["--config", path.to_str().unwrap(), "--stores", "1"];
    let cli = parse_with(&args, &[("LOADTEST_USERS", "6"), ("LOADTEST_STORES", "8")]).unwrap();
    assert_eq!((cli.goose.users, cli.scenarios.stores), (Some(6), 1));
    assert_eq!(cli.goose.run_time.as_deref(), Some("7s"));
}

#[test]
fn the_file_of_a_variable_is_read() {
    let path = file("variable.yaml", "loadtest: {users: 5}");
    for name in ["LOADTEST_CONFIG", "SESSIONS_CONFIG"] {
        let cli = parse_with(&[], &[(name, path.to_str().unwrap())]).unwrap();
        assert_eq!(cli.goose.users, Some(5), "{name}");
    }
}

#[test]
fn yaml_json_and_toml_have_the_same_settings() {
    for (name, content) in [
        (
            "same.yaml",
            "loadtest:\n  users: 5\n  threshold: [p95<1s, 'rps>1']\n  scenario: {lifecycle: 3, browse: 1}\n",
        ),
        (
            "same.json",
            r#"{"loadtest": {"users": 5, "threshold": ["p95<1s", "rps>1"], "scenario": {"lifecycle": 3, "browse": 1}}}"#,
        ),
        (
            "same.toml",
            "[loadtest]\nusers = 5\nthreshold = ['p95<1s', 'rps>1']\nscenario = {lifecycle = 3, browse = 1}\n",
        ),
    ] {
        let cli = with_file(name, content, &[]).unwrap();
        assert_eq!((cli.goose.users, cli.goose.threshold.len()), (Some(5), 2), "{name}");
        assert_eq!(cli.scenarios.scenario.unwrap().to_string(), "lifecycle=3,browse", "{name}");
    }
}

#[test]
fn tags_are_a_table_in_the_file_and_a_list_in_a_variable() {
    let cli = with_file("tags.yaml", "loadtest: {tag: {build: 7, git.branch: main}}", &[]).unwrap();
    let expected = ["build=7", "git.branch=main"].map(|tag| tag.parse().unwrap());
    assert_eq!(cli.run.tag, expected);
    let cli = parse_with(&[], &[("LOADTEST_TAG", "build=7; git.branch=main")]).unwrap();
    assert_eq!(cli.run.tag, expected);
    let error = parse_with(&["--tag", "build=7", "--tag", "build=8"], &[]).unwrap_err();
    assert!(error.contains("are the same tag in metrics"), "{error}");
}

#[test]
fn a_list_on_the_command_line_replaces_that_of_the_file() {
    let content = "loadtest: {threshold: [p95<1s, rps>1]}";
    let cli = with_file("list.yaml", content, &["--threshold", "p99<2s"]).unwrap();
    assert_eq!(cli.goose.threshold.iter().map(ToString::to_string).collect::<Vec<_>>(), ["p99<2s"]);
}

#[test]
fn variables_have_lists_with_semicolons() {
    let cli = parse_with(&[], &[("LOADTEST_THRESHOLD", "p95<1s; rps>1")]).unwrap();
    assert_eq!(cli.goose.threshold.len(), 2);
}

#[test]
fn a_load_model_on_the_command_line_replaces_that_of_the_file() {
    let closed = "loadtest: {users: 5, run-time: 7s}";
    let cli = with_file("closed.yaml", closed, &["--rate", "5", "--step", "1s"]).unwrap();
    assert!(cli.executor.rate.is_some() && cli.goose.users.is_none() && cli.goose.run_time.is_none());
    let open = "loadtest: {rate: [5, 10], step: 1s, pre-allocated-vus: 9}";
    let cli = with_file("open.yaml", open, &["-u", "3"]).unwrap();
    assert!(cli.executor.rate.is_none() && cli.executor.step.is_none());
    assert_eq!(cli.goose.users, Some(3));
}

#[test]
fn what_conflicts_with_an_option_is_replaced_with_what_needs_it() {
    for (content, args, origins) in [
        ("{data-file: a.jsonl, data-order: random}", &["--payload-bytes", "100"][..], &[][..]),
        ("{payload-bytes: 9, stores: 2}", &["--data-file", "a.jsonl"], &["stores"]),
        ("{baseline: b.json, max-regression: 30%, users: 3}", &["--breakpoint"], &[]),
        ("{users: 9, decrease-time: 5s}", &["--iterations", "5"], &["users"]),
        ("{decrease-rate: 2, no-reset-metrics: true}", &["--iterations", "5"], &[]),
        ("{users: 9, decrease-time: 5s}", &["--test-plan", "2,1s"], &[]),
        ("{no-reset-metrics: true, run-time: 5s}", &["--test-plan", "2,1s"], &[]),
        ("{decrease-rate: 5, users: 9}", &["--decrease-time", "3s"], &["users"]),
        ("{fault: refuse, count-faults: true}", &["--breakpoint"], &[]),
        ("{rate: 10..200, pre-allocated-vus: 9}", &["--breakpoint"], &["pre-allocated-vus"]),
        ("{rate: 10, step: 5s}", &["--breakpoint"], &["rate", "step"]),
        ("{breakpoint: true, step: 5s}", &["--rate", "10..200"], &["step"]),
        ("{breakpoint: true, step: 5s, pre-allocated-vus: 9}", &["--run-time", "5s"], &[]),
        ("{threshold: p99<1s, threshold-abort-delay: 5s}", &["--no-threshold-abort"], &["threshold"]),
        ("{no-threshold-abort: true, threshold: p99<1s}", &["--threshold-abort-delay", "5s"], &["threshold"]),
        ("{dashboard: true, users: 9}", &["--iterations", "5"], &["users"]),
        ("{users: 9, increase-time: 5s}", &["--users", "1"], &[]),
        ("{users: 1}", &["--increase-time", "5s"], &[]),
    ] {
        let mut cli = with_file("replaced.yaml", &format!("loadtest: {content}"), args)
            .unwrap_or_else(|error| panic!("{content} {args:?}: {error}"));
        assert_eq!(cli.settings.longs(), origins, "{content} {args:?}");
        // The same between variables and the file.
        let path = file("replaced.yaml", &format!("loadtest: {content}"));
        let name = format!("LOADTEST_{}", args[0].trim_start_matches('-').replace('-', "_").to_uppercase());
        let variables =
            [("LOADTEST_CONFIG", path.to_str().unwrap()), (&*name, args.get(1).unwrap_or(&"true"))];
        cli = parse_with(&[], &variables).unwrap_or_else(|error| panic!("{content} {name}: {error}"));
        let of_file = cli.settings.longs().split_off(2);
        assert_eq!(of_file, origins, "{content} {name}");
    }
}

/// Options that are valid together.
const COMBINATIONS: [&[(&str, &str)]; 20] = [
    &[("users", "9")],
    &[("users", "1"), ("iterations", "5")],
    &[("users", "9"), ("run-time", "5s"), ("increase-time", "5s"), ("decrease-time", "5s")],
    &[("users", "9"), ("increase-rate", "2"), ("decrease-rate", "2"), ("no-reset-metrics", "true")],
    &[("throttle-requests", "10"), ("run-time", "5s")],
    &[("test-plan", "2,1s;0,1s")],
    &[("dashboard", "true"), ("run-time", "5s")],
    &[("rate", "5"), ("run-time", "5s"), ("pre-allocated-vus", "9")],
    &[("rate", "5,10"), ("step", "5s")],
    &[("rate", "10..200"), ("step", "5s"), ("dashboard", "true")],
    &[("breakpoint", "true"), ("step", "5s"), ("pre-allocated-vus", "9")],
    &[("breakpoint", "true"), ("rate", "5")],
    &[("fault", "refuse"), ("count-faults", "true")],
    &[("data-file", "a.jsonl"), ("data-order", "random")],
    &[("payload-bytes", "9"), ("payload-shape", "wide")],
    &[("baseline", "b.json"), ("max-regression", "30%")],
    &[("threshold", "p99<1s"), ("threshold-abort-delay", "5s")],
    &[("threshold", "p99<1s"), ("no-threshold-abort", "true")],
    &[("goose-metrics", "true"), ("running-metrics", "5")],
    &[("goose-report", "r.html"), ("notes", "x")],
];

#[test]
fn any_valid_options_replace_any_valid_settings() {
    for settings in COMBINATIONS {
        let content: Vec<_> = settings.iter().map(|(key, value)| format!("{key}: '{value}'")).collect();
        let path = file("any.yaml", &format!("loadtest: {{{}}}", content.join(", ")));
        for options in COMBINATIONS {
            let options = options.iter().map(|(key, value)| match *value {
                "true" => format!("--{key}"),
                value => format!("--{key}={value}"),
            });
            let options: Vec<_> = options.collect();
            let args = ["--config", path.to_str().unwrap()];
            let args: Vec<_> = args.into_iter().chain(options.iter().map(String::as_str)).collect();
            parse_with(&args, &[]).unwrap_or_else(|error| panic!("{settings:?} {options:?}: {error}"));
        }
    }
}

#[test]
fn a_setting_without_what_it_needs_is_an_error_if_nothing_was_replaced() {
    for (content, args) in [
        ("{data-order: random}", &["--payload-bytes", "100"][..]),
        ("{count-faults: true}", &["--breakpoint"]),
        ("{step: 5s}", &["--stores", "3"]),
    ] {
        assert!(with_file("needs.yaml", &format!("loadtest: {content}"), args).is_err(), "{content}");
    }
}

#[test]
fn an_option_that_is_turned_off_replaces_only_itself_and_what_needs_it() {
    let path = file("turned-off.yaml", "loadtest: {users: 5}");
    let variables = [("LOADTEST_CONFIG", path.to_str().unwrap()), ("LOADTEST_BREAKPOINT", "false")];
    assert_eq!(parse_with(&[], &variables).unwrap().goose.users, Some(5));
    let path = file("turned-off.yaml", "loadtest: {breakpoint: true, step: 5s, goose-metrics: true}");
    let variables = [
        ("LOADTEST_CONFIG", path.to_str().unwrap()),
        ("LOADTEST_BREAKPOINT", "false"),
        ("LOADTEST_GOOSE_METRICS", "false"),
        ("LOADTEST_RUNNING_METRICS", "5"),
    ];
    let cli = parse_with(&[], &variables).unwrap();
    assert_eq!((cli.executor.step, cli.goose.running_metrics), (None, None));
}

#[test]
fn a_value_that_is_the_name_of_a_command_replaces_no_setting() {
    let path = file("command.yaml", "loadtest: {users: 5, max-error-rate: 3%}");
    for name in ["compare", "cleanup", "doctor", "init", "merge", "report", "help"] {
        for option in ["--output-dir", "--test-run-id"] {
            let args = ["--config", path.to_str().unwrap(), option, name];
            let cli = parse_with(&args, &[("LOADTEST_STORES", "7")]).unwrap();
            let settings = (cli.goose.users, cli.scenarios.stores, cli.criteria.max_error_rate);
            assert_eq!(settings, (Some(5), 7, Some(3.0)), "{option} {name}");
        }
    }
}

#[test]
fn doctor_and_cleanup_have_the_settings_among_their_options() {
    let path = file("others.yaml", "loadtest: {users: 5, wait: 7s, yes: true, against-config: other.yaml}");
    let variables = [
        ("LOADTEST_CONFIG", path.to_str().unwrap()),
        ("LOADTEST_HOST", "http://variable"),
        ("LOADTEST_CACERT", "ca.pem"),
        ("LOADTEST_PROXY", "http://proxy"),
        ("LOADTEST_RESOLVE", "h:80:::1; i:80:::2"),
        ("LOADTEST_TEST_RUN_ID", "abc"),
        ("LOADTEST_RUN_TIME", "1m"),
    ];
    let host = Some(Hidden("http://variable".to_owned()));
    let cli = parse_with(&["cleanup", "--max-sessions", "9"], &variables).unwrap();
    let Some(Command::Cleanup(cleanup)) = cli.command else { panic!("{:?}", cli.command) };
    assert_eq!((&*cleanup.test_run_id, cleanup.max_sessions, &cleanup.host), ("abc", 9, &host));
    assert!(cleanup.yes && cleanup.service.wait.is_some_and(|wait| wait.as_secs() == 7));
    let cli = parse_with(&["doctor", "--cacert", "typed.pem"], &variables).unwrap();
    let Some(Command::Doctor(doctor)) = cli.command else { panic!("{:?}", cli.command) };
    assert_eq!((&doctor.host, doctor.service.cacert.as_deref()), (&host, Some("typed.pem")));
    // It makes each step once.
    assert_eq!(doctor.service.wait, None);
    for service in [cleanup.service, doctor.service] {
        assert_eq!(service.config.as_deref(), Some(&*path));
        assert_eq!(service.resolve, ["h:80:::1", "i:80:::2"]);
        assert_eq!(service.proxy, Some(Hidden("http://proxy".to_owned())));
    }
}

#[test]
fn merge_report_and_init_have_no_settings() {
    let variables = [("LOADTEST_REPORT_FILE", "variable.html"), ("LOADTEST_WAIT", "7s")];
    for args in [&["merge", "a.json"][..], &["report", "a.json"], &["init"]] {
        let command = parse_with(args, &variables).unwrap().command;
        assert_eq!(format!("{command:?}"), format!("{:?}", parse_with(args, &[]).unwrap().command));
    }
}

#[test]
fn a_variable_turns_an_option_of_the_file_off() {
    let path = file("off.yaml", "loadtest: {breakpoint: true, no-checks: true}");
    let variables = [("LOADTEST_CONFIG", path.to_str().unwrap()), ("LOADTEST_BREAKPOINT", "false")];
    let cli = parse_with(&[], &variables).unwrap();
    assert!(!cli.executor.breakpoint && cli.run.no_checks);
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    assert!(
        error("typo.yaml", "loadtest: {user: 5}")
            .contains("`loadtest.user` (typo.yaml) is not a known key: did you mean `users`?")
    );
    assert!(error("unknown.yaml", "loadtest: {zebra-crossing-lights: 5}").contains("The known keys are"));
}

#[test]
fn a_wrong_value_names_file_key_and_what_was_expected() {
    for (content, expected) in [
        ("{users: many}", "`loadtest.users` (wrong.yaml): invalid value `many`: expected a whole number"),
        ("{users: [1, 2]}", "`loadtest.users` (wrong.yaml): invalid value `1,2`: expected a whole number"),
        (
            "{users: 9000000}",
            "`loadtest.users` (wrong.yaml): invalid value `9000000`: expected a number from 0 to 1000000",
        ),
        (
            "{stores: '99999999999999999999'}",
            "`loadtest.stores` (wrong.yaml): invalid value `99999999999999999999`: the number is too large",
        ),
        (
            "{calls: 0}",
            "`loadtest.calls` (wrong.yaml): invalid value `0`: expected a number from 1 to 4294967295",
        ),
        (
            "{prometheus-listen: 9464}",
            "`loadtest.prometheus-listen` (wrong.yaml): invalid value `9464`: expected an IP address and a port",
        ),
        (
            "{data-order: random}",
            "`loadtest.data-order` (wrong.yaml): the following required arguments were not provided: --data-file",
        ),
        (
            "{read-ratio: 2}",
            "`loadtest.read-ratio` (wrong.yaml): invalid value `2`: expected a number from 0 to 1",
        ),
        (
            "{payload-shape: round}",
            "`loadtest.payload-shape` (wrong.yaml): invalid value `round`: expected text, nested, wide",
        ),
        ("{no-checks: maybe}", "`loadtest.no-checks` (wrong.yaml): expected true or false"),
        ("{users: }", "`loadtest.users` (wrong.yaml) has no value"),
        ("{users: {a: {b: c}}}", "`loadtest.users` (wrong.yaml) must be a value"),
        ("{users: 5, vus: 5}", "`loadtest.vus` (wrong.yaml) sets the same as `loadtest.users` (wrong.yaml)"),
        ("{step: 5s}", "`loadtest.step` (wrong.yaml) needs --rate or --breakpoint"),
        ("{rps: 5}", "`loadtest.rps` (wrong.yaml) is not an option of this load test: --rate"),
        ("{token: x}", "set the key credential.token outside of `loadtest`"),
        ("{print-config: true}", "--print-config is only an option of the command line"),
        ("7", "`loadtest` (wrong.yaml) must be a table of settings"),
    ] {
        let error = error("wrong.yaml", &format!("loadtest: {content}"));
        assert!(error.contains(expected), "{content}: {error}");
        assert_eq!(error.lines().count(), 1, "{content}: {error}");
    }
}

#[test]
fn a_variable_that_is_misspelled_is_an_error() {
    for args in [&[][..], &["compare"], &["doctor"], &["cleanup", "--test-run-id", "x"]] {
        let error = parse_with(args, &[("LOADTEST_USER", "5")]).unwrap_err();
        assert_eq!(error, "`LOADTEST_USER` is not a known variable: did you mean `LOADTEST_USERS`?");
    }
}

#[test]
fn an_error_of_the_command_line_does_not_mention_settings() {
    let variables = [("LOADTEST_USERS", "5")];
    let error = parse_with(&["docter"], &variables).unwrap_err();
    assert!(error.contains("'doctor'") && !error.contains("--users"), "{error}");
}

#[test]
fn variables_of_other_programs_are_ignored() {
    let variables = [
        ("LOADTEST_PORT", "tcp://1"),
        ("LOADTEST_SERVICE_HOST", "1"),
        ("LOADTEST_ZEBRA_CROSSING", "1"),
        ("LOADTEST_USERS", ""),
    ];
    assert_eq!(parse_with(&[], &variables).unwrap().goose.users, Some(8));
}

#[test]
fn the_settings_of_a_load_test_are_described_with_their_origins() {
    let path = file("origins.yaml", "loadtest: {users: 5, dashboard-auth-token: s3cret, dashboard: true}");
    let config = path.to_str().unwrap();
    let args = ["--config", config, "--print-config", "-t", "3s"];
    let described = parse_with(&args, &[("LOADTEST_STORES", "7")]).unwrap().described;
    for line in [
        &*format!("loadtest.users = 5 ({config})"),
        "loadtest.run-time = 3s (--run-time)",
        "loadtest.stores = 7 (LOADTEST_STORES)",
        "loadtest.calls = 20 (default)",
    ] {
        assert!(described.lines().any(|described| described == line), "{line}: {described}");
    }
    assert!(!described.contains("s3cret"), "{described}");
}

#[test]
fn the_written_file_has_the_defaults() {
    let template = settings_template(&LoadTest::sessions());
    let uncommented: String = template
        .lines()
        .map(|line| match line.trim_start().strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => format!("  {setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.contains("\n  users: 8\n") && uncommented.contains("\n  run-time: 10s\n"));
    let comparable = |mut cli: Cli| {
        cli.service.config = None;
        cli.settings = crate::settings::Applied::default();
        let mut criteria = crate::metrics::PassCriteria::default();
        std::mem::take(&mut cli.criteria).apply(&mut criteria);
        cli.scenarios
            .scenario
            .get_or_insert(crate::workload::Workload::default_weights(&LoadTest::sessions()));
        cli.goose.report_file.retain(|file| file != "loadtest-report.html");
        format!("{cli:#?}\n{criteria:#?}")
    };
    let given = with_file("defaults.yaml", &uncommented, &[]).unwrap();
    let (given, default) = (comparable(given), comparable(parse_with(&[], &[]).unwrap()));
    for (given, default) in given.lines().zip(default.lines()) {
        assert_eq!(given, default);
    }
}

#[test]
fn all_settings_are_in_the_written_file() {
    let template = settings_template(&LoadTest::sessions());
    for name in ["users", "rate", "threshold", "scenario", "otlp-endpoint", "warm-up", "baseline"] {
        let is_setting = |line: &str| {
            let line = line.trim_start().trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{name}: "))
        };
        assert!(template.lines().any(is_setting), "{name}");
    }
}
