//! The attribute behind `sessions_client::http_api`, where its reference and examples are.
//!
//! One trait goes through one file a stage: `attr` reads the annotations, `model` decides whether they
//! make sense, `expand` prints. Reading and deciding note every mistake and go on; printing cannot fail.
//! The printed code calls the runtime for all that has logic in it.

mod attr;
mod errors;
mod expand;
mod model;
mod template;

use proc_macro2::TokenStream;

/// Makes a trait the contract of an HTTP API. Its reference is at `sessions_client::http_api`.
#[proc_macro_attribute]
pub fn http_api(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    run(args.into(), &item.into()).into()
}

fn run(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let args = attr::ApiArgs::parse(args, &mut errors);
    let parsed = match syn::parse2::<syn::ItemTrait>(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            let what = syn::Error::new(error.span(), format_args!("`#[http_api]` goes on a trait: {error}"));
            errors.push(what);
            // The tokens go back as they came, so that an editor still sees half-written code.
            let errors = errors.into_tokens();
            return quote::quote!(#item #errors);
        }
    };
    let api = model::Api::read(args, parsed, &mut errors);
    let expansion = expand::expand(&api);
    let errors = errors.into_tokens();
    quote::quote!(#expansion #errors)
}

#[cfg(test)]
mod tests;
