//! Configuration in YAML, JSON and TOML files.
//!
//! Each format has its parser, and all of them produce the same tree. Rejected alternative: a crate for all
//! formats, because its errors quote the lines around a mistake, which may contain a password; the parsers
//! also report the line.
//!
//! A file can also have tables of other programs, which the client ignores.

use super::entry::{Entry, Origin};
use super::keys;
use serde::de::Error as _;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use wiretrait::Result;

/// The tables and lists of other programs, which have no settings of a client.
const IGNORED: [&str; 2] = ["loadtest", "deviations"];

/// The settings of a table in the order of the file, each a key with its values: one, those of a list, or those of a
/// table as `name=value`.
pub type Section = Vec<(String, Vec<String>)>;

/// Reads the settings of the file at `path`, whose extension determines the format.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>> {
    let (mut table, content) = read_table(path)?;
    table.retain(|(key, _)| !IGNORED.contains(&&**key));
    let mut entries = Vec::new();
    flatten("", table, &content, &Origin::File(Arc::from(path)), &mut entries)?;
    Ok(entries)
}

/// Reads the table `name` of the configuration file at `path`, which has the settings of another program. Returns `None`
/// if there is no such table. [`ConfigParams::with_file`](crate::ConfigParams::with_file) ignores the table `loadtest`.
///
/// The values of the keys in `strings`, written with hyphens, must be strings as the file has them: `1.10` without quotes
/// is an error, because the parser reads a number.
///
/// # Errors
///
/// [`ErrorKind::Config`](wiretrait::ErrorKind::Config) for a file that cannot be read, and for a key without a value or
/// with a table of tables.
pub fn read_section(path: &Path, name: &str, strings: &[&str]) -> Result<Option<Section>> {
    let (mut table, content) = read_table(path)?;
    let Some(at) = table.iter().position(|(key, _)| key == name) else { return Ok(None) };
    let error = |key: &str, why: &str| super::error(format!("`{key}` ({}) {why}", path.display()));
    let section = match table.swap_remove(at).1 {
        Tree::Table(section) => section,
        // All lines of the table are comments.
        Tree::Null => return Ok(Some(Vec::new())),
        Tree::Value(_) | Tree::Typed(_) | Tree::List(_) | Tree::Date => {
            return Err(error(name, "must be a table of settings"));
        }
    };
    let values = |(key, tree): (String, Tree)| {
        let changed =
            strings.contains(&&*key.replace('_', "-")).then(|| tree.changed_string(&key, &content)).flatten();
        if let Some(changed) = changed {
            return Err(error(&format!("{name}.{changed}"), NOT_AS_WRITTEN));
        }
        match values(tree) {
            Ok(values) => Ok((key, values)),
            Err(why) => Err(error(&format!("{name}.{key}"), why)),
        }
    };
    section.into_iter().map(values).collect::<Result<_>>().map(Some)
}

/// Returns the values of a setting.
fn values(tree: Tree) -> Result<Vec<String>, &'static str> {
    let single = |tree| match tree {
        Tree::Value(value) | Tree::Typed(value) => Ok(value),
        Tree::Null => Err("has no value; set one, or remove the key"),
        Tree::Table(_) | Tree::List(_) => Err("must be a value, a list of values or a table of values"),
        Tree::Date => Err("must be a string or a number, not a date: write it in quotes"),
    };
    match tree {
        Tree::List(list) => list.into_iter().map(single).collect(),
        Tree::Table(table) => {
            table.into_iter().map(|(name, tree)| Ok(format!("{name}={}", single(tree)?))).collect()
        }
        tree => Ok(vec![single(tree)?]),
    }
}

/// The rest of the sentence about a key whose value is a string, but looks like a number or a truth value to the parser.
const NOT_AS_WRITTEN: &str = "is not kept as it is written; write it in quotes";

/// Returns whether `content` has this value after each occurrence of its key, in the form in which it would be used. The parsers
/// do not report how a number is written, and `1.10` is another password than `1.1`.
fn is_written(key: &str, value: &str, content: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '+' | '-');
    let name = key.rsplit('.').next().unwrap_or(key);
    let values = content.match_indices(name).filter_map(|(at, _)| {
        let is_start = !content[..at].ends_with(|character| is_part(character) && character != '.');
        let behind = content[at + name.len()..].trim_start_matches(['"', '\'']).trim_start();
        behind.strip_prefix([':', '=']).filter(|_| is_start).map(str::trim_start)
    });
    let mut values = values.peekable();
    values.peek().is_some()
        && values.all(|rest| rest.strip_prefix(value).is_some_and(|rest| !rest.starts_with(is_part)))
}

/// Reads the keys of a file, and its content.
fn read_table(path: &Path) -> Result<(Vec<(String, Tree)>, String)> {
    let name = path.display().to_string();
    let error = |why: &str| super::error(format!("the configuration file {name} {why}"));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let parse = match &*extension.to_ascii_lowercase() {
        "yaml" | "yml" => yaml,
        "json" => json,
        "toml" => toml,
        _ => return Err(error("must have the extension `.yaml`, `.yml`, `.json` or `.toml`")),
    };
    let content = fs::read(path).map_err(|why| error(&format!("cannot be read: {why}")))?;
    let content =
        String::from_utf8(content).map_err(|_| error("is not text in UTF-8; save it in that encoding"))?;
    // Some editors write a byte order mark.
    let content = content.strip_prefix('\u{feff}').map_or_else(|| content.clone(), str::to_owned);
    let Tree::Table(table) = parse(&content).map_err(|why| error(&why))? else {
        return Err(error("must be a table of keys such as `connection` and `options`"));
    };
    Ok((table, content))
}

/// Turns nested tables into dotted keys, in the order of the file.
fn flatten(
    group: &str,
    table: Vec<(String, Tree)>,
    content: &str,
    origin: &Origin,
    entries: &mut Vec<Entry>,
) -> Result<()> {
    for (name, tree) in table {
        let key = if group.is_empty() { name } else { format!("{group}.{name}") };
        let entry = |value| Entry { key: key.clone(), value, origin: origin.clone() };
        if !matches!(tree, Tree::Table(_) | Tree::Null)
            && let Some(why) = keys::not_a_group(&key)
        {
            return Err(entry(String::new()).error(why));
        }
        let why = match tree {
            Tree::Typed(value) if keys::is_text(&key) && !is_written(&key, &value, content) => NOT_AS_WRITTEN,
            Tree::Value(value) | Tree::Typed(value) => {
                entries.push(entry(value));
                continue;
            }
            Tree::Table(table) => {
                flatten(&key, table, content, origin, entries)?;
                continue;
            }
            Tree::List(_) => "must be a single value, not a list",
            Tree::Date => "must be a string or a number, not a date",
            Tree::Null if key == "kind" => {
                "has no value; for the kind without data, write `\"null\"` in quotes"
            }
            Tree::Null => "has no value; set one, or remove the key",
        };
        return Err(entry(String::new()).error(why));
    }
    Ok(())
}

fn yaml(content: &str) -> Result<Tree, String> {
    yaml_serde::from_str(content).map_err(|error| {
        // The only error without a position whose reason matters.
        if error.to_string().contains("more than one document") {
            return "has several YAML documents; remove all but one".to_owned();
        }
        let position = error.location().map(|location| (location.line(), location.column()));
        invalid("YAML", position)
    })
}

fn json(content: &str) -> Result<Tree, String> {
    serde_json::from_str(content).map_err(|error| invalid("JSON", Some((error.line(), error.column()))))
}

fn toml(content: &str) -> Result<Tree, String> {
    ::toml::from_str(content).map_err(|error| {
        let before = error.span().and_then(|span| content.get(..span.start));
        let position = before.map(|before| {
            let line = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        });
        invalid("TOML", position)
    })
}

/// Returns the position of a mistake without its content, which may be a password.
fn invalid(format: &str, position: Option<(usize, usize)>) -> String {
    match position {
        Some((line, column)) => format!("is not valid {format} at line {line}, column {column}"),
        None => format!("is not valid {format}"),
    }
}

/// The content of a file: values as strings, tables in the order of the file.
enum Tree {
    Value(String),
    /// A number or a truth value, in the usual form. The file may have another one, such as `0x10` for `16`.
    Typed(String),
    Table(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Date,
    Null,
}

impl Tree {
    /// Returns the key of a string with another form in the file: `key`, or one of this table.
    fn changed_string(&self, key: &str, content: &str) -> Option<String> {
        match self {
            Self::Typed(value) => (!is_written(key, value, content)).then(|| key.to_owned()),
            Self::Table(table) => table.iter().find_map(|(name, tree)| {
                tree.changed_string(name, content).map(|name| format!("{key}.{name}"))
            }),
            // A tag in a list has the form `name=value`, which does not look like a number.
            Self::Value(_) | Self::List(_) | Self::Date | Self::Null => None,
        }
    }
}

/// The only key of the table that the TOML parser passes for a date.
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
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Tree, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Value(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Tree::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            let (Tree::Value(key) | Tree::Typed(key)) = key else {
                return Err(A::Error::custom("a key must be a string"));
            };
            table.push((key, value));
        }
        Ok(if matches!(&table[..], [(key, _)] if key == TOML_DATE) { Tree::Date } else { Tree::Table(table) })
    }
}
