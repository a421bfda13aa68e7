//! How the load is made.

pub(crate) mod arrival_rate;
pub(crate) mod arrivals;
pub(crate) mod breakpoint;
pub(crate) mod call;
pub(crate) mod goose_attack;
pub(crate) mod schedule;
pub(crate) mod shared;
pub(crate) mod stop;
pub(crate) mod transaction;
pub(crate) mod virtual_user;
