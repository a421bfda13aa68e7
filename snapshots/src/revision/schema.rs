//! Differences between two schemas, in requests and in responses.

use super::change::{ChangeKind, ContractChange};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr;

/// The depth of references and combinations at which a schema ends.
const MAX_DEPTH: usize = 16;

/// The types of JSON. `integer` is a part of `number`.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// The keywords that are compared on their own, or are documentation.
const HANDLED: [&str; 22] = [
    "$ref",
    "type",
    "nullable",
    "properties",
    "required",
    "items",
    "allOf",
    "anyOf",
    "oneOf",
    "enum",
    "const",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "externalDocs",
    "xml",
    "$comment",
    "readOnly",
    "writeOnly",
];

/// Bounds: the keyword, and whether a greater value allows more.
const BOUNDS: [(&str, bool); 6] = [
    ("maxLength", true),
    ("maxItems", true),
    ("maxProperties", true),
    ("minLength", false),
    ("minItems", false),
    ("minProperties", false),
];

/// Limits of numbers, each with its two keywords.
const LIMITS: [Limit; 2] = [
    Limit { inclusive: "maximum", exclusive: "exclusiveMaximum", is_upper: true },
    Limit { inclusive: "minimum", exclusive: "exclusiveMinimum", is_upper: false },
];

struct Limit {
    /// The keyword of a limit that is allowed itself.
    inclusive: &'static str,
    /// The keyword of a limit that is not.
    exclusive: &'static str,
    /// `true` if a greater value allows more.
    is_upper: bool,
}

/// A keyword with its value.
type Rule<'d> = (&'d str, &'d Value);

impl Limit {
    /// Returns the stricter of both rules.
    fn of<'d>(&self, rules: &BTreeMap<&'d str, &'d Value>) -> Option<Rule<'d>> {
        let rule = |key| rules.get_key_value(key).map(|(key, value)| (*key, *value));
        match (rule(self.inclusive), rule(self.exclusive)) {
            (Some(inclusive), Some(exclusive)) => {
                let is_stricter =
                    inclusive.1 != exclusive.1 && self.allows_more(inclusive.1, exclusive.1) == Some(true);
                Some(if is_stricter { inclusive } else { exclusive })
            }
            (one, other) => one.or(other),
        }
    }

    /// Returns whether the change of a limit allows more values; `None` if they cannot be compared.
    fn change(&self, was: Option<Rule<'_>>, is: Option<Rule<'_>>) -> Option<bool> {
        match (was, is) {
            (None, _) => Some(false),
            (_, None) => Some(true),
            (Some((_, was)), Some((key, is))) if was == is => Some(key == self.inclusive),
            (Some((_, was)), Some((_, is))) => self.allows_more(was, is),
        }
    }

    fn allows_more(&self, was: &Value, is: &Value) -> Option<bool> {
        Some(is_greater(is, was)? == self.is_upper)
    }
}

/// The side that writes the values of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

impl Direction {
    fn noun(self) -> &'static str {
        match self {
            Self::Request => "argument",
            Self::Response => "field",
        }
    }

    /// Returns the kind for the request or the response.
    fn either(self, request: ChangeKind, response: ChangeKind) -> ChangeKind {
        match self {
            Self::Request => request,
            Self::Response => response,
        }
    }

    fn widened(self) -> ChangeKind {
        self.either(ChangeKind::ArgumentWidened, ChangeKind::FieldWidened)
    }

    fn narrowed(self) -> ChangeKind {
        self.either(ChangeKind::ArgumentNarrowed, ChangeKind::FieldNarrowed)
    }

    fn rule_changed(self) -> ChangeKind {
        self.either(ChangeKind::ArgumentRuleChanged, ChangeKind::FieldRuleChanged)
    }
}

/// A document, in which references are resolved.
#[derive(Clone, Copy)]
pub(super) struct Document<'d>(pub(super) &'d Value);

impl<'d> Document<'d> {
    /// Follows references inside of the document. One that leads nowhere is returned unchanged.
    pub(super) fn resolve(self, mut value: &'d Value) -> &'d Value {
        for _ in 0..MAX_DEPTH {
            let reference = value.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|reference| self.0.pointer(reference.strip_prefix('#')?));
            match target {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }
}

/// A schema without references and combinations.
#[derive(Default)]
struct Flat<'d> {
    types: BTreeSet<&'d str>,
    properties: BTreeMap<&'d str, &'d Value>,
    required: BTreeSet<&'d str>,
    items: Option<&'d Value>,
    values: Option<Vec<&'d Value>>,
    rules: BTreeMap<&'d str, &'d Value>,
}

impl<'d> Flat<'d> {
    fn of(document: Document<'d>, schema: &'d Value, depth: usize) -> Self {
        let schema = document.resolve(schema);
        let Some(object) = schema.as_object() else {
            // `true` allows everything.
            return Self { types: TYPES.into(), ..Self::default() };
        };
        let mut flat = Self::own(object);
        if depth >= MAX_DEPTH {
            return flat;
        }
        for part in array(object, "allOf") {
            flat.add_all_of(Self::of(document, part, depth + 1));
        }
        for key in ["anyOf", "oneOf"] {
            let variants = array(object, key).iter().map(|variant| Self::of(document, variant, depth + 1));
            if let Some(union) = variants.reduce(Self::or) {
                flat.add_all_of(union);
            }
        }
        flat
    }

    /// Returns the schema without its combinations.
    fn own(object: &'d Map<String, Value>) -> Self {
        let mut types: BTreeSet<&str> = match object.get("type") {
            Some(Value::String(one)) => [&**one].into(),
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => TYPES.into(),
        };
        if types.contains("number") {
            types.insert("integer");
        }
        // OpenAPI 3.0.
        if object.get("nullable") == Some(&Value::Bool(true)) {
            types.insert("null");
        }
        let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
        let values = object.get("enum").and_then(Value::as_array).map(|all| all.iter().collect());
        let rules = object.iter().filter(|(key, _)| !HANDLED.contains(&&***key) && !key.starts_with("x-"));
        let mut rules: BTreeMap<&str, &Value> = rules.map(|(key, value)| (&**key, value)).collect();
        // OpenAPI 3.0.
        for Limit { inclusive, exclusive, .. } in LIMITS {
            if rules.get(exclusive) == Some(&&Value::Bool(true))
                && let Some(value) = rules.remove(inclusive)
            {
                rules.insert(exclusive, value);
            }
        }
        rules.retain(|key, value| !is_default(key, value));
        Self {
            types,
            properties: properties.map(|(name, schema)| (&**name, schema)).collect(),
            required: array(object, "required").iter().filter_map(Value::as_str).collect(),
            items: object.get("items"),
            values: object.get("const").map(|value| vec![value]).or(values),
            rules,
        }
    }

    fn add_all_of(&mut self, part: Self) {
        self.types.retain(|name| part.types.contains(name));
        for (name, schema) in part.properties {
            self.properties.entry(name).or_insert(schema);
        }
        self.required.extend(part.required);
        self.items = self.items.or(part.items);
        self.values = match (self.values.take(), part.values) {
            (Some(mut both), Some(values)) => {
                both.retain(|value| values.contains(value));
                Some(both)
            }
            (values, others) => values.or(others),
        };
        self.rules.extend(part.rules);
    }

    /// Returns the schema that allows what either of both allows.
    fn or(mut self, other: Self) -> Self {
        // The keys that a variant requires count only if the other one may be an object, too.
        let objects = (self.types.contains("object"), other.types.contains("object"));
        match objects {
            (true, true) => self.required.retain(|name| other.required.contains(name)),
            (false, true) => self.required = other.required,
            _ => {}
        }
        self.types.extend(other.types);
        for (name, schema) in other.properties {
            self.properties.entry(name).or_insert(schema);
        }
        self.items = self.items.or(other.items);
        self.values = self.values.zip(other.values).map(|(mut values, others)| {
            values.extend(others);
            values
        });
        self.rules.extend(other.rules);
        self
    }

    fn types_in_words(&self) -> String {
        if TYPES.iter().all(|name| self.types.contains(name)) {
            return "any type".to_owned();
        }
        let shown = self.types.iter().filter(|name| **name != "integer" || !self.types.contains("number"));
        shown.copied().collect::<Vec<_>>().join(" or ")
    }
}

fn array<'d>(object: &'d Map<String, Value>, key: &str) -> &'d [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Compares the schemas of a part of an operation.
pub(super) struct Comparison<'d, 'c> {
    pub(super) operation: &'c str,
    /// The location in words, such as `response 200`.
    pub(super) part: &'c str,
    pub(super) direction: Direction,
    pub(super) old: Document<'d>,
    pub(super) new: Document<'d>,
    pub(super) changes: &'c mut Vec<ContractChange>,
    /// The schemas around the current one. A schema that contains itself is compared once.
    pub(super) outer: Vec<(&'d Value, &'d Value)>,
}

impl<'d> Comparison<'d, '_> {
    /// Compares the schemas at `path`, such as `data[].id`.
    pub(super) fn compare(&mut self, path: &str, old: &'d Value, new: &'d Value) {
        let (old, new) = (self.old.resolve(old), self.new.resolve(new));
        if self.outer.iter().any(|(was, is)| ptr::eq(*was, old) && ptr::eq(*is, new)) {
            return;
        }
        self.outer.push((old, new));
        self.compare_flat(path, old, new);
        self.outer.pop();
    }

    fn compare_flat(&mut self, path: &str, old: &'d Value, new: &'d Value) {
        let (old, new) = (Flat::of(self.old, old, 0), Flat::of(self.new, new, 0));
        self.compare_types(path, &old, &new);
        self.compare_values(path, &old, &new);
        self.compare_rules(path, &old, &new);
        let names: BTreeSet<&str> = old.properties.keys().chain(new.properties.keys()).copied().collect();
        for name in names {
            let inside = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let (was, is) = (old.required.contains(name), new.required.contains(name));
            match (old.properties.get(name), new.properties.get(name)) {
                (Some(old), Some(new)) => {
                    self.compare_presence(&inside, was, is);
                    self.compare(&inside, old, new);
                }
                (Some(_), None) => {
                    let kind = self.direction.either(ChangeKind::ArgumentRemoved, ChangeKind::FieldRemoved);
                    self.add(&inside, kind, presence(was), "absent");
                }
                (None, _) => {
                    let argument = if is {
                        ChangeKind::RequiredArgumentAdded
                    } else {
                        ChangeKind::OptionalArgumentAdded
                    };
                    let kind = self.direction.either(argument, ChangeKind::FieldAdded);
                    self.add(&inside, kind, "absent", presence(is));
                }
            }
        }
        if let (Some(old), Some(new)) = (old.items, new.items) {
            self.compare(&format!("{path}[]"), old, new);
        }
    }

    fn compare_presence(&mut self, path: &str, was: bool, is: bool) {
        let kind = match (was, is) {
            (false, true) => {
                self.direction.either(ChangeKind::ArgumentBecameRequired, ChangeKind::FieldBecameRequired)
            }
            (true, false) => {
                self.direction.either(ChangeKind::ArgumentBecameOptional, ChangeKind::FieldBecameOptional)
            }
            _ => return,
        };
        self.add(path, kind, presence(was), presence(is));
    }

    fn compare_types(&mut self, path: &str, old: &Flat<'d>, new: &Flat<'d>) {
        let kind = if old.types == new.types {
            return;
        } else if old.types.is_subset(&new.types) {
            self.direction.widened()
        } else if new.types.is_subset(&old.types) {
            self.direction.narrowed()
        } else {
            self.direction.either(ChangeKind::ArgumentTypeChanged, ChangeKind::FieldTypeChanged)
        };
        self.add(path, kind, old.types_in_words(), new.types_in_words());
    }

    fn compare_values(&mut self, path: &str, old: &Flat<'d>, new: &Flat<'d>) {
        let in_words = |values: &Option<Vec<&Value>>| match values {
            Some(values) => {
                format!("one of {}", values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            None => "any value".to_owned(),
        };
        let contains = |all: &Option<Vec<&Value>>, some: &Option<Vec<&Value>>| match (all, some) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(all), Some(some)) => some.iter().all(|value| all.contains(value)),
        };
        let kind = match (contains(&new.values, &old.values), contains(&old.values, &new.values)) {
            (true, true) => return,
            (true, false) => self.direction.widened(),
            (false, true) => self.direction.narrowed(),
            (false, false) => {
                self.direction.either(ChangeKind::ArgumentTypeChanged, ChangeKind::FieldTypeChanged)
            }
        };
        self.add(path, kind, in_words(&old.values), in_words(&new.values));
    }

    /// Compares all other keywords.
    fn compare_rules(&mut self, path: &str, old: &Flat<'d>, new: &Flat<'d>) {
        let keys: BTreeSet<&str> = old.rules.keys().chain(new.rules.keys()).copied().collect();
        for key in keys {
            if LIMITS.iter().any(|limit| [limit.inclusive, limit.exclusive].contains(&key)) {
                continue;
            }
            let (was, is) = (old.rules.get(key).copied(), new.rules.get(key).copied());
            if was != is {
                let rules = [was, is].map(|value| value.map(|value| (key, value)));
                self.add_rule(path, bound_change(key, was, is), rules);
            }
        }
        for limit in LIMITS {
            let (was, is) = (limit.of(&old.rules), limit.of(&new.rules));
            if was != is {
                self.add_rule(path, limit.change(was, is), [was, is]);
            }
        }
    }

    /// Adds the change of a rule, of which it may be known whether it allows more values.
    fn add_rule(&mut self, path: &str, allows_more: Option<bool>, [was, is]: [Option<Rule<'_>>; 2]) {
        let kind = match allows_more {
            Some(true) => self.direction.widened(),
            Some(false) => self.direction.narrowed(),
            None => self.direction.rule_changed(),
        };
        // Bounds are not part of the types that clients decode.
        let kind = if kind == ChangeKind::FieldWidened { ChangeKind::FieldRuleChanged } else { kind };
        let in_words = |rule: Option<Rule<'_>>, other: Option<Rule<'_>>| match (rule, other) {
            (Some((key, value)), _) => format!("`{key}` {value}"),
            (None, Some((key, _))) => format!("without `{key}`"),
            (None, None) => String::new(),
        };
        self.add(path, kind, in_words(was, is), in_words(is, was));
    }

    fn add(&mut self, path: &str, kind: ChangeKind, was: impl Into<String>, is: impl Into<String>) {
        let noun = self.direction.noun();
        let part = match (self.part.is_empty(), path.is_empty()) {
            (true, true) => "body".to_owned(),
            (true, false) => format!("{noun} `{path}`"),
            (false, true) => self.part.to_owned(),
            (false, false) => format!("{}, {noun} `{path}`", self.part),
        };
        self.changes.push(ContractChange::new(self.operation, &part, kind, was, is));
    }
}

/// Returns whether a rule allows the same as none.
fn is_default(key: &str, value: &Value) -> bool {
    match key {
        "minLength" | "minItems" | "minProperties" => *value == 0,
        "uniqueItems" | "exclusiveMaximum" | "exclusiveMinimum" => *value == false,
        "additionalProperties" | "propertyNames" => *value == true || *value == Value::Object(Map::new()),
        "patternProperties" | "dependentRequired" | "dependentSchemas" => *value == Value::Object(Map::new()),
        _ => false,
    }
}

/// Returns whether the change of a bound allows more values; `None` if it is not a bound.
fn bound_change(key: &str, was: Option<&Value>, is: Option<&Value>) -> Option<bool> {
    let (_, grows) = BOUNDS.iter().find(|(bound, _)| *bound == key)?;
    match (was, is) {
        (None, _) => Some(false),
        (_, None) => Some(true),
        (Some(was), Some(is)) => Some(is_greater(is, was)? == *grows),
    }
}

/// Compares two numbers; `None` if a value is not a number.
fn is_greater(one: &Value, other: &Value) -> Option<bool> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one > other),
        _ => Some(one.as_f64()? > other.as_f64()?),
    }
}

fn presence(is_required: bool) -> &'static str {
    if is_required { "required" } else { "optional" }
}
