//! `loadtest compare`: two services under the same load at the same time.
//!
//! One run of goose has the users of both services, so that their calls are interleaved, and everything that
//! disturbs one service or the load generator disturbs the other at the same moment. Each service has its own
//! metrics, its own model of all writes and its own leftover check. Rejected alternative: slices of time in
//! which one service after the other is loaded, because noise that is shorter than a slice does not cancel.

use super::CommandOutput;
use super::cleanup_command::cleanup_command;
use super::lifecycle::{PreparedRun, Services};
use super::load_test::{executor, goose_configuration, parse_timeout, run_context};
use super::open_files;
use super::plan::Plan;
use super::report_files::ReportFiles;
use super::service::{Service, Target};
use crate::cli::{Cli, Hidden, ServiceOptions, all_at_once};
use crate::contract::Contract;
use crate::error::LoadTestError;
use crate::executors::arrivals::queue;
use crate::executors::stop::Stop;
use crate::status;
use crate::telemetry::exporters::ExporterSettings;
use crate::workload::Workload;
use goose::config::GooseConfiguration;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// The service of `--host` and the one of `--against`, in this order.
type Pair<T> = [T; 2];

/// Compares two services.
pub(super) async fn compare(mut cli: Cli, workload: &dyn Workload) -> Result<CommandOutput, LoadTestError> {
    let stop = Stop::on_signals()?;
    let plan = Plan::new(&mut cli, workload)?;
    let of_other = options_of_other(&cli);
    let targets = targets(&cli, &of_other, workload.contract())?;
    let services = connect(&cli, &targets).await?;
    let files = ReportFiles::new(&cli.goose)?;
    let telemetry = ExporterSettings::read(&cli.telemetry)?;
    let allowed = services.iter().try_for_each(|service| service.check_allowed(cli.run.yes));
    if cli.run.dry_run {
        let planned = plan.dry_run(&cli, &services[0], allowed, workload);
        return Ok(CommandOutput::Printed(format!("compared:  with {}\n{planned}", services[1])));
    }
    allowed?;
    let is_embedded = services.iter().any(Service::is_embedded);
    open_files::raise_limit(plan.max_users() * 2, is_embedded).map_err(LoadTestError::LoadGenerator)?;
    let respond = async {
        for service in &services {
            service.check_responds(cli.service.wait).await?;
        }
        Ok(())
    };
    tokio::select! {
        checked = respond => checked?,
        signal = stop.signalled() => return Err(LoadTestError::Stopped(signal)),
    }
    files.check_writable()?;
    let commands = targets.map(|target| cleanup_command(&target, cli.run.yes, &plan.test_run_id));
    let ([service, against], [command, command_of_other]) = (services, commands);
    let services = [(service, command), (against, command_of_other)];
    let run = prepare(&cli, &plan, services, &stop, (files, telemetry), workload)?;
    Ok(run.run().await?.report())
}

/// The options of the service of `--against`: its address, and otherwise those of the first service.
fn options_of_other(cli: &Cli) -> ServiceOptions {
    let file = cli.compared_with.as_ref().and_then(|other| other.against_config.clone());
    let config = file.or_else(|| cli.service.config.clone());
    ServiceOptions { config, ..cli.service.clone() }
}

/// The targets of both services.
fn targets<'t>(
    cli: &'t Cli,
    of_other: &'t ServiceOptions,
    contract: &'t Contract,
) -> Result<Pair<Target<'t>>, LoadTestError> {
    let timeout = cli.goose.timeout.as_deref().map(parse_timeout).transpose()?;
    let against = cli.compared_with.as_ref().and_then(|other| other.against.as_ref());
    let against = against.map(|Hidden(host)| &**host);
    let host = cli.goose.host.as_deref();
    let has_own_file = cli.compared_with.as_ref().is_some_and(|other| other.against_config.is_some());
    let targets = [(&cli.service, host, false), (of_other, against, has_own_file)];
    Ok(targets.map(|(options, host, file_replaces_variables)| Target {
        contract,
        options,
        host,
        timeout,
        file_replaces_variables,
    }))
}

/// Configures both services, or starts two embedded ones.
async fn connect(
    cli: &Cli,
    [target, target_of_other]: &Pair<Target<'_>>,
) -> Result<Pair<Service>, LoadTestError> {
    let service = Service::connect(target).await?;
    let is_given = cli
        .compared_with
        .as_ref()
        .is_some_and(|other| other.against.is_some() || other.against_config.is_some());
    if is_given && service.is_embedded() {
        service.require_address()?;
    }
    if !is_given && !service.is_embedded() {
        let why = "the service to compare with is missing: set --against or --against-config";
        return Err(LoadTestError::Option(why.to_owned()));
    }
    let other = Service::connect(target_of_other).await?;
    if is_given && service.has_address_of(&other) {
        let shown = &other.shown;
        status::log(format_args!(
            "warning: both services are {shown}: unless headers lead to different ones, all differences are noise"
        ));
    }
    Ok([service, other])
}

/// Prepares what the users of both services need, their executors, and goose's configuration for all of them.
fn prepare(
    cli: &Cli,
    plan: &Plan,
    services: Pair<(Service, String)>,
    stop: &Stop,
    (files, telemetry): (ReportFiles, ExporterSettings),
    workload: &dyn Workload,
) -> Result<PreparedRun, LoadTestError> {
    let running = Arc::new(AtomicUsize::new(2));
    let mut goose = None;
    let mut executors = Vec::new();
    let mut id_number = 0;
    let mut context = |(service, cleanup_command)| {
        let (sender, arrivals) = queue(plan.segment, plan.steps(), stop.clone());
        // Both services may have one store, so that their user ids differ.
        let plan = Plan { id_number, ..plan.clone() };
        let context = run_context(cli, plan, service, cleanup_command, stop.clone(), arrivals, workload)?;
        let mut configuration = goose_configuration(cli, &context);
        let executor = executor(&context, &mut configuration, sender, context.template(), &running);
        executors.push((Arc::clone(&context.shared), executor));
        goose.get_or_insert(configuration);
        id_number += 1;
        Ok::<_, LoadTestError>(Arc::new(context))
    };
    let [service, against] = services;
    let services = Services { first: context(service)?, against: Some(context(against)?) };
    let goose = for_both(goose.unwrap_or_default());
    let start_at = cli.run.start_at;
    Ok(PreparedRun { services, executors, goose, start_at, files, baseline: None, telemetry })
}

/// Doubles the users.
fn for_both(mut goose: GooseConfiguration) -> GooseConfiguration {
    let users = goose.users.unwrap_or_default();
    goose.users = Some(users * 2);
    if goose.increase_rate == Some(all_at_once(users)) {
        goose.increase_rate = Some(all_at_once(users * 2));
    }
    goose
}
