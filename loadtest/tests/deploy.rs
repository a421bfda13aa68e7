//! The options in the Kubernetes manifests.

use loadtest::{Cli, Command};

const WORKERS: &str = include_str!("../deploy/kubernetes/workers.yaml");
const MERGE: &str = include_str!("../deploy/kubernetes/merge.yaml");
const KUSTOMIZATION: &str = include_str!("../deploy/kubernetes/kustomization.yaml");

/// Returns the options in a manifest, with the variables that Kubernetes substitutes.
fn options(yaml: &str) -> Vec<String> {
    let quoted = |line: &str| Some(line.split_once("value: \"--")?.1.strip_suffix("\"}")?.to_owned());
    let plain = |line: &str| Some(line.trim().strip_prefix("- --")?.to_owned());
    yaml.replace("$(TEST_RUN_ID)", "1125.1200")
        .replace("$(START_AT)", "2126-03-01T12:00:00Z")
        .replace("$(JOB_COMPLETION_INDEX)", "3")
        .replace("$(WORKERS)", "4")
        .lines()
        .filter_map(|line| quoted(line).or_else(|| plain(line)))
        .map(|option| format!("--{option}"))
        .collect()
}

#[test]
fn the_options_of_workers_are_valid() {
    let options = [options(WORKERS), options(KUSTOMIZATION)].concat();
    assert!(options.len() > 10, "{options:?}");
    let cli = Cli::parse_from(["loadtest".to_owned()].iter().chain(&options)).unwrap();
    let segment = cli.run.execution_segment.unwrap();
    assert_eq!((segment.index, segment.of), (3, 4));
    assert_eq!(cli.run.collector, "http://loadtest-merge:8080".parse().ok());
}

#[test]
fn the_options_of_the_merge_are_valid() {
    let options = options(MERGE);
    let cli = Cli::parse_from(["loadtest", "merge"].map(str::to_owned).iter().chain(&options)).unwrap();
    let Some(Command::Merge(merge)) = cli.command else { panic!("{cli:?}") };
    assert_eq!((merge.listen.as_deref(), merge.workers), (Some("0.0.0.0:8080"), Some(4)));
}

#[test]
fn the_merge_waits_longer_than_the_cleanup_of_stopped_workers() {
    let number = |yaml: &str, key: &str| {
        let (_, value) = yaml.split_once(key).unwrap();
        value.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().unwrap()
    };
    assert!(number(MERGE, "--wait=") > number(WORKERS, "terminationGracePeriodSeconds: "));
    let deadline = "activeDeadlineSeconds: ";
    assert!(number(MERGE, deadline) > number(WORKERS, deadline));
}
