//! Where implementations are known to differ, and why they may.
//!
//! The pages without a variant are those of the Node service that is maintained, with sessions in memory. Any
//! other implementation that differs has a page of its own, `…@old.snap`, and a reason here: a difference without
//! a reason fails, and so does a reason without a difference. Nothing is loosened for all because one is odd.

use std::fmt::Write as _;

/// Implementations that differ in the same way, for the same reason.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The variant that has pages of its own: `embedded`, or what `SESSIONS_VARIANT` says.
    pub variant: &'static str,
    /// The pages, as folder and name: `service/open_session__refused`.
    pub pages: &'static [&'static str],
    /// What differs, and why it may.
    pub reason: &'static str,
}

/// An implementation that the suite knows.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name in `SESSIONS_VARIANT` and in the names of its pages.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
}

/// Who may differ.
pub const VARIANTS: &[Variant] = &[
    Variant { name: "embedded", what: "the embedded service of this workspace" },
    Variant { name: "old", what: "pip-services-sessions-node 1.1.0, the older generation" },
];

/// The differences that are known.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        variant: "old",
        pages: &[
            "service/close_session__refused",
            "service/delete_session_by_id__refused",
            "service/get_session_by_id__refused",
            "service/get_sessions__refused",
            "service/open_session__broken",
            "service/open_session__refused",
            "service/store_session_data__refused",
            "service/update_session_user__refused",
        ],
        reason: "The keys of an error come in another order. No reader of JSON depends on it.",
    },
    Difference {
        variant: "old",
        pages: &["service/get_sessions__paging"],
        reason: "Fractions of `skip` and `take` are rounded up, not to the nearest. The client sends whole numbers.",
    },
    Difference {
        variant: "old",
        pages: &["service/no_operation__paths"],
        reason: "Escapes in the path of a route are not decoded, so it is another path. The client escapes no route.",
    },
    Difference {
        variant: "old",
        pages: &["service/get_session_by_id__headers"],
        reason: "There is no `Access-Control-Allow-Origin` where a request has no `Origin`, and the keys of an error \
                 come in another order. The header is for browsers, which send an `Origin`.",
    },
];

/// Whether `variant` has a page of its own for `page`.
#[must_use]
pub fn differs(variant: &str, page: &str) -> bool {
    DIFFERENCES.iter().any(|known| known.variant == variant && known.pages.contains(&page))
}

/// The differences as rows of a Markdown table.
#[must_use]
pub fn table() -> String {
    let mut table = "| implementation | pages | what differs, and why it may |\n|---|---|---|\n".to_owned();
    for Difference { variant, pages, reason } in DIFFERENCES {
        let what = VARIANTS.iter().find(|known| known.name == *variant).map_or("", |known| known.what);
        let pages = pages.iter().map(|page| format!("`{page}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(table, "| `{variant}`: {what} | {pages} | {reason} |");
    }
    table
}
