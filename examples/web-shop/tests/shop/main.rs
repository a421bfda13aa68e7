//! Tests of the program: attacks, calls to the service, and real browsers.
//!
//! The service is the one at `SESSIONS_URL`, or an embedded one. Browsers are started by the WebDriver server at
//! `WEBDRIVER_URL`; without it, their tests are skipped. `examples/web-shop/run` starts the real service and
//! chromedriver.

mod attacks;
mod browser;
mod calls;
mod client;
mod errors;
mod gate;
mod program;
mod tabs;
