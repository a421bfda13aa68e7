//! How the load is made: users of goose, arrivals at a rate, the search for the limit, and the end of it.

pub(crate) mod arrivals;
pub(crate) mod limit;
pub(crate) mod load;
pub(crate) mod progress;
pub(crate) mod schedule;
pub(crate) mod start_time;
pub(crate) mod stop;
pub(crate) mod virtual_user;
