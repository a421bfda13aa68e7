//! Accepted differences between implementations, each with a reason.
//!
//! Snapshots without a variant are those of the maintained Node service with in-memory persistence. An
//! implementation that differs has a separate snapshot, `…@old.snap`, and a reason here. A difference without
//! a reason fails, and so does a reason without a difference, so that one deviating implementation does not
//! loosen the contract for the others.
//!
//! To accept the differences of another implementation, add it to [`VARIANTS`] and [`DIFFERENCES`], run the
//! live tests with `SESSIONS_VARIANT` set to its name, and review its snapshots with `cargo insta review`.

use std::fmt::Write as _;

/// A difference, and the reason why it is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The variant with separate snapshots: `embedded`, or the value of `SESSIONS_VARIANT`.
    pub variant: &'static str,
    /// The snapshots, as folder and name: `service/open_session__invalid_arguments`.
    pub snapshots: &'static [&'static str],
    /// The difference, and the reason why it is accepted.
    pub reason: &'static str,
}

/// An implementation that the suite knows.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name in `SESSIONS_VARIANT` and in the names of its snapshots.
    pub name: &'static str,
    /// Its description.
    pub what: &'static str,
}

/// The known implementations.
pub const VARIANTS: &[Variant] = &[
    Variant { name: "embedded", what: "the embedded service of this workspace" },
    Variant { name: "old", what: "pip-services-sessions-node 1.1.0, the older generation" },
];

/// The known differences.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        variant: "old",
        snapshots: &[
            "service/close_session__invalid_arguments",
            "service/delete_session_by_id__invalid_arguments",
            "service/get_session_by_id__invalid_arguments",
            "service/get_sessions__invalid_arguments",
            "service/open_session__broken",
            "service/open_session__invalid_arguments",
            "service/store_session_data__invalid_arguments",
            "service/update_session_user__invalid_arguments",
        ],
        reason: "The keys of an error have another order. JSON parsers do not depend on it.",
    },
    Difference {
        variant: "old",
        snapshots: &["service/get_sessions__paging"],
        reason: "Fractions of `skip` and `take` are rounded up, not to the nearest integer. The client sends integers.",
    },
    Difference {
        variant: "old",
        snapshots: &["service/no_operation__paths"],
        reason: "Escapes in the path of a route are not decoded, so the path differs. The client never escapes a route.",
    },
    Difference {
        variant: "old",
        snapshots: &["service/get_session_by_id__headers"],
        reason: "There is no `Access-Control-Allow-Origin` if a request has no `Origin`, and the keys of an error have \
                 another order. The header is for browsers, which send an `Origin`.",
    },
];

/// Returns whether `variant` has a separate snapshot for `snapshot`.
#[must_use]
pub fn differs(variant: &str, snapshot: &str) -> bool {
    DIFFERENCES.iter().any(|known| known.variant == variant && known.snapshots.contains(&snapshot))
}

/// Renders the differences as a Markdown table.
#[must_use]
pub fn table() -> String {
    let mut table =
        "| implementation | snapshots | difference, and why it is accepted |\n|---|---|---|\n".to_owned();
    for Difference { variant, snapshots, reason } in DIFFERENCES {
        let what = VARIANTS.iter().find(|known| known.name == *variant).map_or("", |known| known.what);
        let snapshots =
            snapshots.iter().map(|snapshot| format!("`{snapshot}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(table, "| `{variant}`: {what} | {snapshots} | {reason} |");
    }
    table
}
