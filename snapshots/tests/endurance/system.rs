//! Connections and memory of this process, as reported by Linux; `None` on other systems.

use std::collections::BTreeSet;
use std::fs;

/// Returns the server side of the connections at a local `port`, each as its inode number.
pub(crate) fn connections_at(port: u16) -> Option<BTreeSet<u64>> {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/self/net/tcp").ok()?;
    let here = format!(":{port:04X}");
    let connections = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (address, state, inode) = (columns.get(1)?, *columns.get(3)?, columns.get(9)?);
        (address.ends_with(&here) && state == ESTABLISHED).then(|| inode.parse().ok())?
    });
    Some(connections.collect())
}

/// Returns the resident memory of this process in KiB.
pub(crate) fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
