//! Recognizes entities, pages and errors in responses, also those of a service that has changed.

use crate::value::{Map, Value};
use chrono::{DateTime, NaiveDateTime, Utc};
use pip_services::timestamp;

/// A kind of object in the responses of a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// An [`Entity`].
    Entity,
    /// A page of a list.
    Page,
    /// An error.
    Error,
    /// Any other object.
    #[default]
    Other,
}

/// The description of the objects that a service manages, such as sessions.
///
/// The keys are those of the contract; others that differ by case and word separators count as the same.
#[derive(Clone, Copy, Debug)]
pub struct Entity {
    /// The name of one, such as `session`.
    pub name: &'static str,
    /// The name of several, such as `sessions`.
    pub plural: &'static str,
    /// All keys that one has in any response.
    pub keys: &'static [&'static str],
    /// The key that no other object has.
    pub distinctive_key: &'static str,
    /// The number of keys by which one is recognized whose distinctive key has another name.
    pub enough_keys: usize,
    /// The keys whose values are strings and no times.
    pub string_keys: &'static [&'static str],
    /// The keys whose values the service stores without a look at them.
    pub payload_keys: &'static [&'static str],
    /// The placeholder of the owner's id in cases and snapshots, such as `<user>`.
    pub owner: &'static str,
    /// The key of the owner's id, if it is not the entity's own.
    pub owner_key: Option<&'static str>,
    /// The keys that a line of a snapshot shows.
    pub shown_keys: &'static [&'static str],
    /// `true` if the service assigns the ids, which are then numbered: `<id:1>`.
    pub has_assigned_ids: bool,
    /// The keys of two times that the service reads from its clock one after the other in one operation.
    pub two_readings: Option<(&'static str, &'static str)>,
}

/// Returns a key without differences of case and word separators, so that `openTime` equals `open_time`.
#[must_use]
pub fn folded(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns whether two keys differ by case and word separators at most.
#[must_use]
pub fn is_same_key(a: &str, b: &str) -> bool {
    a == b || folded(a) == folded(b)
}

impl Entity {
    /// Returns the kind of an object with these keys.
    pub fn kind_of<'k>(&self, keys: impl Iterator<Item = &'k str>) -> ObjectKind {
        let keys: Vec<String> = keys.map(folded).collect();
        let has = |key: &str| keys.iter().any(|other| *other == folded(key));
        if has(self.distinctive_key) || self.keys.iter().filter(|key| has(key)).count() >= self.enough_keys {
            ObjectKind::Entity
        } else if has("total") || (has("data") && keys.len() <= 2) {
            ObjectKind::Page
        } else if has("code") || (has("message") && !has("id")) {
            ObjectKind::Error
        } else {
            ObjectKind::Other
        }
    }

    /// Returns whether a key of an entity has a payload.
    #[must_use]
    pub fn is_payload(&self, key: &str) -> bool {
        self.payload_keys.iter().any(|other| is_same_key(key, other))
    }

    /// Returns whether a key of an entity may have a time, whatever its name.
    #[must_use]
    pub fn may_be_time(&self, key: &str) -> bool {
        !self.is_payload(key) && !self.string_keys.iter().any(|other| is_same_key(key, other))
    }

    /// Returns the id of an entity: the value of `id`, or of another key that ends in "id" if the service has
    /// renamed it.
    #[must_use]
    pub fn id_of<'m>(&self, entity: &'m Map) -> Option<&'m str> {
        let owner = self.owner_key.map(folded);
        let owner = owner.as_deref().map(|key| key.strip_suffix("id").unwrap_or(key));
        let is_similar = |key: &str| {
            let key = folded(key);
            key.ends_with("id") && !owner.is_some_and(|owner| key.contains(owner))
        };
        let named = entity.get("id").and_then(Value::as_str);
        let similar =
            || entity.iter().filter(|(key, _)| is_similar(key)).find_map(|(_, value)| value.as_str());
        named.or_else(similar)
    }

    /// Returns all entities in a body, wherever they are. The payloads of an entity are not searched.
    #[must_use]
    pub fn all_in<'v>(&self, body: &'v Value) -> Vec<&'v Map> {
        fn collect<'v>(entity: &Entity, value: &'v Value, depth: usize, all: &mut Vec<&'v Map>) {
            match value {
                _ if depth == DEPTH => {}
                Value::Object(object) => match entity.kind_of(object.keys().map(String::as_str)) {
                    ObjectKind::Entity => all.push(object),
                    ObjectKind::Error => {}
                    _ => object.values().for_each(|value| collect(entity, value, depth + 1, all)),
                },
                Value::Array(items) => items.iter().for_each(|item| collect(entity, item, depth + 1, all)),
                _ => {}
            }
        }
        let mut all = Vec::new();
        collect(self, body, 0, &mut all);
        all
    }

    /// Calls `visit` for all entities and errors in a body, wherever they are.
    pub fn visit_objects(&self, body: &mut Value, visit: &mut dyn FnMut(ObjectKind, &mut Map)) {
        fn walk(
            entity: &Entity,
            value: &mut Value,
            depth: usize,
            visit: &mut dyn FnMut(ObjectKind, &mut Map),
        ) {
            match value {
                _ if depth == DEPTH => {}
                Value::Object(object) => match entity.kind_of(object.keys().map(String::as_str)) {
                    kind @ (ObjectKind::Entity | ObjectKind::Error) => visit(kind, object),
                    _ => object.values_mut().for_each(|value| walk(entity, value, depth + 1, visit)),
                },
                Value::Array(items) => items.iter_mut().for_each(|item| walk(entity, item, depth + 1, visit)),
                _ => {}
            }
        }
        walk(self, body, 0, visit);
    }
}

/// The maximum number of objects and lists around an entity or an error.
const DEPTH: usize = 4;

/// Parses any form in which a service may write a time as a string: those that the client reads, and others, which are
/// times too.
pub(crate) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    timestamp::parse(text).or_else(|| parse_other_time(text))
}

/// Parses common forms that the client does not read, such as one without leading zeros.
fn parse_other_time(text: &str) -> Option<DateTime<Utc>> {
    const LOCAL: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.fZ"];
    let zoned = DateTime::parse_from_rfc2822(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let local = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    let zoned = zoned.map(|time| time.to_utc()).ok();
    zoned.or_else(|| LOCAL.iter().find_map(local).map(|time| time.and_utc()))
}

/// Parses a time as a number of seconds or milliseconds since 1970, between 2001 and 2286. Numbers of both units get a
/// placeholder with the unit, so that a report names it: a client that expects milliseconds reads seconds as another time.
pub(crate) fn parse_epoch(number: f64) -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_possible_truncation, reason = "the ranges exclude large numbers")]
    match number {
        1e9..1e10 => DateTime::from_timestamp_millis((number * 1e3) as i64),
        1e12..1e13 => DateTime::from_timestamp_millis(number as i64),
        _ => None,
    }
}

/// Parses a body as JSON, without a byte order mark, which clients skip.
pub(crate) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)).ok()
}

/// The byte order mark of UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The entities of the contract in the tests.
#[cfg(test)]
pub(crate) const SESSION: Entity = Entity {
    name: "session",
    plural: "sessions",
    keys: &[
        "id",
        "user_id",
        "user_name",
        "active",
        "open_time",
        "request_time",
        "close_time",
        "user",
        "data",
    ],
    distinctive_key: "open_time",
    enough_keys: 4,
    string_keys: &["id", "user_id", "user_name", "active"],
    payload_keys: &["user", "data"],
    owner: "<user>",
    owner_key: Some("user_id"),
    shown_keys: &["user_id", "user_name", "user", "data"],
    has_assigned_ids: true,
    two_readings: Some(("request_time", "close_time")),
};

#[cfg(test)]
mod tests {
    use super::{ObjectKind, SESSION, parse_epoch, parse_time};
    use crate::json;

    #[test]
    fn objects_are_recognized_by_their_keys_in_any_case() {
        let kind = |keys: &[&str]| SESSION.kind_of(keys.iter().copied());
        assert_eq!(kind(&["id", "userId", "userName", "openedAt", "active"]), ObjectKind::Entity);
        assert_eq!(kind(&["OPEN_TIME"]), ObjectKind::Entity);
        assert_eq!(kind(&["total", "data"]), ObjectKind::Page);
        assert_eq!(kind(&["count", "data"]), ObjectKind::Page);
        assert_eq!(kind(&["total", "items"]), ObjectKind::Page);
        assert_eq!(kind(&["errorCode", "message"]), ObjectKind::Error);
        assert_eq!(kind(&["a"]), ObjectKind::Other);
    }

    #[test]
    fn entities_inside_of_other_objects_are_found() {
        let session = json!({"id": "1", "open_time": "t", "data": {"open_time": "u"}});
        assert_eq!(SESSION.all_in(&session).len(), 1);
        assert_eq!(SESSION.all_in(&json!({"total": 1, "data": [session.clone()]})).len(), 1);
        assert_eq!(SESSION.all_in(&json!({"result": {"session": session}})).len(), 1);
        assert_eq!(SESSION.all_in(&json!({"code": "X", "message": "y"})).len(), 0);
    }

    #[test]
    fn times_are_parsed_in_any_usual_form() {
        let time = parse_time("2026-11-23T02:11:09Z").unwrap();
        for form in [
            "2026-11-23T02:11:09.000000Z",
            "2026-11-23T03:11:09+01:00",
            "2026-11-23T03:11:09+0100",
            "2026-11-23 02:11:09",
            // PostgreSQL, Java, Ruby, Go, JavaScript, and the rarer forms of ISO 8601.
            "2026-11-23 03:11:09.000+01",
            "2026-11-23T03:11:09.000+01:00[Europe/Berlin]",
            "2026-11-23T02:11:09.000Z[UTC]",
            "2026-11-23 02:11:09 UTC",
            "2026-11-23 03:11:09.000 +0100",
            "2026-11-23 03:11:09 +0100 CET",
            "Mon Nov 23 2026 03:11:09 GMT+0100 (CET)",
            "2026-11-23T02:11:09,000Z",
            "2026-11-23t02:11:09z",
            "20261123T021109.000Z",
            "2026-327T02:11:09Z",
            "2026-W48-1T02:11:09Z",
            "2026-11-23T01:11:09\u{2212}01:00",
            "Mon, 23 Nov 2026 02:11:09 GMT",
            // Forms that the client does not read.
            "2026-11-23 2:11:9Z",
            "Sun, 22 Nov 2026 21:11:09 EST",
        ] {
            assert_eq!(parse_time(form), Some(time), "{form}");
        }
        assert_eq!(parse_epoch(1_795_399_869.0), Some(time));
        assert_eq!(parse_epoch(1_795_399_869_000.0), Some(time));
        assert!(parse_time("yesterday").is_none() && parse_epoch(5.0).is_none());
    }
}
