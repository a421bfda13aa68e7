//! Calls as data, with placeholders for values that each service generates.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt;
use std::io::Write as _;

/// A request. In its strings, `⟦id:0⟧` is the id of the first session that the sequence opened, `⟦ID:0⟧` that
/// id in capitals, `⟦time:0+1⟧` a millisecond after its latest change, and `⟦byte:255⟧` a byte of this value.
/// The index is taken modulo the number of sessions. `⟦md5:⟧` is the digest of the body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
    pub(crate) form: Form,
}

/// The transfer form of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Plain,
    /// With a compressed body and `Content-Encoding`.
    Gzip,
    /// As `Gzip`, with two gzip members.
    GzipInParts,
    /// As `Gzip`, followed by zeros.
    GzipPadded,
    /// As HTTP/1.0.
    Old,
}

impl Form {
    /// Encodes the body. Even an empty body becomes valid gzip, since invalid gzip crashes the real service.
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

/// The call in the form of HTTP.
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

/// Replaces each `⟦…⟧` in `text` by the result of `insert`.
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
