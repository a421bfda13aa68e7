//! Annotations for CI systems: lines on the standard output that they show next to a job or a change.

use super::escape::printable;
use super::summary::{Summary, Verdict};
use crate::comparison::Level;
use crate::deviations::{DeviationState, DeviationUse};
use std::fmt::Write as _;

/// A CI system that reads annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CiSystem {
    /// GitHub Actions, and systems with the same commands, such as Gitea and Forgejo
    Github,
    /// Azure Pipelines
    Azure,
    #[value(help = "TeamCity")]
    Teamcity,
    /// No annotations and no job summary
    None,
}

/// The number of annotations of each kind. GitHub shows ten for a step, and the last one counts the rest.
const MAX: usize = 9;

/// The kind of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

/// A message for a CI system.
struct Annotation {
    kind: Kind,
    title: String,
    message: String,
}

impl CiSystem {
    /// Returns the system that runs this process, by the variables that it sets.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_true = |name: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match () {
            () if is_true("GITHUB_ACTIONS") => Self::Github,
            () if is_true("TF_BUILD") => Self::Azure,
            () if variable("TEAMCITY_VERSION").is_some() => Self::Teamcity,
            () => Self::None,
        }
    }

    /// Renders all annotations of a report, each as a line. GitHub and Azure show them at the first line of `file`.
    pub(super) fn annotations(self, summary: &Summary<'_>, file: Option<&str>) -> String {
        if self == Self::None {
            return String::new();
        }
        let mut out = String::new();
        for annotation in annotations(summary) {
            if let Some(line) = self.line(&annotation, file) {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }

    fn line(self, Annotation { kind, title, message }: &Annotation, file: Option<&str>) -> Option<String> {
        Some(match self {
            Self::None => return None,
            Self::Github => {
                let name = match kind {
                    Kind::Error => "error",
                    Kind::Warning => "warning",
                    Kind::Notice => "notice",
                };
                let mut line = format!("::{name} title={}", github_property(title));
                if let Some(file) = file {
                    let _ = write!(line, ",file={},line=1", github_property(file));
                }
                let _ = write!(line, "::{}", github_message(message));
                line
            }
            Self::Azure => {
                let name = match kind {
                    Kind::Error => "error",
                    Kind::Warning => "warning",
                    Kind::Notice => return None,
                };
                let mut line = format!("##vso[task.logissue type={name}");
                if let Some(file) = file {
                    let _ = write!(line, ";sourcepath={};linenumber=1", azure_property(file));
                }
                let _ = write!(line, "]{}", azure_message(&format!("{title}: {message}")));
                line
            }
            Self::Teamcity => {
                let text = teamcity(&format!("{title}: {message}"));
                match kind {
                    Kind::Error => format!("##teamcity[buildProblem description='{text}']"),
                    Kind::Warning => format!("##teamcity[message text='{text}' status='WARNING']"),
                    Kind::Notice => return None,
                }
            }
        })
    }
}

fn annotations(summary: &Summary<'_>) -> Vec<Annotation> {
    let title = format!("contract check: {}", summary.verdict.word());
    let result = || Annotation { kind: Kind::Error, title: title.clone(), message: summary.result() };
    let problems = summary.problems().into_iter().chain(summary.failures()).map(|message| Annotation {
        kind: Kind::Error,
        title: title.clone(),
        message,
    });
    let causes = summary.causes.iter().map(|cause| Annotation {
        kind: match cause.level {
            _ if summary.fails(cause) => Kind::Error,
            Level::Breaking | Level::Uncertain => Kind::Warning,
            Level::Harmless => Kind::Notice,
        },
        title: format!("{} difference", cause.level),
        message: format!("{}: {}. {}", cause.title, cause.scope(), cause.reason),
    });
    let deviation = |kind: Kind, title: &str, used: &DeviationUse| Annotation {
        kind,
        title: title.to_owned(),
        message: used.to_string(),
    };
    let expired = summary.expired();
    let expired = expired.iter().map(|used| deviation(Kind::Error, "expired deviation", used));
    // If they fail the check, they are among the problems.
    let is_unused =
        |used: &&&DeviationUse| used.state == DeviationState::Unused && !summary.report.fail_on_unused;
    let deviations = summary.deviations();
    let unused = deviations.iter().filter(is_unused);
    let unused = unused.map(|used| deviation(Kind::Warning, "unused deviation", used));
    let mut all: Vec<Annotation> = problems.chain(expired).chain(causes).chain(unused).collect();
    if summary.verdict != Verdict::Passed && !all.iter().any(|annotation| annotation.kind == Kind::Error) {
        all.insert(0, result());
    }
    let mut shown = Vec::new();
    for kind in [Kind::Error, Kind::Warning, Kind::Notice] {
        let mut of_kind = all.extract_if(.., |annotation| annotation.kind == kind);
        shown.extend(of_kind.by_ref().take(MAX));
        let rest = of_kind.count();
        if rest > 0 {
            shown.push(Annotation { kind, title: title.clone(), message: format!("and {rest} more") });
        }
    }
    for annotation in &mut shown {
        annotation.title = printable(&annotation.title);
        annotation.message = printable(&annotation.message);
    }
    shown
}

/// Escapes a message of a workflow command.
fn github_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property of a workflow command.
fn github_property(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Escapes a message of a logging command.
fn azure_message(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property of a logging command.
fn azure_property(text: &str) -> String {
    azure_message(text).replace(';', "%3B").replace(']', "%5D")
}

/// Escapes a value of a service message.
fn teamcity(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '|' | '\'' | '[' | ']' => out.extend(['|', char]),
            '\n' => out.push_str("|n"),
            '\r' => out.push_str("|r"),
            char if char.is_ascii() => out.push(char),
            char => {
                // Characters beyond the first plane are pairs of UTF-16 code units.
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "|0x{unit:04x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_escapes() {
        let annotation = Annotation {
            kind: Kind::Error,
            title: "a: b, 1%".to_owned(),
            message: "x; [y]|'ü'\n".to_owned(),
        };
        let line = |system: CiSystem| system.line(&annotation, Some("a,b].yaml")).unwrap();
        assert_eq!(
            line(CiSystem::Github),
            "::error title=a%3A b%2C 1%25,file=a%2Cb].yaml,line=1::x; [y]|'ü'%0A"
        );
        assert_eq!(
            line(CiSystem::Azure),
            "##vso[task.logissue type=error;sourcepath=a,b%5D.yaml;linenumber=1]a: b, 1%AZP25: x; [y]|'ü'%0A"
        );
        assert_eq!(
            line(CiSystem::Teamcity),
            "##teamcity[buildProblem description='a: b, 1%: x; |[y|]|||'|0x00fc|'|n']"
        );
    }

    #[test]
    fn a_system_is_known_by_its_variables() {
        let detect = |name: &'static str, value: &'static str| {
            CiSystem::detect(|asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(detect("GITHUB_ACTIONS", "true"), CiSystem::Github);
        assert_eq!(detect("TF_BUILD", "True"), CiSystem::Azure);
        assert_eq!(detect("TEAMCITY_VERSION", "2026.1"), CiSystem::Teamcity);
        assert_eq!(detect("GITHUB_ACTIONS", ""), CiSystem::None);
        assert_eq!(detect("CI", "true"), CiSystem::None);
    }
}
