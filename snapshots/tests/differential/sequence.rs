//! A call as data, with names for what each service makes by itself.

use std::fmt;

/// A request. In its texts, `⟦id:0⟧` is the id of the first session that the sequence opened, `⟦ID:0⟧` that in
/// capitals, `⟦time:0+1⟧` a millisecond after its latest change, and `⟦byte:255⟧` a byte of this value. Where
/// there are fewer sessions, they are counted again from the first one.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

/// As one would write it down.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        match &self.body {
            Some(body) => writeln!(f, "\n{body}"),
            None => Ok(()),
        }
    }
}

/// The bytes of a text with `⟦…⟧` in it, each of which is `insert`ed.
pub(crate) fn resolve(text: &str, insert: impl Fn(&str, &str) -> Vec<u8>) -> Vec<u8> {
    let mut resolved = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟦') {
        resolved.extend(before.as_bytes());
        let (name, after) = after.split_once('⟧').unwrap_or((after, ""));
        let (kind, argument) = name.split_once(':').unwrap_or((name, ""));
        resolved.extend(insert(kind, argument));
        rest = after;
    }
    resolved.extend(rest.as_bytes());
    resolved
}
