//! The tokens that `#[http_api]` receives: the arguments in the first line, and the trait after it.
//!
//! The macro reports an error, or generates code that can be parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;

fuzz_target!(|source: &str| {
    let (args, item) = source.split_once('\n').unwrap_or(("", source));
    let (Ok(args), Ok(item)) = (args.parse::<TokenStream>(), item.parse::<TokenStream>()) else { return };
    let expansion = sessions_macros_library::expand(args, &item);
    let has_error = expansion.to_string().contains("compile_error");
    assert!(has_error || syn::parse2::<syn::File>(expansion).is_ok(), "neither an error nor code");
});
