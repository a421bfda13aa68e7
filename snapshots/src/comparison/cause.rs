//! Groups differences by their cause, so that one change of a service is reported once.

use super::cause_groups::{Groups, Item, Subject, Transformation};
use super::difference::{Change, Difference, Location, Reading, Source};
use super::level::Level;
use crate::check::{CheckReport, CheckedCase, Finding, Outcome};
use crate::objects::is_payload;
use contract_tests::ObjectKind;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

/// A change of the service, with all differences that it explains.
///
/// Displayed as a sentence: `` `address` is `addr` now: 58 snapshots, all operations ``.
#[derive(Clone, Debug)]
pub struct Cause<'r> {
    /// The change, as a sentence without its cases: `` `address` is `addr` now ``.
    pub title: String,
    /// The most serious level of its differences.
    pub level: Level,
    /// The reason for the level, as a sentence.
    pub reason: &'r str,
    /// The differences that it explains, with their cases; those that describe it best come first.
    pub findings: Vec<(&'r CheckedCase, &'r Finding)>,
    /// The number of operations whose responses were compared.
    compared: usize,
}

impl<'r> Cause<'r> {
    /// The operations with such differences.
    #[must_use]
    pub fn operations(&self) -> BTreeSet<&'r str> {
        self.findings.iter().map(|(case, _)| case.operation()).collect()
    }

    /// The number of snapshots with such differences.
    #[must_use]
    pub fn snapshots(&self) -> usize {
        self.findings.iter().map(|(case, _)| (case.folder, &case.name)).collect::<BTreeSet<_>>().len()
    }

    /// The number of snapshots and the operations, in words: `58 snapshots, all operations`.
    #[must_use]
    pub fn scope(&self) -> String {
        const MOST_NAMES: usize = 3;
        let operations = self.operations();
        let number = operations.iter().filter(|name| **name != NO_OPERATION).count();
        let names: Vec<String> = operations.iter().map(|name| format!("`{name}`")).collect();
        let operations = match names.len() {
            _ if number == self.compared && number > 1 => "all operations".to_owned(),
            ..=MOST_NAMES => names.join(", "),
            number => format!("{number} operations"),
        };
        let snapshots = self.snapshots();
        format!("{snapshots} snapshot{}, {operations}", if snapshots == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.scope())
    }
}

/// The name in place of an operation for requests that no operation has.
const NO_OPERATION: &str = "no_operation";

/// Groups the differences of a check that no deviation accepts by their cause, the most serious and most
/// frequent first.
#[must_use]
pub fn causes(report: &CheckReport) -> Vec<Cause<'_>> {
    causes_of(&report.cases)
}

/// Groups the differences of cases that no deviation accepts by their cause, like [`causes`].
#[must_use]
pub fn causes_of(cases: &[CheckedCase]) -> Vec<Cause<'_>> {
    let all = cases.iter().flat_map(|case| case.findings().iter().map(move |finding| Item { case, finding }));
    let items: Vec<Item<'_>> = all.filter(|item| !item.finding.is_accepted()).collect();
    let is_compared = |case: &&CheckedCase| matches!(case.outcome, Outcome::Compared { .. });
    let compared: BTreeSet<&str> = cases.iter().filter(is_compared).map(CheckedCase::operation).collect();
    let compared = compared.into_iter().filter(|name| *name != NO_OPERATION).count();
    let groups = Groups::new(&items);
    let sets = groups.sets().into_iter();
    let mut all: Vec<_> = sets.filter_map(|set| cause(&groups, &items, &set, compared)).collect();
    all.sort_by_cached_key(|cause| (Reverse((cause.level, cause.findings.len())), cause.title.clone()));
    all
}

/// Returns the causes in lines: as many as fit, the most serious first, and the number of the others.
#[must_use]
pub fn cause_lines(causes: &[Cause<'_>], most_lines: usize) -> Vec<String> {
    let line = |cause: &Cause<'_>| format!("{:<9}  {cause}", cause.level);
    if causes.len() <= most_lines {
        return causes.iter().map(line).collect();
    }
    let (shown, others) = causes.split_at(most_lines.saturating_sub(1));
    let worst = others.iter().map(|cause| cause.level).max().unwrap_or(Level::Harmless);
    let more = format!("{worst:<9}  and {} other causes, at most {worst}", others.len());
    shown.iter().map(line).chain([more]).collect()
}

/// Returns the cause of the groups in a set; `None` if they are empty.
fn cause<'r>(
    groups: &Groups<'_, 'r>,
    items: &[Item<'r>],
    set: &[usize],
    compared: usize,
) -> Option<Cause<'r>> {
    let mut all: Vec<Item<'r>> =
        set.iter().flat_map(|group| groups.items(*group)).map(|item| items[*item]).collect();
    all.sort_by_key(|item| {
        let evidence = &item.finding.difference.evidence;
        let is_step = item.finding.difference.location == Location::Step;
        // The reason is about clients of the contract, if there is one.
        let is_foreign = evidence.is_foreign;
        (Reverse(item.finding.level), is_foreign, is_step, evidence.source, evidence.has_other_status)
    });
    let worst = all.first()?;
    let title = title(groups, set, &all);
    let (level, reason) = (worst.finding.level, &*worst.finding.reason);
    Some(Cause {
        title,
        level,
        reason,
        findings: all.iter().map(|item| (item.case, item.finding)).collect(),
        compared,
    })
}

/// Describes a set of groups.
fn title(groups: &Groups<'_, '_>, set: &[usize], all: &[Item<'_>]) -> String {
    let mut renames: Vec<_> = groups.renames.iter().filter(|rename| set.contains(&rename.from)).collect();
    renames.sort_by(|one, other| one.was.cmp(&other.was));
    if let Some(first) = renames.first() {
        let pairs = renames.iter().map(|rename| format!("`{}` is `{}`", rename.was, rename.is));
        let pairs: Vec<String> = pairs.collect();
        return match (renames.len(), &first.transformation) {
            (1, _) => format!("{} now", pairs[0]),
            (_, Transformation::Case) => format!("keys have another case now: {}", few(&pairs)),
            _ => format!("keys have other names now: {}", few(&pairs)),
        };
    }
    let differences: Vec<&Difference> = all.iter().map(|item| &item.finding.difference).collect();
    let of_change = |change| differences.iter().find(|difference| difference.change == change);
    if let Some(wrapped) = of_change(Change::Wrapped) {
        return format!("bodies are inside of {} now", wrapped.is);
    }
    let keys_of = |matches: &dyn Fn(&Difference) -> bool| -> Vec<String> {
        let named = differences
            .iter()
            .filter(|difference| matches(difference))
            .map(|difference| key_name(difference));
        named.collect::<BTreeSet<_>>().into_iter().collect()
    };
    if let Some(form) = of_change(Change::Form) {
        let keys = keys_of(&|difference| difference.change == Change::Form);
        return format!("form of {}: was {}, is {}", few(&keys), form.was, form.is);
    }
    let statuses: BTreeSet<&str> = set.iter().filter_map(|group| groups.status(*group)).collect();
    if let Some(status) = differences.iter().find(|difference| difference.location == Location::Status) {
        let was: Vec<String> = statuses.iter().map(|status| (*status).to_owned()).collect();
        return format!("status: was {}, is {}", either(&was), status.is);
    }
    let Some(first) = representative(groups, set, &differences) else { return String::new() };
    let same: Vec<&&Difference> = differences
        .iter()
        .filter(|other| {
            other.change == first.change
                && other.evidence.source == first.evidence.source
                && other.location.part() == first.location.part()
        })
        .collect();
    let unique = |part: &dyn Fn(&Difference) -> &str| -> Vec<String> {
        let parts: BTreeSet<&str> = same.iter().map(|difference| part(difference)).collect();
        parts.into_iter().map(str::to_owned).collect()
    };
    let (was, is) = (unique(&|difference| &difference.was), unique(&|difference| &difference.is));
    if let Location::Body(path) = &first.location
        && path.is_empty()
    {
        return format!("body: was {}, is {}", either(&was), observed_body(&is));
    }
    let location = match &first.location {
        Location::Body(path) if !path.is_empty() => {
            let keys = keys_of(&|other| {
                is_key(other) && (other.change == first.change || first.change == Change::Value)
            });
            few(&keys)
        }
        Location::KeyOrder(_) => format!("order of the keys of {}", object_name(first.evidence.object)),
        other => other.to_string(),
    };
    match first.change {
        Change::Value if is_key(first) && groups.is_swapped(set) => {
            let keys = keys_of(&is_key);
            format!("the values of {} are swapped", keys.join(" and "))
        }
        Change::Value if is_key(first) && (was.len() > 1 || is.len() > 1 || set.len() > 1) => {
            format!("other values of {location}, such as {} instead of {}", first.is, first.was)
        }
        _ if is_key(first) && was == is => {
            format!("other values of {location}")
        }
        Change::Length => {
            format!("other number of items in {location}, such as {} instead of {}", first.is, first.was)
        }
        Change::Order if is_key(first) => {
            format!("other order of {location}, such as {} instead of {}", first.is, first.was)
        }
        Change::Order => format!("another {location}"),
        _ if first.location == Location::Step && first.evidence.source != Source::Shape => {
            format!("the step {:?} was {}, is {}", first.step, first.was, first.is)
        }
        _ => format!("{location}: was {}, is {}", either(&was), either(&is)),
    }
}

/// Returns the difference that describes a set best: one of the response that is worst, and in a group that the
/// others follow from.
fn representative<'d>(
    groups: &Groups<'_, '_>,
    set: &[usize],
    differences: &[&'d Difference],
) -> Option<&'d Difference> {
    let has_root = set.iter().any(|group| matches!(groups.subject(*group), Subject::Body));
    let is_root =
        |difference: &&&Difference| matches!(&difference.location, Location::Body(path) if path.is_empty());
    let root = differences.iter().filter(|_| has_root).find(is_root);
    let value =
        differences.iter().find(|other| other.change == Change::Value && is_key(other) && set.len() > 1);
    // A key that the client needs explains other values, such as the numbers of later times.
    let needed = differences.iter().find(|other| {
        let is_needed = matches!(other.evidence.reading, Reading::Failed(_));
        other.change == Change::Removed && is_needed && is_key(other)
    });
    root.or(needed).or(value).or(differences.first()).copied()
}

fn is_key(difference: &Difference) -> bool {
    matches!(&difference.location, Location::Body(path) if !path.is_empty())
}

/// Returns the key of a difference with its object, if that is not a session.
fn key_name(difference: &Difference) -> String {
    let key = difference.key().unwrap_or_default();
    match difference.evidence.object {
        ObjectKind::Entity if is_payload(key) && last_segment(&difference.location) != Some(key) => {
            format!("values in `{key}`")
        }
        ObjectKind::Entity | ObjectKind::Other => format!("`{key}`"),
        object => format!("`{key}` of {}", object_name(object)),
    }
}

/// The last segment of a path.
fn last_segment(location: &Location) -> Option<&str> {
    location.name().map(|path| path.rsplit_once('.').map_or(path, |(_, last)| last))
}

/// Describes bodies that are not those of the contract, without the values of the run.
fn observed_body(is: &[String]) -> String {
    let brief = |body: &String| match body.trim_matches('`') {
        text if text.starts_with(['{', '[', '"']) => "not valid JSON".to_owned(),
        text if text.ends_with("bytes that are not UTF-8)") => "not UTF-8".to_owned(),
        _ => body.clone(),
    };
    let is: BTreeSet<String> = is.iter().map(brief).collect();
    either(&is.into_iter().collect::<Vec<_>>())
}

fn object_name(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Entity => "a session",
        ObjectKind::Page => "a page",
        ObjectKind::Error => "an error",
        ObjectKind::Other => "a body",
    }
}

/// Joins some words, and counts those beyond the first few.
fn few(words: &[String]) -> String {
    const MOST: usize = 5;
    if words.len() <= MOST {
        return words.join(", ");
    }
    format!("{} and {} more", words[..MOST - 1].join(", "), words.len() - (MOST - 1))
}

/// Joins alternatives, and leaves out those beyond the first few.
fn either(words: &[String]) -> String {
    const MOST: usize = 3;
    match words {
        [first, .., _] if words.len() > MOST => format!("{first} or others"),
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.join(", "),
    }
}
