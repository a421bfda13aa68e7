//! Differences between the operations of two documents.

use super::change::{ChangeKind, ContractChange};
use super::schema::{Comparison, Direction, Document};
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// An operation, with its route.
struct Operation<'d> {
    route: String,
    item: &'d Value,
    object: &'d Value,
}

/// Returns all changes from one OpenAPI document to another, the most serious first. Descriptions and examples are
/// not compared.
#[must_use]
pub fn contract_changes(old: &Value, new: &Value) -> Vec<ContractChange> {
    let (before, after) = (operations(Document(old)), operations(Document(new)));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(was), Some(is)) => {
                let mut pair = Pair { name, old: Document(old), new: Document(new), changes: &mut changes };
                pair.compare(was, is);
            }
            (Some(was), None) => {
                let kind = ChangeKind::OperationRemoved;
                changes.push(ContractChange::new(name, "", kind, &*was.route, "absent"));
            }
            (None, Some(is)) => {
                changes.push(ContractChange::new(name, "", ChangeKind::OperationAdded, "absent", &*is.route));
            }
            (None, None) => {}
        }
    }
    changes.sort_by_key(|change| Reverse(change.level));
    changes
}

/// Returns the operations by their names, or their routes if they have none.
fn operations(document: Document<'_>) -> BTreeMap<String, Operation<'_>> {
    let paths = document.0["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let item = document.resolve(item);
        METHODS.iter().filter_map(move |method| {
            let object = item.get(*method)?;
            let route = format!("{} {path}", method.to_ascii_uppercase());
            let name = object.get("operationId").and_then(Value::as_str).unwrap_or(&route).to_owned();
            Some((name, Operation { route, item, object }))
        })
    });
    all.collect()
}

/// One operation in both documents.
struct Pair<'d, 'c> {
    name: &'c str,
    old: Document<'d>,
    new: Document<'d>,
    changes: &'c mut Vec<ContractChange>,
}

impl<'d> Pair<'d, '_> {
    fn compare(&mut self, old: &Operation<'d>, new: &Operation<'d>) {
        if old.route != new.route {
            self.add("", ChangeKind::RouteChanged, &old.route, &new.route);
        }
        let is_idempotent =
            |operation: &Operation<'_>| operation.object.get("x-idempotent").and_then(Value::as_bool);
        match (is_idempotent(old), is_idempotent(new)) {
            (Some(true), Some(false)) => {
                self.add("", ChangeKind::BecameNotIdempotent, "idempotent", "not idempotent");
            }
            (Some(false), Some(true)) => {
                self.add("", ChangeKind::BecameIdempotent, "not idempotent", "idempotent");
            }
            _ => {}
        }
        self.compare_parameters(&parameters(self.old, old), &parameters(self.new, new));
        self.compare_request(&old.object["requestBody"], &new.object["requestBody"]);
        self.compare_responses(&old.object["responses"], &new.object["responses"]);
    }

    fn add(&mut self, part: &str, kind: ChangeKind, was: &str, is: &str) {
        self.changes.push(ContractChange::new(self.name, part, kind, was, is));
    }

    fn compare_parameters(
        &mut self,
        old: &BTreeMap<(String, String), &'d Value>,
        new: &BTreeMap<(String, String), &'d Value>,
    ) {
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for key @ (location, name) in keys {
            let part = format!("argument `{name}` in the {location}");
            match (old.get(key), new.get(key)) {
                (Some(was), Some(is)) => {
                    match (is_required(was), is_required(is)) {
                        (false, true) => {
                            self.add(&part, ChangeKind::ArgumentBecameRequired, "optional", "required");
                        }
                        (true, false) => {
                            self.add(&part, ChangeKind::ArgumentBecameOptional, "required", "optional");
                        }
                        _ => {}
                    }
                    self.compare_schemas(&part, Direction::Request, &was["schema"], &is["schema"]);
                }
                (Some(was), None) => {
                    self.add(&part, ChangeKind::ArgumentRemoved, presence(was), "absent");
                }
                (None, Some(is)) if is_required(is) => {
                    self.add(&part, ChangeKind::RequiredArgumentAdded, "absent", "required");
                }
                (None, _) => self.add(&part, ChangeKind::OptionalArgumentAdded, "absent", "optional"),
            }
        }
    }

    fn compare_request(&mut self, old: &'d Value, new: &'d Value) {
        let (old, new) = (self.old.resolve(old), self.new.resolve(new));
        match (is_required(old), is_required(new)) {
            (false, true) => self.add("body", ChangeKind::BodyBecameRequired, "optional", "required"),
            (true, false) => self.add("body", ChangeKind::BodyBecameOptional, "required", "optional"),
            _ => {}
        }
        let kinds = [ChangeKind::RequestTypeRemoved, ChangeKind::RequestTypeAdded];
        self.compare_content("", Direction::Request, kinds, &old["content"], &new["content"]);
    }

    fn compare_responses(&mut self, old: &'d Value, new: &'d Value) {
        let (was, is) = (keys(old), keys(new));
        for status in was.iter().chain(is.iter().filter(|status| !was.contains(*status))) {
            let part = format!("response {status}");
            let is_success = status.starts_with('2');
            match (old.get(*status), new.get(*status)) {
                (Some(old), Some(new)) => {
                    let (old, new) = (self.old.resolve(old), self.new.resolve(new));
                    let kinds = [ChangeKind::ResponseTypeRemoved, ChangeKind::ResponseTypeAdded];
                    self.compare_content(&part, Direction::Response, kinds, &old["content"], &new["content"]);
                }
                (Some(_), None) => {
                    let kind =
                        if is_success { ChangeKind::SuccessRemoved } else { ChangeKind::ErrorStatusRemoved };
                    self.add(&part, kind, "documented", "absent");
                }
                (None, _) => {
                    let kind =
                        if is_success { ChangeKind::SuccessAdded } else { ChangeKind::ErrorStatusAdded };
                    self.add(&part, kind, "absent", "documented");
                }
            }
        }
    }

    /// Compares bodies, by their media types.
    fn compare_content(
        &mut self,
        part: &str,
        direction: Direction,
        [removed, added]: [ChangeKind; 2],
        old: &'d Value,
        new: &'d Value,
    ) {
        let (was, is) = (keys(old), keys(new));
        for media_type in was.iter().chain(is.iter().filter(|name| !was.contains(*name))) {
            let at = if part.is_empty() { "body".to_owned() } else { part.to_owned() };
            match (old.get(*media_type), new.get(*media_type)) {
                (Some(old), Some(new)) => {
                    self.compare_schemas(part, direction, &old["schema"], &new["schema"]);
                }
                (Some(_), None) => self.add(&at, removed, media_type, "absent"),
                (None, _) => self.add(&at, added, "absent", media_type),
            }
        }
    }

    fn compare_schemas(&mut self, part: &str, direction: Direction, old: &'d Value, new: &'d Value) {
        let (operation, changes) = (self.name, &mut *self.changes);
        let mut comparison = Comparison {
            operation,
            part,
            direction,
            old: self.old,
            new: self.new,
            changes,
            outer: Vec::new(),
        };
        comparison.compare("", old, new);
    }
}

/// Returns the parameters of an operation and its path, by location and name.
fn parameters<'d>(
    document: Document<'d>,
    operation: &Operation<'d>,
) -> BTreeMap<(String, String), &'d Value> {
    let of = |value: &'d Value| value.get("parameters").and_then(Value::as_array).into_iter().flatten();
    // Those of the operation come last, since they replace those of the path.
    let all = of(operation.item).chain(of(operation.object)).map(|parameter| document.resolve(parameter));
    let keyed = all.filter_map(|parameter| {
        let (location, name) = (parameter["in"].as_str()?, parameter["name"].as_str()?);
        let name = if location == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
        Some(((location.to_owned(), name), parameter))
    });
    keyed.collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

fn is_required(value: &Value) -> bool {
    value.get("required").and_then(Value::as_bool).unwrap_or_default()
}

fn presence(value: &Value) -> &'static str {
    if is_required(value) { "required" } else { "optional" }
}
