//! The program `contract` as a pipeline uses it: its guide, its reports, and no secrets in them.
//!
//! The guide is a script for a shell.

#![cfg(unix)]

mod guide;
mod secrets;
mod service;
