//! Settings that are replaced by others of a source with a higher precedence: those of the same option, and those
//! that conflict with them.

use super::Setting;
use crate::cli::{CLOSED_MODEL, OPEN_MODEL};

/// Options that exclude each other, in addition to those of the two load models.
const PAIRS: [(&str, &[&str]); 6] = [
    ("run_time", &["step", "breakpoint", "iterations", "test_plan"]),
    ("test_plan", &["users", "iterations", "increase_rate", "increase_time"]),
    ("increase_rate", &["increase_time"]),
    ("quiet", &["verbose"]),
    ("baseline", &["breakpoint"]),
    ("data_file", &["payload_bytes", "payload_shape"]),
];

/// Returns the settings that nothing replaces of those with a higher precedence, whose ids are given.
pub(super) fn without_replaced(settings: Vec<Setting>, above: &[String]) -> Vec<Setting> {
    let is_replaced = |setting: &Setting| {
        let id = &*setting.id;
        above.iter().any(|above| above == id || (!setting.args.is_empty() && conflict(above, id)))
    };
    settings.into_iter().filter(|setting| !is_replaced(setting)).collect()
}

/// The ids of settings, as far as they replace others.
pub(super) fn ids(settings: &[Setting]) -> impl Iterator<Item = String> {
    settings.iter().map(|setting| setting.id.clone())
}

fn conflict(one: &str, other: &str) -> bool {
    let is_open = |id: &str| id == "rate" || OPEN_MODEL.contains(&id);
    let excludes = |one: &str, other: &str| {
        (is_open(one) && CLOSED_MODEL.contains(&other))
            || PAIRS.iter().any(|(id, others)| *id == one && others.contains(&other))
    };
    excludes(one, other) || excludes(other, one)
}
