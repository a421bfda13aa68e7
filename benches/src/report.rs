//! `report`: prints the tables of `count`, `compare`, `scale` and `servers`.

use crate::child::rustc;
use crate::compare::{Compare, Rounds};
use crate::count::Count;
use crate::scale::Scale;
use crate::servers::Servers;
use anyhow::Result;
use chrono::Utc;
use clap::Args;
use std::fs;
use std::thread::available_parallelism;

/// The arguments of `report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    rounds: Rounds,
}

impl Report {
    pub(crate) async fn run(self) -> Result<()> {
        let Self { rounds } = self;
        println!("{}\n", machine().await?);
        Count::all().run().await?;
        Compare::all(rounds).run().await?;
        Scale::new(rounds).run().await?;
        Servers::new(rounds).run().await
    }
}

/// Returns the date, the processor, the number of cores and the compiler.
async fn machine() -> Result<String> {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("unknown processor", |(_, name)| name);
    let (date, cores) = (Utc::now().format("%Y-%m-%d"), available_parallelism()?);
    Ok(format!("{date}, {processor}, {cores} cores, {}.", rustc().await?))
}
