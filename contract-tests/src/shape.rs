//! The shape of response bodies: their keys, how often each is present, and their types.
//!
//! Values differ between services and between runs, but shapes do not, so a changed shape shows that a
//! service has drifted. The payloads of users may have any shape: of [payloads](Entity::payload_keys), only
//! the type is recorded.

use crate::objects::{BYTE_ORDER_MARK, Entity, ObjectKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use wiretrait::Response;

/// The shapes of all responses of a run, by operation and class of status.
#[derive(Clone, Debug)]
pub struct Shapes {
    entity: &'static Entity,
    responses: BTreeMap<(String, String), BTreeMap<String, Node>>,
    /// The keys of entities and pages in any response, so that a key that an operation never returns is shown
    /// as such. Errors are not included, since their kinds depend on the operation.
    known: BTreeMap<ObjectKind, BTreeSet<String>>,
}

/// The values found at one path.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Number of values.
    count: usize,
    types: BTreeSet<&'static str>,
    /// Number of objects among them.
    objects: usize,
    kind: Option<ObjectKind>,
    keys: BTreeMap<String, Node>,
    items: Option<Box<Node>>,
}

impl Shapes {
    /// Creates an empty collection of responses with these entities.
    #[must_use]
    pub fn new(entity: &'static Entity) -> Self {
        Self { entity, responses: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Adds a response.
    pub fn add(&mut self, operation: &str, response: &Response) {
        let status = response.status();
        let class = format!("{}xx", status.as_u16() / 100);
        let node = self
            .responses
            .entry((operation.to_owned(), class))
            .or_default()
            .entry(status.as_u16().to_string())
            .or_default();
        if response.body().is_empty() {
            node.count += 1;
            node.types.insert("nothing");
            return;
        }
        let body = response.body();
        if let Ok(body) = serde_json::from_slice(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)) {
            node.add(self.entity, &body, &mut self.known);
        } else {
            node.count += 1;
            node.types.insert("not JSON");
        }
    }

    /// Renders a snapshot for each operation and class of status, with its name: `open_session__2xx`.
    #[must_use]
    pub fn snapshots(&self) -> Vec<(String, String)> {
        let out = |statuses: &BTreeMap<String, Node>| {
            let mut out = String::new();
            for (status, node) in statuses {
                let _ = writeln!(out, "# {status}\n");
                node.write_to("body", "", &self.known, &mut out);
                out.push('\n');
            }
            out
        };
        let name = |(operation, class): &(String, String)| format!("{operation}__{class}");
        self.responses.iter().map(|(key, statuses)| (name(key), out(statuses))).collect()
    }
}

impl Node {
    fn add(&mut self, entity: &Entity, value: &Value, known: &mut BTreeMap<ObjectKind, BTreeSet<String>>) {
        self.count += 1;
        self.types.insert(type_of(value));
        match value {
            Value::Object(object) => {
                let kind = entity.kind_of(object.keys().map(String::as_str));
                self.objects += 1;
                self.kind = Some(kind);
                if matches!(kind, ObjectKind::Entity | ObjectKind::Page) {
                    known.entry(kind).or_default().extend(object.keys().cloned());
                }
                for (key, value) in object {
                    let node = self.keys.entry(key.clone()).or_default();
                    if kind == ObjectKind::Entity && entity.is_payload(key) {
                        node.count += 1;
                        node.types.insert(type_of(value));
                    } else {
                        node.add(entity, value, known);
                    }
                }
            }
            Value::Array(items) => {
                let node = self.items.get_or_insert_default();
                for item in items {
                    node.add(entity, item, known);
                }
            }
            _ => {}
        }
    }

    /// Writes a line for this node and for each node in it.
    fn write_to(
        &self,
        path: &str,
        presence: &str,
        known: &BTreeMap<ObjectKind, BTreeSet<String>>,
        out: &mut String,
    ) {
        let types = self.types.iter().copied().collect::<Vec<_>>().join(" | ");
        let _ = writeln!(out, "{path:<24}  {presence:<9}  {types}");
        let elsewhere = self.kind.and_then(|kind| known.get(&kind)).into_iter().flatten();
        let names: BTreeSet<&String> = self.keys.keys().chain(elsewhere).collect();
        let inside = |key: &str| if path == "body" { key.to_owned() } else { format!("{path}.{key}") };
        for key in names {
            match self.keys.get(key) {
                Some(node) if node.count == self.objects => node.write_to(&inside(key), "always", known, out),
                Some(node) => node.write_to(&inside(key), "sometimes", known, out),
                None => {
                    let _ = writeln!(out, "{:<24}  never", inside(key));
                }
            }
        }
        if let Some(items) = &self.items
            && items.count > 0
        {
            items.write_to(&format!("{path}[]"), "each", known, out);
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "whole number",
        Value::String(text) if form(text) == "9999-99-99T99:99:99.999Z" => "time",
        Value::String(text) if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) => "id",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn form(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::Shapes;
    use crate::objects::SESSION;
    use wiretrait::Response;

    fn response(status: u16, body: &str) -> Response {
        let mut response = Response::new(body.to_owned().into());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    }

    /// The lines of a snapshot, with runs of spaces collapsed.
    fn lines(shapes: &Shapes, name: &str) -> Vec<String> {
        let snapshots = shapes.snapshots();
        let (_, snapshot) = snapshots.iter().find(|(other, _)| other == name).unwrap();
        let lines = snapshot.lines().filter(|line| !line.is_empty());
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_key_is_present_always_sometimes_or_never() {
        let mut shapes = Shapes::new(&SESSION);
        let open = r#"{"id":"x","open_time":"2026-11-23T02:11:09.000Z"}"#;
        let closed = r#"{"id":"x","open_time":"2026-11-23T02:11:09.000Z","close_time":"soon"}"#;
        shapes.add("open", &response(200, open));
        shapes.add("close", &response(200, closed));
        shapes.add("find", &response(200, open));
        shapes.add("find", &response(200, closed));
        shapes.add("find", &response(204, ""));
        assert_eq!(
            lines(&shapes, "open__2xx"),
            ["# 200", "body object", "close_time never", "id always string", "open_time always time"]
        );
        assert!(lines(&shapes, "close__2xx").contains(&"close_time always string".to_owned()));
        let find = lines(&shapes, "find__2xx");
        assert!(find.contains(&"close_time sometimes string".to_owned()), "{find:?}");
        assert_eq!(find[find.len() - 2..], ["# 204", "body nothing"]);
    }

    #[test]
    fn all_types_of_a_key_are_listed() {
        let mut shapes = Shapes::new(&SESSION);
        for total in ["null", "1", "1.5", "\"1\"", "[]", "043", "{}", "true"] {
            shapes.add("list", &response(200, &format!(r#"{{"total":{total}}}"#)));
        }
        let types = "total always boolean | list | null | number | object | string | whole number";
        assert_eq!(lines(&shapes, "list__2xx"), ["# 200", "body not JSON | object", types]);
    }

    #[test]
    fn items_of_lists_are_shown_and_payloads_are_not() {
        let mut shapes = Shapes::new(&SESSION);
        shapes.add("list", &response(200, r#"{"total":1,"data":[{"open_time":"t","data":{"secret":1}}]}"#));
        let lines = lines(&shapes, "list__2xx");
        assert!(lines.contains(&"data[].open_time always string".to_owned()), "{lines:?}");
        assert!(lines.contains(&"data[].data always object".to_owned()), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
    }
}
