//! The options of `contract check` for accepted deviations.

use crate::check::CheckReport;
use crate::deviations::{
    DeviationError, Deviations, Statement, accept, add_to_file, check_writable, known_file, parse_date,
};
use crate::environment::{config_file, log, named_deviations};
use chrono::NaiveDate;
use clap::Args;
use std::error::Error;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct DeviationArgs {
    /// File with accepted deviations, or a known implementation such as `old`; several are separated by commas. Those
    /// in the file of --config are accepted too [env: `SESSIONS_DEVIATIONS`]
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    deviations: Vec<String>,

    /// Fail if a deviation matches no difference any more
    #[arg(long)]
    pub(super) fail_on_unused: bool,

    /// Accept the differences that fail the check: add them to the file of --deviations, or else of --config
    #[arg(long, requires = "reason")]
    accept: bool,

    /// Reason why they are accepted
    #[arg(long, value_name = "SENTENCE", requires = "accept", value_parser = statement)]
    reason: Option<String>,

    /// Person or team that is responsible for them
    #[arg(long = "by", value_name = "NAME", requires = "accept", value_parser = statement)]
    owner: Option<String>,

    /// Last day on which they are accepted, such as `2027-03-31`
    #[arg(long, value_name = "DATE", requires = "accept", value_parser = parse_date)]
    until: Option<NaiveDate>,
}

/// The deviations of a check.
pub(super) struct LoadedDeviations {
    pub(super) all: Deviations,
    /// The acceptance of further ones, if the user asks for that.
    pub(super) acceptance: Option<Acceptance>,
}

/// The acceptance of the differences of a check.
pub(super) struct Acceptance {
    target: PathBuf,
    statement: Statement,
    description: Option<PathBuf>,
    names: Vec<String>,
}

impl DeviationArgs {
    /// Reads all deviations, also those in the description of the deployment.
    ///
    /// # Errors
    ///
    /// If a file is not valid, or differences cannot be accepted.
    pub(super) fn load(
        &self,
        config: Option<&Path>,
        today: NaiveDate,
    ) -> Result<LoadedDeviations, Box<dyn Error>> {
        let description = config_file(config);
        let names = if self.deviations.is_empty() { named_deviations() } else { self.deviations.clone() };
        let Some(reason) = self.reason.clone().filter(|_| self.accept) else {
            let all = Deviations::load(description.as_deref(), &names)?;
            return Ok(LoadedDeviations { all, acceptance: None });
        };
        if let Some(until) = self.until.filter(|until| *until < today) {
            return Err(format!("--until {until} is over: give a later date").into());
        }
        let file = names.iter().rev().find(|name| known_file(name).is_none());
        let target = file.map(PathBuf::from).or_else(|| description.clone());
        let target = target.ok_or("--accept needs a file for the deviations: add --deviations FILE")?;
        check_writable(&target)?;
        let statement = Statement { reason, owner: self.owner.clone(), until: self.until };
        let acceptance = Acceptance { target, statement, description, names };
        Ok(LoadedDeviations { all: acceptance.load()?, acceptance: Some(acceptance) })
    }
}

impl Acceptance {
    /// Reads all deviations. The file that they are added to need not exist yet.
    fn load(&self) -> Result<Deviations, DeviationError> {
        let is_read = |name: &&String| Path::new(name) != self.target || self.target.exists();
        let names: Vec<String> = self.names.iter().filter(is_read).cloned().collect();
        Deviations::load(self.description.as_deref(), &names)
    }

    /// Adds the differences that fail a check to the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn accept(&self, report: &mut CheckReport, today: NaiveDate) -> Result<(), DeviationError> {
        if report.aborted.is_some() || report.is_stopped {
            log("nothing was accepted, since the check did not reach all cases");
            return Ok(());
        }
        let accepted = accept(report, &self.statement);
        if accepted.is_empty() {
            log("nothing was accepted, since no difference fails the check");
            return Ok(());
        }
        let differences = report.findings().filter(|(_, finding)| report.fails_on(finding)).count();
        add_to_file(&self.target, &accepted)?;
        report.deviations = self.load()?.apply(&mut report.cases, today);
        let entries = accepted.iter().map(|accepted| accepted.deviations.len()).sum();
        log(&format!(
            "accepted {} as {} in {}; the snapshots of the contract are unchanged",
            counted(differences, "difference"),
            counted(entries, "deviation"),
            self.target.display()
        ));
        Ok(())
    }
}

fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

fn statement(value: &str) -> Result<String, &'static str> {
    let value = value.trim();
    if value.is_empty() { Err("must not be empty") } else { Ok(value.to_owned()) }
}
