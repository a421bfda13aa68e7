//! The options in the Kubernetes manifests.

use loadtest::{Cli, Command};

/// Substitutes the variables of a manifest as Kubernetes does.
fn manifest(yaml: &str) -> String {
    yaml.replace("$(TEST_RUN_ID)", "1125.1200")
        .replace("$(START_AT)", "2126-03-01T12:00:00Z")
        .replace("$(JOB_COMPLETION_INDEX)", "3")
}

#[test]
fn the_options_of_workers_are_valid() {
    let manifest = manifest(include_str!("../deploy/kubernetes/workers.yaml"));
    let options = manifest.lines().filter_map(|line| line.trim().strip_prefix("- --"));
    let options: Vec<_> = options.map(|option| format!("--{option}")).collect();
    assert!(options.len() > 5, "{options:?}");
    let cli = Cli::parse_from(std::iter::once("loadtest").chain(options.iter().map(String::as_str))).unwrap();
    let segment = cli.run.execution_segment.unwrap();
    for number in [format!("completions: {}", segment.of), format!("parallelism: {}", segment.of)] {
        assert!(manifest.contains(&number), "{number}");
    }
    assert_eq!(cli.goose.report_file, ["/reports/1125.1200/worker-3.json"]);
}

#[test]
fn the_options_of_the_merge_are_valid() {
    let manifest = manifest(include_str!("../deploy/kubernetes/merge.yaml"));
    let (_, command) = manifest.split_once("exec ").unwrap();
    let (command, _) = command.split_once("envFrom").unwrap();
    let cli = Cli::parse_from(command.split_whitespace()).unwrap();
    let Some(Command::Merge(merge)) = cli.command else { panic!("{cli:?}") };
    assert_eq!((merge.results.len(), merge.report_file.len()), (1, 4));
}
