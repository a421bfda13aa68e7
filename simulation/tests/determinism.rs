//! A seed determines everything that happens.

use simulation::{Bug, run};
use std::io;
use std::process::Command;

#[test]
fn the_same_seed_gives_the_same_events() -> io::Result<()> {
    for seed in 0..60 {
        let [first, second] = [run(seed, None)?, run(seed, None)?];
        assert!(first.events.len() > 50, "{first}");
        for (one, other) in first.events.iter().zip(&second.events) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(first.events.len(), second.events.len(), "seed {seed}");
    }
    Ok(())
}

#[test]
fn other_runs_before_a_seed_do_not_change_it() -> io::Result<()> {
    let alone = run(7, None)?;
    run(8, Some(Bug::LeakedPermit))?;
    assert_eq!(run(7, None)?.events, alone.events);
    Ok(())
}

#[test]
fn a_seed_gives_the_same_log_in_another_process() -> io::Result<()> {
    let log = || {
        let output = Command::new(env!("CARGO_BIN_EXE_simulation")).args(["--seed", "3"]).output()?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let expected = format!("{}\n", run(3, None)?);
    assert_eq!(log()?, expected);
    assert_eq!(log()?, expected);
    Ok(())
}

#[test]
fn the_program_names_the_seed_that_fails() -> io::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_simulation"))
        .args(["--seeds", "20", "--plant", "late-deadline"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let failed = text.lines().find(|line| line.starts_with("seed ")).unwrap_or_default();
    let seed = failed.split([' ', ':']).nth(1).unwrap_or_default();
    assert!(
        text.contains(&format!("cargo run -p simulation -- --seed {seed} --plant late-deadline")),
        "{text}"
    );
    Ok(())
}
