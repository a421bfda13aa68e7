//! The `loadtest` program: the load test of the sessions service.

use loadtest::LoadTest;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Faster than the allocator of the C library: each call of the load generator costs less CPU.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    LoadTest::sessions().main()
}
