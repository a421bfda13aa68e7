//! The commands of `docs/contract-pipeline.md`, in their order, and those of the pipelines next to it.
//!
//! The embedded service takes the place of staging. `cargo` is a script that checks its arguments: the program is built
//! already.

use super::service::{Change, Service};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GUIDE: &str = include_str!("../../../docs/contract-pipeline.md");

/// The address of the service in the guide.
const ADDRESS: &str = "https://sessions.staging.example";

/// The commands of the guide: a part of each snippet, the change of the service, the exit code, and part of the output.
const COMMANDS: [(&str, Change, i32, &str); 9] = [
    ("cargo install", Change::None, 0, "contract 0."),
    ("check --config staging.yaml\n", Change::None, 0, "PASS: "),
    ("--accept", Change::HidesAddresses, 0, "accepts "),
    ("--wait 60s", Change::HidesAddresses, 0, "PASS: "),
    ("do not deploy", Change::RenamesUserId, 0, "do not deploy"),
    ("--service-version 1.4.0", Change::HidesAddresses, 0, "PASS: "),
    ("git clone", Change::RenamesUserId, 1, "FAIL: "),
    ("max_by", Change::None, 0, "\"version\": \"1.4.0\""),
    ("select(.service.version", Change::None, 0, "\"verdict\": \"passed\""),
];

/// Returns the snippets in a language.
fn snippets(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    GUIDE.split(&*start).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A folder with the description of the guide, and with programs for its commands.
struct Workplace {
    folder: PathBuf,
    path: String,
}

impl Workplace {
    fn new(name: &str, service: &Service) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pipeline").join(name);
        let _ = fs::remove_dir_all(&folder);
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        let cargo =
            "#!/bin/sh\ncase \"$*\" in\n\"install --locked \"*\" --bin contract\") ;;\n*) exit 1 ;;\nesac\n";
        fs::write(bin.join("cargo"), cargo).unwrap();
        fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_contract"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{}:{path}", bin.display(), program.parent().unwrap().display());
        let description = snippets("yaml")[0].replace(ADDRESS, &service.url);
        fs::write(folder.join("staging.yaml"), description).unwrap();
        Self { folder, path }
    }

    async fn run(&self, script: &str) -> Output {
        let mut command = Command::new("sh");
        command.args(["-euc", script]).current_dir(&self.folder);
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy().to_ascii_uppercase();
            let is_ours =
                name.starts_with("SESSIONS_") || name.starts_with("GITHUB_") || name.starts_with("GIT_");
            if is_ours || name.ends_with("_PROXY") || name == "TF_BUILD" || name == "TEAMCITY_VERSION" {
                command.env_remove(variable);
            }
        }
        command.env("XDG_CACHE_HOME", self.folder.join("cache"));
        command.env("PATH", &self.path).env("HISTORY_REPOSITORY", self.folder.join("history.git"));
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ann")
                .env(format!("GIT_{role}_EMAIL"), "ann@staging.example");
        }
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Runs a command that must succeed.
    async fn prepare(&self, script: &str) {
        let output = self.run(script).await;
        assert!(output.status.success(), "{script}\n{}", shown(&output));
    }
}

fn shown(Output { stdout, stderr, .. }: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_guide_does_what_it_says() {
    let service = Service::start().await;
    let workplace = Workplace::new("guide", &service);
    let has_jq = workplace.run("jq --version").await.status.success();
    let commands = snippets("sh");
    assert_eq!(commands.len(), COMMANDS.len(), "{commands:#?}");
    for (snippet, (part, change, code, expected)) in commands.into_iter().zip(COMMANDS) {
        assert!(snippet.contains(part), "{part:?} is not in {snippet}");
        if snippet.starts_with("jq") && !has_jq {
            snapshots::log("SKIPPED: a query of the history: jq is not installed on this machine");
            continue;
        }
        if part == "git clone" {
            // A history with the results so far.
            workplace
                .prepare(
                    "git init --quiet --bare history.git && git init --quiet --initial-branch contract-history history \
                     && git -C history add . && git -C history commit --quiet --message Begin \
                     && git -C history push --quiet ../history.git contract-history && rm -rf history",
                )
                .await;
        }
        service.set(change);
        let output = workplace.run(snippet).await;
        let shown = shown(&output);
        assert_eq!(output.status.code(), Some(code), "{snippet}\n{shown}");
        assert!(shown.contains(expected), "{expected:?} is not in the output of {snippet}\n{shown}");
    }
    let description = fs::read_to_string(workplace.folder.join("staging.yaml")).unwrap();
    assert!(description.contains("Addresses are hidden outside of production."), "{description}");
    let history = fs::read_to_string(workplace.folder.join("history/staging.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 2, "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_a_pipeline_succeeds() {
    let service = Service::start().await;
    let workplace = Workplace::new("pipelines", &service);
    let installed = format!(
        "mkdir -p .contract/bin && ln -s '{}' .contract/bin/contract",
        env!("CARGO_BIN_EXE_contract")
    );
    for file in ["github-actions.yml", "gitlab-ci.yml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pipelines").join(file);
        let pipeline: serde_json::Value = yaml_serde::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let job =
            if file.starts_with("github") { &pipeline["jobs"]["contract"] } else { &pipeline["contract"] };
        let steps = job["steps"].as_array().into_iter().flatten().map(|step| &step["run"]);
        let lists = [&job["before_script"], &job["script"]].into_iter().filter_map(|list| list.as_array());
        let commands: Vec<&str> =
            steps.chain(lists.flatten()).filter_map(serde_json::Value::as_str).collect();
        let [install, check] = commands[..] else { panic!("{file}: {commands:#?}") };
        workplace.prepare("rm -rf .contract contract*").await;
        workplace.prepare(install).await;
        workplace.prepare(&installed).await;
        let check = format!("export API_KEY=abc\n{check}");
        workplace.prepare(&check).await;
        for report in ["contract.xml", "contract.json", "contract-history.jsonl"] {
            assert!(workplace.folder.join(report).exists(), "{file}: {report}");
        }
        service.set(Change::RenamesUserId);
        let output = workplace.run(&check).await;
        assert_eq!(output.status.code(), Some(1), "{file}\n{}", shown(&output));
        service.set(Change::None);
    }
    let issues = fs::read_to_string(workplace.folder.join("gl-code-quality-report.json")).unwrap();
    assert!(issues.contains("\"severity\": \"critical\""), "{issues}");
}
