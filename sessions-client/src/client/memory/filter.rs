//! Which sessions a list shows.

use super::kept::Kept;
use crate::data::{FilterParams, Timestamp, date_parse};

/// A filter as the service understands it.
#[derive(Default)]
pub(super) struct Filter<'f> {
    pub(super) id: Option<&'f str>,
    pub(super) user_id: Option<&'f str>,
    active: Option<bool>,
    from_time: Option<Timestamp>,
    to_time: Option<Timestamp>,
}

impl<'f> Filter<'f> {
    /// What cannot be read is no condition, without complaint.
    pub(super) fn of(params: Option<&'f FilterParams>) -> Self {
        let Some(params) = params else { return Self::default() };
        let text = |key| params.get(key).filter(|text| !text.is_empty());
        Self {
            id: text("id"),
            user_id: text("user_id"),
            active: text("active").and_then(parse_flag),
            from_time: text("from_time").and_then(date_parse),
            to_time: text("to_time").and_then(date_parse),
        }
    }

    /// Whether it holds for a session of its id and user. `from_time` and `to_time` are the wrong way round, like the
    /// service's own memory persistence.
    pub(super) fn holds_for(&self, kept: &Kept) -> bool {
        self.active.is_none_or(|active| kept.is_active() == active)
            && self.from_time.is_none_or(|time| kept.request_time() < time)
            && self.to_time.is_none_or(|time| kept.request_time() >= time)
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}
