//! Markdown tables that are also readable in a terminal.

use std::fmt;
use tabled::builder::Builder;
use tabled::settings::Style;

/// A table with a heading row.
pub(crate) struct Table(Builder);

impl Table {
    pub(crate) fn new(head: impl IntoIterator<Item: Into<String>>) -> Self {
        let mut table = Self(Builder::new());
        table.push(head);
        table
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item: Into<String>>) {
        self.0.push_record(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.clone().build().with(Style::markdown()))
    }
}

/// Formats a number with three significant digits and a suffix, such as `12.3 k`.
pub(crate) fn thousands(number: f64) -> String {
    match number {
        number if number < 1e3 => format!("{number:.0}"),
        number if number < 1e4 => format!("{:.2} k", number / 1e3),
        number if number < 1e6 => format!("{:.1} k", number / 1e3),
        number => format!("{:.2} M", number / 1e6),
    }
}
