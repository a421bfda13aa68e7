//! Configuration in YAML, JSON and TOML files.
//!
//! Each format has a parser of its own, and all end in the same tree. A crate over all formats was refused: its
//! errors quote the text around a mistake, which may be a password; the parsers tell where it is as well.

use super::entry::{Entry, Origin};
use crate::error::{Error, ErrorKind, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::de::{Error as _, IgnoredAny};
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The settings of the file at `path`, whose extension tells its format.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>> {
    let name = path.display().to_string();
    let refused = |why: &str| Error::new(ErrorKind::Config, format!("the configuration file {name} {why}"));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let parse = match &*extension.to_ascii_lowercase() {
        "yaml" | "yml" => yaml,
        "json" => json,
        "toml" => toml,
        _ => {
            return Err(refused(
                "has no extension that tells its format: `.yaml`, `.yml`, `.json` or `.toml`",
            ));
        }
    };
    let text = fs::read_to_string(path).map_err(|error| refused(&format!("cannot be read: {error}")))?;
    let Tree::Table(table) = parse(&text).map_err(|why| refused(&why))? else {
        return Err(refused("must be a table of keys such as `connection` and `options`"));
    };
    let mut entries = Vec::new();
    flatten("", table, &Origin::File(Arc::from(name)), &mut entries)?;
    Ok(entries)
}

/// Nested tables as dotted keys, in the order of the file.
fn flatten(group: &str, table: Vec<(String, Tree)>, origin: &Origin, entries: &mut Vec<Entry>) -> Result<()> {
    for (name, tree) in table {
        let key = if group.is_empty() { name } else { format!("{group}.{name}") };
        let entry = |value| Entry { key: key.clone(), value, origin: origin.clone() };
        match tree {
            Tree::Text(value) => entries.push(entry(value)),
            Tree::Table(table) => flatten(&key, table, origin, entries)?,
            Tree::List => return Err(entry(String::new()).refused("is a list: give a single value")),
            Tree::Date => return Err(entry(String::new()).refused("is a date: give a text or a number")),
            Tree::Null => {
                return Err(entry(String::new()).refused("is empty: give a value, or leave the key out"));
            }
        }
    }
    Ok(())
}

fn yaml(text: &str) -> Result<Tree, String> {
    yaml_serde::from_str(text).map_err(|error| {
        let place = error.location().map(|place| (place.line(), place.column()));
        invalid("YAML", place)
    })
}

fn json(text: &str) -> Result<Tree, String> {
    serde_json::from_str(text).map_err(|error| invalid("JSON", Some((error.line(), error.column()))))
}

fn toml(text: &str) -> Result<Tree, String> {
    ::toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map(|before| {
            let line = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        });
        invalid("TOML", place)
    })
}

/// Where it is, and not what is there: that may be a password.
fn invalid(format: &str, place: Option<(usize, usize)>) -> String {
    match place {
        Some((line, column)) => format!("is no valid {format} at line {line}, column {column}"),
        None => format!("is no valid {format}"),
    }
}

/// What a file holds, values as text and tables in their order.
enum Tree {
    Text(String),
    Table(Vec<(String, Tree)>),
    List,
    Date,
    Null,
}

/// The key under which the parser of TOML hands a date on, as a table of its own.
const TOML_DATE: &str = "$__toml_private_datetime";

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a table of values")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Tree::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            let Tree::Text(key) = key else { return Err(A::Error::custom("a key that is no text")) };
            table.push((key, value));
        }
        Ok(if matches!(&table[..], [(key, _)] if key == TOML_DATE) { Tree::Date } else { Tree::Table(table) })
    }
}
