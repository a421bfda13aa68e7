//! Differences between the operations of two documents.

use super::change::{ChangeKind, ContractChange};
use super::schema::{Comparison, Direction, Document};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// An operation, with its route.
struct Operation<'d> {
    id: Option<&'d str>,
    method: String,
    path: &'d str,
    item: &'d Value,
    object: &'d Value,
}

impl<'d> Operation<'d> {
    fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Returns the id, or the route of an operation without one.
    fn name(&self) -> String {
        self.id.map_or_else(|| self.route(), str::to_owned)
    }

    /// Returns the names of the parameters in the path, in order.
    fn placeholders(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let parts = self.path.split('{').skip(1);
        parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name)
    }

    /// Returns whether both have the same route. The names of the parameters in the path are not sent.
    fn has_route_of(&self, other: &Self) -> bool {
        let without_names = |operation: &Self| {
            let parts = operation.path.split('{');
            parts.map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect::<Vec<_>>()
        };
        self.method == other.method && without_names(self) == without_names(other)
    }
}

/// Returns all changes from one OpenAPI document to another, the most serious first. Descriptions and examples are
/// not compared, nor how a number is written.
#[must_use]
pub fn contract_changes(old: &Value, new: &Value) -> Vec<ContractChange> {
    let (old, new) = (with_plain_numbers(old), with_plain_numbers(new));
    let (old, new) = (Document(&old), Document(&new));
    let (before, mut added) = (operations(old), operations(new));
    // Clients send requests to routes, so that an operation with another id is the same one.
    let mut take = |is_same: &dyn Fn(&Operation<'_>) -> bool| {
        let index = added.iter().position(is_same)?;
        Some(added.remove(index))
    };
    let same_route: Vec<_> = before.iter().map(|was| take(&|is| is.has_route_of(was))).collect();
    let after = before
        .iter()
        .zip(same_route)
        .map(|(was, same_route)| same_route.or_else(|| was.id.and_then(|id| take(&|is| is.id == Some(id)))));
    let after: Vec<_> = after.collect();
    let mut changes = Vec::new();
    for (was, is) in before.iter().zip(&after) {
        let name = was.name();
        if let Some(is) = is {
            Pair { name: &name, old, new, changes: &mut changes }.compare(was, is);
        } else {
            let kind = ChangeKind::OperationRemoved;
            changes.push(ContractChange::new(&name, "", kind, was.route(), "absent"));
        }
    }
    for is in &added {
        let kind = ChangeKind::OperationAdded;
        changes.push(ContractChange::new(&is.name(), "", kind, "absent", is.route()));
    }
    changes
        .sort_by(|one, other| other.level.cmp(&one.level).then_with(|| one.operation.cmp(&other.operation)));
    changes
}

/// Returns a copy in which each whole number is written without a fraction, so that equal numbers are equal values.
fn with_plain_numbers(value: &Value) -> Value {
    /// Whole numbers below are exact.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < LIMIT);
            #[expect(clippy::cast_possible_truncation, reason = "it is a whole number within the limit")]
            whole.map_or_else(|| value.clone(), |float| Value::from(float as i64))
        }
        Value::Array(items) => items.iter().map(with_plain_numbers).collect(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), with_plain_numbers(value))).collect()
        }
        other => other.clone(),
    }
}

/// Returns the operations, in the order of the document.
fn operations(document: Document<'_>) -> Vec<Operation<'_>> {
    let paths = document.0["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let item = document.resolve(item);
        METHODS.iter().filter_map(move |method| {
            let object = item.get(*method)?;
            let id = object.get("operationId").and_then(Value::as_str);
            Some(Operation { id, method: method.to_ascii_uppercase(), path, item, object })
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
        if !new.has_route_of(old) {
            self.add("", ChangeKind::RouteChanged, &old.route(), &new.route());
        } else if old.id != new.id {
            let id = |operation: &Operation<'d>| operation.id.unwrap_or("absent");
            self.add("id", ChangeKind::OperationRenamed, id(old), id(new));
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
        let old_parameters = parameters(self.old, old, &BTreeMap::new());
        // Those of the path have the names of the old document.
        let names = new.placeholders().zip(old.placeholders()).filter(|_| new.has_route_of(old)).collect();
        self.compare_parameters(&old_parameters, &parameters(self.new, new, &names));
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

/// Returns the parameters of an operation and its path, by location and name. `names` has other names of those in the
/// path.
fn parameters<'d>(
    document: Document<'d>,
    operation: &Operation<'d>,
    names: &BTreeMap<&str, &str>,
) -> BTreeMap<(String, String), &'d Value> {
    let of = |value: &'d Value| value.get("parameters").and_then(Value::as_array).into_iter().flatten();
    // Those of the operation come last, since they replace those of the path.
    let all = of(operation.item).chain(of(operation.object)).map(|parameter| document.resolve(parameter));
    let keyed = all.filter_map(|parameter| {
        let (location, name) = (parameter["in"].as_str()?, parameter["name"].as_str()?);
        let name = match location {
            "header" => name.to_ascii_lowercase(),
            "path" => names.get(name).copied().unwrap_or(name).to_owned(),
            _ => name.to_owned(),
        };
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
