//! The shape of answers: which keys there are, how often, and of which types.
//!
//! Values differ from service to service and from day to day; shapes do not, so what they show is what has
//! drifted. What users keep in a session has any shape: of `user` and `data` the type alone is told.

use serde_json::{Map, Value};
use sessions_client::Response;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The shapes of all answers of a run, by operation and class of status.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    answers: BTreeMap<(String, String), BTreeMap<String, Node>>,
    /// The keys that some answer had, by what the object is. One that an operation never has is told, too, but not of
    /// errors: which kinds of them a service has is seen by the operation.
    known: BTreeMap<Kind, BTreeSet<String>>,
}

/// What an object is, which decides what its keys can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Session,
    Page,
    Error,
    Other,
}

/// What was seen at one place.
#[derive(Clone, Debug, Default)]
struct Node {
    /// How many values.
    seen: usize,
    types: BTreeSet<&'static str>,
    /// How many objects among them.
    objects: usize,
    kind: Option<Kind>,
    keys: BTreeMap<String, Node>,
    items: Option<Box<Node>>,
}

impl Shapes {
    /// No answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an answer in.
    pub fn see(&mut self, operation: &str, response: &Response) {
        let status = response.status();
        let class = format!("{}xx", status.as_u16() / 100);
        let node = self
            .answers
            .entry((operation.to_owned(), class))
            .or_default()
            .entry(status.as_u16().to_string())
            .or_default();
        if response.body().is_empty() {
            node.seen += 1;
            node.types.insert("nothing");
            return;
        }
        if let Ok(body) = serde_json::from_slice(response.body()) {
            node.see(&body, &mut self.known);
        } else {
            node.seen += 1;
            node.types.insert("no JSON");
        }
    }

    /// A page for each operation and class of status, with its name: `open_session__2xx`.
    #[must_use]
    pub fn pages(&self) -> Vec<(String, String)> {
        let page = |statuses: &BTreeMap<String, Node>| {
            let mut page = String::new();
            for (status, node) in statuses {
                let _ = writeln!(page, "# {status}\n");
                node.show("body", "", &self.known, &mut page);
                page.push('\n');
            }
            page
        };
        let name = |(operation, class): &(String, String)| format!("{operation}__{class}");
        self.answers.iter().map(|(key, statuses)| (name(key), page(statuses))).collect()
    }
}

impl Node {
    fn see(&mut self, value: &Value, known: &mut BTreeMap<Kind, BTreeSet<String>>) {
        self.seen += 1;
        self.types.insert(type_of(value));
        match value {
            Value::Object(object) => {
                let kind = kind_of(object);
                self.objects += 1;
                self.kind = Some(kind);
                if matches!(kind, Kind::Session | Kind::Page) {
                    known.entry(kind).or_default().extend(object.keys().cloned());
                }
                for (key, value) in object {
                    let node = self.keys.entry(key.clone()).or_default();
                    if kind == Kind::Session && matches!(&**key, "user" | "data") {
                        node.seen += 1;
                        node.types.insert(type_of(value));
                    } else {
                        node.see(value, known);
                    }
                }
            }
            Value::Array(items) => {
                let node = self.items.get_or_insert_default();
                for item in items {
                    node.see(item, known);
                }
            }
            _ => {}
        }
    }

    /// A line for this node, and one for each that is in it.
    fn show(&self, path: &str, presence: &str, known: &BTreeMap<Kind, BTreeSet<String>>, page: &mut String) {
        let types = self.types.iter().copied().collect::<Vec<_>>().join(" | ");
        let _ = writeln!(page, "{path:<24}  {presence:<9}  {types}");
        let elsewhere = self.kind.and_then(|kind| known.get(&kind)).into_iter().flatten();
        let names: BTreeSet<&String> = self.keys.keys().chain(elsewhere).collect();
        let inside = |key: &str| if path == "body" { key.to_owned() } else { format!("{path}.{key}") };
        for key in names {
            match self.keys.get(key) {
                Some(node) if node.seen == self.objects => node.show(&inside(key), "always", known, page),
                Some(node) => node.show(&inside(key), "sometimes", known, page),
                None => {
                    let _ = writeln!(page, "{:<24}  never", inside(key));
                }
            }
        }
        if let Some(items) = &self.items
            && items.seen > 0
        {
            items.show(&format!("{path}[]"), "each", known, page);
        }
    }
}

fn kind_of(object: &Map<String, Value>) -> Kind {
    if object.contains_key("open_time") {
        Kind::Session
    } else if object.contains_key("total") {
        Kind::Page
    } else if object.contains_key("code") {
        Kind::Error
    } else {
        Kind::Other
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
    use sessions_client::Response;

    fn answer(status: u16, body: &str) -> Response {
        let mut response = Response::new(body.to_owned().into());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    }

    /// The page's lines, each with single spaces.
    fn lines(shapes: &Shapes, name: &str) -> Vec<String> {
        let pages = shapes.pages();
        let (_, page) = pages.iter().find(|(page, _)| page == name).unwrap();
        let lines = page.lines().filter(|line| !line.is_empty());
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_key_is_there_always_sometimes_or_never() {
        let mut shapes = Shapes::new();
        let open = r#"{"id":"x","open_time":"2026-11-23T02:11:09.000Z"}"#;
        let closed = r#"{"id":"x","open_time":"2026-11-23T02:11:09.000Z","close_time":"soon"}"#;
        shapes.see("open", &answer(200, open));
        shapes.see("close", &answer(200, closed));
        shapes.see("find", &answer(200, open));
        shapes.see("find", &answer(200, closed));
        shapes.see("find", &answer(204, ""));
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
    fn all_types_of_a_key_are_told() {
        let mut shapes = Shapes::new();
        for total in ["null", "1", "1.5", "\"1\"", "[]", "043", "{}", "true"] {
            shapes.see("list", &answer(200, &format!(r#"{{"total":{total}}}"#)));
        }
        let types = "total always boolean | list | null | number | object | string | whole number";
        assert_eq!(lines(&shapes, "list__2xx"), ["# 200", "body no JSON | object", types]);
    }

    #[test]
    fn what_is_in_a_list_is_told_and_what_users_keep_is_not() {
        let mut shapes = Shapes::new();
        shapes.see("list", &answer(200, r#"{"total":1,"data":[{"open_time":"t","data":{"secret":1}}]}"#));
        let lines = lines(&shapes, "list__2xx");
        assert!(lines.contains(&"data[].open_time always string".to_owned()), "{lines:?}");
        assert!(lines.contains(&"data[].data always object".to_owned()), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
    }
}
