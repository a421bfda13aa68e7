//! Values of arguments outside of the body: how they are written into a request and read from it.
//!
//! The flags `display` and `serde` apply to single values. The type in the signature shows whether there is an
//! `Option` or a list around them.

use super::{Scope, error_span};
use crate::model::{Format, Param, Shape, is_list};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

/// Generates a reference to the value of the field as the encoder takes it. References are passed on, so that
/// `T` needs the bounds and not `&T`.
pub(super) fn written(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let (private, ident, span) = (&scope.private, &param.ident, error_span(&param.ty));
    let Some(format) = format(scope, param) else {
        return match &param.shape {
            Shape::Borrowed(_) => quote_spanned!(span => self.#ident),
            Shape::Owned => quote_spanned!(span => &self.#ident),
            Shape::Optional(_) => {
                let values = with_span(quote!(#private::values), span);
                quote_spanned!(span => &#values(&self.#ident))
            }
            Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => {
                let values = with_span(quote!(#private::borrowed_values), span);
                quote_spanned!(span => &#values(self.#ident))
            }
        };
    };
    let wrap = if is_list(inner(param)) {
        quote!(#private::formatted_list::<#format, _>)
    } else {
        quote!(#private::formatted::<#format, _>)
    };
    let wrap = with_span(wrap, span);
    match &param.shape {
        Shape::Borrowed(_) => quote_spanned!(span => &#wrap(self.#ident)),
        Shape::Owned => quote_spanned!(span => &#wrap(&self.#ident)),
        Shape::Optional(_) => {
            quote_spanned!(span => &#private::Option::map(#private::Option::as_ref(&self.#ident), #wrap))
        }
        Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => {
            quote_spanned!(span => &#private::Option::map(self.#ident, #wrap))
        }
    }
}

/// Gives all tokens of a path the span at which an unsatisfied bound is reported.
pub(super) fn with_span(path: TokenStream, span: Span) -> TokenStream {
    path.into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// Generates the type that reads the argument. Returns `None` if the argument has no flag; `FromParam` reads it
/// then.
pub(super) fn reader(scope: &Scope<'_>, param: &Param) -> Option<TokenStream> {
    let private = &scope.private;
    let format = format(scope, param)?;
    let one = if is_list(inner(param)) { quote!(#private::ListOf<#format>) } else { format };
    let reader = if param.is_optional() { quote!(#private::OptionOf<#one>) } else { one };
    Some(with_span(reader, error_span(&param.ty)))
}

/// Returns the type without the reference and the `Option` around it.
fn inner(param: &Param) -> &Type {
    match &param.shape {
        Shape::Borrowed(inner)
        | Shape::Optional(inner)
        | Shape::OptionalBorrowed(inner)
        | Shape::NullableBorrowed(inner) => inner,
        Shape::Owned => &param.ty,
    }
}

fn format(scope: &Scope<'_>, param: &Param) -> Option<TokenStream> {
    let private = &scope.private;
    match param.format {
        Format::Param => None,
        Format::Display => Some(quote!(#private::ByDisplay)),
        Format::Serde => Some(quote!(#private::BySerde)),
    }
}
