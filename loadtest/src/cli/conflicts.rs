//! Options that exclude each other or have no effect.
//!
//! An option that has no effect is an error: a load test that silently does something else than requested is
//! worse than none.

use crate::contract::Contract;
use clap::ArgMatches;
use clap::parser::ValueSource;

/// The options of the sessions scenarios.
pub(super) const OF_SESSIONS: [&str; 5] = ["stores", "calls", "read_ratio", "payload_bytes", "payload_shape"];

/// goose's options that have no effect here, with the reason.
pub(super) const REJECTED: [(&str, &str); 16] = [
    ("baseline_file", "use --baseline, which fails the run after a regression"),
    ("scenarios", "use --scenario"),
    ("co_mitigation", "use --rate, which measures what it would estimate"),
    ("no_metrics", "a run without metrics has no verdict"),
    ("no_print_metrics", "goose's tables are only printed with --goose-metrics"),
    ("no_gzip", "the typed client requests no compression"),
    ("sticky_follow", "the typed client follows no redirects"),
    ("accept_invalid_certs", "use --cacert to trust the certificate of the service, or --insecure"),
    ("request_body", "the typed client passes no bodies to goose's log"),
    ("request_log", NO_LOG_OF_CALLS),
    ("request_format", NO_LOG_OF_CALLS),
    ("error_log", NO_LOG_OF_CALLS),
    ("error_format", NO_LOG_OF_CALLS),
    ("debug_log", NO_LOG_OF_CALLS),
    ("debug_format", NO_LOG_OF_CALLS),
    ("no_debug_body", NO_LOG_OF_CALLS),
];

/// goose receives the calls of an iteration at its end, so that its log would have the same time for all of them.
const NO_LOG_OF_CALLS: &str = "goose's logs have neither the times nor the ids of calls; the report has examples of failures \
                               with trace ids, for the access log and the traces of the service";

/// Options that other load generators have, with their aliases and the option to use instead.
pub(super) const OF_OTHER_TOOLS: [(&str, &[&str], &str); 5] = [
    (
        "rps",
        &["qps", "requests-per-second"],
        "--rate starts iterations, each of which makes several calls; --throttle-requests limits the calls per second",
    ),
    ("connections", &["threads"], "use --users, each of which has its own connection"),
    ("requests", &[], "use --run-time, or --iterations for the number of iterations of each user"),
    ("stage", &["stages"], "use --rate 10..200,200 for iterations per second, or --test-plan for users"),
    ("spawn-rate", &["hatch-rate", "ramp-up"], "use --increase-rate for the users started per second"),
];

/// goose's options that exclude each other, which goose would only find after the service was called.
pub(crate) const CONFLICTS: [(&str, &[&str]); 5] = [
    ("verbose", &["quiet"]),
    ("increase_time", &["increase_rate"]),
    ("decrease_time", &["decrease_rate"]),
    (
        "test_plan",
        &[
            "users",
            "run_time",
            "iterations",
            "increase_rate",
            "increase_time",
            "decrease_rate",
            "decrease_time",
            "no_reset_metrics",
        ],
    ),
    ("iterations", &["run_time", "decrease_rate", "decrease_time", "no_reset_metrics"]),
];

/// goose's options that only affect its tables or its report, with the option that they need.
pub(crate) const OF_GOOSE_OUTPUT: [(&str, &str); 4] = [
    ("running_metrics", "goose_metrics"),
    ("notes", "goose_report"),
    ("report_graph_data", "goose_report"),
    ("no_granular_report", "goose_report"),
];

/// Options of the open model only, and of the closed model only.
pub(crate) const OPEN_MODEL: [&str; 3] = ["step", "pre_allocated_vus", "breakpoint"];
pub(crate) const CLOSED_MODEL: [&str; 6] =
    ["users", "test_plan", "iterations", "increase_rate", "increase_time", "throttle_requests"];

/// Returns whether an option was given.
pub(super) fn is_given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Checks for given options without effect.
pub(super) fn check_options(matches: &ArgMatches) -> Result<(), String> {
    let given = |id: &str| is_given(matches, id);
    if let Some((id, reason)) = REJECTED.iter().find(|(id, _)| given(id)) {
        return Err(format!("--{} is not supported: {reason}", dashed(id)));
    }
    if let Some((id, needed)) = OF_GOOSE_OUTPUT.iter().find(|(id, needed)| given(id) && !given(needed)) {
        return Err(format!("--{} needs --{}", dashed(id), dashed(needed)));
    }
    if let Some((name, _, instead)) = OF_OTHER_TOOLS.iter().find(|(name, ..)| given(name)) {
        return Err(format!("--{name} is not an option of this load test: {instead}"));
    }
    let host = matches.get_one::<String>("host");
    if let Some((name, _)) = host.and_then(|host| host.split_once(": ")) {
        return Err(format!("-H is short for --host: use --header for the header `{name}`"));
    }
    if let Some(id) =
        ["payload_bytes", "payload_shape"].into_iter().find(|id| given("data_file") && given(id))
    {
        return Err(format!("--{} conflicts with --data-file, whose rows are stored", dashed(id)));
    }
    let conflict = CONFLICTS
        .iter()
        .flat_map(|(one, others)| others.iter().map(move |other| (*one, *other)))
        .find(|(one, other)| given(one) && given(other));
    if let Some((one, other)) = conflict {
        return Err(format!("--{} conflicts with --{}", dashed(one), dashed(other)));
    }
    let is_open_model = given("rate") || given("breakpoint");
    if let Some(id) = CLOSED_MODEL.iter().find(|id| is_open_model && given(id)) {
        return Err(format!(
            "--{} conflicts with --rate and --breakpoint, which use --pre-allocated-vus",
            dashed(id)
        ));
    }
    if let Some(id) = OPEN_MODEL.iter().find(|id| !is_open_model && given(id)) {
        return Err(format!("--{} needs --rate or --breakpoint", dashed(id)));
    }
    if given("run_time")
        && let Some(id) = ["step", "breakpoint"].into_iter().find(|id| given(id))
    {
        return Err(format!("--run-time conflicts with --{}, which sets the duration", dashed(id)));
    }
    Ok(())
}

/// Checks for options and commands that only the load test of the sessions service has.
pub(super) fn check_contract(matches: &ArgMatches, contract: &Contract) -> Result<(), String> {
    let given = |id: &str| is_given(matches, id);
    if contract.is_sessions {
        return Ok(());
    }
    if let Some(id) = OF_SESSIONS.iter().find(|id| given(id)) {
        return Err(format!("--{} is not supported: it is an option of the sessions scenarios", dashed(id)));
    }
    match matches.subcommand_name() {
        Some("cleanup") => Err("cleanup is not supported: it deletes sessions".to_owned()),
        _ => Ok(()),
    }
}

/// The name of an option on the command line.
pub(super) fn dashed(id: &str) -> String {
    id.replace('_', "-")
}
