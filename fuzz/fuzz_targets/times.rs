//! Times, in the forms of services and in those of JavaScript's `Date.parse`.
//!
//! A time that was read is written in a form that both parsers read as the same time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pip_services::timestamp;
use sessions_service::fuzzing::date_parse;

fuzz_target!(|string: &str| {
    for time in [timestamp::parse(string), date_parse(string)].into_iter().flatten() {
        let time = timestamp::truncate_to_millis(time);
        let written = timestamp::to_string(&time);
        assert_eq!(timestamp::parse(&written), Some(time), "{written}");
        assert_eq!(date_parse(&written), Some(time), "{written}");
    }
});
