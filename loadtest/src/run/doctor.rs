//! `loadtest doctor`: each step of connecting to the service, with its result.

use super::service::{Service, Target};
use crate::cli::{DoctorOptions, Hidden};
use crate::contract::Contract;
use crate::error::LoadTestError;
use std::fmt::{self, Display};
use wiretrait::doctor::diagnose;

/// The steps of connecting to a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    lines: Vec<String>,
    /// True if all steps succeeded, of several addresses those of one.
    pub(crate) is_healthy: bool,
}

impl Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Makes each step to each address, up to the first that fails.
pub(super) async fn examine(
    options: &DoctorOptions,
    contract: &Contract,
) -> Result<Diagnosis, LoadTestError> {
    if options.service.wait.is_some() {
        let why = "--wait is not supported by doctor, which makes each step once";
        return Err(LoadTestError::Option(why.to_owned()));
    }
    let host = options.host.as_ref().map(|Hidden(host)| &**host);
    let service = Service::connect(&Target {
        contract,
        options: &options.service,
        host,
        timeout: None,
        file_replaces_variables: false,
    })
    .await?;
    service.require_address()?;
    let mut lines = vec![format!("service: {service}")];
    let steps = diagnose(&service.config).await;
    // Other instances may serve while one does not.
    let mut addresses: Vec<&str> = steps.iter().map(|step| &*step.address).collect();
    addresses.dedup();
    let fails = |address: &str| steps.iter().any(|step| step.address == address && step.result.is_err());
    let is_reachable = addresses.iter().any(|address| !fails(address));
    lines.extend(steps.iter().map(|step| match addresses.len() {
        1 => step.to_string(),
        _ => format!("{}: {step}", step.address),
    }));
    let mut is_healthy = is_reachable;
    if is_healthy {
        match service.check_responds(None).await {
            Ok(()) if contract.is_sessions => {
                lines.push(format!("status: {} responds", service.described()));
            }
            // Only the sessions service has calls that are known to be harmless.
            Ok(()) => lines.push("status: connected; no call was made".to_owned()),
            Err(error) => {
                lines.push(format!("status: failed: {error}"));
                is_healthy = false;
            }
        }
    }
    Ok(Diagnosis { lines, is_healthy })
}
