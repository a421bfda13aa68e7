//! Sign-up, sign-in and sessions of users over four services of the Pip.Services framework.

pub mod accounts;
pub mod deployment;
pub mod error;
pub mod facade;
pub mod passwords;
