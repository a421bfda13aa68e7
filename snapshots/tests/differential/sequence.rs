//! A call as data, with names for what each service makes by itself.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt;
use std::io::Write as _;

/// A request. In its texts, `⟦id:0⟧` is the id of the first session that the sequence opened, `⟦ID:0⟧` that in
/// capitals, `⟦time:0+1⟧` a millisecond after its latest change, and `⟦byte:255⟧` a byte of this value. Where
/// there are fewer sessions, they are counted again from the first one. `⟦md5:⟧` is the digest of the body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
    pub(crate) form: Form,
}

/// How a request travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Plain,
    /// With its body compressed, and saying so.
    Gzip,
    /// The same in two parts, which together are the body.
    GzipInParts,
    /// The same with zeros behind it.
    GzipPadded,
    /// In HTTP/1.0.
    Old,
}

impl Form {
    /// The body as it travels. Nothing at all would be no gzip, which ends the real service.
    pub(crate) fn of(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain | Self::Old => body.to_vec(),
            Self::Gzip => gzip(body),
            Self::GzipInParts => {
                let (first, second) = body.split_at(body.len() / 2);
                [gzip(first), gzip(second)].concat()
            }
            Self::GzipPadded => [&gzip(body)[..], &[0; 3]].concat(),
        }
    }

    pub(crate) fn is_gzip(self) -> bool {
        matches!(self, Self::Gzip | Self::GzipInParts | Self::GzipPadded)
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// As one would write it down.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.target)?;
        if self.form != Form::Plain {
            writeln!(f, "({:?})", self.form)?;
        }
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
