//! Settings that are replaced by others of a source with a higher precedence: those of the same option, those that
//! conflict with them, and those that need a setting that was replaced.

use super::Setting;
use crate::cli::{CLOSED_MODEL, CONFLICTS, OF_GOOSE_OUTPUT, OPEN_MODEL, Rates};

/// A rate with several steps or a ramp.
const CHANGING_RATE: &str = "rate that changes";

/// A single user.
const ONE_USER: &str = "one user";

/// A number of iterations that ends the run.
const LAST_ITERATION: &str = "last iteration";

/// Options that exclude each other, in addition to those of goose and of the two load models.
const PAIRS: [(&str, &[&str]); 8] = [
    ("run_time", &["step", "breakpoint"]),
    ("baseline", &["breakpoint"]),
    ("fault", &["breakpoint"]),
    ("data_file", &["payload_bytes", "payload_shape"]),
    ("no_threshold_abort", &["threshold_abort_delay"]),
    ("dashboard", &["test_plan", LAST_ITERATION]),
    (CHANGING_RATE, &["breakpoint"]),
    (ONE_USER, &["increase_time", "decrease_time"]),
];

/// Options that have no effect without one of others, in addition to those for the output of goose.
const NEEDS: [(&str, &[&str]); 5] = [
    ("data_order", &["data_file"]),
    ("count_faults", &["fault"]),
    ("max_regression", &["baseline"]),
    ("step", &["rate", "breakpoint"]),
    ("pre_allocated_vus", &["rate", "breakpoint"]),
];

/// The options and settings of the sources with a higher precedence.
#[derive(Debug, Default)]
pub(super) struct Above {
    /// The ids of all of them.
    ids: Vec<String>,
    /// The names in [`PAIRS`] of those that are not turned off.
    names: Vec<String>,
}

impl Above {
    /// Adds an option with its value.
    pub(super) fn add(&mut self, id: &str, value: Option<&str>) {
        self.ids.push(id.to_owned());
        self.names.extend(names(id, value).map(str::to_owned));
    }

    fn add_setting(&mut self, setting: &Setting) {
        if setting.args.is_empty() {
            self.ids.push(setting.id.clone());
        } else {
            self.add(&setting.id, value(setting));
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn replaces(&self, setting: &Setting) -> bool {
        let conflicts =
            || names(&setting.id, value(setting)).any(|name| self.names.iter().any(|it| conflict(it, name)));
        self.ids.contains(&setting.id) || (!setting.args.is_empty() && conflicts())
    }
}

/// Returns the settings that are in effect below the options of the command line.
pub(super) fn in_effect(typed: Above, variables: Vec<Setting>, file: Vec<Setting>) -> Vec<Setting> {
    let mut above = typed;
    let (mut in_effect, mut replaced) = (Vec::new(), Vec::new());
    for settings in [variables, file] {
        let (lost, kept): (Vec<_>, Vec<_>) =
            settings.into_iter().partition(|setting| above.replaces(setting));
        for setting in &kept {
            above.add_setting(setting);
        }
        in_effect.extend(kept);
        replaced.extend(lost.into_iter().map(|setting| setting.id));
    }
    in_effect.retain(|setting| {
        let needed = needed(&setting.id);
        let is_replaced = |id: &&str| replaced.iter().any(|replaced| replaced == id);
        needed.iter().any(|id| above.has(id)) || !needed.iter().any(is_replaced)
    });
    in_effect
}

/// Returns the options without which an option has no effect: one of them is enough.
fn needed(id: &str) -> Vec<&'static str> {
    let of_goose = OF_GOOSE_OUTPUT.iter().filter(|(option, _)| *option == id).map(|(_, needed)| *needed);
    let of_ours = NEEDS.iter().filter(|(option, _)| *option == id).flat_map(|(_, needed)| *needed).copied();
    of_goose.chain(of_ours).collect()
}

/// The names in [`PAIRS`] of an option with a value.
fn names<'i>(id: &'i str, value: Option<&str>) -> impl Iterator<Item = &'i str> {
    let of_value = value.and_then(|value| match id {
        "rate" => value.parse().is_ok_and(|rates: Rates| rates.single().is_none()).then_some(CHANGING_RATE),
        "users" => (value.parse() == Ok(1)).then_some(ONE_USER),
        "iterations" => (value.parse() != Ok(0)).then_some(LAST_ITERATION),
        _ => None,
    });
    [id].into_iter().chain(of_value)
}

/// The value of a setting that has one.
fn value(setting: &Setting) -> Option<&str> {
    setting.args.first()?.split_once('=').map(|(_, value)| value)
}

fn conflict(one: &str, other: &str) -> bool {
    let is_open = |id: &str| id == "rate" || OPEN_MODEL.contains(&id);
    let excludes = |one: &str, other: &str| {
        (is_open(one) && CLOSED_MODEL.contains(&other))
            || CONFLICTS.iter().chain(&PAIRS).any(|(id, others)| *id == one && others.contains(&other))
    };
    excludes(one, other) || excludes(other, one)
}
