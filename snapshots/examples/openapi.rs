//! Prints the contract as an OpenAPI document, which is checked in:
//!
//! ```sh
//! cargo run -p snapshots --example openapi > snapshots/openapi.json
//! ```

use sessions_client::sessions_v1;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let document = snapshots::openapi(sessions_v1::ROUTES, &snapshots::examples(&folder)?)?;
    print!("{}", snapshots::openapi_text(&document)?);
    Ok(())
}
