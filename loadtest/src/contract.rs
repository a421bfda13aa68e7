//! The contract of the service under load, as far as a run and its report depend on it.

use crate::metrics::ContractInfo;
use sessions_client::sessions_v1;
use wiretrait::Route;

/// The contract of the service under load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contract {
    /// The name in reports, in the names of variables, and in goose's tables.
    pub(crate) name: &'static str,
    /// The operations, in the order of reports.
    pub(crate) routes: &'static [&'static Route],
    /// True for the sessions service: there are a model of its sessions, a leftover check and an embedded service.
    pub(crate) is_sessions: bool,
}

impl Contract {
    /// The contract of the sessions service.
    pub(crate) const SESSIONS: Self =
        Self { name: "sessions", routes: sessions_v1::ROUTES, is_sessions: true };

    /// The prefix of the variables with the settings of the client.
    pub(crate) fn variable_prefix(&self) -> String {
        self.name.to_ascii_uppercase().replace(|char: char| !char.is_ascii_alphanumeric(), "_")
    }

    /// The contract in the results.
    pub(crate) fn info(&self) -> ContractInfo {
        ContractInfo {
            name: self.name.to_owned(),
            operations: self.routes.iter().map(|route| route.name.to_owned()).collect(),
            has_sessions: self.is_sessions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_contract_begin_with_its_name() {
        let shop = Contract { name: "web-shop", routes: &[], is_sessions: false };
        assert_eq!(shop.variable_prefix(), "WEB_SHOP");
        assert_eq!(Contract::SESSIONS.variable_prefix(), "SESSIONS");
    }
}
