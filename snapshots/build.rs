//! Rebuilds the crate when a snapshot that is part of it changes.

fn main() {
    println!("cargo::rerun-if-changed=tests/snapshots/service");
    println!("cargo::rerun-if-changed=tests/snapshots/shapes");
}
