//! Runs of the shop's load test: counts, checks, thresholds and exit codes.

mod service;

use loadtest::metrics::{ExecutionSegment, Results};
use loadtest::{
    CommandOutput, ExitCode, IterationResult, LoadTest, LoadTestError, LoadTransport, Report, VirtualUser,
};
use service::{Fault, ShopService};
use shop_loadtest::contract::{Shop, ShopClient, shop_v1};
use shop_loadtest::scenarios::{Customer, load_test};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

type ShopTest = LoadTest<ShopClient<LoadTransport>>;

/// Two customers with four iterations each: seven of the first eight browse, and one orders.
const EIGHT: [&str; 4] = ["--users", "2", "--iterations", "4"];

async fn run(test: &ShopTest, options: &[&str]) -> Result<CommandOutput, LoadTestError> {
    test.run_from(["shop-loadtest"].iter().chain(options)).await
}

/// Runs a load test of a service.
async fn load(test: &ShopTest, service: &ShopService, options: &[&str]) -> Report {
    let url = service.start().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html");
    let always = ["--host", &url, "--report-file", file];
    match run(test, &[&always[..], options].concat()).await {
        Ok(CommandOutput::LoadTest { report, .. }) => *report,
        other => panic!("{other:?}"),
    }
}

async fn load_faulty(fault: Fault, options: &[&str]) -> Report {
    load(&load_test(), &ShopService::new(fault), &[&EIGHT[..], options].concat()).await
}

/// A load test with one scenario of a test.
fn with(
    scenario: impl for<'u> loadtest::ScenarioFn<'u, ShopClient<LoadTransport>> + Send + Sync + 'static,
) -> ShopTest {
    LoadTest::new("shop", shop_v1::ROUTES, ShopClient::from_caller).scenario("test", scenario)
}

#[track_caller]
fn assert_exit(report: &Report, exit_code: ExitCode) {
    assert_eq!(report.exit_code(), exit_code, "{report}");
}

/// The violations that were found, with their counts.
fn violations(report: &Report) -> Vec<(&str, u64)> {
    let all = report.results.violations.iter();
    all.filter(|kind| kind.count > 0).map(|kind| (&*kind.kind, kind.count)).collect()
}

#[tokio::test]
async fn calls_are_counted_under_the_names_of_their_operations() {
    let service = ShopService::default();
    let report = load(&load_test(), &service, &EIGHT).await;
    assert_exit(&report, ExitCode::Passed);
    let calls = |name: &str| report.results.operations[name].calls;
    let requests = service.requests();
    for (request, name, expected) in [
        ("GET /v1/items", "list_items", 7),
        ("GET /v1/items/*", "get_item", 21),
        ("POST /v1/orders", "place_order", 1),
        ("GET /v1/orders/*", "get_order", 2),
        ("DELETE /v1/orders/*", "cancel_order", 1),
    ] {
        assert_eq!([requests[request], calls(name)], [expected; 2], "{request}: {report}");
    }
    assert_eq!(service.orders(), 0);
}

#[tokio::test]
async fn calls_have_a_latency_a_status_and_a_trace() {
    let service = ShopService::new(Fault::SlowItems(Duration::from_millis(5)));
    let report = load(&load_test(), &service, &EIGHT).await;
    let item = &report.results.operations["get_item"];
    assert_eq!(item.statuses.iter().collect::<Vec<_>>(), [(&200, &21)]);
    assert!(item.latency().percentile(1.0).is_some_and(|fastest| fastest >= 5_000), "{report}");
    assert_eq!(service.untraced(), 0);
}

#[tokio::test]
async fn an_expected_status_does_not_fail_and_is_counted_apart() {
    let report = load(
        &load_test(),
        &ShopService::default(),
        &["--users", "1", "--iterations", "2", "--scenario", "order"],
    )
    .await;
    assert_exit(&report, ExitCode::Passed);
    let looked = &report.results.operations["get_order"];
    assert_eq!((looked.calls, looked.failures, looked.expected.get(&404)), (4, 0, Some(&2)), "{report}");
    assert_eq!(looked.statuses.iter().collect::<Vec<_>>(), [(&200, &2), (&404, &2)]);
    assert!(report.to_string().contains("expected 404 of get_order: 2"), "{report}");
}

#[tokio::test]
async fn scenarios_read_rows_of_a_file() {
    #[derive(serde::Deserialize)]
    struct Wanted {
        id: String,
        price: String,
    }
    async fn look(customer: &mut Customer) -> IterationResult {
        let Some(row) = customer.next_row() else { return customer.check("there are rows", false) };
        let wanted: Wanted = row.read()?;
        let item = customer.client().get_item(wanted.id.parse()?).await?;
        customer.check_eq("an item has the price of the file", &item.price.to_string(), &wanted.price)
    }
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/items.csv");
    std::fs::write(file, "id,price\n3,300\n4,400\n5,500\n").unwrap();
    let options = ["--users", "1", "--iterations", "3", "--data-file", file];
    let report = load(&with(look), &ShopService::default(), &options).await;
    assert_exit(&report, ExitCode::Passed);
    assert_eq!(report.results.iteration, "test; 3 rows of items.csv, in order");
    let without = load(&with(look), &ShopService::default(), &options[..4]).await;
    assert_exit(&without, ExitCode::WrongData);
}

#[tokio::test]
async fn other_statuses_than_the_expected_ones_fail() {
    async fn conflict(customer: &mut Customer) -> IterationResult {
        let order = customer.expecting(&[409, 410], customer.client().get_order(7)).await?;
        customer.check("there is no order", order.is_none())
    }
    async fn unexpected_afterwards(customer: &mut Customer) -> IterationResult {
        customer.expecting(&[404], customer.client().get_order(7)).await?;
        customer.client().get_order(7).await?;
        Ok(())
    }
    let once = ["--users", "1", "--iterations", "1"];
    for (test, failed, calls) in [(with(conflict), 1, 1), (with(unexpected_afterwards), 1, 2)] {
        let report = load(&test, &ShopService::default(), &once).await;
        assert_exit(&report, ExitCode::Failed);
        let looked = &report.results.operations["get_order"];
        assert_eq!((looked.failures, looked.calls), (failed, calls), "{report}");
        assert_eq!(violations(&report), []);
    }
}

#[tokio::test]
async fn calls_beyond_a_rate_limit_are_sent_again_if_asked_for() {
    let options = ["--users", "1", "--iterations", "4", "--scenario", "browse"];
    let counted = load(&load_test(), &ShopService::new(Fault::LimitsItems), &options).await;
    assert_exit(&counted, ExitCode::Failed);
    assert_eq!(counted.results.failures[0].reason, "service error 429");
    let service = ShopService::new(Fault::LimitsItems);
    let report = load(&load_test(), &service, &[&options[..], &["--on-429", "wait"]].concat()).await;
    assert_exit(&report, ExitCode::Passed);
    let delays = report.results.rate_limit.unwrap();
    let item = &report.results.operations["get_item"];
    // Each but the first is rejected once.
    assert_eq!((item.calls, delays.calls, delays.rejections), (12, 11, 11), "{report}");
    assert_eq!(service.requests()["GET /v1/items/*"], 23);
    assert_eq!(service.untraced(), 0);
}

#[tokio::test]
async fn the_report_names_the_contract_and_lists_operations_in_its_order() {
    let report = load(&load_test(), &ShopService::default(), &EIGHT).await.to_string();
    assert!(report.contains("=== SHOP LOAD TEST ==="), "{report}");
    let position =
        |name: &str| report.find(&format!("\n {name} ")).unwrap_or_else(|| panic!("{name}: {report}"));
    let names = ["list_items", "get_item", "place_order", "get_order", "cancel_order"];
    assert!(names.map(position).is_sorted(), "{report}");
    assert!(!report.to_lowercase().contains("session"), "{report}");
}

#[tokio::test]
async fn weights_decide_how_often_a_scenario_runs() {
    let service = ShopService::default();
    let options = [&EIGHT[..], &["--scenario", "order=3,browse=1"]].concat();
    let report = load(&load_test(), &service, &options).await;
    let completed: Vec<_> =
        report.results.scenarios.iter().map(|scenario| (&*scenario.name, scenario.completed)).collect();
    assert_eq!(completed, [("order", 7), ("browse", 1)]);
    assert_eq!(service.requests()["POST /v1/orders"], 7);
}

#[tokio::test]
async fn a_check_that_does_not_hold_is_wrong_data() {
    let report = load_faulty(Fault::MixesUpCustomers, &[]).await;
    assert_exit(&report, ExitCode::WrongData);
    assert_eq!(violations(&report), [("an order is for its customer", 1)]);
    let kind = report.results.violations.iter().find(|kind| kind.count > 0).unwrap();
    let example = &kind.examples[0];
    let [expected, observed] = [&example.expected, &example.observed].map(|value| value.as_deref().unwrap());
    assert_eq!(example.operation, "place_order");
    assert!(expected.starts_with("\"loadtest-") && observed.starts_with("\"not-loadtest-"), "{report}");
    assert!(example.virtual_user.is_some() && example.trace_id.is_some(), "{report}");
}

#[tokio::test]
async fn checks_that_hold_are_listed_in_the_verdict() {
    let report = load_faulty(Fault::None, &[]).await;
    let kinds: Vec<_> = report.results.violations.iter().map(|kind| (&*kind.kind, kind.count)).collect();
    for name in ["the shop has items", "an item is as listed", "an order is kept"] {
        assert!(kinds.contains(&(name, 0)), "{kinds:?}");
    }
}

#[tokio::test]
async fn no_check_fails_without_checks() {
    let report = load_faulty(Fault::MixesUpCustomers, &["--no-checks"]).await;
    assert_exit(&report, ExitCode::Passed);
    assert_eq!(report.results.completed_iterations(), 8);
}

#[tokio::test]
async fn a_response_that_cannot_be_decoded_is_wrong_data() {
    let report = load_faulty(Fault::ListsNonsense, &[]).await;
    assert_exit(&report, ExitCode::WrongData);
    assert_eq!(violations(&report), [("response cannot be decoded", 7)]);
    assert_eq!(report.results.operations["list_items"].failures, 7);
}

#[tokio::test]
async fn a_failed_call_is_counted_once_with_its_reason() {
    let report = load_faulty(Fault::FailsToList, &[]).await;
    assert_exit(&report, ExitCode::Failed);
    let [failure] = &report.results.failures[..] else { panic!("{report}") };
    assert_eq!(
        (&*failure.operation, &*failure.reason, failure.count),
        ("list_items", "service error 500", 7)
    );
    assert_eq!(report.results.completed_iterations(), 1);
    assert_eq!(violations(&report), []);
}

#[tokio::test]
async fn a_lost_order_is_a_failed_call() {
    let report = load_faulty(Fault::LosesOrders, &["--max-error-rate", "50%"]).await;
    assert_exit(&report, ExitCode::Passed);
    assert_eq!(report.results.failed_calls(), 1);
}

#[tokio::test]
async fn thresholds_apply_to_operations() {
    let report = load_faulty(Fault::None, &["--threshold", "max<1us for GET list_items"]).await;
    assert_exit(&report, ExitCode::Failed);
    let report = load_faulty(Fault::None, &["--threshold", "max<60s for GET list_items"]).await;
    assert_exit(&report, ExitCode::Passed);
}

#[tokio::test]
async fn concurrent_calls_of_a_user_have_their_own_latency() {
    async fn both(customer: &mut Customer) -> IterationResult {
        let client = customer.client();
        let (item, items) = tokio::join!(client.get_item(1), client.list_items());
        item?;
        items?;
        Ok(())
    }
    let service = ShopService::new(Fault::SlowItems(Duration::from_secs(1)));
    let report = load(&with(both), &service, &["--users", "1", "--iterations", "1"]).await;
    let latency = |name: &str| report.results.operations[name].latency().max().unwrap();
    assert!(latency("get_item") >= 1_000_000 && latency("list_items") < 1_000_000, "{report}");
}

#[tokio::test]
async fn a_call_that_the_scenario_gives_up_is_a_failure() {
    async fn impatient(customer: &mut Customer) -> IterationResult {
        let _ = tokio::time::timeout(Duration::from_millis(20), customer.client().get_item(1)).await;
        Ok(())
    }
    let service = ShopService::new(Fault::SlowItems(Duration::from_secs(5)));
    let report = load(&with(impatient), &service, &["--users", "1", "--iterations", "2"]).await;
    let [failure] = &report.results.failures[..] else { panic!("{report}") };
    assert_eq!(
        (&*failure.operation, &*failure.reason, failure.count),
        ("get_item", "cancelled by the scenario", 2)
    );
}

#[tokio::test]
async fn an_error_of_the_scenario_itself_is_wrong_data() {
    async fn parses(customer: &mut Customer) -> IterationResult {
        customer.client().get_item(1).await?;
        let _: u32 = "one".parse()?;
        Ok(())
    }
    let report = load(&with(parses), &ShopService::default(), &["--users", "1", "--iterations", "2"]).await;
    assert_exit(&report, ExitCode::WrongData);
    assert_eq!(violations(&report), [("the scenario failed", 2)]);
    assert!(report.to_string().contains("invalid digit found in string"), "{report}");
    assert_eq!(report.results.failed_calls(), 0);
}

#[tokio::test]
async fn a_panic_of_a_scenario_ends_only_its_iteration() {
    async fn panics(customer: &mut Customer) -> IterationResult {
        let items = customer.client().list_items().await?;
        assert!(items.is_empty(), "the shop is not empty");
        Ok(())
    }
    let report = load(&with(panics), &ShopService::default(), &["--users", "1", "--iterations", "3"]).await;
    assert_exit(&report, ExitCode::WrongData);
    assert_eq!(violations(&report), [("the scenario failed", 3)]);
    assert!(report.to_string().contains("the shop is not empty"), "{report}");
    assert_eq!(report.results.operations["list_items"].calls, 3);
}

#[tokio::test]
async fn a_user_keeps_what_it_has_from_one_iteration_to_the_next() {
    struct Regular {
        shop: ShopClient<LoadTransport>,
        visits: u32,
    }
    async fn visit(user: &mut VirtualUser<Regular>) -> IterationResult {
        user.client_mut().visits += 1;
        let visits = user.client().visits;
        user.client().shop.get_item(visits).await?;
        HIGHEST.fetch_max(visits, Ordering::SeqCst);
        Ok(())
    }
    static HIGHEST: AtomicU32 = AtomicU32::new(0);
    let new = |caller| Regular { shop: ShopClient::from_caller(caller), visits: 0 };
    let test = LoadTest::new("shop", shop_v1::ROUTES, new).scenario("visit", visit);
    let url = ShopService::default().start().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/regular.html");
    let args = ["x", "--host", &url, "--report-file", file, "--users", "2", "--iterations", "3"];
    assert_eq!(test.run_from(args).await.unwrap().exit_code(), ExitCode::Passed);
    assert_eq!(HIGHEST.load(Ordering::SeqCst), 3);
}

async fn browse_once(customer: &mut Customer) -> IterationResult {
    customer.client().get_item(1).await?;
    Ok(())
}

async fn place_order(customer: &mut Customer) -> IterationResult {
    customer.client().place_order("everybody", 1).await?;
    Ok(())
}

async fn cancel_order(customer: &mut Customer) -> IterationResult {
    customer.client().cancel_order(1).await?;
    Ok(())
}

#[tokio::test]
async fn setup_and_teardown_are_called_once_and_not_measured() {
    let service = ShopService::default();
    let test = with(browse_once).setup(place_order).teardown(cancel_order);
    let report = load(&test, &service, &["--users", "2", "--iterations", "2"]).await;
    assert_exit(&report, ExitCode::Passed);
    assert_eq!((service.requests()["POST /v1/orders"], service.requests()["DELETE /v1/orders/*"]), (1, 1));
    assert_eq!(report.results.operations.keys().collect::<Vec<_>>(), ["get_item"]);
}

#[tokio::test]
async fn a_failed_setup_makes_no_load() {
    let service = ShopService::default();
    let url = service.start().await;
    let test = with(browse_once).setup(cancel_order);
    let error = run(&test, &["--host", &url, "--users", "1", "--iterations", "1"]).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CouldNotRun);
    assert!(error.to_string().starts_with("setup failed: cancel_order"), "{error}");
    assert_eq!(service.requests().keys().collect::<Vec<_>>(), ["DELETE /v1/orders/*"]);
}

#[tokio::test]
async fn a_failed_teardown_fails_the_run() {
    let test = with(browse_once).teardown(cancel_order);
    let report = load(&test, &ShopService::default(), &["--users", "1", "--iterations", "1"]).await;
    assert_exit(&report, ExitCode::Failed);
    assert!(report.to_string().contains("FAIL: teardown failed: cancel_order"), "{report}");
}

#[tokio::test]
async fn the_parts_of_two_workers_are_merged() {
    let file = |name: &str| format!("{}/merge-{name}.json", env!("CARGO_TARGET_TMPDIR"));
    let worker = ["--test-run-id", "two", "--execution-segment", "0/2", "--report-file", &file("0")];
    let first = load_faulty(Fault::None, &worker).await;
    assert!(first.results.load_generators[0].clock_offset.is_some(), "{first}");
    // The other worker made the same calls at the same time.
    let mut second = first.results.clone();
    second.execution_segment = Some(ExecutionSegment { index: 1, of: 2 });
    second.load_generators[0].worker = 1;
    Report::evaluate(second, None).write(Path::new(&file("1"))).unwrap();
    let merge = ["merge", &file("0"), &file("1"), "--report-file", &file("all")];
    match run(&load_test(), &merge).await {
        Ok(CommandOutput::Merge(report)) => {
            assert_exit(&report, ExitCode::Passed);
            let calls = |results: &Results| results.operations["list_items"].calls;
            assert_eq!(calls(&report.results), 2 * calls(&first.results));
            assert_eq!(report.results.contract.operations[0], "list_items");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn options_of_sessions_are_rejected_and_not_in_the_help() {
    for (options, reason) in [
        (&["--stores", "3"][..], "--stores is not supported"),
        (&["--payload-bytes", "3"], "--payload-bytes is not supported"),
        (
            &["--scenario", "brwose"],
            "no scenario `brwose`; did you mean `browse`?; the scenarios are browse, order",
        ),
        (&["cleanup", "--test-run-id", "x"], "cleanup is not supported"),
        (&[], "the address of the service is missing: set --host, SHOP_URL"),
    ] {
        let error = run(&load_test(), options).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::CouldNotRun, "{options:?}");
        assert!(error.to_string().contains(reason), "{options:?}: {error}");
    }
    let help = run(&load_test(), &["--help"]).await.unwrap_err().to_string();
    assert!(
        help.contains("Load test of the shop service") && help.contains("[default: browse=3,order]"),
        "{help}"
    );
    assert!(!help.contains("--stores") && !help.to_lowercase().contains("hot-session"), "{help}");
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_not_loaded() {
    // A bound socket that does not listen, so that no other process can listen there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let error = run(&load_test(), &["--host", &url]).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CouldNotRun);
    assert!(error.to_string().starts_with(&format!("{url} does not respond: ")), "{error}");
}

/// Runs the program in another process: goose has one kill switch per process.
async fn program(url: &str, options: &'static [&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop-loadtest"));
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).env("SHOP_URL", url).args(options);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_program_loads_the_address_of_a_variable() {
    let service = ShopService::default();
    let output = program(&service.start().await, &["--users", "1", "--iterations", "4"]).await;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.trim_end().ends_with("PASS: 16 calls, 0 failed, 0 violations"), "{stdout}");
}

#[tokio::test]
async fn an_arrival_rate_starts_all_iterations_that_are_due() {
    let service = ShopService::default();
    let options = &["--rate", "20", "--run-time", "1s", "--scenario", "order", "--threshold", "p99<60s"];
    let output = program(&service.start().await, options).await;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert_eq!(service.requests()["POST /v1/orders"], 20);
    assert!(stdout.contains("open model: iterations at 20/s"), "{stdout}");
}

#[tokio::test]
async fn the_end_of_a_run_interrupts_iterations_without_a_failure() {
    let service = ShopService::new(Fault::SlowItems(Duration::from_secs(30)));
    let options = &["--users", "2", "--run-time", "1s", "--graceful-stop", "100ms", "--min-requests", "0"];
    let output = program(&service.start().await, options).await;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains(" 0 failed, 0 violations"), "{stdout}");
    assert!(!stdout.contains("cancelled by the scenario"), "{stdout}");
}

#[tokio::test]
async fn doctor_does_not_say_that_a_service_responds_without_a_call() {
    let url = ShopService::default().start().await;
    let output = run(&load_test(), &["doctor", "--host", &url]).await.unwrap();
    assert_eq!(output.exit_code(), ExitCode::Passed, "{output}");
    assert!(output.to_string().ends_with("status: connected; no call was made\n"), "{output}");
}

#[tokio::test]
async fn no_run_starts_at_a_port_of_another_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let error = run(&load_test(), &["--host", &url]).await.unwrap_err().to_string();
    assert!(error.contains("speaks SSH, not HTTP") && error.contains("--host"), "{error}");
    assert_eq!(error.matches("SSH").count(), 1, "{error}");
}
