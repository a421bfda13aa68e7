//! Implementation of the attribute `wiretrait::http_api`; the reference and examples are there.
//!
//! A trait passes through three stages: `attr` parses the annotations, `model` validates them, and `expand`
//! generates the code. Parsing and validation report every mistake and continue; code generation cannot fail.
//! The generated code contains no logic; it calls the runtime.

mod attr;
mod errors;
mod expand;
mod model;
mod recover;
mod template;

use proc_macro2::TokenStream;

/// Turns a trait into the contract of an HTTP API. See `wiretrait::http_api` for the reference.
#[cfg(not(fuzzing))]
#[proc_macro_attribute]
pub fn http_api(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    run(args.into(), &item.into()).into()
}

/// Expands the attribute for fuzz targets, which build this crate as an ordinary library.
#[cfg(fuzzing)]
pub fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    run(args, item)
}

fn run(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let args = attr::ApiArgs::parse(args, &mut errors);
    let Some(parsed) = recover::parse(item, &mut errors) else {
        // Emits the input unchanged, so that editors can still analyze it.
        let errors = errors.into_tokens();
        return quote::quote!(#item #errors);
    };
    let api = model::Api::read(args, parsed, &mut errors);
    let expansion = expand::expand(&api);
    let errors = errors.into_tokens();
    quote::quote!(#expansion #errors)
}

#[cfg(test)]
mod tests;
