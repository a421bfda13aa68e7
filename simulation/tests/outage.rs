//! The table of the README is the one that the program prints.

use simulation::outage_table;
use std::io;

#[test]
fn the_readme_has_the_current_table_of_outages() -> io::Result<()> {
    let table = outage_table()?;
    assert!(include_str!("../README.md").contains(&table), "replace the table by:\n{table}");
    Ok(())
}
